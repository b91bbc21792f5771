"""Sizes against any margin with the Guenther-Schouten term, and what dropout adds to them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialsim.design.repeated_measures.large_sample import large_sample_inflation
from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.design.sizes.variance import Pair, require_shares
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


def two_visit_inflation(dropout: float, visit_correlation: float) -> float:
    """Return what dropout after one observed earlier visit adds to an arm's variance in an MMRM.

    ``1 + (d/(1 − d))(1 − r²)``, r the residual correlation of the two visits: between 1 (the early
    visit tells all) and 1/(1 − d) (complete cases).

    Examples
    --------
    >>> round(two_visit_inflation(0.2, 0.8), 10)
    1.09
    """
    if not 0 <= dropout < 1:
        raise DesignError("must lie in [0, 1)", field="dropout", value=dropout)
    if not -1 <= visit_correlation <= 1:
        raise DesignError("must lie in [-1, 1]", field="visit_correlation", value=visit_correlation)
    return 1 + dropout / (1 - dropout) * (1 - visit_correlation**2)


def score_adjusted_covariance(covariance: ArrayLike, score_covariance: ArrayLike) -> np.ndarray:
    """Return the covariance of the visits that is left after regression on a score of unit variance.

    ``Σ − c c'`` with c_j = cov(Y_j, M)/sd(M): with one score for all visits, or scores that differ
    between visits by a factor only. Sizes with time-matched scores that differ otherwise need the
    residual covariance itself.

    Parameters
    ----------
    covariance : array_like (V, V)
        Covariance of the outcomes at the visits.
    score_covariance : array_like (V,)
        Covariance of each visit's outcome with the standardised score.

    Examples
    --------
    >>> score_adjusted_covariance([[1.0, 0.5], [0.5, 1.0]], [0.3, 0.6]).round(2)
    array([[0.91, 0.32],
           [0.32, 0.64]])
    """
    sigma, c = np.asarray(covariance, dtype=float), np.asarray(score_covariance, dtype=float)
    if sigma.ndim != 2 or sigma.shape != (len(c), len(c)):
        raise DesignError(
            "must be V by V with as many visits as the score's covariances",
            field="covariance",
            value=sigma.shape,
        )
    left = sigma - np.outer(c, c)
    if np.linalg.eigvalsh(left).min() <= 0:
        raise DesignError(
            "explains more than there is: no covariance is left",
            field="score_covariance",
            mend="give covariances that the visits' covariance allows",
        )
    return np.asarray(left)


def mmrm_variance(
    covariance: tuple[ArrayLike, ArrayLike], retention: tuple[ArrayLike, ArrayLike], shares: Pair
) -> float:
    """Return n Var(τ̂) at the last visit of an unstructured MMRM under monotone dropout at random.

    Per arm ``φ_a Σ_JJ / π_a`` with ``φ_a Σ_JJ = [(Σ_j p_j E_j' Σ_(j)⁻¹ E_j)⁻¹]_JJ``, p_j the share
    whose last visit is j (Lu, Luo and Chen 2008). Give the covariance that is left after adjustment.

    Parameters
    ----------
    covariance : pair of array_like (V, V)
        Residual covariance of the visits in (control, active).
    retention : pair of array_like (V,)
        Share observed at each visit, never rising, in (control, active).
    shares : pair of float
        Shares (π0, π1) of the *randomised* participants.

    Returns
    -------
    float
        V = n Var(τ̂), in squared points, n the randomised participants.

    Examples
    --------
    >>> sigma, seen = [[1.0, 0.8], [0.8, 1.0]], [1.0, 0.8]
    >>> round(mmrm_variance((sigma, sigma), (seen, seen), (0.5, 0.5)), 10)
    4.36
    """
    variance = 0.0
    for sigma, seen, share in zip(covariance, retention, require_shares("shares", shares), strict=True):
        matrix = np.asarray(sigma, dtype=float)
        sd = np.sqrt(np.diag(matrix))
        variance += sd[-1] ** 2 * large_sample_inflation(matrix / np.outer(sd, sd), seen) / share
    return float(variance)


def _check(variance: float, effect: float, margin: float, alpha: float) -> None:
    if not 0 < variance < math.inf:
        raise DesignError("must be above 0", field="variance", value=variance)
    if effect == margin or not math.isfinite(effect - margin):
        raise DesignError("must differ from the margin: no size detects it", field="effect", value=effect)
    if not 0 < alpha < 1:
        raise DesignError("must lie between 0 and 1", field="alpha", value=alpha)
