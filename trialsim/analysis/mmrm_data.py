"""Reading a tidy frame of repeated measures: one row a participant and visit.

Nothing here depends on the order of rows, on the names of participants, arms or levels, or on the
locale: participants and columns are brought into an order that their numbers alone decide.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.data import Floats, Ints
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
    """

    visits: tuple[object, ...]
    arms: tuple[object, ...]
    outcome: Floats
    arm: Ints
    covariates: tuple[CovariateColumn, ...]
    left_out: int
    arm_order: tuple[int, ...]


def read_repeated_measures(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    participant: str,
    covariates: Sequence[str],
    control: object,
    visits: Sequence[object] | None,
) -> RepeatedMeasures:
    """Return a tidy frame as arrays, or say what is wrong with it; see `trialsim.analysis.mmrm`."""
    _check_columns(data, [outcome, arm, visit, participant, *covariates])
    y = _outcome_of(data[outcome])
    who, people = _codes(data[participant], ordered=False)
    when, visit_labels = _codes(data[visit])
    group, arm_labels = _codes(data[arm])
    for name, codes in ((participant, who), (visit, when), (arm, group)):
        _refuse_rows(codes < 0, "is missing", name)
    visit_labels, when = _in_asked_order(visit_labels, when, visits, visit)
    arm_labels, group = _control_first(arm_labels, group, control, arm)
    _refuse_duplicates(who, when, len(visit_labels), participant, visit)
    used = np.flatnonzero(~np.isnan(y))
    if not len(used):
        raise AnalysisError("every outcome is missing", field=outcome)
    arms_of = _constant_within(group, who, len(people))
    _refuse_rows(arms_of[who] != group, "differs from another row of the same participant", arm)
    present = np.bincount(who[used], minlength=len(people)) > 0
    wide = np.full((len(people), len(visit_labels)), np.nan)
    wide[who[used], when[used]] = y[used]
    kept = np.flatnonzero(present)
    columns = [
        _covariate(data[name], name, y, who, when, used, kept, len(people), len(visit_labels))
        for name in covariates
    ]
    order = _content_order_of_participants(wide[kept], arms_of[kept], columns)
    totals = _content_order(group[used], y[used], len(arm_labels))
    trial = RepeatedMeasures(
        visit_labels,
        arm_labels,
        wide[kept][order],
        arms_of[kept][order],
        tuple(
            CovariateColumn(c.name, c.levels, c.matched, np.ascontiguousarray(c.values[order]), c.order)
            for c in columns
        ),
        len(people) - len(kept),
        tuple(k for k in totals if k > 0),
    )
    _check_cells(trial, outcome, visit, arm)
    return trial


def _check_columns(data: pd.DataFrame, names: Sequence[str]) -> None:
    if not isinstance(data, pd.DataFrame):
        raise AnalysisError("needs a data frame with one row a participant and visit", field="data")
    for name in names:
        if name not in data.columns:
            raise AnalysisError("is not a column of the data", field=name)
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise AnalysisError("is used for two things", field=twice, mend="give each role its own column")


def _outcome_of(column: pd.Series) -> Floats:
    name = str(column.name)
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        raise AnalysisError("is not a column of numbers", field=name, value=str(column.dtype))
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse_rows(np.isinf(values), "is not finite", name)
    return values


def _refuse_rows(bad: np.ndarray, problem: str, field: str) -> None:
    """Raise an error that names the first bad row by its position, never by its content."""
    if bad.any():
        raise AnalysisError(f"{problem} in row {int(np.argmax(bad))}, counted from 0", field=field)


def natural_key(label: object) -> tuple[int, float, list[tuple[int, int, str]], str]:
    """Return a sort key that puts numbers before text, and "week 2" before "week 10", in any locale."""
    if isinstance(label, (int, float, np.integer, np.floating)):
        return 0, float(label), [], ""
    text = str(label)
    parts = re.findall(r"\d+|\D+", text)
    return 1, 0.0, [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts], text


def _codes(column: pd.Series, *, ordered: bool = True) -> tuple[Ints, tuple[object, ...]]:
    """Return level positions (-1 where missing) and levels: a category's own order, else sorted."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(np.int64), tuple(column.cat.categories)
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype):
        codes, found = pd.factorize(column.to_numpy())
    else:
        codes, found = pd.factorize(column.to_numpy(dtype=object))
    if not ordered:
        return codes.astype(np.int64), tuple(found)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        order = sorted(range(len(found)), key=lambda k: found[k])
    else:
        order = sorted(range(len(found)), key=lambda k: natural_key(found[k]))
    rank = np.empty(len(found) + 1, np.int64)
    rank[order] = np.arange(len(found))
    rank[-1] = -1
    labels = tuple(found[k].item() if isinstance(found[k], np.generic) else found[k] for k in order)
    return rank[codes], labels


def _in_asked_order(
    labels: tuple[object, ...], codes: Ints, asked: Sequence[object] | None, field: str
) -> tuple[tuple[object, ...], Ints]:
    if asked is None:
        return labels, codes
    asked = tuple(asked)
    for label in asked:
        if label not in labels:
            raise AnalysisError("is not a visit in the data", field=field, value=label)
    for label in labels:
        if label not in asked:
            raise AnalysisError(
                "is in the data and not among the visits asked for",
                field=field,
                value=label,
                mend="add it to `visits`, or take its rows out",
            )
    return asked, np.array([asked.index(label) for label in labels], np.int64)[codes]


def _control_first(
    labels: tuple[object, ...], codes: Ints, control: object, field: str
) -> tuple[tuple[object, ...], Ints]:
    counts = np.bincount(codes, minlength=len(labels))
    seen = [k for k in range(len(labels)) if counts[k]]
    if control is not None and control not in [labels[k] for k in seen]:
        raise AnalysisError("the control is not an arm of the data", field=field, value=control)
    if len(seen) < 2:
        raise AnalysisError("needs at least two arms", field=field)
    first = seen[0] if control is None else next(k for k in seen if labels[k] == control)
    order = [first] + [k for k in seen if k != first]
    rank = np.full(len(labels), -1, np.int64)
    rank[order] = np.arange(len(order))
    return tuple(labels[k] for k in order), rank[codes]


def _refuse_duplicates(who: Ints, when: Ints, visits: int, participant: str, visit: str) -> None:
    cell = who * visits + when
    if np.bincount(cell).max() > 1:
        _, first = np.unique(cell, return_index=True)
        again = np.ones(len(cell), bool)
        again[first] = False
        _refuse_rows(again, f"has a second row for the same {visit}", participant)


def _constant_within(values: np.ndarray, who: Ints, people: int) -> np.ndarray:
    """Return one value of each participant."""
    result = np.zeros(people, values.dtype)
    result[who] = values
    return result


def _content_order(codes: Ints, outcome: Floats, levels: int) -> tuple[int, ...]:
    """Return levels by their number of rows and exact sum of outcomes, whatever their names and order."""
    totals = [outcome[codes == level] for level in range(levels)]
    return tuple(sorted(range(levels), key=lambda k: (len(totals[k]), math.fsum(totals[k]))))


def _covariate(
    column: pd.Series,
    name: str,
    outcome: Floats,
    who: Ints,
    when: Ints,
    used: Ints,
    kept: Ints,
    people: int,
    visits: int,
) -> CovariateColumn:
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)[used]
        if not np.isfinite(numbers).all():
            row = int(used[np.argmax(~np.isfinite(numbers))])
            raise AnalysisError(
                f"is not finite in row {row}, counted from 0, where the outcome is observed",
                field=name,
                mend="impute baseline covariates before the analysis",
            )
        baseline = _constant_within(numbers, who[used], people)
        if np.array_equal(baseline[who[used]], numbers):
            return CovariateColumn(name, (), False, baseline[kept])
        wide = np.full((people, visits), np.nan)
        wide[who[used], when[used]] = numbers
        return CovariateColumn(name, (), True, wide[kept])
    codes, labels = _codes(column)
    if (codes[used] < 0).any():
        row = int(used[np.argmax(codes[used] < 0)])
        raise AnalysisError(f"is missing in row {row}, counted from 0", field=name)
    factor = _constant_within(codes[used], who[used], people)
    changing = factor[who[used]] != codes[used]
    if changing.any():
        row = int(used[np.argmax(changing)])
        raise AnalysisError(
            f"a factor must be constant within a participant; row {row}, counted from 0, differs",
            field=name,
        )
    seen = np.flatnonzero(np.bincount(codes[used], minlength=len(labels)))
    rank = np.zeros(len(labels), np.int64)
    rank[seen] = np.arange(len(seen))
    order = _content_order(rank[codes[used]], outcome[used], len(seen))
    return CovariateColumn(
        name, tuple(labels[k] for k in seen), False, rank[factor[kept]].astype(np.float64), order
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
    for position, label in enumerate(trial.arms):
        size = int((trial.arm == position).sum())
        if size < 2:
            raise AnalysisError(
                f"an arm has {size} participant{'s' if size != 1 else ''} with an outcome; it needs two",
                field=arm,
                value=label,
            )
    for position, label in enumerate(trial.visits):
        here = trial.outcome[seen[:, position], position]
        if not len(here):
            raise AnalysisError(
                "no outcome is observed at this visit", field=visit, value=label, mend="leave the visit out"
            )
        if here.min() == here.max():
            raise AnalysisError(
                "constant_outcome: every outcome is the same at this visit", field=visit, value=label
            )
        for k, name in enumerate(trial.arms):
            if not seen[trial.arm == k, position].any():
                raise AnalysisError(
                    f"arm_not_observed_at_visit: {name!r} has no outcome at this visit",
                    field=visit,
                    value=label,
                )
