"""When a model-based standard error lies: unequal arms with unequal residual spread."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from trialsim.data import Floats
from trialsim.errors import TrialsimWarning

LARGEST_SAFE_TYPE_ONE_ERROR = 0.06
_BEYOND_CHANCE = 1.645


class UnsafeStandardErrorWarning(TrialsimWarning):
    """A model-based standard error was asked for where arms differ in size and in residual spread."""


def model_based_type_one_error(
    control_sd: ArrayLike, active_sd: ArrayLike, active_share: ArrayLike, alpha: float = 0.05
) -> Floats:
    """Return the large-sample type I error of a test that uses the model-based standard error.

    Parameters
    ----------
    control_sd, active_sd : array
        Residual standard deviation of each arm, above 0.
    active_share : array
        Share of participants in the active arm, in (0, 1).
    alpha : float
        Nominal two-sided level.

    Returns
    -------
    ndarray
        2Φ(−z_{1−α/2} √(V_model/V_true)), with n·V_model = (π0σ0² + π1σ1²)(1/π0 + 1/π1) and
        n·V_true = σ0²/π0 + σ1²/π1.

    Notes
    -----
    Above `alpha` where the smaller arm is the noisier, below it where the larger one is. Equal arms are
    always safe.

    Examples
    --------
    >>> print(model_based_type_one_error(1.5, 1.0, 3 / 4).round(4))
    0.1067
    """
    pi1 = np.asarray(active_share, dtype=np.float64)
    pi0 = 1.0 - pi1
    v0, v1 = np.square(control_sd, dtype=np.float64), np.square(active_sd, dtype=np.float64)
    model = (pi0 * v0 + pi1 * v1) * (1.0 / pi0 + 1.0 / pi1)
    true = v0 / pi0 + v1 / pi1
    return np.asarray(2.0 * special.ndtr(-stats.norm.isf(alpha / 2.0) * np.sqrt(model / true)))


def warn_where_unsafe(residuals: Floats, arm: NDArray[np.generic], arms: int) -> None:
    """Warn if the residuals (R, N) of the median replicate imply a type I error well above .05.

    Every active arm is held against the control, arm 0. The difference in spread must be beyond
    chance, so that a small trial of equal variances does not alarm.
    """
    seen = ~np.isnan(residuals)
    count = np.stack([(seen & (arm == a)).sum(1) for a in range(arms)], 1)
    square = np.where(seen, residuals, 0.0) ** 2
    variance = np.stack([(square * (arm == a)).sum(1) for a in range(arms)], 1) / np.maximum(count - 1, 1)
    usable = (count > 1).all(1) & (variance > 0).all(1)
    if not usable.any():
        return
    count, variance = count[usable], variance[usable]
    for a in range(1, arms):
        share = count[:, a] / (count[:, 0] + count[:, a])
        sd = np.sqrt(variance[:, [0, a]])
        implied = float(np.median(model_based_type_one_error(sd[:, 0], sd[:, 1], share)))
        if implied > LARGEST_SAFE_TYPE_ONE_ERROR and _differ(variance[:, [0, a]], count[:, [0, a]]):
            warnings.warn(
                f"the model-based standard error is unsafe: arms of unequal size differ in residual spread, "
                f"so a nominal 5% test errs in about {100 * implied:.1f}% of null trials; use variance='hc3'",
                UnsafeStandardErrorWarning,
                stacklevel=4,
            )
            return


def _differ(variance: Floats, count: NDArray[np.int64]) -> bool:
    """Return whether the log ratio of two variances (R, 2), averaged over replicates, is beyond chance."""
    noise = np.sqrt((2.0 / (count - 1)).sum(1).mean() / len(variance))
    return bool(abs(np.log(variance[:, 0] / variance[:, 1]).mean()) > _BEYOND_CHANCE * noise)
