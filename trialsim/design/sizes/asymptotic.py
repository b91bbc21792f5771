"""Sizes in the normal approximation: closed forms to check by hand, without small-sample terms."""

from __future__ import annotations

import math

from scipy.special import ndtri

from trialsim.design.sizes.variance import Adjustment
from trialsim.errors import DesignError


def asymptotic_size(variance: float, effect: float, *, power: float = 0.9, alpha: float = 0.05) -> float:
    """Return the total number of analysed participants, not rounded.

    Parameters
    ----------
    variance : float
        V = n Var(τ̂); see `asymptotic_variance`.
    effect : float
        τ, not 0.
    power : float
        Asked power.
    alpha : float
        Two-sided level.

    Returns
    -------
    float
        ``N = (z_{1−α/2} + z_{power})² V / τ²``.

    Raises
    ------
    DesignError
        If a number is out of range.

    Examples
    --------
    >>> round(asymptotic_size(4.0, 0.3), 3)
    466.997
    """
    if not 0 <= variance < math.inf:
        raise DesignError("must be a finite number of at least 0", field="variance", value=variance)
    _check(effect, power, alpha)
    return float((ndtri(1 - alpha / 2) + ndtri(power)) ** 2 * variance / effect**2)


def asymptotic_controls(
    active: float, left: Adjustment, effect: float, *, power: float = 0.9, alpha: float = 0.05
) -> float:
    """Return the number of analysed controls beside a fixed active arm, for interacted slopes.

    Parameters
    ----------
    active : float
        Analysed active participants n1.
    left : Adjustment
        Residual variances κ_a² and slope gap q.
    effect, power, alpha : float
        As in `asymptotic_size`.

    Returns
    -------
    float
        The positive root n0 of ``κ0²/n0 + q/(n0 + n1) = D − κ1²/n1`` with
        ``D = (τ / (z_{1−α/2} + z_{power}))²``; infinite where the active arm alone is too small.

    Raises
    ------
    DesignError
        If a number is out of range.

    Notes
    -----
    From a 1:1 design with equal arms and score–outcome correlation ρ the cut is 2ρ²/(1 + ρ²).

    Examples
    --------
    >>> left = Adjustment((0.75, 0.75), 0.0, 1)
    >>> n = asymptotic_size(4.0, 0.3) / 2
    >>> round(asymptotic_controls(n, left, 0.3), 3), round(1 - asymptotic_controls(n, left, 0.3) / n, 9)
    (140.099, 0.4)
    """
    if not active > 0:
        raise DesignError("must be above 0", field="active", value=active)
    _check(effect, power, alpha)
    precision = (effect / float(ndtri(1 - alpha / 2) + ndtri(power))) ** 2
    rest = precision - left.residual_variance[1] / active
    if rest <= 0:
        return math.inf
    own, gap = left.residual_variance[0], left.slope_gap
    linear = own + gap - rest * active
    return (linear + math.sqrt(linear**2 + 4 * own * rest * active)) / (2 * rest)


def _check(effect: float, power: float, alpha: float) -> None:
    if effect == 0 or not math.isfinite(effect):
        raise DesignError("must not be 0: no size detects it", field="effect", value=effect)
    if not 0 < alpha < power < 1:
        raise DesignError("must lie between alpha and 1", field="power", value=power)
