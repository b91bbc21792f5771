"""Empirical (sandwich) covariance of the coefficients of a mixed model, and its degrees of freedom.

In the whitened data of participant i, X̃_i = L_i⁻¹X_i and ẽ_i = L_i⁻¹e_i with Σ_i = L_iL_i'::

    V = Φ (Σ X̃_i'A_i ẽ_i ẽ_i'A_i X̃_i) Φ          H_i = X̃_iΦX̃_i'
    empirical                 A_i = 1              CR0; Liang and Zeger 1986
    empirical-bias-reduced    A_i = (1 − H_i)^−½   CR2; Bell and McCaffrey 2002
    empirical-jackknife       A_i = (1 − H_i)⁻¹    CR3; Mancl and DeRouen 2001

Degrees of freedom of c'b by Bell and McCaffrey: with G_ij = g_i'g_j, where g_i is column block i of
1 − X̃ΦX̃' times A_iX̃_iΦc, df = (tr G)²/tr(G²).

References
----------
.. [1] Liang KY, Zeger SL. Longitudinal data analysis using generalized linear models. Biometrika 1986; 73:
   13-22.
.. [2] Bell RM, McCaffrey DF. Bias reduction in standard errors for linear regression with multi-stage
   samples. Survey Methodology 2002; 28: 169-181.
.. [3] Mancl LA, DeRouen TA. A covariance estimator for GEE with improved small-sample properties.
   Biometrics 2001; 57: 126-134.
"""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats

KINDS = ("empirical", "empirical-bias-reduced", "empirical-jackknife")


def empirical_table(
    x: Floats,
    y: Floats,
    weights: Floats,
    coefficients: Floats,
    variance: Floats,
    contrasts: Floats,
    kind: str,
) -> tuple[Floats, Floats]:
    """Return estimate, empirical variance and degrees of freedom of contrasts (C, 3), and V (p, p).

    Parameters
    ----------
    x : ndarray (N, V, p)
    y : ndarray (N, V)
        NaN where missing.
    weights : ndarray (N, V, V)
        Inverse of the model's covariance over the visits that are seen, padded by zeros.
    coefficients, variance : ndarray (p,), (p, p)
        b and Φ of the model.
    contrasts : ndarray (C, p)
    kind : str
        One of `KINDS`.
    """
    # A symmetric root serves as well as a Cholesky factor: A_i turns with the basis.
    values, vectors = np.linalg.eigh(weights)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    seen = ~np.isnan(y)
    design = root @ np.where(seen[:, :, None], x, 0.0)
    residual = np.where(seen, y, 0.0) - np.where(seen[:, :, None], x, 0.0) @ coefficients
    white = np.einsum("nvw,nw->nv", root, residual)
    hat = design @ variance @ design.transpose(0, 2, 1)
    inside, basis = np.linalg.eigh(np.eye(y.shape[1]) - hat)
    power = {"empirical": 0.0, "empirical-bias-reduced": -0.5, "empirical-jackknife": -1.0}[kind]
    # A participant who alone decides a coefficient has no residual in that direction.
    kept = np.where(inside > 1e-10, np.maximum(inside, 1e-10) ** power, 0.0 if power else 1.0)
    adjust = (basis * kept[:, None, :]) @ basis.transpose(0, 2, 1)
    scores = np.einsum("nva,nvw,nw->na", design, adjust, white)
    sandwich = variance @ (scores.T @ scores) @ variance
    estimate = contrasts @ coefficients
    spread = np.einsum("ca,ab,cb->c", contrasts, sandwich, contrasts)
    df = np.empty(len(contrasts))
    for c, contrast in enumerate(contrasts):
        own = np.einsum("nvw,nwa,a->nv", adjust, design, variance @ contrast)
        across = np.einsum("nva,nv->na", design, own)
        squares = (own**2).sum(axis=1)
        outer = across @ variance
        within = (outer * across).sum(axis=1)
        middle = across.T @ outer
        trace = float((squares - within).sum())
        product = float((squares**2 - 2.0 * squares * within).sum() + (middle * middle.T).sum())
        df[c] = trace**2 / product
    return np.column_stack([estimate, spread, df]), sandwich
