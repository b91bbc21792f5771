"""The drift at which a group-sequential design has its power."""

from __future__ import annotations

from collections.abc import Callable

from scipy.optimize import brentq

from trialsim.design.group_sequential.crossing import Walk, crossings
from trialsim.design.group_sequential.futility import BoundaryProblem
from trialsim.design.group_sequential.near_line import probability_root
from trialsim.errors import DesignError

_LARGEST_DRIFT = 40.0


def drift_for_power(problem: BoundaryProblem, fixed: float, power: float) -> tuple[float, Walk]:
    """Return the drift that gives the power, and the bounds and densities there.

    Parameters
    ----------
    problem : BoundaryProblem
        What bounds are asked for.
    fixed : float
        Drift at which one look has the power.
    power : float
        Wanted probability of crossing an upper bound.

    Raises
    ------
    DesignError
        No drift reaches the power.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.design.group_sequential.spending import PocockSpending
    >>> looks = np.array([0.5, 1.0])
    >>> problem = BoundaryProblem(looks, looks, PocockSpending(), None, 0.025, 0.1, largest_drift=6.5)
    >>> round(drift_for_power(problem, 3.241516, 0.9)[0], 4)
    3.4168
    """
    kept = None if problem.rests_on_drift else problem.path(fixed)

    def reached(drift: float) -> float:
        return float(crossings(problem.path(drift) if kept is None else kept, drift).upper.sum())

    drift = probability_root(reached, power, 1.03 * fixed, 1.0)
    if drift is None:
        drift = brentq(lambda d: reached(d) - power, 0.99 * fixed, _enough(reached, fixed, power), xtol=1e-11)
    return drift, problem.path(drift) if kept is None else kept


def _enough(reached: Callable[[float], float], fixed: float, power: float) -> float:
    """Return a drift with at least the power."""
    high = 1.1 * fixed
    while reached(high) < power:
        high *= 1.3
        if high > _LARGEST_DRIFT:
            raise DesignError(
                "is not reached at any effect: the trial stops for futility too often",
                field="power",
                value=power,
                mend="lower the futility bounds",
            )
    return high
