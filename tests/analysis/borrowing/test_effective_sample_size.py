from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.effective_sample_size import (
    effective_sample_sizes,
    elir_ess,
    moment_ess,
    morita_ess,
)
from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.tabulated_prior import normal_on_link
from trialsim.analysis.borrowing.trial_frame import (
    borrowed_ess,
    posterior_ess,
)

BETA = BetaMixture([0.7, 0.3], [3.0, 12.0], [9.0, 5.0])


def test_elir_equals_its_definition_by_finite_differences_of_the_log_density() -> None:
    def integrand(p: float) -> float:
        h = 1e-4 * p * (1 - p)
        x = BETA.log_density(np.array([p - h, p, p + h]))
        return float(-np.exp(x[1]) * (x[0] - 2 * x[1] + x[2]) / h**2 * p * (1 - p))

    exact = integrate.quad(integrand, 1e-6, 1 - 1e-6, limit=400)[0]
    assert elir_ess(BETA).value == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("prior", [BETA, BETA.robust(0.2)], ids=["informative", "robust"])
def test_elir_is_predictively_consistent_for_a_probability(prior: BetaMixture) -> None:
    n = 12
    mass = np.diff(prior.predictive_cdf(n), prepend=0.0)
    expected = sum(mass[r] * elir_ess(prior.posterior(r, n)).value for r in range(n + 1))
    assert expected == pytest.approx(elir_ess(prior).value + n, rel=1e-8)


def test_elir_is_predictively_consistent_for_an_exact_density() -> None:
    prior, n = normal_on_link(-1.0, 0.6, data="binomial"), 12
    mass = np.exp([prior.log_marginal(r, n) for r in range(n + 1)])
    assert mass.sum() == pytest.approx(1, abs=1e-10)
    expected = sum(mass[r] * elir_ess(prior.posterior(r, n)).value for r in range(n + 1))
    assert expected == pytest.approx(elir_ess(prior).value + n, rel=1e-7)


def test_elir_is_predictively_consistent_for_a_mean_and_for_a_rate() -> None:
    prior = NormalMixture([0.7, 0.3], [0.0, 1.0], [0.4, 1.2], unit_sd=3.0)
    se = 3.0 / np.sqrt(20)
    z, w = np.polynomial.hermite_e.hermegauss(101)
    expected = 0.0
    for share, m, s in zip(prior.weights, prior.m, prior.s, strict=True):
        outcomes = m + np.hypot(s, se) * z
        sizes = [elir_ess(prior.posterior(float(y), se)).value for y in outcomes]
        expected += share * float(w @ sizes) / w.sum()
    assert expected == pytest.approx(elir_ess(prior).value + 20, rel=1e-6)
    rates = GammaMixture([0.6, 0.4], [2.0, 9.0], [4.0, 3.0])
    counts = np.arange(200)
    mass = sum(
        w * stats.nbinom.pmf(counts, a, b / (b + 5.0))
        for w, a, b in zip(rates.weights, rates.a, rates.b, strict=True)
    )
    sizes = np.array([elir_ess(rates.posterior(int(d), 5.0)).value for d in counts])
    assert mass @ sizes == pytest.approx(elir_ess(rates).value + 5, rel=1e-8)


def test_elir_of_a_probability_density_is_the_same_on_a_table() -> None:
    table = normal_on_link(-1.1, 0.35, data="binomial").robust(1.0, 4.0, 7.0)
    assert table.mean() == pytest.approx(4 / 11, rel=1e-10)
    assert elir_ess(table).value == pytest.approx(11, rel=1e-8)


def test_a_robust_table_has_the_size_and_law_of_the_robust_beta_mixture() -> None:
    table = normal_on_link(-0.8, 0.25, data="binomial").robust(1.0, 30.0, 70.0).robust(0.2)
    beta = BetaMixture(1, 30, 70).robust(0.2)
    assert elir_ess(table).value == pytest.approx(elir_ess(beta).value, rel=1e-7)
    assert table.sd() == pytest.approx(beta.sd(), rel=1e-8)
    assert table.quantile([0.05, 0.5, 0.9]) == pytest.approx(beta.quantile([0.05, 0.5, 0.9]), rel=1e-6)
    assert table.posterior(16, 24).mean() == pytest.approx(beta.posterior(16, 24).mean(), rel=1e-8)


@pytest.mark.parametrize(
    ("prior", "size"),
    [
        (BetaMixture(1, 3, 7), 10),
        (NormalMixture(1, 0, 2.0, unit_sd=10.0), 25),
        (GammaMixture(1, 6, 3), 3),
        (GammaMixture(1, 6, 3, "exponential"), 6),
    ],
    ids=["beta", "normal", "poisson", "exponential"],
)
def test_a_single_conjugate_component_has_its_own_size(prior: BetaMixture, size: float) -> None:
    assert moment_ess(prior).value == pytest.approx(size, rel=1e-12)
    assert morita_ess(prior).value == pytest.approx(size, rel=0.02)
    exponential = isinstance(prior, GammaMixture) and prior.data == "exponential"
    assert elir_ess(prior).value == pytest.approx(size - exponential, rel=1e-9)


def test_a_component_without_weight_counts_for_nothing() -> None:
    dead = BetaMixture([0.7, 0.3, 0.0], [3.0, 12.0, 1.0], [9.0, 5.0, 1.0])
    assert elir_ess(dead).value == pytest.approx(elir_ess(BETA).value, rel=1e-8)
    assert morita_ess(dead).value == pytest.approx(morita_ess(BETA).value, rel=1e-6)


def test_every_size_names_its_definition() -> None:
    sizes = [elir_ess(BETA), posterior_ess(5, 2, 1), borrowed_ess(5, 2, 1)]
    assert all(size.definition and size.definition in str(size) for size in sizes)
    assert effective_sample_sizes(BETA)["name"].tolist() == ["ELIR", "moment", "Morita"]


def test_what_is_borrowed_is_what_the_posterior_is_worth_beyond_its_own() -> None:
    assert posterior_ess(25, 0.06, 0.04).value - 25 == pytest.approx(borrowed_ess(25, 0.06, 0.04).value)
