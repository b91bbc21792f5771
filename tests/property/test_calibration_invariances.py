"""Tilts and fits do not depend on the order of rows or on units."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.data import Covariates
from trialsim.population.cards.targets import Moment
from trialsim.population.drawing.orthant import probability
from trialsim.population.drawing.tilt import entropy_tilt
from trialsim.population.individual_data.fidelity import fidelity_report
from trialsim.population.individual_data.privacy import delong, membership_risk

seeds = st.integers(0, 2**32 - 1)
FEW = settings(deadline=None, max_examples=20)


def moments(x: np.ndarray, scale: float = 1.0) -> list[Moment]:
    return [
        Moment("mean", scale * x[:, 0], scale * 0.2, 0.0),
        Moment("square", (scale * x[:, 0]) ** 2, scale**2 * 1.1, 0.0),
        Moment("share", (x[:, 1] > 0).astype(float), 0.55, 0.0),
    ]


@FEW
@given(seed=seeds, scale=st.floats(1e-3, 1e4))
def test_a_tilt_follows_its_rows_and_ignores_units(seed, scale):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 2))
    order = rng.permutation(200)
    plain = entropy_tilt(moments(x)).weights
    assert np.abs(entropy_tilt(moments(x[order])).weights - plain[order]).max() < 1e-11
    assert np.abs(entropy_tilt(moments(x, scale)).weights - plain).max() < 1e-9


@FEW
@given(seed=seeds)
def test_a_box_has_the_same_probability_in_any_order_of_its_sides(seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(4, 6))
    r = a @ a.T
    r /= np.sqrt(np.outer(np.diag(r), np.diag(r)))
    low = rng.normal(size=4) - 0.5
    high = low + rng.uniform(0.5, 3, size=4)
    order = rng.permutation(4)
    found = [
        probability(r[np.ix_(o, o)], low[o], high[o], 4000, np.random.default_rng(1))
        for o in (np.arange(4), order)
    ]
    assert abs(found[0][0] - found[1][0]) < 6 * np.hypot(found[0][1], found[1][1]) + 1e-12


@FEW
@given(seed=seeds, scale=st.floats(1e-3, 1e3))
def test_privacy_and_fidelity_ignore_units(seed, scale):
    rng = np.random.default_rng(seed)
    sets = [rng.normal(size=(60, 2)) for _ in range(4)]
    names = ("x", "y")
    plain = [Covariates(names, one) for one in sets]
    scaled = [Covariates(names, one * [scale, 1.0]) for one in sets]
    assert np.isclose(membership_risk(*plain).auc, membership_risk(*scaled).auc, atol=1e-3)
    values = [fidelity_report(*pair[:2])["value"].to_numpy() for pair in (plain, scaled)]
    assert np.allclose(values[0], values[1], atol=1e-6)


@FEW
@given(seed=seeds)
def test_swapping_members_and_strangers_mirrors_the_auc(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 9, 40).astype(float), rng.integers(0, 9, 50).astype(float)
    assert abs(delong(a, b)[0] + delong(b, a)[0] - 1) < 1e-12
    assert abs(delong(a, b)[1] - delong(b, a)[1]) < 1e-12
