"""Sizes against any margin with the Guenther-Schouten term, and what dropout adds to them."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.errors import DesignError


def guenther_schouten_size(
    variance: float,
    effect: float,
    *,
    margin: float = 0.0,
    power: float = 0.9,
    alpha: float = 0.05,
    direction: Direction | None = None,
) -> float:
    """Return the total size to analyse, ``N = (z_{1−α/2} + z_power)² V/(τ − Δ)² + z²_{1−α/2}/2``.

    The last term makes up for the t distribution of the test statistic.

    Parameters
    ----------
    variance : float
        V = n Var(τ̂), above 0: of `asymptotic_variance`, `PredictionMoments.variance`, or
        ((1 + r)²/r) σ²(1 − R²) for equal arms and r active participants for each control.
    effect, margin : float
        Assumed effect τ and the difference Δ under the null: a Δ on the unfavourable side of 0 asks
        for non-inferiority.
    power, alpha : float
        Power, and *two-sided* level.
    direction : {"greater", "less"}, optional
        Side of the claim; as for `MeansQuestion`.

    Returns
    -------
    float
        Participants to analyse in both arms, not rounded.

    Raises
    ------
    DesignError
        The effect lies at the margin or on the wrong side of it, or a number is out of range.

    Examples
    --------
    >>> ratio = 2 / 3
    >>> round(guenther_schouten_size((1 + ratio) ** 2 / ratio * 27.3, 2, margin=-1), 6)
    134.722882
    """
    _check(variance, effect, margin, alpha)
    if not alpha < power < 1:
        raise DesignError("must lie between alpha and 1", field="power", value=power)
    refuse_wrong_side(claimed(effect - margin, direction, margin == 0), "effect", effect)
    critical = float(ndtri(1 - alpha / 2))
    return (critical + float(ndtri(power))) ** 2 * variance / (effect - margin) ** 2 + critical**2 / 2


def guenther_schouten_power(
    total: float,
    variance: float,
    effect: float,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    direction: Direction | None = None,
) -> float:
    """Return the power ``Φ(√((n − z²/2)(τ − Δ)²/V) − z)`` with z = z_{1−α/2}; 0 where n ≤ z²/2.

    Parameters
    ----------
    total : float
        Participants to analyse in both arms.
    variance : float
        V = n Var(τ̂), in squared points, above 0.
    effect : float
        Assumed effect τ, in points.
    margin : float
        Effect under the null Δ, in points.
    alpha : float
        Two-sided level, in (0, 1).
    direction : {"greater", "less"}, optional
        Side of the claim; that of the effect if left out.

    Returns
    -------
    float
        In [0, 1).

    Raises
    ------
    DesignError
        A number out of range.

    Examples
    --------
    >>> round(guenther_schouten_power(200, (1 + 2) ** 2 / 2 * 6, 1, margin=0.5), 7)
    0.2723615
    """
    _check(variance, effect, margin, alpha)
    critical = float(ndtri(1 - alpha / 2))
    left = total - critical**2 / 2
    if left <= 0:
        return 0.0
    distance = claimed(effect - margin, direction, margin == 0)
    return float(ndtr(distance * math.sqrt(left / variance) - critical))


def _check(variance: float, effect: float, margin: float, alpha: float) -> None:
    if not 0 < variance < math.inf:
        raise DesignError("must be above 0", field="variance", value=variance)
    if effect == margin or not math.isfinite(effect - margin):
        raise DesignError("must differ from the margin: no size detects it", field="effect", value=effect)
    if not 0 < alpha < 1:
        raise DesignError("must lie between 0 and 1", field="alpha", value=alpha)
