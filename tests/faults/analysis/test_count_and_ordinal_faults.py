"""What counts and ordered categories are refused for, named by place and never by content."""

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import (
    negative_binomial,
    negative_binomial_events,
    probabilistic_index,
    proportional_odds,
)
from trialsim.analysis.counts import negative_binomial_block
from trialsim.analysis.ordinal import probabilistic_index_block, proportional_odds_block
from trialsim.errors import AnalysisError

ARM, ONES = np.resize([0, 1], (1, 8)), np.ones((1, 8))
COUNT = np.array([[0.0, 1, 2, 3, 1, 0, 2, 4]])


def changed(values, place, value):
    values = values.astype(float)
    values[0, place] = value
    return values


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (lambda: negative_binomial_block(COUNT[0], ONES, ARM), "count: has the wrong shape"),
        (lambda: negative_binomial_block(COUNT, ONES[:, :5], ARM), "exposure: has the wrong shape"),
        (lambda: negative_binomial_block(changed(COUNT, 3, 1.5), ONES, ARM), "whole number.*participant 3"),
        (lambda: negative_binomial_block(changed(COUNT, 3, -1), ONES, ARM), "whole number.*participant 3"),
        (lambda: negative_binomial_block(changed(COUNT, 3, np.inf), ONES, ARM), "finite.*participant 3"),
        (
            lambda: negative_binomial_block(COUNT, changed(ONES, 2, -1), ARM),
            "exposure: must be finite and at",
        ),
        (lambda: negative_binomial_block(COUNT, changed(ONES, 2, np.nan), ARM), "exposure: must be finite"),
        (lambda: negative_binomial_block(COUNT, changed(ONES, 2, 0), ARM), "above 0 for a participant with"),
        (lambda: negative_binomial_block(COUNT, ONES, ARM + 1), "arm: has labels"),
        (lambda: negative_binomial_block(COUNT, ONES, ARM, dispersion=-1), "dispersion: must be finite"),
        (
            lambda: negative_binomial_block(COUNT, ONES, ARM, variance="hc3"),
            "variance: is not a known choice",
        ),
        (
            lambda: negative_binomial_block(COUNT, ONES, ARM, changed(ONES, 4, np.nan)[:, :, None]),
            r"covariates\[0\]: is not finite for participant 4",
        ),
        (lambda: proportional_odds_block(changed(COUNT, 3, np.inf), ARM), "outcome: .*participant 3"),
        (
            lambda: proportional_odds_block(COUNT, ARM, changed(ONES, 4, np.inf)[:, :, None]),
            r"covariates\[0\]: is not finite for participant 4",
        ),
        (lambda: proportional_odds_block(COUNT, ARM, test="exact"), "test: is not a known choice"),
        (
            lambda: proportional_odds_block(COUNT, ARM, test="score", variance="robust"),
            "the score test is model-based",
        ),
        (
            lambda: proportional_odds_block([np.arange(60.0)], [np.resize([0, 1], 60)]),
            "outcome: has more than 50 categories. Got 60.*probabilistic index",
        ),
        (lambda: probabilistic_index_block(changed(COUNT, 3, np.inf), ARM), "outcome: .*participant 3"),
        (lambda: probabilistic_index_block(COUNT, ARM, ONES - 2), "strata: has labels"),
        (lambda: probabilistic_index_block(COUNT, ARM, variance="hc0"), "variance: is not a known choice"),
    ],
)
def test_blocks_refuse(run, says):
    with pytest.raises(AnalysisError, match=says):
        run()


def trial(**changes):
    frame = pd.DataFrame(
        {"arm": list("pv") * 4, "n": COUNT[0], "t": 1.0, "g": COUNT[0], "site": [1, 1, 2, 2, 3, 3, 3, 3]}
    )
    return frame.assign(**changes)


@pytest.mark.parametrize(
    ("analysis", "data", "options", "says"),
    [
        (negative_binomial, trial(n=0.5), {}, "n: must hold whole numbers from 0"),
        (negative_binomial, trial(n=0), {}, "n: has no event in either arm"),
        (negative_binomial, trial(t=[1] * 7 + [0]), {"exposure": "t"}, "t: must be above 0.*row 7"),
        (
            negative_binomial,
            trial(arm=list("pvq") * 2 + list("pv")),
            {},
            "needs one arm beside the control p",
        ),
        (proportional_odds, trial(g=pd.Categorical(list("ab") * 4)), {}, "g: is a category without order"),
        (proportional_odds, trial(g=list("abcdabcd")), {}, "g: must hold numbers"),
        (negative_binomial, trial(n=[2, 0] * 4, x=[0, 1] * 4), {"covariates": "x"}, "infinite_coefficient"),
        (proportional_odds, trial(g=1), {}, "constant_outcome"),
    ],
)
def test_frames_refuse(analysis, data, options, says):
    outcome = "n" if analysis is negative_binomial else "g"
    with pytest.raises(AnalysisError, match=says):
        analysis(data, **({"outcome": outcome, "arm": "arm", "control": "p"} | options))


@pytest.mark.parametrize(
    ("analysis", "data", "options", "reason", "test"),
    [
        (negative_binomial, trial(n=[2, 0] * 4), {}, "infinite_coefficient", "score"),
        (proportional_odds, trial(g=[0, 1] * 4), {}, "infinite_coefficient", "exact"),
        (proportional_odds, trial(g=[0, 1] * 4), {"test": "score"}, "infinite_coefficient", "exact"),
        (probabilistic_index, trial(g=[0, 1, 0, 2] * 2), {}, "no_residual_variance", "permutation"),
        (probabilistic_index, trial(), {"strata": "site"}, "stratum_too_small", "exact"),
    ],
)
def test_a_test_that_exists_is_not_refused_for_want_of_an_estimate(analysis, data, options, reason, test):
    outcome = "n" if analysis is negative_binomial else "g"
    found = analysis(data, outcome=outcome, arm="arm", control="p", **options)
    assert found.decided_by == test
    assert 0.0 < found.p_value <= 1.0
    assert f"{reason}: the effect cannot be estimated; the {test} test decides" in str(found)


def test_a_covariate_that_changes_is_refused_by_name():
    rows = pd.DataFrame(
        {"id": [1, 1, 2, 3, 4], "from": [0, 1, 0, 0, 0], "to": [1, 4, 8, 3, 8], "event": [1, 0, 1, 1, 0],
         "arm": list("ppvpv"), "x": [1, 2, 0, 0, 1]}
    )  # fmt: skip
    with pytest.raises(AnalysisError, match="x: changes within a participant"):
        negative_binomial_events(
            rows, participant="id", start="from", stop="to", event="event", arm="arm", covariates="x"
        )


def test_who_was_never_at_risk_is_left_out():
    never = changed(ONES, [4, 5], 0.0)
    alone = negative_binomial_block(np.delete(COUNT, [4, 5], 1), ONES[:, :6], ARM[:, :6])
    with_them = negative_binomial_block(changed(COUNT, [4, 5], 0.0), never, ARM)
    assert with_them.estimate == pytest.approx(alone.estimate, rel=1e-12)
    assert with_them.dispersion == pytest.approx(alone.dispersion, rel=1e-12)
