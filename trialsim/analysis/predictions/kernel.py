r"""Augmented inverse probability weighting (AIPW) of randomised trials, and its best mixture.

A candidate j predicts each participant's outcome on control, h_0, and on active, h_1. With r = Y − h_A, the
residual from the prediction for their own arm, and d = h_1 − h_0,

.. math:: \hat\theta_j = \bar r_1 - \bar r_0 + \bar d, \qquad
          \varphi_{ij} = \frac{A_i (r_i - \bar r_1)}{\hat\pi_1}
          - \frac{(1 - A_i)(r_i - \bar r_0)}{\hat\pi_0} + d_i - \bar d

has mean θ whatever the predictions are, because randomisation alone makes the arms alike (Robins, Rotnitzky
and Zhao 1994). The mixture Σ w_j θ_j with Σ w_j = 1 has the smallest Σ_i (Σ_j w_j φ_ij)² (De Bartolomeis and
others 2025, arXiv 2502.04262: hybrid AIPW). With one prediction beside the plain arm means it is the
prediction-powered estimator of Poulet and others (2025, BMC Med. Res. Methodol. 25:204).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Bools, Floats

_RELATIVE = 1e-10


@dataclass(frozen=True)
class Candidate:
    """What one way of predicting leaves, in R trials of N participants.

    Parameters
    ----------
    residual : ndarray (R, N)
        Outcome less the prediction for one's own arm; 0 where not seen.
    gap : ndarray (R, N)
        Prediction on active less that on control; 0 where not seen.
    fitted : tuple of ndarray (R, N)
        Residual and gap of the model that has seen everybody.
    """

    residual: Floats
    gap: Floats
    fitted: tuple[Floats, Floats]


@dataclass(frozen=True)
class Mixture:
    """The mixture of J candidates with the smallest variance.

    Parameters
    ----------
    weights : ndarray (R, J)
        They add up to 1.
    each : ndarray (R, J)
        Estimate of each candidate.
    covariance : ndarray (R, J, J)
        Covariance of the candidates' estimates.
    variance : ndarray (R,)
        Of the mixture, with what its weights cost.
    df : ndarray (R,)
        Of its t statistic, by Welch and Satterthwaite from what each arm adds to the variance.
    """

    weights: Floats
    each: Floats
    covariance: Floats
    variance: Floats
    df: Floats

    @property
    def estimate(self) -> Floats:
        """The mixture's estimate (R,)."""
        return np.asarray((self.weights * self.each).sum(1))


def leave_one_out(y: Floats, active: Bools, x: Floats, seen: Bools) -> Candidate:
    """Return predictions by a linear model in each arm, each participant's own left out of it.

    The model is ridge regression with an unpenalised intercept: A = X'X of the arm + the covariance of the
    covariates over both arms, a prior worth one participant, so that a level which one participant alone has
    still leaves a prediction. The prediction without oneself is y − e / (1 − h) exactly, h the leverage, so
    that folds need no chance and no order (Wu and Gagnon-Bartsch 2018 leave out likewise).

    Parameters
    ----------
    y : ndarray (R, N)
        Outcomes; 0 where not seen.
    active, seen : ndarray of bool (R, N)
        Arm, and whose outcome is seen.
    x : ndarray (R, N, P)
        Covariates; 0 where not seen.
    """
    count = np.maximum(seen.sum(1), 1)[:, None]
    centred = np.where(seen[..., None], x - (x.sum(1) / count)[:, None], 0.0)
    spread = np.sqrt(np.square(centred).sum(1) / count)
    # Standardised, so that units decide nothing.
    centred = np.divide(centred, spread[:, None], out=np.zeros(centred.shape), where=(spread > 0.0)[:, None])
    prior = np.einsum("rnp,rnq->rpq", centred, centred) / count[..., None]
    residual, own = np.zeros(y.shape), np.zeros(y.shape)
    without, within = [], []
    for side in (~active, active):
        here = seen & side
        size = np.maximum(here.sum(1), 1)[:, None]
        mean_y = np.where(here, y, 0.0).sum(1)[:, None] / size
        mean_x = (np.where(here[..., None], centred, 0.0).sum(1) / size)[:, None]
        around = centred - mean_x
        inside = np.where(here[..., None], around, 0.0)
        inverse = np.linalg.pinv(
            np.einsum("rnp,rnq->rpq", inside, inside) + prior, rcond=_RELATIVE, hermitian=True
        )
        slope = np.einsum("rpq,rnq,rn->rp", inverse, inside, np.where(here, y - mean_y, 0.0), optimize=True)
        fitted = mean_y + np.einsum("rnp,rp->rn", around, slope)
        leverage = 1.0 / size + np.einsum("rnp,rpq,rnq->rn", inside, inverse, inside, optimize=True)
        # An arm of one has no prediction without itself; its trial is refused for its size.
        left = np.divide(y - fitted, 1.0 - leverage, out=np.zeros(y.shape), where=here & (leverage < 1.0))
        residual, own = np.where(here, left, residual), np.where(here, y - fitted, own)
        without.append(np.where(here, y - left, fitted))
        within.append(fitted)
    gap, seen_gap = (np.where(seen, active_ - control, 0.0) for control, active_ in (without, within))
    return Candidate(residual, gap, (own, seen_gap))


def as_it_stands(y: Floats, prediction: Floats | float, seen: Bools) -> Candidate:
    """Return a prediction of everybody's outcome on control, taken for both arms as it is."""
    residual, none = np.where(seen, y - prediction, 0.0), np.zeros(y.shape)
    return Candidate(residual, none, (residual, none))


def best_mixture(candidates: list[Candidate], active: Bools, seen: Bools) -> Mixture:
    """Return the mixture of candidates with the smallest variance.

    The weights are least squares of the first candidate's φ on its differences from the others, so that
    predictions that say the same share a weight. They come from models that have seen everybody: residuals
    without oneself are larger by 1 / (1 − h), and a mixture could cancel that against another candidate and
    call it precision. The variance comes from residuals without oneself, and from φ / (1 − k),
    k the leverage of each participant on the weights: so it knows what the weights cost (HC3).
    """
    n = seen.sum(1)
    found = [_influence(one.residual, one.gap, active, seen) for one in candidates]
    phi = np.stack([one for _, one in found], axis=-1)
    fitted = np.stack([_influence(*one.fitted, active, seen)[1] for one in candidates], axis=-1)
    covariance = np.einsum("rnj,rnk->rjk", phi, phi) / np.maximum(n, 1)[:, None, None] ** 2
    weights, leverage = _weights(fitted)
    left = np.maximum(1.0 - leverage, _RELATIVE)
    square = np.square(np.einsum("rnj,rj->rn", phi, weights) / left)
    arms = [np.where(seen & side, square, 0.0).sum(1) for side in (~active, active)]
    sizes = [np.maximum((seen & side).sum(1) - 1, 1) for side in (~active, active)]
    whole = arms[0] + arms[1]
    parts = sum(one**2 / size for one, size in zip(arms, sizes, strict=True))
    df = np.divide(whole**2, parts, out=np.full(len(n), np.nan), where=parts > 0.0)
    df -= len(candidates) - 1
    each = np.stack([one for one, _ in found], axis=-1)
    return Mixture(weights, each, covariance, whole / np.maximum(n, 1) ** 2, df)


def _influence(residual: Floats, gap: Floats, active: Bools, seen: Bools) -> tuple[Floats, Floats]:
    """Return the estimate (R,) and the influence φ (R, N) of a candidate."""
    n = seen.sum(1)[:, None]
    estimate = _mean(gap, seen)
    phi = np.where(seen, gap - estimate[:, None], 0.0)
    for side, sign in ((~active, -1.0), (active, 1.0)):
        here = seen & side
        size = np.maximum(here.sum(1), 1)[:, None]
        mean = _mean(residual, here)
        estimate = estimate + sign * mean
        # Bessel's correction, so that two arms without predictions have Welch's variance.
        scale = n / size * np.sqrt(size / np.maximum(size - 1, 1))
        phi = phi + np.where(here, sign * scale * (residual - mean[:, None]), 0.0)
    return estimate, phi


def _weights(phi: Floats) -> tuple[Floats, Floats]:
    """Return weights (R, J) that add up to 1 and make Σ (φ w)² smallest, and everybody's leverage (R, N)."""
    apart = phi[..., 1:] - phi[..., :1]
    # In units of their own, so that a score in thousands is no score of nothing.
    size = np.sqrt(np.square(apart).sum(1))
    rounding = _RELATIVE * np.sqrt(np.square(phi[..., :1]).sum(1))
    unit = np.divide(1.0, size, out=np.zeros(size.shape), where=size > rounding)
    apart = apart * unit[:, None]
    gram = np.linalg.pinv(np.einsum("rnj,rnk->rjk", apart, apart), rcond=_RELATIVE, hermitian=True)
    rest = -np.einsum("rjk,rnk,rn->rj", gram, apart, phi[..., 0], optimize=True) * unit
    leverage = np.einsum("rnj,rjk,rnk->rn", apart, gram, apart, optimize=True)
    return np.concatenate([1.0 - rest.sum(1, keepdims=True), rest], axis=1), leverage


def _mean(values: Floats, here: Bools) -> Floats:
    return np.asarray(np.where(here, values, 0.0).sum(1) / np.maximum(here.sum(1), 1))
