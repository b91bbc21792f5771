r"""Score tests and intervals of the difference of two proportions.

.. math:: z(δ) = \frac{\hat p_1 - \hat p_0 - δ}{\sqrt{λ \, [\tilde p_1 (1 - \tilde p_1) / n_1
          + \tilde p_0 (1 - \tilde p_0) / n_0]}}

with :math:`\tilde p` the maximum likelihood estimates under :math:`p_1 - p_0 = δ`; λ = n/(n − 1) is
Miettinen and Nurminen's (1985, Stat. Med. 4:213), λ = 1 Farrington and Manning's (1990, Stat. Med. 9:1447).
They exist where an arm has no event, and where it has nothing else.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from trialsim.data import Floats

ScoreMethod = Literal["miettinen_nurminen", "farrington_manning"]

_ITERATIONS = 80


def restricted_proportions(
    events: tuple[Floats, Floats], sizes: tuple[Floats, Floats], difference: Floats
) -> tuple[Floats, Floats]:
    """Return the maximum likelihood proportions (active, control) whose difference is given.

    The score of the control's proportion falls in its range, so that halving the range finds it.
    """
    (x1, x0), (n1, n0), d = events, sizes, difference
    low, high = np.maximum(0.0, -d), np.minimum(1.0, 1.0 - d)
    lower, upper = low, high
    for _ in range(_ITERATIONS):
        p0 = 0.5 * (lower + upper)
        p1 = p0 + d
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = sum(
                np.where(x > 0, x / p, 0.0) - np.where(n > x, (n - x) / (1.0 - p), 0.0)
                for x, n, p in ((x1, n1, p1), (x0, n0, p0))
            )
        lower, upper = np.where(slope > 0, p0, lower), np.where(slope > 0, upper, p0)
    p0 = np.clip(0.5 * (lower + upper), low, high)
    return np.clip(p0 + d, 0.0, 1.0), p0


def score_z(
    active: ArrayLike,
    active_size: ArrayLike,
    control: ArrayLike,
    control_size: ArrayLike,
    *,
    difference: float = 0.0,
    method: ScoreMethod = "miettinen_nurminen",
) -> Floats:
    """Return the score statistic of p1 − p0 = difference, positive where the difference is larger.

    Parameters
    ----------
    active, active_size, control, control_size : array_like of one shape
        Events and participants of both arms, such as of each of thousands of trials.
    difference : float
        Difference under the null, in (−1, 1): 0, or a non-inferiority margin.
    method : {"miettinen_nurminen", "farrington_manning"}
        With or without the factor n/(n − 1) of the variance.

    Returns
    -------
    ndarray
        z; NaN where nothing varies under the null.

    Examples
    --------
    >>> score_z([0, 8], 20, 8, 20).round(3), float(score_z(8, 20, 8, 20, difference=-0.1).round(3))
    (array([-3.122,  0.   ]), 0.64)
    """
    x1, n1, x0, n0 = (
        np.asarray(one, dtype=np.float64) for one in (active, active_size, control, control_size)
    )
    d = np.full(np.broadcast_shapes(x1.shape, n1.shape, x0.shape, n0.shape), float(difference))
    p1, p0 = restricted_proportions((x1, x0), (n1, n0), d)
    factor = (n1 + n0) / (n1 + n0 - 1.0) if method == "miettinen_nurminen" else 1.0
    variance = factor * (p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 1e-15, (x1 / n1 - x0 / n0 - d) / np.sqrt(variance), np.nan)


def score_interval(
    active: int,
    active_size: int,
    control: int,
    control_size: int,
    *,
    level: float = 0.95,
    method: ScoreMethod = "miettinen_nurminen",
) -> tuple[float, float]:
    """Return the differences that the score test does not reject, as lower and upper limit.

    Parameters
    ----------
    active, active_size, control, control_size : int
        Events and participants of both arms.
    level : float
        Confidence level, in (0, 1).
    method : {"miettinen_nurminen", "farrington_manning"}
        As in `score_z`.

    Returns
    -------
    lower, upper : float
        Of the difference active − control, in [−1, 1].

    Examples
    --------
    >>> lower, upper = score_interval(56, 70, 48, 80)  # Newcombe 1998, Stat. Med. 17:873
    >>> round(lower, 4), round(upper, 4)
    (0.0528, 0.3382)
    """
    width = float(special.ndtri(0.5 + level / 2.0))
    estimate = active / active_size - control / control_size

    def excess(difference: float, sign: float) -> float:
        z = float(score_z(active, active_size, control, control_size, difference=difference, method=method))
        return sign * (0.0 if np.isnan(z) else z) - width

    def limit(edge: float, sign: float) -> float:
        inner = estimate - sign * 1e-12
        if sign * (inner - edge) <= 0.0 or excess(edge, sign) <= 0.0:
            return edge
        return float(optimize.brentq(excess, edge, inner, args=(sign,), xtol=1e-12))

    return limit(-1.0 + 1e-10, 1.0), limit(1.0 - 1e-10, -1.0)
