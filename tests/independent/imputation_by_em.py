"""Conditional-mean imputation with gaps, a second time: EM, and a whole refit without each participant.

REML of the unstructured visit-saturated model by EM. The complete data are the outcomes up to each
participant's last visit together with the mean coefficients B, which REML gives a flat prior; then the
covariance has the closed form of `trialsim.analysis.repeated_measures.closed_form.block` with q = 0. With
``W_r`` the padded inverse of Sigma over pattern r, ``Phi = (sum_r W_r x ZZ_r)^-1`` the variance of vec B and
``E_r`` the residual cross-products at B, the expected cross-products of pattern r are::

    Q_r (E_r + T_r)_OO Q_r' + n_r Sigma_{M|O}   T_r[j, k] = tr(ZZ_r Phi_jk), Q_r = [1; Sigma_MO Sigma_OO^-1]

O being the observed and M the missing visits before the last one. Few gaps mean a fast convergence: the rate
is the share of information that gaps and B carry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.analysis.imputation import kernel
from trialsim.analysis.imputation.kernel import Plan
from trialsim.analysis.imputation.leaving_out import jackknife_covariance
from trialsim.analysis.imputation.visit_frame import last_visits
from trialsim.data import Bools, Floats, Ints
from trialsim.errors import AnalysisError

_TOLERANCE = 1e-12
_MOST_STEPS = 2_000


@dataclass(frozen=True)
class PatternSums:
    """Gram sums of the S missingness patterns of a data set: head counts, ZZ, ZY and YY."""

    seen: Bools
    last: Ints
    counts: Floats
    zz: Floats
    zy: Floats
    yy: Floats

    def without(self, pattern: int, z: Floats, y: Floats) -> PatternSums:
        """Return the sums without one participant, whose missing outcomes are given as 0."""
        one = np.zeros(len(self.counts))
        one[pattern] = 1.0
        each = one[:, None, None]
        return PatternSums(
            self.seen,
            self.last,
            self.counts - one,
            self.zz - each * np.outer(z, z),
            self.zy - each * np.outer(z, y),
            self.yy - each * np.outer(y, y),
        )


def pattern_sums(outcomes: Floats, design: Floats) -> tuple[PatternSums, Ints]:
    """Return the Gram sums by pattern and each participant's pattern."""
    seen, pattern = np.unique(~np.isnan(outcomes), axis=0, return_inverse=True)
    pattern = pattern.ravel()
    filled = np.nan_to_num(outcomes)
    rows = [pattern == r for r in range(len(seen))]
    return (
        PatternSums(
            seen,
            last_visits(np.where(seen, 0.0, np.nan)),
            np.array([float(row.sum()) for row in rows]),
            np.array([design[row].T @ design[row] for row in rows]),
            np.array([design[row].T @ filled[row] for row in rows]),
            np.array([filled[row].T @ filled[row] for row in rows]),
        ),
        pattern,
    )


def start_sigma(outcomes: Floats, design: Floats) -> Floats:
    """Return the residual variances of each visit's own participants on a diagonal, where EM can start.

    Raises
    ------
    AnalysisError
        If a visit has too few participants, or no participant is seen at both of two visits.
    """
    seen = ~np.isnan(outcomes)
    visits, q = outcomes.shape[1], design.shape[1]
    reached = (last_visits(outcomes)[:, None] > np.arange(visits)).sum(axis=0)
    if (np.minimum(reached - np.arange(visits), seen.sum(axis=0)) <= q).any():
        raise AnalysisError("too_few_participants_at_visit", mend="drop the visit or covariates")
    if not (seen.T.astype(np.int64) @ seen).all():
        raise AnalysisError("visits_never_observed_together", mend="drop one of them")
    variances = np.empty(visits)
    for j in range(visits):
        here = seen[:, j]
        solution, *_ = np.linalg.lstsq(design[here], outcomes[here, j])
        variances[j] = ((outcomes[here, j] - design[here] @ solution) ** 2).sum() / (here.sum() - q)
    return np.diag(variances)


def fit_gaps(sums: PatternSums, sigma: Floats) -> tuple[Floats, Floats]:
    """Return the REML Sigma (V, V) and B (q, V) from a start for Sigma.

    Raises
    ------
    AnalysisError
        If EM does not converge, or a matrix is singular.
    """
    try:
        for _ in range(_MOST_STEPS):
            means, variance = _mean_coefficients(sums, sigma)
            new = _covariance(_expected_products(sums, sigma, means, variance), sums)
            step = np.abs(new - sigma).max()
            sigma = new
            if step <= _TOLERANCE * np.abs(sigma).max():
                return sigma, _mean_coefficients(sums, sigma)[0]
    except np.linalg.LinAlgError as error:
        raise AnalysisError(
            "singular_covariance: covariates or visits are collinear, here or without one participant",
            mend="drop a visit or covariate",
        ) from error
    raise AnalysisError(
        f"not_converged: EM did not settle in {_MOST_STEPS} steps", mend="drop the visit with most gaps"
    )


def _mean_coefficients(sums: PatternSums, sigma: Floats) -> tuple[Floats, Floats]:
    """Return generalised least squares B (q, V) and the variance of vec B as (V, q, V, q)."""
    visits, q = len(sigma), sums.zz.shape[1]
    inverse = np.zeros((len(sums.counts), visits, visits))
    for r, seen in enumerate(sums.seen):
        inverse[r][np.ix_(seen, seen)] = np.linalg.inv(sigma[np.ix_(seen, seen)])
    information = np.einsum("rjk,rab->jakb", inverse, sums.zz).reshape(visits * q, visits * q)
    right = np.einsum("raj,rjk->ka", sums.zy, inverse).ravel()
    variance = np.linalg.inv(information)
    return (variance @ right).reshape(visits, q).T, variance.reshape(visits, q, visits, q)


def _expected_products(sums: PatternSums, sigma: Floats, means: Floats, variance: Floats) -> Floats:
    """Return the expected residual cross-products (S, V, V) up to each pattern's last visit."""
    cross = np.einsum("raj,ak->rjk", sums.zy, means)
    products = sums.yy - cross - cross.transpose(0, 2, 1) + np.einsum("aj,rab,bk->rjk", means, sums.zz, means)
    products += np.einsum("rab,jakb->rjk", sums.zz, variance)
    out = np.zeros_like(products)
    for r, seen in enumerate(sums.seen):
        here = np.flatnonzero(seen)
        gap = np.flatnonzero(~seen[: sums.last[r]])
        gain = np.zeros((len(sigma), len(here)))
        gain[here, range(len(here))] = 1.0
        if len(gap):
            gain[gap] = np.linalg.solve(sigma[np.ix_(here, here)], sigma[np.ix_(here, gap)]).T
            rest = sigma[np.ix_(gap, gap)] - gain[gap] @ sigma[np.ix_(here, gap)]
            out[r][np.ix_(gap, gap)] = sums.counts[r] * rest
        out[r] += gain @ products[r][np.ix_(here, here)] @ gain.T
    return out


def _covariance(products: Floats, sums: PatternSums) -> Floats:
    """Return Sigma from residual cross-products by pattern, each visit regressed on the earlier ones."""
    visits = products.shape[1]
    sigma = np.zeros((visits, visits))
    for j in range(visits):
        reaching = sums.last > j
        gram, number = products[reaching].sum(axis=0), sums.counts[reaching].sum()
        slopes = np.linalg.solve(gram[:j, :j], gram[:j, j])
        sigma[j, :j] = sigma[:j, j] = sigma[:j, :j] @ slopes
        sigma[j, j] = (gram[j, j] - slopes @ gram[:j, j]) / number + slopes @ sigma[:j, j]
    return sigma


def strategy_coefficients(
    means: Floats, strategy: int, last: int, arm_column: int, distance: float
) -> Floats:
    """Return the coefficients (q, V) of a participant's mean after `last` visits under a strategy.

    `distance` is arm minus reference arm: -1, 0 or 1.
    """
    out = means.copy()
    jump = distance * means[arm_column]
    if strategy == kernel.J2R:
        out[0, last:] -= jump[last:]
    elif strategy == kernel.CR:
        out[0] -= jump
    elif strategy == kernel.CIR:
        out[0, last:] -= jump[last:] - (jump[last - 1] if last else 0.0)
    elif strategy == kernel.LMCF:
        out[:, last:] = means[:, last - 1 : last]
    return out


def conditional_means(
    outcomes: Floats, design: Floats, sigma: Floats, means: Floats, plan: Plan, strategies: Ints
) -> Floats:
    """Return outcomes (N, V) with every missing one replaced by its conditional mean.

    Gaps are missing at random; what follows the last observed visit obeys the strategy of the arm and kind.
    """
    out = outcomes.copy()
    kinds = len(strategies) // 2
    cell = (design[:, plan.arm_column] > 0.5) * kinds + (plan.kind if kinds > 1 else 0)
    patterns, pattern = np.unique(np.column_stack([~np.isnan(outcomes), cell]), axis=0, return_inverse=True)
    for r, key in enumerate(patterns):
        seen, own = key[:-1] > 0, int(key[-1]) // kinds
        if seen.all():
            continue
        rows = pattern.ravel() == r
        last = int(np.flatnonzero(seen)[-1]) + 1 if seen.any() else 0
        here = np.flatnonzero(seen)
        for missing, strategy in (
            (np.flatnonzero(~seen[:last]), kernel.MAR),
            (np.arange(last, len(seen)), int(strategies[int(key[-1])])),
        ):
            chosen = strategy_coefficients(means, strategy, last, plan.arm_column, own - plan.reference)
            gain = np.linalg.solve(sigma[np.ix_(here, here)], sigma[np.ix_(here, missing)])
            residual = outcomes[np.ix_(rows, here)] - design[rows] @ chosen[:, here]
            out[np.ix_(rows, missing)] = design[rows] @ chosen[:, missing] + residual @ gain
    return out


def analyse_completed(completed: Floats, imputed: Bools, design: Floats, plan: Plan) -> Floats:
    """Return the five summaries of `Plan` at every visit (V, 5) by analysis of covariance."""
    columns = design[:, plan.columns]
    inverse = np.linalg.inv(columns.T @ columns)
    solution = inverse @ (columns.T @ completed)
    at = columns.mean(axis=0)
    at[1] = 0.0
    arm = design[:, plan.arm_column] > 0.5
    slopes = [inverse[1] @ (columns.T @ (imputed & (arm == own)[:, None])) for own in (False, True)]
    common = at @ solution
    return np.column_stack([solution[1], common, common + solution[1], *slopes])


def impute_with_gaps(outcomes: Floats, design: Floats, plan: Plan, anchored: bool) -> tuple[Floats, Floats]:
    """Return summaries (V, 5) at every visit and their jackknife covariances (V, 5, 5).

    Raises
    ------
    AnalysisError
        If a fit fails, with the name of the failure.
    """
    sums, pattern = pattern_sums(outcomes, design)
    sigma, means = fit_gaps(sums, start_sigma(outcomes, design))
    imputed = np.isnan(outcomes)
    completed = conditional_means(outcomes, design, sigma, means, plan, plan.strategies)
    result = analyse_completed(completed, imputed, design, plan)
    strategies, held = plan.strategies, np.zeros_like(completed)
    if anchored:
        strategies = np.full(len(plan.strategies), kernel.MAR)
        held = completed - conditional_means(outcomes, design, sigma, means, plan, strategies)
    filled = np.nan_to_num(outcomes)
    values = np.empty((len(outcomes), *result.shape))
    for i in range(len(outcomes)):
        keep = np.arange(len(outcomes)) != i
        moved = fit_gaps(sums.without(int(pattern[i]), design[i], filled[i]), sigma)
        left = plan._replace(kind=plan.kind[keep]) if len(plan.kind) else plan
        completed = conditional_means(outcomes[keep], design[keep], *moved, left, strategies) + held[keep]
        values[i] = analyse_completed(completed, imputed[keep], design[keep], plan)
    covariances = np.empty((len(result), 5, 5))
    for visit, centre in enumerate(result):
        jackknife_covariance(np.ascontiguousarray(values[:, visit]), centre, covariances[visit])
    return result, covariances
