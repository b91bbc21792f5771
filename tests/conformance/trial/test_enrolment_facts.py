"""Enrolment against published facts of real trials, and against gsDesign2's expected accrual."""

from __future__ import annotations

import numpy as np

from trialsim.trial import PlannedAccrual, recruit, site_plan
from trialsim.trial.enrolment import fit_site_rates

# Participants of the 17 sites of the CDISC pilot trial.
PILOT_SITES = (1, 2, 3, 4, 6, 7, 8, 9, 13, 16, 18, 21, 24, 25, 25, 31, 41)


def half_time(activation: np.ndarray, rate: float, shape: float, participants: int) -> np.ndarray:
    """Return the share of the window at which half of the participants were in, by replicate."""
    plan = site_plan(activation, rate=rate, shape=shape)
    month = recruit(plan, 2000, participants, np.random.default_rng(1)).month
    return month[:, participants // 2 - 1] / month[:, -1]


def test_rhdnase_late_activation_explains_why_half_was_in_at_84_percent_of_the_window() -> None:
    # 647 participants, 51 sites; shape and rate from each site's first participant; lag quantiles in months.
    levels = (np.arange(51) + 0.5) / 51
    lags = np.interp(levels, (0.0, 0.1, 0.25, 0.5, 0.75, 0.9), (0.0, 0.76, 1.77, 2.3, 2.58, 2.63))
    low, high = np.quantile(half_time(lags, 13.9, 5.16, 647), (0.05, 0.95))
    assert low <= 0.835 <= high
    assert half_time(np.zeros(51), 13.9, 5.16, 647).max() < 0.6


def test_cgd_half_was_in_when_unequal_sites_over_the_whole_window_say() -> None:
    # 128 participants, 13 sites, shape 3.00 and mean 1.46 a site and month over the whole window.
    low, high = np.quantile(half_time(np.zeros(13), 1.46, 3.0, 128), (0.05, 0.95))
    assert low <= 0.532 <= high


def test_cdisc_pilot_site_totals_are_gamma_poisson_with_shape_1_65() -> None:
    mean, shape, log_likelihood = fit_site_rates(PILOT_SITES, [26.0] * 17)
    assert round(mean, 3) == 0.575
    assert round(shape, 2) == 1.65
    assert round(log_likelihood, 1) == -62.7


def test_expected_accrual_of_gsdesign2() -> None:
    plan = PlannedAccrual((5, 10, 20), (3, 3, 18))
    np.testing.assert_allclose(
        [plan.expected(month) for month in (1.0, 3, 6, 12, 20, 30)], [5, 15, 45, 165, 325, 405], atol=1e-9
    )
