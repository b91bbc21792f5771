"""What the model regresses on: standardised baseline values and the clock of the visits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from trialsim.data import Covariates, Floats, History
from trialsim.errors import HistoryError
from trialsim.prognosis.models.columns import Columns, learn_columns
from trialsim.prognosis.models.terms import ModelTerms


@dataclass(frozen=True, kw_only=True)
class Standardisation(Columns):
    """How baseline values become columns of the design; learnt from a history, used for any trial.

    The columns are those of `Columns`, the measured baseline and its square first. The modelled outcome is
    the change from baseline in units of `unit`, and time runs from -1 at the first visit to 1 at the last.

    Parameters
    ----------
    names, value_mean, indicators, mean, sd, shapes
        As in `Columns`.
    endpoint : str
        Name of the outcome.
    weeks : ndarray (V,)
        Visits of the history.
    unit : float
        Standard deviation of the change around its visit means, in points of the endpoint.
    visit_sd : ndarray (V,), optional
        Standard deviation of the change at each visit, in units, where visits have scales of their own.
    """

    endpoint: str
    weeks: Floats
    unit: float
    visit_sd: Floats | None = None

    LEADING: ClassVar[tuple[str, ...]] = ("baseline", "baseline_squared")

    def matrix(self, covariates: Covariates, baseline: Floats | None = None) -> Floats:
        """Return the columns (N, K) of participants, in the history's units.

        Raises
        ------
        HistoryError
            A covariate that the history had is not given, or somebody has no finite baseline.
        """
        known = np.full(len(covariates), np.nan) if baseline is None else baseline
        if not np.isfinite(known).all():
            raise HistoryError(
                f"{int((~np.isfinite(known)).sum())} participants have no measured baseline",
                field=self.endpoint,
                mend="leave them out, a twin starts from a measured baseline",
            )
        return super().matrix(covariates, known)

    def positions(self, names: tuple[str, ...]) -> list[int]:
        """Return which columns are the linear ones of covariates, or of ``baseline``."""
        return [self.labels.index(name) for name in names]

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
    names, value_mean, indicators, mean, sd, shapes = learn_columns(
        history.covariates, history.baseline, terms
    )
    change = history.outcomes - history.baseline[:, None]
    mean_at_visit = np.nansum(change, axis=0) / np.isfinite(change).sum(axis=0).clip(min=1)
    deviation = change - mean_at_visit
    unit = float(np.nanstd(deviation))
    by_visit = terms is not None and terms.visit_scales
    return Standardisation(
        names=names,
        value_mean=value_mean,
        indicators=indicators,
        mean=mean,
        sd=sd,
        shapes=shapes,
        endpoint=history.endpoint,
        weeks=history.weeks,
        unit=unit,
        visit_sd=np.nanstd(deviation, axis=0) / unit if by_visit else None,
    )
