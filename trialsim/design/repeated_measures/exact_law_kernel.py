"""Compiled draws of the law of the MMRM statistic; `exact_law` explains it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from trialsim.analysis.repeated_measures.closed_form.kernel import (
    OK,
    TOO_FEW,
    forward_square,
    regress_each_visit,
    unit_lower,
)
from trialsim.data import Floats, Ints


class NullDraws(NamedTuple):
    """What a draw leaves behind, for outcomes with unit covariance and no effect (D draws, V visits).

    Parameters
    ----------
    effects : ndarray (D, V)
        Estimated effect at each visit, without the part that is integrated out.
    lower : ndarray (D, V, V)
        Estimate of ``l = (I - F)^-1``.
    innovations, precisions, freedom : ndarray (D, V)
        t_j, a_j and the degrees of freedom of t_j.
    factors : ndarray (D, V, V, V)
        Cholesky factor of the residual cross-products of the visits up to j, S_j being its leading block.
    integrated : ndarray (D,)
        a_1: variance of the part of each effect that is integrated out.
    status : ndarray of int (D,)
    """

    effects: Floats
    lower: Floats
    innovations: Floats
    precisions: Floats
    freedom: Floats
    factors: Floats
    integrated: Floats
    status: Ints


@njit(cache=True)
def draw_counts(
    sizes: Ints, retention: Floats, at_random: bool, generator: np.random.Generator, counts: Ints
) -> None:
    """Write how many of each arm reach each visit (2, V): drawn, or rounded expectations."""
    for arm in range(2):
        left, kept = sizes[arm], 1.0
        for j in range(retention.shape[1]):
            if at_random:
                share = retention[arm, j] / kept
                if share < 1.0:
                    left = generator.binomial(left, share)
                kept = retention[arm, j]
            else:
                left = int(np.round(sizes[arm] * retention[arm, j]))
            counts[arm, j] = left


@njit(cache=True)
def add_wishart(
    freedom: int, size: int, generator: np.random.Generator, column: Floats, scatter: Floats
) -> None:
    """Add a standard Wishart matrix, by Bartlett's columns, to the lower triangle of the leading block."""
    for c in range(min(freedom, size)):
        column[c] = np.sqrt(2.0 * generator.standard_gamma(0.5 * (freedom - c)))
        for r in range(c + 1, size):
            column[r] = generator.standard_normal()
        for r in range(c, size):
            for s in range(c, r + 1):
                scatter[r, s] += column[r] * column[s]


@njit(cache=True)
def draw_scatters(
    counts: Ints,
    covariates: int,
    generator: np.random.Generator,
    moves: Floats,
    scatters: Floats,
    totals: Ints,
) -> None:
    """Write the residual cross-products of covariates and outcomes over everyone who reaches each visit.

    Parameters
    ----------
    counts : ndarray of int (2, V)
    covariates : int
        Random normal covariates, k; they come before the visits.
    generator : Generator
    moves : ndarray (V, k + V)
        Out: direction in which the arm contrast moves from each visit to the next, standard normal.
    scatters : ndarray (V, k + V, k + V)
        Out: lower triangle of the leading block of order ``k + j + 1`` at visit j.
    totals : ndarray of int (V,)
        Out: how many reach each visit.
    """
    visits = counts.shape[1]
    column = np.empty(covariates + visits)
    for j in range(visits):
        totals[j] = counts[0, j] + counts[1, j]
    for j in range(visits - 1, -1, -1):
        size = covariates + j + 1
        scatter = scatters[j]
        scatter[:] = 0.0
        moves[j] = 0.0
        if j == visits - 1:
            add_wishart(totals[j] - 2, size, generator, column, scatter)
            continue
        lost = totals[j] - totals[j + 1]
        for r in range(size):
            for s in range(r + 1):
                scatter[r, s] = scatters[j + 1, r, s]
        if lost == 0:
            continue
        for r in range(covariates + visits):
            moves[j, r] = generator.standard_normal()
        for r in range(size):
            for s in range(r + 1):
                scatter[r, s] += moves[j, r] * moves[j, s]
        add_wishart(lost - 1, size, generator, column, scatter)


@njit(cache=True)
def draw_library(
    sizes: Ints,
    retention: Floats,
    at_random: bool,
    covariates: int,
    generator: np.random.Generator,
    draws: NullDraws,
) -> None:
    """Fill in every draw; see `NullDraws`."""
    visits = retention.shape[1]
    order = covariates + visits
    counts, totals = np.zeros((2, visits), np.int64), np.zeros(visits, np.int64)
    moves, scatters = np.zeros((visits, order)), np.zeros((visits, order, order))
    factors, coefficients = np.zeros((visits, order, order)), np.zeros((visits, order))
    contrast, local, work = np.zeros(order), np.zeros(visits), np.zeros(order)
    for d in range(len(draws.status)):
        draw_counts(sizes, retention, at_random, generator, counts)
        if counts.min() < 1 or counts[:, visits - 1].sum() <= covariates + visits + 1:
            draws.status[d] = TOO_FEW
            continue
        draw_scatters(counts, covariates, generator, moves, scatters, totals)
        innovations = draws.innovations[d]
        status = regress_each_visit(
            scatters, totals - 2, covariates, True, factors, coefficients, innovations
        )
        draws.status[d] = status
        if status != OK:
            continue
        before = 1.0 / counts[0, 0] + 1.0 / counts[1, 0]
        draws.integrated[d] = before
        contrast[:] = 0.0
        for r in range(covariates):
            contrast[r] = np.sqrt(before) * generator.standard_normal()
        for j in range(visits):
            size = covariates + j
            if j > 0:
                now = 1.0 / counts[0, j] + 1.0 / counts[1, j]
                step = np.sqrt(max(now - before, 0.0))
                before = now
                for r in range(order):
                    contrast[r] += step * moves[j - 1, r]
            local[j] = contrast[size]
            for r in range(size):
                local[j] -= coefficients[j, r] * contrast[r]
            draws.precisions[d, j] = before + forward_square(factors[j], 0, contrast, covariates, work)
            draws.freedom[d, j] = totals[j] - 2 - covariates
            for r in range(j + 1):
                for s in range(r + 1):
                    draws.factors[d, j, r, s] = factors[j, covariates + r, covariates + s]
        lower = draws.lower[d]
        unit_lower(coefficients, covariates, lower)
        for j in range(visits):
            for k in range(j + 1):
                draws.effects[d, j] += lower[j, k] * local[k]


@njit(cache=True)
def read_direction(direction: Floats, draws: NullDraws, rest: Floats, error: Floats, df: Floats) -> None:
    """Write rest, standard error and Satterthwaite df (D,) of the effect whose Cholesky row is `direction`.

    With Sigma = A A' and a' the row of A for a visit, ``w = l'a``, ``v = sum_k w_k^2 t_k a_k`` and
    ``dv/df_js = 2 w_j sum_{u<=s} l_su w_u t_u a_u``.
    """
    visits = len(direction)
    weights, shares, slope, work = np.zeros(visits), np.zeros(visits), np.zeros(visits), np.zeros(visits)
    for d in range(len(rest)):
        if draws.status[d] != OK:
            continue
        variance, spread, total = 0.0, 0.0, 0.0
        for k in range(visits):
            total += direction[k] * draws.effects[d, k]
            weights[k] = 0.0
            for j in range(k, visits):
                weights[k] += direction[j] * draws.lower[d, j, k]
            shares[k] = weights[k] * draws.innovations[d, k] * draws.precisions[d, k]
            variance += weights[k] * shares[k]
            spread += 2.0 * (weights[k] * shares[k]) ** 2 / draws.freedom[d, k]
        for j in range(1, visits):
            for s in range(j):
                part = 0.0
                for u in range(s + 1):
                    part += draws.lower[d, s, u] * shares[u]
                slope[s] = 2.0 * weights[j] * part
            spread += draws.innovations[d, j] * forward_square(draws.factors[d, j], 0, slope, j, work)
        rest[d], error[d], df[d] = total, np.sqrt(variance), 2.0 * variance * variance / spread


@njit(cache=True)
def rejection(
    effects: Floats, scale: Floats, rest: Floats, bound: Floats, status: Ints, power: Floats
) -> None:
    """Write the rejection probability of each effect given each draw (E, D), both signs of `rest` averaged.

    `scale` is the standard deviation of the part that is integrated out, `bound` the critical value times the
    standard error. A failed fit never rejects.
    """
    root = np.sqrt(0.5)
    for e in range(len(effects)):
        for d in range(len(rest)):
            total = 0.0
            if status[d] == OK:
                inverse = root / scale[d]
                for sign in (-1.0, 1.0):
                    centre = effects[e] + sign * rest[d]
                    total += math.erfc((bound[d] - centre) * inverse) + math.erfc(
                        (bound[d] + centre) * inverse
                    )
            power[e, d] = 0.25 * total
