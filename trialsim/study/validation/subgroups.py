"""Labels of a history's participants, by columns that no model uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialsim.errors import InputError
from trialsim.prognosis.histories import column_names, read_labels
from trialsim.protocol.history_table import HistoryTable

# Judged wherever the history carries it, under any spelling: twins that are wrong for some must be seen.
ALWAYS = "race"
Labels = NDArray[Any]


def subgroup_labels(path: Path | None, table: HistoryTable, asked: tuple[str, ...]) -> dict[str, Labels]:
    """Return labels (N,) by the columns that are asked for, and by race where there is one.

    Raises
    ------
    InputError
        A history that was generated has no such columns.
    HistoryError
        The file has none of that name.
    """
    if path is None:
        if asked:
            raise InputError(
                "a generated history has no columns but its covariates", field="--subgroup", value=asked[0],
                mend="give a file with --history, or leave --subgroup out",
            )  # fmt: skip
        return {}
    race = [name for name in column_names(path, table) if name.lower() == ALWAYS]
    return read_labels(path, table, list(dict.fromkeys((*race, *asked))))


def group_labels(path: Path | None, table: HistoryTable, participants: int) -> Labels:
    """Return the group's name of each participant (N,) as the file has it."""
    name = table.columns.group
    if path is None or name is None:
        return np.full(participants, "all")
    return read_labels(path, table, [name])[name]
