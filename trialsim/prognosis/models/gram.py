"""The Gaussian model of change from baseline, from sums that do not grow with the number of participants.

For participant i at visit v with clock t_v, change y_iv in units and standardised columns x_i (K,):

    y_iv = mu_v + x_i' level + (x_i' slope) t_v + b0_i + b1_i t_v + e_iv
    (b0, b1)_i ~ N(0, G),  G = [[sd0^2, rho sd0 sd1], [., sd1^2]],   e_iv ~ N(0, sigma^2)
    mu_v ~ N(0, 5^2),   level_k ~ N(0, tau_level^2),   slope_k ~ N(0, tau_slope^2)

All normal quantities but the six scales can be integrated out in closed form (Harville 1977; Lindley
and Smith 1972). With B_i = (1, t) over the observed visits and S = B'B, Woodbury gives

    V^-1 = (I - B M B') / sigma^2,   M = (sigma^2 I + G S)^-1 G,   |V| = sigma^(2n) |I + G S / sigma^2|

and M depends on *which* visits were observed only. So the weighted Gram matrix of w = (y, z), with z the
row of the regression, is a sum over the few patterns of observed visits, whatever the number of participants:

    W = sum_i w_i' V_i^-1 w_i = [ Q - sum_p ( M00 A00 + 2 M01 A01 + M11 A11 )_p ] / sigma^2

with Q = sum_i w_i'w_i, A_ab = sum of (B_a'w)_i (B_b'w)_i' in the pattern. Its blocks y'V^-1y, Z'V^-1y and
Z'V^-1Z give the likelihood with the coefficients theta integrated out, and theta given the scales.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats, History, Ints
from trialsim.prognosis.models.design_matrix import Standardisation

SD_OF_VISIT_MEANS = 5.0
VISIT_MEAN, LEVEL, SLOPE = 0, 1, 2
SCALES = ("tau_level", "tau_slope", "sd_level", "sd_slope", "correlation", "sigma")


@dataclass(frozen=True)
class GramSums:
    """All that the likelihood needs of a history.

    Parameters
    ----------
    total : ndarray (1+C, 1+C)
        Q: Gram matrix of outcome and regression columns over all observations; C = V + 2K.
    by_pattern : ndarray (L, 3, 1+C, 1+C)
        A00, A01 (made symmetric) and A11 of each of the L patterns of observed visits.
    clock_sums : ndarray (L, 3)
        n, sum of t and sum of t^2 in each pattern.
    participants : ndarray (L,)
        Participants in each pattern.
    kind : ndarray of int (C,)
        0 for a visit mean, 1 for a level and 2 for a slope coefficient.
    varies : ndarray (2,)
        1 where the visits can tell participants' levels (two visits) and slopes (three) from noise, else 0.
    """

    total: Floats
    by_pattern: Floats
    clock_sums: Floats
    participants: Floats
    kind: Ints
    varies: Floats


def gram_sums(history: History, standardisation: Standardisation) -> GramSums:
    """Return the sums of a history whose participants all have a baseline and a later outcome."""
    y = (history.outcomes - history.baseline[:, None]) / standardisation.unit
    x = standardisation.matrix(history.covariates, history.baseline)
    clock = standardisation.clock(history.weeks)
    rows = _observation_rows(y, x, clock)
    sums = np.stack([rows.sum(axis=1), np.einsum("v,nvc->nc", clock, rows)])
    patterns, which = np.unique(np.isfinite(y), axis=0, return_inverse=True)
    which = which.ravel()
    by_pattern = []
    for pattern in range(len(patterns)):
        of_level, of_slope = sums[:, which == pattern]
        cross = of_level.T @ of_slope
        by_pattern.append([of_level.T @ of_level, (cross + cross.T) / 2, of_slope.T @ of_slope])
    flat = rows.reshape(-1, rows.shape[2])
    visits, columns = y.shape[1], x.shape[1]
    return GramSums(
        total=flat.T @ flat,
        by_pattern=np.array(by_pattern),
        clock_sums=np.stack([patterns.sum(axis=1), patterns @ clock, patterns @ clock**2], axis=1),
        participants=np.bincount(which).astype(float),
        kind=np.repeat([VISIT_MEAN, LEVEL, SLOPE], [visits, columns, columns]),
        varies=np.array([float(visits >= 2), float(visits >= 3)]),
    )


def _observation_rows(y: Floats, x: Floats, clock: Floats) -> Floats:
    """Return w = (outcome, visit means, level columns, slope columns) (N, V, 1+C), 0 where not observed."""
    regression = regression_rows(np.eye(len(clock)), x, clock)
    rows = np.concatenate([np.nan_to_num(y)[:, :, None], regression], axis=2)
    return rows * np.isfinite(y)[:, :, None]


def regression_rows(hats: Floats, x: Floats, clock: Floats) -> Floats:
    """Return rows z (N, W, C) of the regression at W weeks, from weights of the visit means (W, V)."""
    shape = (len(x), len(clock))
    means = np.broadcast_to(hats, (*shape, hats.shape[1]))
    level = np.broadcast_to(x[:, None, :], (*shape, x.shape[1]))
    return np.concatenate([means, level, level * clock[:, None]], axis=2)


def covariance_of_effects(scales: Floats, varies: Floats) -> tuple[Floats, Floats, Floats]:
    """Return g00, g01, g11 (D,) of the participants' effects for draws of the scales (D, 6)."""
    sd0, sd1 = scales[:, 2] * varies[0], scales[:, 3] * varies[1]
    return sd0**2, scales[:, 4] * sd0 * sd1, sd1**2


def weighted_gram(sums: GramSums, scales: Floats) -> tuple[Floats, Floats]:
    """Return W (D, 1+C, 1+C) and the log determinant of all V_i (D,) for draws of the scales (D, 6)."""
    g00, g01, g11 = (g[:, None] for g in covariance_of_effects(scales, sums.varies))
    noise = scales[:, 5:6] ** 2
    n, st, stt = sums.clock_sums.T
    a, b = noise + g00 * n + g01 * st, g00 * st + g01 * stt
    c, d = g01 * n + g11 * st, noise + g01 * st + g11 * stt
    determinant = a * d - b * c
    weights = np.stack([d * g00 - b * g01, 2 * (d * g01 - b * g11), a * g11 - c * g01], axis=2)
    weights /= determinant[:, :, None]
    absorbed = weights.reshape(len(scales), -1) @ sums.by_pattern.reshape(-1, sums.total.size)
    gram = (sums.total - absorbed.reshape(-1, *sums.total.shape)) / noise[:, :, None]
    log_determinant = np.log(noise[:, 0]) * (n @ sums.participants) + np.log(determinant / noise**2) @ (
        sums.participants
    )
    return gram, log_determinant


def prior_sd(sums: GramSums, scales: Floats) -> Floats:
    """Return the prior standard deviation (D, C) of each coefficient."""
    each = np.column_stack([np.full(len(scales), SD_OF_VISIT_MEANS), scales[:, 0], scales[:, 1]])
    return each[:, sums.kind]


def draw_coefficients(sums: GramSums, scales: Floats, generator: np.random.Generator) -> Floats:
    """Draw the coefficients theta (D, C) from their exact distribution given draws of the scales (D, 6).

    With T the diagonal of prior standard deviations and K = I + T Z'V^-1Z T,
    theta | scales ~ N(T K^-1 T Z'V^-1y, T K^-1 T). K never has an eigenvalue under 1.
    """
    draws = np.empty((len(scales), sums.kind.size))
    for part in np.array_split(np.arange(len(scales)), max(1, len(scales) // 500)):
        gram, _ = weighted_gram(sums, scales[part])
        sd = prior_sd(sums, scales[part])
        precision = gram[:, 1:, 1:] * sd[:, :, None] * sd[:, None, :] + np.eye(sums.kind.size)
        upper = np.linalg.cholesky(precision).transpose(0, 2, 1)
        mean = np.linalg.solve(precision, (gram[:, 1:, 0] * sd)[:, :, None])
        noise = generator.standard_normal((len(part), sums.kind.size, 1))
        draws[part] = sd * (mean + np.linalg.solve(upper, noise))[:, :, 0]
    return draws
