"""Arms that do not overlap are evidence: analyses of a data frame say so, with an estimate or without."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import (
    adjusted_log_rank,
    ancova,
    cox,
    fine_gray,
    g_computation,
    log_rank,
    lwyy,
    max_combo,
    negative_binomial,
    negative_binomial_events,
    probabilistic_index,
    proportional_odds,
    two_proportions,
    unadjusted,
    win_ratio,
)
from trialsim.analysis.linear import fit_linear, joint_test
from trialsim.errors import AnalysisError
from trialsim.streams import stream

SIZE = 24
ARM = np.repeat(["placebo", "drug"], SIZE // 2)
HAD = (ARM == "placebo").astype(int)
TRIAL = pd.DataFrame(
    {
        "arm": ARM,
        "y": 1.0 - HAD,
        "had": HAD,
        "count": 3 * HAD,
        "month": np.arange(SIZE) + 1.0,
        "start": 0.0,
        "id": np.arange(SIZE),
        "x": stream(20261201, "extreme", 0, "outcome").normal(size=SIZE),
    }
)
ROLES = {"arm": "arm", "control": "placebo"}
TIMES = {"time": "month", "event": "had", **ROLES}
EPISODES = {"participant": "id", "start": "start", "stop": "month", "event": "had", **ROLES}

ANALYSES = {
    "unadjusted": lambda d: unadjusted(d, outcome="y", **ROLES),
    "ancova": lambda d: ancova(d, outcome="y", covariates="x", **ROLES),
    "ancova, model": lambda d: ancova(d, outcome="y", covariates="x", variance="model", **ROLES),
    "risk difference": lambda d: g_computation(d, outcome="y", family="binomial", **ROLES),
    "odds ratio": lambda d: g_computation(
        d, outcome="y", family="binomial", contrast="log_odds_ratio", covariates="x", **ROLES
    ),
    "rate ratio": lambda d: g_computation(d, outcome="y", family="poisson", contrast="log_ratio", **ROLES),
    "two_proportions": lambda d: two_proportions(d, outcome="y", **ROLES),
    "proportional_odds": lambda d: proportional_odds(d, outcome="y", covariates="x", **ROLES),
    "probabilistic_index": lambda d: probabilistic_index(d, outcome="y", **ROLES),
    "win_ratio": lambda d: win_ratio(d, outcomes=["y"], **ROLES),
    "negative_binomial": lambda d: negative_binomial(d, outcome="count", exposure="month", **ROLES),
    "negative_binomial_events": lambda d: negative_binomial_events(d, **EPISODES),
    "lwyy": lambda d: lwyy(d, **EPISODES),
    "log_rank": lambda d: log_rank(d, **TIMES),
    "adjusted_log_rank": lambda d: adjusted_log_rank(d, covariates="x", **TIMES),
    "max_combo": lambda d: max_combo(d, **TIMES),
    "cox": lambda d: cox(d, covariates="x", **TIMES),
    "fine_gray": lambda d: fine_gray(d, cause=1, **TIMES),
}


def p_value(found) -> float:
    if hasattr(found, "p_value"):
        return found.p_value
    return float(found.to_frame()["p_value"].iloc[-1])


@pytest.mark.parametrize("name", ANALYSES)
def test_arms_that_do_not_overlap_are_evidence(name: str) -> None:
    found = ANALYSES[name](TRIAL)
    assert p_value(found) < 0.01, str(found)
    swapped = TRIAL.assign(arm=np.where(TRIAL["arm"] == "drug", "placebo", "drug"))
    assert p_value(ANALYSES[name](swapped)) == pytest.approx(p_value(found), rel=1e-6)


@pytest.mark.parametrize("name", ["unadjusted", "ancova", "odds ratio", "rate ratio", "risk difference"])
def test_a_fit_without_an_estimate_is_marked_and_shows_no_number(name: str) -> None:
    found = ANALYSES[name](TRIAL)
    row = found.to_frame().iloc[0]
    assert found.status in ("no_residual_variance", "mean_out_of_range")
    assert found.decided_by not in ("t", "wald")
    assert np.isnan(row[["estimate", "standard_error", "lower", "upper"]].astype(float)).all()
    assert np.isfinite(row[["statistic", "p_value"]].astype(float)).all()
    assert f"the {found.decided_by.replace('_', ' ')} test decides" in str(found)


def test_a_sound_fit_is_marked_as_its_own() -> None:
    sound = TRIAL.assign(y=TRIAL["y"] + TRIAL["x"])
    found = ancova(sound, outcome="y", covariates="month", **ROLES)
    assert (found.status, found.decided_by) == ("ok", "t")


def test_the_score_test_of_least_squares_is_students_t_without_the_arm() -> None:
    """Without covariates and residuals: t = √(n − 1) on n − 1 degrees of freedom."""
    from scipy import stats

    found = unadjusted(TRIAL, outcome="y", **ROLES)
    expected = 2 * stats.t.sf(np.sqrt(SIZE - 1), SIZE - 1)
    assert p_value(found) == pytest.approx(expected, rel=1e-6)


def test_several_arms_without_spread_have_no_test_and_are_refused() -> None:
    three = pd.DataFrame({"arm": list("aaabbbccc"), "y": [0.0, 0, 0, 1, 1, 1, 2, 2, 2]})
    with pytest.raises(AnalysisError, match="no_residual_variance"):
        unadjusted(three, outcome="y", arm="arm")
    with pytest.raises(AnalysisError, match="does not vary within the arms"):
        g_computation(three, outcome="y", arm="arm", family="gaussian")


def test_a_fit_that_failed_has_no_f_test() -> None:
    with pytest.raises(AnalysisError, match="no_residual_variance: the fit has no F test"):
        joint_test(unadjusted(TRIAL, outcome="y", **ROLES))


def test_everybody_alike_is_refused_by_name() -> None:
    for same in (lambda d: ancova(d, outcome="y", **ROLES), ANALYSES["risk difference"]):
        with pytest.raises(AnalysisError, match="constant_outcome"):
            same(TRIAL.assign(y=1.0))


def test_what_covariates_leave_of_a_perfect_fit_is_rounding_and_decides_nothing() -> None:
    """A score test of residuals of 1e-15 gave a p value that rounding alone had made."""
    x = TRIAL["x"].to_numpy()
    found = fit_linear([3.0 * x], [1 - HAD], x[None, :, None])
    assert found.reasons[found.status[0]] == "no_residual_variance"
    assert found.decision.counts()["none"] == 1
    with pytest.raises(AnalysisError, match="no_residual_variance"):
        ancova(TRIAL.assign(y=3.0 * x), outcome="y", covariates="x", **ROLES)
