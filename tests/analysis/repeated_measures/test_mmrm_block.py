"""The block face of the MMRM: each trial as the tidy face reads it, and a name for each failure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from trialsim.analysis import mmrm
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.analysis.repeated_measures.closed_form import monotone_block

Array = NDArray[np.float64]
N, V = 48, 3
ARM = np.arange(N) % 2


def block(replicates: int = 3, *, monotone: bool = False, seed: int = 5) -> tuple[Array, Array, Array]:
    """Return outcomes with gaps, two covariates and a visit-matched score."""
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(replicates, N, 2)) * [2.0, 0.1] + [50.0, 3.0]
    score = covariates[..., :1] * 0.5 + rng.normal(size=(replicates, N, V))
    common = rng.normal(size=(replicates, N, 1))
    outcome = score + common + rng.normal(size=(replicates, N, V)) + ARM[:, None] * 0.7
    gone = rng.integers(0, 9, size=(replicates, N, 1)) < np.arange(V)
    outcome[gone if monotone else gone | (rng.random(outcome.shape) < 0.05)] = np.nan
    return outcome, covariates, score


def tidy(outcome: Array, covariates: Array, score: Array) -> pd.DataFrame:
    frame = pd.DataFrame({"id": np.repeat(np.arange(N), V), "visit": np.tile(np.arange(V), N)})
    frame["arm"] = ARM[frame["id"]]
    frame["y"], frame["score"] = outcome.ravel(), score.ravel()
    frame["a"], frame["b"] = covariates[frame["id"], 0], covariates[frame["id"], 1]
    return frame


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger-linear", "kenward-roger", "z", "residual"])
@pytest.mark.parametrize(
    ("covariance", "method", "by_visit"),
    [("us", "reml", False), ("us", "reml", True), ("toeph", "reml", False), ("ar1", "ml", True)],
)
def test_each_trial_of_a_block_is_read_as_the_tidy_face_reads_it(
    df: str, covariance: str, method: str, by_visit: bool
) -> None:
    if method == "ml" and df.startswith("kenward"):
        pytest.skip("Kenward-Roger is defined for REML only")
    outcome, covariates, score = block()
    options = {"covariance": covariance, "method": method, "df": df}
    found = fit_mmrm_block(
        outcome,
        ARM,
        covariates,
        score,
        by_visit=by_visit,
        scores_by_visit=by_visit,
        tolerance=1e-18,
        **options,
    )
    assert (found.status == 0).all()
    for r in range(len(outcome)):
        single = mmrm(
            tidy(outcome[r], covariates[r], score[r]),
            outcome="y",
            arm="arm",
            visit="visit",
            participant="id",
            covariates=["a", "b", "score"],
            by_visit=["a", "b", "score"] if by_visit else [],
            **options,
        ).estimates()
        for name in ("estimate", "standard_error", "df", "statistic", "p_value"):
            np.testing.assert_allclose(getattr(found, name)[r], getattr(single, name)[0], rtol=1e-8)


def test_closed_form_and_newton_agree_on_monotone_trials() -> None:
    outcome, covariates, _ = block(20, monotone=True)
    closed = fit_mmrm_block(outcome, ARM, covariates, by_visit=True)
    newton = fit_mmrm_block(outcome, ARM, covariates, by_visit=True, tolerance=1e-18, closed_form=False)
    for name in ("estimate", "standard_error", "df"):
        np.testing.assert_allclose(getattr(newton, name), getattr(closed, name), rtol=1e-9)
    assert (newton.estimate != closed.estimate).any()
    ones = np.ones((20, N, 1))
    arm = np.broadcast_to(ARM[:, None], (20, N, 1))
    direct = monotone_block(outcome, np.concatenate([ones, arm, covariates], axis=2))
    np.testing.assert_array_equal(closed.estimate, direct.estimate)


def test_a_block_of_monotone_and_other_trials_goes_both_ways() -> None:
    outcome, covariates, _ = block(6, monotone=True)
    outcome[::2, 0, 0] = np.nan
    found = fit_mmrm_block(outcome, ARM, covariates, by_visit=True)
    assert (found.status == 0).all()
    alone = fit_mmrm_block(outcome[::2], ARM, covariates[::2], by_visit=True)
    np.testing.assert_array_equal(found.estimate[::2], alone.estimate)


def test_the_default_tolerance_is_far_below_a_standard_error() -> None:
    outcome, covariates, score = block(40)
    default = fit_mmrm_block(outcome, ARM, covariates, score)
    exact = fit_mmrm_block(outcome, ARM, covariates, score, tolerance=1e-20)
    assert (np.abs(default.estimate - exact.estimate) < 1e-6 * exact.standard_error).all()
    np.testing.assert_allclose(default.standard_error, exact.standard_error, rtol=5e-6)
    np.testing.assert_allclose(default.df, exact.df, rtol=2e-4)


def test_shared_arms_covariates_and_scores_may_have_one_axis_less() -> None:
    outcome, covariates, score = block()
    long = fit_mmrm_block(
        outcome, np.tile(ARM, (3, 1)), np.tile(covariates[:1], (3, 1, 1)), np.tile(score[:1], (3, 1, 1))
    )
    short = fit_mmrm_block(outcome, ARM, covariates[0], score[0])
    np.testing.assert_array_equal(long.estimate, short.estimate)


def test_two_visits_one_visit_and_a_middle_visit() -> None:
    outcome, covariates, _ = block()
    single = fit_mmrm_block(outcome[..., :1], ARM, covariates)
    r = 0
    seen = ~np.isnan(outcome[r, :, 0])
    x = np.column_stack([np.ones(N), ARM, covariates[r]])[seen]
    beta, rss, *_ = np.linalg.lstsq(x, outcome[r, seen, 0])
    error = np.sqrt(rss[0] / (len(x) - 4) * np.linalg.inv(x.T @ x)[1, 1])
    assert single.estimate[r] == pytest.approx(beta[1], rel=1e-9)
    assert single.standard_error[r] == pytest.approx(error, rel=1e-8)
    assert single.df[r] == pytest.approx(len(x) - 4, rel=1e-6)
    middle = fit_mmrm_block(outcome, ARM, covariates, visit=1)
    last = fit_mmrm_block(outcome, ARM, covariates, visit=-1)
    assert (middle.estimate != last.estimate).all()


def failing(change: str) -> tuple[Array, Array]:
    """Return a block whose second trial of three has something wrong with it."""
    outcome, covariates, _ = block()
    trial = outcome[1]
    if change == "constant":
        trial[:, 2] = 1.0
    elif change == "never_together":
        trial[: N // 2, 0] = np.nan
        trial[N // 2 :, 2] = np.nan
    elif change == "few":
        trial[:, 2] = np.where(np.arange(N) < 4, np.arange(N) % 3, np.nan)
    elif change == "arm":
        trial[ARM == 1, 1] = np.nan
    elif change == "collinear":
        covariates[1, :, 1] = covariates[1, :, 0] * 2 + 1
    elif change == "flat_covariate":
        covariates[1, :, 1] = 0.1
    elif change == "repeated":
        trial[:, 2] = trial[:, 1]
    elif change == "empty":
        trial[:] = np.nan
    return outcome, covariates


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("constant", "constant_outcome"),
        ("never_together", "visits_never_observed_together"),
        ("few", "too_few_participants_at_visit"),
        ("arm", "arm_not_observed_at_visit"),
        ("collinear", "collinear_covariate"),
        ("flat_covariate", "collinear_covariate"),
        ("repeated", "singular_covariance"),
        ("empty", "arm_not_observed_at_visit"),
    ],
)
@pytest.mark.parametrize("by_visit", [False, True])
@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger-linear", "z"])
def test_a_failing_trial_has_a_name_and_leaves_the_others_alone(
    change: str, reason: str, by_visit: bool, df: str
) -> None:
    outcome, covariates = failing(change)
    found = fit_mmrm_block(outcome, ARM, covariates, by_visit=by_visit, df=df)
    assert [found.reasons[s] for s in found.status] == ["ok", reason, "ok"]
    for name in ("estimate", "standard_error", "df", "statistic", "p_value"):
        assert np.isnan(getattr(found, name)).tolist() == [False, True, False]
    assert not found.rejects(1.0)[1]
    others = fit_mmrm_block(outcome[::2], ARM, covariates[::2], by_visit=by_visit, df=df)
    np.testing.assert_array_equal(found.estimate[::2], others.estimate)


def test_visits_never_seen_together_can_be_fitted_with_a_structure() -> None:
    outcome, covariates = failing("never_together")
    found = fit_mmrm_block(outcome, ARM, covariates, covariance="ar1h")
    assert (found.status == 0).all()


def test_too_few_complete_histories_for_an_unstructured_covariance_are_named() -> None:
    outcome, covariates, _ = block()
    outcome[1, :, 2] = np.where(np.arange(N) < 6, np.arange(N) ** 2 % 5, np.nan)
    outcome[1, :6, :2] = np.arange(12).reshape(6, 2) % 7
    found = fit_mmrm_block(outcome, ARM, covariates, by_visit=True)
    assert [found.reasons[s] for s in found.status] == ["ok", "too_few_participants_at_visit", "ok"]
    structured = fit_mmrm_block(outcome, ARM, covariates, covariance="ar1h", by_visit=True)
    assert (structured.status == 0).all()


def test_a_nearly_perfect_correlation_over_ten_visits_converges() -> None:
    rng = np.random.default_rng(2)
    level = rng.normal(size=(20, 200, 1))
    outcome = 10 * level + 0.05 * rng.normal(size=(20, 200, 10)).cumsum(axis=2)
    outcome[rng.random(outcome.shape) < 0.1] = np.nan
    arm = np.arange(200) % 2
    found = fit_mmrm_block(outcome, arm, df="kenward-roger-linear")
    assert (found.status == 0).all()


def test_a_third_of_gaps_in_small_trials_converges() -> None:
    rng = np.random.default_rng(4)
    outcome = rng.normal(size=(200, 60, 4)) + rng.normal(size=(200, 60, 1)) * 3
    outcome[rng.random(outcome.shape) < 0.33] = np.nan
    found = fit_mmrm_block(outcome, np.arange(60) % 2)
    assert (found.status == 0).all()


def test_pairs_of_visits_that_cannot_hold_together_are_called_singular() -> None:
    """Each is seen at two of three visits: correlations .9, .9 and -.9, so that no proper Σ is best."""
    rng = np.random.default_rng(8)
    size = 90
    outcome = np.full((40, size, 3), np.nan)
    for group, (a, b, sign) in enumerate([(0, 1, 1.0), (1, 2, 1.0), (0, 2, -1.0)]):
        rows = np.arange(size) % 3 == group
        common = rng.normal(size=(40, size // 3)) * 3
        outcome[:, rows, a] = common + rng.normal(size=common.shape)
        outcome[:, rows, b] = sign * common + rng.normal(size=common.shape)
    arm = np.arange(size) // 3 % 2
    for df in ("satterthwaite", "z"):
        found = fit_mmrm_block(outcome, arm, df=df)
        reasons = np.array(found.reasons)[found.status]
        assert set(reasons) <= {"singular_covariance", "too_few_participants_at_visit"}
    toeplitz = fit_mmrm_block(outcome, arm, covariance="toeph")
    assert not (toeplitz.status == 0).any()
    assert (fit_mmrm_block(outcome, arm, covariance="ar1h").status == 0).all()
