"""Reading a tidy frame of repeated measures: one row a participant and visit.

Nothing here depends on the order of rows, on the names of participants, arms or levels, or on the
locale: participants and columns are brought into an order that their numbers alone decide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.one_trial.tidy_frame import (
    check_roles,
    codes_of,
    collinear,
    control_first,
    is_number,
    read_outcome,
    refuse_missing_rows,
    refuse_small_arms,
    row_name,
)
from trialsim.analysis.one_trial.visit_order import visits_in_order
from trialsim.data import Bools, Floats, Ints, for_kernel
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class CovariateColumn:
    """One covariate of N participants.

    Parameters
    ----------
    name : str
    levels : tuple
        Levels of a factor in the order shown, the first being the reference; empty for a number.
    matched : bool
        Whether a number has another value at each visit.
    values : ndarray (N,) or (N, V)
        Level positions of a factor, or numbers; NaN where a matched one is not known.
    order : tuple of int
        Levels in an order that does not depend on their names; the last has no column.
    """

    name: str
    levels: tuple[object, ...]
    matched: bool
    values: Floats
    order: tuple[int, ...] = ()


@dataclass(frozen=True)
class RepeatedMeasures:
    """A trial in wide form: N participants with at least one outcome, V visits.

    Parameters
    ----------
    visits, arms : tuple
        Labels; the first arm is the control.
    outcome : ndarray (N, V)
        NaN where missing.
    arm : ndarray of int (N,)
        Position in `arms`.
    covariates : tuple of CovariateColumn
    left_out : int
        Participants without any outcome.
    arm_order : tuple of int
        Arms other than the control, in an order that does not depend on their names.
    people : ndarray of int (N,)
        Position of each among the participants of the data, in the order in which they first occur.
    """

    visits: tuple[object, ...]
    arms: tuple[object, ...]
    outcome: Floats
    arm: Ints
    covariates: tuple[CovariateColumn, ...]
    left_out: int
    arm_order: tuple[int, ...]
    people: Ints


def read_repeated_measures(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    participant: str,
    covariates: Sequence[str],
    control: object,
    visits: Sequence[object] | str | None,
    of_baseline: bool = False,
) -> RepeatedMeasures:
    """Return a tidy frame as arrays, or say what is wrong with it; see `repeated_measures.frame`.

    Covariates `of_baseline` must be the same in every row of a participant, and participants without any
    outcome enter; else a number may be matched to visits, and they are left out.
    """
    check_roles(data, [outcome, arm, visit, participant, *covariates])
    y = read_outcome(data, outcome)
    who, people = pd.factorize(data[participant].array)
    when, visit_labels = visits_in_order(data, visit, visits)
    group, arm_levels = codes_of(data[arm])
    for name, codes in ((participant, who), (visit, when), (arm, group)):
        refuse_missing_rows(codes < 0, name)
    arm_labels, group = _control_first(group, arm_levels, control, arm)
    _refuse_duplicates(who, when, len(visit_labels), visit)
    arms_of = _constant_within(group, who, len(people))
    _refuse_changing(arms_of[who] != group, arm)
    entered = np.ones(len(y), bool) if of_baseline else ~np.isnan(y)
    used = np.flatnonzero(entered)
    rows = _Rows(y, who, when, used, np.unique(who[used]), len(people), len(visit_labels), of_baseline)
    wide = rows.wide(y)
    columns = [_covariate(data[name], rows) for name in covariates]
    order = _content_order_of_participants(wide, arms_of[rows.kept], columns)
    trial = RepeatedMeasures(
        visit_labels,
        arm_labels,
        wide[order],
        arms_of[rows.kept][order],
        tuple(
            CovariateColumn(c.name, c.levels, c.matched, for_kernel(c.values[order]), c.order)
            for c in columns
        ),
        len(people) - len(rows.kept),
        tuple(k for k in rows.content_order(group[used], len(arm_labels)) if k > 0),
        rows.kept[order],
    )
    _check_cells(trial, outcome, visit, arm)
    return trial


@dataclass(frozen=True)
class _Rows:
    """Rows of a frame: outcome, participant and visit of each, and which participants enter."""

    outcome: Floats
    who: Ints
    when: Ints
    used: Ints
    kept: Ints
    people: int
    visits: int
    of_baseline: bool

    def wide(self, values: Floats) -> Floats:
        """Return values of the used rows by participant and visit, NaN where there is none."""
        cells = np.full((self.people, self.visits), np.nan)
        cells[self.who[self.used], self.when[self.used]] = values[self.used]
        return cells[self.kept]

    def content_order(self, codes: Ints, levels: int) -> tuple[int, ...]:
        """Return levels by their number of rows and exact sum of outcomes, whatever their names and order."""
        outcome = self.outcome[self.used]
        parts = [outcome[(codes == level) & ~np.isnan(outcome)] for level in range(levels)]
        return tuple(sorted(range(levels), key=lambda k: (len(parts[k]), math.fsum(parts[k]))))


def _control_first(
    codes: Ints, levels: Sequence[object], control: object, arm: str
) -> tuple[tuple[object, ...], Ints]:
    labels = control_first(levels, control, arm)
    return tuple(labels), np.array([labels.index(level) for level in levels], np.int64)[codes]


def _refuse_changing(changed: Bools, field: str, rows: Ints | None = None) -> None:
    if changed.any():
        raise AnalysisError(
            f"must be the same in every row of a participant, but changes in {row_name(changed, rows)}",
            field=field,
            mend="give the baseline value in every row",
        )


def _refuse_duplicates(who: Ints, when: Ints, visits: int, visit: str) -> None:
    cell = who * visits + when
    if np.bincount(cell).max() > 1:
        _, first = np.unique(cell, return_index=True)
        again = np.ones(len(cell), bool)
        again[first] = False
        raise AnalysisError(
            f"occurs twice for a participant, again in {row_name(again)}", field=visit, mend="keep one"
        )


def _constant_within(values: np.ndarray, who: Ints, people: int) -> np.ndarray:
    """Return one value of each participant."""
    result = np.zeros(people, values.dtype)
    result[who] = values
    return result


def _covariate(column: pd.Series, rows: _Rows) -> CovariateColumn:
    name, used, who = str(column.name), rows.used, rows.who[rows.used]
    if is_number(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = ~np.isfinite(numbers[used])
        if wrong.any():
            raise AnalysisError(
                f"must be finite, but is missing or infinite in {row_name(wrong, used)}",
                field=name,
                mend="impute baseline covariates before the analysis",
            )
        baseline = _constant_within(numbers[used], who, rows.people)
        changing = baseline[who] != numbers[used]
        if rows.of_baseline:
            _refuse_changing(changing, name)
        if changing.any():
            return CovariateColumn(name, (), True, rows.wide(numbers))
        return CovariateColumn(name, (), False, baseline[rows.kept])
    codes, labels = codes_of(column)
    refuse_missing_rows(codes[used] < 0, name, used)
    factor = _constant_within(codes[used], who, rows.people)
    _refuse_changing(factor[who] != codes[used], name, used)
    seen = np.flatnonzero(np.bincount(codes[used], minlength=len(labels)))
    if len(seen) < 2:
        raise collinear(name)
    rank = np.zeros(len(labels), np.int64)
    rank[seen] = np.arange(len(seen))
    order = rows.content_order(rank[codes[used]], len(seen))
    return CovariateColumn(
        name, tuple(labels[k] for k in seen), False, rank[factor[rows.kept]].astype(np.float64), order
    )


def _content_order_of_participants(wide: Floats, arm: Ints, covariates: Sequence[CovariateColumn]) -> Ints:
    """Return an order of participants that depends on nothing but their numbers."""
    keys = [(arm > 0).astype(np.float64)[:, None], np.nan_to_num(wide, nan=np.inf)]
    for column in covariates:
        if column.levels:
            rank = np.argsort(column.order).astype(np.float64)
            keys.append(rank[column.values.astype(np.int64)][:, None])
        else:
            keys.append(np.nan_to_num(column.values, nan=np.inf).reshape(len(wide), -1))
    return np.lexsort(np.column_stack(keys).T)


def _check_cells(trial: RepeatedMeasures, outcome: str, visit: str, arm: str) -> None:
    """Refuse arms with one participant, and visits without an outcome or with a constant one."""
    seen = ~np.isnan(trial.outcome)
    refuse_small_arms(trial.arms, np.bincount(trial.arm, minlength=len(trial.arms)), arm)
    for position, label in enumerate(trial.visits):
        here = trial.outcome[seen[:, position], position]
        if not len(here):
            raise AnalysisError(
                "no outcome is observed at this visit", field=visit, value=label, mend="leave the visit out"
            )
        if here.min() == here.max():
            raise AnalysisError(
                f"constant_outcome: {outcome} is the same for everybody at this visit",
                field=visit,
                value=label,
                mend="leave the visit out",
            )
        for k, name in enumerate(trial.arms):
            if not seen[trial.arm == k, position].any():
                raise AnalysisError(
                    f"arm_not_observed_at_visit: arm {name} has no outcome at this visit",
                    field=visit,
                    value=label,
                    mend="leave the visit out",
                )
