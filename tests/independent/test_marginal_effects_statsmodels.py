"""Working models and unadjusted marginal effects against statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm

from trialsim.analysis.marginal.working_model import (
    BINOMIAL,
    NEGATIVE_BINOMIAL,
    POISSON,
    fit_working_model,
)


@pytest.fixture(scope="module")
def trial():
    rng = np.random.default_rng(15)
    n = 300
    D = np.column_stack([np.ones(n), np.resize([0.0, 1.0], n), rng.normal(size=(n, 2))])
    return D, np.exp(D @ [0.3, 0.2, 0.4, -0.3]), rng


def fitted(family, D, y, theta=0.0):
    beta, mu = np.empty(D.shape[1]), np.empty(len(y))
    outcome, _, penalised, theta = fit_working_model(family, theta, D, y, False, beta, mu)
    assert outcome == 0
    assert not penalised
    return beta, mu, theta


def test_logistic_and_poisson(trial):
    D, mean, rng = trial
    y = (rng.random(len(D)) < mean / (1 + mean)).astype(float)
    peer = sm.GLM(y, D, family=sm.families.Binomial()).fit(tol=1e-13)
    np.testing.assert_allclose(fitted(BINOMIAL, D, y)[0], peer.params, rtol=1e-9)
    counts = rng.poisson(mean).astype(float)
    peer = sm.GLM(counts, D, family=sm.families.Poisson()).fit(tol=1e-13)
    np.testing.assert_allclose(fitted(POISSON, D, counts)[0], peer.params, rtol=1e-9)


def test_negative_binomial_with_estimated_theta(trial):
    D, mean, rng = trial
    y = rng.poisson(mean * rng.gamma(2.0, 0.5, len(D))).astype(float)
    peer = sm.NegativeBinomial(y, D).fit(disp=0, method="newton", tol=1e-12, maxiter=200)
    beta, _, theta = fitted(NEGATIVE_BINOMIAL, D, y)
    np.testing.assert_allclose(beta, peer.params[:-1], rtol=1e-6)
    assert theta == pytest.approx(1 / peer.params[-1], rel=1e-6)


def test_negative_binomial_of_underdispersed_counts_is_poisson(trial):
    D, _, rng = trial
    y = rng.binomial(4, 0.5, len(D)).astype(float)
    np.testing.assert_allclose(fitted(NEGATIVE_BINOMIAL, D, y)[0], fitted(POISSON, D, y)[0], rtol=1e-5)
