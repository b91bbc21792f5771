"""Each way to borrow, read for many splits at once, against the same method for one trial."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, norm

from trialsim.analysis.borrowing import (
    CommensuratePrior,
    NormalMixture,
    commensurate_exponential,
    map_prior_normal,
    normal_difference_below,
    normalized_power_prior_normal,
    sam_normal,
)
from trialsim.analysis.borrowing.power_prior import discount_weight
from trialsim.design.gauntlet import WAYS, Past, Splits

PAST = Past(np.array([60.0, 90.0, 45.0]), np.array([700.0, 800.0, 610.0]))
SPLITS = Splits(
    np.array([20.0, 31.0, 9.0]),
    np.array([210.0, 150.0, 300.0]),
    np.array([44.0, 50.0, 21.0]),
    np.array([600.0, 420.0, 150.0]),
)
WAY = {one.name: one for one in WAYS}


def gamma_says(control: tuple[float, float], treated: tuple[float, float]) -> float:
    """Return P(λ_t < λ_c) of two gamma posteriors by numeric integration."""
    own = gamma(treated[0], scale=1 / treated[1])
    past = gamma(control[0], scale=1 / control[1])
    ends = own.ppf([1e-12, 1 - 1e-12])
    return float(quad(lambda x: own.pdf(x) * past.sf(x), *ends, epsabs=1e-11, limit=200)[0])


def power_of(name: str, r: int) -> float:
    d, t = PAST.pooled
    y = np.log(SPLITS.control_events[r] / SPLITS.control_time[r])
    z = abs(y - np.log(d / t)) / np.sqrt(1 / SPLITS.control_events[r] + 1 / d)
    p = 2 * norm.sf(z)
    return {
        "none": 0.0,
        "pooled": 1.0,
        "power": 0.5,
        "test-then-pool": float(p > 0.1),
        "discount": discount_weight(p),
    }[name]


@pytest.mark.parametrize("name", ["none", "pooled", "power", "test-then-pool", "discount"])
def test_powers_of_the_past_by_integration(name: str) -> None:
    found = WAY[name].read(PAST, SPLITS)
    for r in range(3):
        a, (d, t) = power_of(name, r), PAST.pooled
        control = SPLITS.control_events[r] + a * d, SPLITS.control_time[r] + a * t
        treated = SPLITS.treated_events[r], SPLITS.treated_time[r]
        assert found.benefit[r] == pytest.approx(gamma_says(control, treated), abs=1e-8)


def test_the_test_pools_one_split_and_not_another() -> None:
    assert {power_of("test-then-pool", r) for r in range(3)} == {0.0, 1.0}


def one_by_one(name: str, r: int) -> tuple[NormalMixture, NormalMixture]:
    y, se = (float(one[r]) for one in SPLITS.control)
    treated = NormalMixture(1, *(float(one[r]) for one in SPLITS.treated))
    d, t = PAST.pooled
    if name == "normalized-power":
        base = (float(np.log(d / t)), 10.0)
        history = (float(np.log(d / t)), d**-0.5)
        return normalized_power_prior_normal(history, (y, se), base=base).posterior, treated
    prior = map_prior_normal(
        np.log(PAST.events / PAST.time), PAST.events**-0.5, mean_prior=(float(np.log(d / t)), 10.0),
        heterogeneity_scale=0.5, unit_sd=1.0,
    ).prior  # fmt: skip
    if name == "self-adapting":
        return sam_normal(prior, y, se, difference=-np.log(0.75)).posterior, treated
    vague = {"map": 0.0, "robust-map, 0.2": 0.2, "robust-map, 0.5": 0.5}[name]
    return (prior.robust(vague) if vague else prior).posterior(y, se), treated


@pytest.mark.parametrize(
    "name", ["normalized-power", "map", "robust-map, 0.2", "robust-map, 0.5", "self-adapting"]
)
def test_mixtures_one_trial_at_a_time(name: str) -> None:
    found = WAY[name].read(PAST, SPLITS)
    for r in range(3):
        control, treated = one_by_one(name, r)
        assert found.benefit[r] == pytest.approx(normal_difference_below(treated, control), abs=1e-7)
        assert found.variance[r] == pytest.approx(control.sd() ** 2, rel=1e-6)


@pytest.mark.parametrize(("name", "shape"), [("commensurate", 0.001), ("commensurate, eager", 1.0)])
def test_commensurate_one_trial_at_a_time(name: str, shape: float) -> None:
    found = WAY[name].read(PAST, SPLITS)
    for r in range(3):
        one = commensurate_exponential(
            (SPLITS.control_events[r], SPLITS.control_time[r]), PAST.pooled,
            (SPLITS.treated_events[r], SPLITS.treated_time[r]), CommensuratePrior(shape, 0.001),
        )  # fmt: skip
        assert found.benefit[r] == pytest.approx(one.probability_below(0.0)[0], abs=2e-3)
