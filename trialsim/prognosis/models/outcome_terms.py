"""Which further terms a history of responses, levels, counts or events can carry."""

from __future__ import annotations

from pathlib import Path

from trialsim.data import OutcomeHistory
from trialsim.errors import HistoryError
from trialsim.prognosis.histories.outcome import FEWEST_EVENTS, FEWEST_PER_COVARIATE, informative
from trialsim.prognosis.models.terms import FEWEST_PER_SHAPE, ModelTerms, require_known, require_shapes


def require_available(history: OutcomeHistory, terms: ModelTerms, file: Path | str | None = None) -> None:
    """Raise if terms are none of these families, or name what is no covariate of the history.

    Raises
    ------
    HistoryError
        Names the field of the table's ``[prognosis]``.
    """
    if terms.variance:
        raise HistoryError(
            f"{history.family} outcomes have no spread that a covariate could change beside their mean",
            file=file,
            field="prognosis.variance_covariates",
            value=", ".join(terms.variance),
            mend="leave it out, or use it for a score at visits",
        )
    if terms.studies:
        raise HistoryError(
            f"is no term of {history.family} outcomes: studies have effects of their own wherever the "
            "history has three or more",
            file=file,
            field="prognosis.study_effects",
            value=True,
            mend="leave it out, and name the study of each participant as columns.group",
        )
    if terms.visit_scales:
        raise HistoryError(
            f"is no term of {history.family} outcomes, which have no visits that could differ",
            file=file,
            field="prognosis.visit_scales",
            value=True,
            mend="leave it out, or use it for a score at visits",
        )
    names = history.covariates.names
    for field, asked in (("splines", terms.splines), ("interactions", sum(terms.interactions, ()))):
        if "baseline" in asked and "baseline" not in names:
            raise HistoryError(
                f"{history.family} outcomes have no value at baseline",
                file=file,
                field=f"prognosis.{field}",
                value="baseline",
                mend="give the value of a score at baseline as one of the covariates, and name that",
            )
    require_known(terms, names, file)


def require_outcome_terms(history: OutcomeHistory, terms: ModelTerms, file: Path | str | None = None) -> None:
    """Raise if a history cannot carry the terms; `require_outcomes` holds for the linear ones.

    Beyond the 10 + 2 P informative participants that P linear terms need, each column of a spline (two) or
    of an interaction (one) needs 10: ten events a parameter (Peduzzi et al. 1996), counted as there: the
    rarer kind of response, participants outside the commonest level, or participants with an event.

    Raises
    ------
    HistoryError
        Names the field of the table's ``[prognosis]``, and the number needed.
    """
    require_available(history, terms, file)
    if not terms.extra_columns:
        return
    linear = FEWEST_EVENTS + FEWEST_PER_COVARIATE * len(history.covariates.names)
    fewest = linear + FEWEST_PER_SHAPE * terms.extra_columns
    seen, kind = informative(history.family, history.outcome)
    if seen < fewest:
        raise HistoryError(
            f"the history is too small for these terms: {seen} {kind}, at least {fewest} are needed for "
            f"{len(history.covariates.names)} covariates and {terms.extra_columns} columns of curves and "
            "products",
            file=file,
            field="prognosis.splines" if terms.splines else "prognosis.interactions",
            mend="give a larger history, longer follow-up or fewer terms",
        )
    require_shapes(history.covariates.values, history.covariates.names, terms, file)
