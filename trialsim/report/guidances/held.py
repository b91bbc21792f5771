"""Every number of an answer, looked up again in the other form of its table."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trialsim.report.guidances.run import ENTRIES
from trialsim.report.guidances.said import Number
from trialsim.study.bundles.alone.counting import TRIAL
from trialsim.study.bundles.alone.files import read_plain

_ROUNDING = 1e-12


def not_found(numbers: Iterable[Number], folder: Path) -> list[str]:
    """Return the numbers that do not stand where they say, one sentence each.

    Parameters
    ----------
    numbers : iterable of Number
        Read from the Parquet form of the tables.
    folder : Path
        The bundle, whose CSV files and declared trial are read here.

    Returns
    -------
    list of str
        Empty where each value, error and end of an interval is found.
    """
    tables: dict[str, list[dict[str, str]]] = {}
    declared = json.loads(read_plain(folder / TRIAL, TRIAL))
    problems = []
    for one in numbers:
        if one.file not in tables and one.row is not None:
            text = read_plain(folder / one.file, one.file).decode("utf-8")
            tables[one.file] = list(csv.DictReader(io.StringIO(text)))
        wanted = [(one.place, one.value), *one.ends]
        wanted += [] if one.error is None else [(one.error_place, one.error)]
        for place, value in wanted:
            there = (
                _declared(declared, place) if one.row is None else _in_table(tables[one.file], one.row, place)
            )
            if there is None or not abs(there - value) <= _ROUNDING * max(abs(value), 1e-300):
                problems.append(f"{one.text} is not in {one.stands}: there is {there}")
    return problems


def _in_table(rows: list[dict[str, str]], row: int, column: str) -> float | None:
    text = rows[row].get(column) if row < len(rows) else None
    try:
        found = float(text) if text else math.nan
    except ValueError:
        return None
    return None if math.isnan(found) else found


def _declared(tables: Any, path: str) -> float | None:
    value = tables
    for part in path.split("."):
        if part == ENTRIES:
            return float(len(value))
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return float(value) if isinstance(value, int | float) else None
