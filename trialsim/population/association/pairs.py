"""The latent correlation under which two margins have an observed correlation, and what can be had."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize

from trialsim.data import Floats
from trialsim.errors import CardError
from trialsim.notebook import InNotebook
from trialsim.population.association.steps import step_covariance
from trialsim.population.laws.hermite import coefficients, covariance, latent_grid
from trialsim.population.laws.laws import Law, StepLaw
from trialsim.population.laws.tabulated import TabulatedLaw, fast

LARGEST_LATENT = 0.9999
_SERIES_REACH = 0.85
# Above so many jumps each is small: the series converges as that of a continuous law, and costs far less.
_MOST_JUMPS = 120


@dataclass(frozen=True)
class PairSolution(InNotebook):
    """One pair of the copula.

    Parameters
    ----------
    asked : float
        Observed association asked for, on the scale of its measure.
    low, high : float
        Attainable interval of the observed association, given the margins.
    latent : float
        Correlation of the latent normals.
    achieved : float
        Observed association under `latent`.
    """

    asked: float
    low: float
    high: float
    latent: float
    achieved: float


@dataclass(frozen=True)
class LatentLaw:
    """A margin with what the solve of its pairs needs, worked out once.

    Parameters
    ----------
    law : Law
        The margin.
    fast : Law or TabulatedLaw
        The same function of the latent normal, cheap to evaluate.
    coefficients : ndarray (K,)
        Its Hermite coefficients c_1 … c_K.
    """

    law: Law
    fast: Law | TabulatedLaw
    coefficients: Floats

    @classmethod
    def of(cls, law: Law) -> LatentLaw:
        """Work out table and coefficients of a margin, once a law."""
        return _prepared(law)


@lru_cache(maxsize=128)
def _prepared(law: Law) -> LatentLaw:
    return LatentLaw(law, fast(law), coefficients(law))


def attainable(first: Law, second: Law) -> tuple[float, float]:
    """Return the interval of attainable correlations of two margins (Hoeffding–Fréchet).

    The ends are the counter- and the co-monotone coupling, by quadrature of F_i⁻¹(Φ(z)) F_j⁻¹(Φ(∓z))
    split at the jumps.

    Parameters
    ----------
    first, second : Law
        The margins.

    Returns
    -------
    low, high : float
        In [−1, 1].

    Examples
    --------
    >>> from trialsim.population.laws.laws import StepLaw
    >>> sex, ecog = StepLaw((0, 1), (0.62, 0.38)), StepLaw((0, 1, 2, 3), (0.1, 0.25, 0.4, 0.25))
    >>> low, high = attainable(sex, ecog)
    >>> round(low, 4), round(high, 4)
    (-0.8309, 0.7242)
    """
    return _attainable(LatentLaw.of(first), LatentLaw.of(second))


def solve_pair(first: Law, second: Law, asked: float) -> PairSolution:
    """Return the latent correlation under which two margins have the observed correlation `asked`.

    Parameters
    ----------
    first, second : Law
        The margins.
    asked : float
        Observed correlation, inside the attainable interval.

    Returns
    -------
    PairSolution
        The latent correlation, and the observed one that it gives.

    Raises
    ------
    CardError
        If the margins cannot have that correlation; the message gives the attainable interval.

    Examples
    --------
    >>> from trialsim.population.laws.laws import StepLaw
    >>> carrier = StepLaw((0, 1), (0.7, 0.3))
    >>> round(solve_pair(carrier, carrier, 0.317939622297).latent, 8)
    0.5
    """
    return solve_latent_pair(LatentLaw.of(first), LatentLaw.of(second), asked)


def _attainable(first: LatentLaw, second: LatentLaw) -> tuple[float, float]:
    ends = []
    for sign in (-1.0, 1.0):
        z, weights = latent_grid((*first.law.cuts, *(sign * cut for cut in second.law.cuts)))
        a, b = first.fast.from_latent(z), second.fast.from_latent(sign * z)
        ends.append(float(weights @ ((a - first.law.mean) * (b - second.law.mean))))
    scale = first.law.sd * second.law.sd
    return ends[0] / scale, ends[1] / scale


def solve_latent_pair(first: LatentLaw, second: LatentLaw, asked: float) -> PairSolution:
    """Return what `solve_pair` returns, for margins that are already worked out."""
    low, high = _attainable(first, second)

    if not low < asked < high:
        raise CardError(
            f"lies outside what these margins can have, {low:.4f} to {high:.4f}",
            field="value",
            value=asked,
            mend="mend the correlation or the margins",
        )

    def excess(latent: float) -> float:
        return observed_correlation(first, second, latent) - asked

    near, far = np.copysign(_SERIES_REACH, asked), np.copysign(LARGEST_LATENT, asked)
    bracket = (-near, near) if excess(near) * asked > 0 else (near, far)
    if excess(bracket[1]) * asked < 0:
        raise CardError(
            f"lies too near the end of what these margins can have, {low:.4f} to {high:.4f}",
            field="value",
            value=asked,
            mend="treat the two covariates as one",
        )
    latent = 0.0 if asked == 0.0 else float(optimize.brentq(excess, *bracket, xtol=1e-14))
    return PairSolution(asked, low, high, latent, excess(latent) + asked)


def observed_correlation(first: LatentLaw, second: LatentLaw, latent: float) -> float:
    """Return the observed correlation under a latent one, by the method that is exact there."""
    scale = first.law.sd * second.law.sd
    for step, other in ((first, second), (second, first)):
        jumps = isinstance(step.law, StepLaw) and len(step.law.cuts) <= _MOST_JUMPS
        if isinstance(step.law, StepLaw) and jumps and abs(latent) > _SERIES_REACH:
            return step_covariance(step.law, other.fast, other.law.cuts, other.law.mean, latent) / scale
    return covariance(first.coefficients, second.coefficients, latent) / scale
