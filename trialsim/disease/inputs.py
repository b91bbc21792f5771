"""Checks that every disease model makes before it draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.interface import Dial, Dials, DiseaseModel, Input
from trialsim.errors import InputError

WEEKS_PER_YEAR = 365.25 / 7
WEEKS_PER_MONTH = WEEKS_PER_YEAR / 12

Course = TypeVar("Course")


def require_course(course: object, kind: type[Course]) -> Course:
    """Return a course of the model's own kind; a course of another model is a programming error."""
    if not isinstance(course, kind):
        raise TypeError(f"expected a {kind.__name__}, got a {type(course).__name__}")
    return course


def require_people(people: Covariates, inputs: Sequence[Input], model: str) -> None:
    """Raise `InputError` unless every input is there, known for everybody and within its range.

    The error names a row, never the value.
    """
    missing = [one.name for one in inputs if one.name not in people.names]
    if missing:
        raise InputError(
            f"the disease model {model} needs covariates that are not there",
            field="covariates",
            value=", ".join(missing),
            mend="take a cohort card with these covariates, or another disease model",
        )
    for one in inputs:
        values = people.column(one.name)
        if not np.isfinite(values).all():
            raise InputError(
                f"the disease model {model} needs a value for everybody",
                field=one.name,
                mend="draw or impute the missing baseline values first",
            )
        below = values <= one.low if one.open_low else values < one.low
        above = values >= one.high if one.open_high else values > one.high
        outside = np.flatnonzero(below | above)
        if outside.size:
            raise InputError(
                f"row {outside[0]} and {outside.size - 1} more lie outside {one.range} ({one.source})",
                field=one.name,
                mend="set limits to this covariate on the cohort card",
            )


def settings(model: DiseaseModel, dials: Dials) -> dict[str, float | Floats]:
    """Return the setting of every dial of a model: what was given, or what changes nothing.

    Raises
    ------
    InputError
        A dial is unknown, or set to what is impossible.
    """
    known = {one.name: one for one in model.dials}
    for name, value in dials.items():
        if name not in known:
            raise unknown_dial(model, name)
        require_setting(known[name], value)
    return {name: dials.get(name, one.idle) for name, one in known.items()}


def unknown_dial(model: DiseaseModel, name: str) -> InputError:
    """Return the refusal of a dial that a model does not have, with the list of those that it has."""
    listed = ", ".join(f"{one.name} ({one.operation})" for one in model.dials)
    return InputError(
        f"the disease model {model.name} has no such dial", field="dials", value=name, mend=f"use {listed}"
    )


def require_setting(dial: Dial, value: float | Floats, field: str | None = None) -> None:
    """Raise `InputError` unless a setting of a dial lies within what is possible."""
    array = np.asarray(value, dtype=np.float64)
    if not (np.isfinite(array).all() and (array >= dial.low).all() and (array <= dial.high).all()):
        raise InputError(
            f"must lie between {dial.low:g} and {dial.high:g}: {dial.operation}, {dial.says}",
            field=field or f"dials.{dial.name}",
            value=float(array) if array.ndim == 0 else None,
            mend="give a possible setting",
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
