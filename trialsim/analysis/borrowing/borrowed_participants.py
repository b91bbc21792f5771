"""How many participants weights, posteriors and priors are worth together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialsim.analysis.borrowing.checks import finite, finite_array, positive
from trialsim.analysis.borrowing.effective_sample_size import EffectiveSampleSize
from trialsim.data import Floats
from trialsim.errors import AnalysisError


def kish_ess(weights: ArrayLike) -> EffectiveSampleSize:
    """Return Kish's size (Σw)²/Σw² of participants' weights, which is not their sum.

    Parameters
    ----------
    weights : array (N,)
        Of participants, at least 0, with a sum above 0.

    Returns
    -------
    EffectiveSampleSize
        From 1 to N; N where all weights are equal.

    Examples
    --------
    >>> float(kish_ess([1.0, 1.0, 2.0])).__round__(4)
    2.6667
    """
    w = _participant_weights(weights)
    return EffectiveSampleSize(float(w.sum() ** 2 / (w @ w)), "Kish", "(sum w)^2 / sum w^2")


def entropy_ess(weights: ArrayLike) -> EffectiveSampleSize:
    """Return the entropy size exp(−Σ p ln p) of participants' weights, p = w/Σw.

    Parameters
    ----------
    weights : array (N,)
        Of participants, at least 0, with a sum above 0.

    Returns
    -------
    EffectiveSampleSize
        From 1 to N; N where all weights are equal.

    Examples
    --------
    >>> round(entropy_ess([1.0, 1.0, 2.0]).value, 4)
    2.8284
    """
    w = _participant_weights(weights)
    p = w[w > 0] / w.sum()
    return EffectiveSampleSize(float(np.exp(-(p @ np.log(p)))), "entropy", "exp of the entropy of w / sum w")


def posterior_ess(size: float, variance_none: float, variance: float) -> EffectiveSampleSize:
    """Return n·V_none/V: the internal size that would give the posterior variance without borrowing.

    Parameters
    ----------
    size : float
        Internal participants whose posterior it is.
    variance_none, variance : float
        Posterior variance without and with borrowing.

    Returns
    -------
    EffectiveSampleSize
        In internal participants.

    Examples
    --------
    >>> print(posterior_ess(80, 0.003, 0.002))
    effective sample size 120 (posterior: n V_none / V, internal participants included)
    """
    ratio = positive(variance_none, "variance_none") / positive(variance, "variance")
    return EffectiveSampleSize(
        positive(size, "size") * ratio, "posterior", "n V_none / V, internal participants included"
    )


def borrowed_ess(size: float, variance_none: float, variance: float) -> EffectiveSampleSize:
    """Return n(V_none/V − 1): the *extra* internal participants that borrowing was worth (EHSS).

    Parameters
    ----------
    size : float
        Internal participants, above 0.
    variance_none : float
        Posterior variance without borrowing, above 0.
    variance : float
        Posterior variance with it, above 0.

    Returns
    -------
    EffectiveSampleSize
        Below 0 where borrowing widened the posterior.

    Examples
    --------
    >>> print(borrowed_ess(80, 0.003, 0.002))
    effective sample size 40 (borrowed: n (V_none / V - 1), internal participants left out)
    """
    value = posterior_ess(size, variance_none, variance).value - size
    return EffectiveSampleSize(value, "borrowed", "n (V_none / V - 1), internal participants left out")


def precision_ess(history_size: float, variance_pooled: float, variance: float) -> EffectiveSampleSize:
    """Return N_H·V₀/V_τ: history participants scaled by what is left of their precision.

    Parameters
    ----------
    history_size : float
        Past participants N_H.
    variance_pooled, variance : float
        Variance of the control mean's prior under full pooling, and as borrowed.

    Returns
    -------
    EffectiveSampleSize
        In history participants, at most all of them where pooling has the least variance.

    Examples
    --------
    >>> precision_ess(200, 0.01, 0.04).value
    50.0
    """
    ratio = positive(variance_pooled, "variance_pooled") / positive(variance, "variance")
    return EffectiveSampleSize(
        positive(history_size, "history_size") * ratio, "precision ratio", "N_H V_pooled / V"
    )


@dataclass(frozen=True)
class BorrowingShift:
    """Where borrowing lies between independence (0) and pooling (1), in mean and in variance."""

    mean_shift: float
    variance_shift: float


def borrowing_shift(
    pooled: tuple[float, float], borrowed: tuple[float, float], independent: tuple[float, float]
) -> BorrowingShift:
    """Return (m_b − m_i)/(m_p − m_i) and (V_b − V_i)/(V_p − V_i) of posterior means and variances.

    Parameters
    ----------
    pooled, borrowed, independent : (mean, variance)

    Examples
    --------
    >>> borrowing_shift((1, 1.3), (1.25, 1.5), (2, 1.8)).mean_shift
    0.75
    """
    shifts = []
    for k, field in enumerate(("mean", "variance")):
        p, b, i = (finite(part[k], field) for part in (pooled, borrowed, independent))
        if p == i:
            raise AnalysisError("pooled and independent are equal, so no shift is defined", field=field)
        shifts.append((b - i) / (p - i))
    return BorrowingShift(*shifts)


def _participant_weights(weights: ArrayLike) -> Floats:
    w = finite_array(weights, "weights")
    if (w < 0).any() or w.sum() <= 0:
        raise AnalysisError("must be at least 0, with one above 0", field="weights")
    return w
