"""On which side of the null the claim lies, so that harm never counts as benefit."""

from __future__ import annotations

from typing import Literal, get_args

from trialsim.errors import DesignError

Direction = Literal["greater", "less"]


def claimed(
    distance: float, direction: Direction | None, no_effect: bool, *, otherwise: Direction = "greater"
) -> float:
    """Return a distance from the null, above 0 where the assumed effect lies on the side of the claim.

    Parameters
    ----------
    distance : float
        Effect minus its value under the null, on the scale of the test.
    direction : {"greater", "less"} or None
        Side of the claim. Left out, it is the side of the effect where the null is "no effect", and
        `otherwise` against any other margin: an effect beyond it is a worse treatment.
    no_effect : bool
        Whether the null is "no effect".
    otherwise : {"greater", "less"}
        See `direction`: "less" for hazards.

    Raises
    ------
    DesignError
        No such direction.

    Examples
    --------
    >>> claimed(-0.3, None, True), claimed(-0.3, None, False), claimed(-0.3, "less", False)
    (0.3, -0.3, 0.3)
    """
    if direction is None:
        if no_effect:
            return abs(distance)
        direction = otherwise
    return distance if checked_direction(direction) == "greater" else -distance


def checked_direction(direction: Direction) -> Direction:
    """Return a direction, if it is one.

    Examples
    --------
    >>> checked_direction("less")
    'less'
    """
    if direction not in get_args(Direction):
        raise DesignError(
            "is not known", field="direction", value=direction, mend=f"use one of {get_args(Direction)}"
        )
    return direction


def refuse_wrong_side(distance: float, field: str, value: float) -> None:
    """Refuse to size a trial whose assumed effect lies on the wrong side of its null.

    Parameters
    ----------
    distance : float
        What `claimed` returned.
    field, value
        Name and value of the assumed effect.

    Examples
    --------
    >>> refuse_wrong_side(0.2, "effect", 0.2)
    """
    if not distance > 0:
        raise DesignError(
            "lies on the wrong side of what is to be claimed: no size shows it",
            field=field,
            value=value,
            mend='assume an effect on the side of the claim, or give the claim\'s direction ("greater", '
            '"less")',
        )
