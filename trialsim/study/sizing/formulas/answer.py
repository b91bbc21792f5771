"""What a formula answers: the power of a fixed trial by its arms, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# From controls and active participants, which need not be whole, to the power of one look at the end.
Power = Callable[[float, float], float]


@dataclass(frozen=True)
class Formula:
    """The power of a trial with one look.

    Parameters
    ----------
    name : str
        Whose formula it is.
    power : callable
        From controls and active participants to the power.
    """

    name: str
    power: Power


class NoFormula(Exception):  # noqa: N818 - an answer, not an error
    """No formula holds; the message says why."""
