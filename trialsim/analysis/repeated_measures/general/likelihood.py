"""Restricted likelihood of a mixed model with any covariance, participant by participant.

With W_i the inverse of Σ_i over the visits that are seen, padded by zeros, Φ = (Σ X_i'W_iX_i)⁻¹, e = y − Xb::

    −2 log L = Σ log|Σ_i| + log|Φ⁻¹| + Σ e_i'W_ie_i + (n − p) log 2π
    slope in θ: Σ tr(W_i D_i) − Σ e_i'W_iD_iW_ie_i − tr(Φ Σ X_i'W_iD_iW_iX_i)        D = ∂Σ/∂θ

ML leaves out log|Φ⁻¹| and the last term. The optimum is sought by BFGS from a fixed start and finished by
Newton's steps; the Hessian is the difference of slopes (fourth order).

Satterthwaite: df = 2v²/(g'Ag), v = c'Φc, g its slope in θ, A twice the inverse Hessian of −2 log L.
Source: Harville, JASA 1977; 72: 320-338.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from trialsim.analysis.repeated_measures.general.families import Family
from trialsim.data import Bools, Floats
from trialsim.errors import AnalysisError

NEWTON_STEPS = 12
DECREMENT = 1e-16
ENOUGH = 1e-8


@dataclass(frozen=True)
class GeneralFit:
    """A fitted mixed model.

    Parameters
    ----------
    theta : ndarray (T,)
    theta_variance : ndarray (T, T)
        A.
    coefficients : ndarray (p,)
    variance : ndarray (p, p)
        Φ.
    variance_slopes : ndarray (T, p, p)
        Of Φ in θ.
    covariances : ndarray (N, V, V)
        Σ of each participant.
    weights : ndarray (N, V, V)
        W of each participant.
    deviance : float
    """

    theta: Floats
    theta_variance: Floats
    coefficients: Floats
    variance: Floats
    variance_slopes: Floats
    covariances: Floats
    weights: Floats
    deviance: float

    def table(self, contrasts: Floats) -> Floats:
        """Return estimate, variance and Satterthwaite degrees of freedom of contrasts (C, 3)."""
        estimate = contrasts @ self.coefficients
        variance = np.einsum("ca,ab,cb->c", contrasts, self.variance, contrasts)
        slopes = np.einsum("ca,tab,cb->ct", contrasts, self.variance_slopes, contrasts)
        spread = np.einsum("ct,ts,cs->c", slopes, self.theta_variance, slopes)
        return np.column_stack([estimate, variance, 2.0 * variance**2 / spread])


def padded_covariances(sigma: Floats, seen: Bools) -> tuple[Floats, Bools]:
    """Return covariances (N, V, V) with those of the identity where a visit is not seen, and what is seen."""
    both = seen[:, :, None] & seen[:, None, :]
    return np.where(both, sigma, np.eye(seen.shape[1])), both


def padded_inverses(sigma: Floats, seen: Bools) -> Floats:
    """Return the inverses over the visits that are seen, padded by zeros (N, V, V)."""
    padded, both = padded_covariances(sigma, seen)
    return np.where(both, np.linalg.inv(padded), 0.0)


@dataclass(frozen=True)
class _Model:
    x: Floats
    y: Floats
    seen: Bools
    family: Family
    restricted: bool

    def solve(self, theta: Floats) -> tuple[float, Floats, tuple[Floats, ...]]:
        """Return the deviance, its slope, and W, D, e, b, Φ; an infinite deviance if Σ is not regular."""
        sigma, slopes = self.family.at(theta)
        padded, both = padded_covariances(sigma, self.seen)
        sign, logs = np.linalg.slogdet(padded)
        if not (np.isfinite(padded).all() and (sign > 0.0).all()):
            return np.inf, np.zeros(len(theta)), ()
        try:
            np.linalg.cholesky(padded)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros(len(theta)), ()
        weights = np.where(both, np.linalg.inv(padded), 0.0)
        wx = weights @ self.x
        information = np.einsum("nva,nvb->ab", self.x, wx)
        variance = np.linalg.inv(information)
        coefficients = variance @ np.einsum("nva,nv->a", wx, self.y)
        residual = self.y - self.x @ coefficients
        we = np.einsum("nvw,nw->nv", weights, residual)
        deviance = float(logs.sum() + (residual * we).sum())
        moved = slopes @ wx
        slope = np.einsum("nvw,tnwv->t", weights, slopes) - np.einsum("nv,tnvw,nw->t", we, slopes, we)
        p = np.einsum("nva,tnvb->tab", wx, moved)
        if self.restricted:
            deviance += float(np.linalg.slogdet(information)[1])
            slope -= np.einsum("ab,tab->t", variance, p)
        degrees = self.seen.sum() - (len(information) if self.restricted else 0)
        deviance += float(degrees * np.log(2.0 * np.pi))
        return deviance, slope, (weights, sigma, coefficients, variance, variance @ p @ variance)

    def deviance(self, theta: Floats) -> float:
        """Return −2 log-likelihood."""
        return self.solve(theta)[0]

    def slope(self, theta: Floats) -> Floats:
        """Return the first derivatives."""
        return self.solve(theta)[1]

    def hessian(self, theta: Floats) -> Floats:
        """Return the second derivatives by differences of the slope."""
        rows = []
        for k in range(len(theta)):
            step = np.zeros(len(theta))
            step[k] = 1e-3
            one = self.solve(theta + step)[1] - self.solve(theta - step)[1]
            two = self.solve(theta + 2.0 * step)[1] - self.solve(theta - 2.0 * step)[1]
            rows.append((8.0 * one - two) / 12e-3)
        return np.asarray((np.array(rows) + np.array(rows).T) / 2.0)


def fit_general(x: Floats, y: Floats, family: Family, *, restricted: bool = True) -> GeneralFit:
    """Fit a mixed model.

    Parameters
    ----------
    x : ndarray (N, V, p)
        Design of each participant and visit, of full rank.
    y : ndarray (N, V)
        NaN where missing.
    family : Family
    restricted : bool
        REML if True, else ML.

    Returns
    -------
    GeneralFit

    Raises
    ------
    AnalysisError
        If the columns are collinear or the search does not end: ``not_converged``.
    """
    seen = ~np.isnan(y)
    model = _Model(np.where(seen[:, :, None], x, 0.0), np.where(seen, y, 0.0), seen, family, restricted)
    flat = model.x[seen]
    scale = np.sqrt((flat**2).sum(axis=0))
    if (scale == 0.0).any() or np.linalg.matrix_rank(flat / scale, 1e-9) < flat.shape[1]:
        raise AnalysisError("collinear_covariate: the design is singular", mend="leave a covariate out")
    ols, *_ = np.linalg.lstsq(flat, model.y[seen])
    variance = float(((model.y[seen] - flat @ ols) ** 2).sum() / (len(flat) - flat.shape[1]))
    start = family.start(variance)
    theta = np.asarray(minimize(model.deviance, start, jac=model.slope, method="BFGS").x, np.float64)
    for _ in range(NEWTON_STEPS):
        deviance, slope, _ = model.solve(theta)
        second = model.hessian(theta)
        if not np.isfinite(second).all() or np.linalg.eigvalsh(second)[0] <= 0.0:
            break
        step = np.linalg.solve(second, slope)
        decrement = float(slope @ step)
        if decrement < DECREMENT:
            break
        length = 1.0
        while length > 1e-6 and model.solve(theta - length * step)[0] > deviance + 1e-9:
            length /= 2.0
        theta = theta - length * step
    deviance, slope, parts = model.solve(theta)
    second = model.hessian(theta)
    regular = np.isfinite(second).all() and np.linalg.eigvalsh(second)[0] > 0.0
    if not regular or float(slope @ np.linalg.solve(second, slope)) > ENOUGH:
        raise AnalysisError(
            "not_converged: the model cannot be fitted", mend="try a covariance with fewer parameters"
        )
    weights, sigma, coefficients, variance_of_mean, slopes = parts
    return GeneralFit(
        theta,
        np.asarray(2.0 * np.linalg.inv(second), np.float64),
        coefficients,
        variance_of_mean,
        slopes,
        sigma,
        weights,
        deviance,
    )
