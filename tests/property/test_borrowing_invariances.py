from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.commensurate_prior import CommensuratePrior, commensurate_normal
from trialsim.analysis.borrowing.effective_sample_size import elir_ess, moment_ess, morita_ess
from trialsim.analysis.borrowing.meta_analytic_predictive import map_prior_binomial, map_prior_normal
from trialsim.analysis.borrowing.mixture_difference import probability_difference_above
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.two_sample_characteristics import (
    BinaryBorrowingDesign,
    normal_borrowing_estimates,
)
from trialsim.streams import stream

few = settings(deadline=None, max_examples=8)
seeds = st.integers(0, 10**6)
shapes = st.floats(1.5, 40)


@few
@given(seed=seeds, shift=st.floats(-100, 100), unit=st.floats(0.05, 30))
def test_a_normal_map_follows_a_shift_and_a_new_unit(seed: int, shift: float, unit: float) -> None:
    generator = stream(seed, "map", 0, "history")
    y, se = generator.normal(3, 1, 5), generator.uniform(0.2, 0.6, 5)
    one = map_prior_normal(y, se, mean_prior=(0, 5), heterogeneity_scale=1, unit_sd=4)
    two = map_prior_normal(
        shift + unit * y,
        unit * se,
        mean_prior=(shift, 5 * unit),
        heterogeneity_scale=unit,
        unit_sd=4 * unit,
    )
    assert two.prior.mean() == pytest.approx(shift + unit * one.prior.mean(), rel=1e-8, abs=1e-8)
    assert two.prior.sd() == pytest.approx(unit * one.prior.sd(), rel=1e-7)
    assert elir_ess(two.prior).value == pytest.approx(elir_ess(one.prior).value, rel=1e-6)


@few
@given(seed=seeds)
def test_the_order_of_studies_and_the_naming_of_a_response_change_nothing(seed: int) -> None:
    generator = stream(seed, "map", 1, "history")
    n = generator.integers(10, 60, 4)
    r = generator.binomial(n, 0.3)
    order = generator.permutation(4)
    one = map_prior_binomial(r, n)
    two = map_prior_binomial(r[order], n[order])
    other = map_prior_binomial(n - r, n)
    assert two.prior.mean() == pytest.approx(one.prior.mean(), rel=1e-10)
    assert other.prior.mean() == pytest.approx(1 - one.prior.mean(), abs=1e-9)
    assert other.prior.sd() == pytest.approx(one.prior.sd(), rel=1e-8)
    assert elir_ess(other.prior).value == pytest.approx(elir_ess(one.prior).value, rel=1e-4)


@few
@given(a=shapes, b=shapes, c=shapes, d=shapes, margin=st.floats(-0.5, 0.5))
def test_swapping_the_arms_turns_the_probability(
    a: float, b: float, c: float, d: float, margin: float
) -> None:
    first = BetaMixture([0.4, 0.6], [a, b], [c, d])
    second = BetaMixture([0.5, 0.5], [d, a], [b, c])
    forward = probability_difference_above(first, second, margin)
    assert probability_difference_above(second, first, -margin) == pytest.approx(1 - forward, abs=1e-9)


@few
@given(a=shapes, b=shapes, c=shapes, d=shapes, w=st.floats(0.01, 0.99))
def test_the_order_of_components_and_a_split_component_change_no_size(
    a: float, b: float, c: float, d: float, w: float
) -> None:
    one = BetaMixture([w, 1 - w], [a, b], [c, d])
    split = BetaMixture([(1 - w) / 2, w, (1 - w) / 2], [b, a, b], [d, c, d])
    for size in (elir_ess, moment_ess, morita_ess):
        assert size(split).value == pytest.approx(size(one).value, rel=1e-6)


@few
@given(seed=seeds)
def test_swapping_the_arms_of_a_block_turns_estimate_and_statistic(seed: int) -> None:
    generator = stream(seed, "block", 0, "outcome")
    y, x = generator.normal(0, 1, 6), generator.normal(0, 1, 6)
    one, two = NormalMixture([0.6, 0.4], [0, 1], [0.3, 2]), NormalMixture(1, 0.5, 5)
    forward = normal_borrowing_estimates((y, 0.3), (x, 0.2), one, two)
    backward = normal_borrowing_estimates((x, 0.2), (y, 0.3), two, one)
    assert backward.estimate == pytest.approx(-forward.estimate, rel=1e-10)
    assert backward.statistic == pytest.approx(-forward.statistic, rel=1e-9)
    assert backward.p_value == pytest.approx(forward.p_value, rel=1e-9)


def test_rejections_of_a_block_are_those_of_the_enumerated_design() -> None:
    history = BetaMixture([0.8, 0.2], [15, 1], [45, 1])
    design = BinaryBorrowingDesign(BetaMixture(1, 1, 1), history, 20, 10)
    generator = stream(8, "enumeration", 0, "outcome")
    r_t, r_c = generator.binomial(20, 0.5, 40_000), generator.binomial(10, 0.3, 40_000)
    got = design.estimates(r_t, r_c)
    success = (got.estimate > 0) & (got.p_value < 2 * (1 - design.rule.confidence))
    exact = design.rejection_probability(0.5, 0.3)
    assert success.mean() == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 40_000))
    bias = design.bias_and_mse(0.5, 0.3)[0]
    assert (got.estimate - 0.2).mean() == pytest.approx(bias, abs=4 * got.estimate.std() / 200)


@few
@given(shift=st.floats(-20, 20), unit=st.floats(0.1, 10))
def test_a_commensurate_mean_follows_a_shift_and_a_new_unit(shift: float, unit: float) -> None:
    one = commensurate_normal((0.4, 0.3), (0.0, 0.1), CommensuratePrior(1, 0.05))
    two = commensurate_normal(
        (shift + 0.4 * unit, 0.3 * unit), (shift, 0.1 * unit), CommensuratePrior(1, 0.05 * unit**2)
    )
    assert two.mean() == pytest.approx(shift + unit * one.mean(), rel=1e-8, abs=1e-8)
    assert two.sd() == pytest.approx(unit * one.sd(), rel=1e-7)
