"""Options that say which scale an outcome has, and its numbers in that scale's own terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from trialsim.errors import DesignError

if TYPE_CHECKING:
    from trialsim.design.sizes import OutcomeScale

SCALES = ("continuous", "binary", "count", "survival")
POSITIVE = click.FloatRange(0, min_open=True)
SHARE = click.FloatRange(0, 1, max_open=True)
RATE = click.FloatRange(0, 1, True, True)

_OPTIONS: dict[str, tuple[Any, str]] = {
    "control_rate": (
        POSITIVE,
        "Binary: response rate of the controls. Count: their events per unit of time.",
    ),
    "odds_ratio": (POSITIVE, "Binary: active over control."),
    "risk_difference": (click.FloatRange(-1, 1, True, True), "Binary: active minus control."),
    "rate_ratio": (POSITIVE, "Count: active over control."),
    "exposure": (POSITIVE, "Count: time that each participant is followed.  [default: 1]"),
    "dispersion": (click.FloatRange(0), "Count: k of a negative binomial, variance μ + kμ².  [default: 0]"),
    "control_median": (POSITIVE, "Survival: median time to the event of the controls."),
    "hazard_ratio": (POSITIVE, "Survival: active over control."),
    "accrual": (click.FloatRange(0), "Survival: time over which participants enter."),
    "duration": (POSITIVE, "Survival: calendar time of the analysis."),
    "loss": (SHARE, "Survival: share that would be lost in one unit of time.  [default: 0]"),
}
SCALE_NUMBERS = tuple(_OPTIONS)
_NEEDED = {
    "binary": ("control_rate",),
    "count": ("control_rate", "rate_ratio"),
    "survival": ("control_median", "hazard_ratio", "accrual", "duration"),
}
_OFFERED = {
    "continuous": (),
    "binary": ("control_rate", "odds_ratio", "risk_difference"),
    "count": ("control_rate", "rate_ratio", "exposure", "dispersion"),
    "survival": ("control_median", "hazard_ratio", "accrual", "duration", "loss"),
}


def outcome_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --scale and the numbers of every scale to a command."""
    for name, (kind, text) in reversed(_OPTIONS.items()):
        command = click.option(f"--{name.replace('_', '-')}", type=kind, help=text)(command)
    return click.option(
        "--scale", type=click.Choice(SCALES), default="continuous", show_default=True, help="Of the outcome."
    )(command)


def outcome_scale(scale: str, given: dict[str, float | None]) -> OutcomeScale | None:
    """Return the scale that was asked for; None for a continuous outcome.

    Raises
    ------
    DesignError
        If a number of another scale was given, or one of this scale is missing.
    """
    from trialsim.design import BinaryScale, CountScale, SurvivalScale

    numbers = {name: value for name, value in given.items() if value is not None}
    for name in numbers:
        if name not in _OFFERED[scale]:
            homes = ", ".join(home for home, offered in _OFFERED.items() if name in offered)
            raise DesignError(
                f"does not belong to a {scale} outcome", field=_flag(name), mend=f"give --scale {homes}"
            )
    for name in _NEEDED.get(scale, ()):
        if name not in numbers:
            raise DesignError(f"is needed for a {scale} outcome", field=_flag(name))
    if scale == "binary":
        return BinaryScale(**numbers)
    if scale == "count":
        return CountScale(**numbers)
    if scale == "survival":
        return SurvivalScale(**numbers)
    if scale == "continuous":
        return None
    raise DesignError("is no scale", field="--scale", value=scale)


def needed(flag: str, value: float | None, scale: str) -> float:
    """Return a number that a continuous outcome cannot do without."""
    if value is None:
        raise DesignError(f"is needed for a {scale} outcome", field=flag)
    return value


def refuse_endless(given: Mapping[str, Any]) -> None:
    """Refuse options that are no finite number: a range lets ``nan`` pass.

    Raises
    ------
    DesignError
        If one is.
    """
    for name, value in given.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise DesignError("must be a finite number", field=_flag(name), value=value)


def refuse_elsewhere(scale: str, given: dict[str, object]) -> None:
    """Refuse numbers of a continuous outcome on another scale.

    Raises
    ------
    DesignError
        If one was given.
    """
    for flag, value in given.items():
        if value is not None:
            raise DesignError(f"does not belong to a {scale} outcome", field=flag, mend="leave it out")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
