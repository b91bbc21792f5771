"""How the outcome runs in each arm of simulated trials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from trialsim.data import Bools, Floats
from trialsim.study.description.sample import TrialSample

_SPREAD = (0.1, 0.9)
_MONTHS = 61
_MOST_COUNTS = 12


def outcome_course(sample: TrialSample) -> pd.DataFrame:
    """Return the outcome by arm and time, as its kind is usually drawn.

    Parameters
    ----------
    sample : TrialSample
        Simulated trials.

    Returns
    -------
    DataFrame
        One row an arm and place ``at``. Of a score: week, ``value`` the mean, ``low`` and ``high`` the 10th
        and 90th percentile of participants, ``observed`` the share seen. Of a time to an event: month,
        ``value`` the share free of it (Kaplan–Meier), its 5th and 95th percentile over trials. Of a response,
        level or count: the category and its share, with the same percentiles over trials. Empty for kinds of
        other packages, whose outcomes have no usual picture.
    """
    course = _COURSES.get(sample.trial.outcome.kind)
    if course is None:
        return pd.DataFrame()
    rows: list[dict[str, object]] = []
    for arm, name in enumerate(sample.trial.arm_names):
        mine = (sample.arm == arm) & np.isfinite(sample.entry)
        rows += course(sample, mine, name)
    return pd.DataFrame(rows)


def _visits(sample: TrialSample, mine: Bools, name: str) -> list[dict[str, object]]:
    rows = []
    for visit, week in enumerate(getattr(sample.trial.outcome, "weeks")):  # noqa: B009 - of a score alone
        values = sample.outcome[..., visit][mine]
        seen = values[np.isfinite(values)]
        if not len(seen):
            continue
        low, high = np.quantile(seen, _SPREAD)
        rows.append(_row(name, week, float(seen.mean()), low, high, len(seen) / len(values)))
    return rows


def _free_of_event(sample: TrialSample, mine: Bools, name: str) -> list[dict[str, object]]:
    assert sample.event is not None
    months = np.where(mine, sample.outcome[..., 0], np.nan)
    grid = np.linspace(0.0, float(np.nanmax(months)), _MONTHS)
    found = np.array([kaplan_meier_at(one, had, grid) for one, had in zip(months, sample.event, strict=True)])
    # A curve ends where nobody of a trial is left at risk; most trials must reach a month that is shown.
    shown = np.isfinite(found).mean(axis=0) > 0.5
    low, middle, high = np.nanquantile(found[:, shown], (0.05, 0.5, 0.95), axis=0)
    return [
        _row(name, month, value, below, above, 1.0)
        for month, value, below, above in zip(grid[shown], middle, low, high, strict=True)
    ]


def kaplan_meier_at(months: Floats, event: Bools, grid: Floats) -> Floats:
    """Return the share free of an event at given months; NaN after the last participant at risk.

    Parameters
    ----------
    months : ndarray (N,)
        Follow-up; NaN for those who are not counted.
    event : ndarray of bool (N,)
        Whether it ended with the event.
    grid : ndarray (G,)
        Months, ascending.

    Returns
    -------
    ndarray (G,)
        Product over event times up to each month of 1 − d / n (Kaplan and Meier 1958).

    Examples
    --------
    >>> months, event = np.array([1.0, 2.0, 2.0, 4.0]), np.array([True, True, False, False])
    >>> kaplan_meier_at(months, event, np.array([0.0, 1.0, 3.0, 5.0]))
    array([1.  , 0.75, 0.5 ,  nan])
    """
    counted = np.isfinite(months)
    months, event = months[counted], event[counted]
    times, place = np.unique(months, return_inverse=True)
    deaths = np.bincount(place, weights=event, minlength=len(times))
    leaving = np.bincount(place, minlength=len(times))
    at_risk = len(months) - np.cumsum(leaving) + leaving
    curve = np.cumprod(1 - deaths / at_risk)
    found = np.concatenate([[1.0], curve])[np.searchsorted(times, grid, side="right")]
    return np.where(grid <= times[-1], found, np.nan) if len(times) else np.full(len(grid), np.nan)


def _categories(sample: TrialSample, mine: Bools, name: str) -> list[dict[str, object]]:
    values = np.where(mine, sample.outcome[..., 0], np.nan)
    counted = sample.trial.outcome.kind in ("count", "recurrent")
    top = int(np.nanmax(sample.outcome))
    last = min(top, _MOST_COUNTS) if counted else top
    known = np.isfinite(values).sum(axis=1)
    rows = []
    for category in range(last + 1):
        inside = values >= category if counted and category == last < top else values == category
        share = inside.sum(axis=1) / np.maximum(known, 1)
        low, high = np.quantile(share, (0.05, 0.95))
        rows.append(_row(name, category, float(share.mean()), low, high, known.sum() / mine.sum()))
    return rows


def _row(arm: str, at: float, value: float, low: float, high: float, observed: float) -> dict[str, object]:
    return {
        "arm": arm, "at": at, "value": float(value), "low": float(low), "high": float(high),
        "observed": float(observed),
    }  # fmt: skip


_COURSES: dict[str, Callable[[TrialSample, Bools, str], list[dict[str, object]]]] = {
    "score": _visits,
    "time_to_event": _free_of_event,
    "response": _categories,
    "level": _categories,
    "count": _categories,
    "recurrent": _categories,
}
