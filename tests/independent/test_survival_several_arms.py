"""Several arms, delayed entry, Weibull and concordance beside lifelines, and beside definitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter, WeibullAFTFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import concordance_index
from numpy.testing import assert_allclose

from trialsim.analysis import (
    cox,
    cumulative_incidence,
    gray_test,
    kaplan_meier,
    log_rank,
    milestone_survival,
    restricted_mean_survival,
)
from trialsim.analysis.competing_risks import cumulative_incidence_block, k_sample_gray_test
from trialsim.analysis.survival import (
    FlemingHarrington,
    concordance,
    cox_block,
    cox_several_arms,
    k_sample_log_rank,
    log_rank_block,
    restricted_mean_survival_block,
    weibull,
)
from trialsim.errors import AnalysisError

COLUMNS = {"time": "t", "event": "e", "arm": "arm"}
CAUSES = {"time": "t", "event": "c", "arm": "arm", "cause": 1}


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    n = 120
    data = pd.DataFrame(
        {
            "t": (rng.exponential(4, n) + 0.2).round(1),
            "e": (rng.random(n) < 0.7).astype(int),
            "arm": rng.integers(0, 3, n),
            "x": rng.normal(size=n).round(1),
            "s": rng.integers(0, 2, n),
        }
    )
    data["c"] = np.where(data.e == 1, rng.choice([1, 2], n), 0)
    return data.assign(start=(data.t * rng.random(n) * 0.7).round(2))


def test_lifelines_k_sample_log_rank(trial: pd.DataFrame) -> None:
    theirs = multivariate_logrank_test(trial.t, trial.arm, trial.e)
    ours = k_sample_log_rank(trial, **COLUMNS)
    assert_allclose(ours.chi_square, theirs.test_statistic, rtol=1e-9)
    assert_allclose(ours.p_value, theirs.p_value, rtol=1e-9)


@pytest.mark.parametrize("strata", [None, "s"])
@pytest.mark.parametrize("entry", [None, "start"])
@pytest.mark.parametrize("weights", [FlemingHarrington(), FlemingHarrington(0.5, 1)])
def test_two_arms_of_the_k_sample_test_are_the_log_rank_test(
    trial: pd.DataFrame, strata: str | None, entry: str | None, weights: FlemingHarrington
) -> None:
    two = trial[trial.arm < 2]
    options = {"strata": strata, "entry": entry, "weights": weights}
    ours = log_rank(two, **COLUMNS, **options, test="asymptotic")
    assert_allclose(k_sample_log_rank(two, **COLUMNS, **options).chi_square, ours.chi_square, rtol=1e-10)


def test_two_arms_of_the_k_sample_gray_test_are_grays_test(trial: pd.DataFrame) -> None:
    two = trial[trial.arm < 2]
    for strata in (None, "s"):
        ours = gray_test(two, **CAUSES, strata=strata).chi_square
        assert_allclose(k_sample_gray_test(two, **CAUSES, strata=strata).chi_square, ours, rtol=1e-10)


def test_k_sample_tests_do_not_see_the_order_of_arms(trial: pd.DataFrame) -> None:
    turned = trial.assign(arm=(trial.arm + 1) % 3)
    for read in (
        lambda d: k_sample_log_rank(d, **COLUMNS).chi_square,
        lambda d: k_sample_gray_test(d, **CAUSES).chi_square,
        lambda d: cox_several_arms(d, **COLUMNS, covariates="x").wald.chi_square,
        lambda d: cox_several_arms(d, **COLUMNS, covariates="x").score.chi_square,
    ):
        assert_allclose(read(turned), read(trial), rtol=1e-7)


def test_k_sample_gray_holds_its_level_and_is_a_chi_square() -> None:
    rng = np.random.default_rng(2)
    found = []
    for _ in range(400):
        data = pd.DataFrame(
            {"t": rng.integers(1, 7, 90), "c": rng.integers(0, 3, 90), "arm": np.arange(90) % 3}
        )
        found.append(k_sample_gray_test(data, **CAUSES).chi_square)
    assert abs(np.mean(found) - 2.0) < 4 * 2 / np.sqrt(400)
    assert abs(np.mean(np.array(found) > 5.991) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)


def test_lifelines_kaplan_meier_after_entry_of_one_group(trial: pd.DataFrame) -> None:
    theirs = KaplanMeierFitter().fit(trial.t, trial.e, entry=trial.start)
    at = [0.5, 1, 2, 4, 8]
    ours = kaplan_meier(trial, time="t", event="e", entry="start")
    assert_allclose(ours.at(at).survival, theirs.predict(at), rtol=1e-12)
    inside = [int(((trial.t >= t) & (trial.start < t)).sum()) for t in at]
    assert ours.at(at).at_risk.tolist() == inside


def test_lifelines_cox_after_entry(trial: pd.DataFrame) -> None:
    two = trial[trial.arm < 2]
    theirs = CoxPHFitter().fit(
        two[["t", "e", "arm", "x", "start"]], "t", "e", entry_col="start", fit_options={"precision": 1e-10}
    )
    ours = cox(two, **COLUMNS, covariates="x", entry="start", variance="model")
    assert_allclose(ours.coefficients, theirs.params_, rtol=1e-4)
    assert_allclose(ours.standard_errors, theirs.standard_errors_, rtol=1e-4)


def test_entry_at_the_start_changes_nothing(trial: pd.DataFrame) -> None:
    two = trial[trial.arm < 2].assign(start=0.0)
    for read in (
        lambda **k: log_rank(two, **COLUMNS, test="asymptotic", **k).estimates.estimate,
        lambda **k: cox(two, **COLUMNS, covariates="x", **k).to_frame().estimate,
        lambda **k: cox(two, **COLUMNS, covariates="x", strata="s", **k).standard_errors,
        lambda **k: restricted_mean_survival(two, **COLUMNS, tau=6, **k).standard_errors,
        lambda **k: milestone_survival(two, **COLUMNS, at=3, **k).standard_errors,
        lambda **k: kaplan_meier(two, **COLUMNS, **k).to_frame().standard_error,
        lambda **k: weibull(two, **COLUMNS, **k).theta,
    ):
        assert_allclose(read(entry="start"), read(), rtol=1e-9)


def test_blocks_read_entry_as_frames_do(trial: pd.DataFrame) -> None:
    two = trial[trial.arm < 2]
    t, e, arm, start = (two[name].to_numpy()[None] for name in ("t", "e", "arm", "start"))
    assert_allclose(
        log_rank_block(t, e, arm, entry=start).statistic, log_rank(two, **COLUMNS, entry="start").z
    )
    assert_allclose(
        cox_block(t, e, arm, entry=start).estimate, cox(two, **COLUMNS, entry="start").coefficients, rtol=1e-9
    )
    means = restricted_mean_survival(two, **COLUMNS, tau=6, entry="start").means
    ours = restricted_mean_survival_block(t, e, arm, tau=6, entry=start).estimate
    assert_allclose(ours, means[1] - means[0], rtol=1e-12)


def test_left_truncated_lives_are_read_without_bias() -> None:
    """Only those who live to their entry are seen: the curve, the mean and the ratio must not drift."""
    rng = np.random.default_rng(9)
    n = 40_000
    arm, entry = rng.integers(0, 2, n), rng.uniform(0, 1, n)
    life = rng.exponential(1, n) / np.where(arm == 1, 0.5, 1.0)
    seen = life > entry
    data = pd.DataFrame({"t": life, "e": 1, "arm": arm, "start": entry})[seen]
    curve = kaplan_meier(data, **COLUMNS, entry="start").at([1.0])
    assert_allclose(curve.survival, np.exp([-1.0, -0.5]), rtol=0, atol=4 * curve.standard_error.max())
    means = restricted_mean_survival(data, **COLUMNS, tau=1.0, entry="start")
    truth = [1 - np.exp(-1), 2 * (1 - np.exp(-0.5))]
    assert_allclose(means.means, truth, rtol=0, atol=4 * means.standard_errors.max())
    fit = cox(data, **COLUMNS, entry="start", variance="model")
    assert abs(fit.coefficients[0] - np.log(0.5)) < 4 * fit.standard_errors[0]
    model = weibull(data, **COLUMNS, entry="start")
    assert_allclose(
        model.theta, [0, np.log(2), 0], rtol=0, atol=4 * np.sqrt(model.covariance.diagonal().max())
    )
    naive = weibull(data, **COLUMNS)
    assert abs(naive.theta[0]) > 0.1


def test_entries_that_cannot_be_are_refused(trial: pd.DataFrame) -> None:
    with pytest.raises(AnalysisError, match="start: must be before t, but is not in row 0"):
        log_rank(trial[trial.arm < 2].reset_index().assign(start=99.0), **COLUMNS, entry="start")
    with pytest.raises(AnalysisError, match="entry: must be before time"):
        cox_block([[1.0, 2, 3, 4]], np.ones((1, 4)), [[0, 1, 0, 1]], entry=[[0, 2.0, 0, 0]])
    with pytest.raises(AnalysisError, match="test: needs everybody to be at risk from the start"):
        log_rank(trial[trial.arm < 2], **COLUMNS, entry="start", test="exact")


def test_joint_tests_of_cox_are_those_of_the_likelihood(trial: pd.DataFrame) -> None:
    full = cox_several_arms(trial, **COLUMNS, covariates="x", variance="model")
    assert_allclose(full.likelihood_ratio.chi_square, full.score.chi_square, rtol=0.1)
    alone = cox_several_arms(trial, **COLUMNS, ties="breslow", variance="model")
    coded = pd.get_dummies(trial[["t", "e", "arm", "x"]], columns=["arm"], drop_first=True, dtype=float)
    theirs = CoxPHFitter().fit(coded, "t", "e", fit_options={"precision": 1e-10})
    assert_allclose(full.coefficients, theirs.params_[["arm_1", "arm_2", "x"]], rtol=1e-4)
    without = trial.assign(t=trial.t + np.arange(len(trial)) * 1e-5)
    score = cox_several_arms(without, **COLUMNS, ties="breslow", variance="model").score.chi_square
    assert_allclose(score, k_sample_log_rank(without, **COLUMNS).chi_square, rtol=1e-9)
    assert alone.status == "ok"


def test_an_arm_without_events_leaves_the_joint_score_test(trial: pd.DataFrame) -> None:
    data = trial.assign(e=np.where(trial.arm == 2, 0, trial.e))
    fit = cox_several_arms(data, **COLUMNS)
    assert fit.status == "infinite_coefficient"
    assert fit.score.chi_square > 20
    assert fit.p_value == fit.score.p_value
    assert "the score test decides" in str(fit)


def test_exact_ties_are_the_subsets_of_those_at_risk() -> None:
    data = pd.DataFrame(
        {"t": [1, 1, 1, 1, 2, 2, 2, 3], "e": [1, 1, 0, 0, 1, 1, 0, 0], "arm": [0, 1, 1, 0, 1, 0, 0, 1],
         "x": [0.2, 1.0, -0.3, 0.4, 0.9, -1.2, 0.1, 0.6]}
    )  # fmt: skip
    fit = cox(data, **COLUMNS, covariates="x", ties="exact", variance="model")
    X = data[["arm", "x"]].to_numpy(float)

    def log_likelihood(beta: np.ndarray) -> float:
        total = 0.0
        for t in (1, 2):
            died, risk = np.flatnonzero((data.t == t) & (data.e == 1)), np.flatnonzero(data.t >= t)
            subsets = [np.exp(X[list(rows)].sum(axis=0) @ beta) for rows in combinations(risk, len(died))]
            total += X[died].sum(axis=0) @ beta - np.log(sum(subsets))
        return float(total)

    assert_allclose(fit.log_likelihood[1], log_likelihood(fit.coefficients), rtol=1e-10)
    h = 1e-4
    for step in np.eye(2) * h:
        slope = log_likelihood(fit.coefficients + step) - log_likelihood(fit.coefficients - step)
        assert abs(slope / (2 * h)) < 1e-6
    with pytest.raises(AnalysisError, match="variance: a sandwich does not exist with exact ties"):
        cox(data, **COLUMNS, ties="exact")


def test_lifelines_weibull(trial: pd.DataFrame) -> None:
    two = trial[trial.arm < 2]
    theirs = WeibullAFTFitter().fit(two[["t", "e", "arm", "x"]], "t", "e")
    ours = weibull(two, **COLUMNS, covariates="x")
    found = theirs.params_["lambda_"]
    assert_allclose(ours.theta[:-1], [found["Intercept"], found["arm"], found["x"]], rtol=1e-3, atol=1e-4)
    assert_allclose(ours.shape, np.exp(theirs.params_["rho_"]["Intercept"]), rtol=1e-3)
    assert_allclose(ours.log_likelihood, theirs.log_likelihood_, rtol=1e-7)


def test_a_weibull_fit_without_a_maximum_is_refused(trial: pd.DataFrame) -> None:
    two = trial[trial.arm < 2]
    with pytest.raises(AnalysisError, match="infinite_coefficient"):
        weibull(two.assign(e=np.where(two.arm == 1, 0, two.e)), **COLUMNS)
    with pytest.raises(AnalysisError, match="t: must be above 0"):
        weibull(two.assign(t=0.0), **COLUMNS)


def test_lifelines_concordance_index_and_the_bootstrap(trial: pd.DataFrame) -> None:
    risk = trial.x.round(0)
    ours = concordance(trial.assign(risk=risk), time="t", event="e", risk="risk")
    assert_allclose(ours.estimate, concordance_index(trial.t, -risk, trial.e), rtol=1e-12)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(300):
        rows = rng.integers(0, len(trial), len(trial))
        drawn.append(concordance_index(trial.t.iloc[rows], -risk.iloc[rows], trial.e.iloc[rows]))
    assert_allclose(ours.standard_error, np.std(drawn), rtol=0.2)


def test_aalens_and_the_delta_methods_variance_near_each_other(trial: pd.DataFrame) -> None:
    at = [1, 2, 4]
    delta, aalen = (
        cumulative_incidence(trial, **CAUSES, variance=kind).at(at).standard_error
        for kind in ("delta", "aalen")
    )
    assert_allclose(aalen, delta, rtol=0.05)
    assert (aalen > delta).all()
    two = trial[trial.arm < 2]
    t, c, arm = (two[name].to_numpy()[None] for name in ("t", "c", "arm"))
    frame = cumulative_incidence(two, **CAUSES, variance="aalen").difference(2)
    block = cumulative_incidence_block(t, c, arm, at=2, variance="aalen")
    assert_allclose(frame.standard_error, block.standard_error, rtol=1e-12)


def test_one_group_and_three_have_curves(trial: pd.DataFrame) -> None:
    whole = cumulative_incidence(trial, time="t", event="c", cause=1)
    assert whole.arms == ("all",)
    assert cumulative_incidence(trial, **CAUSES).arms == ("0", "1", "2")
    assert list(kaplan_meier(trial, **COLUMNS).curves) == ["0", "1", "2"]
    assert list(kaplan_meier(trial, **COLUMNS, control=0, active=2).curves) == ["0", "2"]
    with pytest.raises(AnalysisError, match="arm: a difference needs two arms"):
        whole.difference(2)
    assert len(kaplan_meier(trial, **COLUMNS).plot().data) > 6
    assert len(cumulative_incidence(trial, **CAUSES).plot().data) == 9
