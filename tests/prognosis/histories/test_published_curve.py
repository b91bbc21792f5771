"""Individual times from a curve and its numbers at risk: exact cases, invariance, and what is refused."""

from __future__ import annotations

import time

import numpy as np
import pytest

from trialsim.errors import HistoryError
from trialsim.prognosis.histories.published_curve import PublishedCurve, times_from_curve


def test_a_curve_without_censoring_is_found_exactly():
    times = np.array([1, 2, 2, 3, 5, 8, 8, 8, 13, 21.0])
    at = np.unique(np.concatenate([[0], times]))
    shares = [(times > one).mean() for one in at]
    found = times_from_curve(PublishedCurve.of(at, shares, [0, 4], [10, 6]))
    assert found.frame["time"].tolist() == times.tolist()
    assert found.frame["event"].all()
    assert found.farthest < 1e-12
    assert found.risk_missed == 0


def test_nobody_is_lost_between_two_numbers_without_a_point():
    found = times_from_curve(PublishedCurve.of([0, 10], [1, 0.5], [0, 2, 4, 6], [20, 18, 14, 10]))
    assert len(found.frame) == 20
    assert found.frame["event"].sum() == 5


def test_the_number_of_events_settles_the_end():
    at, shares = np.linspace(0, 20, 41), np.exp(-0.1 * np.linspace(0, 20, 41))
    few, many = (
        times_from_curve(PublishedCurve.of(at, shares, [0, 10], [200, 60], events)).frame["event"].sum()
        for events in (140, 150)
    )
    assert few == pytest.approx(140, abs=2)
    assert many == pytest.approx(150, abs=2)


def test_the_unit_of_time_and_the_order_of_points_change_nothing_but_times():
    rng = np.random.default_rng(3)
    at = np.linspace(0, 24, 60)
    shares = np.round(np.exp(-0.05 * at), 3)
    plain = times_from_curve(PublishedCurve.of(at, shares, [0, 6, 12, 18], [150, 100, 70, 40]))
    mixed = rng.permutation(60)
    other = times_from_curve(
        PublishedCurve.of(at[mixed] * 4, shares[mixed], [0, 24, 48, 72], [150, 100, 70, 40])
    )
    np.testing.assert_allclose(other.frame["time"], 4 * plain.frame["time"])
    assert other.frame["event"].tolist() == plain.frame["event"].tolist()


def test_hard_figures():
    flat = times_from_curve(PublishedCurve.of([0, 5], [1, 1], [0], [7]))
    assert flat.frame["event"].sum() == 0
    assert len(flat.frame) == 7
    one = times_from_curve(PublishedCurve.of([0, 5], [1, 0], [0], [1]))
    assert one.frame.to_dict("list") == {"time": [5.0], "event": [1]}
    trembling = PublishedCurve.of([0, 1, 2, 3], [1, 0.8, 0.803, 0.5], [0], [10])
    assert trembling.survival.tolist() == [1, 0.8, 0.8, 0.5]


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        (([0, 1, 2], [1, 0.5, 0.7], [0], [10]), "survival", "rises"),
        (([0, 1], [100, 50], [0], [10]), "survival", "not a share"),
        (([0, 1], [1, -0.1], [0], [10]), "survival", "not a share"),
        (([0, 1], [1, np.nan], [0], [10]), "survival", "numbers"),
        (([-1, 1], [1, 0.5], [0], [10]), "time", "before 0"),
        (([0, 1], [1, 0.5], [0, 1], [10, 12]), "at_risk", "grows"),
        (([0, 1], [1, 0.5], [0, 1], [10, 1.5]), "at_risk", "whole"),
        (([0, 1], [1, 0.5], [1, 2], [10, 5]), "risk_time", "from 0"),
        (([0, 1], [1, 0.5], [0], [10], 11), "events", "between"),
        (([0, 1], [1], [0], [10]), "survival", "for each time"),
        (([0, 1], [1, 0.5], [0], [1e9]), "at_risk", "at most"),
        ((np.arange(20_000), np.ones(20_000), [0], [10]), "time", "more than"),
    ],
)
def test_what_no_figure_can_show_is_refused(arguments, field, words):
    with pytest.raises(HistoryError, match=words) as refusal:
        PublishedCurve.of(*arguments)
    assert refusal.value.field == field
    assert refusal.value.mend or refusal.value.value is not None


def test_a_large_arm_with_one_number_at_risk_is_found_in_seconds():
    at = np.linspace(0, 20, 120)
    start = time.process_time()
    found = times_from_curve(PublishedCurve.of(at, np.exp(-0.1 * at), [0], [100_000]))
    assert time.process_time() - start < 20
    assert found.farthest < 1e-4
