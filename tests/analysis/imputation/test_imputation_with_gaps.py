"""Imputation with gaps equals refits by EM without each participant, and a level of one takes it along."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.independent.imputation_by_em import (
    analyse_completed,
    conditional_means,
    fit_gaps,
    impute_with_gaps,
    pattern_sums,
    start_sigma,
)
from trialsim.analysis.imputation.block import imputation_block, tipping_point_block
from trialsim.analysis.imputation.kernel import Plan
from trialsim.analysis.imputation.strategies import STRATEGIES
from trialsim.streams import stream

Array = NDArray[np.float64]


def trial(name: str, participants: int = 60, visits: int = 4, gaps: float = 0.06) -> tuple[Array, Array]:
    """Return outcomes about 50 with gaps and dropout, and a design with a covariate of mean 50."""
    generator = stream(11, f"gaps {name}", 0, "outcome")
    arm = np.arange(participants) % 2
    base = generator.normal(50.0, 10.0, participants)
    y = generator.normal(size=(participants, visits)).cumsum(axis=1) * 3.0
    y += 20.0 + 0.6 * base[:, None] + arm[:, None] * np.arange(visits)
    y[generator.random(y.shape) < gaps] = np.nan
    last = np.where(generator.random(participants) < 0.3, generator.integers(1, visits, participants), visits)
    y[np.arange(visits) >= last[:, None]] = np.nan
    return y, np.column_stack([np.ones(participants), arm, base])


@pytest.mark.parametrize("variance", ["jackknife", "information_anchored"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_block_equals_refits_by_em_without_each_participant(strategy: str, variance: str) -> None:
    y, design = trial("strategies")
    if strategy != "LMCF":
        y[3] = np.nan
    else:
        y[np.isnan(y).all(axis=1), 0] = 40.0
    centre = np.nanmean(y)
    for visit in (1, 3):
        plan = Plan(1, np.arange(3), 0, np.full(2, STRATEGIES.index(strategy)), visit)
        result, covariance = impute_with_gaps(y - centre, design, plan, variance == "information_anchored")
        found = imputation_block(y[None], design, strategy=strategy, variance=variance, visit=visit)
        assert found.status.tolist() == [0]
        assert found.estimate[0] == pytest.approx(result[visit, 0], rel=1e-9)
        assert found.standard_error[0] == pytest.approx(np.sqrt(covariance[visit, 0, 0]), rel=1e-7)


def test_a_participant_far_from_all_others_is_refitted_as_exactly() -> None:
    y, design = trial("outlier")
    y[5] = [75.0, np.nan, 30.0, 80.0]
    plan = Plan(1, np.arange(3), 0, np.full(2, 1), 3)
    result, covariance = impute_with_gaps(y - np.nanmean(y), design, plan, anchored=False)
    found = imputation_block(y[None], design, strategy="J2R")
    assert found.estimate[0] == pytest.approx(result[3, 0], rel=1e-8)
    assert found.standard_error[0] == pytest.approx(np.sqrt(covariance[3, 0, 0]), rel=1e-6)


def test_a_trial_with_gaps_leaves_its_neighbours_and_units_alone() -> None:
    y, design = trial("neighbours")
    whole = np.where(np.isnan(y), np.nan, y)
    monotone = np.where(np.maximum.accumulate(np.isnan(y), axis=1), np.nan, y)
    together = imputation_block(np.stack([monotone, whole, monotone]), design, strategy="J2R")
    alone = imputation_block(monotone[None], design, strategy="J2R")
    np.testing.assert_array_equal(together.estimate[[0, 2]], np.repeat(alone.estimate, 2))
    scaled = imputation_block(1000.0 + 0.01 * y[None], design * [1.0, 1.0, 1e-3], strategy="J2R")
    assert scaled.estimate[0] == pytest.approx(0.01 * together.estimate[1], rel=1e-8)
    assert scaled.standard_error[0] == pytest.approx(0.01 * together.standard_error[1], rel=1e-6)
    assert np.isfinite(tipping_point_block(y[None], design)).all()


@pytest.mark.parametrize("gaps", [0.0, 0.06])
def test_a_level_of_one_participant_is_left_out_with_him(gaps: float) -> None:
    y, design = trial("site of one", gaps=gaps)
    y[7] = [40.0, 45.0, 50.0, 52.0]
    site = (np.arange(len(y)) == 7) * 1.0
    wide = np.column_stack([design, site])
    found = imputation_block(y[None], wide, strategy="J2R")
    assert found.status.tolist() == [0]
    centred = y - np.nanmean(y)
    values = np.empty(len(y))
    for i in range(len(y)):
        keep = np.arange(len(y)) != i
        z = design if i == 7 else wide
        plan = Plan(1, np.arange(z.shape[1]), 0, np.full(2, 1), 3)
        sums, _ = pattern_sums(centred[keep], z[keep])
        fit = fit_gaps(sums, start_sigma(centred[keep], z[keep]))
        completed = conditional_means(centred[keep], z[keep], *fit, plan, plan.strategies)
        values[i] = analyse_completed(completed, np.isnan(y[keep]), z[keep], plan)[3, 0]
    error = np.sqrt((len(y) - 1) * values.var())
    assert found.standard_error[0] == pytest.approx(error, rel=1e-6)
