"""Assurance: against the closed form where nothing is uncertain, against its definition where it is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trialsim.design import AssuranceQuestion, assured_sizes
from trialsim.design.assured import (
    PlanningDraws,
    assurance,
    draws_from_history,
    power_draws,
    total_for_mean_assurance,
    total_for_quantile_assurance,
)
from trialsim.design.sizes import PredictionMoments, asymptotic_size
from trialsim.errors import DesignError
from trialsim.streams import stream

QUESTION = AssuranceQuestion()


def history(pairs: int = 150, **changes: object) -> PlanningDraws:
    settings = {"effect": 0.3, "generator": stream(6, "assurance", 0, "analysis"), **changes}
    return draws_from_history(0.5, 1.0, pairs, **settings)  # type: ignore[arg-type]


def certain(effect: float = 0.3, agreement: float = 1.0) -> PlanningDraws:
    one = np.ones(2)
    return PlanningDraws((one, 1.2 * one), (0.5 * one, 0.3 * one), agreement * one, effect * one)


@pytest.mark.parametrize("agreement", [1.0, 0.4, 0.0])
def test_without_uncertainty_every_form_is_the_closed_form(agreement: float) -> None:
    draws = certain(agreement=agreement)
    moments = PredictionMoments.from_correlation((1.0, 1.2), (0.5, 0.3), agreement)
    expected = asymptotic_size(moments.variance((0.5, 0.5)), 0.3)
    assert total_for_quantile_assurance(draws, QUESTION) == pytest.approx(expected, rel=1e-12)
    assert total_for_mean_assurance(draws, QUESTION) == math.ceil(expected)


def test_the_history_posterior_has_its_stated_spread() -> None:
    draws = history(pairs=103, draws=40_000)
    assert np.arctanh(draws.correlation[0]).std() == pytest.approx(0.1, rel=2e-3)
    assert np.median(draws.correlation[0]) == pytest.approx(0.5, abs=1e-4)
    scaled = 102 / draws.sd[0] ** 2
    assert scaled.mean() == pytest.approx(102, rel=0.005)
    assert scaled.var() == pytest.approx(204, rel=0.03)


def test_quantile_form_reaches_its_probability_and_one_fewer_does_not() -> None:
    draws = history(effect_sd=0.03, agreement=(0.5, 1.0), sd_ratio_log_sd=0.1)
    total = total_for_quantile_assurance(draws, QUESTION)
    reached = (power_draws(total + 1e-6, draws, QUESTION) >= QUESTION.power).mean()
    assert reached >= QUESTION.assurance
    assert (power_draws(total - 1, draws, QUESTION) >= QUESTION.power).mean() < QUESTION.assurance


def test_mean_form_reaches_its_mean_power_and_one_fewer_does_not() -> None:
    draws = history(effect_sd=0.05)
    total = total_for_mean_assurance(draws, QUESTION)
    assert assurance(total, draws, QUESTION) >= 0.9 > assurance(total - 1, draws, QUESTION)


def test_a_longer_history_needs_less_discount() -> None:
    short, long = (assured_sizes(history(pairs), QUESTION) for pairs in (60, 2000))
    assert short.implied_correlation_discount < long.implied_correlation_discount < 1
    assert short.implied_sd_inflation > long.implied_sd_inflation > 1
    assert short.total("assured, quantile") > long.total("assured, quantile")
    assert "customary λ 0.9" in str(short)
    assert len(short.to_frame()) == 5
    assert short.plot().data


def test_no_size_assures_more_than_the_probability_of_an_effect() -> None:
    draws = history(effect_sd=0.6)
    with pytest.raises(DesignError, match="right side in"):
        total_for_mean_assurance(draws, QUESTION)
    assert math.isinf(total_for_quantile_assurance(draws, AssuranceQuestion(assurance=0.9)))


def test_direction_and_margin_turn_with_the_outcome() -> None:
    down = certain(effect=-0.3)
    turned = AssuranceQuestion(direction=-1)
    assert assurance(300, down, turned) == pytest.approx(assurance(300, certain(), QUESTION), rel=1e-12)
    shifted = AssuranceQuestion(margin=-0.1)
    assert total_for_quantile_assurance(certain(effect=0.2), shifted) == pytest.approx(
        total_for_quantile_assurance(certain(), QUESTION), rel=1e-12
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: history(pairs=3),
        lambda: history(effect_sd=-1.0),
        lambda: history(agreement=(0.5, 0.2)),
        lambda: history(draws=10),
        lambda: PlanningDraws((np.ones(2), np.zeros(2)), (np.zeros(2), np.zeros(2)), np.ones(2), np.ones(2)),
        lambda: PlanningDraws((np.ones(2), np.ones(3)), (np.zeros(2), np.zeros(2)), np.ones(2), np.ones(2)),
        lambda: AssuranceQuestion(assurance=1.0),
        lambda: AssuranceQuestion(allocation=(0.5, 0.6)),
        lambda: AssuranceQuestion(direction=0),
    ],
)
def test_impossible_assurance_is_refused(call) -> None:
    with pytest.raises(DesignError):
        call()
