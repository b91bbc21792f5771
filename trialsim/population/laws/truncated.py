"""The truncated normal law with a given mean and SD after truncation."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from trialsim.data import Floats
from trialsim.errors import CardError
from trialsim.population.laws.laws import TruncatedNormalLaw

_FARTHEST = 40.0
_PANELS = 60
_NODES = 24
_NEWTON_STEPS = 200
_PRECISION = 1e-13
_NEAR = 1e-10


def solve_truncated_normal(mean: float, sd: float, lower: float, upper: float) -> TruncatedNormalLaw:
    """Return the normal law cut to [lower, upper] that has this mean and SD after the cut.

    With v = (x − mean)/sd the density of maximum entropy is ∝ exp(λ₁ v + λ₂ v²); its multipliers
    minimise the convex dual log ∫ exp(λ₁ v + λ₂ v²) dv − λ₂, whose gradient is (E v, E v² − 1). The
    solution is a truncated normal law if λ₂ < 0.

    Parameters
    ----------
    mean, sd : float
        Moments after truncation.
    lower, upper : float
        Limits, one of them may be infinite.

    Returns
    -------
    TruncatedNormalLaw
        With location and scale before truncation.

    Raises
    ------
    CardError
        If the mean lies outside the limits, or no truncated normal law has so large an SD.

    Examples
    --------
    >>> law = solve_truncated_normal(44.450765697, 12.926183123, 18.0, 100.0)
    >>> round(law.location, 4), round(law.scale, 4)
    (43.3001, 14.0593)
    """
    if not lower < mean < upper:
        raise CardError(
            f"must lie inside its limits ({lower:g}, {upper:g})",
            field="mean",
            value=mean,
            mend="mend the limits",
        )
    v, weights = moment_grid((lower - mean) / sd, (upper - mean) / sd)
    largest = _largest_sd(v, weights) * sd
    if not sd < largest:
        raise CardError(
            f"no normal law cut to [{lower:g}, {upper:g}] with mean {mean:g} has this SD;"
            f" it must be below {largest:.4g}",
            field="sd",
            value=sd,
            mend="mend the limits, or use a beta margin, which allows larger SDs",
        )
    first, second, _ = multipliers(v, weights)
    location = mean - sd * first / (2 * second)
    return TruncatedNormalLaw(mean, sd, lower, upper, float(location), float(sd * np.sqrt(-0.5 / second)))


def moment_grid(low: float, high: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of composite Gauss–Legendre quadrature between two limits, in SDs."""
    edges = np.linspace(max(low, -_FARTHEST), min(high, _FARTHEST), _PANELS + 1)
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    half = np.diff(edges)[:, None] / 2
    return ((edges[:-1, None] + half) + half * points).ravel(), (half * weights).ravel()


def _law(v: Floats, weights: Floats, first: float, second: float) -> tuple[float, Floats]:
    exponent = first * v + second * v * v
    top = exponent.max()
    mass = weights * np.exp(exponent - top)
    return float(np.log(mass.sum()) + top), mass / mass.sum()


def _largest_sd(v: Floats, weights: Floats) -> float:
    """Return the SD of the exponential law on the grid with mean 0, the limit λ₂ = 0."""

    def mean_at(first: float) -> float:
        return float(_law(v, weights, first, 0.0)[1] @ v)

    reach = 1.0
    while mean_at(-reach) > 0 or mean_at(reach) < 0:
        reach *= 2
        if reach > 1e6:
            return np.inf
    first = optimize.brentq(mean_at, -reach, reach, xtol=1e-14)
    return float(np.sqrt(_law(v, weights, first, 0.0)[1] @ (v * v)))


def multipliers(v: Floats, weights: Floats) -> tuple[float, float, float]:
    """Return λ₁ and λ₂ of the law on the grid with mean 0 and SD 1, and by how much its moments miss."""
    features = np.column_stack([v, v * v])
    target = np.array([0.0, 1.0])
    point = np.array([0.0, -0.5])
    value = _law(v, weights, *point)[0] - point @ target
    for _ in range(_NEWTON_STEPS):
        law = _law(v, weights, *point)[1]
        mean = law @ features
        centred = features - mean
        step = np.linalg.solve((centred * law[:, None]).T @ centred, mean - target)
        decrease = (mean - target) @ step
        if np.abs(mean - target).max() < _PRECISION:
            break
        size = 1.0
        # Near the minimum the dual is flat to rounding, so that only the full step makes sense.
        while decrease > _NEAR:
            trial = point - size * step
            trial_value = _law(v, weights, *trial)[0] - trial @ target
            if trial_value <= value - 0.1 * size * decrease or size < 1e-8:
                break
            size /= 2
        point = point - size * step
        value = _law(v, weights, *point)[0] - point @ target
    miss = _law(v, weights, *point)[1] @ features - target
    return float(point[0]), float(point[1]), float(np.abs(miss).max())
