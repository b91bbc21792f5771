"""The transforms against slow, obvious sums over a dense grid of (τ, μ, θ)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from trialsim.analysis.borrowing.meta_analytic_predictive import (
    map_prior_binomial,
    map_prior_normal,
    map_prior_poisson,
)


def dense_map(
    log_likelihoods: list, mean_prior: tuple[float, float], scale: float, theta: np.ndarray
) -> dict[str, np.ndarray]:
    """Predictive density on θ and mean of τ by plain sums; a τ below a grid step moves nothing."""
    step = theta[1] - theta[0]
    x, w = np.polynomial.legendre.leggauss(60)
    u = 0.5 * (x + 1)
    like = [np.exp(f(theta)) for f in log_likelihoods]
    density, tau_sum = np.zeros(len(theta)), 0.0
    for tau, mass in zip(6 * scale * u**2, w * u, strict=True):
        kernel = np.eye(len(theta))
        if tau > step:
            kernel = np.exp(-0.5 * ((theta[:, None] - theta) / tau) ** 2) * step / (np.sqrt(2 * np.pi) * tau)
        joint = mass * np.exp(
            -0.5 * (tau / scale) ** 2 - 0.5 * ((theta - mean_prior[0]) / mean_prior[1]) ** 2
        )
        for values in like:
            joint = joint * (kernel @ values)
        tau_sum += tau * joint.sum()
        density += kernel @ joint
    return {"density": density / density.sum(), "tau_mean": np.array(tau_sum / density.sum())}


BINOMIAL = {
    "three": ([4, 9, 7], [20, 30, 28]),
    "none and all": ([0, 12, 3], [15, 12, 10]),
    "one": ([3], [11]),
}


@pytest.mark.parametrize(("r", "n"), BINOMIAL.values(), ids=BINOMIAL)
def test_the_binomial_map_equals_dense_sums(r: list[int], n: list[int]) -> None:
    theta = np.linspace(-11, 11, 441)
    likelihoods = [
        lambda x, r=r_h, n=n_h: stats.binom.logpmf(r, n, expit(x)) for r_h, n_h in zip(r, n, strict=True)
    ]
    slow = dense_map(likelihoods, (0.0, 1.5), 0.8, theta)
    fast = map_prior_binomial(r, n, mean_prior=(0.0, 1.5), heterogeneity_scale=0.8)
    mean = slow["density"] @ expit(theta)
    assert fast.prior.mean() == pytest.approx(mean, abs=5e-4)
    assert fast.prior.sd() == pytest.approx(np.sqrt(slow["density"] @ (expit(theta) - mean) ** 2), abs=5e-4)
    assert fast.heterogeneity.mean() == pytest.approx(slow["tau_mean"], rel=5e-3)
    below = np.interp(-1, theta + 0.5 * (theta[1] - theta[0]), np.cumsum(slow["density"]))
    assert fast.prior.cdf(expit(-1)) == pytest.approx(below, abs=1e-3)


def test_the_poisson_map_equals_dense_sums() -> None:
    theta = np.linspace(-9, 7, 401)
    d, e = [4, 0, 12], [10.0, 3.0, 25.0]
    likelihoods = [
        lambda x, d=d_h, e=e_h: stats.poisson.logpmf(d, e * np.exp(x)) for d_h, e_h in zip(d, e, strict=True)
    ]
    slow = dense_map(likelihoods, (-1.0, 1.0), 0.5, theta)
    fast = map_prior_poisson(d, e, mean_prior=(-1.0, 1.0), heterogeneity_scale=0.5)
    assert fast.prior.mean() == pytest.approx(slow["density"] @ np.exp(theta), rel=3e-3)
    assert fast.heterogeneity.mean() == pytest.approx(slow["tau_mean"], rel=5e-3)


def test_the_normal_map_equals_dense_sums() -> None:
    theta = np.linspace(-8, 8, 401)
    y, se = np.array([0.3, -0.8, 1.1]), np.array([0.3, 0.5, 0.4])
    likelihoods = [lambda x, y=y_h, s=s_h: stats.norm.logpdf(y, x, s) for y_h, s_h in zip(y, se, strict=True)]
    slow = dense_map(likelihoods, (0.0, 1.0), 0.6, theta)
    fast = map_prior_normal(y, se, mean_prior=(0.0, 1.0), heterogeneity_scale=0.6)
    mean = slow["density"] @ theta
    assert fast.prior.mean() == pytest.approx(mean, abs=1e-3)
    assert fast.prior.sd() == pytest.approx(np.sqrt(slow["density"] @ (theta - mean) ** 2), rel=2e-3)
    assert fast.heterogeneity.mean() == pytest.approx(slow["tau_mean"], rel=5e-3)


def test_the_binomial_map_does_not_depend_on_its_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    from trialsim.analysis.borrowing import count_history, heterogeneity_priors

    coarse = map_prior_binomial([4, 9, 7], [20, 30, 28])
    monkeypatch.setattr(count_history, "_NODES_PER_SD", 5.0)
    monkeypatch.setattr(heterogeneity_priors, "_SDS_OF_HETEROGENEITY", 9.5)
    fine = map_prior_binomial([4, 9, 7], [20, 30, 28])
    assert coarse.prior.mean() == pytest.approx(fine.prior.mean(), abs=1e-9)
    assert coarse.prior.sd() == pytest.approx(fine.prior.sd(), abs=1e-9)
    q = [0.025, 0.5, 0.975]
    assert coarse.prior.quantile(q) == pytest.approx(fine.prior.quantile(q), abs=1e-7)
    size = [m.effective_sample_sizes()["size"][0] for m in (coarse, fine)]
    assert size[0] == pytest.approx(size[1], abs=0.01)


def test_the_posterior_of_an_exact_density_is_prior_times_likelihood() -> None:
    prior = map_prior_binomial([4, 9, 7], [20, 30, 28]).robust(0.3)
    posterior = prior.posterior(12, 15)
    p = prior.values
    weights = prior.mass * stats.binom.pmf(12, 15, p)
    assert posterior.mean() == pytest.approx(weights @ p / weights.sum(), rel=1e-10)
    assert prior.log_marginal(12, 15) == pytest.approx(np.log(weights.sum()), rel=1e-10)
    assert prior.mass.sum() == pytest.approx(1, abs=1e-12)


def test_the_result_prints_tabulates_and_draws() -> None:
    got = map_prior_binomial([4, 9, 7], [20, 30, 28])
    assert all(words in str(got) for words in ("ELIR", "expected local information ratio"))
    assert got.to_frame()["parameter"].tolist() == ["tau", "MAP"]
    curve = got.plot().data[0]
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(1, abs=0.01)
