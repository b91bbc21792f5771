"""``trialsim twins`` as a user meets it, on a small history of the pilot's protocol."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.in_process import run
from trialsim.cli.twins.checks import print_checks
from trialsim.cli.twins.controls import _between_studies
from trialsim.cli.twins.reach import print_reach
from trialsim.data import Covariates, History
from trialsim.disease import disease_model
from trialsim.population import read_card
from trialsim.prognosis import CrossValidation, FitSettings, Prognosis, fit_prognosis
from trialsim.prognosis.fit import sampler as sampler_module
from trialsim.protocol import Protocol, cohort_path, read_protocol
from trialsim.study import generate_history, load_history

PROTOCOL = Path(__file__).parents[2] / "protocols" / "alzheimers_phase2.toml"
COVARIATES = ("age", "female", "apoe4_carrier", "mmse", "adas_cog", "faq", "hippocampal_volume")


@pytest.fixture(autouse=True)
def _one_compilation(monkeypatch, sampler) -> None:
    """Let the command line share the session's compiled model and sample briefly."""
    monkeypatch.setattr(sampler_module.Sampler, "__init__", lambda self: vars(self).update(vars(sampler)))
    brief = FitSettings(tune=400, draws=400, max_rhat=1.05, min_ess=50.0, max_divergences=20)
    monkeypatch.setattr("trialsim.prognosis.twins.fitting.FitSettings", lambda: brief)
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


@pytest.fixture
def files(tmp_path) -> tuple[str, str]:
    past, now = tmp_path / "past.csv", tmp_path / "now.csv"
    people(120, (0, 13, 26, 39, 52, 65, 78), 1).to_csv(past, index=False)
    people(60, (0, 13, 26), 2).to_csv(now, index=False)
    return str(past), str(now)


def test_update_conditions_a_running_trial(monkeypatch, capsys, tmp_path, files) -> None:
    past, now = files
    out = tmp_path / "twins.csv"
    done = run(
        monkeypatch, "twins", "update", str(PROTOCOL), "--history", past, "--interim", now,
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
    past, now = files[0], tmp_path / "running.csv"
    arguments = ("twins", "update", str(PROTOCOL), "--history", past, "--interim", str(now), "--quiet")
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
    arguments = ("twins", "update", str(PROTOCOL), "--history", files[0], "--folds", "3", "--quiet")
    assert run(monkeypatch, *arguments) == 0
    text = capsys.readouterr().out
    assert "to week 65" in text
    assert "twin r2" in text
    assert "no covariate for a randomised comparison" in " ".join(text.split())


def test_update_refuses_participants_of_the_history(monkeypatch, capsys, tmp_path, files) -> None:
    arguments = ("twins", "update", str(PROTOCOL), "--history", files[0], "--interim", files[0], "--quiet")
    assert run(monkeypatch, *arguments, "--cache", str(tmp_path)) == 2
    assert "120 participants stand in the history and in the trial" in capsys.readouterr().err


def test_output_without_a_trial_is_refused(monkeypatch, capsys, tmp_path, files) -> None:
    assert run(monkeypatch, "twins", "update", str(PROTOCOL), "--history", files[0], "-o", "x.csv") == 2
    assert "--output needs --interim" in capsys.readouterr().err


@pytest.mark.slow
def test_validate_shows_subgroups_and_reach(monkeypatch, capsys, tmp_path, files) -> None:
    arguments = ("twins", "validate", str(PROTOCOL), "--history", files[0], "--cache", str(tmp_path))
    assert run(monkeypatch, *arguments, "--quiet") == 0
    text = capsys.readouterr().out
    for words in ("Calibration, out of sample", "severity at baseline", "concordance", "Gain beyond",
                  "Predictive checks"):  # fmt: skip
        assert words in text
    assert "Generalisability index" in text
    shut, worth = "twins may not stand in for controls" in text, "virtual controls: mean" in text
    assert shut != worth
    assert "--by-group holds studies out" in text


def test_studies_that_differ_are_told_from_chance() -> None:
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(40), 50)
    error = rng.normal(0, 1, 2000)
    error[::7] = np.nan
    assert _between_studies(error, group) < 0.1
    apart = error + rng.normal(0, 0.5, 40)[group]
    # An SD of 40 studies is known to 11 %.
    assert _between_studies(apart, group) == pytest.approx(0.5, rel=0.45)
    assert _between_studies(apart[:100], group[:100]) == 0.0


def test_checks_stand_beside_the_history(monkeypatch, capsys, tmp_path, files) -> None:
    from rich.console import Console

    protocol = read_protocol(PROTOCOL)
    past = load_history(protocol, files[0])
    prognosis = fit_prognosis(past, seed=1, cache=tmp_path)
    print_checks(protocol, past, prognosis, Console())
    text = capsys.readouterr().out
    assert "share beyond the scale, week 78" in text
    (row,) = (line for line in text.splitlines() if "mean change, week 78" in line)
    observed = float(row.split("│")[2])
    assert observed == pytest.approx(np.nanmean(past.outcomes[:, -1] - past.baseline), rel=1e-3)
    assert 0.02 < float(row.split("│")[5]) < 0.98, "a model that was fitted to it makes such a mean"


def in_sample(past: History, prognosis: Prognosis) -> CrossValidation:
    """Return twins of the history's own participants in the place of those of folds."""
    twins = prognosis.predict(past.covariates, past.baseline, past.weeks)
    pit = prognosis.pit(past.covariates, past.baseline, past.weeks, past.outcomes)
    count = len(past)
    return CrossValidation(
        past.weeks, np.arange(count), np.zeros(count, int), past.baseline, past.outcomes,
        twins.score, twins.sd, pit, np.ones(1), np.ones(1), np.ones(1),
    )  # fmt: skip


def test_reach_of_a_history_into_the_protocols_population(monkeypatch, capsys, tmp_path, files) -> None:
    from rich.console import Console

    monkeypatch.setenv("COLUMNS", "240")
    protocol = read_protocol(PROTOCOL)
    past = load_history(protocol, files[0])
    prognosis = fit_prognosis(past, seed=1, cache=tmp_path)
    held_out = in_sample(past, prognosis)
    print_reach(protocol, PROTOCOL, past, prognosis, held_out, Console())
    text = capsys.readouterr().out
    for words in ("Far from the history", "Inside its hull", "effective participants"):
        assert words in text
    (severity,) = (line for line in text.splitlines() if line.startswith("│ baseline"))
    assert float(severity.split("│")[2]) == pytest.approx(past.baseline.mean(), rel=0.01)


def test_reach_of_a_history_like_the_population(monkeypatch, capsys, tmp_path) -> None:
    from rich.console import Console

    monkeypatch.setenv("COLUMNS", "300")
    protocol, past = alike()
    prognosis = fit_prognosis(past, seed=1, cache=tmp_path)
    held_out = in_sample(past, prognosis)
    print_reach(protocol, PROTOCOL, past, prognosis, held_out, Console())
    text = capsys.readouterr().out
    assert "Generalisability index" in text
    assert "Calibration in the protocol's population, out of sample, by entropy balancing to means" in text
    course = text[text.index("Mean change on placebo") :]
    (last,) = (line for line in course.splitlines() if line.partition("│")[2].strip().startswith("78"))
    direct, weighted, observed, error = (float(cell) for cell in last.split("│")[2:6])
    assert direct == pytest.approx(weighted, abs=0.15), "weights and model agree where the model is linear"
    assert observed == pytest.approx(weighted, abs=3 * error)
    print_reach(protocol, PROTOCOL, history_far_away(past), prognosis, held_out, Console())
    text = " ".join(capsys.readouterr().out.split())
    assert "cannot be carried over by entropy balancing to means" in text
    assert "Mean change on placebo" not in text


def alike() -> tuple[Protocol, History]:
    """Return the protocol, and a history of 150 that its own model makes: nothing has drifted."""
    protocol = read_protocol(PROTOCOL)
    card = read_card(cohort_path(protocol, PROTOCOL))
    past = generate_history(protocol, card, disease_model(protocol.disease.model, **protocol.disease.options))
    return protocol, past.take(np.arange(150))


def history_far_away(past: History) -> History:
    """Return the history with everybody 60 years older: nobody of the card is like them."""
    values = past.covariates.values.copy()
    values[:, past.covariates.names.index("age")] += 60
    return replace(past, covariates=Covariates(past.covariates.names, values))


def test_whatif_shows_both_twins_and_what_the_contrast_is_not(monkeypatch, capsys, tmp_path, files) -> None:
    arguments = ("twins", "whatif", str(PROTOCOL), "--history", files[0], "--cache", str(tmp_path), "--quiet")
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

    monkeypatch.setattr("trialsim.study.learn", learn)
    arguments = ("twins", "validate", str(PROTOCOL), "--history", files[0], "--subgroup", "height", "--quiet")
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
    assert run(monkeypatch, "twins", "whatif", str(PROTOCOL), "--history", files[0], *changes) == 2
    assert words in capsys.readouterr().err


@pytest.fixture
def responses(tmp_path) -> tuple[str, str]:
    """Return a table and a history of responses that rise with age, in three sites, with race."""
    rng = np.random.default_rng(5)
    age, count = rng.normal(60, 8, 240), 240
    frame = pd.DataFrame(
        {
            "participant": np.arange(count),
            "age": age,
            "site": np.arange(count) % 3,
            "RACE": np.where(np.arange(count) < 5, "few", np.where(np.arange(count) % 2, "one", "other")),
            "response": (rng.random(count) < 1 / (1 + np.exp(-(age - 60) / 6))).astype(int),
        }
    )
    frame.to_csv(tmp_path / "responses.csv", index=False)
    (tmp_path / "response.toml").write_text(
        'format = "trialsim.outcome/1"\nendpoint = "response"\nfamily = "binary"\n'
        'covariates = ["age"]\nweek = 24\n[columns]\ngroup = "site"\n'
    )
    return str(tmp_path / "response.toml"), str(tmp_path / "responses.csv")


def test_validate_reads_a_history_of_responses(monkeypatch, capsys, tmp_path, responses) -> None:
    # Wide enough that no table is turned on its side.
    monkeypatch.setenv("COLUMNS", "240")
    brief = FitSettings(tune=400, draws=400, accept=0.95, max_rhat=1.05, min_ess=50.0, max_divergences=20)
    monkeypatch.setattr("trialsim.prognosis.twins.outcome.FitSettings", lambda **_: brief)
    table, past = responses
    arguments = ("twins", "validate", table, "--history", past, "--folds", "3", "--by-group", "--quiet")
    assert run(monkeypatch, *arguments, "--cache", str(tmp_path)) == 0
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
    ):
        assert words in " ".join(text.split()), words
    race = [line for line in text.splitlines() if "RACE" in line]
    assert len(race) == 3, "race is judged though nobody asked for it"
    assert sum("True" in line for line in race) == 1, "what one subtraction would tell is not shown"
    (few,) = (line for line in race if "few" in line)
    assert "False" in few
    assert not any(character.isdigit() for character in few), "a small cell shows no number"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (("--family", "no_such"), "use one of binary"),
        (("--family", "weibull"), "needs a follow-up"),
        (("--subgroup", "height"), "'height' is not in the file"),
    ],
)
def test_validate_refuses_a_table_that_does_not_fit(monkeypatch, capsys, responses, extra, words) -> None:
    table, past = responses
    assert run(monkeypatch, "twins", "validate", table, "--history", past, *extra) == 2
    assert words in capsys.readouterr().err


def test_an_unknown_family_is_the_tables_fault(monkeypatch, capsys, responses) -> None:
    table = Path(responses[0])
    table.write_text(table.read_text().replace('"binary"', '"poisson"'))
    assert run(monkeypatch, "twins", "validate", str(table), "--history", responses[1]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"{table}: family: is no family of outcomes" in said
    assert "Got 'poisson'" in said


def test_validate_needs_a_file_for_a_table_and_no_family_for_a_protocol(
    monkeypatch, capsys, responses
) -> None:
    assert run(monkeypatch, "twins", "validate", responses[0]) == 2
    assert "needs --history" in capsys.readouterr().err
    assert run(monkeypatch, "twins", "validate", str(PROTOCOL), "--family", "binary") == 2
    assert "belongs to a TABLE" in capsys.readouterr().err


def test_update_compares_the_closed_form_with_a_refit(monkeypatch, capsys, tmp_path, files) -> None:
    past, now = files
    arguments = ("twins", "update", str(PROTOCOL), "--history", past, "--interim", now, "--refit", "--quiet")
    assert run(monkeypatch, *arguments, "--source", "control", "--cache", str(tmp_path)) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Updated in closed form and by a refit, 60 participants" in text
    assert "rms difference" in text
    assert run(monkeypatch, *arguments) == 2
    assert "--refit needs --source control" in capsys.readouterr().err


def test_update_refits_a_fold_of_the_history_where_no_trial_is_given(
    monkeypatch, capsys, tmp_path, files
) -> None:
    arguments = ("twins", "update", str(PROTOCOL), "--history", files[0], "--folds", "2", "--refit")
    assert run(monkeypatch, *arguments, "--cache", str(tmp_path), "--quiet") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "rmse updated" in text
    assert "rmse refit" in text
