"""The exact two-t posterior against NUTS on the unintegrated model (PyMC)."""

from __future__ import annotations

import arviz as az
import numpy as np
import pymc as pm
import pytest

from trialsim.analysis.bayesian.block import bayesian_adjustment_block
from trialsim.analysis.bayesian.prior import AdjustmentPriorPart, HistoryFit, adjustment_prior
from trialsim.streams import stream


def log_part(beta: object, log_variance: object, part: AdjustmentPriorPart) -> object:
    """Log prior density of (β, ln σ²), with its constants: they weigh the parts."""
    variance = pm.math.exp(log_variance)
    shape, rate = 0.5 * part.df, 0.5 * part.df * part.variance
    prior = pm.logp(pm.InverseGamma.dist(alpha=shape, beta=rate), variance) + log_variance
    for i in range(3):
        sigma = pm.math.sqrt(variance * part.scale[i])
        prior = prior + pm.logp(pm.Normal.dist(part.location[i], sigma), beta[i])  # type: ignore[index]  # symbolic
    return prior


@pytest.mark.slow
def test_pymc_draws_agree_with_the_exact_mixture_within_monte_carlo_error() -> None:
    generator = stream(11, "pymc", 0, "outcome")
    score, arm = generator.normal(0, 0.7, 40), np.arange(40) % 2
    y = 0.45 + 0.3 * arm + score + generator.normal(0, 0.8, 40)
    prior = adjustment_prior(HistoryFit(200, 0.0, 1.0, 0.7, 100.0), vague_scale=2.0)
    exact = bayesian_adjustment_block(y[None], arm[None], score[None], prior)
    assert 0.1 < exact.weight[0] < 0.9
    V = np.column_stack([np.ones(40), arm, score - score.mean()])
    with pm.Model():
        beta = pm.Flat("beta", shape=3)
        log_variance = pm.Flat("log_variance")
        parts = [log_part(beta, log_variance, part) for part in (prior.informative, prior.vague)]
        pm.Potential("prior", pm.math.logaddexp(*parts))
        pm.Normal("y", pm.math.dot(V, beta), pm.math.exp(0.5 * log_variance), observed=y - score.mean())
        trace = pm.sample(
            4000,
            tune=2000,
            chains=2,
            cores=1,
            random_seed=5,
            progressbar=False,
            target_accept=0.95,
            initvals={"beta": np.array([0.3, 0.3, 1.0]), "log_variance": -0.4},
        )
    draws = trace.posterior["beta"].to_numpy()[:, :, 1]
    mean, sd = exact.mean()[0], exact.sd()[0]
    for got, reference in (
        (draws, mean),
        ((draws > 0.5).astype(float), exact.probability_above(0.5)[0]),
        ((draws - mean) ** 2, sd**2),
    ):
        assert got.mean() == pytest.approx(reference, abs=4 * np.asarray(az.mcse(got)).item())
