"""Type I error under unequal arms and unequal spread: the default analysis keeps it, model-based does not."""

import warnings

import numpy as np
import pytest

from trialsim.analysis.linear import (
    UnsafeStandardErrorWarning,
    fit_linear,
    fit_twin_weighted,
    model_based_type_one_error,
)
from trialsim.streams import stream

ALPHA, N, CONTROL_SD = 0.05, 300, 1.5
CEILING = 0.055
BLOCK = 2_000


def null_block(replicates, active_share, index, seed=20261121):
    """Return outcome, arm and covariate of null trials with n = 300 and a noisier control arm."""
    rng = stream(seed, f"null {active_share:.3f}", index, "outcome")
    arm = np.tile((np.arange(N) < round(active_share * N)).astype(np.int8), (replicates, 1))
    x = rng.standard_normal((replicates, N, 1))
    sd = np.where(arm == 0, CONTROL_SD, 1.0)
    return 0.5 * x[:, :, 0] + sd * rng.standard_normal((replicates, N)), arm, x


def rejection(replicates, active_share, **analysis):
    """Return the rejection share and its Monte Carlo standard error."""
    rejected = 0
    for index in range(replicates // BLOCK):
        y, arm, x = null_block(BLOCK, active_share, index)
        rejected += int(fit_linear(y, arm, x, **analysis).rejects(ALPHA).sum())
    share = rejected / replicates
    return share, np.sqrt(share * (1 - share) / replicates)


def check_default(replicates, active_share, slopes):
    share, monte_carlo = rejection(replicates, active_share, slopes=slopes)
    assert share <= CEILING + (0 if replicates >= 50_000 else 3 * monte_carlo)
    assert share >= ALPHA - 0.006 - 3 * monte_carlo


def check_model_based(replicates, active_share):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsafeStandardErrorWarning)
        share, monte_carlo = rejection(replicates, active_share, variance="model")
    expected = float(model_based_type_one_error(CONTROL_SD, 1.0, active_share))
    # the closed form is for large n; Student's t at 297 degrees of freedom moves it by less than .002
    assert abs(share - expected) <= 3 * monte_carlo + 0.002
    assert share > 0.075


@pytest.mark.parametrize("slopes", ["common", "interacted"])
@pytest.mark.parametrize("active_share", [2 / 3, 3 / 4], ids=["2:1", "3:1"])
def test_default_analysis_keeps_type_one_error(active_share, slopes):
    check_default(6_000, active_share, slopes)


@pytest.mark.slow
@pytest.mark.parametrize("slopes", ["common", "interacted"])
@pytest.mark.parametrize("active_share", [2 / 3, 3 / 4], ids=["2:1", "3:1"])
def test_default_analysis_keeps_type_one_error_at_50_000(active_share, slopes):
    check_default(50_000, active_share, slopes)


@pytest.mark.parametrize("active_share", [2 / 3, 3 / 4], ids=["2:1", "3:1"])
def test_model_based_error_fails_as_the_closed_form_says(active_share):
    check_model_based(6_000, active_share)


@pytest.mark.slow
@pytest.mark.parametrize("active_share", [2 / 3, 3 / 4], ids=["2:1", "3:1"])
def test_model_based_error_fails_as_the_closed_form_says_at_50_000(active_share):
    check_model_based(50_000, active_share)


@pytest.mark.parametrize(
    ("active_share", "published"),
    [
        (2 / 3, {"model": 0.084, "hc0": 0.048, "hc3": 0.046}),
        (3 / 4, {"model": 0.105, "hc0": 0.050, "hc3": 0.045}),
    ],
    ids=["2:1", "3:1"],
)
def test_published_simulation_of_8_000_replicates(active_share, published):
    """OLS, HC0 and HC3 at n = 300, the control noisier (3 Monte Carlo errors: .008)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsafeStandardErrorWarning)
        for variance, expected in published.items():
            share, monte_carlo = rejection(8_000, active_share, variance=variance)
            assert abs(share - expected) <= 0.008 + 3 * monte_carlo


def test_twin_weights_keep_type_one_error_and_gain_precision():
    rejected, replicates, narrower = 0, 6_000, []
    for index in range(replicates // BLOCK):
        rng = stream(3, "weights", index, "outcome")
        arm = np.tile((np.arange(N) % 3 > 0).astype(np.int8), (BLOCK, 1))
        score, sd = rng.standard_normal((BLOCK, N, 1)), np.exp(0.4 * rng.standard_normal((BLOCK, N)))
        y = score[:, :, 0] + sd * np.where(arm == 0, CONTROL_SD, 1.0) * rng.standard_normal((BLOCK, N))
        weighted = fit_twin_weighted(y, arm, score, sd)
        rejected += int(weighted.rejects(ALPHA).sum())
        narrower.append(weighted.estimate.var() / fit_linear(y, arm, score).estimate.var())
    share = rejected / replicates
    assert abs(share - ALPHA) <= 3 * np.sqrt(ALPHA * (1 - ALPHA) / replicates) + 0.003
    assert np.mean(narrower) < 0.9


def test_interacted_standard_error_meets_the_empirical_one_with_the_centring_term():
    rng = stream(5, "centring", 0, "outcome")
    R, n = 8_000, 200
    arm = np.tile((np.arange(n) % 2).astype(np.int8), (R, 1))
    x = rng.standard_normal((R, n, 1))
    y = x[:, :, 0] * np.where(arm == 1, 2.0, -1.0) + rng.standard_normal((R, n))
    fit = fit_linear(y, arm, x, slopes="interacted")
    ratio = fit.estimate.var() / np.mean(fit.standard_error**2)
    assert abs(ratio - 1) <= 4 * np.sqrt(2 / R)


def test_permuted_blocks_variance_meets_the_empirical_one():
    """Unequal allocation and an effect that differs by stratum: without the term the error is too large."""
    rng = stream(6, "blocks", 0, "outcome")
    R, n = 8_000, 240
    strata = rng.integers(0, 2, (R, n))
    lists = (np.argsort(rng.random((2, R, n // 4, 4)), axis=3) > 0).astype(np.int8).reshape(2, R, n)
    place = [np.cumsum(strata == z, axis=1) - 1 for z in (0, 1)]
    arm = np.where(strata == 0, *(np.take_along_axis(lists[z], np.maximum(place[z], 0), 1) for z in (0, 1)))
    y = np.where(strata == 1, 2.0, -2.0) * (0.5 - arm) + rng.standard_normal((R, n))
    plain = fit_linear(y, arm, strata=strata, variance="hc0")
    blocks = fit_linear(y, arm, strata=strata, variance="hc0", randomisation="permuted_blocks")
    truth = plain.estimate.var()
    assert abs(truth / np.mean(blocks.standard_error**2) - 1) <= 4 * np.sqrt(2 / R) + 0.02
    assert np.mean(plain.standard_error**2) > 1.1 * truth
