"""What must not matter to a population does not: order, units, labels; what must hold holds for any card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.data import Covariates
from trialsim.disease import disease_model
from trialsim.errors import CardError
from trialsim.population import attainable, draw_covariates, read_card, solve_copula, solve_pair
from trialsim.population.laws.laws import BetaLaw, GammaLaw, StepLaw
from trialsim.population.laws.truncated import solve_truncated_normal

EARLY = read_card(Path(__file__).parents[2] / "cohorts" / "alzheimers_early.toml")
few = settings(deadline=None, max_examples=10)


@few
@given(
    mean=st.floats(0.02, 0.98),
    share=st.floats(0.02, 0.97),
    low=st.floats(-1e3, 1e3),
    width=st.floats(1e-2, 1e3),
)
def test_a_truncated_normal_has_the_moments_asked_or_says_the_largest_sd(mean, share, low, width):
    m, high = low + mean * width, low + width
    sd = share * width * np.sqrt(mean * (1 - mean))
    try:
        law = solve_truncated_normal(m, sd, low, high)
    except CardError as error:
        largest = float(str(error).split("below ")[1].split(". ")[0])
        assert sd >= largest * (1 - 1e-3)
        return
    z = np.linspace(-8.5, 8.5, 40_001)
    weight = np.exp(-z * z / 2)
    x = law.from_latent(z)
    drawn = (weight @ x) / weight.sum()
    assert drawn == pytest.approx(m, abs=1e-5 * width)
    assert np.sqrt(weight @ (x - drawn) ** 2 / weight.sum()) == pytest.approx(sd, abs=1e-4 * width)


@few
@given(scale=st.floats(0.01, 100), shift=st.floats(-50, 50), share=st.floats(-0.9, 0.9))
def test_the_latent_correlation_does_not_depend_on_units(scale, shift, share):
    age = StepLaw((0.0, 1.0, 2.0), (0.3, 0.3, 0.4))
    score = BetaLaw(3.0, 1.5, 0.0, 18.0)
    low, high = attainable(age, score)
    asked = share * (high if share > 0 else -low)
    moved = BetaLaw(3.0 * scale + shift, 1.5 * scale, shift, 18.0 * scale + shift)
    relabelled = StepLaw((shift, shift + scale, shift + 2 * scale), (0.3, 0.3, 0.4))
    assert solve_pair(relabelled, moved, asked).latent == pytest.approx(
        solve_pair(age, score, asked).latent, abs=1e-7
    )


@few
@given(share=st.floats(-0.95, 0.95))
def test_the_order_of_a_pair_does_not_matter(share):
    first, second = GammaLaw(2.0, 1.5), StepLaw((0.0, 1.0), (0.9, 0.1))
    low, high = attainable(first, second)
    asked = share * (high if share > 0 else -low)
    assert solve_pair(first, second, asked).latent == pytest.approx(
        solve_pair(second, first, asked).latent, abs=1e-9
    )


@few
@given(seed=st.integers(0, 2**32), order=st.permutations(range(len(EARLY.margins))))
def test_the_order_of_margins_changes_no_latent_correlation(seed, order):
    moved = EARLY.model_copy(update={"margins": tuple(EARLY.margins[i] for i in order)})
    assert np.allclose(
        solve_copula(moved).latent, solve_copula(EARLY).latent[np.ix_(order, order)], atol=1e-12
    )
    assert (moved.content_hash() == EARLY.content_hash()) == (list(order) == sorted(order))
    assert draw_covariates(moved, 3, np.random.default_rng(seed)).names == moved.names


@few
@given(seed=st.integers(0, 2**32), faster=st.floats(1.01, 3.0))
def test_faster_progression_is_never_better(seed, faster):
    model = disease_model("delor2013_cdr_sb")
    generator = np.random.default_rng(seed)
    course = model.draw_course(draw_covariates(EARLY, 50, generator), generator)
    weeks = np.array([0.0, 26.0, 78.0])
    plain, fast = model.natural_history(course, weeks), model.natural_history(course, weeks, faster)
    assert (fast >= plain - 1e-12).all()
    assert fast[:, 0] == pytest.approx(plain[:, 0])


@few
@given(seed=st.integers(0, 2**32))
def test_columns_may_come_in_any_order(seed):
    model = disease_model("delor2013_cdr_sb")
    people = draw_covariates(EARLY, 20, np.random.default_rng(seed))
    turned = Covariates(people.names[::-1], people.values[:, ::-1])
    first = model.draw_course(people, np.random.default_rng(seed))
    second = model.draw_course(turned, np.random.default_rng(seed))
    weeks = np.array([78.0])
    assert (model.natural_history(first, weeks) == model.natural_history(second, weeks)).all()
