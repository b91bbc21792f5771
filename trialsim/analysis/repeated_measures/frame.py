"""Mixed model for repeated measures (MMRM) of one trial: a tidy frame in, a statistician's table out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from trialsim.analysis.one_trial.tidy_frame import Columns, as_names, check_level, collinear
from trialsim.analysis.repeated_measures.covariance_structures import SPATIAL, structure_of
from trialsim.analysis.repeated_measures.design import Term, lay_out
from trialsim.analysis.repeated_measures.general.reading import family_of, position_of_visit
from trialsim.analysis.repeated_measures.general.sandwich import KINDS as EMPIRICAL
from trialsim.analysis.repeated_measures.methods import Method, method_of
from trialsim.analysis.repeated_measures.model import FittedModel, ModelTerms
from trialsim.analysis.repeated_measures.newton import COLLINEAR, OK, STATUSES
from trialsim.analysis.repeated_measures.one_trial import redundant_column
from trialsim.analysis.repeated_measures.reading import (
    CovariateColumn,
    RepeatedMeasures,
    read_repeated_measures,
)
from trialsim.analysis.repeated_measures.result import MmrmResult
from trialsim.data import Floats
from trialsim.errors import AnalysisError

EXACT = 1e-18

MENDS = {
    "not_converged": "try a covariance structure with fewer parameters",
    "too_few_participants_at_visit": "leave out the visit, or covariates, or use a simpler covariance",
    "visits_never_observed_together": "use a structured covariance such as 'ar1h' or 'toeph'",
    "singular_covariance": "a visit repeats others without error: leave it out or use a simpler covariance",
    "indefinite_information": "use df='residual' or a covariance structure with fewer parameters",
}


def mmrm(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    participant: str,
    covariates: Columns = (),
    by_visit: Columns = (),
    control: object = None,
    visits: Sequence[object] | str | None = None,
    covariance: str = "us",
    method: str = "reml",
    df: str = "satterthwaite",
    level: float = 0.95,
    coordinates: Columns = (),
    covariance_by: str | None = None,
    common_mean_at: object = None,
    errors: str = "model",
) -> MmrmResult:
    """Fit a mixed model for repeated measures: visit + arm × visit + covariates.

    An effect is arm minus control. Rows with a missing outcome are dropped (missing at random); a
    participant without any outcome does not enter. Neither the order of rows, nor names of levels or
    participants, nor the locale changes a result.

    Parameters
    ----------
    data : DataFrame
        One row a participant and visit.
    outcome, arm, visit, participant : str
        Columns.
    covariates : str or sequence of str
        Columns of covariates: main effects. Text, category and bool columns are factors. A number that
        changes within a participant is a visit-matched covariate, such as a prognostic score.
    by_visit : str or sequence of str
        Those covariates that have a coefficient at each visit.
    control : object, optional
        The control arm; else the first level (of a category, or sorted).
    visits : sequence or str, optional
        The visits in order, or a column of numbers that orders them; else the order of numbers, dates, a
        category or names, by the rule of `trialsim.analysis.one_trial.visit_order`.
    covariance : str
        ``"us"`` unstructured, ``"toep"``, ``"toeph"``, ``"ar1"``, ``"ar1h"``, ``"ad"``, ``"adh"``, ``"cs"``
        or ``"csh"``; a final h gives each visit its own variance. For visits at unequal distances
        ``"sp_exp"`` σ²ρ^d or ``"sp_gau"`` σ²ρ^(d²), d the distance of two visits in the `coordinates`.
    method : {"reml", "ml"}
    df : str
        ``"satterthwaite"``, ``"kenward-roger-linear"`` (as SAS for ``us``), ``"kenward-roger"`` (with the
        second derivatives, as the R package mmrm), ``"between-within"``, ``"residual"`` or ``"z"``.
    level : float
        Confidence level of the intervals, in (0, 1).
    coordinates : str or sequence of str, optional
        Columns of numbers that say where a visit is; else the visits themselves, if these are numbers.
    covariance_by : str, optional
        A column whose levels have covariance parameters of their own, such as the arm.
    common_mean_at : object, optional
        A visit, usually the baseline, at which all arms have one mean, because they are randomised: the
        constrained longitudinal data analysis (cLDA). It has no effect in the tables.
    errors : {"model", "empirical", "empirical-bias-reduced", "empirical-jackknife"}
        Standard errors: of the model, or sandwiches that do not trust its covariance (CR0, CR2, CR3), with
        the degrees of freedom of Bell and McCaffrey for ``df="satterthwaite"``.

    Returns
    -------
    MmrmResult
        Prints as a table; `contrasts`, `ls_means`, `coefficients`, `covariance` are frames.

    Raises
    ------
    AnalysisError
        If the data cannot be analysed: an unknown column or visit, an infinite value, a duplicate row, an
        arm with one participant, a visit without outcomes or with a constant one, a collinear covariate
        (named), or a fit that fails, by the name of its status (`mmrm_newton.STATUSES`).

    Notes
    -----
    ``y_i = X_i b + e_i``, ``e_i ~ N(0, Σ_i)`` with Σ_i the observed block of Σ; restricted likelihood by
    Newton's method to a decrement of 1e-18. Degrees of freedom from the exact observed information, as SAS
    PROC MIXED and the R package mmrm have them. See `trialsim.analysis.repeated_measures.likelihood` and
    `trialsim.analysis.repeated_measures.inference`.

    References
    ----------
    .. [1] Mallinckrodt CH et al. Recommendations for the primary analysis of continuous endpoints in
       longitudinal clinical trials. Drug Information Journal 2008; 42: 303-319.
    .. [2] Kenward MG, Roger JH. Small sample inference for fixed effects from restricted maximum
       likelihood. Biometrics 1997; 53: 983-997.
    .. [3] Liang KY, Zeger SL. Longitudinal data analysis of continuous and discrete responses for pre-post
       designs. Sankhya B 2000; 62: 134-148 (the common mean).

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> frame = pd.DataFrame({"id": np.repeat(np.arange(40), 3), "week": np.tile([4, 8, 12], 40)})
    >>> frame["arm"] = np.where(frame["id"] % 2, "active", "placebo")
    >>> frame["change"] = rng.normal(size=120) + (frame["arm"] == "active")
    >>> fit = mmrm(frame, outcome="change", arm="arm", visit="week", participant="id", control="placebo")
    >>> fit.contrasts["df"].round(6).tolist()
    [38.0, 38.0, 38.0]
    """
    chosen = method_of(method, df, covariance)
    check_level(level)
    covariates, by_visit = as_names(covariates), as_names(by_visit)
    for name in by_visit:
        if name not in covariates:
            raise AnalysisError("is not among the covariates", field="by_visit", value=name)
    general = covariance in SPATIAL or covariance_by is not None
    _check_errors(errors, chosen, general)
    extra = [name for name in as_names(coordinates) if name != visit]
    extra += [covariance_by] if covariance_by is not None and covariance_by != arm else []
    trial = read_repeated_measures(
        data,
        outcome=outcome,
        arm=arm,
        visit=visit,
        participant=participant,
        covariates=[*covariates, *extra],
        control=control,
        visits=visits,
    )
    of_covariance = trial.covariates[len(covariates) :]
    trial = replace(trial, covariates=trial.covariates[: len(covariates)])
    common = position_of_visit(trial.visits, common_mean_at, visit)
    terms = _model_terms(trial, by_visit, common)
    structure = structure_of("us" if covariance in SPATIAL else covariance, len(trial.visits))
    family, labels = family_of(
        trial, covariance, structure, as_names(coordinates), covariance_by, of_covariance, visit, arm
    )
    shift = np.nanmean(trial.outcome, axis=0)
    model = FittedModel(
        outcome, trial, terms, covariance, structure, chosen, shift, EXACT, errors, family, common, labels
    )
    contrasts = np.concatenate([model.effect_weights(), model.ls_mean_weights()])
    status, table, variance, sigma, deviance = model.judge(contrasts)
    if status == COLLINEAR:
        _raise_collinear(terms, trial.outcome - shift)
    if status != OK:
        reason = STATUSES[status]
        raise AnalysisError(f"{reason}: the model cannot be fitted", mend=MENDS.get(reason))
    return MmrmResult(model, level, table, variance, sigma, deviance)


def _check_errors(errors: str, method: Method, general: bool) -> None:
    known = ("model", *EMPIRICAL)
    if errors not in known:
        raise AnalysisError(
            "is not a known choice", field="errors", value=errors, mend=f"use one of {', '.join(known)}"
        )
    if method.adjusted and (general or errors != "model"):
        raise AnalysisError(
            "Kenward-Roger is there for the model's errors and one covariance of all participants",
            field="df",
            value=method.df,
            mend="use df='satterthwaite'",
        )


def _model_terms(trial: RepeatedMeasures, by_visit: Sequence[str], common: int | None) -> ModelTerms:
    """Return the design and the columns of z, numbers centred and scaled for the digits' sake."""
    records = (~np.isnan(trial.outcome)).sum(axis=1)
    terms = [Term("intercept", True)]
    columns = [np.ones(len(trial.arm))]
    arms: dict[int, int] = {}
    for position in trial.arm_order:
        arms[position] = len(terms)
        terms.append(Term(f"arm {trial.arms[position]}", True))
        columns.append((trial.arm == position).astype(np.float64))
    places: dict[str, tuple[int | None, ...]] = {}
    scales: dict[str, tuple[Floats, float]] = {}
    for covariate in trial.covariates:
        flag = covariate.name in by_visit
        if covariate.levels:
            places[covariate.name] = _add_factor(covariate, flag, terms, columns)
            continue
        places[covariate.name] = (len(terms),)
        centre, scale, values = _standardised(covariate, trial.outcome, records)
        scales[covariate.name] = (centre, scale)
        terms.append(Term(covariate.name, flag, covariate.matched))
        columns.extend(values.T if covariate.matched else [values])
    absent = {} if common is None else dict.fromkeys(arms.values(), common)
    design = lay_out(terms, len(trial.visits), absent)
    return ModelTerms(design, np.column_stack(columns), arms, places, scales)


def _add_factor(
    covariate: CovariateColumn, by_visit: bool, terms: list[Term], columns: list[Floats]
) -> tuple[int | None, ...]:
    """Add an indicator of each level but the last of the content order; return the term of each level."""
    place: list[int | None] = [None] * len(covariate.levels)
    for level in covariate.order[:-1]:
        place[level] = len(terms)
        terms.append(Term(f"{covariate.name}[{covariate.levels[level]}]", by_visit))
        columns.append((covariate.values == level).astype(np.float64))
    return tuple(place)


def _standardised(
    covariate: CovariateColumn, outcome: Floats, records: np.ndarray
) -> tuple[Floats, float, Floats]:
    """Return the centre at each visit (V,), the scale, and the values with 0 where they are not known."""
    visits = outcome.shape[1]
    if covariate.matched:
        seen = ~np.isnan(outcome)
        centre = np.nanmean(np.where(seen, covariate.values, np.nan), axis=0)
        about = np.where(seen, covariate.values - centre, 0.0)
    else:
        centre = np.full(visits, records @ covariate.values / records.sum())
        about = covariate.values - centre[0]
    scale = float(np.sqrt((about**2).mean()))
    if scale <= 1e-13 * float(np.abs(covariate.values[np.isfinite(covariate.values)]).max(initial=0.0)):
        raise collinear(covariate.name)
    return centre, scale, about / scale


def _raise_collinear(terms: ModelTerms, outcome: Floats) -> None:
    design = terms.design
    column = redundant_column(terms.values, outcome, design.cell, design.columns)
    raise collinear(design.term_of(column))
