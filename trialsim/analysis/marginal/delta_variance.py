r"""Variances of standardised means by the delta method, by name: Ge's, and the sandwich.

With G the gradient of the means in the coefficients, and A the information of the working model,

.. math:: V_{Ge} = G A^{-1} G', \qquad V_{sandwich} = n^{-2} \sum_i φ_i φ_i', \quad
          φ_i = \hat μ(x_i) - \bar μ + n \, G A^{-1} s_i

(Ge, Durham, Meyer, Xie, Thomas 2011, Drug Inf. J. 45:481; Huber 1967; Steingrimsson, Hanley, Rosenblum 2017,
Contemp. Clin. Trials 54:18). Ge's is conditional on the covariates, and trusts the working model; the
sandwich is of the population's estimand, as is the default of g-computation (Ye et al. 2023), and trusts it
no more than that does.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from trialsim.analysis.linear.design import Design
from trialsim.analysis.marginal import working_model as working
from trialsim.data import Bools, Floats
from trialsim.errors import AnalysisError

DeltaVariance = Literal["ge", "sandwich"]
FAMILIES = {"gaussian": working.GAUSSIAN, "binomial": working.BINOMIAL, "poisson": working.POISSON}


def delta_covariance(design: Design, family: str, interact: Bools, kind: DeltaVariance) -> Floats:
    """Return the covariance (A, A) of the standardised means of a trial.

    Raises
    ------
    AnalysisError
        If the link of the family is not canonical, or the outcome is separated.
    """
    if family not in FAMILIES:
        raise AnalysisError(
            "is served with a canonical link alone", field="variance", value=kind, mend="use population"
        )
    code, arms, n = FAMILIES[family], len(design.arms), len(design.outcome)
    columns = [_columns(design, interact, np.full(n, a)) for a in range(arms)]
    X = _columns(design, interact, design.arm)
    beta, mu = np.zeros(X.shape[1]), np.empty(n)
    status, _, penalised, _ = working.fit_working_model(code, 0.0, X, design.outcome, False, beta, mu)
    if status != working.CONVERGED or penalised:
        raise AnalysisError(
            "needs a working model that is not separated", field="variance", value=kind, mend="use population"
        )
    weight = np.array([working.working_weight(code, m, 1.0) for m in mu])
    residual = design.outcome - mu
    inverse = np.linalg.inv(X.T @ (weight[:, None] * X))
    predicted, gradient = np.empty((n, arms)), np.empty((arms, X.shape[1]))
    for a, D in enumerate(columns):
        predicted[:, a] = [working.inverse_link(code, eta) for eta in D @ beta]
        slope = np.array([working.working_weight(code, m, 1.0) for m in predicted[:, a]])
        gradient[a] = (slope[:, None] * D).mean(0)
    if kind == "ge":
        dispersion = residual @ residual / (n - X.shape[1]) if family == "gaussian" else 1.0
        return np.asarray(dispersion * gradient @ inverse @ gradient.T)
    influence = predicted - predicted.mean(0) + n * (residual[:, None] * X) @ inverse @ gradient.T
    return np.asarray(influence.T @ influence / n**2)


def _columns(design: Design, interact: Bools, arm: np.ndarray) -> Floats:
    """Return the design of everybody in given arms, in the order of the kernel."""
    centred = design.covariates - design.covariates.mean(0)
    indicator = (arm[:, None] == np.arange(1, len(design.arms))).astype(np.float64)
    crossed = [centred[:, k, None] * indicator for k in np.flatnonzero(interact)]
    return np.ascontiguousarray(np.column_stack([np.ones(len(arm)), indicator, centred, *crossed]))
