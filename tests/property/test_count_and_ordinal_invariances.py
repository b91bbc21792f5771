"""What must not change a rate ratio, an odds ratio or an index; what must mirror it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.analysis import negative_binomial, probabilistic_index, proportional_odds
from trialsim.analysis.counts import negative_binomial_block
from trialsim.analysis.ordinal import probabilistic_index_block, proportional_odds_block

FEW = settings(max_examples=12, deadline=None)
SEEDS = st.integers(0, 10_000)
COUNTS = {"outcome": "n", "arm": "arm", "control": "p", "exposure": "t", "covariates": ["x", "sex"]}
GRADES = {"outcome": "g", "arm": "arm", "control": "p", "covariates": ["x", "sex"]}
INDEX = {"outcome": "g", "arm": "arm", "control": "p", "strata": "sex"}
ANALYSES = [(negative_binomial, COUNTS), (proportional_odds, GRADES), (probabilistic_index, INDEX)]


def draw_trial(seed, n=120):
    rng = np.random.default_rng(seed)
    arm, x = rng.permutation(np.resize(["p", "v"], n)), rng.normal(size=n)
    time = rng.uniform(0.5, 2.0, n)
    return pd.DataFrame(
        {
            "arm": arm,
            "x": x,
            "sex": rng.permutation(np.resize(["f", "m"], n)),
            "t": time,
            "n": rng.negative_binomial(2, 2 / (2 + time * np.exp(0.5 + 0.2 * x))),
            "g": np.searchsorted([-0.5, 0.5, 1.5], 0.4 * (arm == "v") + rng.logistic(size=n)).astype(float),
        }
    )


@FEW
@given(SEEDS)
def test_row_order_changes_no_bit(seed):
    trial = draw_trial(seed)
    shuffled = trial.sample(frac=1, random_state=np.random.RandomState(seed))
    for analysis, options in ANALYSES:
        assert analysis(trial, **options).to_frame().equals(analysis(shuffled, **options).to_frame())


@FEW
@given(SEEDS, st.floats(0.01, 100.0), st.floats(-50, 50))
def test_units_of_time_and_covariates_change_nothing(seed, stretched, moved):
    trial = draw_trial(seed)
    other = trial.assign(t=trial["t"] * stretched, x=moved + stretched * trial["x"])
    for analysis, options in ANALYSES[:2]:
        left, right = (analysis(data, **options) for data in (trial, other))
        np.testing.assert_allclose(left.coefficients[0], right.coefficients[0], rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(left.standard_errors[0], right.standard_errors[0], rtol=1e-6)


@FEW
@given(SEEDS)
def test_only_the_order_of_categories_counts(seed):
    trial = draw_trial(seed)
    stretched = trial.assign(g=np.exp(trial["g"]))
    for analysis, options in ANALYSES[1:]:
        assert analysis(trial, **options).to_frame().equals(analysis(stretched, **options).to_frame())


@FEW
@given(SEEDS)
def test_swapped_arms_mirror_the_effect(seed):
    trial = draw_trial(seed)
    arm = (trial["arm"] == "v").to_numpy()[None].astype(int)
    count, time, grade = (trial[[name]].to_numpy().T for name in ("n", "t", "g"))
    for run in (
        lambda a: negative_binomial_block(count, time, a),
        lambda a: proportional_odds_block(grade, a, variance="robust"),
        lambda a: probabilistic_index_block(grade, a),
    ):
        left, right = run(arm), run(1 - arm)
        assert left.statistic[0] == pytest.approx(-right.statistic[0], rel=1e-7, abs=1e-10)
        assert left.standard_error[0] == pytest.approx(right.standard_error[0], rel=1e-7)


@FEW
@given(SEEDS)
def test_reversed_categories_mirror_the_effect(seed):
    trial = draw_trial(seed)
    reverse = trial.assign(g=-trial["g"])
    left, right = (proportional_odds(data, **GRADES) for data in (trial, reverse))
    np.testing.assert_allclose(left.coefficients, -right.coefficients, rtol=1e-7, atol=1e-10)
    left, right = (probabilistic_index(data, **INDEX) for data in (trial, reverse))
    assert left.estimates.estimate[0] == pytest.approx(1 - right.estimates.estimate[0], rel=1e-12)
