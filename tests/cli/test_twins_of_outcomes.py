"""``trialsim twins`` of protocols whose endpoint is one response, level or event a participant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.cli.in_process import run
from tests.declared_files import tables, write_protocol
from trialsim.prognosis import FitSettings, OutcomeSampler
from trialsim.study.people import learning
from trialsim.study.validation import validate

LEVELS = ("none", "mild", "severe")
BRIEF = FitSettings(tune=400, draws=400, accept=0.95, max_rhat=1.05, min_ess=50.0, max_divergences=20)


@pytest.fixture(scope="module")
def compiled() -> OutcomeSampler:
    return OutcomeSampler()


@pytest.fixture(autouse=True)
def _one_compilation_and_brief_fits(monkeypatch, compiled) -> None:
    monkeypatch.setattr(OutcomeSampler, "__init__", lambda self: vars(self).update(vars(compiled)))
    monkeypatch.setattr("trialsim.prognosis.twins.outcome.FitSettings", lambda **_: BRIEF)
    monkeypatch.setattr(learning, "OUTCOME_FOLD_SETTINGS", BRIEF)
    monkeypatch.setattr(validate, "OUTCOME_FOLD_SETTINGS", BRIEF)
    # Wide enough that no table is turned on its side.
    monkeypatch.setenv("COLUMNS", "240")


def protocol(folder: Path, kind: str, endpoint: dict[str, Any], **changes: Any) -> str:
    """Write a protocol whose trial recruits from the history beside it."""
    made = tables(kind) | {
        "population": {"kind": "history", "register": 5000},
        "endpoints": [{"kind": kind, "course": {"kind": "history"}, **endpoint}],
    } | changes  # fmt: skip
    return str(write_protocol(folder / "protocol.toml", made))


@pytest.fixture
def grades(tmp_path: Path) -> Path:
    """Write a history of grades that fall with age and rise again; return its folder."""
    rng = np.random.default_rng(5)
    age, dose = rng.normal(60, 8, 400), rng.standard_normal(400)
    latent = -0.8 + 0.9 * (((age - 60) / 8) ** 2 - 1) + 0.8 * dose + rng.logistic(size=400)
    grade = np.array(LEVELS)[(latent > 0).astype(int) + (latent > 1.5)]
    frame = pd.DataFrame({"participant": np.arange(400), "age": age, "dose": dose, "grade": grade})
    frame.to_csv(tmp_path / "grades.csv", index=False)
    return tmp_path


def of_grades(folder: Path, **twins: Any) -> str:
    return protocol(
        folder, "level",
        {"name": "grade", "direction": "higher_is_worse", "levels": list(LEVELS), "months": 6.0},
        effects=[{"arm": "active", "kind": "odds_ratio", "value": 0.5, "source": "test"}],
        history={"file": "grades.csv"},
        twins={"source": "learned", "covariates": ["age", "dose"], "splines": ["age"]} | twins,
        analyses=[{"kind": "proportional_odds", "adjust": ["score"]}],
    )  # fmt: skip


def test_validate_follows_the_curve_that_the_protocol_asks_for(monkeypatch, capsys, tmp_path, grades) -> None:
    page = tmp_path / "page.html"
    arguments = ("twins", "validate", of_grades(grades), "--folds", "2", "--quiet", "-o", str(page))
    assert run(monkeypatch, *arguments, "--cache", str(tmp_path)) == 0
    text = capsys.readouterr().out
    assert "grade, ordinal (none < mild < severe); spline of age" in " ".join(text.split())
    gain = text[text.index("Gain of the score beyond one covariate") : text.index("Gain is the share")]
    rows = {
        row.split("│")[1].strip(): [float(cell) for cell in row.split("│")[2:9]]
        for row in gain.splitlines()
        if row.startswith(("│ age", "│ dose"))
    }
    assert rows["age"][0] == rows["dose"][0] == 400
    assert rows["age"][2] > 0.2, "dose and the curve are beyond a line in age"
    assert rows["dose"][2] > 0.1, "the curve is beyond dose"
    for _, correlation, low, high, saved, least, most in rows.values():
        assert low < correlation < high
        assert least < saved < most
        assert saved == pytest.approx(correlation**2, abs=0.02)
    (middle,) = (line for line in text.splitlines() if "share at level mild" in line)
    assert 0.02 < float(middle.split("│")[5]) < 0.98
    row = next(line for line in text.splitlines() if "discrimination (.5 by chance)" in line)
    # Without the curve it is .65, by dose alone; with it .76.
    assert float(row.split("│")[2]) > 0.72
    verdict = " ".join(text[text.index("Verdict") :].split())
    assert "A saving is supported" in verdict, "the curve saves what no line can"
    assert "A saving is supported" in page.read_text(encoding="utf-8")


def test_whatif_follows_the_curve_and_says_on_which_scale_a_treatment_is(
    monkeypatch, capsys, tmp_path, grades
) -> None:
    arguments = ("twins", "whatif", of_grades(grades), "--cache", str(tmp_path), "--quiet")
    found = {}
    for age in ("44", "60", "76"):
        assert run(monkeypatch, *arguments, "--set", f"age={age}") == 0
        text = capsys.readouterr().out
        row = next(line for line in text.splitlines() if line.startswith("│"))
        found[age] = float(row.split("│")[3])
        assert "an association in the history, not the effect of changing it" in " ".join(text.split())
    assert min(found["44"], found["76"]) > found["60"] + 0.4, "a line would rise or fall throughout"
    assert len(list(tmp_path.glob("outcome-*.npz"))) == 1
    term = ("--treatment", "drug", "-0.5", "0.2", "--effect-source", "an assumption")
    assert run(monkeypatch, *arguments, *term) == 0
    assert "Effect of drug: -0.5 log odds ratio (SD 0.2), an assumption." in capsys.readouterr().out


@pytest.mark.parametrize("command", ["validate", "whatif"])
@pytest.mark.parametrize(
    ("twins", "words"),
    [
        ({"splines": ["height"]}, "twins.splines: is neither baseline nor a covariate of the twins"),
        ({"splines": ["baseline"]}, "has no value at baseline. Got 'baseline'. Mend: name the score"),
        ({"study_effects": True}, "twins.study_effects: studies have effects of their own"),
        ({"visit_scales": True}, "twins.visit_scales: one response, level, count or event has no visits"),
        ({"family": "binary"}, "twins.family: is no family for a level outcome"),
        ({"source": "assumed", "auc": 0.7, "covariates": [], "splines": []}, "needs a history"),
    ],
)
def test_twins_that_cannot_be_meant_are_one_clear_line(
    monkeypatch, capsys, grades, command, twins, words
) -> None:
    file = of_grades(grades, **twins)
    change = ("--add", "age=1") if command == "whatif" else ()
    assert run(monkeypatch, "twins", command, file, *change) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"Error: {file}: " in said
    if "needs a history" not in words:
        assert words in said


def test_too_few_for_the_terms_are_refused_with_the_number(monkeypatch, capsys, grades) -> None:
    past = grades / "grades.csv"
    frame = pd.read_csv(past)
    kept = pd.concat(
        [frame[frame["grade"] == "none"], *(frame[frame["grade"] == g][:15] for g in LEVELS[1:])]
    )
    kept.to_csv(past, index=False)
    assert run(monkeypatch, "twins", "validate", of_grades(grades), "--quiet") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "the history is too small for these terms: 30 participants" in said
    assert "at least 34 are needed" in said


@pytest.fixture
def responses(tmp_path: Path) -> str:
    """Return a protocol of a history of responses that rise with age, in three sites, with race."""
    rng = np.random.default_rng(5)
    age, count = rng.normal(60, 8, 240), 240
    pd.DataFrame(
        {
            "participant": np.arange(count),
            "age": age,
            "site": np.arange(count) % 3,
            "RACE": np.where(np.arange(count) < 5, "few", np.where(np.arange(count) % 2, "one", "other")),
            "response": (rng.random(count) < 1 / (1 + np.exp(-(age - 60) / 6))).astype(int),
        }
    ).to_csv(tmp_path / "responses.csv", index=False)
    return protocol(
        tmp_path, "response", {"name": "response", "direction": "higher_is_better", "months": 6.0},
        history={"file": "responses.csv", "columns": {"group": "site"}},
        twins={"source": "learned", "covariates": ["age"]},
        analyses=[{"kind": "g_computation", "adjust": ["score"]}],
    )  # fmt: skip


def test_validate_judges_groups_and_race(monkeypatch, capsys, tmp_path, responses) -> None:
    arguments = ("twins", "validate", responses, "--folds", "3", "--by-group", "--quiet")
    assert run(monkeypatch, *arguments, "--cache", str(tmp_path), "-o", str(tmp_path / "p.html")) == 0
    text = capsys.readouterr().out
    for words in (
        "on participants never seen",
        "on groups never seen",
        "observed to expected",
        "calibration slope",
        "discrimination",
        "Each group, by a model that never saw it",
        "Gain of the score beyond one covariate",
        "share of responses, upper half of the score",
        "Verdict",
    ):
        assert words in " ".join(text.split()), words
    race = [line for line in text.splitlines() if line.startswith("│ RACE")]
    assert len(race) == 3, "race is judged though nobody asked for it"
    assert sum("True" in line for line in race) == 1, "what one subtraction would tell is not shown"
    (few,) = (line for line in race if "few" in line)
    assert "False" in few
    assert not any(character.isdigit() for character in few), "a small cell shows no number"
    # One covariate and a line in it are the same thing: the score saves nothing beyond them.
    assert "No saving is supported" in text


def test_a_column_that_is_not_there_is_refused_before_any_fit(monkeypatch, capsys, responses) -> None:
    def fit(*_: object, **__: object) -> None:
        raise AssertionError("fitted first")

    monkeypatch.setattr(learning, "fit_outcome", fit)
    assert run(monkeypatch, "twins", "validate", responses, "--subgroup", "height") == 2
    assert "'height' is not in the file" in capsys.readouterr().err


def test_an_outcome_without_visits_has_no_update(monkeypatch, capsys, responses) -> None:
    assert run(monkeypatch, "twins", "update", responses) == 2
    assert "nothing is seen of it before the end" in capsys.readouterr().err


def test_a_table_of_the_old_format_is_refused_with_the_mend(monkeypatch, capsys, tmp_path) -> None:
    old = tmp_path / "response.toml"
    old.write_text('format = "trialsim.outcome/1"\nendpoint = "response"\nfamily = "binary"\n')
    assert run(monkeypatch, "twins", "validate", str(old)) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "trialsim new" in said
