from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import betaln

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.power_prior import (
    normalized_power_prior_binomial,
    normalized_power_prior_normal,
    power_prior_binomial,
    power_prior_normal,
)
from trialsim.analysis.borrowing.self_adapting_mixture import (
    sam_binomial,
    sam_normal,
    sam_prior,
    sam_weight_binomial,
    sam_weight_normal,
)


def test_a_power_of_0_is_no_history_and_of_1_is_all_of_it() -> None:
    none, full = (power_prior_binomial(30, 100, a0) for a0 in (0.0, 1.0))
    assert (none.a[0], none.b[0]) == (1, 1)
    assert (full.a[0], full.b[0]) == (31, 71)
    half = power_prior_normal(-50.0, 10.0, 0.5, base=(0.0, 100.0))
    assert half.s[0] ** -2 == pytest.approx(0.5 / 100 + 1e-4)
    assert half.m[0] == pytest.approx(-50 * 0.005 / 0.0051)


@pytest.mark.parametrize("shapes", [(1.0, 1.0), (0.5, 2.0)])
def test_the_normalised_power_prior_equals_numerical_integration(shapes: tuple[float, float]) -> None:
    def density(a0: float) -> float:
        a, b = 1 + 30 * a0, 1 + 70 * a0
        return float(stats.beta.pdf(a0, *shapes) * np.exp(betaln(a + 18, b + 22) - betaln(a, b) + 27))

    total = integrate.quad(density, 0, 1, epsabs=0, epsrel=1e-10)[0]
    first = integrate.quad(lambda a0: a0 * density(a0), 0, 1, epsabs=0, epsrel=1e-10)[0]
    mean = integrate.quad(
        lambda a0: (19 + 30 * a0) / (42 + 100 * a0) * density(a0), 0, 1, epsabs=0, epsrel=1e-10
    )[0]
    got = normalized_power_prior_binomial((30, 100), (18, 40), power_prior=shapes)
    assert got.mean_power() == pytest.approx(first / total, rel=1e-7)
    assert got.posterior.mean() == pytest.approx(mean / total, rel=1e-7)
    assert "mean power" in str(got)


def test_the_normal_normalised_power_prior_equals_numerical_integration() -> None:
    def density(a0: float) -> float:
        precision = 1 / 25 + a0 / 0.04
        m = (a0 * 0.3 / 0.04) / precision
        return float(stats.norm.pdf(0.9, m, np.sqrt(1 / precision + 0.09)))

    total = integrate.quad(density, 0, 1, epsabs=0, epsrel=1e-10)[0]
    first = integrate.quad(lambda a0: a0 * density(a0), 0, 1, epsabs=0, epsrel=1e-10)[0]
    got = normalized_power_prior_normal((0.3, 0.2), (0.9, 0.3), base=(0.0, 5.0))
    assert got.mean_power() == pytest.approx(first / total, rel=1e-8)


def test_the_self_adapting_weight_is_its_likelihood_ratio() -> None:
    for odds in (1.0, 3.0):
        at, off = (stats.binom.pmf(14, 40, p) for p in (0.3, 0.45))
        ratio = odds * at / max(off, stats.binom.pmf(14, 40, 0.15))
        got = sam_weight_binomial(0.3, 14, 40, 0.15, odds)[0]
        assert got == pytest.approx(ratio / (1 + ratio), rel=1e-12)
    at, off = (stats.norm.pdf(0.2, m, 0.5) for m in (0.0, 1.0))
    assert sam_weight_normal(0.0, 0.2, 0.5, 1.0)[0] == pytest.approx(at / (at + off), rel=1e-12)


def test_the_self_adapting_posterior_borrows_when_data_agree_and_not_when_they_conflict() -> None:
    history = BetaMixture(1, 60, 140)
    agree, conflict = (sam_binomial(history, r, 40, difference=0.15) for r in (12, 30))
    assert agree.weight > 0.8
    assert conflict.weight < 0.01
    assert agree.posterior.sd() < 0.5 * BetaMixture(1, 1, 1).posterior(12, 40).sd()
    assert conflict.posterior.mean() == pytest.approx(BetaMixture(1, 1, 1).posterior(30, 40).mean(), abs=1e-3)
    explicit = sam_prior(history, BetaMixture(1, 1, 1), agree.weight).posterior(12, 40)
    assert agree.posterior.mean() == pytest.approx(explicit.mean(), rel=1e-14)
    normal = sam_normal(NormalMixture(1, -50.0, 10.0, unit_sd=88.0), -50.0, 14.0, difference=40.0)
    assert normal.weight > 0.95
    assert "weight of history" in str(normal)
