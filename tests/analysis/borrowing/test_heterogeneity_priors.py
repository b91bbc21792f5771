"""MAP priors under other priors of the heterogeneity, against plain two-dimensional integration."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from trialsim.analysis.borrowing import elir_ess, map_prior_binomial, map_prior_normal, map_prior_poisson
from trialsim.analysis.borrowing.heterogeneity_priors import (
    Exponential,
    HalfNormal,
    HalfT,
    HeterogeneityPrior,
    LogNormal,
    Uniform,
)
from trialsim.errors import AnalysisError

# Rubin 1981: effects of coaching in eight schools, and their standard errors.
EFFECTS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
ERRORS = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])

PRIORS: list[tuple[HeterogeneityPrior, Callable[[float], float], float]] = [
    (HalfNormal(10.0), lambda t: stats.halfnorm.pdf(t, scale=10.0), 120.0),
    (Uniform(30.0), lambda t: 1 / 30, 30.0),
    (Exponential(8.0), lambda t: stats.expon.pdf(t, scale=8.0), 300.0),
    (HalfT(10.0), lambda t: stats.halfcauchy.pdf(t, scale=10.0), math.inf),
    (HalfT(10.0, 4.0), lambda t: 2 * stats.t.pdf(t / 10, 4) / 10, math.inf),
    (LogNormal(1.5, 0.8), lambda t: stats.lognorm.pdf(t, 0.8, scale=math.exp(1.5)), math.inf),
]


def plain(density: Callable[[float], float], most: float) -> tuple[float, float]:
    """Return the posterior mean of τ, and P(θ* ≤ 10) by adaptive integration over τ."""

    def joint(t: float) -> tuple[float, float, float]:
        v = ERRORS**2 + t * t
        precision = (1 / v).sum() + 50.0**-2
        mean = (EFFECTS / v).sum() / precision
        log = -0.5 * (np.log(v).sum() + math.log(precision) + (EFFECTS**2 / v).sum() - mean**2 * precision)
        return math.exp(log + 30) * density(t), mean, 1 / precision

    def over(weight: Callable[[float, float, float], float]) -> float:
        def integrand(t: float) -> float:
            own, mean, variance = joint(t)
            return own * weight(t, mean, variance)

        edges = [1e-9, 2.0, 8.0, 20.0, 30.0] + ([most] if most > 30 else [])
        return sum(integrate.quad(integrand, a, b, limit=200, epsabs=0)[0] for a, b in pairwise(edges))

    total = over(lambda t, m, v: 1.0)
    below = over(lambda t, m, v: float(stats.norm.cdf(10.0, m, math.sqrt(v + t * t))))
    return over(lambda t, m, v: t) / total, below / total


@pytest.mark.parametrize(("prior", "density", "most"), PRIORS, ids=lambda x: type(x).__name__)
def test_a_map_prior_of_means_equals_plain_integration(
    prior: HeterogeneityPrior, density: Callable[[float], float], most: float
) -> None:
    found = map_prior_normal(EFFECTS, ERRORS, mean_prior=(0, 50), heterogeneity=prior, unit_sd=100)
    tau, below = plain(density, most)
    assert found.heterogeneity.mean() == pytest.approx(tau, rel=1e-5)
    assert float(found.prior.cdf(10.0)) == pytest.approx(below, abs=1e-6)
    assert elir_ess(found.prior).value > 0


def test_a_half_normal_in_its_own_words_is_the_same() -> None:
    by_scale = map_prior_normal(EFFECTS, ERRORS, mean_prior=(0, 50), heterogeneity_scale=10.0)
    by_prior = map_prior_normal(EFFECTS, ERRORS, mean_prior=(0, 50), heterogeneity=HalfNormal(10.0))
    assert by_scale.prior.mean() == by_prior.prior.mean()


def test_a_bounded_heterogeneity_keeps_every_moment_of_a_rate() -> None:
    found = map_prior_poisson([20, 30], [100, 130], mean_prior=(-1, 2), heterogeneity=Uniform(1.0))
    assert found.prior.sd() > found.prior.mean() / 4
    heavy = map_prior_poisson([20, 30], [100, 130], mean_prior=(-1, 2), heterogeneity=Exponential(0.2))
    with pytest.raises(AnalysisError, match="does not exist"):
        heavy.prior.mean()
    assert float(heavy.prior.quantile(0.5)[0]) == pytest.approx(0.215, abs=0.01)


def test_what_no_grid_holds_is_refused_by_name() -> None:
    with pytest.raises(AnalysisError, match="reaches too far"):
        map_prior_binomial([4, 9], [20, 30], heterogeneity=HalfT(1.0))
    with pytest.raises(AnalysisError, match="not both"):
        map_prior_normal(
            EFFECTS, ERRORS, mean_prior=(0, 50), heterogeneity_scale=1.0, heterogeneity=HalfT(1.0)
        )
    with pytest.raises(AnalysisError, match="not both"):
        map_prior_normal(EFFECTS, ERRORS, mean_prior=(0, 50))
