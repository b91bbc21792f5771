"""MAP priors under other priors of the heterogeneity, against plain two-dimensional integration."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from trialsim.analysis.borrowing import (
    elir_ess,
    map_prior_binomial,
    map_prior_normal,
    map_prior_poisson,
    past_controls,
)
from trialsim.analysis.borrowing.heterogeneity_priors import (
    Exponential,
    Gamma,
    HalfNormal,
    HalfT,
    HeterogeneityPrior,
    InverseGamma,
    LogNormal,
    TruncatedNormal,
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
    (TruncatedNormal(6.0, 5.0), lambda t: stats.norm.pdf(t, 6.0, 5.0), 60.0),
    (Gamma(2.0, 0.3), lambda t: stats.gamma.pdf(t, 2.0, scale=1 / 0.3), 160.0),
    (InverseGamma(2.0, 8.0), lambda t: stats.invgamma.pdf(t, 2.0, scale=8.0), math.inf),
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


def student_by_grids(df: float, at: float) -> tuple[float, float, float]:
    """Return E τ, E μ and P(θ* ≤ at) with t effects by sums over grids of τ, μ and quantiles of t."""
    tau, mu = np.arange(0.2, 70.0, 0.4), np.linspace(-60.0, 75.0, 271)
    nodes, share = np.polynomial.legendre.leggauss(200)
    effect = stats.t.ppf(0.5 * (nodes + 1), df)
    mass, below = np.zeros((len(tau), len(mu))), np.zeros((len(tau), len(mu)))
    for k, t in enumerate(tau):
        likelihood = stats.norm.pdf(mu, 0, 50) * stats.halfnorm.pdf(t, scale=10.0)
        for y, se in zip(EFFECTS, ERRORS, strict=True):
            likelihood = likelihood * (np.exp(-0.5 * ((y - mu[:, None] - t * effect) / se) ** 2) @ share)
        mass[k], below[k] = likelihood, stats.t.cdf((at - mu) / t, df)
    mass /= mass.sum()
    return float(mass.sum(axis=1) @ tau), float(mass.sum(axis=0) @ mu), float((mass * below).sum())


@pytest.mark.parametrize("df", [3.0, 7.0])
def test_t_random_effects_equal_sums_over_grids(df: float) -> None:
    found = map_prior_normal(
        EFFECTS, ERRORS, mean_prior=(0, 50), heterogeneity_scale=10.0, random_effects_df=df, unit_sd=100
    )
    tau, mu, below = student_by_grids(df, 10.0)
    assert found.mu_mean == pytest.approx(mu, abs=1e-3)
    assert found.heterogeneity.mean() == pytest.approx(tau, rel=2e-3)
    assert float(found.prior.cdf(10.0)) == pytest.approx(below, abs=3e-4)
    assert 100 < elir_ess(found.prior).value < 226.7


def test_t_random_effects_with_many_degrees_are_normal_ones() -> None:
    args = {"mean_prior": (0, 50), "heterogeneity_scale": 10.0, "unit_sd": 100}
    normal = map_prior_normal(EFFECTS, ERRORS, **args)
    student = map_prior_normal(EFFECTS, ERRORS, random_effects_df=1e5, **args)
    assert student.mu_mean == pytest.approx(normal.mu_mean, rel=1e-4)
    np.testing.assert_allclose(
        student.prior.quantile([0.001, 0.025, 0.5, 0.999]), normal.prior.quantile([0.001, 0.025, 0.5, 0.999]),
        rtol=2e-3, atol=2e-3,
    )  # fmt: skip
    assert elir_ess(student.prior).value == pytest.approx(elir_ess(normal.prior).value, rel=0.01)


def test_t_random_effects_believe_an_outlier_less() -> None:
    y, se = [1.0, 1.2, 0.9, 1.1, 6.0], [0.2] * 5
    args = {"mean_prior": (0, 10), "heterogeneity_scale": 1.0, "unit_sd": 2}
    normal = map_prior_normal(y, se, **args)
    student = map_prior_normal(y, se, random_effects_df=3.0, **args)
    assert student.mu_mean < normal.mu_mean - 0.3
    assert student.heterogeneity.mean() < normal.heterogeneity.mean()
    with pytest.raises(AnalysisError, match="at least 3"):
        map_prior_normal(y, se, random_effects_df=2.0, **args)


def student_counts_by_grids(log_likelihoods, df: float, scale: float, mean_prior, at: np.ndarray):
    """Return posterior means of τ and μ, and the predictive distribution at points, by plain sums.

    Every integral over θ_h is a trapezoidal sum over a wide grid of effects: nothing is transformed.
    """
    tau = (np.arange(120) + 0.5) / 120 * 5 * scale
    mu = np.linspace(mean_prior[0] - 6 * mean_prior[1], mean_prior[0] + 6 * mean_prior[1], 361)
    # Effects in units of τ, dense in the middle and far reaching, as a t law needs.
    u = np.linspace(-9, 9, 1801)
    effect = np.sinh(u)
    share = stats.t.pdf(effect, df) * np.cosh(u)
    share /= share.sum()
    mass = np.zeros((len(tau), len(mu)))
    below = np.zeros((len(tau), len(mu), len(at)))
    for k, t in enumerate(tau):
        theta = np.clip(mu[:, None] + t * effect, -600, 600)
        likelihood = stats.norm.pdf(mu, *mean_prior) * stats.halfnorm.pdf(t, scale=scale)
        for log_likelihood in log_likelihoods:
            likelihood = likelihood * (np.exp(log_likelihood(theta)) @ share)
        mass[k], below[k] = likelihood, stats.t.cdf((at - mu[:, None]) / t, df)
    mass /= mass.sum()
    return float(mass.sum(axis=1) @ tau), float(mass.sum(axis=0) @ mu), np.einsum("tm,tma->a", mass, below)


@pytest.mark.parametrize("df", [3.0, 8.0])
def test_t_random_effects_of_responses_equal_sums_over_grids(df: float) -> None:
    r, n = [12, 30, 9, 40], [60, 120, 50, 80]
    found = map_prior_binomial(r, n, mean_prior=(-1.0, 1.5), heterogeneity_scale=0.5, random_effects_df=df)
    parts = [
        lambda x, a=a, b=b: a * x - b * np.logaddexp(0, x) - (a * np.log(a / b) + (b - a) * np.log(1 - a / b))
        for a, b in zip(r, n, strict=True)
    ]
    at = np.array([-4.0, -2.0, -1.0, -0.3, 1.0])
    tau, mu, below = student_counts_by_grids(parts, df, 0.5, (-1.0, 1.5), at)
    assert found.heterogeneity.mean() == pytest.approx(tau, rel=1e-3)
    assert found.mu_mean == pytest.approx(mu, abs=5e-4)
    np.testing.assert_allclose(found.prior.cdf(1 / (1 + np.exp(-at))), below, atol=3e-4, rtol=0.02)
    assert found.effective_sample_sizes()["size"].notna().any()


@pytest.mark.parametrize("df", [3.0, 8.0])
def test_t_random_effects_of_rates_equal_sums_over_grids(df: float) -> None:
    d, e = [20, 33, 60], [100.0, 130.0, 90.0]
    found = map_prior_poisson(d, e, mean_prior=(-1.0, 1.0), heterogeneity_scale=0.4, random_effects_df=df)
    parts = [
        lambda x, a=a, b=b: a * (x - np.log(a / b)) - b * np.exp(np.minimum(x, 300.0)) + a
        for a, b in zip(d, e, strict=True)
    ]
    at = np.array([-4.0, -2.0, -1.2, -0.5, 1.0])
    tau, mu, below = student_counts_by_grids(parts, df, 0.4, (-1.0, 1.0), at)
    assert found.heterogeneity.mean() == pytest.approx(tau, rel=1e-3)
    assert found.mu_mean == pytest.approx(mu, abs=5e-4)
    np.testing.assert_allclose(found.prior.cdf(np.exp(at)), below, atol=3e-4, rtol=0.02)
    with pytest.raises(AnalysisError, match="does not exist"):
        found.prior.mean()


@pytest.mark.parametrize("make", [map_prior_binomial, map_prior_poisson])
def test_t_random_effects_of_counts_believe_an_outlier_less_and_with_many_df_are_normal(make) -> None:
    history = ([20, 22, 18, 21, 70], [100, 100, 100, 100, 100])
    args = {"mean_prior": (-1.0, 2.0), "heterogeneity_scale": 0.4}
    normal = make(*history, **args)
    many = make(*history, random_effects_df=1e5, **args)
    few = make(*history, random_effects_df=3.0, **args)
    assert many.mu_mean == pytest.approx(normal.mu_mean, rel=1e-4)
    np.testing.assert_allclose(
        many.prior.quantile([0.001, 0.5, 0.999]), normal.prior.quantile([0.001, 0.5, 0.999]), rtol=1e-3
    )
    assert few.mu_mean < normal.mu_mean - 0.05
    assert few.heterogeneity.mean() < normal.heterogeneity.mean()
    with pytest.raises(AnalysisError, match="at least 3"):
        make(*history, random_effects_df=2.0, **args)


def test_past_controls_take_t_random_effects_by_name() -> None:
    past = pd.DataFrame({"r": [20, 22, 18, 21, 70], "n": [100] * 5})
    names = {"responders": "r", "participants": "n", "scale": 0.4}
    found = past_controls(past, random_effects_df=3.0, **names)
    assert found.to_frame()["mean"].iloc[1] < past_controls(past, **names).to_frame()["mean"].iloc[1]


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
