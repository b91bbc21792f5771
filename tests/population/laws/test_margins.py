"""Every kind of margin has the numbers that the card prints."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special, stats

from trialsim.errors import CardError
from trialsim.population.laws.bounded import (
    MaximumEntropyLaw,
    match_quartiles,
    solve_logit_normal,
    solve_maximum_entropy,
)
from trialsim.population.laws.counts import count_law
from trialsim.population.laws.hermite import latent_grid
from trialsim.population.laws.laws import TruncatedNormalLaw
from trialsim.population.laws.tabulated import fast

LAWS = {
    "logit_normal": solve_logit_normal(34.4, 18.92, 0.0, 100.0),
    "flat": solve_maximum_entropy(5.0, 10 / 12**0.5, 0.0, 10.0),
    "u_shaped": solve_maximum_entropy(4.0, 3.6, 0.0, 10.0),
    "exponential": solve_maximum_entropy(2.0, 1.95, 0.0, 10.0),
    "bell": solve_maximum_entropy(5.0, 1.5, 0.0, 10.0),
    "quartiles_log": match_quartiles(857.0, 1437.0, 2650.0, 0.0, np.inf),
    "quartiles_logit": match_quartiles(52.0, 61.0, 68.0, 18.0, 90.0),
    "quartiles_plain": match_quartiles(-1.0, 0.2, 2.0, -np.inf, np.inf),
}


@pytest.mark.parametrize("name", LAWS)
def test_mean_and_sd_are_those_of_what_is_drawn(name):
    law = LAWS[name]
    z, weights = latent_grid()
    x = law.from_latent(z)
    mean = weights @ x
    assert mean == pytest.approx(law.mean, rel=1e-8)
    assert np.sqrt(weights @ (x - mean) ** 2) == pytest.approx(law.sd, rel=1e-7)


@pytest.mark.parametrize("name", LAWS)
def test_quantiles_rise_within_the_limits_and_the_table_equals_them(name):
    law = LAWS[name]
    z = np.linspace(-8.4, 8.4, 1501)
    x = law.from_latent(z)
    assert (np.diff(x) >= 0).all()
    assert x.min() >= law.lower
    assert x.max() <= law.upper
    assert np.abs(fast(law).from_latent(z) - x).max() < 1e-8 * law.sd


def test_maximum_entropy_has_the_shape_that_its_moments_need():
    assert isinstance(LAWS["bell"], TruncatedNormalLaw)
    assert isinstance(LAWS["u_shaped"], MaximumEntropyLaw)
    assert LAWS["u_shaped"].second > 0
    law = LAWS["u_shaped"]

    def density(x):
        v = (x - law.mean) / law.sd
        return np.exp(law.first * v + law.second * v * v)

    total = integrate.quad(density, 0, 10)[0]
    for share in (0.1, 0.5, 0.93):
        x = float(law.from_latent(np.array([special.ndtri(share)]))[0])
        assert integrate.quad(density, 0, x)[0] / total == pytest.approx(share, abs=1e-9)


def test_a_flat_law_is_flat():
    shares = np.array([0.05, 0.4, 0.99])
    assert LAWS["flat"].from_latent(special.ndtri(shares)) == pytest.approx(10 * shares, abs=1e-6)


def test_quartiles_and_range_of_a_paper_come_out():
    quartiles = special.ndtri(np.array([0.25, 0.5, 0.75]))
    assert LAWS["quartiles_logit"].from_latent(quartiles) == pytest.approx([52, 61, 68], rel=1e-12)
    assert LAWS["quartiles_log"].from_latent(quartiles) == pytest.approx([857, 1437, 2650], rel=1e-12)
    assert LAWS["quartiles_plain"].from_latent(quartiles) == pytest.approx([-1, 0.2, 2], rel=1e-12)


@pytest.mark.parametrize(("mean", "sd"), [(2.5, 3.0), (0.3, 0.8), (4.0, 2.0), (30.0, 12.0)])
def test_counts_have_their_mean_and_sd(mean, sd):
    law = count_law(mean, sd)
    assert law.mean == pytest.approx(mean, rel=1e-9)
    assert law.sd == pytest.approx(sd, rel=1e-8)
    if sd**2 > mean + 1e-9:
        size = mean**2 / (sd**2 - mean)
        slow = stats.nbinom(size, size / (size + mean)).pmf(3)
    else:
        slow = stats.poisson(mean).pmf(3)
    assert law.probabilities[law.levels.index(3.0)] == pytest.approx(slow, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "field", "words"),
    [
        (lambda: count_law(4.0, 1.0), "sd", "vary less than a Poisson"),
        (lambda: count_law(4000.0, 900.0), "mean", "nearly continuous"),
        (lambda: solve_logit_normal(5.0, 6.0, 0.0, 10.0), "sd", "below 5"),
        (lambda: solve_logit_normal(12.0, 1.0, 0.0, 10.0), "mean", "inside"),
        (lambda: solve_maximum_entropy(5.0, 5.0, 0.0, 10.0), "sd", "below 5"),
        (lambda: match_quartiles(5.0, 4.0, 6.0, 0.0, np.inf), "q1", "ascend"),
        (lambda: match_quartiles(9.9, 10.0, 30.0, -np.inf, np.inf), "median", "too skew"),
    ],
)
def test_numbers_that_no_law_has_are_refused(make, field, words):
    with pytest.raises(CardError, match=words) as caught:
        make()
    assert caught.value.field == field
