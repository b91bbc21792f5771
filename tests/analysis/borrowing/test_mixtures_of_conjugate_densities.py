from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
from trialsim.analysis.borrowing.mixture import MixturePrior
from trialsim.analysis.borrowing.mixture_difference import probability_difference_above
from trialsim.analysis.borrowing.normal_mixture import NormalMixture, normal_difference_below

W = np.array([0.7, 0.3])
BETA = BetaMixture(W, [3.0, 12.0], [9.0, 5.0])
NORMAL = NormalMixture(W, [-1.0, 2.0], [0.5, 1.5], unit_sd=4.0)
GAMMA = GammaMixture(W, [3.0, 12.0], [9.0, 5.0])
LAWS = {
    "beta": (BETA, [stats.beta(3, 9), stats.beta(12, 5)]),
    "normal": (NORMAL, [stats.norm(-1, 0.5), stats.norm(2, 1.5)]),
    "gamma": (GAMMA, [stats.gamma(3, scale=1 / 9), stats.gamma(12, scale=1 / 5)]),
}


@pytest.mark.parametrize(("mixture", "laws"), LAWS.values(), ids=LAWS)
def test_density_distribution_and_moments_equal_those_of_scipy(mixture: MixturePrior, laws: list) -> None:
    x = np.array([0.1, 0.4, 0.8])
    pdf = sum(w * law.pdf(x) for w, law in zip(W, laws, strict=True))
    cdf = sum(w * law.cdf(x) for w, law in zip(W, laws, strict=True))
    assert np.exp(mixture.log_density(x)) == pytest.approx(pdf, rel=1e-12)
    assert mixture.cdf(x) == pytest.approx(cdf, rel=1e-12)
    mean = sum(w * law.mean() for w, law in zip(W, laws, strict=True))
    square = sum(w * law.moment(2) for w, law in zip(W, laws, strict=True))
    assert mixture.mean() == pytest.approx(mean, rel=1e-12)
    assert mixture.sd() == pytest.approx(np.sqrt(square - mean**2), rel=1e-10)
    q = mixture.quantile([0.01, 0.5, 0.99])
    assert mixture.cdf(q) == pytest.approx([0.01, 0.5, 0.99], abs=1e-12)


@pytest.mark.parametrize(
    ("mixture", "posterior", "likelihood"),
    [
        (BETA, BETA.posterior(7, 20), lambda x: stats.binom.pmf(7, 20, x)),
        (NORMAL, NORMAL.posterior(0.7, 0.6), lambda x: stats.norm.pdf(0.7, x, 0.6)),
        (GAMMA, GAMMA.posterior(5, 2.5), lambda x: stats.poisson.pmf(5, 2.5 * x)),
    ],
    ids=["beta", "normal", "gamma"],
)
def test_a_posterior_is_prior_times_likelihood(
    mixture: MixturePrior, posterior: MixturePrior, likelihood: object
) -> None:
    lower, upper = mixture.quantile([1e-9, 1 - 1e-9])

    def product(x: float) -> float:
        return float(np.exp(mixture.log_density(x)) * likelihood(x))  # type: ignore[operator]  # a function

    total = integrate.quad(product, lower, upper, epsabs=0, epsrel=1e-11, limit=400)[0]
    for x in posterior.quantile([0.1, 0.5, 0.9]):
        assert np.exp(posterior.log_density(x)) == pytest.approx(product(float(x)) / total, rel=1e-7)


def test_a_robust_prior_holds_the_vague_share_and_keeps_the_rest() -> None:
    robust = BETA.robust(0.2)
    assert robust.weights == pytest.approx([0.56, 0.24, 0.2])
    assert NORMAL.robust(0.5).s[-1] == 4.0
    assert NORMAL.robust(0.5).mean() == pytest.approx(NORMAL.mean())
    assert GAMMA.robust(0.1).mean() == pytest.approx(GAMMA.mean())


def test_the_predictive_distribution_is_the_average_binomial() -> None:
    for r in (0, 3, 9):
        cdf = integrate.quad(lambda p, r=r: np.exp(BETA.log_density(p)) * stats.binom.cdf(r, 9, p), 0, 1)[0]
        assert BETA.predictive_cdf(9)[r] == pytest.approx(cdf, rel=1e-9)


@pytest.mark.parametrize("margin", [-0.2, 0.0, 0.15])
def test_the_probability_of_a_difference_equals_quadrature(margin: float) -> None:
    first, second = BetaMixture(1, 2.5, 4.0), BETA

    def integrand(x: float) -> float:
        return float(stats.beta.pdf(x, 2.5, 4.0) * second.cdf(x - margin))

    exact = integrate.quad(integrand, 0, 1, epsabs=1e-12, limit=400, points=[max(margin, 0.0)])[0]
    assert probability_difference_above(first, second, margin) == pytest.approx(exact, abs=1e-8)


def test_the_closed_form_of_two_normal_mixtures_equals_the_trapezoid() -> None:
    other = NormalMixture([0.4, 0.6], [0.0, 1.0], [1.0, 0.3])
    below = normal_difference_below(NORMAL, other, 0.3)
    assert 1 - below == pytest.approx(probability_difference_above(NORMAL, other, 0.3), abs=1e-10)


def test_results_print_tabulate_and_draw() -> None:
    assert "q97.5" in str(BETA)
    assert "<h3>Beta mixture</h3>" in BETA._repr_html_()
    assert BETA.to_frame()["weight"].tolist() == pytest.approx(W.tolist())
    figure = BETA.plot()
    assert len(figure.data) == 3
    assert np.trapezoid(figure.data[0].y, figure.data[0].x) == pytest.approx(1, abs=0.01)
