from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis.models.design_matrix import standardise


@pytest.fixture
def gappy(simulate_history):
    history = simulate_history(participants=60, dropout=0.0)
    values = history.covariates.values.copy()
    values[::6, 1] = np.nan
    return replace(history, covariates=Covariates(history.covariates.names, values))


def test_columns_are_standardised_and_named(gappy):
    found = standardise(gappy)
    x = found.matrix(gappy.covariates, gappy.baseline)
    assert found.labels == ("baseline", "baseline_squared", "x0", "x1", "x2", "x1_missing")
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-12)
    square = (gappy.baseline - gappy.baseline.mean()) ** 2
    assert np.corrcoef(x[:, 1], square)[0, 1] == pytest.approx(1)


def test_a_missing_covariate_counts_as_the_mean_of_the_history(gappy):
    found = standardise(gappy)
    x = found.matrix(gappy.covariates, gappy.baseline)
    at_mean = (np.nanmean(gappy.covariates.values[:, 1]) - found.mean[3]) / found.sd[3]
    np.testing.assert_allclose(x[::6, 3], at_mean)
    assert np.unique(x[:, 5]).size == 2


def test_imputation_does_not_look_at_the_outcome(gappy):
    shuffled = replace(gappy, outcomes=gappy.outcomes[::-1])
    np.testing.assert_array_equal(
        *(standardise(h).matrix(h.covariates, h.baseline) for h in (gappy, shuffled))
    )


def test_a_column_that_is_constant_in_a_fold_teaches_nothing(simulate_history):
    history = simulate_history(participants=40)
    values = history.covariates.values.copy()
    values[:, 2] = 1.0
    history = replace(history, covariates=Covariates(history.covariates.names, values))
    assert not standardise(history).matrix(history.covariates, history.baseline)[:, 4].any()


def test_clock_and_hats(simulate_history):
    found = standardise(simulate_history())
    np.testing.assert_allclose(found.clock(np.array([12.0, 32.0, 52.0])), [-1, 0, 1])
    np.testing.assert_allclose(
        found.hats(np.array([12.0, 18.0, 52.0])), [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0, 1]]
    )


@pytest.mark.parametrize("week", [0.0, 11.9, 52.1, np.nan])
def test_no_week_beyond_what_was_learnt(simulate_history, week):
    with pytest.raises(HistoryError, match="nothing was learnt about week"):
        standardise(simulate_history()).hats(np.array([24.0, week]))


def test_participants_must_bring_covariates_and_baseline(gappy):
    found = standardise(gappy)
    with pytest.raises(HistoryError, match="needs x2"):
        found.matrix(gappy.covariates.select(["x0", "x1"]), gappy.baseline)
    with pytest.raises(HistoryError, match="1 participants have no measured baseline"):
        found.matrix(gappy.covariates, np.where(np.arange(60) == 3, np.nan, gappy.baseline))


def test_covariates_are_found_by_name_not_by_order(gappy):
    found = standardise(gappy)
    turned = gappy.covariates.select(["x2", "x0", "x1"])
    np.testing.assert_array_equal(
        found.matrix(turned, gappy.baseline), found.matrix(gappy.covariates, gappy.baseline)
    )
