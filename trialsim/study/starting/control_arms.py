"""A folder of past trials, as individual times: which control arms it holds, and which go together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.design.gauntlet import ControlArm
from trialsim.errors import HistoryError
from trialsim.prognosis.histories.rows import numbers, read_table, require_column, where

PEOPLE, FIGURES = "participants.csv", "figures.csv"
GROUPED_BY = ("cancer", "line", "metastatic")
# A label with one of these words is a control arm.
CONTROL_WORDS = (
    "placebo", "pbo", "control", "controls", "observation", "untreated", "no", "none", "only", "sham",
    "standard", "soc", "choice",
)  # fmt: skip
_MONTHS = {"days": 12 / 365.25, "weeks": 7 * 12 / 365.25, "months": 1.0, "years": 12.0}
_EVENT = {0.0, 1.0}
# A number of a register of trials, unlike "NR" or "unknown", which many trials share.
_REGISTERED = re.compile(r"\d{4,}")


@dataclass(frozen=True, eq=False)
class FolderOfArms:
    """Control arms of a folder.

    Parameters
    ----------
    arms : tuple of ControlArm
        One a trial and group; times in months, where units are given.
    left_out : DataFrame
        figure, group and why, of figures without a usable control arm.
    by : tuple of str
        Columns whose values make a group.
    """

    arms: tuple[ControlArm, ...]
    left_out: pd.DataFrame
    by: tuple[str, ...]


def read_control_arms(
    folder: Path, *, by: Sequence[str] | None = None, control: Iterable[str] = (), until: float | None = None
) -> FolderOfArms:
    """Return the control arms of a folder of individual times.

    ``participants.csv`` has a row a participant (figure_id, time, event, arm); in its place each other CSV
    file is a figure of its name, such as what ``trialsim history from-km`` writes. ``figures.csv`` may say
    more of each figure_id: trial, registration, outcome, units, control (the label of the control arm),
    and columns to group by.

    Parameters
    ----------
    folder : Path
    by : sequence of str, optional
        Columns of ``figures.csv`` that make a group beside the outcome; by default those of cancer, line
        and metastatic that are there.
    control : iterable of str
        Words that make a label that of a control arm, beside `CONTROL_WORDS`.
    until : float, optional
        Follow-up is cut there, in months (or in the unit of the files); above 0.

    Returns
    -------
    FolderOfArms

    Raises
    ------
    HistoryError
        A file or a column is missing, or holds what is no time or event.
    """
    if until is not None and not 0 < until < float("inf"):
        raise HistoryError("must be above 0", field="until", value=until)
    people, source = _people(folder)
    about = _about(folder)
    columns = _grouping(about, by, folder)
    words = {*CONTROL_WORDS, *(word.lower() for word in control)}
    arms: dict[tuple[str, str], ControlArm] = {}
    left_out: list[dict[str, str]] = []
    called: dict[str, str] = {}
    for figure, rows in people.groupby("figure_id", sort=True):
        facts = about.get(str(figure), {})
        trial = facts.get("trial") or str(figure)
        if _REGISTERED.search(facts.get("registration", "")):
            trial = called.setdefault(facts["registration"], trial)
        group = ", ".join(facts.get(name) or "unknown" for name in columns) or "all"
        label = control_label(rows["arm"].unique(), words, facts.get("control"))
        if label is None:
            left_out.append(_left(figure, group, "no arm is the control by its label"))
        elif (group, trial) in arms:
            left_out.append(_left(figure, group, "its trial has another figure in the group"))
        else:
            own = rows[rows["arm"] == label]
            months = own["time"].to_numpy() * _factor(facts.get("units"), folder / FIGURES, figure)
            if not (months > 0).any():
                raise HistoryError("has no time above 0", file=source, field=f"time of {figure}")
            arm = ControlArm(trial, group, months, own["event"].to_numpy() == 1)
            arms[group, trial] = arm if until is None else arm.until(until)
    return FolderOfArms(
        tuple(arms.values()), pd.DataFrame(left_out, columns=["figure", "group", "why"]), columns
    )


def control_label(labels: Iterable[str], words: Iterable[str], told: str | None = None) -> str | None:
    """Return which of the labels is the control's, or None where that is open.

    The one that is told; else the only label; else the only one with a control word; else the one whose
    words all others have too (a treatment that the others add to).

    Examples
    --------
    >>> control_label(["pbo_exe", "eve_exe"], CONTROL_WORDS), control_label(["ct", "bev_ct"], CONTROL_WORDS)
    ('pbo_exe', 'ct')
    >>> control_label(["folfox4", "xelox"], CONTROL_WORDS) is None
    True
    """
    known = [str(label) for label in labels]
    if told is not None:
        return told if told in known else None
    if len(known) == 1:
        return known[0]
    wanted = set(words)
    parts = {label: set(re.findall(r"[a-z0-9]+", label.lower())) for label in known}
    named = [label for label in known if parts[label] & wanted or label.lower() in wanted]
    if named:
        return named[0] if len(named) == 1 else None
    least = [one for one in known if all(parts[one] < parts[other] for other in known if other != one)]
    return least[0] if len(least) == 1 else None


def _people(folder: Path) -> tuple[pd.DataFrame, Path]:
    """Return figure_id, arm, time and event of everybody, and the file or folder that they came from."""
    if not folder.is_dir():
        raise HistoryError(
            "is not a folder", file=folder, mend=f"give a folder with {PEOPLE}, or one CSV a trial"
        )
    whole = folder / PEOPLE
    if whole.exists():
        rows = read_table(whole)
        require_column(rows, "figure_id", whole, "figure_id")
        return _checked(rows.assign(figure_id=rows["figure_id"].astype(str)), whole), whole
    files = sorted(one for one in folder.glob("*.csv") if one.name != FIGURES)
    if not files:
        raise HistoryError(
            "holds no times", file=folder,
            mend=f"give {PEOPLE}, or one CSV a trial as `trialsim history from-km` writes it",
        )  # fmt: skip
    read = [_checked(read_table(one).assign(figure_id=one.stem), one) for one in files]
    return pd.concat(read, ignore_index=True), folder


def _checked(rows: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return the rows with times and events that are ones, or refuse them by their position."""
    for name in ("time", "event"):
        require_column(rows, name, file, name)
    time, event = numbers(rows["time"], file), numbers(rows["event"], file)
    for name, wrong, words in (
        ("time", ~(time >= 0), "is missing or below 0"),
        ("event", ~np.isin(event, list(_EVENT)), "is not 0 or 1"),
    ):
        if wrong.any():
            raise HistoryError(
                f"{words} in {where(pd.Series(wrong, index=rows.index))}", file=file, field=name,
                mend="give time from the start of follow-up, and 1 for an event or 0 where it was not seen",
            )  # fmt: skip
    arm = rows["arm"].fillna("").astype(str) if "arm" in rows else "all"
    return pd.DataFrame({"figure_id": rows["figure_id"], "arm": arm, "time": time, "event": event})


def _about(folder: Path) -> dict[str, dict[str, str]]:
    """Return what ``figures.csv`` says of each figure, empty cells left out."""
    file = folder / FIGURES
    if not file.exists():
        return {}
    rows = read_table(file)
    require_column(rows, "figure_id", file, "figure_id")
    twice = rows["figure_id"].duplicated(keep=False)
    if twice.any():
        raise HistoryError(f"is there more than once ({where(twice)})", file=file, field="figure_id")
    return {
        str(row["figure_id"]): {str(name): str(cell) for name, cell in row.items() if not pd.isna(cell)}
        for row in rows.to_dict("records")
    }


def _grouping(about: dict[str, dict[str, str]], by: Sequence[str] | None, folder: Path) -> tuple[str, ...]:
    there = {name for facts in about.values() for name in facts}
    if by is None:
        asked = [name for name in GROUPED_BY if name in there]
    else:
        asked = list(by)
        missing = [name for name in asked if name not in there]
        if missing:
            raise HistoryError(
                "is no column of the figures", file=folder / FIGURES, field="by", value=missing[0],
                mend=f"use {', '.join(sorted(there)) or 'a figures.csv'}",
            )  # fmt: skip
    return tuple(dict.fromkeys([*asked, *(["outcome"] if "outcome" in there else [])]))


def _factor(units: str | None, file: Path, figure: object) -> float:
    if units is None:
        return 1.0
    if units not in _MONTHS:
        raise HistoryError(
            f"is no unit of time, of {figure}", file=file, field="units", value=units,
            mend=f"use one of {', '.join(_MONTHS)}",
        )  # fmt: skip
    return _MONTHS[units]


def _left(figure: object, group: str, why: str) -> dict[str, str]:
    return {"figure": str(figure), "group": group, "why": why}
