"""Histories of one outcome a participant, how their columns are standardised, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Bools, Covariates, Floats, Ints
from trialsim.errors import HistoryError
from trialsim.prognosis.families import FAMILIES, Responses
from trialsim.prognosis.histories.compatibility import LEAK_CORRELATION, copies
from trialsim.prognosis.models.shapes import Shapes
from trialsim.prognosis.models.terms import ModelTerms

# A family without a kept calibration study inside its bands would issue no twin; every one has it.
ISSUED = tuple(FAMILIES)
FEWEST_EVENTS = 10
FEWEST_PER_COVARIATE = 2
FEWEST_STUDIES = 3
FEWEST_LEVELS = 3
INTERVALS = 5


@dataclass(frozen=True)
class OutcomeHistory:
    """Past placebo participants with a response, an ordered level, a count or a time to an event.

    Parameters
    ----------
    endpoint, source : str
        Name of the outcome, and where the participants come from.
    family : str
        ``binary``, ``ordinal``, ``count``, ``weibull``, ``cure`` or ``piecewise``.
    covariates : Covariates
        N participants; the baseline value of a score is one of them.
    outcome : ndarray (N,)
        1 for a response or an event, 0 for none or censored; the position of an ordinal outcome in
        `levels`, from 0; the number of events during follow-up.
    time : ndarray (N,)
        Weeks of follow-up, above 0; the week of assessment for a binary or an ordinal outcome.
    group : ndarray of int (N,)
        Study or site, from 0: three or more have effects of their own.
    levels : tuple of str
        Names of the levels of an ordinal outcome, from least to most; none for other families.
    """

    endpoint: str
    source: str
    family: str
    covariates: Covariates
    outcome: Floats
    time: Floats
    group: Ints
    levels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.outcome)

    def take(self, rows: np.ndarray) -> OutcomeHistory:
        """Return the given participants, by position or mask."""
        return OutcomeHistory(
            self.endpoint,
            self.source,
            self.family,
            self.covariates.take(rows),
            self.outcome[rows],
            self.time[rows],
            self.group[rows],
            self.levels,
        )


@dataclass(frozen=True)
class Columns:
    """How covariates become standardised columns (N, K); a missing one is the mean with an indicator.

    In this order: every covariate, the indicators of missingness, and what splines and interactions add.

    Parameters
    ----------
    names : tuple of str
        Covariates, P of them.
    value_mean : ndarray (P,)
        Stands in for missing values.
    indicators : ndarray of bool (P,)
        Which covariates have an indicator of missingness.
    mean, sd : ndarray (K,)
        Of the columns before they are standardised.
    shapes : Shapes, optional
        Splines and interactions.
    """

    names: tuple[str, ...]
    value_mean: Floats
    indicators: Bools
    mean: Floats
    sd: Floats
    shapes: Shapes | None = None

    @classmethod
    def of(cls, covariates: Covariates, terms: ModelTerms | None = None) -> Columns:
        """Learn means, standard deviations and, where terms ask for some, curves and products."""
        names, values = covariates.names, covariates.values
        value_mean = np.array([np.nanmean(column) for column in values.T])
        indicators: Bools = np.asarray(np.isnan(values).any(axis=0))
        shapes = None
        if terms is not None and terms.extra_columns:
            shapes, _ = Shapes.learn(names, values, terms.splines, terms.interactions)
        raw = _raw(names, values, value_mean, indicators, shapes)
        spread = raw.std(axis=0)
        sd = np.where(spread > 0, spread, 1.0)
        return cls(names, value_mean, indicators, raw.mean(axis=0), sd, shapes)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the K columns."""
        flags = (f"{name}_missing" for name, on in zip(self.names, self.indicators, strict=True) if on)
        return (*self.names, *flags, *(() if self.shapes is None else self.shapes.labels))

    @property
    def terms(self) -> ModelTerms:
        """Splines and interactions that the columns hold."""
        shapes = self.shapes
        return ModelTerms() if shapes is None else ModelTerms(shapes.splines, shapes.interactions)

    def matrix(self, covariates: Covariates) -> Floats:
        """Return the columns of participants, in the history's units."""
        absent = sorted(set(self.names) - set(covariates.names))
        if absent:
            raise HistoryError(
                f"the prognosis needs {', '.join(absent)}, which these participants do not have",
                field="covariates",
                mend="give the covariates of the history, or fit without them",
            )
        values = covariates.select(self.names).values
        raw = _raw(self.names, values, self.value_mean, self.indicators, self.shapes)
        return (raw - self.mean) / self.sd


def _raw(
    names: tuple[str, ...], values: Floats, value_mean: Floats, indicators: Bools, shapes: Shapes | None
) -> Floats:
    """Return columns (N, K) that are not yet standardised."""
    missing = np.isnan(values)
    filled = np.where(missing, value_mean, values)
    further = () if shapes is None else (shapes.columns(names, filled),)
    return np.column_stack([filled, missing[:, indicators], *further])


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


def responses_of(history: OutcomeHistory, columns: Columns) -> tuple[Responses, float]:
    """Return what the likelihood needs, and the longest follow-up in weeks, which is the unit of time."""
    unit = float(history.time.max())
    time = history.time / unit
    labels, member = np.unique(history.group, return_inverse=True)
    studies = len(labels) if len(labels) >= FEWEST_STUDIES else 0
    cuts = np.empty(0)
    if history.family == "piecewise":
        inner = np.quantile(time[history.outcome > 0], np.arange(1, INTERVALS) / INTERVALS)
        cuts = np.unique(inner[inner < time.max()])
    indicator = np.eye(len(labels))[member.ravel()][:, :studies]
    x = columns.matrix(history.covariates)
    return Responses(x, indicator, history.outcome, time, cuts, len(history.levels)), unit
