from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
from scipy import stats

from trialsim.errors import CardError
from trialsim.population import attainable, solve_pair
from trialsim.population.association.steps import step_covariance
from trialsim.population.drawing.copula import require_positive_definite
from trialsim.population.laws.hermite import coefficients, covariance, latent_grid
from trialsim.population.laws.laws import BetaLaw, GammaLaw, Law, LognormalLaw, NormalLaw, StepLaw
from trialsim.population.laws.tabulated import fast
from trialsim.population.laws.truncated import solve_truncated_normal

CONTINUOUS = {
    "normal": NormalLaw(0.0, 1.0),
    "lognormal": LognormalLaw(1.0, 0.6),
    "gamma": GammaLaw(10.0, 12.0),
    "beta": BetaLaw(7.2, 7.0, 0.0, 30.0),
    "truncated": solve_truncated_normal(70.0, 8.0, 50.0, 90.0),
}
STEPS = {
    "binary": StepLaw((0.0, 1.0), (0.7, 0.3)),
    "rare": StepLaw((0.0, 1.0), (0.98, 0.02)),
    "ordinal": StepLaw((0.0, 1.0, 2.0, 3.0), (0.1, 0.25, 0.4, 0.25)),
}
LAWS = CONTINUOUS | STEPS


def slow_correlation(first: Law, second: Law, latent: float) -> float:
    """Condition on the first latent normal, integrate the second over its own: two plain sums."""
    z, weights = latent_grid(first.cuts)
    inner, inner_weights = latent_grid()
    conditional = (
        fast(second).from_latent(latent * z[:, None] + np.sqrt(1 - latent**2) * inner) @ inner_weights
    )
    return float(weights @ ((first.from_latent(z) - first.mean) * conditional)) / (first.sd * second.sd)


@pytest.mark.parametrize("names", list(combinations_with_replacement(LAWS, 2)), ids="-".join)
@pytest.mark.parametrize("share", [-0.9, 0.98])
def test_every_feasible_pair_of_margins_comes_out_as_asked(names, share):
    first, second = (LAWS[name] for name in names)
    low, high = attainable(first, second)
    asked = share * (high if share > 0 else -low)
    solution = solve_pair(first, second, asked)
    assert solution.achieved == pytest.approx(asked, abs=1e-10)
    if names[1] in CONTINUOUS:
        assert slow_correlation(first, second, solution.latent) == pytest.approx(asked, abs=1e-8)


@pytest.mark.parametrize("names", list(combinations_with_replacement(STEPS, 2)), ids="-".join)
def test_two_step_margins_equal_a_very_long_series(names):
    first, second = (STEPS[name] for name in names)
    a, b = coefficients(first, 2000), coefficients(second, 2000)
    for latent in (-0.97, 0.9, 0.98):
        exact = step_covariance(first, second, second.cuts, second.mean, latent)
        assert exact == pytest.approx(covariance(a, b, latent), abs=1e-10)


def test_binary_pairs_equal_the_bivariate_normal_near_the_end():
    rare, binary = STEPS["rare"], STEPS["binary"]
    t, s = rare.cuts[0], binary.cuts[0]
    for latent in (-0.97, 0.9, 0.999):
        both = stats.multivariate_normal(cov=[[1.0, latent], [latent, 1.0]]).cdf([-t, -s], rng=0)
        slow = both - 0.02 * 0.3
        assert step_covariance(rare, binary, binary.cuts, 0.3, latent) == pytest.approx(slow, abs=1e-8)


@pytest.mark.parametrize("name", LAWS)
def test_a_margin_correlates_perfectly_with_itself_only(name):
    low, high = attainable(LAWS[name], LAWS[name])
    assert high == pytest.approx(1.0, abs=1e-9)
    assert low >= -1.0 - 1e-9


def test_no_correlation_needs_no_latent_correlation():
    assert solve_pair(LAWS["gamma"], LAWS["binary"], 0.0).latent == 0.0


@pytest.mark.parametrize("names", [("binary", "rare"), ("gamma", "lognormal"), ("ordinal", "beta")])
def test_just_outside_the_interval_is_refused(names):
    first, second = (LAWS[name] for name in names)
    low, high = attainable(first, second)
    for asked in (low - 1e-6, high + 1e-6):
        with pytest.raises(CardError, match="outside what these margins can have"):
            solve_pair(first, second, asked)


def test_a_definite_matrix_passes_and_an_indefinite_one_is_blamed_on_its_pairs():
    names = ("a", "b", "c", "d")
    matrix = np.eye(4)
    require_positive_definite(matrix, names)
    for i, j, r in ((0, 1, 0.9), (0, 2, 0.9), (1, 2, -0.5)):
        matrix[i, j] = matrix[j, i] = r
    with pytest.raises(CardError, match="b–c") as caught:
        require_positive_definite(matrix, names)
    assert "d" not in str(caught.value).split("blame are")[1].split(".")[0].replace("–", " ").split()
