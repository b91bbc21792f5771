"""Where sequential trials stop, given their statistics and bounds as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtr

from trialsim.data import Floats, Ints
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.trial.allocation.ratio import Labels

EFFICACY, UNDECIDED, FUTILITY = 1, 0, -1


@dataclass(frozen=True)
class Stopping(InNotebook):
    """Where and why each trial stopped.

    Parameters
    ----------
    look : ndarray of int (R,)
        Position of the look at which it stopped; K − 1 where it went to its end.
    decision : ndarray of int8 (R,)
        1 for efficacy, −1 for futility, 0 where no bound was crossed by the end.
    """

    look: Ints
    decision: Labels

    def at(self, values: Floats) -> Floats:
        """Return what each trial had at its look, of values (R, K)."""
        return np.take_along_axis(values, self.look[:, None], axis=1)[:, 0]


def stop_at_bounds(statistic: ArrayLike, upper: ArrayLike, lower: ArrayLike | None = None) -> Stopping:
    """Return the first look at which a statistic crosses a bound.

    Parameters
    ----------
    statistic : ndarray (R, K)
        Larger is better for the active arm; NaN where a look could not be analysed: it crosses nothing.
    upper : array (K,) or (R, K)
        Efficacy is claimed at or above it; its own row for each trial where bounds were found again.
    lower : array (K,) or (R, K), optional
        Futility is claimed at or below it before the last look; −inf where there is no bound.

    Returns
    -------
    Stopping

    Raises
    ------
    DesignError
        Bounds of another number than the looks, or a lower bound above the upper.

    Examples
    --------
    >>> stop_at_bounds(np.array([[1.0, 2.5], [3.0, 0.0], [-1.0, 3.0]]), [2.8, 2.0], [0.0, 2.0])
    Stopping(look=array([1, 0, 0]), decision=array([ 1,  1, -1], dtype=int8))
    """
    statistic = np.asarray(statistic, dtype=np.float64)
    looks = statistic.shape[1]
    high = np.asarray(upper, dtype=np.float64)
    low = np.full(looks, -np.inf) if lower is None else np.asarray(lower, dtype=np.float64)
    for bounds in (high, low):
        if bounds.shape not in ((looks,), statistic.shape) or np.isnan(bounds).any():
            raise DesignError(
                f"must hold one bound for each of {looks} looks",
                field="upper" if bounds is high else "lower",
                value=bounds.tolist() if bounds.ndim == 1 else bounds.shape,
            )
    if (low > high).any():
        look = int(np.argmax((low > high).reshape(-1, looks).any(axis=0)))
        raise DesignError(f"lies above the upper bound at look {look + 1}", field="lower")
    success, failure = statistic >= high, statistic <= low
    failure[:, -1] = False
    stops = success | failure
    look = np.where(stops.any(axis=1), stops.argmax(axis=1), looks - 1)
    rows = np.arange(len(look))
    decision = np.where(success[rows, look], EFFICACY, np.where(failure[rows, look], FUTILITY, UNDECIDED))
    return Stopping(look, decision.astype(np.int8))


def normal_score(t: ArrayLike, df: ArrayLike) -> Floats:
    """Return the standard normal deviate that has the p value of a t statistic.

    Either tail is reached from the smaller one, which keeps its digits.

    Parameters
    ----------
    t : array
        t statistics.
    df : array
        Their degrees of freedom, above 0; of a shape that goes with t.

    Returns
    -------
    ndarray
        Of the common shape.

    Examples
    --------
    >>> normal_score([2.0, -12.0], 20.0).round(3)
    array([ 1.886, -6.42 ])
    """
    statistic = np.asarray(t, dtype=np.float64)
    return np.asarray(
        -np.sign(statistic) * ndtri(stdtr(np.asarray(df, dtype=np.float64), -np.abs(statistic)))
    )
