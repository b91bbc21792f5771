"""Laws for bounded values and for printed quartiles: logit-normal, maximum entropy, quartile-matched.

| law | scale on which it is smooth | what it meets |
| --- | --- | --- |
| LogitNormalLaw | ln((x − low)/(high − x)) ~ N(μ, σ²) | mean, SD |
| MaximumEntropyLaw | density ∝ exp(λ₁ v + λ₂ v²) on [low, high], λ₂ ≥ 0 | mean, SD |
| QuartileLaw | value, logarithm or logit by the limits | three quartiles, limits |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from trialsim.data import Floats
from trialsim.errors import CardError
from trialsim.population.laws.hermite import latent_grid
from trialsim.population.laws.laws import Law
from trialsim.population.laws.truncated import moment_grid, multipliers, solve_truncated_normal

_PANELS = 512
_INVERSION_STEPS = 60
_BEND = 0.5
_QUARTILE = float(special.ndtri(0.75))
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(12)


@dataclass(frozen=True)
class LogitNormalLaw:
    """lower + width · expit(location + scale z)."""

    mean: float
    sd: float
    lower: float
    upper: float
    location: float
    scale: float
    cuts: tuple[float, ...] = ()

    def from_latent(self, z: Floats) -> Floats:
        """Return F⁻¹(Φ(z)), of the shape of z."""
        return np.asarray(
            self.lower + (self.upper - self.lower) * special.expit(self.location + self.scale * z)
        )


def solve_logit_normal(mean: float, sd: float, lower: float, upper: float) -> LogitNormalLaw:
    """Return the logit-normal law on (lower, upper) with this mean and SD.

    Parameters
    ----------
    mean, sd : float
        Of the law, the mean inside the limits.
    lower, upper : float
        Finite limits.

    Returns
    -------
    LogitNormalLaw
        Its mean and SD are those asked.

    Raises
    ------
    CardError
        If no law on (lower, upper) has this mean and SD.

    Examples
    --------
    >>> law = solve_logit_normal(34.4, 18.920221095, 0.0, 100.0)
    >>> round(law.location, 5), round(law.scale, 5)
    (-0.77301, 0.97843)
    """
    require_feasible(mean, sd, lower, upper)
    width = upper - lower
    m, s = (mean - lower) / width, sd / width
    z, weights = latent_grid()

    def moments(location: float, log_scale: float) -> tuple[float, float]:
        share = special.expit(location + np.exp(log_scale) * z)
        first = float(weights @ share)
        return first, float(np.sqrt(weights @ (share - first) ** 2))

    def miss(point: Floats) -> list[float]:
        first, second = moments(float(point[0]), float(point[1]))
        return [special.logit(first) - special.logit(m), np.log(second / s)]

    start = [float(special.logit(m)), float(np.log(s / (m * (1 - m))))]
    found = optimize.root(miss, start, tol=1e-13)
    if max(abs(np.asarray(miss(found.x)))) > 1e-9:
        raise CardError(
            "is too near the largest possible for a logit-normal law",
            field="sd",
            value=sd,
            mend="use a beta margin",
        )
    return LogitNormalLaw(mean, sd, lower, upper, float(found.x[0]), float(np.exp(found.x[1])))


def require_feasible(mean: float, sd: float, lower: float, upper: float) -> None:
    """Raise `CardError` unless some law on [lower, upper] has this mean and SD: s² < (b − m)(m − a)."""
    if not lower < mean < upper:
        raise CardError(
            f"must lie inside its limits ({lower:g}, {upper:g})",
            field="mean",
            value=mean,
            mend="mend the limits",
        )
    largest = ((mean - lower) * (upper - mean)) ** 0.5
    if sd >= largest:
        raise CardError(
            f"no law on [{lower:g}, {upper:g}] with mean {mean:g} has this SD;"
            f" it must be below {largest:.4g}",
            field="sd",
            value=sd,
            mend="mend the SD or the limits",
        )


@dataclass(frozen=True, eq=False)
class MaximumEntropyLaw:
    """Density ∝ exp(λ₁ v + λ₂ v²), v = (x − mean)/sd, inverted numerically on 512 panels."""

    mean: float
    sd: float
    lower: float
    upper: float
    first: float
    second: float
    cuts: tuple[float, ...] = ()

    def from_latent(self, z: Floats) -> Floats:
        """Return F⁻¹(Φ(z)), of the shape of z: panel by cumulated mass, then bisection inside it."""
        edges = np.linspace(
            (self.lower - self.mean) / self.sd, (self.upper - self.mean) / self.sd, _PANELS + 1
        )
        masses = self._mass(edges[:-1], edges[1:])
        total = masses.sum()
        below = np.concatenate([[0.0], np.cumsum(masses)]) / total
        above = np.concatenate([np.cumsum(masses[::-1])[::-1], [0.0]]) / total
        z = np.asarray(z, dtype=np.float64)
        left = z < 0
        lower_tail, upper_tail = special.ndtr(np.minimum(z, 0.0)), special.ndtr(-np.maximum(z, 0.0))
        panel = np.where(
            left,
            np.searchsorted(below, lower_tail, side="right") - 1,
            _PANELS - np.searchsorted(above[::-1], upper_tail, side="left"),
        )
        panel = np.clip(panel, 0, _PANELS - 1)
        wanted = np.where(left, lower_tail - below[panel], above[panel] - upper_tail) * total
        low, high = edges[panel].copy(), edges[panel + 1].copy()
        start = low.copy()
        for _ in range(_INVERSION_STEPS):
            middle = (low + high) / 2
            short = self._mass(start, middle) < wanted
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return np.clip(self.mean + self.sd * (low + high) / 2, self.lower, self.upper)

    def _mass(self, low: Floats, high: Floats) -> Floats:
        half = (high - low) / 2
        v = (low + half)[..., None] + half[..., None] * _POINTS
        ends = np.array([self.lower - self.mean, self.upper - self.mean]) / self.sd
        top = (self.first * ends + self.second * ends * ends).max()
        return np.asarray(half * (np.exp(self.first * v + self.second * v * v - top) @ _WEIGHTS))


def solve_maximum_entropy(mean: float, sd: float, lower: float, upper: float) -> Law:
    """Return the law of maximum entropy on [lower, upper] with this mean and SD.

    A truncated normal law if λ₂ < 0; if the SD is larger, exponential, flat or U-shaped.

    Parameters
    ----------
    mean, sd : float
        Of the law, the mean inside the limits.
    lower, upper : float
        Finite limits.

    Returns
    -------
    Law
        Its mean and SD are those asked.

    Raises
    ------
    CardError
        If no law on [lower, upper] has this mean and SD, or only one that sits on the two ends.

    Examples
    --------
    >>> flat = solve_maximum_entropy(0.5, 12**-0.5, 0.0, 1.0)
    >>> bool(abs(flat.from_latent(np.array([0.6744897501960817]))[0] - 0.75) < 1e-9)
    True
    """
    require_feasible(mean, sd, lower, upper)
    v, weights = moment_grid((lower - mean) / sd, (upper - mean) / sd)
    first, second, error = multipliers(v, weights)
    if error > 1e-8:
        raise CardError(
            "leaves nearly all the mass on the two limits", field="sd", value=sd, mend="use a binary margin"
        )
    if second < 0:
        return solve_truncated_normal(mean, sd, lower, upper)
    return MaximumEntropyLaw(mean, sd, lower, upper, first, second)


@dataclass(frozen=True)
class QuartileLaw:
    """On its scale y = centre + z (a + b tanh(z/½)): the two halves have spreads a ∓ b tanh(1.349).

    `mean` and `sd` follow from the quartiles.
    """

    mean: float
    sd: float
    lower: float
    upper: float
    centre: float
    slope: float
    bend: float
    cuts: tuple[float, ...] = ()

    def from_latent(self, z: Floats) -> Floats:
        """Return F⁻¹(Φ(z)), of the shape of z."""
        y = self.centre + z * (self.slope + self.bend * np.tanh(z / _BEND))
        return _back(y, self.lower, self.upper)


def match_quartiles(q1: float, median: float, q3: float, lower: float, upper: float) -> QuartileLaw:
    """Return a smooth law with these quartiles within these limits, either of which may be infinite.

    Parameters
    ----------
    q1, median, q3 : float
        Quartiles, ascending.
    lower, upper : float
        Limits around them; may be infinite.

    Returns
    -------
    QuartileLaw
        Its quartiles are those asked.

    Raises
    ------
    CardError
        If the quartiles do not ascend inside the limits, or one half is more than six times as wide as
        the other on the scale that the limits imply.

    Examples
    --------
    >>> law = match_quartiles(857.0, 1437.0, 2650.0, 0.0, np.inf)
    >>> [round(float(x), 6) for x in law.from_latent(special.ndtri(np.array([0.25, 0.5, 0.75])))]
    [857.0, 1437.0, 2650.0]
    """
    if not lower < q1 < median < q3 < upper:
        raise CardError(
            "limits and quartiles must ascend",
            field="q1",
            value=(lower, q1, median, q3, upper),
            mend="sort them",
        )
    low, middle, high = (float(_scaled(x, lower, upper)) for x in (q1, median, q3))
    below, above = (middle - low) / _QUARTILE, (high - middle) / _QUARTILE
    slope, bend = (above + below) / 2, (above - below) / (2 * np.tanh(_QUARTILE / _BEND))
    # z tanh(z/τ) rises by at most 1.2 a unit of z, so this keeps the quantiles ascending.
    if slope <= 1.2 * abs(bend):
        raise CardError(
            "the quartiles are too skew for one smooth law",
            field="median",
            value=median,
            mend="give the lower limit, such as 0, so that the logarithm is used",
        )
    unsolved = QuartileLaw(np.nan, np.nan, lower, upper, middle, slope, float(bend))
    z, weights = latent_grid()
    x = unsolved.from_latent(z)
    mean = float(weights @ x)
    sd = float(np.sqrt(weights @ (x - mean) ** 2))
    return QuartileLaw(mean, sd, lower, upper, middle, slope, float(bend))


def _scaled(x: float, lower: float, upper: float) -> float:
    if np.isinf(lower) and np.isinf(upper):
        return x
    if np.isinf(upper):
        return float(np.log(x - lower))
    if np.isinf(lower):
        return float(-np.log(upper - x))
    return float(np.log((x - lower) / (upper - x)))


def _back(y: Floats, lower: float, upper: float) -> Floats:
    if np.isinf(lower) and np.isinf(upper):
        return y
    if np.isinf(upper):
        return np.asarray(lower + np.exp(y))
    if np.isinf(lower):
        return np.asarray(upper - np.exp(-y))
    return np.asarray(lower + (upper - lower) * special.expit(y))
