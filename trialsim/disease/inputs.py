"""Checks that every disease model makes before it draws a course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.errors import InputError

WEEKS_PER_YEAR = 365.25 / 7

Course = TypeVar("Course")


def require_course(course: object, kind: type[Course]) -> Course:
    """Return a course of the model's own kind; a course of another model is a programming error."""
    if not isinstance(course, kind):
        raise TypeError(f"expected a {kind.__name__}, got a {type(course).__name__}")
    return course


def require_covariates(covariates: Covariates, names: tuple[str, ...], model: str) -> None:
    """Raise `InputError` unless every named covariate is there, and finite for everybody."""
    missing = [name for name in names if name not in covariates.names]
    if missing:
        raise InputError(
            f"the disease model {model} needs covariates that are not there",
            field="covariates",
            value=", ".join(missing),
            mend="take a cohort card with these covariates, or another disease model",
        )
    for name in names:
        if not np.isfinite(covariates.column(name)).all():
            raise InputError(
                f"the disease model {model} needs a value for everybody",
                field=name,
                mend="draw or impute the missing baseline values first",
            )


@dataclass(frozen=True)
class Limits:
    """The range of a covariate in which a model makes sense; an end belongs to it unless it is open."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def __str__(self) -> str:
        ends = "(" if self.open_low else "[", ")" if self.open_high else "]"
        return f"{ends[0]}{self.low:.4g}, {self.high:.4g}{ends[1]}"


def require_ranges(covariates: Covariates, ranges: dict[str, Limits], model: str) -> None:
    """Raise `InputError` unless every covariate is there, known for everybody and within its range.

    The error names a row, never the value.
    """
    require_covariates(covariates, tuple(ranges), model)
    for name, limits in ranges.items():
        values = covariates.column(name)
        below = values <= limits.low if limits.open_low else values < limits.low
        above = values >= limits.high if limits.open_high else values > limits.high
        outside = np.flatnonzero(below | above)
        if outside.size:
            raise InputError(
                f"row {outside[0]} and {outside.size - 1} more lie outside {limits}",
                field=name,
                mend="set limits to this covariate on the cohort card",
            )


def require_option(value: float, name: str, low: float, high: float) -> float:
    """Return an option that lies in [low, high], or raise `InputError`."""
    if not low <= value <= high:
        raise InputError(
            f"must lie between {low:g} and {high:g}", field=name, value=value, mend="change the option"
        )
    return float(value)


def require_weeks(weeks: Floats) -> Floats:
    """Return weeks as an array (V,), or raise `InputError` if one is negative or not finite."""
    array = np.atleast_1d(np.asarray(weeks, dtype=np.float64))
    if not (np.isfinite(array).all() and (array >= 0).all()):
        raise InputError("weeks must be finite and at least 0", field="weeks", mend="count from baseline")
    return array
