"""How estimate and variance of a treatment effect follow a shift of the imputed outcomes: algebra, no refit.

Shift the imputed outcomes of one visit by d_0 in the control and d_1 in the active arm. With c the contrast
of the effect, D_a the indicator of arm a's imputed cells and ``M = 1 - Z(Z'Z)^-1 Z'`` of the analysis of
covariance::

    theta(d) = theta + s'd                        s_a = c'(Z'Z)^-1 Z'D_a
    W(d)     = W + 2 l'd + d'Qd

For multiple imputation W is the mean within-imputation variance, ``l_a = h D_a'M ybar`` and
``Q_ab = h D_a'M D_b`` with ``h = c'(Z'Z)^-1 c/(n - p)``; the between-imputation variance B does not move. For
the jackknife W(d) is the jackknife variance of ``theta_i + s_i'd``, so l and Q are jackknife covariances, and
B is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from trialsim.data import Floats


@dataclass(frozen=True)
class ShiftLaw:
    """Effect at one visit as a function of the shift.

    Parameters
    ----------
    estimate : float
        Effect without a shift.
    slopes : ndarray (2,)
        Change of the effect for a unit shift of control and active.
    within, linear, quadratic : float, ndarray (2,), ndarray (2, 2)
        W, l and Q.
    between : float
        B; 0 without multiple imputation.
    draws : float
        Imputations; infinite without multiple imputation.
    complete_df : float
        Degrees of freedom of the analysis of complete data; infinite for normal inference.
    """

    estimate: float
    slopes: Floats
    within: float
    linear: Floats
    quadratic: Floats
    between: float = 0.0
    draws: float = np.inf
    complete_df: float = np.inf

    def at(self, control: ArrayLike = 0.0, active: ArrayLike = 0.0) -> tuple[Floats, Floats, Floats]:
        """Return estimate, standard error and df at shifts of any common shape."""
        shift = np.stack(np.broadcast_arrays(np.asarray(control, float), np.asarray(active, float)), axis=-1)
        estimate = self.estimate + shift @ self.slopes
        within = self.within + 2.0 * shift @ self.linear
        within = within + np.einsum("...a,ab,...b->...", shift, self.quadratic, shift)
        standard_error, df = combine(within, self.between, self.draws, self.complete_df)
        return estimate, standard_error, df

    def p_value(self, control: ArrayLike = 0.0, active: ArrayLike = 0.0) -> Floats:
        """Return the two-sided p value at shifts of any common shape."""
        estimate, standard_error, df = self.at(control, active)
        return two_sided(estimate / standard_error, df)


def combine(within: ArrayLike, between: ArrayLike, draws: float, complete_df: float) -> tuple[Floats, Floats]:
    """Return standard error and df by Rubin's rules with Barnard and Rubin's df.

    ``T = W + (1 + 1/M) B``, ``lambda = (1 + 1/M) B/T``, ``nu_old = (M - 1)/lambda^2``,
    ``nu_obs = (nu + 1)/(nu + 3) nu (1 - lambda)``, ``df = 1/(1/nu_old + 1/nu_obs)``.

    References
    ----------
    .. [1] Barnard J, Rubin DB (1999). Small-sample degrees of freedom with multiple imputation.
       Biometrika 86: 948-955.

    Examples
    --------
    >>> error, df = combine(1.0, 0.2, 20, 100.0)
    >>> round(float(error), 6), round(float(df), 4)
    (1.1, 71.8137)
    """
    within, between = np.broadcast_arrays(np.asarray(within, float), np.asarray(between, float))
    extra = between if np.isinf(draws) else (1.0 + 1.0 / draws) * between
    total = within + extra
    share = extra / total
    observed = np.full_like(share, np.inf)
    if np.isfinite(complete_df):
        observed = (complete_df + 1.0) / (complete_df + 3.0) * complete_df * (1.0 - share)
    rate = np.zeros_like(share) if np.isinf(draws) else share**2 / (draws - 1.0)
    with np.errstate(divide="ignore"):
        df = 1.0 / (rate + 1.0 / observed)
    return np.sqrt(total), df


def two_sided(statistic: ArrayLike, df: ArrayLike) -> Floats:
    """Return two-sided p values of t statistics; infinite df is the normal law."""
    size = -np.abs(np.asarray(statistic, dtype=np.float64))
    df = np.asarray(df, dtype=np.float64)
    tail = special.stdtr(np.where(np.isinf(df), 1.0, df), size)
    return np.asarray(2.0 * np.where(np.isinf(df), special.ndtr(size), tail))


def critical_value(level: float, df: ArrayLike) -> Floats:
    """Return the two-sided critical value of a t statistic at confidence `level`."""
    df = np.asarray(df, dtype=np.float64)
    upper = 0.5 + level / 2.0
    t = special.stdtrit(np.where(np.isinf(df), 1.0, df), upper)
    return np.asarray(np.where(np.isinf(df), special.ndtri(upper), t))
