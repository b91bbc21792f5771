"""Reading a statistician's own time-to-event trial: one row a participant, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.one_trial.collinear import refuse_collinear
from trialsim.analysis.one_trial.tidy_frame import (
    Columns,
    as_names,
    check_roles,
    is_number,
    levels_of,
    read_arms,
    read_numbers,
    read_several_arms,
    refuse_missing,
    row_name,
)
from trialsim.analysis.survival.block import SurvivalBlock
from trialsim.analysis.survival.time_order import merge_near_ties
from trialsim.data import Bools, Floats, Ints, for_kernel
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class SurvivalFrame:
    """A trial that was read from a data frame, its rows in an order that its content alone decides.

    Parameters
    ----------
    block : SurvivalBlock
        One replicate.
    arms : tuple of str
        Labels, the control first.
    covariates : tuple of str
        Names of the covariate columns; a category of a character covariate reads ``grade[II]``.
    participants : ndarray of int64 (N,)
        Row of the frame that each participant of the block came from, by position.
    """

    block: SurvivalBlock
    arms: tuple[str, ...]
    covariates: tuple[str, ...]
    participants: Ints

    @property
    def pair(self) -> tuple[str, str]:
        """Labels of control and active of a comparison of two arms."""
        return self.arms[0], self.arms[1]


def read_frame(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str | None,
    strata: Columns | None = None,
    covariates: Columns | None = None,
    control: object = None,
    active: object = None,
    codes: tuple[object, object] | None = None,
    entry: str | None = None,
    several: bool = False,
) -> SurvivalFrame:
    """Check a tidy data frame and return it as one replicate; see `SurvivalFrame`.

    Rows are sorted by their content, so that neither row order nor labels can change a digit.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    time, event, arm : str
        Columns; `event` is 0 or 1 (or a boolean), 1 for an event.
    strata, covariates : str or sequence of str, optional
        Columns. Several strata columns are crossed. Covariates are numbers or labels.
    control, active : object, optional
        Labels in `arm`; the first level, and the only other one, unless given.
    codes : tuple, optional
        Of competing risks: the label in `event` of censoring, and that of the cause of interest.
    entry : str, optional
        Column of delayed entry: a participant is at risk after it, and up to `time`.
    several : bool
        Whether to read every arm of the data, and not two; without an arm (None) everybody is one group.

    Raises
    ------
    AnalysisError
        If a column is absent, a value missing, not finite or negative, an arm unclear or smaller than
        two participants, or a covariate collinear with those before it.
    """
    stratum_columns, covariate_columns = as_names(strata), as_names(covariates)
    named = [name for name in (arm, entry) if name is not None]
    check_roles(data, [time, event, *named, *stratum_columns, *covariate_columns])
    arms, keep, labels = _read_groups(data, arm, control, active, several)
    rows = np.flatnonzero(keep)
    kept = data.iloc[rows]
    times, entries = _read_times(kept, time, entry, rows)
    events = read_events(kept, event, rows) if codes is None else _read_causes(kept, event, rows, codes)
    if not (events == 1).any():
        raise AnalysisError("has no event in either arm", field=event)
    names, columns = read_columns(kept, covariate_columns, rows)
    content = np.column_stack([times, events, arms[rows], *entries, columns])
    stratum, order = _sort_by_content(kept, stratum_columns, content, rows)
    first = content.shape[1] - columns.shape[1]
    if len(labels) > 1:
        indicators = [arms[rows] == level for level in range(1, len(labels))]
        tested = np.column_stack([*indicators, columns])
        others = [f"{arm}[{label}]" for label in labels[2:]]
        refuse_collinear([*others, *names], tested[order].astype(np.float64), stratum[order])
    block = SurvivalBlock(
        time=content[None, order, 0] + 0.0,
        event=content[None, order, 1].astype(np.int8),
        arm=content[None, order, 2].astype(np.int8),
        stratum=stratum[None, order],
        strata=int(stratum.max()) + 1,
        covariates=for_kernel(content[None, order, first:]),
        entry=content[None, order, 3] + 0.0 if entries else None,
    )
    return SurvivalFrame(block, labels, names, rows[order])


def _read_groups(
    data: pd.DataFrame, arm: str | None, control: object, active: object, several: bool
) -> tuple[Floats, Bools, tuple[str, ...]]:
    """Return the position of each row's arm (N,), whether it is read (N,), and the arms' labels."""
    everybody = np.ones(len(data), dtype=bool)
    if arm is None:
        return np.zeros(len(data)), everybody, ("all",)
    if several:
        codes, labels = read_several_arms(data, arm, control)
        return codes, everybody, labels
    return read_arms(data, arm, control, active)


def _read_times(data: pd.DataFrame, time: str, entry: str | None, rows: Ints) -> tuple[Floats, list[Floats]]:
    """Return times (N,), and entries (N,) where there are any; near ties are ties."""
    times = [read_numbers(data, column, rows) for column in (time, entry) if column is not None]
    for column, values in zip((time, entry), times, strict=False):
        if (values < 0).any():
            wrong = row_name(values < 0, rows)
            raise AnalysisError(f"must be at least 0, but is negative in {wrong}", field=str(column))
    times = np.split(merge_near_ties(np.concatenate(times)[None])[0], len(times))
    if entry is not None and (times[1] >= times[0]).any():
        wrong = row_name(times[1] >= times[0], rows)
        raise AnalysisError(f"must be before {time}, but is not in {wrong}", field=entry)
    return times[0], list(times[1:])


def read_events(data: pd.DataFrame, column: str, rows: Ints) -> Floats:
    """Return 0 for censored and 1 for an event."""
    events = read_numbers(data, column, rows)
    wrong = (events != 0) & (events != 1)
    if wrong.any():
        raise AnalysisError(f"must be 0 or 1, but is not in {row_name(wrong, rows)}", field=column)
    return events


def read_columns(data: pd.DataFrame, columns: Sequence[str], rows: Ints) -> tuple[tuple[str, ...], Floats]:
    """Return names and values (N, P); labels become an indicator of each level but the first."""
    names: list[str] = []
    values: list[Floats] = []
    for column in columns:
        if is_number(data[column]):
            names.append(column)
            values.append(read_numbers(data, column, rows))
            continue
        refuse_missing(data, column, rows)
        for level in levels_of(data[column])[1:]:
            names.append(f"{column}[{level}]")
            values.append((data[column] == level).to_numpy().astype(np.float64))
    return tuple(names), np.column_stack(values) if values else np.zeros((len(data), 0))


def _read_causes(data: pd.DataFrame, column: str, rows: Ints, codes: tuple[object, object]) -> Floats:
    """Return 0 for censored, 1 for the cause of interest and 2 for any other cause."""
    refuse_missing(data, column, rows)
    censored, cause = codes
    if cause == censored:
        raise AnalysisError("the cause of interest and censoring must differ", field=column, value=cause)
    levels = levels_of(data[column])
    if cause not in levels:
        raise AnalysisError(
            "does not occur as a cause",
            field=column,
            value=cause,
            mend=f"use one of {', '.join(map(str, levels))}",
        )
    values = data[column].to_numpy()
    return np.where(values == cause, 1.0, np.where(values == censored, 0.0, 2.0))


def _sort_by_content(
    data: pd.DataFrame, columns: Sequence[str], content: Floats, rows: Ints
) -> tuple[Ints, Ints]:
    """Return the stratum of each row, numbered by the strata's content, and the order of the rows."""
    order = np.lexsort(content.T[::-1])
    if not columns:
        return np.zeros(len(content), np.int64), order
    for column in columns:
        refuse_missing(data, column, rows)
    label = data.groupby(list(columns), sort=False, observed=True).ngroup().to_numpy().astype(np.int64)
    stratum = rank_by_content(label, content, order)
    return stratum, np.lexsort((*content.T[::-1], stratum))


def rank_by_content(label: Ints, content: Floats, order: Ints) -> Ints:
    """Return the group of each row (N,), groups numbered by the content of their rows in the given order.

    Content enters by its ranks, so that the unit of time changes nothing either.
    """
    ranks = np.column_stack([np.unique(column, return_inverse=True)[1] for column in content.T])
    by_label = order[np.argsort(label[order], kind="stable")]
    ends = np.cumsum(np.bincount(label))[:-1]
    keys = [ranks[rows].tobytes() for rows in np.split(by_label, ends)]
    rank = np.empty(len(keys), np.int64)
    rank[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return rank[label]
