"""Crossing probabilities of a sequence of correlated z statistics, by recursive integration."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_PANEL_WIDTH = 6.0  # In units of the narrowest Gaussian in the integrand; 24 nodes then leave about 1e-12.
_REACH = 8.0  # Standard deviations beyond which no mass is kept: 6e-16.
_REACH_DOWN = 6.5  # The same where there is no lower bound.
_FAR = 9.0  # Beyond, a Gaussian adds less than 3e-18 of its height.
_SQRT_HALF = math.sqrt(0.5)
_SQRT_2PI = math.sqrt(2 * math.pi)


class Walk(NamedTuple):
    """Bounds, and the density of the statistic where the trial goes on.

    Parameters
    ----------
    time : ndarray (K,)
        Information at each look, ascending; 1 is the planned maximum.
    upper, lower : ndarray (K,)
        Bounds on the z scale; infinite where there is none.
    mean : ndarray (K,)
        Mean of z at each look, under which the densities were found.
    nodes, mass : ndarray (K, N)
        Quadrature nodes between the bounds, and weight times density there.
    used : ndarray (K,) of int
        Nodes in use at each look.
    """

    time: Floats
    upper: Floats
    lower: Floats
    mean: Floats
    nodes: Floats
    mass: Floats
    used: Counts


class Crossings(NamedTuple):
    """Probabilities of stopping at each look, each as an array (K,)."""

    upper: Floats
    lower: Floats

    @property
    def stopped(self) -> Floats:
        """Probability of stopping at each look, either way."""
        return np.asarray(self.upper + self.lower)


def walk(
    time: Floats,
    upper: Floats,
    lower: Floats | None = None,
    *,
    mean: Floats | None = None,
    upper_spending: Floats | None = None,
    lower_spending: Floats | None = None,
    lower_drift: float = 0.0,
    symmetric: bool = False,
    drifts: tuple[float, float] = (0.0, 6.0),
) -> Walk:
    """Carry the density of z from look to look, finding bounds that are asked for by a probability.

    Parameters
    ----------
    time : ndarray (K,)
        Information at each look, above 0, ascending.
    upper : ndarray (K,)
        Upper bounds on the z scale; NaN where the bound shall spend `upper_spending`.
    lower : ndarray (K,), optional
        Lower bounds; NaN where the bound shall spend `lower_spending`; none if left out.
    mean : ndarray (K,), optional
        Mean of z at each look; 0 if left out.
    upper_spending, lower_spending : ndarray (K,), optional
        Probability of crossing first at each look. The upper one is meant under `mean`, the lower
        one under a further drift of `lower_drift` at information 1.
    symmetric : bool
        The lower bound is the upper one with its sign turned.
    drifts : pair of float
        Range of drifts that the result will be asked for, which sets how far the nodes reach.

    Returns
    -------
    Walk
        A bound that cannot spend its probability, because less is left, meets the other bound.

    Notes
    -----
    With r = √(t_{k−1}/t_k) and s = √(1 − r²),

    ``P(cross at k) = ∫ g_{k−1}(x) Φ̄((u_k − r x − Δ_k)/s) dx``,
    ``g_k(y) = ∫ g_{k−1}(x) φ((y − r x − Δ_k)/s)/s dx`` for l_k < y < u_k

    (Armitage, McPherson & Rowe 1969; Jennison & Turnbull 2000, ch. 19), by Gauss–Legendre quadrature
    on panels no wider than 6 times the narrowest Gaussian.

    Examples
    --------
    >>> import numpy as np
    >>> spent = np.array([0.00152532, 0.02347468])
    >>> walk(np.array([0.5, 1.0]), np.full(2, np.nan), upper_spending=spent).upper.round(5)
    array([2.96259, 1.9686 ])
    """
    looks = len(time)
    zeros = np.zeros(looks)
    return Walk(
        *walk_row(
            time,
            np.array(upper, dtype=np.float64),
            np.full(looks, -np.inf) if lower is None else np.array(lower, dtype=np.float64),
            zeros if mean is None else mean,
            zeros if upper_spending is None else upper_spending,
            zeros if lower_spending is None else lower_spending,
            lower_drift,
            symmetric,
            drifts[0],
            drifts[1],
        )
    )


def crossings(path: Walk, drift: float = 0.0) -> Crossings:
    """Return the stopping probabilities under a drift added to the means of a walk.

    Parameters
    ----------
    path : Walk
        Bounds and densities.
    drift : float
        Mean of z at information 1 beyond `Walk.mean`, within the drifts that the walk was asked for.

    Notes
    -----
    Densities need not be found again: for a constant effect the likelihood ratio against the walk's
    own means depends on the last statistic alone, exp(ϑ√t (z − m) − ϑ²t/2).

    Examples
    --------
    >>> import numpy as np
    >>> path = walk(np.array([0.5, 1.0]), np.array([2.9625880, 1.9685956]))
    >>> crossings(path, 3.2470504).upper.cumsum().round(4)
    array([0.2525, 0.9   ])
    """
    return Crossings(*_crossings(*path, drift))


def crossing_probabilities(time: Floats, upper: Floats, lower: Floats, mean: Floats) -> Crossings:
    """Return the stopping probabilities of given bounds for any means of z.

    Parameters
    ----------
    time, upper, lower, mean : ndarray (K,)
        Information, bounds and means of z at each look. Means need not follow a constant effect.

    Examples
    --------
    >>> import numpy as np
    >>> never = np.array([-np.inf, -np.inf])
    >>> bounds = np.array([2.9625880, 1.9685956])
    >>> crossing_probabilities(np.array([0.5, 1.0]), bounds, never, np.zeros(2)).upper.sum().round(4)
    np.float64(0.025)
    """
    return crossings(walk(time, upper, lower, mean=mean, drifts=(0.0, 0.0)))


@njit(cache=True)
def _upper_tail(z: float) -> float:
    return 0.5 * math.erfc(z * _SQRT_HALF)


@njit(cache=True)
def _upper_quantile(
    points: Floats, weights: Floats, count: int, spread: float, target: float, centre: float
) -> float:
    """Return v with Σ w Φ̄((v − p)/s) = target, or -inf if the sum never gets there.

    The sum is log-concave in v and at most Φ̄(v − centre), so that Newton's method on its logarithm,
    started where that majorant's own majorant exp(−v²/2)/2 meets the target, comes down to the root
    without passing it.
    """
    if target <= 0.0:
        return np.inf
    v = centre + math.sqrt(max(0.0, -2.0 * math.log(2.0 * target)))
    for _ in range(200):
        tail, density = 0.0, 0.0
        for i in range(count):
            z = (v - points[i]) / spread
            tail += weights[i] * _upper_tail(z)
            density += weights[i] * math.exp(-0.5 * z * z)
        density /= spread * _SQRT_2PI
        if tail <= 0.0:
            # The look adds so little that the start lies beyond all that can be told from 0.
            nearer = _nearer_start(points, weights, count, spread, target)
            if not nearer < v:
                return np.inf
            v = nearer
            continue
        if density <= 0.0 or v < centre - 40.0:
            return -np.inf
        step = math.log(tail / target) * tail / density
        v += step
        if abs(step) < 1e-12:
            break
    return v


@njit(cache=True)
def _nearer_start(points: Floats, weights: Floats, count: int, spread: float, target: float) -> float:
    """Return a start above the root: all the mass taken to lie at its topmost point."""
    top, mass = -np.inf, 0.0
    for i in range(count):
        top = max(top, points[i])
        mass += weights[i]
    if mass <= 0.0:
        return np.inf
    return top + spread * math.sqrt(max(0.0, -2.0 * math.log(2.0 * target / mass)))


@njit(cache=True)
def _scale(time: Floats, k: int) -> float:
    """Return the narrowest Gaussian scale of the integrand over z at look k."""
    before = time[k - 1] if k > 0 else 0.0
    precision = time[k] / (time[k] - before)
    if k + 1 < len(time):
        precision += time[k] / (time[k + 1] - time[k])
    return 1.0 / math.sqrt(precision)


@njit(cache=True)
def _fill(low: float, high: float, scale: float, nodes: Floats, weights: Floats) -> int:
    """Write nodes and weights of a composite rule over [low, high]; return how many."""
    if high <= low:
        return 0
    panels = max(1, math.ceil((high - low) / (_PANEL_WIDTH * scale)))
    half = 0.5 * (high - low) / panels
    n = 0
    for panel in range(panels):
        middle = low + (2 * panel + 1) * half
        for j in range(len(_NODES)):
            nodes[n] = middle + half * _NODES[j]
            weights[n] = half * _WEIGHTS[j]
            n += 1
    return n


@njit(cache=True)
def _last_points(
    time: Floats, mean: Floats, nodes: Floats, mass: Floats, used: Counts, k: int, drift: float
) -> tuple[Floats, Floats, float]:
    """Return where z at look k is expected from each node before, the node's mass, and the spread."""
    if k == 0:
        return np.full(1, mean[0] + drift * math.sqrt(time[0])), np.ones(1), 1.0
    n = used[k - 1]
    now, before = math.sqrt(time[k]), math.sqrt(time[k - 1])
    shift = (mean[k] * now - mean[k - 1] * before + drift * (time[k] - time[k - 1])) / now
    points, weights = np.empty(n), np.empty(n)
    for i in range(n):
        points[i] = nodes[k - 1, i] * before / now + shift
        weights[i] = mass[k - 1, i]
        if drift != 0.0:
            weights[i] *= math.exp(
                drift * before * (nodes[k - 1, i] - mean[k - 1]) - 0.5 * drift * drift * time[k - 1]
            )
    return points, weights, math.sqrt(1.0 - time[k - 1] / time[k])


@njit(cache=True)
def walk_row(
    time: Floats,
    upper: Floats,
    lower: Floats,
    mean: Floats,
    upper_spending: Floats,
    lower_spending: Floats,
    lower_drift: float,
    symmetric: bool,
    least_drift: float,
    largest_drift: float,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Counts]:
    """Return the fields of a `Walk`; for callers that are compiled themselves. Fills bounds in place."""
    looks = len(time)
    finest = min([_scale(time, k) for k in range(looks)])
    widest = 2 * _REACH + max(largest_drift, 0.0) - min(least_drift, 0.0)
    size = len(_NODES) * (
        1 + math.ceil(widest * math.sqrt(max(1.0, time[looks - 1])) / (_PANEL_WIDTH * finest))
    )
    nodes, mass = np.empty((looks, size)), np.empty((looks, size))
    used = np.zeros(looks, np.int64)
    # Without lower bounds nothing is asked of the lower tail, and none of it comes back up to count.
    reach = _REACH
    if not symmetric and np.all(np.isneginf(lower)):
        reach = _REACH_DOWN
    for k in range(looks):
        root = math.sqrt(time[k])
        points, weights, spread = _last_points(time, mean, nodes, mass, used, k, 0.0)
        if math.isnan(upper[k]):
            upper[k] = _upper_quantile(points, weights, len(points), spread, upper_spending[k], mean[k])
        if symmetric:
            lower[k] = -upper[k]
        elif math.isnan(lower[k]):
            tilted, tilts, _ = _last_points(time, mean, nodes, mass, used, k, lower_drift)
            centre = mean[k] + lower_drift * root
            lower[k] = -_upper_quantile(-tilted, tilts, len(tilted), spread, lower_spending[k], -centre)
        lower[k] = min(lower[k], upper[k])
        if k == looks - 1:
            break
        low = max(lower[k], mean[k] - reach + min(0.0, least_drift) * root)
        high = min(upper[k], mean[k] + _REACH + max(0.0, largest_drift) * root)
        used[k] = _fill(low, high, _scale(time, k), nodes[k], mass[k])
        inverse = 1.0 / spread
        for j in range(used[k]):
            density = 0.0
            for i in range(len(points)):
                z = (nodes[k, j] - points[i]) * inverse
                if abs(z) < _FAR:
                    density += weights[i] * math.exp(-0.5 * z * z)
            mass[k, j] *= density * inverse / _SQRT_2PI
    return time, upper, lower, mean, nodes, mass, used


@njit(cache=True)
def _crossings(
    time: Floats,
    upper: Floats,
    lower: Floats,
    mean: Floats,
    nodes: Floats,
    mass: Floats,
    used: Counts,
    drift: float,
) -> tuple[Floats, Floats]:
    looks = len(time)
    up, low = np.zeros(looks), np.zeros(looks)
    for k in range(looks):
        points, weights, spread = _last_points(time, mean, nodes, mass, used, k, drift)
        for i in range(len(points)):
            up[k] += weights[i] * _upper_tail((upper[k] - points[i]) / spread)
            low[k] += weights[i] * _upper_tail((points[i] - lower[k]) / spread)
    return up, low
