"""``trialsim twins`` as a user meets it: a protocol of a small history of visits, and no disease model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.cli.in_process import run
from tests.declared_files import tables, write_protocol
from trialsim.prognosis import FitSettings, fit_prognosis
from trialsim.prognosis.fit import sampler as sampler_module
from trialsim.protocol.declared import read_trial
from trialsim.study.people import learning
from trialsim.study.people.learning import learnt_of, past_of
from trialsim.study.validation.checks import checks_of_visits
from trialsim.study.validation.controls import between_studies

COVARIATES = ("age", "female", "apoe4_carrier", "mmse", "adas_cog", "faq", "hippocampal_volume")
WEEKS = (13, 26, 39, 52, 65, 78)
BRIEF = FitSettings(tune=400, draws=400, max_rhat=1.05, min_ess=50.0, max_divergences=20)


@pytest.fixture(autouse=True)
def _one_compilation(monkeypatch, sampler) -> None:
    """Let the command line share the session's compiled model and sample briefly."""
    monkeypatch.setattr(sampler_module.Sampler, "__init__", lambda self: vars(self).update(vars(sampler)))
    monkeypatch.setattr("trialsim.prognosis.twins.fitting.FitSettings", lambda: BRIEF)
    monkeypatch.setattr(learning, "FOLD_SETTINGS", BRIEF)
    monkeypatch.setenv("COLUMNS", "200")


def people(count: int, weeks: tuple[int, ...], seed: int) -> pd.DataFrame:
    """Return a tidy file in the protocol's columns, whose change depends on age and persists."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        age, own = np.clip(rng.normal(70, 7), 50, 90), rng.normal(0, 1)
        mmse, adas, faq = np.clip(rng.normal((26, 16, 6), (2, 4, 3)), (22, 0, 0), 30)
        values = [age, i % 2, i % 3 == 0, mmse, adas, faq, rng.normal(0.9, 0.05)]
        base = dict(zip(COVARIATES, values, strict=True))
        start = rng.normal(4, 1)
        for week in weeks:
            change = week / 78 * (1.5 + 0.05 * (age - 70) + own) + rng.normal(0, 0.3) * (week > 0)
            rows.append({"participant": f"{seed}-{i}", "week": week, "cdr_sb": start + change, **base})
    return pd.DataFrame(rows).astype({"apoe4_carrier": float})


def protocol(folder: Path, **changes: Any) -> str:
    """Write a protocol whose trial recruits from its history alone."""
    made = tables("score", name="arm_alone", simulation={"replicates": 100, "block": 50}) | {
        "population": {"kind": "history", "register": 5000},
        "endpoints": [{"name": "cdr_sb", "kind": "score", "direction": "higher_is_worse",
                       "weeks": [float(week) for week in WEEKS], "course": {"kind": "history"}}],
        "effects": [{"kind": "shift", "arm": "active", "value": -0.5, "source": "test"}],
        "history": {"file": "past.csv"},
        "twins": {"source": "learned", "covariates": list(COVARIATES)},
        "analyses": [{"kind": "ancova", "adjust": ["score"]}],
    } | changes  # fmt: skip
    return str(write_protocol(folder / "protocol.toml", made))


@pytest.fixture
def files(tmp_path) -> tuple[str, str]:
    """Return the protocol beside its history, and the file of a running trial."""
    now = tmp_path / "now.csv"
    people(120, (0, *WEEKS), 1).to_csv(tmp_path / "past.csv", index=False)
    people(60, (0, 13, 26), 2).to_csv(now, index=False)
    return protocol(tmp_path), str(now)


def test_update_conditions_a_running_trial(monkeypatch, capsys, tmp_path, files) -> None:
    asked, now = files
    out = tmp_path / "twins.csv"
    done = run(
        monkeypatch, "twins", "update", asked, "--interim", now,
        "--source", "control", "-o", str(out), "--cache", str(tmp_path), "--quiet",
    )  # fmt: skip
    text = capsys.readouterr()
    assert done == 0, text.err
    assert "Recalibration at week 26 (60 participants)" in text.out
    assert "no covariate for a randomised comparison" in " ".join(text.out.split())
    frame = pd.read_csv(out)
    assert frame["week"].unique().tolist() == [39, 52, 65, 78]
    assert len(frame) == 60 * 4
    assert (frame["sd"] > 0).all()
    assert frame["participant"].tolist()[::4] == sorted(f"2-{i}" for i in range(60)), "as the file calls them"


def test_update_takes_one_participant_and_staggered_entry(monkeypatch, capsys, tmp_path, files) -> None:
    asked, now = files[0], tmp_path / "running.csv"
    arguments = ("twins", "update", asked, "--interim", str(now), "--quiet")
    everybody = people(30, (0, 13, 26, 39), 3)
    everybody.loc[everybody["participant"] == "3-7"].to_csv(now, index=False)
    assert run(monkeypatch, *arguments, "--cache", str(tmp_path)) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Too few were seen to recalibrate: 20 are needed" in text
    assert "Updated twins of 1 participants" in text
    assert "of the running trial. Inside its hull" in text
    assert "Covariates of the history and of the running trial" not in text, "it would be one person's"

    entered = everybody["participant"].str.slice(2).astype(int)
    staggered = everybody[
        (everybody["week"] <= 13) | ((entered < 22) & (everybody["week"] <= 26)) | (entered < 5)
    ]
    staggered.to_csv(now, index=False)
    assert run(monkeypatch, *arguments, "--cache", str(tmp_path)) == 0
    text = capsys.readouterr().out
    assert "Recalibration at week 26 (22 participants)" in text, "of week 39 five are known"
    means = text[text.index("Updated twins of 30 participants") :]
    counts = [line.split("│")[1:3] for line in means.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in counts] == [
        ["26", "8"], ["39", "25"], ["52", "30"], ["65", "30"], ["78", "30"]
    ]  # fmt: skip


def test_update_without_a_trial_shows_what_visits_add(monkeypatch, capsys, tmp_path, files) -> None:
    arguments = ("twins", "update", files[0], "--folds", "3", "--quiet")
    assert run(monkeypatch, *arguments) == 0
    text = capsys.readouterr().out
    assert "to week 65" in text
    assert "twin r2" in text
    assert "no covariate for a randomised comparison" in " ".join(text.split())


def test_update_refuses_participants_of_the_history(monkeypatch, capsys, tmp_path, files) -> None:
    arguments = ("twins", "update", files[0], "--interim", str(tmp_path / "past.csv"), "--quiet")
    assert run(monkeypatch, *arguments, "--cache", str(tmp_path)) == 2
    assert "120 participants stand in the history and in the trial" in capsys.readouterr().err


def test_output_without_a_trial_is_refused(monkeypatch, capsys, tmp_path, files) -> None:
    assert run(monkeypatch, "twins", "update", files[0], "-o", "x.csv") == 2
    assert "--output needs --interim" in capsys.readouterr().err


def test_validate_needs_no_disease_model_and_ends_with_a_verdict_and_a_report(
    monkeypatch, capsys, tmp_path, files
) -> None:
    page = tmp_path / "twins.html"
    arguments = ("twins", "validate", files[0], "--cache", str(tmp_path), "--folds", "2", "-o", str(page))
    assert run(monkeypatch, *arguments, "--quiet") == 0
    text = capsys.readouterr().out
    for words in ("Calibration, on participants never seen", "severity at baseline", "concordance",
                  "best single covariate", "Predictive checks", "Twins as controls at week 78"):  # fmt: skip
        assert words in text
    assert "--by-group holds studies out" in text
    assert "Generalisability index" not in text, "no population is declared but the history's own"
    said = " ".join(text[text.index("Verdict") :].split())
    assert ("The gate is open" in said) != ("The gate is shut" in said)
    assert ("A saving is supported" in said) != ("No saving is supported" in said)
    assert "Beyond the best analysis without a twin" in said
    written = page.read_text(encoding="utf-8")
    assert "Verdict" in written
    assert "Calibration, on participants never seen" in written
    assert said.split(" Report:")[0].split(". ")[1] in written, "the report says what the terminal says"
    assert "<script" not in written
    ages = pd.read_csv(tmp_path / "past.csv")["age"].astype(str)
    assert not [age for age in ages if len(age) > 6 and age in written], "no participant's value"
    again = tmp_path / "again.html"
    assert run(monkeypatch, *arguments[:-1], str(again), "--quiet") == 0
    assert again.read_bytes() == page.read_bytes()


def test_studies_that_differ_are_told_from_chance() -> None:
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(40), 50)
    error = rng.normal(0, 1, 2000)
    error[::7] = np.nan
    assert between_studies(error, group) < 0.1
    apart = error + rng.normal(0, 0.5, 40)[group]
    # An SD of 40 studies is known to 11 %.
    assert between_studies(apart, group) == pytest.approx(0.5, rel=0.45)
    assert between_studies(apart[:100], group[:100]) == 0.0


def test_checks_stand_beside_the_history(tmp_path, files) -> None:
    trial = read_trial(files[0])
    past = learnt_of(trial, past_of(trial, tmp_path))
    found = checks_of_visits(past, fit_prognosis(past, seed=1, cache=tmp_path), trial.seed, (0.0, 18.0))
    rows = found.frame.set_index("statistic")
    assert "share beyond the scale, week 78" in rows.index
    observed = rows.loc["mean change, week 78", "history"]
    assert observed == pytest.approx(np.nanmean(past.outcomes[:, -1] - past.baseline), rel=1e-3)
    p = rows.loc["mean change, week 78", "posterior p"]
    assert 0.02 < p < 0.98, "a model that was fitted to it makes such a mean"


def test_whatif_shows_both_twins_and_what_the_contrast_is_not(monkeypatch, capsys, tmp_path, files) -> None:
    arguments = ("twins", "whatif", files[0], "--cache", str(tmp_path), "--quiet")
    changes = ("--add", "age=10", "--treatment", "drug", "-0.5", "0.2", "--effect-source", "an assumption")
    assert run(monkeypatch, *arguments, *changes) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "an association in the history, not the effect of changing it" in text
    assert "Effect of drug: -0.5 points (SD 0.2), an assumption." in text
    assert "twin after" in text

    changes = ("--treatment", "drug", "-1.5", "0.7", "--dose", "2", "--effect-source", "an assumption")
    assert run(monkeypatch, *arguments, *changes) == 0
    text = capsys.readouterr().out
    assert "-1.5 points (SD 0.7) a unit of dose, 2 units, an assumption." in " ".join(text.split())
    (last,) = (line for line in text.splitlines() if line.partition("│")[2].strip().startswith("78"))
    assert float(last.split("│")[4]) == -3, "as it was assumed"


def test_a_subgroup_that_is_not_there_is_refused_before_any_fit(monkeypatch, capsys, files) -> None:
    def learn(*_: object, **__: object) -> None:
        raise AssertionError("fitted first")

    monkeypatch.setattr("trialsim.study.validation.validate.judge_twins", learn)
    arguments = ("twins", "validate", files[0], "--subgroup", "height", "--quiet")
    assert run(monkeypatch, *arguments) == 2
    assert "'height' is not in the file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (("--add", "age"), "give NAME=NUMBER"),
        (("--set", "age=old"), "give NAME=NUMBER"),
        (("--treatment", "drug", "1", "1"), "needs --effect-source"),
        (("--set", "age=60", "--set", "age=70"), "age is given twice"),
        (("--add", "age=1", "--add", " age =2"), "age is given twice"),
        (("--add", "age=1", "--dose", "2"), "--dose needs --treatment"),
    ],
)
def test_whatif_refuses_what_it_cannot_read(monkeypatch, capsys, files, changes, words) -> None:
    assert run(monkeypatch, "twins", "whatif", files[0], *changes) == 2
    assert words in capsys.readouterr().err


def test_update_compares_the_closed_form_with_a_refit(monkeypatch, capsys, tmp_path, files) -> None:
    asked, now = files
    arguments = ("twins", "update", asked, "--interim", now, "--refit", "--quiet")
    assert run(monkeypatch, *arguments, "--source", "control", "--cache", str(tmp_path)) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Updated in closed form and by a refit, 60 participants" in text
    assert "rms difference" in text
    assert run(monkeypatch, *arguments) == 2
    assert "--refit needs --source control" in capsys.readouterr().err


def test_update_refits_a_fold_of_the_history_where_no_trial_is_given(
    monkeypatch, capsys, tmp_path, files
) -> None:
    arguments = ("twins", "update", files[0], "--folds", "2", "--refit")
    assert run(monkeypatch, *arguments, "--cache", str(tmp_path), "--quiet") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "rmse updated" in text
    assert "rmse refit" in text
