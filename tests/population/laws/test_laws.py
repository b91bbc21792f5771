from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialsim.population.laws.hermite import latent_grid
from trialsim.population.laws.laws import BetaLaw, GammaLaw, LognormalLaw, NormalLaw, StepLaw
from trialsim.population.laws.tabulated import TabulatedLaw, fast
from trialsim.population.laws.truncated import solve_truncated_normal

LAWS = {
    "normal": NormalLaw(5.0, 2.0),
    "lognormal": LognormalLaw(24.7, 4.1),
    "gamma": GammaLaw(43.9, 28.4),
    "gamma_j_shaped": GammaLaw(10.3, 12.1),
    "beta": BetaLaw(2.83, 1.03, 0.5, 9.0),
    "beta_u_shaped": BetaLaw(7.2, 7.0, 0.0, 30.0),
    "truncated": solve_truncated_normal(71.3, 8.19, 50.0, 90.0),
    "truncated_below": solve_truncated_normal(3.0, 2.0, 0.0, np.inf),
    "binary": StepLaw((0.0, 1.0), (0.7, 0.3)),
    "ordinal": StepLaw((0.0, 1.0, 2.0), (0.42, 0.44, 0.14)),
}


@pytest.mark.parametrize("name", LAWS)
def test_mean_and_sd_are_those_of_what_is_drawn(name):
    law = LAWS[name]
    z, weights = latent_grid(law.cuts)
    x = law.from_latent(z)
    mean = weights @ x
    assert mean == pytest.approx(law.mean, rel=1e-9)
    assert np.sqrt(weights @ (x - mean) ** 2) == pytest.approx(law.sd, rel=1e-8)


@pytest.mark.parametrize("name", LAWS)
def test_quantiles_rise_and_stay_inside_the_support(name):
    law = LAWS[name]
    x = law.from_latent(np.linspace(-9.0, 9.0, 2001))
    assert (np.diff(x) >= 0).all()
    assert x.min() >= law.lower
    assert x.max() <= law.upper


@pytest.mark.parametrize("name", [name for name in LAWS if not LAWS[name].cuts])
def test_table_equals_the_exact_law(name):
    law = LAWS[name]
    z = np.random.default_rng(1).standard_normal(20_000)
    z = np.concatenate([z, np.linspace(-8.5, 8.5, 1001), [-11.0, 11.0]])
    assert np.abs(fast(law).from_latent(z) - law.from_latent(z)).max() < 1e-9 * law.sd


@pytest.mark.parametrize(
    ("law", "frozen"),
    [
        (GammaLaw(6.0, np.sqrt(18.0)), stats.gamma(2.0, scale=3.0)),
        (BetaLaw(0.3, np.sqrt(0.3 * 0.7 / 11), 0.0, 1.0), stats.beta(3.0, 7.0)),
        (LognormalLaw(np.exp(0.5), np.sqrt(np.expm1(1.0) * np.e)), stats.lognorm(1.0)),
    ],
)
def test_quantiles_equal_scipy_in_both_tails(law, frozen):
    z = np.array([-7.0, -2.0, 0.0, 2.0, 7.0])
    expected = np.where(z < 0, frozen.ppf(stats.norm.cdf(z)), frozen.isf(stats.norm.sf(z)))
    assert law.from_latent(z) == pytest.approx(expected, rel=1e-9)


def test_a_step_law_has_its_probabilities():
    law = LAWS["ordinal"]
    z, weights = latent_grid(law.cuts)
    shares = [weights @ (law.from_latent(z) == level) for level in law.levels]
    assert shares == pytest.approx([0.42, 0.44, 0.14], abs=1e-12)


def test_truncated_normal_equals_scipy():
    law = LAWS["truncated"]
    a, b = (law.lower - law.location) / law.scale, (law.upper - law.location) / law.scale
    frozen = stats.truncnorm(a, b, loc=law.location, scale=law.scale)
    assert frozen.mean() == pytest.approx(71.3, abs=1e-8)
    assert frozen.std() == pytest.approx(8.19, abs=1e-8)
    assert law.from_latent(np.array([-2.0, 1.0])) == pytest.approx(
        frozen.ppf(stats.norm.cdf([-2.0, 1.0])), rel=1e-9
    )


def test_a_normal_law_within_far_limits_stays_normal():
    law = solve_truncated_normal(0.0, 1.0, -30.0, 30.0)
    assert law.location == pytest.approx(0.0, abs=1e-9)
    assert law.scale == pytest.approx(1.0, abs=1e-9)


def test_cheap_laws_need_no_table():
    assert fast(LAWS["normal"]) is LAWS["normal"]
    assert isinstance(fast(LAWS["beta"]), TabulatedLaw)
