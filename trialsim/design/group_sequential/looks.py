"""What looks and errors a group-sequential design may have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.design.group_sequential.crossing import Floats
from trialsim.design.group_sequential.futility import FutilityRule
from trialsim.errors import DesignError

NEAREST_LOOKS = 1e-4


def checked_times(times: Sequence[float] | Floats, field: str, last: float | None) -> Floats:
    """Return times as an array if they ascend from above 0 and end as they must.

    Examples
    --------
    >>> checked_times([0.5, 1.0], "information", last=1.0)
    array([0.5, 1. ])
    """
    checked = np.asarray(times, dtype=np.float64)
    if checked.ndim != 1 or len(checked) == 0 or not np.isfinite(checked).all():
        raise DesignError("must be a list of numbers", field=field, value=list(times))
    if checked[0] <= 0 or np.any(np.diff(checked) < NEAREST_LOOKS):
        raise DesignError(
            "must ascend from above 0, each look after the one before",
            field=field,
            value=checked.tolist(),
            mend="put the looks in order, the interim ones before the final one",
        )
    if last is not None and abs(checked[-1] - last) > 1e-12:
        raise DesignError(
            f"must end with {last:g}",
            field=field,
            value=checked.tolist(),
            mend="give information relative to its maximum; no look lies after the final one",
        )
    return checked


def check_errors(alpha: float, power: float, sides: int, futility: FutilityRule | None) -> None:
    """Refuse errors out of range, and futility where there are two sides."""
    if not 0 < alpha < 0.5:
        raise DesignError("must lie between 0 and 0.5", field="alpha", value=alpha)
    if not alpha < power < 1:
        raise DesignError("must lie between alpha and 1", field="power", value=power)
    if sides not in (1, 2):
        raise DesignError("must be 1 or 2", field="sides", value=sides)
    if sides == 2 and futility is not None:
        raise DesignError(
            "is offered for one-sided designs only",
            field="futility",
            value=futility.label,
            mend="plan one-sided at half the alpha",
        )
