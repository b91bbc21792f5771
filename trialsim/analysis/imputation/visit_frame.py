"""Reading a longitudinal trial of two arms: outcomes by visit, and a design of baseline columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.one_trial.collinear import refuse_collinear
from trialsim.analysis.one_trial.tidy_frame import Columns, as_names
from trialsim.analysis.repeated_measures.reading import CovariateColumn, read_repeated_measures
from trialsim.data import Floats, Ints, for_kernel
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class VisitFrame:
    """A longitudinal trial as arrays, its participants in an order that their content alone decides.

    Parameters
    ----------
    outcomes : ndarray (N, V)
        NaN where the outcome is missing or its row absent.
    design : ndarray (N, q)
        Intercept, arm (0 control, 1 active) and the covariates.
    names : tuple of str
        Of the q columns; a category of a character covariate reads ``sex[M]``.
    arms : tuple of (str, str)
        Labels of control and active.
    visits : tuple of str
        Labels of the V visits, in order.
    people : ndarray of int (N,)
        Position of each among the participants of the data, in the order in which they first occur.
    """

    outcomes: Floats
    design: Floats
    names: tuple[str, ...]
    arms: tuple[str, str]
    visits: tuple[str, ...]
    people: Ints

    @property
    def arm(self) -> Ints:
        """Arm of each participant (N,)."""
        return self.design[:, 1].astype(np.int64)


def read_visit_frame(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    participant: str,
    covariates: Columns | None = None,
    control: object = None,
    visits: Sequence[object] | str | None = None,
) -> VisitFrame:
    """Check a tidy data frame and return it as arrays; see `VisitFrame` and `reference_based_imputation`.

    Raises
    ------
    AnalysisError
        As `trialsim.analysis.repeated_measures.frame`; also if there are more than two arms, or a covariate
        is not of baseline.
    """
    trial = read_repeated_measures(
        data,
        outcome=outcome,
        arm=arm,
        visit=visit,
        participant=participant,
        covariates=as_names(covariates),
        control=control,
        visits=visits,
        of_baseline=True,
    )
    if len(trial.arms) > 2:
        raise AnalysisError(
            f"has {len(trial.arms)} arms",
            field=arm,
            mend="compare two arms at a time: take out the rows of the others",
        )
    names, columns = ["(Intercept)", f"{arm}[{trial.arms[1]}]"], [np.ones(len(trial.arm)), trial.arm * 1.0]
    for covariate in trial.covariates:
        own_names, own_columns = _columns_of(covariate)
        names += own_names
        columns += own_columns
    design = np.column_stack(columns)
    refuse_collinear(names[2:], design[:, 1:], np.zeros(len(design), np.int64))
    return VisitFrame(
        for_kernel(trial.outcome),
        design,
        tuple(names),
        (str(trial.arms[0]), str(trial.arms[1])),
        tuple(str(label) for label in trial.visits),
        trial.people,
    )


def _columns_of(covariate: CovariateColumn) -> tuple[list[str], list[Floats]]:
    """Return a number as it is, and a factor as an indicator of each level but the last in content."""
    if not covariate.levels:
        return [covariate.name], [covariate.values]
    shown = covariate.order[:-1]
    names = [f"{covariate.name}[{covariate.levels[level]}]" for level in shown]
    return names, [(covariate.values == level) * 1.0 for level in shown]


def has_gaps(outcomes: Floats) -> bool:
    """Return whether an outcome (N, V) is missing before an observed one."""
    missing = np.isnan(outcomes)
    return bool((missing[:, :-1] & ~missing[:, 1:]).any())


def last_visits(outcomes: Floats) -> Ints:
    """Return how many visits come up to each participant's last observed one (N,)."""
    seen = ~np.isnan(outcomes)
    return np.where(seen.any(axis=1), outcomes.shape[1] - seen[:, ::-1].argmax(axis=1), 0)
