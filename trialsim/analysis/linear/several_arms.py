r"""More than two arms of one trial: the joint test of all effects, and Dunnett's comparisons.

.. math:: F = \hat δ' V^{-1} \hat δ / (A - 1), \qquad
          p_a = P(\max_b |T_b| \ge |t_a|), \quad T \sim t_ν(0, R)

with :math:`\hat δ` the A − 1 effects against the control, V their covariance of the kind that the fit has, R
its correlation and ν the degrees of freedom (Dunnett 1955, J. Am. Stat. Assoc. 50:1096). R of equal
covariances, as in a model without covariates and with one variance, is Dunnett's own; any other is served.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from scipy import integrate, optimize, special, stats

from trialsim.analysis.linear.result import LinearResult
from trialsim.data import Floats
from trialsim.errors import AnalysisError
from trialsim.streams import stream

_NODES = 81
_SEED = 20261130


def joint_test(result: LinearResult) -> tuple[float, int, float, float]:
    """Return F, its two degrees of freedom, and the p value of no effect of any arm.

    Parameters
    ----------
    result : LinearResult
        Of `ancova` or `unadjusted` with two arms or more.

    Returns
    -------
    statistic, df, residual_df, p_value : float
        F of all arms together, and the chance of a larger one without any effect.

    Raises
    ------
    AnalysisError
        If the fit failed, so that another test decides.

    Examples
    --------
    >>> from trialsim.analysis import unadjusted
    >>> trial = pd.DataFrame({"arm": list("pppaaabbb"), "y": [0.0, 1, 2, 1, 2, 3, 4, 5, 6]})
    >>> fit = unadjusted(trial, outcome="y", arm="arm", control="p", variance="model")
    >>> [round(float(x), 4) for x in joint_test(fit)]  # one-way analysis of variance
    [13.0, 2.0, 6.0, 0.0066]
    """
    if result.instead is not None:
        raise AnalysisError(
            f"{result.status}: the fit has no F test", field="result", mend="use its own p value"
        )
    effects, covariance = result.effects, result.effect_covariance
    df = len(effects)
    F = float(effects @ np.linalg.solve(covariance, effects)) / df
    return F, df, result.df, float(special.fdtrc(df, result.df, F))


def dunnett(result: LinearResult, *, level: float | None = None) -> pd.DataFrame:
    """Return every arm against the control with p values and limits that hold together.

    Parameters
    ----------
    result : LinearResult
        Of `ancova` or `unadjusted`, with comparisons to the control.
    level : float, optional
        Joint confidence level; that of the result if not given.

    Returns
    -------
    DataFrame
        comparison, estimate, standard_error, statistic, p_value (two-sided, adjusted), lower, upper.

    Raises
    ------
    AnalysisError
        If there is one comparison only.

    Examples
    --------
    >>> from trialsim.analysis import unadjusted
    >>> trial = pd.DataFrame({"arm": list("pppaaabbb"), "y": [0.0, 1, 2, 1, 2, 3, 4, 5, 6]})
    >>> fit = unadjusted(trial, outcome="y", arm="arm", control="p", variance="model")
    >>> dunnett(fit)["p_value"].round(4).tolist()
    [0.4179, 0.0049]
    """
    effects, covariance = result.effects, result.effect_covariance
    if len(effects) < 2:
        raise AnalysisError("has one comparison only", field="result", mend="use its own p value")
    error = np.sqrt(np.diagonal(covariance))
    correlation = covariance / np.outer(error, error)
    statistic = effects / error
    width = two_sided_quantile(correlation, result.df, result.level if level is None else level) * error
    return pd.DataFrame(
        {
            "comparison": result.comparisons,
            "estimate": effects,
            "standard_error": error,
            "statistic": statistic,
            "p_value": [1.0 - probability_within(abs(t), correlation, result.df) for t in statistic],
            "lower": effects - width,
            "upper": effects + width,
        }
    )


def two_sided_quantile(correlation: Floats, df: float, level: float) -> float:
    """Return c with P(max |T| ≤ c) = level, T multivariate t.

    Examples
    --------
    >>> half = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    >>> round(two_sided_quantile(half, 20, 0.95), 2)  # Dunnett 1964, Biometrics 20:482
    2.54
    """
    low, high = (
        float(stats.t.ppf(0.5 + level / 2, df)),
        float(stats.t.ppf(1.0 - (1.0 - level) / (2 * len(correlation)), df)),
    )
    return float(
        optimize.brentq(
            lambda c: probability_within(c, correlation, df) - level, low - 1e-6, high + 1e-3, xtol=1e-8
        )
    )


def probability_within(bound: float, correlation: Floats, df: float) -> float:
    """Return P(|T_a| ≤ bound for every a), T multivariate t with a correlation and df (infinite: normal)."""
    loading = _one_factor(correlation)
    if loading is not None:
        return _by_one_factor(bound, loading, df)
    K = len(correlation)
    if np.isinf(df):
        law: Any = stats.multivariate_normal(np.zeros(K), correlation, allow_singular=True)
    else:
        chance: Any = stream(_SEED, "dunnett", 0, "analysis")
        law = stats.multivariate_t(
            np.zeros(K), correlation, df=cast("Any", df), allow_singular=True, seed=chance
        )
    return float(law.cdf(np.full(K, bound), lower_limit=np.full(K, -bound)))


def _one_factor(correlation: Floats) -> Floats | None:
    """Return λ with correlation λ_a λ_b, which every comparison with one control of one variance has."""
    K = len(correlation)
    if K == 2:
        rho = correlation[0, 1]
        return np.sqrt(abs(rho)) * np.array([1.0, np.sign(rho)])
    others = [(b, c) for b in range(1, K) for c in range(b + 1, K)]
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.median([correlation[0, b] * correlation[0, c] / correlation[b, c] for b, c in others])
    if not 0.0 < first < 1.0:
        return None
    loading = np.concatenate([[np.sqrt(first)], correlation[0, 1:] / np.sqrt(first)])
    off = ~np.eye(K, dtype=bool)
    close = np.allclose(np.outer(loading, loading)[off], correlation[off], atol=1e-9)
    return loading if close and (np.abs(loading) < 1.0).all() else None


def _by_one_factor(bound: float, loading: Floats, df: float) -> float:
    x, weight = np.polynomial.hermite_e.hermegauss(_NODES)
    rest = np.sqrt(1.0 - loading**2)

    def given(scale: float) -> float:
        up = (bound * scale - np.outer(x, loading)) / rest
        down = (-bound * scale - np.outer(x, loading)) / rest
        return float((weight * (special.ndtr(up) - special.ndtr(down)).prod(1)).sum() / np.sqrt(2 * np.pi))

    if np.isinf(df):
        return given(1.0)
    low, high = (np.sqrt(stats.chi2.ppf(q, df) / df) for q in (1e-13, 1 - 1e-13))
    return float(
        integrate.quad(
            lambda s: given(s) * stats.chi2.pdf(df * s * s, df) * 2 * df * s,
            low,
            high,
            epsabs=1e-10,
            limit=200,
        )[0]
    )
