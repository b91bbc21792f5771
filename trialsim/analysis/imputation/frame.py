"""Reference-based imputation of one trial: outcomes of dropouts, had they behaved like a reference arm.

The imputation model is the visit-saturated MMRM with an unstructured covariance common to both arms. A
participant's mean after the last observed visit f - 1 depends on the strategy, own and ref being the marginal
means given the covariates:

==== =================================== ==============================================================
MAR  missing at random                   own throughout
J2R  jump to reference                   own before f, ref from f on
CR   copy reference                      ref throughout, also before f
CIR  copy increments in reference        own at f - 1, then the increments of ref
LMCF last mean carried forward           own at f - 1 from f on
==== =================================== ==============================================================

In the reference arm J2R, CR and CIR are the same as MAR. Gaps (an outcome missing before an observed one) are
always missing at random.

The strategy is one for all dropouts, one for each arm, or one for each kind of participant that a column
names, such as the cause of stopping (J2R after lack of efficacy, MAR after moving house).

Conditional-mean imputation replaces a missing outcome by its expectation given the observed ones, and the
standard error comes from the full jackknife: by name either ``"jackknife"``, which repeats everything and
targets the variance over repeated trials, or ``"information_anchored"``, which holds the difference between
the strategy's imputations and those of MAR fixed and so keeps the share of information that is lost as under
MAR; ``"bootstrap"`` fits and imputes resamples of the participants of each arm. Bayesian imputation draws
parameters and outcomes (`trialsim.analysis.imputation.draws` states the prior) and combines by Rubin's rules;
approximate Bayesian imputation does the same with parameters fitted by REML to resamples of the participants
of each arm.

References
----------
.. [1] Carpenter JR, Roger JH, Kenward MG (2013). Analysis of longitudinal trials with protocol deviation.
   J Biopharm Stat 23: 1352-1371.
.. [2] Wolbers M, Noci A, Delmar P, et al (2022). Standard and reference-based conditional mean imputation.
   Pharm Stat 21: 1246-1257.
.. [3] Lu K (2021). An alternative jackknife variance estimator when calculating the treatment effect with
   reference-based imputation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import numpy as np
import pandas as pd

from trialsim.analysis.imputation.approximate_draws import draw_from_resamples, resamples, scaled
from trialsim.analysis.imputation.asked import check_options
from trialsim.analysis.imputation.bootstrap import impute_once, impute_resamples
from trialsim.analysis.imputation.draws import Records, draw_and_analyse
from trialsim.analysis.imputation.gap_jackknife import impute_gap_trial
from trialsim.analysis.imputation.gap_kernel import fill_gap_trial
from trialsim.analysis.imputation.jackknife import impute_trial
from trialsim.analysis.imputation.kernel import Plan
from trialsim.analysis.imputation.result import ImputationResult
from trialsim.analysis.imputation.shift_law import ShiftLaw, combine
from trialsim.analysis.imputation.strategies import rules_of
from trialsim.analysis.imputation.visit_frame import VisitFrame, has_gaps, last_visits, read_visit_frame
from trialsim.analysis.one_trial.tidy_frame import Columns, as_names
from trialsim.analysis.repeated_measures.closed_form.block import REASONS as FIT_REASONS
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError

Method = Literal["conditional_mean", "bayes", "approximate_bayes"]
Variance = Literal["jackknife", "information_anchored"]
FrameVariance = Literal["jackknife", "information_anchored", "bootstrap"]

REASONS = (
    *FIT_REASONS,
    "not_finite",
    "singular_when_one_participant_is_left_out",
    "no_outcome_to_carry_forward",
    "arm_with_fewer_than_two_participants",
    "not_converged",
    "visits_never_observed_together",
    "singular_covariance",
    "indefinite_information",
)


def reference_based_imputation(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    participant: str,
    covariates: Columns | None = None,
    strategy: str | Mapping[str, str],
    strategy_by: str | None = None,
    reference: object = None,
    control: object = None,
    visits: Sequence[object] | str | None = None,
    method: Method = "conditional_mean",
    variance: FrameVariance = "jackknife",
    analysis_covariates: Columns | None = None,
    draws: int = 1_000,
    burn_in: int = 100,
    generator: np.random.Generator | None = None,
    level: float = 0.95,
) -> ImputationResult:
    """Impute a longitudinal trial and analyse every visit by analysis of covariance.

    Parameters
    ----------
    data : DataFrame
        One row a participant and visit; rows of missed visits may be absent or hold a missing outcome.
    outcome, arm, visit, participant : str
        Columns; two arms.
    covariates : str or sequence of str, optional
        Baseline columns of the imputation model, each with its own coefficient at each visit.
    strategy : str or mapping
        One of `STRATEGIES` for the dropouts of both arms, or a strategy for each arm's label, or for each
        label of `strategy_by`.
    strategy_by : str, optional
        Column of the kind of each participant, such as the cause of stopping; may be missing for those whose
        last visit is observed.
    reference : object, optional
        Label of the reference arm; the control unless given.
    control : object, optional
        Label of the control arm; the first level unless given. Effects are the other arm minus control.
    visits : sequence or str, optional
        The visits in order, or a column of numbers that orders them; else the order of numbers, dates, a
        category or names, by the rule of `trialsim.analysis.one_trial.visit_order`.
    method : {"conditional_mean", "bayes", "approximate_bayes"}
    variance : {"jackknife", "information_anchored", "bootstrap"}
        Of conditional-mean imputation; see the module.
    analysis_covariates : str or sequence of str, optional
        Those of `covariates` in the analysis of covariance; all of them unless given.
    draws : int
        Imputations of the Bayesian methods, or resamples of the bootstrap; at least 2.
    burn_in : int
        Draws passed over where gaps need data augmentation; without gaps draws are independent.
    generator : Generator, optional
        Needed by the Bayesian methods and the bootstrap; make it with `trialsim.streams.stream`.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    ImputationResult

    Raises
    ------
    AnalysisError
        If the data cannot be read, or the imputation model cannot be fitted; the text names why.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = [(i, i % 2, week, rng.normal() - 0.5 * (i % 2)) for i in range(60) for week in (4, 8)
    ...         if week == 4 or i % 5]
    >>> data = pd.DataFrame(rows, columns=["id", "arm", "week", "change"])
    >>> found = reference_based_imputation(data, outcome="change", arm="arm", visit="week",
    ...                                    participant="id", strategy="J2R")
    >>> found.imputed.tolist()
    [[0, 0], [6, 6]]
    """
    check_options(method, variance, draws, burn_in, generator, level)
    frame = read_visit_frame(
        data,
        outcome=outcome,
        arm=arm,
        visit=visit,
        participant=participant,
        covariates=covariates,
        control=control,
        visits=visits,
    )
    names = as_names(covariates) if analysis_covariates is None else as_names(analysis_covariates)
    rules = rules_of(data, participant, frame, strategy, strategy_by)
    plan = Plan(
        1,
        _analysis_columns(frame.names, as_names(covariates), names),
        _reference(frame.arms, reference, arm),
        rules.codes,
        len(frame.visits) - 1,
        rules.kind,
    )
    centred, shift = _centred(frame)
    if method != "conditional_mean":
        drawn = cast(np.random.Generator, generator)
        estimate, error, df, shifts = _bayes(
            centred, frame.design, plan, draws, burn_in, method == "bayes", drawn
        )
        parameters = "Bayesian" if method == "bayes" else "approximate Bayesian (resamples within arms)"
        words = f"{parameters}, {draws} draws, Rubin's rules, Barnard-Rubin df"
    elif variance == "bootstrap":
        drawn = cast(np.random.Generator, generator)
        estimate, error, df, shifts = _bootstrap(centred, frame.design, plan, draws, drawn)
        words = f"conditional mean, standard error of {draws} resamples within arms, normal"
    else:
        estimate, error, df, shifts = _conditional_mean(
            centred, frame.design, plan, variance == "information_anchored"
        )
        words = f"conditional mean, {variance.replace('_', '-')} standard error, normal"
    estimate[:, 1:] += shift
    missing = np.isnan(frame.outcomes)
    return ImputationResult(
        outcome,
        words,
        dict(zip(rules.labels, rules.names, strict=True)),
        strategy_by,
        frame.arms,
        frame.arms[plan.reference],
        frame.visits,
        (int((frame.arm == 0).sum()), int((frame.arm == 1).sum())),
        np.column_stack([missing[frame.arm == own].sum(axis=0) for own in (0, 1)]),
        estimate,
        error,
        df,
        shifts,
        tuple(as_names(covariates)),
        level,
    )


Found = tuple[Floats, Floats, Floats, tuple[ShiftLaw, ...]]


def _conditional_mean(outcomes: Floats, design: Floats, plan: Plan, anchored: bool) -> Found:
    """Return estimates, standard errors and df (V, 3), and the law of shifts at every visit."""
    visits = outcomes.shape[1]
    result, covariance = np.empty((visits, 5)), np.empty((visits, 5, 5))
    if has_gaps(outcomes):
        targets = np.arange(visits)
        raise_for(impute_gap_trial(outcomes, design, plan, targets, anchored, result, covariance))
    else:
        for target in range(visits):
            here = plan._replace(target=target)
            status = impute_trial(outcomes, design, here, anchored, result[target], covariance[target])
            raise_for(status)
    return _normal(result, covariance)


def _bootstrap(
    outcomes: Floats, design: Floats, plan: Plan, draws: int, generator: np.random.Generator
) -> Found:
    """Return estimates, standard errors and df (V, 3), and the law of shifts, from resamples within arms."""
    visits = outcomes.shape[1]
    targets, result = np.arange(visits), np.empty((visits, 5))
    raise_for(impute_once(outcomes, design, plan, targets, result))
    resampled = np.empty((draws, visits, 5))
    rows = resamples(design[:, plan.arm_column], draws, generator)
    failed = impute_resamples(outcomes, design, plan, targets, rows, resampled)
    if failed:
        raise _unlike_all(failed, draws, "variance", "bootstrap")
    covariance = np.stack([np.cov(resampled[:, visit].T) for visit in targets])
    return _normal(result, covariance)


def _unlike_all(failed: int, draws: int, field: str, value: str) -> AnalysisError:
    return AnalysisError(
        f"{failed} of {draws} resamples cannot be fitted: their spread would not be that of all",
        field=field,
        value=value,
        mend="use conditional means with the jackknife, or fewer covariates",
    )


def _normal(result: Floats, covariance: Floats) -> Found:
    """Return estimates, standard errors and infinite df (V, 3), and the law of shifts at every visit."""
    error = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)[:, :3])
    shifts = tuple(
        ShiftLaw(float(row[0]), row[3:], float(spread[0, 0]), spread[0, 3:], spread[3:, 3:])
        for row, spread in zip(result, covariance, strict=True)
    )
    return result[:, :3].copy(), error, np.full_like(error, np.inf), shifts


def _bayes(
    outcomes: Floats,
    design: Floats,
    plan: Plan,
    draws: int,
    burn_in: int,
    exact: bool,
    generator: np.random.Generator,
) -> Found:
    """Return estimates, standard errors and df (V, 3), and the law of shifts at every visit."""
    visits, size = outcomes.shape[1], len(plan.columns)
    records = Records(
        np.empty((draws, visits, size)), np.empty((draws, visits)), np.empty((draws, visits, 2))
    )
    last = last_visits(outcomes)
    if exact:
        start, gaps = outcomes, has_gaps(outcomes)
        if gaps:
            status, start = fill_gap_trial(outcomes, design, plan.arm_column)
            raise_for(status)
        burn_in = burn_in if gaps else 0
        raise_for(draw_and_analyse(outcomes, start, last, design, plan, burn_in, generator, records))
    else:
        design = scaled(design, plan.arm_column)
        rows = resamples(design[:, plan.arm_column], draws, generator)
        failed = draw_from_resamples(outcomes, last, design, plan, rows, generator, records)
        if failed:
            raise _unlike_all(failed, draws, "method", "approximate_bayes")
    columns = design[:, plan.columns]
    inverse = np.asarray(np.linalg.inv(columns.T @ columns), dtype=np.float64)
    at = columns.mean(axis=0)
    at_control, at_active = at.copy(), at.copy()
    at_control[1], at_active[1] = 0.0, 1.0
    contrasts = np.stack([np.eye(size)[1], at_control, at_active])
    values = records.coefficients @ contrasts.T
    scale = np.einsum("ka,ab,kb->k", contrasts, inverse, contrasts)
    within = records.variances.mean(axis=0)[:, None] * scale
    between = values.var(axis=0, ddof=1)
    freedom = float(len(outcomes) - size)
    error, df = combine(within, between, draws, freedom)
    shifts = tuple(
        _rubin_law(j, outcomes, columns, inverse, records, within[j, 0], float(between[j, 0]))
        for j in range(visits)
    )
    return values.mean(axis=0), error, df, shifts


def _rubin_law(
    visit: int,
    outcomes: Floats,
    columns: Floats,
    inverse: Floats,
    records: Records,
    within: float,
    between: float,
) -> ShiftLaw:
    """Return how one visit's effect follows a shift of the imputed outcomes."""
    missing = np.isnan(outcomes[:, visit])
    marks = np.column_stack([missing & (columns[:, 1] == own) for own in (0.0, 1.0)]).astype(np.float64)
    products = columns.T @ marks
    slopes = inverse @ products
    freedom = len(columns) - columns.shape[1]
    mean = records.coefficients[:, visit].mean(axis=0)
    scale = inverse[1, 1] / freedom
    return ShiftLaw(
        float(mean[1]),
        slopes[1],
        float(within),
        scale * (records.sums[:, visit].mean(axis=0) - products.T @ mean),
        scale * (np.diag(marks.sum(axis=0)) - products.T @ slopes),
        float(between),
        float(len(records.variances)),
        float(freedom),
    )


def _centred(frame: VisitFrame) -> tuple[Floats, float]:
    """Return outcomes around one common mean, so that Gram sums keep their digits, and that mean.

    One mean for all visits: carrying a mean forward compares visits on one scale.
    """
    shift = float(np.nanmean(frame.outcomes))
    return np.ascontiguousarray(frame.outcomes - shift), shift


def raise_for(status: int) -> None:
    """Raise if a status of the kernels is not that of success."""
    if status != 0:
        raise AnalysisError(f"{REASONS[status]}: the imputation model cannot be fitted")


def _reference(arms: tuple[str, str], reference: object, column: str) -> int:
    if reference is None:
        return 0
    if str(reference) not in arms:
        raise AnalysisError(
            "has no such reference arm", field=column, value=reference, mend=f"use {arms[0]} or {arms[1]}"
        )
    return arms.index(str(reference))


def _analysis_columns(names: Sequence[str], known: Sequence[str], chosen: Sequence[str]) -> Ints:
    """Return the columns of the analysis of covariance: intercept, arm, the chosen covariates."""
    for name in chosen:
        if name not in known:
            raise AnalysisError(
                "is in the analysis but not in the imputation model",
                field=name,
                mend="name it in covariates as well, so that imputation and analysis agree",
            )
    sources = [name if name in chosen else name.split("[")[0] for name in names]
    return np.array([0, 1, *(k for k in range(2, len(names)) if sources[k] in chosen)])
