"""The scale of an outcome from numbers in its own terms; options and sliders share their names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trialsim.errors import DesignError

if TYPE_CHECKING:
    from trialsim.design.sizes import OutcomeScale

SCALES = ("continuous", "binary", "count", "survival")
_NEEDED = {
    "binary": ("control_rate",),
    "count": ("control_rate", "rate_ratio"),
    "survival": ("control_median", "hazard_ratio", "accrual", "duration"),
}
NUMBERS_OF = {
    "continuous": (),
    "binary": ("control_rate", "odds_ratio", "risk_difference", "risk_ratio"),
    "count": ("control_rate", "rate_ratio", "exposure", "dispersion"),
    "survival": ("control_median", "hazard_ratio", "accrual", "duration", "loss"),
}
SCALE_NUMBERS = tuple(dict.fromkeys(name for offered in NUMBERS_OF.values() for name in offered))


def outcome_scale(
    scale: str, given: Mapping[str, float | None], contrast: str | None = None, against: bool = False
) -> OutcomeScale | None:
    """Return the scale that was asked for; None for a continuous outcome.

    Parameters
    ----------
    scale : str
        One of `SCALES`.
    given : mapping of str to float or None
        The numbers of every scale.
    contrast : str, optional
        Binary: what is tested, such as ``risk-difference``.
    against : bool
        Whether the effect is held against a margin or limits: then what is tested is told as the effect is,
        else it is the odds ratio.

    Raises
    ------
    DesignError
        If a number of another scale was given, or one of this scale is missing.
    """
    from trialsim.design import BinaryScale, CountScale, SurvivalScale

    numbers = {name: value for name, value in given.items() if value is not None}
    for name in numbers:
        if name not in NUMBERS_OF[scale]:
            homes = ", ".join(home for home, offered in NUMBERS_OF.items() if name in offered)
            raise DesignError(
                f"does not belong to a {scale} outcome", field=_flag(name), mend=f"give --scale {homes}"
            )
    for name in _NEEDED.get(scale, ()):
        if name not in numbers:
            raise DesignError(f"is needed for a {scale} outcome", field=_flag(name))
    if contrast is not None and scale != "binary":
        raise DesignError(f"does not belong to a {scale} outcome", field="--contrast", mend="leave it out")
    if scale == "binary":
        told = next((name for name in ("risk_difference", "risk_ratio") if name in numbers), "odds_ratio")
        tested = (contrast or (told if against else "odds_ratio")).replace("-", " ").replace("_", " ")
        return BinaryScale(**numbers, contrast=tested)  # type: ignore[arg-type]  # refused there if it is none
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


def refuse_elsewhere(scale: str, given: Mapping[str, object]) -> None:
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
