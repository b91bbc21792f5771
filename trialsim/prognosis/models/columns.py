"""How the covariates of outcome histories are standardised, and what a likelihood needs of them."""

from __future__ import annotations

from dataclasses import dataclass

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
