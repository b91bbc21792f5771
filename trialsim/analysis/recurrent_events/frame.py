"""Reading histories of recurrent events: one row for each stretch of time at risk."""

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
    read_arms,
    read_numbers,
    refuse_missing,
    refuse_small_arms,
    row_name,
)
from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.frame import rank_by_content, read_columns, read_events
from trialsim.analysis.survival.time_order import merge_near_ties
from trialsim.data import Floats, Ints, for_kernel
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class Histories:
    """Rows (start, stop] of a trial, in an order that their content alone decides.

    Parameters
    ----------
    start, stop : ndarray (M,)
        Ends of each row.
    event : ndarray of int8 (M,)
        1 if the row ends with an event.
    X : ndarray (M, 1 + P)
        Arm, then covariates.
    stratum, participant : ndarray of int64 (M,)
        From 0.
    arms : tuple of (str, str)
        Labels of control and active.
    covariates : tuple of str
        Names of the covariate columns.
    """

    start: Floats
    stop: Floats
    event: Labels
    X: Floats
    stratum: Ints
    participant: Ints
    arms: tuple[str, str]
    covariates: tuple[str, ...]

    def exposure(self) -> pd.DataFrame:
        """Return participants, events, time at risk and crude rate of each arm."""
        frame = pd.DataFrame(
            {
                "arm": self.X[:, 0].astype(int),
                "participant": self.participant,
                "event": self.event,
                "time": self.stop - self.start,
            }
        )
        return arm_exposure(frame, self.arms)


def arm_exposure(rows: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Return participants, events, time at risk and crude rate of each arm.

    `rows` have the columns arm (position in `arms`), participant, event and time.
    """
    by_arm = rows.groupby("arm")
    events, time = by_arm.event.sum().to_numpy(), by_arm.time.sum().to_numpy()
    return pd.DataFrame(
        {
            "arm": arms,
            "participants": by_arm.participant.nunique().to_numpy(),
            "events": events,
            "time_at_risk": time,
            "rate": events / time,
        }
    )


def read_histories(
    data: pd.DataFrame,
    *,
    participant: str,
    start: str,
    stop: str,
    event: str,
    arm: str,
    covariates: Columns | None,
    strata: Columns | None,
    control: object,
    active: object,
) -> Histories:
    """Check a frame of histories and return it; see `lwyy` for the columns.

    Raises
    ------
    AnalysisError
        If it cannot be read; rows are named by position.
    """
    stratum_columns, covariate_columns = as_names(strata), as_names(covariates)
    check_roles(data, [participant, start, stop, event, arm, *stratum_columns, *covariate_columns])
    is_active, keep, labels = read_arms(data, arm, control, active)
    rows = np.flatnonzero(keep)
    kept = data.iloc[rows]
    for column in (participant, *stratum_columns):
        refuse_missing(kept, column, rows)
    person = _number(kept, [participant])
    starts, stops = read_numbers(kept, start, rows), read_numbers(kept, stop, rows)
    starts, stops = np.split(merge_near_ties(np.concatenate([starts, stops])[None])[0], 2)
    _refuse_bad_rows(person, starts, stops, rows, start, stop)
    _refuse_changed_arm(person, is_active[rows], rows, arm, labels)
    events = read_events(kept, event, rows)
    if not events.any():
        raise AnalysisError("has no event in either arm", field=event)
    names, columns = read_columns(kept, covariate_columns, rows)
    content = np.column_stack([stops, starts, events, is_active[rows], columns])
    order = np.lexsort(content.T[::-1])
    person = rank_by_content(person, content, order)
    stratum = np.zeros(len(kept), np.int64)
    if stratum_columns:
        stratum = rank_by_content(_number(kept, stratum_columns), content, order)
    refuse_collinear(names, content[order, 3:], stratum[order])
    order = np.lexsort((person, *content.T[::-1], stratum))
    return Histories(
        start=starts[order],
        stop=stops[order],
        event=events[order].astype(np.int8),
        X=for_kernel(content[order, 3:]),
        stratum=stratum[order],
        participant=person[order],
        arms=labels,
        covariates=names,
    )


def _number(data: pd.DataFrame, columns: Sequence[str]) -> Ints:
    """Return the distinct combinations of labels, numbered from 0 in order of appearance."""
    return data.groupby(list(columns), sort=False, observed=True).ngroup().to_numpy().astype(np.int64)


def _refuse_bad_rows(person: Ints, starts: Floats, stops: Floats, rows: Ints, start: str, stop: str) -> None:
    """Raise if a row is empty or starts before 0, or two rows of a participant overlap."""
    if (starts < 0).any():
        raise AnalysisError(
            f"must be at least 0, but is negative in {row_name(starts < 0, rows)}", field=start
        )
    if (stops <= starts).any():
        raise AnalysisError(
            f"must be after {start}, but is not in {row_name(stops <= starts, rows)}", field=stop
        )
    order = np.lexsort((starts, person))
    same = person[order][1:] == person[order][:-1]
    overlap = np.zeros(len(rows), dtype=bool)
    overlap[order[1:]] = same & (starts[order][1:] < stops[order][:-1])
    if overlap.any():
        raise AnalysisError(
            f"{row_name(overlap, rows)} overlaps another row of the same participant", field=start
        )


def _refuse_changed_arm(
    person: Ints, is_active: Floats, rows: Ints, arm: str, labels: tuple[str, str]
) -> None:
    """Raise if a participant is in both arms, or an arm has fewer than two participants."""
    first = np.zeros(person.max() + 1)
    first[person[::-1]] = is_active[::-1]
    changed = is_active != first[person]
    if changed.any():
        raise AnalysisError(f"{row_name(changed, rows)} changes the arm of its participant", field=arm)
    refuse_small_arms(labels, [int((first == position).sum()) for position in (0, 1)], arm)
