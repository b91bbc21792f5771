"""Survival as a step function, with its pointwise limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialsim.analysis.one_trial.printed import half_width
from trialsim.analysis.survival.time_order import reaches
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError

Interval = Literal["log", "log_log", "plain"]


Variance = Literal["greenwood", "aalen"]


INTERVALS, VARIANCES = ("log", "log_log", "plain"), ("greenwood", "aalen")


_TIE = 1e-12


@dataclass(frozen=True)
class Curve:
    """The Kaplan–Meier curve of one arm.

    Parameters
    ----------
    time : ndarray (K,)
        Distinct times of the arm, ascending.
    at_risk, events, censored : ndarray of int64 (K,)
        Just before each time, and at it.
    survival, standard_error, lower, upper : ndarray (K,)
        From each time on. The error is 0 while the curve is 1, and NaN (as are the limits) from 0 on.
    entry : ndarray
        Delayed entries, ascending; none if everybody is at risk from the start.
    """

    time: Floats
    at_risk: Ints
    events: Ints
    censored: Ints
    survival: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    entry: Floats

    def followed(self, times: Floats) -> Ints:
        """Return the numbers at risk just before given times."""
        leaving = self.events + self.censored
        stays = np.array([leaving[reaches(1.0) * self.time >= time].sum() for time in times], np.int64)
        return stays - len(self.entry) + np.searchsorted(self.entry, times, side="left")

    def quantile(self, probability: float) -> tuple[float, float, float]:
        """Return when the curve falls to 1 − probability, and the interval from the limits; NaN if never.

        Where the curve rests exactly at 1 − probability, the middle of that stretch, as in R.
        """
        level = 1.0 - probability
        return (
            _falls(self.time, self.survival, level),
            _falls(self.time, self.lower, level),
            _falls(self.time, self.upper, level),
        )


def _falls(time: Floats, values: Floats, level: float) -> float:
    """Return the first time at which a falling step function is at most `level`; NaN if never."""
    reached = np.flatnonzero(values <= level + _TIE)
    if reached.size == 0:
        return float("nan")
    first = reached[0]
    below = np.flatnonzero(values < level - _TIE)
    if abs(values[first] - level) <= _TIE and below.size:
        return float(0.5 * (time[first] + time[below[0]]))
    return float(time[first])


def estimate_curve(
    time: Floats,
    event: np.ndarray,
    interval: str = "log",
    level: float = 0.95,
    entry: Floats | None = None,
    variance: str = "greenwood",
) -> Curve:
    """Return the Kaplan–Meier curve of times (N,) with events (N,) of 0 and 1, at risk after `entry` (N,)."""
    times, place, leaving = np.unique(time, return_inverse=True, return_counts=True)
    events = np.bincount(place, weights=event).astype(np.int64)
    at_risk = len(time) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    starts = np.zeros(0) if entry is None else np.sort(entry)
    at_risk -= len(starts) - np.searchsorted(starts, times, side="left")
    survival = np.cumprod(1.0 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = at_risk - events if variance == "greenwood" else at_risk
        root = np.sqrt(np.cumsum(events / (at_risk * left)))
    root = np.where(survival > 0, root, np.nan)
    lower, upper = _limits(survival, root, interval, half_width(level))
    return Curve(
        time=times,
        at_risk=at_risk,
        events=events,
        censored=leaving - events,
        survival=survival,
        standard_error=survival * root,
        lower=lower,
        upper=upper,
        entry=starts,
    )


def _limits(survival: Floats, root: Floats, interval: str, width: float) -> tuple[Floats, Floats]:
    """Return the limits of the curve; `root` is the standard error of log S."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if interval == "log":
            lower, upper = survival * np.exp(-width * root), survival * np.exp(width * root)
        elif interval == "log_log":
            factor = np.exp(width * root / np.abs(np.log(survival)))
            lower, upper = survival**factor, survival ** (1.0 / factor)
        elif interval == "plain":
            lower, upper = survival * (1.0 - width * root), survival * (1.0 + width * root)
        else:
            raise AnalysisError("is no scale of limits", field="interval", value=interval)
    untouched = survival == 1.0
    return np.where(untouched, 1.0, np.maximum(lower, 0.0)), np.where(untouched, 1.0, np.minimum(upper, 1.0))
