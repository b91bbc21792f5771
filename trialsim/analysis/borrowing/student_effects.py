r"""Random effects with Student's t law in a MAP prior: one past trial that stands apart draws less.

.. math:: y_h \sim N(θ_h, s_h^2), \quad θ_h = μ + τ t_h, \quad t_h \sim t_ν; \qquad
          t_ν \sim N(0, 1/λ), \; λ \sim Γ(ν/2, ν/2)

Given τ the likelihood of μ is a product of one-dimensional integrals over λ, the posterior of μ a curve on a
grid. It is written as a sum of normals one grid step wide (their heights solve the interpolation), so that
the law of a new trial, :math:`μ + τ t_ν`, is a mixture of normals again. Parts that are alike, within 4 % of
their width and a fifth of it apart, are merged by their moments: densities are good to about 1e-4.
That is how means do it; counts and rates need the law itself and its transform, see `count_history`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import gammaln, logsumexp

from trialsim.data import Floats
from trialsim.errors import AnalysisError

_SCALES, _COARSE = 32, 400
_STEPS_PER_SD, _LOG_NEGLIGIBLE, _SMALLEST_WEIGHT = 2.0, -32.0, 1e-11
_WIDTH, _APART = 0.04, 0.2


def student_parts(
    y: Floats, se: Floats, mean_prior: tuple[float, float], df: float, tau: Floats, log_mass: Floats
) -> tuple[Floats, Floats, Floats, Floats, float]:
    """Return the mixture of a new trial's mean, the log evidence of each τ, and the posterior mean of μ.

    Parameters
    ----------
    y, se : ndarray (H,)
        Estimates of the past trials and their standard errors.
    mean_prior : (float, float)
        Mean and standard deviation of μ.
    df : float
        ν.
    tau, log_mass : ndarray (T,)
        Nodes of τ, and the log of quadrature weight times prior.

    Returns
    -------
    weights, means, sds, log_evidence, mu_mean : ndarray (K,) three times, ndarray (T,), float
        The weights sum to 1.
    """
    scale, share = scale_nodes(df)
    curves = [_posterior_of_mu(y, se, mean_prior, scale, share, one) for one in tau]
    log_evidence = np.array([curve[2] for curve in curves])
    of_tau = np.exp(log_mass + log_evidence - logsumexp(log_mass + log_evidence))
    weights, means, sds, mu_mean = [], [], [], 0.0
    for own, one, (centre, height, _, step) in zip(of_tau, tau, curves, strict=True):
        mu_mean += own * float(height @ centre)
        weight = own * height[:, None] * share
        used = weight > _SMALLEST_WEIGHT
        spread = np.broadcast_to(np.hypot(step, one * scale), weight.shape)
        weights.append(weight[used])
        means.append(np.broadcast_to(centre[:, None], weight.shape)[used])
        sds.append(spread[used])
    parts = _merged(np.concatenate(weights), np.concatenate(means), np.concatenate(sds))
    return *parts, log_evidence, mu_mean


def scale_nodes(df: float) -> tuple[Floats, Floats]:
    """Return the standard deviations 1/√λ of the normal parts of a t law, and their shares.

    Gauss-Legendre over √λ, in which the integrand is smooth.

    Examples
    --------
    >>> sd, share = scale_nodes(4.0)
    >>> float(share.sum()).__round__(9), float(share @ sd**2).__round__(6)
    (1.0, 2.0)
    """
    x, w = leggauss(_SCALES)
    reach = 12 * math.sqrt(2 * df)
    least, most = math.sqrt(max(df - reach, 0.0) / df), math.sqrt((df + reach + 60) / df)
    root = least + 0.5 * (most - least) * (x + 1)
    log_share = np.log(w) + (df - 1) * np.log(root) - 0.5 * df * root**2
    share = np.exp(log_share - logsumexp(log_share))
    return 1 / root, share


def effects_wave(df: float, frequency2: Floats) -> Floats:
    """Return the Fourier transform of the law of random effects of scale 1, normal or t.

    Parameters
    ----------
    df : float
        ν; infinite for normal effects.
    frequency2 : ndarray (G,)
        Squared angular frequencies.

    Examples
    --------
    >>> squared = np.array([0.0, 2.0])
    >>> effects_wave(math.inf, squared).round(4), effects_wave(4.0, squared).round(4)
    (array([1.    , 0.3679]), array([1.    , 0.3092]))
    """
    if math.isinf(df):
        return np.asarray(np.exp(-0.5 * frequency2))
    found = np.zeros_like(frequency2)
    for scale, share in zip(*scale_nodes(df), strict=True):
        found += share * np.exp(-0.5 * scale**2 * frequency2)
    return found


def effects_density(df: float, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the density of the same law, and the first two derivatives of its logarithm.

    Examples
    --------
    >>> [round(float(one), 4) for one in effects_density(4.0, np.array(1.0))]
    [0.2147, -1.0, -0.6]
    """
    if math.isinf(df):
        return np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi), -z, -np.ones_like(z)
    log_top = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * math.log(math.pi * df)
    density = np.exp(log_top - (df + 1) / 2 * np.log1p(z**2 / df))
    wide = df + z**2
    return density, -(df + 1) * z / wide, -(df + 1) * (df - z**2) / wide**2


def check_effects_df(df: float) -> None:
    """Refuse degrees of freedom at which a new trial's mean has no standard deviation.

    Raises
    ------
    AnalysisError
        Below 3.
    """
    if not df >= 3:
        raise AnalysisError(
            "must be at least 3: with fewer a new trial's mean has no standard deviation",
            field="random_effects_df", value=df,
        )  # fmt: skip


def _merged(weights: Floats, means: Floats, sds: Floats) -> tuple[Floats, Floats, Floats]:
    """Return a mixture of normals with parts that are alike merged; the weights sum to 1."""
    width = np.round(np.log(sds) / _WIDTH)
    place = np.round(means / (_APART * np.exp(width * _WIDTH)))
    _, group = np.unique(np.column_stack([width, place]), axis=0, return_inverse=True)
    group = group.ravel()

    def total(values: Floats) -> Floats:
        return np.asarray(np.bincount(group, weights=weights * values), dtype=np.float64)

    weight = total(np.ones(len(weights)))
    mean = total(means) / weight
    sd = np.sqrt(total(sds**2 + (means - mean[group]) ** 2) / weight)
    return weight / weight.sum(), mean, sd


def _posterior_of_mu(
    y: Floats, se: Floats, mean_prior: tuple[float, float], scale: Floats, share: Floats, tau: float
) -> tuple[Floats, Floats, float, float]:
    """Return centres of normals of μ given τ, their shares, the log evidence, and their common SD."""
    m0, s0 = mean_prior
    variance = se[:, None] ** 2 + (tau * scale) ** 2

    def log_joint(mu: Floats) -> Floats:
        distance = (y[:, None] - mu[:, None, None]) ** 2 / variance
        parts = logsumexp(-0.5 * (distance + np.log(variance)), b=share, axis=-1)
        prior = -0.5 * ((mu - m0) / s0) ** 2 - np.log(s0)
        return np.asarray(parts.sum(axis=1) + prior)

    narrow = 1 / math.sqrt(s0**-2.0 + float((1 / (se**2 + 0.3 * tau**2)).sum()))
    lower, upper = _where_it_lives(log_joint, m0 - 9 * s0, m0 + 9 * s0)
    step = narrow / _STEPS_PER_SD
    centre = np.arange(lower - 2 * step, upper + 3 * step, step)
    log_density = log_joint(centre)
    top = float(log_density.max())
    kernel = np.exp(-0.5 * (np.subtract.outer(centre, centre) / step) ** 2) / (step * math.sqrt(2 * math.pi))
    height = np.maximum(np.linalg.solve(kernel, np.exp(log_density - top)), 0.0)
    return centre, height / height.sum(), top + math.log(float(height.sum())), step


def _where_it_lives(log_joint: Callable[[Floats], Floats], lower: float, upper: float) -> tuple[float, float]:
    """Return the range outside of which a log density is negligible, found on ever finer grids."""
    for _ in range(6):
        grid = np.linspace(lower, upper, _COARSE)
        value = log_joint(grid)
        inside = np.flatnonzero(value > value.max() + _LOG_NEGLIGIBLE)
        found = grid[max(inside[0] - 1, 0)], grid[min(inside[-1] + 1, _COARSE - 1)]
        if found[1] - found[0] > 0.5 * (upper - lower):
            return found
        lower, upper = found
    return lower, upper
