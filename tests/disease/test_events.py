from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom

from trialsim.disease.events import (
    exponential_times,
    gamma_frailty,
    negative_binomial_counts,
    recurrent_times,
)
from trialsim.errors import InputError


def fresh() -> np.random.Generator:
    return np.random.default_rng(3)


def test_negative_binomial_counts_are_the_quantiles_of_scipy() -> None:
    g = np.random.default_rng(1)
    mean, dispersion = g.gamma(1.0, 3.0, 20_000), g.uniform(0.02, 3.0, 20_000)
    mean[:50] = 0.0
    expected = nbinom.ppf(fresh().random(20_000), 1 / dispersion, 1 / (1 + mean * dispersion))
    assert np.array_equal(negative_binomial_counts(mean, dispersion, fresh()), expected)


def test_recurrent_times_are_a_poisson_process() -> None:
    rate = np.full(40_000, 0.3)
    times = recurrent_times(rate, 10.0, fresh())
    counts = np.isfinite(times).sum(axis=1)
    assert counts.mean() == pytest.approx(3.0, abs=4 * np.sqrt(3 / 40_000))
    assert counts.var() == pytest.approx(3.0, abs=0.15)
    # Given their number, times are uniform over follow-up.
    assert np.nanmean(times) == pytest.approx(5.0, abs=4 * 10 / np.sqrt(12 * counts.sum()))


def test_a_higher_rate_makes_the_same_events_earlier() -> None:
    slow, fast = (recurrent_times(np.full(5_000, rate), 12.0, fresh()) for rate in (0.1, 0.4))
    shared = np.isfinite(slow[:, 0])
    assert np.allclose(fast[shared, 0], slow[shared, 0] / 4)


def test_nobody_has_an_event_at_a_rate_of_nothing() -> None:
    assert np.isnan(recurrent_times(np.zeros(5), 12.0, fresh())).all()
    assert np.isinf(exponential_times(np.zeros(5), fresh())).all()
    assert (gamma_frailty(0.0, 5, fresh()) == 1).all()


def test_follow_up_of_each_person_ends_their_events() -> None:
    until = np.array([1.0, 50.0])
    times = recurrent_times(np.full(2, 2.0), until, fresh())
    assert (np.nanmax(times, axis=1) <= until).all()
    assert np.nanmax(times[1]) > 1


def test_more_events_than_can_be_kept_are_refused() -> None:
    with pytest.raises(InputError, match="more than 400 events"):
        recurrent_times(np.full(3, 100.0), 12.0, fresh())
