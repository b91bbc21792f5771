r"""The log posterior of the six scales of `trialsim.prognosis.models.gram`, with its gradient.

With :math:`Δ = g_{00} g_{11} - g_{01}^2`, a pattern of n visits with clock sums s, ss has the weights

.. math:: w = (σ^2 g_{00} + Δ ss,\; 2 (σ^2 g_{01} - Δ s),\; σ^2 g_{11} + Δ n) / D, \qquad
    D = σ^4 + σ^2 (g_{00} n + 2 g_{01} s + g_{11} ss) + Δ (n\,ss - s^2)

and :math:`W = (Q - Σ w A) / σ^2`. With :math:`P = I + S W_{zz} S`, S the prior SDs and
:math:`m = P^{-1} S W_{zy}`, the likelihood's differential by W is :math:`⟨K, dW⟩` with
:math:`K_{yy} = -1/2`, :math:`K_{zy} = S m / 2` and :math:`K_{zz} = -S (P^{-1} + m m') S / 2`.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from trialsim.data import Floats, Ints
from trialsim.prognosis.fit.densities.unconstrained import LOG_2_PI, scale_prior
from trialsim.prognosis.models.gram import SD_OF_VISIT_MEANS, GramSums

# In the order of `gram.SCALES`; the correlation is 2 Beta(2, 2) - 1, by the log odds of the share.
PRIOR_SDS = np.array([0.25, 0.25, 1.0, 1.0, np.nan, 1.0])
CORRELATION = 4


def data_of(sums: GramSums) -> tuple[Floats | Ints, ...]:
    """Return what `log_posterior` takes: of symmetric matrices the upper triangles (T,), row by row."""
    upper = np.triu_indices(len(sums.total))
    patterns = np.ascontiguousarray(sums.by_pattern[:, :, upper[0], upper[1]])
    clock = np.ascontiguousarray(sums.clock_sums, dtype=float)
    return (
        np.ascontiguousarray(sums.total[upper]), patterns, clock, sums.participants,
        sums.kind.astype(np.int64), sums.varies,
    )  # fmt: skip


def as_scales(draws: Floats) -> Floats:
    """Return scales (..., 6) from unbounded vectors (..., 6)."""
    scales = np.exp(draws)
    scales[..., CORRELATION] = 2 / (1 + np.exp(-draws[..., CORRELATION])) - 1
    return scales


@numba.njit(cache=True, nogil=True)
def inverse_of(matrix: Floats) -> tuple[Floats, float]:
    """Return the inverse of a positive definite matrix, and the log of its determinant."""
    size = len(matrix)
    lower = np.zeros((size, size))
    log_determinant = 0.0
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                if not total > 0:
                    return lower, np.nan
                lower[i, i] = math.sqrt(total)
                log_determinant += math.log(total)
            else:
                lower[i, j] = total / lower[j, j]
    # Rows of the inverse of the factor, then their products: row by row, as memory lies.
    inverted = np.zeros((size, size))
    for i in range(size):
        for k in range(i):
            factor = lower[i, k]
            for j in range(k + 1):
                inverted[i, j] -= factor * inverted[k, j]
        inverted[i, i] = 1.0
        for j in range(i + 1):
            inverted[i, j] /= lower[i, i]
    found = np.zeros((size, size))
    for k in range(size):
        for i in range(k + 1):
            factor = inverted[k, i]
            for j in range(k + 1):
                found[i, j] += factor * inverted[k, j]
    return found, log_determinant


@numba.njit(cache=True, nogil=True)
def conditional(w: Floats, sd: Floats, kind: Ints, of_tau: Floats) -> tuple[float, Floats]:
    """Return what W (T,) adds to the log likelihood, without the determinant of V, and K (T,).

    K is doubled off its diagonal. The gradient by the scales of the coefficients is added to `of_tau`, at the
    position `kind - 1`.
    """
    size = len(sd)
    full = np.empty((size + 1, size + 1))
    h = 0
    for a in range(size + 1):
        for b in range(a, size + 1):
            full[a, b] = w[h]
            full[b, a] = w[h]
            h += 1
    precision = np.empty((size, size))
    for a in range(size):
        for b in range(size):
            precision[a, b] = full[a + 1, b + 1] * sd[a] * sd[b]
        precision[a, a] += 1.0
    inverse, log_determinant = inverse_of(precision)
    m = np.zeros(size)
    for b in range(size):
        u = full[0, b + 1] * sd[b]
        for a in range(size):
            m[a] += inverse[b, a] * u
    explained = 0.0
    for a in range(size):
        explained += m[a] * full[0, a + 1] * sd[a]
    for a in range(size):
        for b in range(size):
            inverse[a, b] += m[a] * m[b]
    adjoint = np.empty(len(w))
    adjoint[0] = -0.5
    for a in range(size):
        adjoint[a + 1] = sd[a] * m[a]
    h = size + 1
    for a in range(size):
        adjoint[h] = -0.5 * sd[a] * sd[a] * inverse[a, a]
        h += 1
        for b in range(a + 1, size):
            adjoint[h] = -sd[a] * sd[b] * inverse[a, b]
            h += 1
    for a in range(size):
        if kind[a] > 0:
            total = m[a] * full[0, a + 1]
            for b in range(size):
                total -= full[a + 1, b + 1] * sd[b] * inverse[a, b]
            of_tau[kind[a] - 1] += total
    return -0.5 * (log_determinant + full[0, 0] - explained), adjoint


@numba.njit(cache=True, nogil=True)
def log_posterior(
    q: Floats,
    total: Floats,
    by_pattern: Floats,
    clock_sums: Floats,
    participants: Floats,
    kind: Ints,
    varies: Floats,
) -> tuple[float, Floats]:
    """Return the log posterior at an unbounded vector (6,), up to nothing, and its gradient (6,)."""
    gradient = np.zeros(6)
    log_density = 0.0
    for k in range(6):
        if k != CORRELATION:
            log_density += scale_prior(q, gradient, k, PRIOR_SDS[k])
    half = 1 / (1 + math.exp(-q[CORRELATION]))
    log_density += math.log(6.0) + 2 * (math.log(half) + math.log1p(-half))
    gradient[CORRELATION] += 2.0 - 4.0 * half
    rho = 2 * half - 1
    s0, s1, noise = math.exp(q[2]) * varies[0], math.exp(q[3]) * varies[1], math.exp(2 * q[5])
    g00, g01, g11 = s0 * s0, rho * s0 * s1, s1 * s1
    delta = g00 * g11 - g01 * g01

    patterns = len(participants)
    weights, determinants = np.empty((patterns, 3)), np.empty(patterns)
    w = total.copy()
    of_v = 0.0
    observations = 0.0
    for p in range(patterns):
        n, s, ss = clock_sums[p]
        d = noise * noise + noise * (g00 * n + 2 * g01 * s + g11 * ss) + delta * (n * ss - s * s)
        determinants[p] = d
        weights[p, 0] = (noise * g00 + delta * ss) / d
        weights[p, 1] = 2 * (noise * g01 - delta * s) / d
        weights[p, 2] = (noise * g11 + delta * n) / d
        for k in range(3):
            factor = weights[p, k]
            row = by_pattern[p, k]
            for h in range(len(w)):
                w[h] -= factor * row[h]
        of_v += participants[p] * (n * math.log(noise) + math.log(d / (noise * noise)))
        observations += participants[p] * n
    for h in range(len(w)):
        w[h] /= noise

    sd = np.empty(len(kind))
    for a in range(len(kind)):
        sd[a] = SD_OF_VISIT_MEANS if kind[a] == 0 else math.exp(q[kind[a] - 1])
    of_tau = np.zeros(2)
    conditioned, adjoint = conditional(w, sd, kind, of_tau)
    log_density += conditioned - 0.5 * (observations * LOG_2_PI + of_v)
    for k in range(2):
        gradient[k] += of_tau[k] * math.exp(q[k])

    of_noise = 0.0
    for h in range(len(w)):
        of_noise -= adjoint[h] * w[h] / noise
    of00, of01, of11, of_delta = 0.0, 0.0, 0.0, 0.0
    for p in range(patterns):
        n, s, ss = clock_sums[p]
        d = determinants[p]
        of_d = -0.5 * participants[p] / d
        by = np.zeros(3)
        for k in range(3):
            row = by_pattern[p, k]
            inner = 0.0
            for h in range(len(w)):
                inner += adjoint[h] * row[h]
            by[k] = -inner / noise / d
            of_d -= by[k] * weights[p, k]
        of_noise += by[0] * g00 + 2 * by[1] * g01 + by[2] * g11
        of_noise += of_d * (2 * noise + g00 * n + 2 * g01 * s + g11 * ss)
        of_noise -= 0.5 * participants[p] * (n - 2) / noise
        of00 += by[0] * noise + of_d * noise * n
        of01 += 2 * by[1] * noise + 2 * of_d * noise * s
        of11 += by[2] * noise + of_d * noise * ss
        of_delta += by[0] * ss - 2 * by[1] * s + by[2] * n + of_d * (n * ss - s * s)
    of00 += of_delta * g11
    of11 += of_delta * g00
    of01 -= of_delta * 2 * g01
    gradient[2] += 2 * of00 * g00 + of01 * g01
    gradient[3] += 2 * of11 * g11 + of01 * g01
    gradient[CORRELATION] += of01 * s0 * s1 * 2 * half * (1 - half)
    gradient[5] += of_noise * 2 * noise
    return log_density, gradient
