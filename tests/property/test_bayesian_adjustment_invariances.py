from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.analysis.bayesian.block import bayesian_adjustment, bayesian_adjustment_block
from trialsim.analysis.bayesian.prior import AdjustmentPrior, AdjustmentPriorPart, fit_history
from trialsim.streams import stream

few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 10**6)


def draw(seed: int) -> dict[str, np.ndarray]:
    generator = stream(seed, "invariance", 0, "outcome")
    past = generator.normal(2.0, 0.5, 80)
    score = generator.normal(2.1, 0.5, 30)
    return {
        "past_score": past,
        "past_outcome": past + generator.normal(0.1, 0.8, 80),
        "score": score,
        "arm": generator.permutation(np.arange(30) % 2),
        "outcome": score + generator.normal(0.2, 0.8, 30),
    }


def posterior(
    data: dict[str, np.ndarray], scale: float = 1.0, vague: float = 4.0, weight: float = 0.5
) -> np.ndarray:
    """Mean, SD and interval, with a vague part that is given in the units of the outcome."""
    history = fit_history(data["past_outcome"], data["past_score"])
    informative = AdjustmentPriorPart(
        (history.bias, 0.0, history.slope),
        (1 / history.size, 100.0, 1 / history.score_sum_of_squares),
        history.size - 2,
        history.residual_variance,
    )
    part = AdjustmentPriorPart((0.0, 0.0, 0.0), (vague, vague, vague / scale**2), 1.0, scale**2)
    prior = AdjustmentPrior(informative, part, weight)
    got = bayesian_adjustment_block(data["outcome"][None], data["arm"][None], data["score"][None], prior)
    return np.array([got.mean()[0], got.sd()[0], *(end[0] for end in got.interval())])


@few
@given(seed=seeds, shift=st.floats(-50, 50), scale=st.floats(0.1, 20))
def test_a_shift_and_a_new_unit_of_outcome_and_score_change_nothing_but_the_unit(
    seed: int, shift: float, scale: float
) -> None:
    data = draw(seed)
    moved = {k: v if k == "arm" else shift + scale * v for k, v in data.items()}
    assert posterior(moved, scale) == pytest.approx(scale * posterior(data), rel=1e-8)


@few
@given(seed=seeds)
def test_turning_outcome_and_score_upside_down_turns_the_effect(seed: int) -> None:
    data = draw(seed)
    turned = {k: v if k == "arm" else -v for k, v in data.items()}
    mean, sd, lower, upper = posterior(data)
    assert posterior(turned) == pytest.approx([-mean, sd, -upper, -lower], rel=1e-9)


@few
@given(seed=seeds)
def test_swapping_the_arms_turns_the_sign_once_the_prior_knows_no_control(seed: int) -> None:
    data = draw(seed)
    swapped = data | {"arm": 1 - data["arm"]}
    mean, sd, lower, upper = posterior(data, vague=1e9, weight=0.0)
    assert posterior(swapped, vague=1e9, weight=0.0) == pytest.approx([-mean, sd, -upper, -lower], rel=1e-6)


@few
@given(seed=seeds)
def test_the_order_of_rows_and_the_labels_of_arms_change_nothing(seed: int) -> None:
    data = draw(seed)
    order = stream(seed, "order", 0, "outcome").permutation(30)
    history = fit_history(data["past_outcome"], data["past_score"])
    part = AdjustmentPriorPart((history.bias, 0.0, history.slope), (0.1, 100.0, 1.0), 10.0, 1.0)
    prior = AdjustmentPrior(part, AdjustmentPriorPart((0.0, 0.0, 0.0), (9.0, 9.0, 9.0), 1.0, 1.0))
    frame = pd.DataFrame({"y": data["outcome"], "m": data["score"]})
    frame["arm"] = np.where(data["arm"] == 1, "z", "a")
    other = frame.iloc[order].assign(arm=lambda d: np.where(d["arm"] == "z", "Ärzte", "Öl"))
    one = bayesian_adjustment(frame, outcome="y", arm="arm", score="m", prior=prior, control="a")
    two = bayesian_adjustment(other, outcome="y", arm="arm", score="m", prior=prior, control="Öl")
    assert two.posterior.mean()[0] == pytest.approx(one.posterior.mean()[0], rel=1e-10)
    assert two.posterior.sd()[0] == pytest.approx(one.posterior.sd()[0], rel=1e-10)
