"""Between listed settings and declared drifts: fewer controls, no hidden peak, and calibration that binds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from trialsim.design import BinaryScale, BorrowingQuestion, control_frontier, drift_map
from trialsim.design.borrowing import (
    Commensurate,
    ExactBayesian,
    NoBorrowing,
    PowerPrior,
    RobustMap,
    ScaleBorrowingQuestion,
    SelfAdapting,
    TwinInformedPrior,
    safe_priors,
    tipping_drift,
    vague_weight_from_calibration,
)
from trialsim.design.borrowing.fewest_controls import settings_between
from trialsim.errors import DesignError

QUESTION = BorrowingQuestion(0.4, 120, 1000, correlation=0.5)
LARGE = BorrowingQuestion(0.13, 1250, 5000)


@pytest.mark.parametrize(
    ("method", "listed", "at_most"),
    [(RobustMap(), 60, 59), (SelfAdapting(), 69, 68), (Commensurate(), 69, 60)],
)
def test_a_setting_between_two_listed_ones_needs_fewer_controls(method, listed: int, at_most: int) -> None:
    point = control_frontier(QUESTION, [method]).points[0]
    assert point.controls <= at_most < listed
    assert point.setting not in {one.setting for one in method.candidates()}
    dense = point.prior.characteristics(QUESTION, point.controls, np.linspace(-1, 1, 801))
    assert dense.worst()[0] <= QUESTION.type_one_cap + 1e-6
    assert point.power >= QUESTION.power - 1e-9
    assert control_frontier(QUESTION, [method]).points[0] == point


def test_settings_go_from_bold_to_calm_and_print_as_they_are() -> None:
    for method in (RobustMap(), SelfAdapting(), Commensurate(), PowerPrior()):
        settings = settings_between(method.candidates(), 2)
        power = [s.characteristics(QUESTION, 60, np.zeros(1)).power[0] for s in settings]
        assert settings[0] == method.candidates()[1]
        assert settings[-1] == method.candidates()[3]
        assert (np.diff(power) <= 1e-9).all()
        assert len({one.setting for one in settings}) == len(settings)
    assert settings_between(ExactBayesian().candidates(), 2) == []


@pytest.mark.parametrize(
    "question",
    [
        LARGE,
        ScaleBorrowingQuestion(
            BinaryScale(0.3, odds_ratio=1.35), 1300, 4000, drifts=(-0.4, -0.2, 0.0, 0.2, 0.4)
        ),
    ],
    ids=["continuous", "binary"],
)
def test_the_cap_holds_between_the_declared_drifts_of_a_large_trial(question) -> None:
    for method in (RobustMap(), SelfAdapting()):
        point = control_frontier(question, [method]).points[0]
        assert point.feasible
        reach = np.linspace(min(question.drifts), max(question.drifts), 401)
        dense = point.prior.characteristics(question, point.controls, reach)
        assert -1e-6 < point.worst_type_one_error - dense.worst()[0] < 1e-4
        assert dense.worst()[0] <= question.type_one_cap + 1e-5


def test_curves_and_tipping_drift_see_a_peak_between_two_steps() -> None:
    method = SelfAdapting(prior_odds=0.1)
    steps = method.characteristics(LARGE, 900, np.linspace(0, 2, 41))
    dense = method.characteristics(LARGE, 900, np.linspace(0, 2, 3201))
    peak, at = dense.worst()
    assert peak > steps.worst()[0] + 1e-4
    asked = replace(LARGE, type_one_cap=0.5 * (peak + steps.worst()[0]))
    first = dense.drift[dense.type_one_error > asked.type_one_cap][0]
    assert tipping_drift(method, asked, 900).tipping == pytest.approx(first, abs=1e-3)
    row = drift_map([method], LARGE, 900).worst().iloc[0]
    assert row["worst_type_one_error"] == pytest.approx(peak, abs=1e-5)
    assert row["at_drift"] == pytest.approx(at, abs=2e-3)


def test_a_tuned_prior_goes_on_from_the_listed_settings_until_the_cap_stops_it() -> None:
    row = safe_priors(QUESTION, 60, [Commensurate()]).to_frame().iloc[0]
    listed = [
        one.characteristics(QUESTION, 60, np.linspace(-1, 1, 41)) for one in Commensurate().candidates()
    ]
    still = [one.power[20] for one in listed if one.keeps(QUESTION.type_one_cap)]
    assert row["power"] > max(still) + 1e-4
    assert 0.07 < row["worst_type_one_error"] <= QUESTION.type_one_cap + 1e-9


def test_the_error_of_exact_bayesian_adjustment_is_that_between_histories() -> None:
    drift, seeds = np.array([0.1]), 40
    runs = [
        ExactBayesian().characteristics(
            BorrowingQuestion(0.4, 60, 1000, correlation=0.5, seed=seed), 60, drift
        )
        for seed in range(seeds)
    ]
    level, power = (np.array([getattr(run, name)[0] for run in runs]) for name in ("type_one_error", "power"))
    for share, quoted in (
        (level, np.array([run.error for run in runs])),
        (power, np.array([run.power_error for run in runs])),
    ):
        spread = share.std(ddof=1)
        assert abs(spread - quoted.mean()) < 4 * spread / math.sqrt(2 * (seeds - 1))
        assert (quoted >= np.sqrt(share * (1 - share) / 4000)).all()
    # Errors as of independent trials would be too small by a third.
    assert np.array([run.error for run in runs]).mean() > 1.25 * np.sqrt(level * (1 - level) / 4000).mean()


def test_calibration_of_the_twins_costs_controls() -> None:
    def controls(**calibration: float) -> int:
        return control_frontier(QUESTION, [TwinInformedPrior(**calibration)]).points[0].controls

    good = controls(calibration_weight=vague_weight_from_calibration(np.zeros(9), np.ones(9)))
    biased = controls(calibration_weight=vague_weight_from_calibration(np.full(9, 3.0), np.ones(9)))
    steep = controls(calibration_slope=0.0)
    plain = control_frontier(QUESTION, [NoBorrowing()]).points[0].controls
    assert good < biased < plain
    assert good < steep < plain


def test_no_setting_trusts_the_twins_more_than_their_calibration() -> None:
    prior = TwinInformedPrior(vague_weight=0.1, calibration_weight=0.65)
    assert all(one.held_weight >= 0.65 for one in prior.candidates())
    assert prior.candidates()[0].held_weight == 0.65
    assert "vague weight 0.65" in prior.setting
    log_weight, _ = prior.components(QUESTION)
    assert np.exp(log_weight) == pytest.approx([0.35, 0.65])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"calibration_slope": math.nan}, "calibration_slope"),
        ({"score_shift": -1.0}, "score_shift"),
        ({"calibration_weight": 0.0}, "calibration_weight"),
    ],
)
def test_a_calibration_that_is_none_is_refused(change: dict, field: str) -> None:
    with pytest.raises(DesignError) as refused:
        TwinInformedPrior(**change)
    assert refused.value.field == field
