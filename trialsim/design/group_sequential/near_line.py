"""Roots of probabilities that are nearly a straight line on the normal scale."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.special import ndtri

_CLOSE, _LONGEST, _TRIES = 1e-7, 2.0, 12


def probability_root(
    probability: Callable[[float], float], target: float, start: float, slope: float
) -> float | None:
    r"""Return x with probability(x) = target, or None where the steps do not settle.

    Parameters
    ----------
    probability : callable
        Monotone, with values in (0, 1).
    target : float
        In (0, 1).
    start, slope : float
        Where to begin, and about how Φ⁻¹(probability) rises there.

    Notes
    -----
    Secant steps on :math:`\Phi^{-1}(p(x)) - \Phi^{-1}(target)`, which is nearly linear for power in a drift
    and for crossing probabilities in a bound, so that four evaluations do. After a step below 1e-7 the
    error is of the order of that step times the one before, and less than 1e-10.

    Examples
    --------
    >>> from scipy.special import ndtr
    >>> round(probability_root(lambda x: float(ndtr(x - 1)), 0.9, 1.0, 1.1), 9)
    2.281551566
    """
    wanted = float(ndtri(target))
    x, value = start, float(ndtri(probability(start))) - wanted
    for _ in range(_TRIES):
        step = -value / slope
        if not abs(step) <= _LONGEST:
            return None
        x += step
        if abs(step) < _CLOSE:
            return x
        before, value = value, float(ndtri(probability(x))) - wanted
        slope = (value - before) / step
        if slope == 0.0 or not math.isfinite(slope):
            return None
    return None
