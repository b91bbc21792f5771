"""F tests of several linear functions of the coefficients of a mixed model for repeated measures.

Satterthwaite (Fai and Cornelius): the functions are rotated to be uncorrelated; each has degrees of freedom
d, and with E = Σ d/(d − 2) over k of them the denominator has 2E/(E − k).

Kenward and Roger: with L the k functions, Θ = L'(LΦL')⁻¹L, P_h the derivatives of Φ⁻¹ and A the variance of
the elements of Σ::

    A1 = Σ A_hk tr(ΘΦP_hΦ) tr(ΘΦP_kΦ)        A2 = Σ A_hk tr(ΘΦP_hΦ ΘΦP_kΦ)
    B  = (A1 + 6 A2)/2k                       g  = ((k + 1)A1 − (k + 4)A2)/((k + 2)A2)
    c1 = g/d, c2 = (k − g)/d, c3 = (k + 2 − g)/d        d = 3k + 2(1 − g)
    E* = 1/(1 − A2/k)                         V* = (2/k)(1 + c1 B)/((1 − c2 B)²(1 − c3 B))
    ρ  = V*/2E*²        m = 4 + (k + 2)/(kρ − 1)        λ = m/(E*(m − 2))
    F  = λ (Lb)'(L V L')⁻¹(Lb)/k ~ F(k, m)    V the Kenward-Roger variance

References
----------
.. [1] Fai AHT, Cornelius PL. Approximate F-tests of multiple degree of freedom hypotheses in generalized
   least squares analyses of unbalanced split-plot experiments. J Stat Comput Simul 1996; 54: 363-378.
.. [2] Kenward MG, Roger JH. Small sample inference for fixed effects from restricted maximum likelihood.
   Biometrics 1997; 53: 983-997.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc

from trialsim.analysis.repeated_measures.model import FittedModel
from trialsim.analysis.repeated_measures.one_trial import analyse, contrast_slopes
from trialsim.data import Floats


def joint_test(
    model: FittedModel, variance: Floats, weights: Floats, observations: int, participants: int, between: bool
) -> pd.Series:
    """Test that linear functions of the coefficients are 0.

    Parameters
    ----------
    model : FittedModel
    variance : ndarray (p, p)
        Φ.
    weights : ndarray (k, p)
        L, of full rank.
    observations, participants : int
    between : bool
        Whether a function involves a column that does not vary within participants, which between-within
        degrees of freedom depend on.

    Returns
    -------
    Series
        numerator_df, denominator_df, f, p_value.
    """
    k = len(weights)
    variances, vectors = np.linalg.eigh(weights @ variance @ weights.T)
    rotated = np.ascontiguousarray((vectors / np.sqrt(variances)).T @ weights)
    if model.method.adjusted:
        f, denominator = _kenward_roger(model, rotated)
    else:
        table = model.judge(rotated).table
        f = float((table[:, 0] ** 2).sum() / k)
        design = model.terms.design
        fixed = model.method.degrees_of_freedom(
            np.ones(1), observations, participants, design.columns, design.constant_terms, between=between
        )
        denominator = fai_cornelius(table[:, 2]) if model.method.needs_information else float(fixed[0])
    tail = chdtrc(k, k * f) if np.isinf(denominator) else fdtrc(k, denominator, f)
    return pd.Series(
        {"numerator_df": float(k), "denominator_df": denominator, "f": f, "p_value": float(tail)}
    )


def fai_cornelius(df: Floats) -> float:
    """Return the denominator degrees of freedom from those of uncorrelated components.

    2 if any is at most 2, and their common value if all are equal.

    Examples
    --------
    >>> fai_cornelius(np.array([10.0, 10.0])), round(fai_cornelius(np.array([8.0, 20.0])), 4)
    (10.0, 11.0)
    """
    if len(df) == 1 or np.all(np.abs(np.diff(df)) < np.sqrt(np.finfo(float).eps)):
        return float(df.mean())
    if (df <= 2.0).any():
        return 2.0
    total = float((df / (df - 2.0)).sum())
    return 2.0 * total / (total - len(df))


def _kenward_roger(model: FittedModel, weights: Floats) -> tuple[float, float]:
    """Return F and its denominator degrees of freedom for functions with LΦL' = 1."""
    k = len(weights)
    pairs = [(a, b) for a in range(k) for b in range(a)]
    # Quadratic forms of sums of two functions give the products of the two.
    both = np.concatenate([weights, [weights[a] + weights[b] for a, b in pairs]]) if pairs else weights
    table = analyse(*model.inputs(), both)[1]
    slopes, uncertainty = contrast_slopes(*model.inputs(), both)
    adjusted = np.diag(table[:k, model.method.variance_column])
    own = slopes[:k]
    trace = own.sum(axis=0)
    a1 = float(trace @ uncertainty @ trace)
    a2 = float(np.einsum("ah,hk,ak->", own, uncertainty, own))
    for row, (a, b) in enumerate(pairs, start=k):
        total = table[row, model.method.variance_column]
        adjusted[a, b] = adjusted[b, a] = 0.5 * (total - adjusted[a, a] - adjusted[b, b])
        cross = 0.5 * (slopes[row] - own[a] - own[b])
        a2 += 2.0 * float(cross @ uncertainty @ cross)
    estimates = table[:k, 0]
    scale, denominator = kenward_roger_law(a1, a2, k)
    return scale * float(estimates @ np.linalg.solve(adjusted, estimates)) / k, denominator


def kenward_roger_law(a1: float, a2: float, k: int) -> tuple[float, float]:
    """Return the scale λ of F and its denominator degrees of freedom m from A1, A2 and k functions.

    One function has scale 1 and Satterthwaite's degrees of freedom 2/A1.

    Examples
    --------
    >>> scale, m = kenward_roger_law(0.05, 0.05, 1)
    >>> round(scale, 12), round(m, 9)
    (1.0, 40.0)
    """
    b = (a1 + 6.0 * a2) / (2.0 * k)
    g = ((k + 1) * a1 - (k + 4) * a2) / ((k + 2) * a2)
    d = 3.0 * k + 2.0 * (1.0 - g)
    c1, c2, c3 = g / d, (k - g) / d, (k + 2 - g) / d
    mean = 1.0 / (1.0 - a2 / k)
    spread = 2.0 / k * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
    rho = spread / (2.0 * mean**2)
    m = 4.0 + (k + 2) / (k * rho - 1.0)
    return m / (mean * (m - 2.0)), m
