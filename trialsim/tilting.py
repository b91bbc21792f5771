"""Weights that give people asked means, and are nearest to equal."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from trialsim.data import Floats

_STEPS, _TOLERANCE = 200, 1e-9
# What rounding does to the objective near its minimum: a step that is no worse than that is taken.
_ROUNDING = 1e-13


def solve_tilt(centred: Floats) -> Floats | None:
    """Return the tilt λ whose weights exp(gλ) balance the moments g; None where no weights do.

    Parameters
    ----------
    centred : ndarray (N, K)
        Moments of N people, minus the means that are asked.

    Returns
    -------
    ndarray (K,) or None
        λ minimises log Σ exp(gλ), by damped Newton steps; the gradient is the imbalance, which is below
        1e-9 standard deviations at the end.

    Source: Hainmueller (2012), entropy balancing; Signorovitch et al. (2010), matching-adjusted comparison.

    Examples
    --------
    >>> ages = np.array([[60.0], [70.0], [80.0]])
    >>> tilt = solve_tilt(ages - 73.0)
    >>> share = np.exp((ages - 73.0) @ tilt)
    >>> float((share @ ages / share.sum()).round(6)[0])
    73.0
    >>> solve_tilt(ages - 90.0) is None
    True
    """
    scale = np.where(centred.std(axis=0) > 0, centred.std(axis=0), 1.0)
    moments = centred / scale
    tilt = np.zeros(moments.shape[1])
    for _ in range(_STEPS):
        linear = moments @ tilt
        now = logsumexp(linear)
        share = np.exp(linear - now)
        gradient = share @ moments
        if np.abs(gradient).max(initial=0.0) < _TOLERANCE:
            return np.asarray(tilt / scale)
        hessian = (moments * share[:, None]).T @ moments - np.outer(gradient, gradient)
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        size, slope = 1.0, float(gradient @ step)
        room = _ROUNDING * max(1.0, abs(now))
        while size > 1e-8 and logsumexp(moments @ (tilt - size * step)) > now - 1e-4 * size * slope + room:
            size /= 2
        tilt = tilt - size * step
    return None
