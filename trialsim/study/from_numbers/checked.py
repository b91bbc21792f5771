"""Whether numbers go together, before anything is computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialsim.errors import DesignError


def refuse_what_nothing_reads(given: Mapping[str, Any]) -> None:
    """Refuse a number that only another one would read."""
    if given["assurance"] is None:
        for name, value in (("--history-pairs", given["history_pairs"]), ("--effect-sd", given["effect_sd"])):
            if value:
                raise DesignError("needs --assurance beside it", field=name, value=value)
    elif given["partial_correlation_active"] is not None:
        raise DesignError(
            "does not go with --assurance, which takes one correlation for both arms",
            field="--partial-correlation-active",
            value=given["partial_correlation_active"],
        )
    if given["partial_correlation_active"] is not None and not given["partial_correlation"] > 0:
        raise DesignError(
            "needs --partial-correlation above 0 beside it",
            field="--partial-correlation-active",
            value=given["partial_correlation_active"],
        )


def refuse_a_disordered_interval(given: Mapping[str, Any]) -> None:
    """Refuse an interval that does not hold its estimate."""
    partial, lower, upper = (given[f"partial_{end}"] for end in ("correlation", "lower", "upper"))
    if lower is not None and lower > partial:
        raise DesignError("must not exceed --partial-correlation", field="--partial-lower", value=lower)
    if upper is not None and upper < partial:
        raise DesignError("must not be below --partial-correlation", field="--partial-upper", value=upper)


def shares(allocation: str) -> tuple[float, float]:
    """Return the shares of control and active of a ratio in words.

    Examples
    --------
    >>> shares("1:3")
    (0.25, 0.75)
    """
    try:
        control, active = (float(part) for part in allocation.split(":"))
        if min(control, active) <= 0:
            raise ValueError
    except ValueError:
        raise DesignError(
            "must be two positive numbers",
            field="--allocation",
            value=allocation,
            mend="write control:active, such as 1:2",
        ) from None
    return control / (control + active), active / (control + active)
