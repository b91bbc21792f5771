"""Normal scores of t statistics: what bounds on the z scale are held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtr

from trialsim.data import Floats


def normal_score(t: ArrayLike, df: ArrayLike) -> Floats:
    """Return the standard normal deviate that has the p value of a t statistic.

    Either tail is reached from the smaller one, which keeps its digits.

    Examples
    --------
    >>> normal_score([2.0, -12.0], 20.0).round(3)
    array([ 1.886, -6.42 ])
    """
    statistic = np.asarray(t, dtype=np.float64)
    return np.asarray(
        -np.sign(statistic) * ndtri(stdtr(np.asarray(df, dtype=np.float64), -np.abs(statistic)))
    )
