"""Under the null every test rejects at its level; intervals and standard errors are calibrated.

Tolerances are multiples of the Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from trialsim.analysis.competing_risks import cumulative_incidence_block, gray_test_block
from trialsim.analysis.recurrent_events import lwyy_block
from trialsim.analysis.survival import (
    FlemingHarrington,
    adjusted_log_rank_block,
    cox_block,
    log_rank_block,
    max_combo_block,
    milestone_survival_block,
    restricted_mean_survival_block,
)
from trialsim.data import STATUS_OK, Estimates
from trialsim.streams import stream

REPLICATES, PARTICIPANTS, LEVEL = 4000, 200, 0.05
# What asymptotic tests may miss the level by at 200 participants, beside 3 Monte Carlo errors.
SMALL_SAMPLE = 0.007

Block = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def null() -> Block:
    """Time, event (0, 1, 2), arm, a prognostic covariate and a stratum; the arm has no effect."""
    generator = stream(20261121, "survival_null", 0, "outcome")
    shape = (REPLICATES, PARTICIPANTS)
    covariate, stratum = generator.normal(size=shape), generator.integers(0, 3, shape)
    arm = generator.permuted(np.tile(np.arange(PARTICIPANTS) % 2, (REPLICATES, 1)), axis=1)
    relapse = generator.exponential(size=shape) * np.exp(-0.7 * covariate - 0.3 * stratum)
    death = generator.exponential(2.0, size=shape)
    end = generator.uniform(1.0, 3.0, size=shape)
    time = np.minimum(np.minimum(relapse, death), end)
    event = np.where(time == end, 0, np.where(time == relapse, 1, 2))
    return time, event, arm, covariate, stratum


TESTS: dict[str, Callable[[Block], Estimates]] = {
    "log_rank": lambda b: log_rank_block(b[0], b[1] == 1, b[2]),
    "stratified": lambda b: log_rank_block(b[0], b[1] == 1, b[2], b[4]),
    "late": lambda b: log_rank_block(b[0], b[1] == 1, b[2], weights=FlemingHarrington(0, 1)),
    "max_combo": lambda b: max_combo_block(b[0], b[1] == 1, b[2], decide_at=LEVEL),
    "adjusted": lambda b: adjusted_log_rank_block(b[0], b[1] == 1, b[2], b[3]),
    "adjusted_stratified": lambda b: adjusted_log_rank_block(b[0], b[1] == 1, b[2], b[3], b[4]),
    "cox": lambda b: cox_block(b[0], b[1] == 1, b[2], b[3]),
    "restricted_mean": lambda b: restricted_mean_survival_block(b[0], b[1] == 1, b[2], 0.9),
    "milestone": lambda b: milestone_survival_block(b[0], b[1] == 1, b[2], 0.9, scale="log_log"),
    "gray": lambda b: gray_test_block(b[0], b[1], b[2]),
    "incidence": lambda b: cumulative_incidence_block(b[0], b[1], b[2], 0.9),
}


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_type_one_error_is_the_level(test: Callable[[Block], Estimates], null: Block) -> None:
    estimates = test(null)
    assert (estimates.status == STATUS_OK).all()
    error = np.sqrt(LEVEL * (1 - LEVEL) / REPLICATES)
    assert abs(estimates.rejects(LEVEL).mean() - LEVEL) < 3 * error + SMALL_SAMPLE


@pytest.mark.parametrize("test", [TESTS["log_rank"], TESTS["adjusted"], TESTS["cox"]])
def test_standard_errors_are_the_spread_of_the_estimates(
    test: Callable[[Block], Estimates], null: Block
) -> None:
    estimates = test(null)
    spread = estimates.estimate.std()
    assert abs(estimates.standard_error.mean() / spread - 1) < 3 / np.sqrt(2 * REPLICATES) + 0.02


def test_adjustment_for_a_prognostic_covariate_raises_power() -> None:
    generator = stream(20261121, "survival_power", 0, "outcome")
    shape = (800, PARTICIPANTS)
    covariate, arm = generator.normal(size=shape), np.tile(np.arange(PARTICIPANTS) % 2, (800, 1))
    time = generator.exponential(size=shape) * np.exp(-covariate + 0.4 * arm)
    event = time < 3.0
    time = np.minimum(time, 3.0)
    plain = log_rank_block(time, event, arm).rejects(LEVEL)
    adjusted = adjusted_log_rank_block(time, event, arm, covariate).rejects(LEVEL)
    gain = adjusted.astype(float) - plain
    assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


def test_lwyy_keeps_its_level_under_frailty_where_the_model_based_error_would_not() -> None:
    generator = stream(20261121, "survival_recurrent", 0, "outcome")
    replicates, participants, most = 1000, 120, 12
    shape = (replicates, participants)
    arm = np.tile(np.arange(participants) % 2, (replicates, 1))
    rate = generator.gamma(1.0, 1.5, shape)
    follow_up = generator.uniform(0.5, 1.5, shape)
    times = np.cumsum(generator.exponential(size=(*shape, most)), axis=2) / rate[:, :, None]
    follow_up = np.minimum(follow_up, times[:, :, -1])
    times = np.where(times <= follow_up[:, :, None], times, np.nan)
    estimates = lwyy_block(times, follow_up, arm)
    error = np.sqrt(LEVEL * (1 - LEVEL) / replicates)
    assert (estimates.status == STATUS_OK).all()
    assert abs(estimates.rejects(LEVEL).mean() - LEVEL) < 3 * error + SMALL_SAMPLE


def test_lwyy_and_cox_keep_their_level_beside_a_skewed_covariate() -> None:
    """The plain sandwich claims about .06 at .05: a few participants have most of the leverage."""
    generator = stream(20261121, "survival_skewed", 0, "outcome")
    replicates, participants, most = 20_000, 100, 12
    shape = (replicates, participants)
    arm, x = (generator.random(shape) < 0.5) * 1, generator.lognormal(size=shape)
    rate = x**0.6 * generator.gamma(1.5, 1 / 1.5, shape)
    times = np.cumsum(generator.exponential(size=(*shape, most)), axis=2) / rate[:, :, None]
    follow_up = np.minimum(1.0, times[:, :, -1])
    first, event = np.minimum(times[:, :, 0], 1.0), times[:, :, 0] <= 1.0
    times = np.where(times <= follow_up[:, :, None], times, np.nan)
    # One-sided tests in both directions: the sign test of their difference does not matter here.
    error = np.sqrt(2 * LEVEL * (1 - 2 * LEVEL) / replicates) / 2
    for corrected, plain in (
        (lwyy_block(times, follow_up, arm, x[:, :, None]),
         lwyy_block(times, follow_up, arm, x[:, :, None], variance="robust")),
        (cox_block(first, event, arm, x[:, :, None], variance="corrected"),
         cox_block(first, event, arm, x[:, :, None])),
    ):  # fmt: skip
        assert corrected.rejects(2 * LEVEL).mean() / 2 < 0.05 + 3 * error
        assert plain.rejects(2 * LEVEL).mean() / 2 > 0.05 + 3 * error


def test_restricted_means_of_small_arms_keep_their_level() -> None:
    """Greenwood's variance and the normal law claim about .059 one-sided with arms of 20."""
    generator = stream(20261121, "survival_small_arms", 0, "outcome")
    replicates, participants = 20_000, 40
    arm = np.tile(np.arange(participants) % 2, (replicates, 1))
    time = generator.exponential(14.4, (replicates, participants))
    end = generator.uniform(12.0, 22.0, time.shape)
    seen, event = np.minimum(time, end), time <= end
    error = np.sqrt(2 * LEVEL * (1 - 2 * LEVEL) / replicates) / 2
    corrected, plain = (
        restricted_mean_survival_block(seen, event, arm, 12.0, variance).rejects(2 * LEVEL).mean() / 2
        for variance in ("corrected", "greenwood")
    )
    assert corrected < 0.05 + 3 * error
    assert plain > 0.05 + 3 * error
