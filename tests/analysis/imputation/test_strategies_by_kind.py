"""A strategy for each kind of participant, and approximate Bayesian draws, against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.imputation.test_imputation import FACE, as_rows, brute_force, trial
from tests.analysis.imputation.test_imputation_with_gaps import trial as gap_trial
from tests.independent.imputation_by_em import impute_with_gaps
from trialsim.analysis import reference_based_imputation
from trialsim.analysis.imputation.approximate_draws import draw_from_resamples, resamples
from trialsim.analysis.imputation.bootstrap import impute_once
from trialsim.analysis.imputation.draws import Records
from trialsim.analysis.imputation.gap_jackknife import impute_gap_trial
from trialsim.analysis.imputation.kernel import Plan
from trialsim.analysis.imputation.strategies import STRATEGIES
from trialsim.analysis.imputation.visit_frame import last_visits
from trialsim.errors import AnalysisError

CAUSES = {"efficacy": "J2R", "moved": "MAR", "safety": "CIR", "rescue": "CR"}


def causes_of(outcomes):
    """Return a cause for each participant, in turn."""
    return np.array(list(CAUSES))[np.arange(len(outcomes)) // 2 % len(CAUSES)]


def by_cause(outcomes, design):
    data = as_rows(outcomes, design)
    cause = np.where(np.isnan(outcomes[:, -1]), causes_of(outcomes), None)
    return data.assign(cause=np.repeat(cause, outcomes.shape[1]))


@pytest.mark.parametrize("anchored", [False, True])
def test_strategies_by_cause_equal_brute_force_jackknife(anchored):
    outcomes, design = trial(7, participants=64)
    variance = "information_anchored" if anchored else "jackknife"
    found = reference_based_imputation(
        by_cause(outcomes, design), strategy=CAUSES, strategy_by="cause", variance=variance, **FACE
    )
    names = [CAUSES[cause] for cause in causes_of(outcomes)]
    estimate, error = brute_force(outcomes, design, names, 0, anchored)
    np.testing.assert_allclose(found.estimate[1:, 0], estimate[1:], rtol=1e-9)
    np.testing.assert_allclose(found.standard_error[1:, 0], error[1:], rtol=1e-8)
    assert "efficacy J2R, moved MAR, rescue CR, safety CIR by cause" in str(found)


@pytest.mark.parametrize("anchored", [False, True])
def test_strategies_by_kind_with_gaps_equal_refits_by_em(anchored):
    y, design = gap_trial("kinds")
    y -= np.nanmean(y)
    kind = np.arange(len(y)) // 2 % 3
    plan = Plan(1, np.arange(3), 0, np.tile([0, 1, 3], 2), 3, kind)
    result, covariance = impute_with_gaps(y, design, plan, anchored)
    targets = np.arange(4)
    found, spread = np.empty((4, 5)), np.empty((4, 5, 5))
    assert impute_gap_trial(y, design, plan, targets, anchored, found, spread) == 0
    np.testing.assert_allclose(found, result, rtol=1e-8, atol=1e-9)
    error, own = (np.sqrt(np.diagonal(one, axis1=1, axis2=2)) for one in (covariance, spread))
    np.testing.assert_allclose(own[:, :3], error[:, :3], rtol=1e-6)


@pytest.mark.parametrize("strategy", STRATEGIES[:4])
@pytest.mark.parametrize("method", ["conditional_mean", "bayes", "approximate_bayes"])
def test_kinds_of_one_strategy_and_kinds_that_are_arms_change_nothing(strategy, method):
    outcomes, design = trial(8, participants=60)
    data = by_cause(outcomes, design)

    def run(**how):
        drawn = np.random.default_rng(4)
        return reference_based_imputation(data, method=method, draws=20, generator=drawn, **FACE, **how)

    whole = run(strategy=strategy)
    kinds = run(strategy=dict.fromkeys(CAUSES, strategy), strategy_by="cause")
    np.testing.assert_allclose(kinds.estimate, whole.estimate, rtol=1e-10)
    np.testing.assert_allclose(kinds.standard_error, whole.standard_error, rtol=1e-9)
    mixed = {"a placebo": "MAR", "drug": strategy}
    data["arm again"] = data["arm"]
    np.testing.assert_allclose(
        run(strategy=mixed, strategy_by="arm again").estimate, run(strategy=mixed).estimate, rtol=1e-10
    )


@pytest.mark.parametrize("gaps", [False, True])
def test_draws_at_the_trials_own_fit_average_to_its_conditional_means(gaps):
    """Every resample is the trial itself: what is left is the noise of the imputed outcomes."""
    if gaps:
        y, design = gap_trial("draws", participants=80)
        y, design = y - np.nanmean(y), design - [0.0, 0.0, 50.0]
    else:
        y, design = trial(9, participants=80)
    visits, draws = y.shape[1], 4000
    kind = np.arange(len(y)) // 2 % 3
    plan = Plan(1, np.arange(3), 0, np.tile([0, 1, 2], 2), visits - 1, kind)
    records = Records(np.empty((draws, visits, 3)), np.empty((draws, visits)), np.empty((draws, visits, 2)))
    rows = np.tile(np.arange(len(y)), (draws, 1))
    last = last_visits(y)
    assert not draw_from_resamples(y, last, design, plan, rows, np.random.default_rng(3), records)
    expected = np.empty((visits, 5))
    assert impute_once(y, design, plan, np.arange(visits), expected) == 0
    drawn = records.coefficients[:, :, 1]
    error = drawn.std(axis=0) / np.sqrt(draws)
    assert (np.abs(drawn.mean(axis=0) - expected[:, 0]) <= 4 * error + 1e-9).all()
    assert error[-1] > 0


def test_approximate_bayes_nears_bayes_in_a_large_trial():
    outcomes, design = trial(10, participants=800)
    data = as_rows(outcomes, design)

    def run(method):
        return reference_based_imputation(
            data, strategy="J2R", method=method, draws=1500, generator=np.random.default_rng(6), **FACE
        ).effect()

    exact, approximate = run("bayes"), run("approximate_bayes")
    assert approximate["estimate"] == pytest.approx(exact["estimate"], abs=0.1 * exact["standard_error"])
    assert approximate["standard_error"] == pytest.approx(exact["standard_error"], rel=0.03)


def test_resamples_keep_the_size_of_each_arm():
    arm = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    rows = resamples(arm, 50, np.random.default_rng(1))
    assert (arm[rows].sum(axis=1) == 3).all()
    assert len(np.unique(rows, axis=0)) > 30


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strategy": "J2R"}, "must name a strategy for each kind"),
        ({"strategy": {"efficacy": "J2R"}}, "must name a strategy for each kind"),
        ({"strategy": CAUSES | {"moved": "LOCF"}}, "is no strategy"),
        ({"strategy": CAUSES | {"moved": "LMCF"}}, None),
    ],
)
def test_kinds_without_a_strategy_are_refused(change, words):
    data = by_cause(*trial(7, participants=64))
    how = {"strategy": CAUSES, "strategy_by": "cause"} | change
    if words is None:
        assert reference_based_imputation(data, **FACE, **how).strategies["moved"] == "LMCF"
        return
    with pytest.raises(AnalysisError, match=words):
        reference_based_imputation(data, **FACE, **how)


def test_a_dropout_without_a_kind_and_one_with_two_are_refused():
    data = by_cause(*trial(7, participants=64))
    lost = data.assign(cause=data.cause.where(data.id != data.id[data.y.isna()].iloc[0]))
    with pytest.raises(AnalysisError, match="missing for a participant who stops early"):
        reference_based_imputation(lost, strategy=CAUSES, strategy_by="cause", **FACE)
    twice = data.copy()
    twice.loc[data.index[data.cause.notna()][0], "cause"] = "other"
    with pytest.raises(AnalysisError, match="one in all rows of a participant"):
        reference_based_imputation(twice, strategy=CAUSES | {"other": "MAR"}, strategy_by="cause", **FACE)
