"""Enrolment against its slow twin, and against the Poisson-gamma model's mean."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.protocol import Enrolment
from trialsim.trial.enrolment import enrol


def sites(**changes: float) -> Enrolment:
    fields = {"sites": 20, "last_activation_month": 6.0, "rate_per_site_month": 1.5, "rate_shape": 2.0}
    return Enrolment(**(fields | changes), source="test")  # type: ignore[arg-type]


def test_equals_a_walk_through_the_intensity() -> None:
    enrolment = sites(sites=4, last_activation_month=3.0)
    months = enrol(3, 30, enrolment, np.random.default_rng(4))
    generator = np.random.default_rng(4)
    rates = generator.gamma(2.0, 1.5 / 2.0, size=(3, 4))
    needed = np.cumsum(generator.standard_exponential((3, 30)), axis=1)
    activation = np.linspace(0, 3, 4)
    for replicate in range(3):
        for participant in range(30):
            month = months[replicate, participant]
            reached = sum(r * max(month - a, 0.0) for r, a in zip(rates[replicate], activation, strict=True))
            assert reached == pytest.approx(needed[replicate, participant], rel=1e-12)


def test_one_site_at_a_fixed_rate_is_a_poisson_process() -> None:
    enrolment = sites(sites=1, last_activation_month=0.0, rate_per_site_month=10.0, rate_shape=1000.0)
    months = enrol(4000, 100, enrolment, np.random.default_rng(5))[:, -1]
    # Gamma mixing multiplies the mean of 1/rate by shape/(shape - 1).
    expected = 100 / 10 * 1000 / 999
    assert abs(months.mean() - expected) < 4 * months.std() / np.sqrt(4000)


def test_arrivals_ascend_and_unequal_sites_take_longer_to_predict() -> None:
    equal = enrol(2000, 300, sites(rate_shape=500.0), np.random.default_rng(6))
    unequal = enrol(2000, 300, sites(rate_shape=0.5), np.random.default_rng(6))
    assert (np.diff(equal, axis=1) >= 0).all()
    assert unequal[:, -1].std() > 2 * equal[:, -1].std()
