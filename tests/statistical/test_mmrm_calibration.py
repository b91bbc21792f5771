"""Type I error, coverage and failures of the MMRM in simulated trials; tolerances are Monte Carlo errors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.streams import stream

Array = NDArray[np.float64]


def null_trials(key: str, block: int, replicates: int, size: int, gaps: float) -> tuple[Array, Array, Array]:
    """Return trials with `size` an arm, 4 visits, a baseline covariate and a quarter lost by the end."""
    generator = stream(20261121, key, block, "analysis")
    x = generator.standard_normal((replicates, 2 * size, 1))
    outcome = generator.standard_normal((replicates, 2 * size, 4)).cumsum(axis=2) + 0.5 * x
    stays = generator.random((replicates, 2 * size, 1)) >= 0.25 * np.arange(4) / 3
    outcome[~stays | (generator.random(outcome.shape) < gaps)] = np.nan
    return outcome, np.arange(2 * size) % 2.0, x


@pytest.mark.parametrize("gaps", [0.0, 0.03])
@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger-linear"])
def test_type_one_error_is_nominal_at_100_an_arm(df: str, gaps: float) -> None:
    replicates = 6_000
    found = fit_mmrm_block(*null_trials("type one", 0, replicates, 100, gaps), by_visit=True, df=df)
    assert (found.status == 0).all()
    error = np.sqrt(0.05 * 0.95 / replicates)
    assert abs(found.rejects(0.05).mean() - 0.05) < 3 * error


def test_kenward_roger_widens_where_the_normal_test_is_too_free() -> None:
    """At 15 an arm, on the same trials: z rejects most, Kenward-Roger least, and near the level."""
    replicates = 6_000
    data = null_trials("type one", 1, replicates, 15, 0.03)
    rates = [
        fit_mmrm_block(*data, by_visit=True, df=df).rejects(0.05).mean()
        for df in ("z", "satterthwaite", "kenward-roger-linear")
    ]
    error = np.sqrt(0.05 * 0.95 / replicates)
    assert rates[0] > rates[1] > rates[2]
    assert rates[0] > 0.05 + 3 * error
    assert abs(rates[2] - 0.05) < 4 * error


def test_estimates_are_unbiased_and_their_standard_errors_right() -> None:
    replicates = 4_000
    outcome, arm, x = null_trials("bias", 0, replicates, 60, 0.03)
    outcome[..., -1] += 0.8 * arm
    found = fit_mmrm_block(outcome, arm, x)
    spread = found.estimate.std(ddof=1)
    assert abs(found.estimate.mean() - 0.8) < 4 * spread / np.sqrt(replicates)
    assert abs(found.standard_error.mean() / spread - 1) < 4 / np.sqrt(2 * replicates) + 0.01


def count_failures(trials: int) -> int:
    failures = 0
    for block, size in enumerate(np.tile([30, 60, 120, 250, 400], trials // 2_500)):
        data = null_trials("failures", block, 500, int(size), 0.03 if block % 2 else 0.0)
        found = fit_mmrm_block(*data, by_visit=bool(block % 3))
        failures += int((found.status != 0).sum())
    return failures


def test_no_trial_of_a_slice_of_the_million_fails() -> None:
    assert count_failures(5_000) == 0


@pytest.mark.slow
def test_no_trial_of_a_million_fails() -> None:
    assert count_failures(1_000_000) == 0
