"""What the model regresses on: standardised baseline values and the clock of the visits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trialsim.data import Bools, Covariates, Floats, History
from trialsim.errors import HistoryError
from trialsim.prognosis.models.shapes import Shapes
from trialsim.prognosis.models.terms import ModelTerms


@dataclass(frozen=True)
class Standardisation:
    """How baseline values become columns of the design; learnt from a history, used for any trial.

    Columns, each with mean 0 and standard deviation 1 in the history: the measured baseline, the
    square of its standardised value, every covariate, an indicator of missingness for each covariate
    that somebody in the history lacks, and what splines and interactions add. A missing covariate
    counts as the history's mean.
    The modelled outcome is the change from baseline in units of `unit`, and time runs from -1 at the
    first visit to 1 at the last.

    Parameters
    ----------
    endpoint : str
        Name of the outcome.
    names : tuple of str
        Covariates, P of them.
    weeks : ndarray (V,)
        Visits of the history.
    unit : float
        Standard deviation of the change around its visit means, in points of the endpoint.
    value_mean : ndarray (P,)
        Means of the covariates, which stand in for missing values.
    mean, sd : ndarray (K,)
        Of the columns, before they are standardised.
    indicators : ndarray of bool (P,)
        Which covariates have an indicator of missingness.
    shapes : Shapes, optional
        Splines and interactions.
    visit_sd : ndarray (V,), optional
        Standard deviation of the change at each visit, in units, where visits have scales of their own.
    """

    endpoint: str
    names: tuple[str, ...]
    weeks: Floats
    unit: float
    value_mean: Floats
    mean: Floats
    sd: Floats
    indicators: Bools
    shapes: Shapes | None = None
    visit_sd: Floats | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the K columns."""
        flags = (f"{name}_missing" for name, on in zip(self.names, self.indicators, strict=True) if on)
        curved = () if self.shapes is None else self.shapes.labels
        return ("baseline", "baseline_squared", *self.names, *flags, *curved)

    def matrix(self, covariates: Covariates, baseline: Floats) -> Floats:
        """Return the columns (N, K) of participants, in the history's units.

        Raises
        ------
        HistoryError
            A covariate that the history had is not given, or somebody has no finite baseline.
        """
        absent = sorted(set(self.names) - set(covariates.names))
        if absent:
            raise HistoryError(
                f"the prognosis needs {', '.join(absent)}, which these participants do not have",
                field="covariates",
                mend="give the covariates of the history, or fit without them",
            )
        if not np.isfinite(baseline).all():
            raise HistoryError(
                f"{int((~np.isfinite(baseline)).sum())} participants have no measured baseline",
                field=self.endpoint,
                mend="leave them out, a twin starts from a measured baseline",
            )
        values = covariates.select(self.names).values
        centred = (baseline - self.mean[0]) / self.sd[0]
        raw = _raw(values, baseline, centred, self.value_mean, self.indicators)
        if self.shapes is not None:
            filled = np.column_stack([baseline, np.where(np.isnan(values), self.value_mean, values)])
            raw = np.column_stack([raw, self.shapes.columns(("baseline", *self.names), filled)])
        return (raw - self.mean) / self.sd

    def positions(self, names: tuple[str, ...]) -> list[int]:
        """Return which columns are the linear ones of covariates, or of ``baseline``."""
        return [self.columns.index(name) for name in names]

    def clock(self, weeks: Floats) -> Floats:
        """Return time (V,) from -1 at the history's first visit to 1 at its last; 0 with one visit."""
        first, last = self.weeks[0], self.weeks[-1]
        half = (last - first) / 2
        return (np.asarray(weeks, dtype=float) - (first + last) / 2) / (half if half > 0 else 1.0)

    def rate(self, weeks: Floats) -> Floats:
        """Return time (V,) from 0 at week 0 to 1 at the history's last visit."""
        return np.asarray(weeks, dtype=float) / self.weeks[-1]

    def scale_at(self, weeks: Floats) -> Floats:
        """Return the scale (W,) of changes at any weeks, linear between visits; 1 where all share one."""
        if self.visit_sd is None:
            return np.ones(len(weeks))
        return np.interp(weeks, self.weeks, self.visit_sd)

    def levelled(self, history: History) -> History:
        """Return a history whose changes are over the scale of their visit; as it is without such scales."""
        if self.visit_sd is None:
            return history
        change = history.outcomes - history.baseline[:, None]
        return replace(history, outcomes=history.baseline[:, None] + change / self.visit_sd)

    def hats(self, weeks: Floats) -> Floats:
        """Return piecewise-linear weights (W, V) of the history's visit means at any weeks between.

        Raises
        ------
        HistoryError
            A week lies before the first or after the last visit of the history.
        """
        weeks = np.asarray(weeks, dtype=float)
        outside = weeks[(weeks < self.weeks[0]) | (weeks > self.weeks[-1]) | ~np.isfinite(weeks)]
        if outside.size:
            raise HistoryError(
                f"nothing was learnt about week {', '.join(f'{week:g}' for week in outside)}; "
                f"the history runs from week {self.weeks[0]:g} to {self.weeks[-1]:g}",
                field="weeks",
                mend="ask for weeks in between, or give a longer history",
            )
        each = np.eye(len(self.weeks))
        return np.column_stack([np.interp(weeks, self.weeks, hat) for hat in each])


def standardise(history: History, terms: ModelTerms | None = None) -> Standardisation:
    """Return the standardisation of a history whose participants all have a baseline."""
    values = history.covariates.values
    value_mean = np.array([np.nanmean(column) for column in values.T])
    indicators: Bools = np.asarray(np.isnan(values).any(axis=0))
    baseline = history.baseline
    centred = (baseline - baseline.mean()) / baseline.std()
    raw = _raw(values, baseline, centred, value_mean, indicators)
    shapes = None
    if terms is not None and terms.extra_columns:
        known = ("baseline", *history.covariates.names)
        shapes, filled = Shapes.learn(
            known, np.column_stack([baseline, values]), terms.splines, terms.interactions
        )
        raw = np.column_stack([raw, shapes.columns(known, filled)])
    # A cross-validation fold can lack a rare category: its column is then 0 and teaches nothing.
    spread = raw.std(axis=0)
    change = history.outcomes - baseline[:, None]
    mean_at_visit = np.nansum(change, axis=0) / np.isfinite(change).sum(axis=0).clip(min=1)
    deviation = change - mean_at_visit
    unit = float(np.nanstd(deviation))
    by_visit = terms is not None and terms.visit_scales
    return Standardisation(
        endpoint=history.endpoint,
        names=history.covariates.names,
        weeks=history.weeks,
        unit=unit,
        value_mean=value_mean,
        mean=raw.mean(axis=0),
        sd=np.where(spread > 0, spread, 1.0),
        indicators=indicators,
        shapes=shapes,
        visit_sd=np.nanstd(deviation, axis=0) / unit if by_visit else None,
    )


def _raw(values: Floats, baseline: Floats, centred: Floats, value_mean: Floats, indicators: Bools) -> Floats:
    """Return columns (N, K) that are not yet standardised."""
    missing = np.isnan(values)
    filled = np.where(missing, value_mean, values)
    return np.column_stack([baseline, centred**2, filled, missing[:, indicators]])
