"""What a trial from plain numbers claims: an effect, one beyond a margin, or one between limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trialsim.errors import DesignError

if TYPE_CHECKING:
    from trialsim.design.sizes import Claim

CONTRASTS = ("odds-ratio", "risk-difference", "risk-ratio")


@dataclass(frozen=True)
class AskedNull:
    """The null that is asked for, in the terms in which the effect is given.

    Parameters
    ----------
    margin : float or None
        Of non-inferiority, or of a gain.
    limits : pair of float or None
        Of equivalence.
    direction : str or None
        Side of the claim, where it is not that of the effect or of the margin.
    """

    margin: float | None
    limits: tuple[float, float] | None
    direction: Any

    @property
    def given(self) -> bool:
        """Whether the null is anything else than no effect."""
        return self.margin is not None or self.limits is not None

    def describe(self) -> str:
        """Return the null in words, for the end of a headline."""
        if self.limits is not None:
            return f" Equivalence within {self.limits[0]:g} and {self.limits[1]:g}: two one-sided tests."
        return "" if self.margin is None else f" Against a margin of {self.margin:g}."


def asked_null(given: Mapping[str, Any], continuous: bool) -> AskedNull:
    """Return the null of the options ``margin``, ``limits`` and ``direction``.

    A margin of no effect is none.

    Raises
    ------
    DesignError
        Limits that are not two numbers in order, or limits beside a margin or a direction.

    Examples
    --------
    >>> asked_null({"margin": None, "limits": (0.8, 1.25), "direction": None}, False).limits
    (0.8, 1.25)
    """
    margin, limits, direction = (given.get(name) for name in ("margin", "limits", "direction"))
    if limits is not None:
        for field, value in (("--margin", margin), ("--direction", direction)):
            if value is not None:
                raise DesignError("does not go with --limits", field=field, value=value, mend="leave it out")
        if len(limits) != 2 or not limits[0] < limits[1]:
            raise DesignError("must be two numbers, the lower first", field="--limits", value=limits,
                              mend="write them like -0.5,0.5")  # fmt: skip
        limits = (limits[0], limits[1])
    return AskedNull(None if continuous and margin == 0 else margin, limits, direction)


def beyond_the_margin(effect: float, null: AskedNull) -> float:
    """Return how far a difference lies from the margin, which is all that its size depends on.

    Raises
    ------
    DesignError
        The effect lies on the wrong side of the margin, or outside of the limits.

    Examples
    --------
    >>> round(beyond_the_margin(0.0, AskedNull(-0.2, None, None)), 1)
    0.2
    """
    claim = claim_of(null)
    if min(claim.distances(effect)) > 0 or not null.given:
        return effect if null.margin is None else effect - null.margin
    if null.limits is not None:
        raise DesignError("must lie between the limits: no size shows equivalence", field="--effect",
                          value=effect)  # fmt: skip
    raise DesignError(
        f"lies on the wrong side of --effect {effect:g}: nothing can be shown", field="--margin",
        value=null.margin,
        mend="a margin below 0 is of a loss, one above 0 of a gain; --direction says what is claimed",
    )  # fmt: skip


def claim_of(null: AskedNull) -> Claim:
    """Return the claim of a difference."""
    from trialsim.design.sizes import Claim

    ends = null.limits if null.limits is not None else () if null.margin is None else (null.margin,)
    return Claim(ends, null.direction)
