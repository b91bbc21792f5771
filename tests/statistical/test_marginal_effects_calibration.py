"""The population variance meets the empirical one, and adjustment keeps the level of the marginal test."""

import numpy as np
import pytest
from scipy import special

from trialsim.analysis.marginal import fit_marginal
from trialsim.streams import stream

R, N = 4_000, 300


def check_variance(estimates):
    ratio = estimates.estimate.var() / np.mean(estimates.standard_error**2)
    assert abs(ratio - 1) <= 4 * np.sqrt(2 / len(estimates)) + 0.02


def test_logistic_base_setting():
    """n = 500, coefficients (1, 0 or .75, 1), covariate N(0, 1.5²): .048 and .899 of 4,000 rejected."""
    for effect, published in ((0.0, 0.048), (0.75, 0.899)):
        rng = stream(1, f"logistic {effect}", 0, "outcome")
        arm = np.tile(np.arange(500) % 2, (R, 1))
        x = 1.5 * rng.standard_normal((R, 500, 1))
        y = (rng.random((R, 500)) < special.expit(1 + effect * arm + x[:, :, 0])).astype(float)
        estimates = fit_marginal(y, arm, x, family="binomial")
        share = estimates.rejects(0.05).mean()
        assert abs(share - published) <= 3 * np.sqrt(2 * published * (1 - published) / R)
        check_variance(estimates)


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
def test_overdispersed_counts_keep_level_under_a_wrong_working_model(family):
    rng = stream(2, family, 0, "outcome")
    arm = np.tile((np.arange(N) % 3 > 0).astype(int), (R, 1))
    x = rng.standard_normal((R, N, 1))
    y = rng.poisson(np.exp(0.5 + 0.4 * np.abs(x[:, :, 0])) * rng.gamma(2.0, 0.5, (R, N))).astype(float)
    estimates = fit_marginal(y, arm, x, family=family, contrast="log_ratio", theta=3.0)
    share = estimates.rejects(0.05).mean()
    assert abs(share - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / R) + 0.005
    check_variance(estimates)


def test_permuted_blocks_meet_the_empirical_variance():
    rng = stream(4, "blocks", 0, "outcome")
    n = 240
    strata = rng.integers(0, 2, (R, n))
    lists = (np.argsort(rng.random((2, R, n // 4, 4)), axis=3) > 0).astype(int).reshape(2, R, n)
    place = [np.cumsum(strata == z, axis=1) - 1 for z in (0, 1)]
    arm = np.where(strata == 0, *(np.take_along_axis(lists[z], np.maximum(place[z], 0), 1) for z in (0, 1)))
    y = (rng.random((R, n)) < np.where(strata == 1, 0.85, 0.15)).astype(float)
    plain = fit_marginal(y, arm, family="binomial")
    blocks = fit_marginal(y, arm, family="binomial", strata=strata, randomisation="permuted_blocks")
    check_variance(blocks)
    assert np.mean(plain.standard_error**2) > 1.3 * np.mean(blocks.standard_error**2)


def test_penalised_replicates_do_not_distort_a_small_trial():
    rng = stream(5, "rare", 0, "outcome")
    arm = np.tile(np.arange(60) % 2, (R, 1))
    x = (rng.random((R, 60, 1)) < 0.2).astype(float)
    y = (rng.random((R, 60)) < 0.15).astype(float)
    estimates = fit_marginal(y, arm, x, family="binomial")
    usable = np.isfinite(estimates.estimate)
    assert estimates.separated.any()
    assert (usable | (estimates.status > 0)).all()
    assert abs(estimates.estimate[usable].mean()) <= 4 * estimates.estimate[usable].std() / np.sqrt(
        usable.sum()
    )
