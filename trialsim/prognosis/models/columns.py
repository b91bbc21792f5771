"""How the covariates of outcome histories are standardised, and what a likelihood needs of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trialsim.data import Bools, Covariates, Floats, OutcomeHistory
from trialsim.errors import HistoryError
from trialsim.prognosis.families import Responses
from trialsim.prognosis.histories.outcome import FEWEST_STUDIES, INTERVALS
from trialsim.prognosis.models.shapes import Shapes
from trialsim.prognosis.models.terms import ModelTerms


@dataclass(frozen=True)
class Columns:
    """How covariates become standardised columns (N, K); a missing one is the mean with an indicator.

    In this order: the measured baseline and the square of its standardised value where there is one, every
    covariate, the indicators of missingness, and what splines and interactions add. Each has mean 0 and
    standard deviation 1 in the history.

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

    LEADING: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def of(cls, covariates: Covariates, terms: ModelTerms | None = None) -> Columns:
        """Learn means, standard deviations and, where terms ask for some, curves and products."""
        return Columns(*learn_columns(covariates, None, terms))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the K columns."""
        flags = (f"{name}_missing" for name, on in zip(self.names, self.indicators, strict=True) if on)
        curved = () if self.shapes is None else self.shapes.labels
        return (*self.LEADING, *self.names, *flags, *curved)

    @property
    def terms(self) -> ModelTerms:
        """Splines and interactions that the columns hold."""
        shapes = self.shapes
        return ModelTerms() if shapes is None else ModelTerms(shapes.splines, shapes.interactions)

    def matrix(self, covariates: Covariates, baseline: Floats | None = None) -> Floats:
        """Return the columns of participants, in the history's units.

        Raises
        ------
        HistoryError
            A covariate that the history had is not given.
        """
        absent = sorted(set(self.names) - set(covariates.names))
        if absent:
            raise HistoryError(
                f"the prognosis needs {', '.join(absent)}, which these participants do not have",
                field="covariates",
                mend="give the covariates of the history, or fit without them",
            )
        values = covariates.select(self.names).values
        lead = None if baseline is None else _leading(baseline, self.mean[0], self.sd[0])
        raw = _raw(self.names, values, lead, self.value_mean, self.indicators, self.shapes)
        return (raw - self.mean) / self.sd


def learn_columns(
    covariates: Covariates, baseline: Floats | None, terms: ModelTerms | None
) -> tuple[tuple[str, ...], Floats, Bools, Floats, Floats, Shapes | None]:
    """Return the fields of `Columns` that a history gives, with a measured baseline or without."""
    names, values = covariates.names, covariates.values
    value_mean = np.array([np.nanmean(column) for column in values.T])
    indicators: Bools = np.asarray(np.isnan(values).any(axis=0))
    lead = None if baseline is None else _leading(baseline, baseline.mean(), baseline.std())
    shapes = None
    if terms is not None and terms.extra_columns:
        known, whole = _with_baseline(names, values, lead)
        shapes, _ = Shapes.learn(known, whole, terms.splines, terms.interactions)
    raw = _raw(names, values, lead, value_mean, indicators, shapes)
    # A cross-validation fold can lack a rare category: its column is then 0 and teaches nothing.
    spread = raw.std(axis=0)
    return names, value_mean, indicators, raw.mean(axis=0), np.where(spread > 0, spread, 1.0), shapes


def _leading(baseline: Floats, mean: float, sd: float) -> Floats:
    """Return the baseline and the square of its standardised value (N, 2)."""
    return np.column_stack([baseline, ((baseline - mean) / sd) ** 2])


def _with_baseline(
    names: tuple[str, ...], values: Floats, lead: Floats | None
) -> tuple[tuple[str, ...], Floats]:
    """Return what splines and interactions may name: the baseline, if there is one, and the covariates."""
    return (names, values) if lead is None else (("baseline", *names), np.column_stack([lead[:, 0], values]))


def _raw(
    names: tuple[str, ...],
    values: Floats,
    lead: Floats | None,
    value_mean: Floats,
    indicators: Bools,
    shapes: Shapes | None,
) -> Floats:
    """Return columns (N, K) that are not yet standardised."""
    missing = np.isnan(values)
    filled = np.where(missing, value_mean, values)
    first = () if lead is None else (lead,)
    further = () if shapes is None else (shapes.columns(*_with_baseline(names, filled, lead)),)
    return np.column_stack([*first, filled, missing[:, indicators], *further])


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
