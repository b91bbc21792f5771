"""What two runs answer differently, each difference with its Monte Carlo error."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from trialsim.data import Floats

Z95 = 1.959963984540054
# From a column of the operating characteristics to the column of a replicate's row that it is the mean of.
QUANTITIES = {
    "rejection_rate": "decision",
    "expected_size": "size",
    "expected_events": "events",
    "expected_months": "months",
}
_PLACE = ("cell", "analysis")
_OF_SIZE = ("analysis", "score")


def changed_answers(first: Path, other: Path) -> pd.DataFrame:
    r"""Return how operating characteristics differ between two runs.

    Parameters
    ----------
    first, other : Path
        Bundles of declared trials. Cells and analyses are matched by name.

    Returns
    -------
    DataFrame
        One row a cell, analysis and quantity that both have: ``first``, ``other``, ``difference``, its
        ``difference_mcse``, whether it is ``paired``, and whether it is ``beyond_error``: outside its 95 %
        interval. Where both runs have the same replicates by number, the error is that of paired differences:
        what both trials share by their random numbers cancels. Else it is
        :math:`\sqrt{s_1^2 + s_2^2}`.
    """
    before, after = _characteristics(first), _characteristics(other)
    rows = []
    for place in [one for one in before.index if one in after.index]:
        for name, column in QUANTITIES.items():
            if name not in before or name not in after:
                continue
            old, new = before.loc[place], after.loc[place]
            if math.isnan(old[name]) or math.isnan(new[name]):
                continue
            cell, analysis = place
            paired = _paired_error(first, other, str(cell), f"{analysis}_{column}")
            error = math.hypot(old[f"{name}_mcse"], new[f"{name}_mcse"]) if paired is None else paired
            values = _difference(float(old[name]), float(new[name]), error)
            rows.append(
                {"cell": cell, "analysis": analysis, "quantity": name, **values, "paired": paired is not None}
            )
    return pd.DataFrame(rows)


def changed_sizes(first: Path, other: Path) -> pd.DataFrame:
    """Return how the searched sizes differ between two runs; empty where one of them has none.

    Parameters
    ----------
    first, other : Path
        Bundles of declared trials.

    Returns
    -------
    DataFrame
        As `changed_answers`, one row an analysis and score. Two searches have errors of their own.
    """
    before, after = (_sizes(folder) for folder in (first, other))
    rows = []
    for place in [one for one in before.index if one in after.index]:
        old, new = before.loc[place], after.loc[place]
        error = math.hypot(*(_half_width(one) / Z95 for one in (old, new)))
        values = _difference(float(old["participants"]), float(new["participants"]), error)
        rows.append({"analysis": place[0], "score": place[1], "quantity": "participants", **values})
    return pd.DataFrame(rows)


def _difference(old: float, new: float, error: float) -> dict[str, object]:
    gap = new - old
    return {
        "first": old, "other": new, "difference": gap, "difference_mcse": error,
        "beyond_error": abs(gap) > Z95 * error + 1e-12 * max(abs(old), abs(new)),
    }  # fmt: skip


def _characteristics(folder: Path) -> pd.DataFrame:
    frame = pd.read_parquet(folder / "results" / "operating_characteristics.parquet")
    return frame.set_index(list(_PLACE))


def _sizes(folder: Path) -> pd.DataFrame:
    path = folder / "results" / "sizes.parquet"
    if not path.exists():
        return pd.DataFrame(index=pd.MultiIndex.from_arrays([[], []], names=_OF_SIZE))
    frame = pd.read_parquet(path)
    return frame.drop_duplicates(list(_OF_SIZE)).set_index(list(_OF_SIZE))


def _half_width(row: pd.Series) -> float:
    return float(row["participants_upper_95"] - row["participants_lower_95"]) / 2


def _paired_error(first: Path, other: Path, cell: str, column: str) -> float | None:
    """Return the standard error of the mean paired difference; None where replicates cannot be paired."""
    old, new = (_column(folder, cell, column) for folder in (first, other))
    if old is None or new is None or len(old) != len(new) or len(old) < 2:
        return None
    if column.endswith("_decision"):
        old, new = (old == 1).astype(np.float64), (new == 1).astype(np.float64)
    gap = new - old
    return float(gap.std(ddof=1) / math.sqrt(len(gap)))


def _column(folder: Path, cell: str, column: str) -> Floats | None:
    path = folder / "results" / "replicates" / f"{cell}.parquet"
    if not path.exists():
        return None
    file = pq.ParquetFile(path)
    if column not in file.schema_arrow.names:
        return None
    return np.asarray(file.read([column]).column(0).to_numpy(), dtype=np.float64)
