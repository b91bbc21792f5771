"""Large-sample power of weighted log-rank, MaxCombo and restricted mean tests against simulated trials."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trialsim.analysis.survival.weights import LOG_RANK, EarlyZero, FlemingHarrington, MagirrBurman, PetoPeto
from trialsim.design import events_for_power
from trialsim.design.non_proportional import (
    average_hazard_ratio_size,
    max_combo_power,
    restricted_mean_law,
    restricted_mean_power,
    restricted_mean_size,
    weighted_law,
    weighted_survival_size,
)
from trialsim.design.sizes import EventForecast, PiecewiseRate, PlannedAccrual
from trialsim.errors import DesignError

LATE = PiecewiseRate((1.0, 0.5), (0.0, 4.0))
TESTS = [
    LOG_RANK,
    FlemingHarrington(0, 1),
    FlemingHarrington(1, 0),
    EarlyZero(3.0),
    MagirrBurman(4.0),
    PetoPeto(),
]


def forecast(
    ratio: PiecewiseRate, total: float = 300, dropout: tuple[float, float] = (0.01, 0.01)
) -> EventForecast:
    return EventForecast(
        PlannedAccrual((total / 12,), (12,)),
        PiecewiseRate((0.08,)),
        ratio,
        (PiecewiseRate((dropout[0],)), PiecewiseRate((dropout[1],))),
    )


def trial(world: EventForecast, rng: np.random.Generator, time: float) -> tuple[np.ndarray, ...]:
    """Return follow-up, event and arm of one trial, drawn plainly."""
    n = round(world.accrual.total)
    arm = np.repeat([0, 1], n // 2)
    left = time - rng.uniform(0, world.accrual.duration, n)
    event = np.empty(n)
    for a in (0, 1):
        hazard = world.rates_of(a)[0]
        starts = world.starts
        target = rng.exponential(size=int((arm == a).sum()))
        cumulative = np.append(0.0, np.cumsum(hazard[:-1] * np.diff(starts)))
        piece = np.searchsorted(cumulative, target, side="right") - 1
        event[arm == a] = starts[piece] + (target - cumulative[piece]) / hazard[piece]
    gone = np.where(
        arm == 0,
        rng.exponential(1 / world.dropout[0].rates[0], n),
        rng.exponential(1 / world.dropout[1].rates[0], n),
    )
    seen = np.minimum(np.minimum(left, gone), event)
    return seen, event <= np.minimum(left, gone), arm


def scores(seen: np.ndarray, event: np.ndarray, arm: np.ndarray) -> tuple[float, float]:
    """Return z of the log-rank and the Fleming–Harrington (0, 1) test; above 0 for benefit."""
    order = np.argsort(seen)
    event, arm = event[order], arm[order]
    n = len(arm) - np.arange(len(arm))
    n1 = arm[::-1].cumsum()[::-1]
    survival = np.append(1.0, np.cumprod(1 - event / n)[:-1])
    found = []
    for w in (np.ones(len(n)), 1 - survival):
        score = np.sum(w * event * (n1 / n - arm))
        found.append(score / math.sqrt(np.sum(w**2 * event * n1 * (n - n1) / n**2)))
    return found[0], found[1]


def test_weighted_and_max_combo_power_equal_plain_simulation() -> None:
    world, rng, replicates = forecast(LATE, 240), np.random.default_rng(4), 2000
    z = np.array([scores(*trial(world, rng, 24.0)) for _ in range(replicates)])
    pair = [LOG_RANK, FlemingHarrington(0, 1)]
    law = weighted_law(world, 24.0, pair)
    assert np.abs(z.mean(axis=0) - law.mean).max() < 0.1
    assert np.corrcoef(z.T)[0, 1] == pytest.approx(law.correlation[0, 1], abs=0.02)
    for k in (0, 1):
        share = (z[:, k] >= 1.959964).mean()
        assert abs(max_combo_power(world, 24.0, pair[k : k + 1]) - share) < 0.045
    bound = 2.0 + np.linspace(0, 0.25, 501)
    null = np.random.default_rng(1).multivariate_normal([0, 0], law.correlation, 400_000).max(axis=1)
    critical = bound[np.argmin(np.abs((null[:, None] >= bound[None, ::25]).mean(axis=0) - 0.025)) * 25]
    share = (z.max(axis=1) >= critical).mean()
    assert abs(max_combo_power(world, 24.0, pair) - share) < 0.045


def test_restricted_mean_power_equals_plain_simulation() -> None:
    world, rng, replicates, tau = forecast(LATE, 240), np.random.default_rng(5), 1500, 18.0

    def estimate(seen: np.ndarray, event: np.ndarray) -> tuple[float, float]:
        order = np.argsort(seen)
        t, d = np.minimum(seen[order], tau), event[order] & (seen[order] <= tau)
        n = len(t) - np.arange(len(t))
        s = np.cumprod(1 - d / n)
        widths = np.diff(np.append(t, tau))
        area = (s * widths)[::-1].cumsum()[::-1]
        return float(t[0] + np.sum(s * widths)), float(np.sum(area**2 * d / (n * np.maximum(n - d, 1))))

    z = []
    for _ in range(replicates):
        seen, event, arm = trial(world, rng, 24.0)
        (m0, v0), (m1, v1) = (estimate(seen[arm == a], event[arm == a]) for a in (0, 1))
        z.append((m1 - m0) / math.sqrt(v0 + v1))
    law = restricted_mean_law(world, 24.0, tau)
    assert np.mean(z) == pytest.approx(law.z, abs=0.11)
    assert restricted_mean_power(world, 24.0, tau) == pytest.approx(np.mean(np.array(z) >= 1.96), abs=0.045)


def test_under_proportional_hazards_the_log_rank_size_is_schoenfelds() -> None:
    found = weighted_survival_size(forecast(PiecewiseRate((0.9,))), 24.0)
    assert found.events == pytest.approx(events_for_power(0.9), rel=0.005)
    assert average_hazard_ratio_size(forecast(PiecewiseRate((0.9,))), 24.0).events == pytest.approx(
        events_for_power(0.9), rel=0.005
    )


@pytest.mark.parametrize("dropout", [(0.01, 0.01), (0.005, 0.04)])
def test_sizes_give_the_power_they_were_asked_for(dropout: tuple[float, float]) -> None:
    world = forecast(LATE, 300, dropout)
    for weights in ([one] for one in TESTS):
        size = weighted_survival_size(world, 24.0, weights, power=0.8)
        assert max_combo_power(size.forecast, 24.0, weights) == pytest.approx(0.8, abs=1e-6)
    pair = [LOG_RANK, FlemingHarrington(0, 1)]
    size = weighted_survival_size(world, 24.0, pair, power=0.8)
    assert max_combo_power(size.forecast, 24.0, pair) == pytest.approx(0.8, abs=1e-5)
    mean = restricted_mean_size(world, 24.0, 18.0, power=0.8)
    assert restricted_mean_power(mean.forecast, 24.0, 18.0) == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize("weight", TESTS, ids=str)
def test_power_grows_with_the_effect_and_harm_has_none(weight: object) -> None:
    over = [
        max_combo_power(forecast(PiecewiseRate((ratio,))), 24.0, [weight])
        for ratio in (1.5, 1.0, 0.8, 0.6, 0.3)
    ]
    assert (np.diff(over) > 0).all()
    assert over[0] < 1e-3
    assert over[1] == pytest.approx(0.025, abs=1e-9)
    with pytest.raises(DesignError, match="wrong side"):
        weighted_survival_size(forecast(PiecewiseRate((1.5,))), 24.0, [weight])


def test_harm_of_the_mean_and_of_the_average_ratio_has_no_size() -> None:
    harm = forecast(PiecewiseRate((1.4,)))
    for sized in (
        lambda: restricted_mean_size(harm, 24.0, 18.0),
        lambda: average_hazard_ratio_size(harm, 24.0),
    ):
        with pytest.raises(DesignError, match="wrong side"):
            sized()
    assert restricted_mean_power(harm, 24.0, 18.0) < 0.001
    with pytest.raises(DesignError, match="tau"):
        restricted_mean_law(harm, 24.0, 30.0)
