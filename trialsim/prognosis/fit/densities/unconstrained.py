"""Parameters of a prior as one vector without bounds, by the transforms that PyMC uses.

A scale is its logarithm, a vector of L shares the first L - 1 of L logarithms that add up to 0; anything else
is itself. Log densities are with the Jacobian of the transform.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from trialsim.data import Floats
from trialsim.prognosis.families.common import Params, Prior

LOG_2_PI = math.log(2 * math.pi)


def width(prior: Prior) -> int:
    """Return how many unbounded numbers a parameter is.

    Examples
    --------
    >>> width(Prior("tau", "half_normal", (0.5,))), width(Prior("share", "dirichlet", (1.0,), 4))
    (1, 3)
    """
    size = 1 if prior.size is None else prior.size
    return size - 1 if prior.law == "dirichlet" else size


def constrained(priors: tuple[Prior, ...], draws: Floats) -> Params:
    """Return parameters by name (chains, draws, ...) from unbounded vectors (chains, draws, E)."""
    found: Params = {}
    first = 0
    for prior in priors:
        part = draws[:, :, first : first + width(prior)]
        first += width(prior)
        if prior.law == "half_normal":
            part = np.exp(part)
        elif prior.law == "dirichlet":
            logs = np.concatenate([part, -part.sum(axis=2, keepdims=True)], axis=2)
            raised = np.exp(logs - logs.max(axis=2, keepdims=True))
            part = raised / raised.sum(axis=2, keepdims=True)
        found[prior.name] = part[:, :, 0] if prior.size is None else part
    return found


@numba.njit(cache=True, nogil=True)
def normal_prior(q: Floats, gradient: Floats, at: int, size: int, centre: float, sd: float) -> float:
    """Return the log density of normal parameters and add its gradient."""
    total = -size * (math.log(sd) + 0.5 * LOG_2_PI)
    for k in range(at, at + size):
        z = (q[k] - centre) / sd
        total -= 0.5 * z * z
        gradient[k] -= z / sd
    return total


@numba.njit(cache=True, nogil=True)
def scale_prior(q: Floats, gradient: Floats, at: int, sd: float) -> float:
    """Return the log density of the logarithm of a half-normal scale and add its gradient."""
    z = math.exp(q[at]) / sd
    gradient[at] += 1.0 - z * z
    return 0.5 * math.log(2 / math.pi) - math.log(sd) - 0.5 * z * z + q[at]


@numba.njit(cache=True, nogil=True)
def shares_of(q: Floats, at: int, levels: int) -> Floats:
    """Return shares (L,) of their unbounded numbers."""
    logs = np.empty(levels)
    last = 0.0
    for k in range(levels - 1):
        logs[k] = q[at + k]
        last -= q[at + k]
    logs[levels - 1] = last
    share = np.exp(logs - logs.max())
    return share / share.sum()


@numba.njit(cache=True, nogil=True)
def shares_prior(share: Floats, of_share: Floats, gradient: Floats, at: int, concentration: float) -> float:
    """Return the log density of shares, and add its gradient, and the likelihood's from that by them."""
    levels = len(share)
    total = math.log(levels) + math.lgamma(levels * concentration) - levels * math.lgamma(concentration)
    mean = 0.0
    for k in range(levels):
        total += concentration * math.log(share[k])
        mean += share[k] * of_share[k]
    of_log = np.empty(levels)
    for k in range(levels):
        of_log[k] = share[k] * (of_share[k] - mean) + concentration * (1.0 - levels * share[k])
    for k in range(levels - 1):
        gradient[at + k] += of_log[k] - of_log[levels - 1]
    return total
