"""``trialsim twins validate`` and ``whatif`` with a table that asks for curves, products and named levels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tests.cli.in_process import run
from trialsim.cli.twins.reach import print_table_reach
from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import FitSettings, OutcomeSampler, read_outcome_history
from trialsim.protocol import read_outcome_table

LEVELS = ("none", "mild", "severe")
TABLE = """
format = "trialsim.outcome/1"
endpoint = "grade"
family = "ordinal"
covariates = ["age", "dose"]
week = 24
levels = ["none", "mild", "severe"]
[prognosis]
splines = ["age"]
"""


@pytest.fixture(scope="module")
def compiled() -> OutcomeSampler:
    return OutcomeSampler()


@pytest.fixture(autouse=True)
def _one_compilation_and_brief_fits(monkeypatch, compiled) -> None:
    monkeypatch.setattr(OutcomeSampler, "__init__", lambda self: vars(self).update(vars(compiled)))
    brief = FitSettings(tune=400, draws=400, accept=0.95, max_rhat=1.05, min_ess=50.0, max_divergences=20)
    monkeypatch.setattr("trialsim.prognosis.twins.outcome.FitSettings", lambda **_: brief)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return a table and a history of grades that fall with age and rise again."""
    rng = np.random.default_rng(5)
    age, dose = rng.normal(60, 8, 400), rng.standard_normal(400)
    latent = -0.8 + 0.9 * (((age - 60) / 8) ** 2 - 1) + 0.8 * dose + rng.logistic(size=400)
    grade = np.array(LEVELS)[(latent > 0).astype(int) + (latent > 1.5)]
    frame = pd.DataFrame({"participant": np.arange(400), "age": age, "dose": dose, "grade": grade})
    frame.to_csv(tmp_path / "grades.csv", index=False)
    (tmp_path / "grade.toml").write_text(TABLE)
    return tmp_path / "grade.toml", tmp_path / "grades.csv"


def test_validate_follows_the_curve_that_the_table_asks_for(monkeypatch, capsys, tmp_path, files) -> None:
    table, past = files
    arguments = ("twins", "validate", str(table), "--history", str(past), "--folds", "2", "--quiet")
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


def test_whatif_follows_the_curve_and_says_on_which_scale_a_treatment_is(
    monkeypatch, capsys, tmp_path, files
) -> None:
    table, past = files
    arguments = ("twins", "whatif", str(table), "--history", str(past), "--cache", str(tmp_path), "--quiet")
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


CARD = Path(__file__).parents[2] / "cohorts" / "heart_failure.toml"


def test_validate_holds_the_history_against_a_cohort(capsys, files) -> None:
    table, past = files
    frame = pd.read_csv(past)
    history = read_outcome_history(past, read_outcome_table(table))
    print_table_reach(history, CARD, 1, Console())
    text = capsys.readouterr().out
    assert "does not know dose" in text
    (age,) = (line for line in text.splitlines() if line.startswith("│ age"))
    assert float(age.split("│")[2]) == pytest.approx(frame["age"].mean(), rel=1e-3)
    for words in ("Far from the history", "entropy balancing to means and SDs", "Generalisability index"):
        assert words in text
    months = Covariates(("age", "dose"), history.covariates.values * [12.0, 1.0])
    with pytest.raises(HistoryError, match="age: looks to be on another scale"):
        print_table_reach(replace(history, covariates=months), CARD, 1, Console())
    unknown = Covariates(("height", "dose"), history.covariates.values)
    with pytest.raises(HistoryError, match="has none of the history's covariates"):
        print_table_reach(replace(history, covariates=unknown), CARD, 1, Console())


def test_a_protocol_names_its_own_cohort(monkeypatch, capsys) -> None:
    protocol = Path(__file__).parents[2] / "protocols" / "cdisc_pilot.toml"
    assert run(monkeypatch, "twins", "validate", str(protocol), "--cohort", str(CARD)) == 2
    assert "--cohort belongs to a TABLE" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["validate", "whatif"])
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('splines = ["age"]', 'splines = ["height"]', "prognosis.splines: is no covariate of the prognosis"),
        ('splines = ["age"]', 'splines = ["baseline"]', "Got 'baseline'. Mend: name the score at baseline"),
        ('splines = ["age"]', "study_effects = true", "prognosis.study_effects: studies have effects"),
        ('"ordinal"', '"binary"', "levels: a binary outcome has no levels"),
    ],
)
def test_a_table_that_cannot_be_meant_is_one_clear_line(
    monkeypatch, capsys, files, command, old, new, words
) -> None:
    table, past = files
    table.write_text(TABLE.replace(old, new))
    change = ("--add", "age=1") if command == "whatif" else ()
    assert run(monkeypatch, "twins", command, str(table), "--history", str(past), *change) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"Error: {table}: " in said
    assert words in said


def test_too_few_for_the_terms_names_the_history(monkeypatch, capsys, files) -> None:
    table, past = files
    frame = pd.read_csv(past)
    kept = pd.concat(
        [frame[frame["grade"] == "none"], *(frame[frame["grade"] == g][:15] for g in LEVELS[1:])]
    )
    kept.to_csv(past, index=False)
    assert run(monkeypatch, "twins", "validate", str(table), "--history", str(past)) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"{past}: prognosis.splines: the history is too small for these terms: 30 participants" in said
    assert "at least 34 are needed" in said


def test_whatif_of_a_table_needs_a_file(monkeypatch, capsys, files) -> None:
    assert run(monkeypatch, "twins", "whatif", str(files[0]), "--add", "age=1") == 2
    assert "needs --history" in capsys.readouterr().err
