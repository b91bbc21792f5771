"""The probability that correlated normal variables all stay under their limits."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from trialsim.data import Floats

_NODES = 128
_FAR = -9.0
# The quasi-random rule of more than three variables starts from here, so that an answer is always the same.
_SEED = 20261130
_MOST_POINTS = 2_000_000


def below(limits: Floats, correlation: Floats) -> float:
    """Return P(Z_j ≤ b_j for all j) of standard normal Z with a correlation matrix.

    Parameters
    ----------
    limits : ndarray (m,)
        b.
    correlation : ndarray (m, m)
        Of Z.

    Returns
    -------
    float
        Exact to about 1e-12 for up to three variables: three are an integral over the first of the law of
        two given it. Beyond, to about 1e-7 by Genz's quasi-random rule.

    Examples
    --------
    >>> round(below(np.zeros(3), np.full((3, 3), 0.5) + 0.5 * np.eye(3)), 12)
    0.25
    """
    m = len(limits)
    if m == 1:
        return float(special.ndtr(limits[0]))
    if m == 3:
        return _three(limits, correlation)
    return _genz(limits, correlation)


def _genz(limits: Floats, correlation: Floats) -> float:
    law = stats.multivariate_normal
    return float(
        law.cdf(
            limits,
            mean=np.zeros(len(limits)),
            cov=correlation,
            allow_singular=True,
            maxpts=_MOST_POINTS,
            abseps=1e-8,
            releps=0.0,
            rng=np.random.default_rng(_SEED),
        )
    )


def _three(limits: Floats, correlation: Floats) -> float:
    rest = correlation[1:, 0]
    left = 1.0 - rest**2
    if limits[0] <= _FAR or (left < 1e-12).any():
        return _genz(limits, correlation)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    top = min(float(limits[0]), -_FAR)
    x = 0.5 * (top - _FAR) * nodes + 0.5 * (top + _FAR)
    given = (correlation[1, 2] - rest[0] * rest[1]) / np.sqrt(left[0] * left[1])
    law = stats.multivariate_normal(np.zeros(2), [[1.0, given], [given, 1.0]], allow_singular=True)
    inner = np.atleast_1d(law.cdf((limits[1:] - rest * x[:, None]) / np.sqrt(left)))
    density = np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    return float(0.5 * (top - _FAR) * (weights * density * inner).sum())
