"""Twins learnt from a history end to end, with brief fits: one Gaussian model and one response."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.study.people.stand_ins import covariates_of, declare, eta_of, visits
from trialsim.errors import ProtocolError
from trialsim.prognosis import FitSettings, OutcomeSampler, Sampler
from trialsim.study.people.asked import twins_asked
from trialsim.study.people.drawing import register_of
from trialsim.study.people.judgement import judge_given
from trialsim.study.people.learning import Fits, LearntTwins, learn_twins
from trialsim.study.people.reproduction import reproduction

BRIEF = FitSettings(tune=300, draws=250, accept=0.95, max_rhat=1.1, min_ess=30.0, max_divergences=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a file of visits, and one of responses with a given forecast."""
    made = tmp_path_factory.mktemp("past")
    visits().to_frame().to_csv(made / "past.csv", index=False)
    covariates = covariates_of(300)
    rng = np.random.default_rng(6)
    chance = 1 / (1 + np.exp(-1.5 * eta_of(covariates)))
    frame = covariates.to_frame()
    frame["y"] = (rng.random(300) < chance) * 1
    frame["forecast"] = chance
    frame.insert(0, "participant", np.arange(300))
    frame.to_csv(made / "responses.csv", index=False)
    return made


@pytest.fixture(scope="module")
def fits(sampler: Sampler) -> Fits:
    return Fits(BRIEF, BRIEF, sampler, OutcomeSampler())


@pytest.fixture(scope="module")
def scores(folder: Path, fits: Fits) -> LearntTwins:
    return learn_twins(declare("score"), folder, fits=fits)


def test_a_score_is_learnt_judged_and_held_against_its_rivals(scores):
    rivals = scores.rivals
    assert (rivals.reference, scores.source, scores.facts.generated) == ("baseline", "learned", False)
    assert [row.name for row in rivals.rows] == ["best single covariate", "covariates", "twin"]
    # The world is linear in age and sex: the twin knows no more than they do.
    assert rivals.row("best single covariate").adjusts_for == ("age",)
    assert rivals.row("twin").relative_variance < 0.8
    assert abs(rivals.saving) < 0.05
    assert not scores.supported(0.02)
    # So few participants leave the coverage to chance: the slope is what the gate is tested by here.
    assert scores.judgement.slope == pytest.approx(1.0, abs=3 * scores.judgement.slope_se)
    assert not [fault for fault in scores.judgement.faults if "slope" in fault]
    # No participant's value is in what may be said.
    said = json.dumps(scores.facts.moments)
    assert str(scores.history.baseline[0]) not in said


def test_a_register_has_the_means_and_sds_of_its_history(scores):
    trial = declare("score", register=100_000)
    register = register_of(trial, scores, Path())
    table = reproduction(trial, scores, register)
    assert table["agree"].all(), table
    for week in (12, 24):
        row = table.loc[f"SD of change, week {week}"]
        assert row["register"] == pytest.approx(row["history"], rel=0.02)


def test_equal_histories_give_equal_twins_and_registers(folder, fits, scores):
    again = learn_twins(declare("score"), folder, fits=fits)
    assert again.model.content_hash == scores.model.content_hash
    assert again.rivals == scores.rivals
    one, other = (register_of(declare("score"), twins, Path()) for twins in (scores, again))
    assert one.outcomes.tobytes() == other.outcomes.tobytes()


def test_responses_are_learnt_and_their_register_has_their_share(folder, fits):
    trial = declare("response", history={"file": "responses.csv"}, register=100_000)
    twins = learn_twins(trial, folder, fits=fits)
    assert twins.rivals.reference == "nothing"
    assert twins.rivals.row("twin").relative_variance < 0.85
    assert twins.judgement.fits_repeated in (0, 1)
    register = register_of(trial, twins, folder)
    assert reproduction(trial, twins, register)["agree"].all()
    # The same history, and the truth given as a forecast.
    given = declare(
        "response", history={"file": "responses.csv"}, twins={"source": "given", "column": "forecast"}
    )
    found = learn_twins(given, folder, fits=fits)
    assert found.judgement.slope == pytest.approx(1.0, abs=3 * found.judgement.slope_se)
    assert np.isnan(found.judgement.coverage_95)
    scores_given = register_of(given, found, folder).scores[:, 0]
    assert set(scores_given) <= set(found.history.covariates.column("given_score"))


def test_a_forecast_that_is_too_bold_is_a_fault():
    rng = np.random.default_rng(7)
    eta = rng.normal(size=2000)
    outcome = (rng.random(2000) < 1 / (1 + np.exp(-eta))) * 1.0
    bold = judge_given("response", outcome, None, 1 / (1 + np.exp(-3 * eta)))
    assert not bold.sound
    assert bold.slope == pytest.approx(1 / 3, abs=0.05)
    assert judge_given("response", outcome, None, 1 / (1 + np.exp(-eta))).sound
    # A score in no unit is judged by its gain alone.
    assert np.isnan(judge_given("count", outcome, None, 10 * eta).slope)
    baseline = rng.normal(20, 5, 2000)
    change = rng.normal(size=2000)
    after = baseline + change + rng.normal(size=2000)
    assert judge_given("score", after, baseline, baseline + change).sound
    assert not judge_given("score", after, baseline, baseline + 3 * change).sound


def test_what_no_history_gives_is_refused(folder):
    assumed = declare("response").model_copy(update={"twins": None})
    with pytest.raises(ProtocolError, match="twins: are not those of a history"):
        learn_twins(assumed, folder)
    with pytest.raises(ProtocolError, match=r"history\.generated: needs a card"):
        learn_twins(declare("response", history={"generated": 100}), folder)
    with pytest.raises(ProtocolError, match="history: is not read by this protocol"):
        twins_asked(assumed, folder, folder / "past.csv")
    assert twins_asked(assumed, folder) is None
