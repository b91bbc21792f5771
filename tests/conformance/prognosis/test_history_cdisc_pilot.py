"""The placebo arm of the CDISC pilot (LZZT), read as it is and judged by what is known of it.

Numbers of observed placebo participants, their mean change and standard deviation at weeks 8, 16 and 24,
and the leave-one-out R2 of baseline values, as computed from the same data by others of this project.
"""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.prognosis import cross_validate, fit_prognosis, gain_beyond_baseline, summarise
from trialsim.prognosis.validation import leave_one_out_r2
from trialsim.streams import stream


def test_observed_changes_are_the_published_ones(pilot):
    summary = summarise(pilot)
    assert summary.participants == 86
    assert summary.observed == (79, 68, 65)
    np.testing.assert_allclose(summary.mean_change, [0.85, 1.73, 2.15], atol=0.005)
    np.testing.assert_allclose(summary.sd_change, [4.81, 5.92, 5.99], atol=0.005)
    assert summary.missing == {}


def test_leave_one_out_r2_of_baseline_values(pilot):
    last = pilot.outcomes[:, -1]
    change, x = last - pilot.baseline, pilot.covariates.values
    assert leave_one_out_r2(last, pilot.baseline[:, None]) == pytest.approx(0.803, abs=0.0005)
    assert leave_one_out_r2(change, np.column_stack([pilot.baseline, x])) == pytest.approx(-0.18, abs=0.005)
    assert leave_one_out_r2(
        change, np.column_stack([pilot.baseline, pilot.covariates.column("mmse")])
    ) == pytest.approx(-0.036, abs=0.0005)


def test_no_gain_beyond_the_baseline_is_supported(pilot, sampler):
    """With the settings that a run uses, so that the gates are the real ones; five folds for time."""
    fitted = fit_prognosis(pilot, seed=20261121, sampler=sampler)
    assert fitted.diagnostics["max_rhat"] <= 1.01
    cv = cross_validate(pilot, seed=20261121, folds=5, sampler=sampler)
    found = gain_beyond_baseline(
        cv.outcomes[:, -1], cv.baseline, cv.score[:, -1], generator=stream(20261121, "", 0, "bootstrap")
    )
    assert found.participants == 65
    assert found.gain < 0.02
    assert found.gain_90[0] < 0
    assert found.partial_correlation_95[0] < 0
    assert found.baseline_r2 == pytest.approx(0.815, abs=0.0005)
