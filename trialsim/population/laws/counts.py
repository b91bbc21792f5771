"""Counts as step laws: negative binomial, or Poisson where mean and variance are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from trialsim.errors import CardError
from trialsim.population.laws.laws import StepLaw

_TAIL = 1e-13
_MOST_LEVELS = 3000


def count_law(mean: float, sd: float) -> StepLaw:
    """Return the law of a count with this mean and SD.

    Negative binomial of size r = m²/(s² − m) and probability r/(r + m), cut where less than 1e-13 is left.

    Parameters
    ----------
    mean, sd : float
        Moments, above 0; sd² at least the mean.

    Returns
    -------
    StepLaw
        On whole numbers from 0.

    Raises
    ------
    CardError
        If sd² is below the mean, or the law has more than 3,000 levels.

    Examples
    --------
    >>> law = count_law(2.5, 3.0)
    >>> round(law.mean, 9), round(law.sd, 9)
    (2.5, 3.0)
    """
    excess = sd * sd - mean
    if excess < -1e-9 * mean:
        raise CardError(
            f"counts with this mean that vary less than a Poisson count (SD {np.sqrt(mean):.4g})",
            field="sd",
            value=sd,
            mend="give the shares of each count as an ordinal margin",
        )
    if excess <= 1e-9 * mean:
        frozen: Any = stats.poisson(mean)
    else:
        size = mean * mean / excess
        frozen = stats.nbinom(size, size / (size + mean))
    highest = int(frozen.isf(_TAIL)) + 1
    if highest > _MOST_LEVELS:
        raise CardError(
            f"a count up to {highest} is nearly continuous",
            field="mean",
            value=mean,
            mend="use a gamma or lognormal margin",
        )
    counts = np.arange(highest + 1)
    shares = frozen.pmf(counts)
    kept = shares > 0
    levels = tuple(float(count) for count in counts[kept])
    return StepLaw(levels, tuple(float(share) for share in shares[kept] / shares[kept].sum()))
