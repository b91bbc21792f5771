"""The log-rank test at looks equals the test of the data cut at each look."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.analysis.survival import log_rank_block, log_rank_looks
from trialsim.errors import AnalysisError


def trials(seed: int, rounding: float | None, strata: int, participants: int = 60, replicates: int = 30):  # type: ignore[no-untyped-def]  # a tuple of arrays
    generator = np.random.default_rng(seed)
    shape = (replicates, participants)
    entry = np.sort(generator.uniform(0, 12, shape), axis=1)
    arm = generator.integers(0, 2, shape).astype(np.int8)
    event_time, leave = generator.exponential(14, shape), generator.exponential(40, shape)
    time = np.minimum(event_time, leave)
    if rounding:
        entry, time = (np.round(values / rounding) * rounding for values in (entry, time))
    months = np.sort(generator.uniform(4, 40, (replicates, 3)), axis=1)
    if rounding:
        months = np.round(months / rounding) * rounding
    return (
        entry,
        time,
        (event_time <= leave).astype(np.int8),
        arm,
        months,
        generator.integers(0, strata, shape),
    )


def cut_tests(entry, time, event, arm, months, stratum):  # type: ignore[no-untyped-def]  # mirrors the data cut
    z = np.full(months.shape, np.nan)
    counts = np.zeros(months.shape, int)
    for r, k in np.ndindex(months.shape):
        inside = entry[r] <= months[r, k]
        seen = event[r] * (entry[r] + time[r] <= months[r, k])
        followed = np.minimum(time[r], months[r, k] - entry[r])
        one = log_rank_block(
            followed[inside][None], seen[inside][None], arm[r][inside][None], stratum[r][inside][None]
        )
        z[r, k] = -one.statistic[0]
        counts[r, k] = seen[inside].sum()
    return z, counts


@pytest.mark.parametrize("strata", [1, 3])
@pytest.mark.parametrize("rounding", [None, 0.5])
def test_every_look_equals_the_test_of_the_cut_data(strata: int, rounding: float | None) -> None:
    for seed in range(4):
        data = trials(seed, rounding, strata)
        found = log_rank_looks(*data[:5], strata=data[5])
        z, counts = cut_tests(*data)
        np.testing.assert_allclose(found.benefit, z, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(found.events.sum(axis=2), counts)
        np.testing.assert_array_equal(found.entered, (data[0][:, :, None] <= data[4][:, None, :]).sum(axis=1))


def test_swapping_arms_changes_the_sign_and_units_change_nothing() -> None:
    entry, time, event, arm, months, _ = trials(9, None, 1)
    one = log_rank_looks(entry, time, event, arm, months)
    swapped = log_rank_looks(entry, time, event, 1 - arm, months)
    days = log_rank_looks(30.4375 * entry, 30.4375 * time, event, arm, 30.4375 * months)
    np.testing.assert_allclose(one.benefit, -swapped.benefit, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.benefit, days.benefit, rtol=1e-9, atol=1e-12)


def test_a_look_without_events_has_no_statistic() -> None:
    found = log_rank_looks([[0.0, 1.0]], [[5.0, 6.0]], [[1, 1]], [[0, 1]], [[2.0, 9.0]])
    assert np.isnan(found.benefit[0, 0])
    assert found.events[0, 0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"entry": [[1.0, 0.0]]}, "entry"),
        ({"entry": [[0.0]]}, "entry"),
        ({"entry": [[0.0, np.nan]]}, "entry"),
        ({"time": [[1.0, np.inf]]}, "time"),
        ({"months": [2.0]}, "months"),
        ({"months": [[np.inf]]}, "months"),
        ({"arm": [[0, 2]]}, "arm"),
    ],
)
def test_unreadable_looks_are_refused(change: dict[str, object], field: str) -> None:
    good = {
        "entry": [[0.0, 1.0]],
        "time": [[1.0, 2.0]],
        "event": [[1, 1]],
        "arm": [[0, 1]],
        "months": [[9.0]],
    }
    with pytest.raises(AnalysisError) as fault:
        log_rank_looks(**(good | change))  # type: ignore[arg-type]  # some are wrong on purpose
    assert fault.value.field == field
