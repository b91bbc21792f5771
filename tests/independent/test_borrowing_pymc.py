"""Deterministic borrowing against NUTS on the hierarchical models as they are written down (PyMC)."""

from __future__ import annotations

import arviz as az
import numpy as np
import pymc as pm
import pytest

from trialsim.analysis.borrowing.commensurate_prior import CommensuratePrior, commensurate_exponential
from trialsim.analysis.borrowing.meta_analytic_predictive import map_prior_binomial, map_prior_normal


def agree(draws: np.ndarray, mean: float, sd: float) -> None:
    """Mean and mean square about the exact mean, within four Monte Carlo standard errors."""
    for got, wanted in ((draws, mean), ((draws - mean) ** 2, sd**2)):
        assert got.mean() == pytest.approx(wanted, abs=4 * np.asarray(az.mcse(got)).item())


def sample(seed: int) -> az.InferenceData:
    return pm.sample(
        4000, tune=1500, chains=2, cores=1, random_seed=seed, progressbar=False, target_accept=0.97
    )


@pytest.mark.slow
def test_pymc_agrees_with_the_binomial_map() -> None:
    n = np.array([107, 44, 51, 39, 139, 20, 78, 35])
    r = np.array([23, 12, 19, 9, 39, 6, 9, 10])
    with pm.Model():
        mu, tau = pm.Normal("mu", 0, 2), pm.HalfNormal("tau", 1)
        z = pm.Normal("z", shape=9)
        theta = mu + tau * z
        pm.Deterministic("p_new", pm.math.invlogit(theta[8]))
        pm.Binomial("r", n=n, logit_p=theta[:8], observed=r)
        draws = sample(1).posterior
    exact = map_prior_binomial(r, n)
    agree(draws["p_new"].to_numpy(), exact.prior.mean(), exact.prior.sd())
    agree(draws["tau"].to_numpy(), exact.heterogeneity.mean(), exact.heterogeneity.sd())


@pytest.mark.slow
def test_pymc_agrees_with_the_normal_map() -> None:
    se = 88 / np.sqrt([74, 166, 328, 20, 25, 58])
    y = np.array([-51.0, -49, -36, -47, -90, -54])
    with pm.Model():
        mu, tau = pm.Normal("mu", 0, 88), pm.HalfNormal("tau", 44)
        theta = mu + tau * pm.Normal("z", shape=7)
        pm.Deterministic("new", theta[6])
        pm.Normal("y", theta[:6], se, observed=y)
        draws = sample(2).posterior
    exact = map_prior_normal(y, se, mean_prior=(0, 88), heterogeneity_scale=44)
    agree(draws["new"].to_numpy(), exact.prior.mean(), exact.prior.sd())
    agree(draws["tau"].to_numpy(), exact.heterogeneity.mean(), exact.heterogeneity.sd())


@pytest.mark.slow
def test_pymc_agrees_with_the_commensurate_hazards() -> None:
    prior = CommensuratePrior(1.0, 0.05)
    with pm.Model():
        precision = pm.Gamma("precision", prior.shape, prior.rate)
        external = pm.Normal("external", 0, 100, initval=-2.0)
        z = pm.Normal("z")
        internal = pm.Deterministic("internal", external + z / pm.math.sqrt(precision))
        treated = pm.Normal("treated", 0, 100, initval=-2.0)
        pm.Deterministic("beta", treated - internal)
        for k, (log_hazard, d, t) in enumerate(
            ((internal, 8, 60.0), (external, 30, 140.0), (treated, 10, 100.0))
        ):
            pm.Potential(f"data{k}", d * log_hazard - t * pm.math.exp(log_hazard))
        draws = sample(3).posterior
    exact = commensurate_exponential((8, 60), (30, 140), (10, 100), prior)
    for name, (mean, sd) in (
        ("beta", exact.log_hazard_ratio()),
        ("internal", exact.log_control_hazard()),
        ("external", exact.log_external_hazard()),
    ):
        agree(draws[name].to_numpy(), float(mean[0]), float(sd[0]))


def test_importance_draws_agree_with_the_binomial_map() -> None:
    """A fast slice: (μ, τ, θ) from the prior's neighbourhood, weighed by the likelihood."""
    from scipy import stats
    from scipy.special import expit

    from trialsim.streams import stream

    r, n = np.array([4, 9, 7]), np.array([20, 30, 28])
    generator = stream(4, "importance", 0, "analysis")
    size = 400_000
    proposal = stats.t(4, loc=-1.0, scale=0.4)
    mu = proposal.rvs(size, random_state=generator)
    tau = np.abs(generator.normal(0, 1, size))
    theta = mu[:, None] + tau[:, None] * generator.standard_normal((size, 4))
    log_w = stats.norm.logpdf(mu, 0, 2) - proposal.logpdf(mu)
    log_w += stats.binom.logpmf(r, n, expit(theta[:, :3])).sum(axis=1)
    w = np.exp(log_w - log_w.max())
    w /= w.sum()
    exact = map_prior_binomial(r, n)
    for got, mean in ((expit(theta[:, 3]), exact.prior.mean()), (tau, exact.heterogeneity.mean())):
        estimate = w @ got
        error = np.sqrt(w**2 @ (got - estimate) ** 2)
        assert estimate == pytest.approx(mean, abs=4 * error)
        assert error < 0.01
