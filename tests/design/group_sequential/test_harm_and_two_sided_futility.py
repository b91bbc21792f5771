"""Bounds for harm and inner wedges against the multivariate normal and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from trialsim.design import HwangShihDeCani, OBrienFlemingSpending, PocockSpending, group_sequential_design
from trialsim.design.group_sequential import (
    BetaSpending,
    harm_bounds,
    two_sided_futility_design,
)
from trialsim.errors import DesignError


def paths(time: list[float], drift: float, replicates: int) -> np.ndarray:
    """Return simulated z at each look (R, K)."""
    rng, t = np.random.default_rng(17), np.array(time)
    steps = np.diff(t, prepend=0.0)
    sums = np.cumsum(np.sqrt(steps) * rng.standard_normal((replicates, len(t))) + drift * steps, axis=1)
    return sums / np.sqrt(t)


def first(hit: np.ndarray) -> np.ndarray:
    return np.where(hit.any(axis=1), hit.argmax(axis=1), -1)


@pytest.mark.parametrize("looks", [[0.5, 1.0], [0.3, 0.6, 0.85, 1.0]])
@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_an_inner_wedge_stops_as_simulated(looks: list[float], share: float) -> None:
    plan = two_sided_futility_design(looks, OBrienFlemingSpending(), HwangShihDeCani(-2))
    drift, replicates = share * plan.drift, 200_000
    z = np.abs(paths(looks, drift, replicates))
    reject, futile = z >= np.array(plan.outer), z <= np.array(plan.inner)
    stop = first(reject | futile)
    rejected, stopped = plan.stopping(drift)
    for k in range(len(looks)):
        for side, expected in ((reject, rejected[k]), (futile, stopped[k])):
            got = ((stop == k) & side[:, k]).mean()
            assert abs(got - expected) < 4 * np.sqrt(max(expected, 1e-4) / replicates)
    assert rejected.sum() + stopped.sum() == pytest.approx(1.0, abs=1e-9)


def test_an_inner_wedge_spends_beta_and_keeps_the_level() -> None:
    looks, spending = [0.4, 0.7, 1.0], HwangShihDeCani(-2)
    plan = two_sided_futility_design(looks, OBrienFlemingSpending(), spending, power=0.85)
    rejected, futile = plan.stopping(plan.drift)
    assert np.cumsum(futile) == pytest.approx(spending.cumulative(0.15, looks), abs=1e-9)
    assert rejected.sum() == pytest.approx(0.85, abs=1e-9)
    assert plan.stopping(0.0)[0].sum() < 0.05
    plain = group_sequential_design(looks, efficacy=OBrienFlemingSpending(), alpha=0.05, power=0.85, sides=2)
    assert plan.outer == pytest.approx(plain.upper, abs=1e-9)
    assert plan.drift > plain.drift
    assert plan.stopping(-plan.drift)[0] == pytest.approx(rejected, abs=1e-9)


def test_one_look_without_a_wedge_is_the_two_sided_test() -> None:
    plan = two_sided_futility_design([1.0], OBrienFlemingSpending(), HwangShihDeCani(-2))
    expected = norm.sf(norm.isf(0.025) - plan.drift) + norm.cdf(-norm.isf(0.025) - plan.drift)
    assert plan.stopping(plan.drift)[0].sum() == pytest.approx(expected, abs=1e-12)


def test_harm_is_concluded_as_simulated_and_spends_its_own_error() -> None:
    looks = [0.3, 0.6, 1.0]
    design = group_sequential_design(looks, futility=BetaSpending(HwangShihDeCani(-2)))
    found = harm_bounds(design, PocockSpending(), 0.02)
    z = paths(looks, -1.0, 200_000)
    stop = first((z <= np.array(found.z)) | (z >= np.array(design.upper)))
    for k, expected in enumerate(found.stopping(-1.0)):
        got = ((stop == k) & (z[:, k] <= found.z[k])).mean()
        assert abs(got - expected) < 4 * np.sqrt(max(expected, 1e-4) / len(z))
    assert found.stopping(0.0).sum() == pytest.approx(0.02, abs=2e-4)
    over = [float(found.stopping(drift).sum()) for drift in (2.0, 0.0, -1.0, -3.0)]
    assert (np.diff(over) > 0).all()


def test_harm_above_futility_or_beside_two_sides_is_refused() -> None:
    late = group_sequential_design([0.5, 1.0], futility=BetaSpending(HwangShihDeCani(-20)))
    with pytest.raises(DesignError, match="above the futility bound"):
        harm_bounds(late, PocockSpending(), 0.4)
    with pytest.raises(DesignError, match="bounds for harm already"):
        harm_bounds(group_sequential_design([0.5, 1.0], sides=2), PocockSpending())
