"""The Gaussian model with study effects and with a spread that depends on covariates, from sums.

To the model of `trialsim.prognosis.models.gram` it adds, for participant i of study g with variance columns
z_i (L,) and r_v the week as a share of the last week,

    y_iv = ... + a0_g + a1_g r_v + b0_i + b1_i t_v + e_iv
    a0_g ~ N(0, omega_level^2),  a1_g ~ N(0, omega_rate^2),   omega ~ half-normal(0.5)
    (b0, b1)_i ~ N(0, exp(2 z_i' g_effects) G),   e_iv ~ N(0, exp(2 z_i' g_noise) sigma^2)
    g_effects, g_noise ~ N(0, 0.5^2) each

A study differs by an offset and by a rate that acts from week 0: studies that drift apart in proportion to
time need no correlation of the two. Study effects are coefficients with a prior SD of their own, so they are
integrated out with the others. Participants with the same observed visits and the same z_i share V_i, so that

    W = sum_p [ Q - M00 A00 - 2 M01 A01 - M11 A11 ]_p / sigma_p^2

over groups p of such participants, with Q, A and M as in `gram` but of the group. They are kept as rows whose
squares they are; of a large group the triangle of its QR decomposition, which has the same squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats, History, Ints
from trialsim.prognosis.models.design_matrix import Standardisation
from trialsim.prognosis.models.gram import (
    LEVEL,
    SCALES,
    SD_OF_VISIT_MEANS,
    SLOPE,
    VISIT_MEAN,
    covariance_of_effects,
    regression_rows,
)
from trialsim.prognosis.models.terms import ModelTerms

SD_OF_STUDIES, SD_OF_LOG_SPREAD = 0.5, 0.5
STUDY_LEVEL, STUDY_RATE = 3, 4
STUDY_SCALES = ("omega_level", "omega_rate")


@dataclass(frozen=True)
class GroupedRows:
    """All that the likelihood needs of a history, by groups of participants who share a covariance.

    Parameters
    ----------
    rows : ndarray (M, 1+C)
        Outcome and regression columns whose squares are Q; C = V + 2K, and 2G with study effects.
    row_group : ndarray of int (M,)
        Group of each row.
    levels, slopes : ndarray (H, 1+C)
        Sums over visits, plain and times the clock, whose squares and products are A00, A01 and A11.
    sum_group : ndarray of int (H,)
        Group of each of them.
    clock_sums : ndarray (P, 3)
        n, sum of t and sum of t^2 over the observed visits of the P groups.
    participants : ndarray (P,)
        Participants in each group.
    spread : ndarray (P, L)
        Variance columns.
    kind : ndarray of int (C,)
        0 for a visit mean, 1 a level, 2 a slope, 3 a study's offset, 4 a study's rate.
    varies : ndarray (2,)
        As in `trialsim.prognosis.models.gram.GramSums`.
    """

    rows: Floats
    row_group: Ints
    levels: Floats
    slopes: Floats
    sum_group: Ints
    clock_sums: Floats
    participants: Floats
    spread: Floats
    kind: Ints
    varies: Floats

    @property
    def has_studies(self) -> bool:
        """Whether studies have effects."""
        return bool((self.kind >= STUDY_LEVEL).any())

    @property
    def scale_names(self) -> tuple[str, ...]:
        """Names of the E sampled scales, those of the plain model first."""
        return scale_names(self.has_studies, self.spread.shape[1])


def scale_names(studies: bool, spreads: int) -> tuple[str, ...]:
    """Return the names of the sampled scales: plain ones, studies', log spread of effects and of noise."""
    logs = [f"log_spread_of_{what}[{k}]" for what in ("effects", "noise") for k in range(spreads)]
    return (*SCALES, *(STUDY_SCALES if studies else ()), *logs)


def grouped_rows(history: History, standardisation: Standardisation, terms: ModelTerms) -> GroupedRows:
    """Return the rows of a history whose participants all have a baseline and a later outcome."""
    y = (history.outcomes - history.baseline[:, None]) / standardisation.unit
    x = standardisation.matrix(history.covariates, history.baseline)
    clock = standardisation.clock(history.weeks)
    z = x[:, standardisation.positions(terms.variance)]
    regression = regression_of(history, standardisation, terms)
    visits, columns, studies = y.shape[1], x.shape[1], regression.shape[2] - y.shape[1] - 2 * x.shape[1]
    kind = np.repeat(
        [VISIT_MEAN, LEVEL, SLOPE, STUDY_LEVEL, STUDY_RATE],
        [visits, columns, columns, studies // 2, studies // 2],
    )
    seen = np.isfinite(y)
    rows = np.concatenate([np.nan_to_num(y)[:, :, None], regression], axis=2) * seen[:, :, None]
    groups, which = np.unique(np.column_stack([seen, z]), axis=0, return_inverse=True)
    members = [rows[which.ravel() == group] for group in range(len(groups))]
    squares = [_triangle(some.reshape(-1, some.shape[2])) for some in members]
    sums = [
        _triangle(np.column_stack([some.sum(axis=1), np.einsum("v,nvc->nc", clock, some)]))
        for some in members
    ]
    levels, slopes = np.split(np.concatenate(sums), 2, axis=1)
    patterns = groups[:, :visits]
    return GroupedRows(
        rows=np.concatenate(squares),
        row_group=np.repeat(np.arange(len(groups)), [len(some) for some in squares]),
        levels=levels,
        slopes=slopes,
        sum_group=np.repeat(np.arange(len(groups)), [len(some) for some in sums]),
        clock_sums=np.stack([patterns.sum(axis=1), patterns @ clock, patterns @ clock**2], axis=1),
        participants=np.bincount(which.ravel()).astype(float),
        spread=groups[:, visits:],
        kind=kind,
        varies=np.array([float(visits >= 2), float(visits >= 3)]),
    )


def _triangle(rows: Floats) -> Floats:
    """Return as few rows (m, c) with the same squares: those that are not 0, or the triangle of their QR."""
    seen = rows[(rows != 0).any(axis=1)]
    return seen if len(seen) <= rows.shape[1] else np.asarray(np.linalg.qr(seen, mode="r"))


def regression_of(history: History, standardisation: Standardisation, terms: ModelTerms) -> Floats:
    """Return the columns (N, V, C) of a history's participants: those of `gram`, then those of studies."""
    x = standardisation.matrix(history.covariates, history.baseline)
    clock = standardisation.clock(history.weeks)
    plain = regression_rows(np.eye(len(clock)), x, clock)
    if not terms.studies:
        return plain
    of_study = study_rows(history.group, standardisation.rate(history.weeks))
    return np.concatenate([plain, of_study], axis=2)


def study_names(history: History, terms: ModelTerms) -> tuple[str, ...]:
    """Return the names of the 2G columns of the studies; none without study effects."""
    labels = np.unique(history.group)[: None if terms.studies else 0]
    return tuple(f"study_{what}[{label}]" for what in ("level", "rate") for label in labels)


def study_rows(group: Ints, rate: Floats) -> Floats:
    """Return the columns of the studies (N, V, 2G): membership, and membership times the rate (V,).

    With one visit an offset and a rate are one: the rate is left out, its columns are 0.
    """
    labels, which = np.unique(group, return_inverse=True)
    member = np.eye(len(labels))[which.ravel()][:, None, :]
    offset = np.broadcast_to(member, (len(group), len(rate), len(labels)))
    return np.concatenate([offset, member * (rate if len(rate) > 1 else 0.0 * rate)[:, None]], axis=2)


def log_spreads(scales: Floats, spreads: int) -> tuple[Floats, Floats]:
    """Return the coefficients (D, L) of the log spread of participants' effects and of the noise."""
    first = scales.shape[1] - 2 * spreads
    return scales[:, first : first + spreads], scales[:, first + spreads :]


def weighted_gram(data: GroupedRows, scales: Floats) -> tuple[Floats, Floats]:
    """Return W (D, 1+C, 1+C) and the log determinant of all V_i (D,) for draws of the scales (D, E)."""
    of_effects, of_noise = log_spreads(scales, data.spread.shape[1])
    wider = np.exp(2 * of_effects @ data.spread.T)
    g00, g01, g11 = (g[:, None] * wider for g in covariance_of_effects(scales, data.varies))
    noise = scales[:, 5:6] ** 2 * np.exp(2 * of_noise @ data.spread.T)
    n, st, stt = data.clock_sums.T
    a, b = noise + g00 * n + g01 * st, g00 * st + g01 * stt
    c, d = g01 * n + g11 * st, noise + g01 * st + g11 * stt
    determinant = a * d - b * c
    absorbed = np.stack([d * g00 - b * g01, d * g01 - b * g11, a * g11 - c * g01], axis=2)
    absorbed /= (determinant * noise)[:, :, None]
    gram = np.array(
        [_weighted(data, 1 / one, *of_sums.T) for one, of_sums in zip(noise, absorbed, strict=True)]
    )
    return gram, (n * np.log(noise) + np.log(determinant / noise**2)) @ data.participants


def _weighted(data: GroupedRows, of_rows: Floats, m00: Floats, m01: Floats, m11: Floats) -> Floats:
    """Return W (1+C, 1+C) from the weights (P,) of each group's rows and sums."""
    m00, m01, m11 = (m[data.sum_group, None] for m in (m00, m01, m11))
    absorbed = (m00 * data.levels + m01 * data.slopes).T @ data.levels
    absorbed += (m01 * data.levels + m11 * data.slopes).T @ data.slopes
    return np.asarray((data.rows * of_rows[data.row_group, None]).T @ data.rows - absorbed)


def prior_sd(data: GroupedRows, scales: Floats) -> Floats:
    """Return the prior standard deviation (D, C) of each coefficient."""
    omega = scales[:, 6:8] if data.has_studies else np.zeros((len(scales), 2))
    each = np.column_stack([np.full(len(scales), SD_OF_VISIT_MEANS), scales[:, :2], omega])
    return each[:, data.kind]


def draw_coefficients(data: GroupedRows, scales: Floats, generator: np.random.Generator) -> Floats:
    """Draw the coefficients (D, C) from their exact distribution given draws of the scales (D, E).

    As `trialsim.prognosis.models.gram.draw_coefficients`, with the weighted sums of this model.
    """
    draws = np.empty((len(scales), data.kind.size))
    for part in np.array_split(np.arange(len(scales)), max(1, len(scales) // 100)):
        gram, _ = weighted_gram(data, scales[part])
        sd = prior_sd(data, scales[part])
        precision = gram[:, 1:, 1:] * sd[:, :, None] * sd[:, None, :] + np.eye(data.kind.size)
        upper = np.linalg.cholesky(precision).transpose(0, 2, 1)
        mean = np.linalg.solve(precision, (gram[:, 1:, 0] * sd)[:, :, None])
        noise = generator.standard_normal((len(part), data.kind.size, 1))
        draws[part] = sd * (mean + np.linalg.solve(upper, noise))[:, :, 0]
    return draws
