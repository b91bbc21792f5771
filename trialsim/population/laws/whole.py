"""Whole numbers that spread as a smooth law does: ages, scores, counts, with zeros of their own if asked.

Level k has the mass that a smooth law has from k − ½ to k + ½; within limits the masses are brought to 1.
With a share of zeros π the levels from 1 on share 1 − π. The smooth law is solved so that mean and SD of the
*whole numbers* are those asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import optimize, special

from trialsim.data import Floats
from trialsim.errors import CardError
from trialsim.population.laws.bounded import require_feasible
from trialsim.population.laws.laws import BetaLaw, GammaLaw, LognormalLaw, NormalLaw, StepLaw

WholeShape = Literal["normal", "lognormal", "gamma", "beta"]

# The latent value beyond which a law has 1e-13 of its mass; a lognormal law is cut where it has 1e-7 left,
# its moments solved after the cut: its tail would need thousands of levels that nobody is drawn at.
_REACH = 7.35
_REACH_OF_LONG_TAIL = 5.2
_MOST_LEVELS = 500
_LEAST_MASS = 1e-15
_CLOSE = 1e-8


@lru_cache(maxsize=256)
def whole_law(
    shape: WholeShape,
    mean: float,
    sd: float,
    lower: float = -np.inf,
    upper: float = np.inf,
    zeros: float | None = None,
) -> StepLaw:
    """Return the law of whole numbers with this mean, SD, limits and share of zeros.

    Parameters
    ----------
    shape : str
        Of the smooth law that is rounded: ``normal``, ``lognormal``, ``gamma`` or ``beta``.
    mean, sd : float
        Moments of the whole numbers, zeros among them; sd above 0.
    lower, upper : float
        Smallest and largest whole number; a beta shape needs both.
    zeros : float, optional
        Share of zeros, in (0, 1), beside which the other numbers are above 0.

    Raises
    ------
    CardError
        If no such law has this mean and SD, or it has more than 500 levels.

    Examples
    --------
    >>> law = whole_law("gamma", 7.5, 9.0, zeros=0.4, lower=0.0)
    >>> round(law.mean, 6), round(law.sd, 6), law.levels[:3], round(law.probabilities[0], 12)
    (7.5, 9.0, (0.0, 1.0, 2.0), 0.4)
    """
    first_mean, first_sd = mean, float(np.sqrt(max(sd * sd - 1 / 12, sd * sd / 4)))
    if zeros is not None:
        if not 0 < zeros < 1:
            raise CardError("must lie strictly between 0 and 1", field="zeros", value=zeros, mend="mend it")
        lower = max(lower, 1.0)
        first_mean, first_sd = moments_above_zero(mean, sd, zeros)
    if not lower < mean / (1 - (zeros or 0.0)) < upper:
        raise CardError(
            f"must lie inside its limits ({lower:g}, {upper:g})",
            field="mean",
            value=mean,
            mend="mend the limits",
        )

    def law(point: Floats) -> StepLaw:
        return _rounded(shape, float(point[0]), float(np.exp(point[1])), lower, upper, zeros)

    def miss(point: Floats) -> list[float]:
        found = law(point)
        return [(found.mean - mean) / sd, float(np.log(found.sd / sd))]

    found = optimize.root(miss, [first_mean, np.log(first_sd)], tol=1e-12)
    if np.abs(miss(found.x)).max() > _CLOSE:
        raise CardError(
            f"no {shape} law of whole numbers has this mean and SD",
            field="sd",
            value=sd,
            mend="use another shape, or give the share of each level as an ordinal margin",
        )
    return law(found.x)


def moments_above_zero(mean: float, sd: float, zeros: float) -> tuple[float, float]:
    """Return mean and SD of what is above 0, from those of all and the share of zeros.

    m₊ = m / (1 − π),  s₊² = (s² + m²) / (1 − π) − m₊².

    Raises
    ------
    CardError
        If the mean is not above 0, or so many zeros alone make a larger SD.
    """
    above = mean / (1 - zeros)
    square = (sd * sd + mean * mean) / (1 - zeros) - above * above
    if mean <= 0 or square <= 0:
        raise CardError(
            f"with a share of {zeros:g} zeros a mean of {mean:g} needs a larger SD, and a mean above 0",
            field="sd",
            value=sd,
            mend="mend the share of zeros, the mean or the SD",
        )
    return above, float(np.sqrt(square))


def _rounded(
    shape: WholeShape, mean: float, sd: float, lower: float, upper: float, zeros: float | None
) -> StepLaw:
    """Return a smooth law of this mean and SD, rounded, within the limits, beside its zeros."""
    ends, cdf = _smooth(shape, mean, sd, lower, upper)
    first, last = np.clip(np.round(ends), lower, upper)
    if not last - first < _MOST_LEVELS:
        raise CardError(
            f"whole numbers over {last - first:.0f} levels are nearly continuous",
            field="sd",
            value=sd,
            mend="use a continuous margin",
        )
    levels = np.arange(first, last + 1)
    masses = np.diff(cdf(np.append(levels - 0.5, last + 0.5)))
    kept = masses > _LEAST_MASS
    if kept.sum() < 2:
        raise CardError("leaves fewer than two whole numbers", field="sd", value=sd, mend="mend the SD")
    levels, masses = levels[kept], masses[kept] / masses[kept].sum()
    if zeros is not None:
        levels, masses = np.append(0.0, levels), np.append(zeros, (1 - zeros) * masses)
    return StepLaw(tuple(levels.tolist()), tuple(masses.tolist()))


def _smooth(
    shape: WholeShape, mean: float, sd: float, lower: float, upper: float
) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Return between which values nearly all of a smooth law lies, and its distribution function."""
    reach = np.array([-_REACH, _REACH])
    if shape == "normal":
        return NormalLaw(mean, sd).from_latent(reach), lambda x: special.ndtr((x - mean) / sd)
    if mean <= 0:
        raise CardError(
            "must be above 0 for a positive law", field="mean", value=mean, mend="use another shape"
        )
    if shape == "lognormal":
        log = LognormalLaw(mean, sd)
        return log.from_latent(np.array([-_REACH, _REACH_OF_LONG_TAIL])), lambda x: special.ndtr(
            (np.log(np.maximum(x, 1e-300)) - log.log_mean) / log.log_sd
        )
    if shape == "gamma":
        size, scale = (mean / sd) ** 2, sd * sd / mean
        return GammaLaw(mean, sd).from_latent(reach), lambda x: special.gammainc(
            size, np.maximum(x, 0.0) / scale
        )
    if not np.isfinite(upper - lower):
        raise CardError("a beta law needs both limits", field="upper", mend="give lower and upper")
    low, width = lower - 0.5, upper - lower + 1
    require_feasible(mean, sd, low, low + width)
    a, b = BetaLaw(mean, sd, low, low + width).shapes
    return np.array([lower, upper]), lambda x: special.betainc(a, b, np.clip((x - low) / width, 0.0, 1.0))
