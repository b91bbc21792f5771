"""A sealed run as guidances read it: its declared trial, its tables, and numbers that know their place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from trialsim.protocol.declared import DeclaredTrial
from trialsim.report.frames import in_print
from trialsim.report.guidances.said import CitedTable, Number, Part, Words
from trialsim.report.labels import label
from trialsim.study.bundles.alone.counting import TRIAL
from trialsim.study.bundles.of_declared_trial import BundledTrial
from trialsim.study.bundles.tables import read_frame
from trialsim.study.declared import DeclaredCell, DeclaredPlan
from trialsim.study.description.describe import described_cell
from trialsim.study.verification.tables_again import plan_of

MAIN = "results/operating_characteristics"
NOTE = "true_effect_note"
# Last part of a path that stands for how many entries a list has.
ENTRIES = "#"
# Columns whose standard error is not in a column of the same name with _mcse.
_ERRORS = {
    ("results/borrowing_over_drift", "type_one_error"): "error",
    ("results/borrowing_over_drift", "power"): "power_error",
    ("results/borrowing_at_customary_settings", "worst_type_one_error"): "error",
    ("results/borrowing_at_customary_settings", "power_no_drift"): "power_error",
    ("results/borrowing_frontier", "worst_type_one_error"): "error",
    ("results/borrowing_frontier", "power"): "power_error",
    ("results/twins", "slope"): "slope_se",
    ("results/worlds", "true_effect"): "true_effect_error",
}
_ESTIMATED = ("results/twins", "results/rivals", "results/twin_calibration", "results/reproduction")
_BY_FORMULA = ("results/bounds", "results/expected_sizes", "results/borrowing", "results/sizes_by_formula")
# Columns of simulated tables that count, or that a formula gives.
_COUNTS = (
    "trials",
    "failed",
    "undecided",
    "participants",
    "look",
    "count",
    "controls",
    "least_",
    "most_",
    "searched_at",
)
_FORMULA = ("participants_by_formula", "true_effect")
# Columns whose interval stands in the table: its ends, and what it is called.
_INTERVALS = (
    ("results/sizes", "participants", ("participants_lower_95", "participants_upper_95"), "95 % interval"),
    ("results/savings", "share_saved", ("share_saved_lower_90",), "lower 90 % bound"),
    ("results/twins", "saving", ("saving_low_90", "saving_high_90"), "90 % interval"),
    ("results/rivals", "relative_variance", ("low_90", "high_90"), "90 % interval"),
    ("description/flow", "participants", ("low_90", "high_90"), "middle 90 % of trials"),
)


@dataclass(frozen=True)
class Run:
    """A run of a declared trial.

    Parameters
    ----------
    study : BundledTrial
        The bundle, whose tables were computed again before.
    checked, not_checked : tuple of str
        What a verification found, and what it did not look at.
    """

    study: BundledTrial
    checked: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()

    @property
    def trial(self) -> DeclaredTrial:
        """The declared trial."""
        return self.study.trial

    @cached_property
    def plan(self) -> DeclaredPlan:
        """Its cells, and those that were refused."""
        return plan_of(self.study)

    @cached_property
    def cell(self) -> DeclaredCell:
        """The first cell whose treatment works; the first of all where none does."""
        return described_cell(self.plan)

    @cached_property
    def _frames(self) -> dict[str, pd.DataFrame]:
        return {}

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table by its path without ending; empty where the run has none."""
        if name not in self._frames:
            there = (self.study.folder / f"{name}.parquet").exists()
            self._frames[name] = read_frame(self.study.folder, name) if there else pd.DataFrame()
        return self._frames[name]

    @cached_property
    def analysis(self) -> str:
        """Label of the analysis that the size is for: with the score where one saves, else the first."""
        savings = self.frame("results/savings")
        if len(savings):
            return str(savings[savings["best"]]["analysis"].iloc[0])
        return str(self.frame(MAIN)["analysis"].iloc[0])

    @cached_property
    def headline(self) -> int:
        """Row of the operating characteristics: that analysis in that cell."""
        frame = self.frame(MAIN)
        mine = frame[(frame["cell"] == self.cell.name) & (frame["analysis"] == self.analysis)]
        return int(mine.index[0]) if len(mine) else int(frame.index[frame["cell"] == self.cell.name][0])

    def rows(self, name: str, chosen: Callable[[pd.DataFrame], pd.Series]) -> list[int]:
        """Return the rows of a table that a condition chooses."""
        frame = self.frame(name)
        return [] if frame.empty else [int(row) for row in frame.index[chosen(frame)]]

    def has(self, name: str, row: int, column: str) -> bool:
        """Return whether a table has a number in a place."""
        frame = self.frame(name)
        return column in frame and bool(pd.notna(frame[column].iloc[row]))

    def number(self, name: str, row: int, column: str) -> Number:
        """Return a number of a table, with its error or its interval where the table has one."""
        frame = self.frame(name)
        value = frame[column].iloc[row]
        plain_value = value.item() if hasattr(value, "item") else value
        error_place = _ERRORS.get((name, column), f"{column}_mcse")
        error = float(frame[error_place].iloc[row]) if error_place in frame else None
        if error is not None and not math.isfinite(error):
            error = None
        ends, called = _ends(frame, name, row, column)
        text = in_print(plain_value, error)
        if ends:
            text += f" ({called} {' to '.join(in_print(value) for _, value in ends)})"
        basis = _basis(name, column, error is not None or bool(ends))
        return Number(
            text, float(plain_value), f"{name}.csv", row, column, basis, error,
            "" if error is None else error_place, ends,
        )  # fmt: skip

    def declared(self, path: str) -> Number:
        """Return a number of the declared trial by its path, such as ``design.alpha``."""
        value: Any = self.trial.to_dict()
        for part in path.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
        text = str(value) if path == "seed" else in_print(value)
        return Number(text, float(value), TRIAL, None, path, "declared")

    def entries(self, path: str) -> Number:
        """Return how many entries a list of the declared trial has."""
        value: Any = self.trial.to_dict()
        for part in path.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
        return Number(str(len(value)), float(len(value)), TRIAL, None, f"{path}.{ENTRIES}", "declared")

    def table(
        self, name: str, rows: Sequence[int], columns: Sequence[str], caption: str
    ) -> tuple[CitedTable, ...]:
        """Return some rows and columns of a table, as an answer shows them; none where nothing is left."""
        frame = self.frame(name)
        chosen = frame.iloc[list(rows)]
        shown = [one for one in columns if one in frame and not chosen[one].isin(["", None]).all()]
        shown = [one for one in shown if chosen[one].notna().any()]
        if not rows or not shown:
            return ()
        cells = tuple(tuple(self._cell(name, row, column) for column in shown) for row in rows)
        return (CitedTable(caption, tuple(one.replace("_", " ") for one in shown), cells),)

    def _cell(self, name: str, row: int, column: str) -> Part:
        frame = self.frame(name)
        value = frame[column].iloc[row]
        # Where a bias is not against one true effect, the note says against what, and none is shown.
        if column == "true_effect" and NOTE in frame and frame[NOTE].iloc[row] != "":
            return Words("")
        if isinstance(value, str):
            named = column in ("scenario", "analysis", "estimand")
            return Words(label(value) if named else value)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return Words("")
        if isinstance(value, bool) or str(value) in ("True", "False"):
            return Words("yes" if value else "no")
        return self.number(name, row, column)


def _ends(frame: pd.DataFrame, name: str, row: int, column: str) -> tuple[tuple[tuple[str, float], ...], str]:
    """Return the ends of a number's interval with their columns, and what it is called."""
    for table, of, ends, called in _INTERVALS:
        if (table, of) == (name, column) and set(ends) <= set(frame):
            found = tuple((end, float(frame[end].iloc[row])) for end in ends)
            return (found, called) if all(math.isfinite(value) for _, value in found) else ((), "")
    return (), ""


def _basis(name: str, column: str, has_error: bool) -> str:
    if name.startswith("examples/"):
        return "one trial"
    if name.startswith(_ESTIMATED):
        return "estimated"
    if has_error:
        return "simulated"
    if name.startswith(_BY_FORMULA) or column in _FORMULA:
        return "by formula"
    if column.startswith(_COUNTS) or name == "results/evidence":
        return "counted"
    return "described" if name.startswith("description/") else "simulated"
