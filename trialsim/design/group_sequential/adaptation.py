"""Bounds of many trials at once, found again from the information that each trial's looks really had."""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.design.group_sequential.crossing import Floats, walk_row
from trialsim.design.group_sequential.futility import BetaSpending
from trialsim.design.group_sequential.looks import NEAREST_LOOKS
from trialsim.design.group_sequential.spending import SpendingFunction
from trialsim.errors import DesignError

_EARLIEST, _NOTHING = 1e-9, 1e-15


def adapted_bounds(
    information: Floats,
    efficacy: SpendingFunction,
    alpha: float,
    *,
    spending_time: Floats | None = None,
    futility: BetaSpending | None = None,
    beta: float = 0.1,
    drift: float = 0.0,
) -> tuple[Floats, Floats]:
    r"""Return the bounds of each trial by Lan–DeMets spending at its own looks.

    Parameters
    ----------
    information : ndarray (R, K)
        Information at each look relative to the planned maximum, not falling, last above 0; may end
        below or above 1.
    efficacy : SpendingFunction
        How alpha is spent.
    alpha : float
        One-sided type I error. The last look spends all that is left, whatever its information.
    spending_time : ndarray (R, K), optional
        Where the spending functions are read, such as calendar time over its maximum; `information`
        if left out.
    futility : BetaSpending, optional
        Futility bounds that spend `beta` under `drift`.
    beta : float
        Type II error that the futility bounds spend.
    drift : float
        Mean of z at information 1 under the alternative.

    Returns
    -------
    upper, lower : ndarray (R, K)
        Bounds on the z scale. A look without new information since the one before, or with all of
        the last look's, stops nothing: its bounds are infinite. The last lower bound is the upper one.

    Raises
    ------
    DesignError
        Falling information, a function that spends more than alpha, or errors out of range.

    Notes
    -----
    At look k the bound solves :math:`P_0(Z_j < u_j, j < k; Z_k \ge u_k) = \alpha(t_k) - \alpha(t_{k-1})`,
    with :math:`\mathrm{cor}(Z_j, Z_k) = \sqrt{I_j / I_k}` of the observed information and
    :math:`\alpha(t_K) = \alpha` (Lan & DeMets 1983, Biometrika 70:659; 1989, Biometrics 45:1017). An interim
    look with more than the planned information spends all of alpha, and leaves later looks none.

    Examples
    --------
    >>> from trialsim.design import OBrienFlemingSpending
    >>> seen = np.array([[1 / 3, 2 / 3, 1.0], [0.4, 0.7, 1.1]])
    >>> adapted_bounds(seen, OBrienFlemingSpending(), 0.025)[0].round(4)
    array([[3.7103, 2.5114, 1.993 ],
           [3.3569, 2.4445, 2.0117]])
    """
    seen = _checked(information, efficacy, alpha)
    clock = seen if spending_time is None else np.asarray(spending_time, dtype=np.float64)
    if clock.shape != seen.shape or np.isnan(clock).any() or (np.diff(clock, axis=1) < 0).any():
        raise DesignError(
            "must not fall, one time for each trial and look", field="spending_time", value=clock.shape
        )
    clock = np.maximum(clock, _EARLIEST)
    spent = np.asarray(efficacy.cumulative(alpha, clock))
    spent[:, -1] = alpha
    missed = np.zeros(seen.shape)
    if futility is not None:
        if not (0 < beta < 1 and drift > 0):
            raise DesignError(
                "needs a type II error in (0, 1) and a drift above 0", field="futility", value=(beta, drift)
            )
        missed = np.asarray(futility.spending.cumulative(beta, clock))
        missed[:, -1] = beta
    upper, lower = np.full(seen.shape, np.inf), np.full(seen.shape, -np.inf)
    _adapt(
        seen, spent, missed, drift, futility is not None, futility is not None and futility.binding,
        upper, lower,
    )  # fmt: skip
    return upper, lower


def _checked(information: Floats, efficacy: SpendingFunction, alpha: float) -> Floats:
    seen = np.array(information, dtype=np.float64)
    if seen.ndim != 2 or not seen.shape[1] or not np.isfinite(seen).all() or (seen < 0).any():
        raise DesignError(
            "must be finite and at least 0, one row a trial", field="information", value=seen.shape
        )
    if (np.diff(seen, axis=1) < 0).any():
        raise DesignError("must not fall from look to look", field="information")
    if not 0 < alpha < 0.5:
        raise DesignError("must lie between 0 and 0.5", field="alpha", value=alpha)
    if not isinstance(efficacy, SpendingFunction):
        raise DesignError(
            "has no bounds for other looks than the planned ones",
            field="efficacy",
            value=getattr(efficacy, "label", efficacy),
            mend="plan with a spending function",
        )
    whole = float(efficacy.cumulative(alpha, 1.0))
    if whole > alpha * (1 + 1e-12):
        raise DesignError(
            "spends more than the whole error",
            field="spending",
            value=whole,
            mend=f"spend at most {alpha:g}",
        )
    return seen


@njit(cache=True)
def _adapt(
    information: Floats,
    spent: Floats,
    missed: Floats,
    drift: float,
    with_lower: bool,
    binding: bool,
    upper: Floats,
    lower: Floats,
) -> None:
    replicates, looks = information.shape
    kept = np.empty(looks, np.int64)
    for r in range(replicates):
        last = max(information[r, looks - 1], _EARLIEST)
        n, before = 0, 0.0
        for k in range(looks - 1):
            near = NEAREST_LOOKS * last
            if information[r, k] - before >= near and last - information[r, k] >= near:
                kept[n] = k
                n += 1
                before = information[r, k]
        kept[n] = looks - 1
        n += 1
        time, steps, losses = np.empty(n), np.empty(n), np.empty(n)
        had, lost = 0.0, 0.0
        for j in range(n):
            k = kept[j]
            time[j] = max(information[r, k], _EARLIEST)
            steps[j], losses[j] = max(spent[r, k] - had, 0.0), max(missed[r, k] - lost, 0.0)
            # What rounding leaves of a wholly spent error is none.
            if steps[j] < _NOTHING:
                steps[j] = 0.0
            if losses[j] < _NOTHING:
                losses[j] = 0.0
            had, lost = max(spent[r, k], had), max(missed[r, k], lost)
        high, low = np.full(n, np.nan), np.full(n, -np.inf)
        if with_lower:
            low[:] = np.nan
            low[n - 1] = np.inf
        if with_lower and not binding:
            found = walk_row(
                time, high, np.full(n, -np.inf), np.zeros(n), steps, losses, 0.0, np.bool_(False), 0.0, 0.0
            )
            high = found[1]
        found = walk_row(
            time, high, low, np.zeros(n), steps, losses, drift, np.bool_(False), 0.0, max(drift, 0.0)
        )
        for j in range(n):
            upper[r, kept[j]] = found[1][j]
            lower[r, kept[j]] = found[2][j]
