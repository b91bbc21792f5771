"""Histories of one outcome a participant, how their columns are standardised, and what is refused."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats, OutcomeHistory
from trialsim.errors import HistoryError
from trialsim.prognosis.families import FAMILIES
from trialsim.prognosis.histories.compatibility import LEAK_CORRELATION, copies

# A family without a kept calibration study inside its bands would issue no twin; every one has it.
ISSUED = tuple(FAMILIES)
FEWEST_EVENTS = 10
FEWEST_PER_COVARIATE = 2
FEWEST_STUDIES = 3
FEWEST_LEVELS = 3
INTERVALS = 5


def require_outcomes(history: OutcomeHistory) -> None:
    """Raise if nothing can be learnt from a history of outcomes.

    At least 10 + 2 P events: responses of the rarer kind, participants outside the commonest level, or
    participants with an event. With fewer, the prior is what is read.

    Raises
    ------
    HistoryError
        One clear reason.
    """
    if history.family not in ISSUED:
        raise HistoryError(
            "is no family of outcomes that twins are issued for",
            field="family",
            value=history.family,
            mend=f"use one of {', '.join(ISSUED)}",
        )
    _refuse_outcomes(history)
    if not (np.isfinite(history.time) & (history.time > 0)).all():
        raise HistoryError("follow-up must be above 0", field="time", mend="correct the file")
    if not history.covariates.names:
        raise HistoryError(
            "there is no covariate to learn from", field="covariates", mend="give at least one"
        )
    for name, column in zip(history.covariates.names, history.covariates.values.T, strict=True):
        _refuse_covariate(name, column, history)
    _refuse_too_few(history)


def _refuse_outcomes(history: OutcomeHistory) -> None:
    """Raise if an outcome is none of its family."""
    outcome, family = history.outcome, history.family
    if family != "ordinal" and history.levels:
        raise HistoryError(
            f"a {family} outcome has no levels", field="levels", mend="leave them out, or use family ordinal"
        )
    if family == "count":
        if not (np.isfinite(outcome) & (outcome >= 0) & (outcome == np.round(outcome))).all():
            raise HistoryError(
                "counts must be whole numbers from 0",
                field=history.endpoint,
                mend="give the number of events, and the follow-up beside it instead of a rate",
            )
    elif family == "ordinal":
        _refuse_levels(history)
    elif not np.isin(outcome, (0.0, 1.0)).all():
        raise HistoryError(
            "must be 0 or 1 for everybody", field=history.endpoint, mend="leave out whom nobody knows of"
        )


def _refuse_levels(history: OutcomeHistory) -> None:
    """Raise if an ordinal outcome is no position of a level, or a level is empty."""
    count = len(history.levels)
    if count < FEWEST_LEVELS or len(set(history.levels)) < count:
        raise HistoryError(
            f"an ordinal outcome needs {FEWEST_LEVELS} different levels or more",
            field="levels",
            value=count,
            mend="name every level once, or use family binary for two",
        )
    if not np.isin(history.outcome, np.arange(count)).all():
        raise HistoryError(
            f"levels must be whole numbers from 0 to {count - 1}",
            field=history.endpoint,
            mend="give the position of each participant's level",
        )
    empty = [name for k, name in enumerate(history.levels) if not (history.outcome == k).any()]
    if empty:
        raise HistoryError(
            f"nobody is at level {', '.join(empty)}, so nothing can be learnt about it",
            field=history.endpoint,
            mend="merge it with its neighbour, or give a larger history",
        )


def _refuse_too_few(history: OutcomeHistory) -> None:
    fewest = FEWEST_EVENTS + FEWEST_PER_COVARIATE * len(history.covariates.names)
    seen, kind = informative(history.family, history.outcome)
    if seen < fewest:
        raise HistoryError(
            f"too few events to learn from: {seen} {kind}, at least {fewest} are needed for "
            f"{len(history.covariates.names)} covariates",
            field=history.endpoint,
            mend="give a larger history, longer follow-up or fewer covariates",
        )


def informative(family: str, outcome: Floats) -> tuple[int, str]:
    """Return how many participants tell something of an outcome (N,), and what they are called."""
    if not len(outcome):
        return 0, "participants"
    if family in ("binary", "ordinal"):
        commonest = int(np.bincount(outcome.astype(int)).max())
        of = (
            "of the rarer kind of response"
            if family == "binary"
            else "participants outside the commonest level"
        )
        return len(outcome) - commonest, of
    return int((outcome > 0).sum()), "participants with an event" if family == "count" else "events"


def _refuse_covariate(name: str, column: Floats, history: OutcomeHistory) -> None:
    seen = np.isfinite(column)
    if np.isinf(column).any():
        raise HistoryError("covariate is infinite for somebody", field=name, mend="correct the file")
    if not seen.any():
        raise HistoryError("covariate is missing for everybody", field=name, mend="leave it out")
    if np.ptp(column[seen]) == 0:
        raise HistoryError(
            "covariate is the same for everybody, so nothing can be learnt from it",
            field=name,
            mend="leave it out, or keep a wider population",
        )
    outcomes = {"outcome": history.outcome}
    if FAMILIES[history.family].counts_time:
        outcomes["time"] = history.time
    if history.family == "count":
        outcomes["rate"] = history.outcome / history.time
    for what, outcome in outcomes.items():
        if np.ptp(outcome[seen]) > 0 and (
            abs(np.corrcoef(column[seen], outcome[seen])[0, 1]) > LEAK_CORRELATION
        ):
            raise HistoryError(
                f"covariate is the {what} itself: correlation above {LEAK_CORRELATION}",
                field=name,
                mend="leave it out, only what is known at baseline can predict",
            )
        if copies(column, outcome):
            raise HistoryError(
                f"covariate is made of the {what}: one orders the other without a fault",
                field=name,
                mend="leave it out, only what is known at baseline can predict",
            )
