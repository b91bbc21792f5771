from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, linregress

from tests.prognosis.stand_ins import NoSampler
from trialsim.errors import FitError, HistoryError
from trialsim.prognosis import FitSettings, calibrate, cross_validate
from trialsim.prognosis.validation.longitudinal import CrossValidation, assign_folds

SHORT = FitSettings(tune=300, draws=250, max_rhat=1.1, min_ess=50.0, max_divergences=20)


@pytest.fixture(scope="module")
def history(simulate_history):
    return simulate_history(participants=150)


@pytest.fixture(scope="module")
def validated(history, sampler):
    return cross_validate(history, SHORT, seed=1, folds=3, sampler=sampler)


def made_up(participants=200, visits=2, seed=1):
    rng = np.random.default_rng(seed)
    shape = (participants, visits)
    outcomes = rng.standard_normal(shape) + 20
    outcomes[::9, 1] = np.nan
    pit = np.where(np.isnan(outcomes), np.nan, rng.random(shape))
    rows = np.arange(participants)
    return CrossValidation(
        weeks=np.arange(1.0, visits + 1),
        rows=rows,
        fold=rows % 5,
        baseline=20 + rng.standard_normal(participants),
        outcomes=outcomes,
        score=20 + rng.standard_normal(shape),
        sd=np.ones(shape),
        pit=pit,
        max_rhat=np.ones(5),
        min_ess=np.full(5, 500.0),
        fits=np.ones(5),
    )


def test_every_participant_is_predicted_once(validated, history):
    assert len(validated) == (np.isfinite(history.outcomes).any(axis=1)).sum()
    assert np.isfinite(validated.score).all()
    assert (validated.sd > 0).all()
    np.testing.assert_array_equal(np.isfinite(validated.pit), np.isfinite(validated.outcomes))
    assert np.bincount(validated.fold).min() >= len(validated) // 3


def test_nobody_is_predicted_from_what_became_of_them(validated, history, sampler):
    """Another outcome of fold 0 changes no twin of fold 0, and those of the other folds."""
    outcomes = history.outcomes.copy()
    mine = validated.rows[validated.fold == 0]
    outcomes[mine] = outcomes[mine] * 1.5 + 7
    again = cross_validate(replace(history, outcomes=outcomes), SHORT, seed=1, folds=3, sampler=sampler)
    np.testing.assert_array_equal(again.score[validated.fold == 0], validated.score[validated.fold == 0])
    np.testing.assert_array_equal(again.sd[validated.fold == 0], validated.sd[validated.fold == 0])
    assert (again.score[validated.fold != 0] != validated.score[validated.fold != 0]).all()


def test_a_validation_is_kept_and_found_again(history, sampler, tmp_path):
    first = cross_validate(history, SHORT, seed=2, folds=2, cache=tmp_path, sampler=sampler)
    again = cross_validate(history, SHORT, seed=2, folds=2, cache=tmp_path, sampler=NoSampler())
    for name, value in vars(first).items():
        np.testing.assert_array_equal(value, getattr(again, name))
    with pytest.raises(AssertionError, match="sampler was asked"):
        cross_validate(history, SHORT, seed=2, folds=2, by_group=True, cache=tmp_path, sampler=NoSampler())


def test_a_fold_that_has_not_converged_is_named(history, sampler):
    with pytest.raises(FitError, match="fold 1 of 2: no twin is issued"):
        cross_validate(history, replace(SHORT, min_ess=1e6), seed=1, folds=2, sampler=sampler)


def test_groups_stay_together(history):
    fold = assign_folds(history, 3, True, np.random.default_rng(1))
    assert all(np.unique(fold[history.group == group]).size == 1 for group in np.unique(history.group))
    assert np.unique(fold).size == 3


def test_fewer_groups_than_folds_leave_one_group_out(history):
    assert np.unique(assign_folds(history, 10, True, np.random.default_rng(1))).size == 4


@pytest.mark.parametrize(("folds", "one_group"), [(1, False), (0, False), (10, True)])
def test_one_fold_or_one_group_cannot_be_parted(history, folds, one_group):
    if one_group:
        history = replace(history, group=np.zeros_like(history.group))
    with pytest.raises(HistoryError, match="cannot be parted"):
        assign_folds(history, folds, one_group, np.random.default_rng(1))


def test_folds_are_of_equal_size_and_by_chance(history):
    forth, back = (assign_folds(history, 7, False, np.random.default_rng(seed)) for seed in (1, 2))
    assert np.ptp(np.bincount(forth)) <= 1
    assert (forth != back).any()


def test_calibration_equals_scipy_visit_by_visit():
    cv = made_up()
    found = calibrate(cv)
    for visit in range(2):
        seen = np.isfinite(cv.outcomes[:, visit])
        y, m, b, pit = (
            a[seen] for a in (cv.outcomes[:, visit], cv.score[:, visit], cv.baseline, cv.pit[:, visit])
        )
        line = linregress(m - b, y - b)
        assert found.observed[visit] == seen.sum()
        assert found.bias[visit] == pytest.approx((y - m).mean())
        assert found.bias_se[visit] == pytest.approx((y - m).std(ddof=1) / np.sqrt(seen.sum()))
        assert (found.slope[visit], found.slope_se[visit]) == pytest.approx((line.slope, line.stderr))
        assert (found.intercept[visit], found.intercept_se[visit]) == pytest.approx(
            (line.intercept, line.intercept_stderr)
        )
        for level, which in ((0.5, 0), (0.8, 1), (0.95, 2)):
            inside = int(((pit > (1 - level) / 2) & (pit < (1 + level) / 2)).sum())
            interval = binomtest(inside, int(seen.sum())).proportion_ci()
            assert found.coverage[which, visit] == pytest.approx(inside / seen.sum())
            assert found.coverage_low[which, visit] == pytest.approx(interval.low)
            assert found.coverage_high[which, visit] == pytest.approx(interval.high)
        assert found.pit_counts[visit].sum() == seen.sum()


def test_calibration_at_the_ends_of_coverage():
    cv = made_up()
    all_inside = calibrate(replace(cv, pit=np.where(np.isnan(cv.pit), np.nan, 0.5)))
    assert (all_inside.coverage_high == 1).all()
    assert (all_inside.coverage_low > 0.97).all()
    assert (all_inside.pit_p < 1e-10).all()
    none_inside = calibrate(replace(cv, pit=np.where(np.isnan(cv.pit), np.nan, 0.001)))
    assert (none_inside.coverage_low == 0).all()


def test_calibration_needs_participants_at_each_visit():
    cv = made_up()
    outcomes = cv.outcomes.copy()
    outcomes[2:, 1] = np.nan
    with pytest.raises(HistoryError, match="too few participants to judge calibration at week 2"):
        calibrate(replace(cv, outcomes=outcomes))
