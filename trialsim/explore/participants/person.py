"""One participant as the page sends them, and the fields by which the page asks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trialsim.errors import DesignError


@dataclass(frozen=True)
class Field:
    """A number that the page asks of a participant.

    Parameters
    ----------
    name, label, unit : str
        What it is.
    value : float
        A usual one.
    low, high : float
        Beyond them a warning stands: the history, or the model's sources, say nothing there.
    why : str
        Where the range comes from.
    """

    name: str
    label: str
    unit: str
    value: float
    low: float
    high: float
    why: str

    def shown(self) -> dict[str, Any]:
        """Return the field with a step that suits its range."""
        width = self.high - self.low
        step = 10 ** math.floor(math.log10(width / 50)) if 0 < width < math.inf else 0.1
        yes_or_no = self.unit == "0 or 1"
        return asdict(self) | {"step": 1 if yes_or_no else step}

    def warning(self, value: float) -> str | None:
        """Return what to say of a value outside of the range; None inside."""
        if self.low <= value <= self.high:
            return None
        return (
            f"{self.label} of {value:g} lies outside {self.low:.4g} to {self.high:.4g} ({self.why}): "
            "the answer leaves the evidence"
        )


def numbers_of(given: object, names: Sequence[str], field: str) -> dict[str, float]:
    """Return finite numbers by known names from what a page sends.

    Raises
    ------
    DesignError
        An unknown name, or a value that is no finite number; the value is not repeated.
    """
    if not isinstance(given, Mapping):
        raise DesignError("must be numbers by name", field=field)
    for name, value in given.items():
        if name not in names:
            raise DesignError("is not known here", field=field, value=str(name)[:40])
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise DesignError("must be a finite number", field=f"{field}.{name}")
    return {str(name): float(value) for name, value in given.items()}


def whole_person(given: object, fields: Sequence[Field], field: str = "person") -> dict[str, float]:
    """Return a value of every field: what was sent, or the usual one."""
    sent = numbers_of(given, [one.name for one in fields], field)
    return {one.name: sent.get(one.name, one.value) for one in fields}


def warnings_of(values: Mapping[str, float], fields: Sequence[Field], who: str) -> list[str]:
    """Return what to say of values outside of their ranges."""
    told = [one.warning(values[one.name]) for one in fields if one.name in values]
    return [f"{who}: {text}" for text in told if text is not None]
