"""What weights did: means of covariates before and after, and how many participants are left in effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.errors import AnalysisError


def balance_of(x: Floats, columns: tuple[str, ...], treated: Floats, w: Floats) -> pd.DataFrame:
    """Return a row a covariate: means of the treated and of controls before and after, and differences."""
    here = treated == 1.0
    before = x[~here].mean(axis=0)
    spread = np.sqrt((x[here].var(axis=0, ddof=1) + x[~here].var(axis=0, ddof=1)) / 2)
    spread = np.where(spread > 0, spread, np.nan)
    in_trial = np.average(x[here], axis=0, weights=w[here])
    after = np.average(x[~here], axis=0, weights=w[~here])
    return pd.DataFrame(
        {
            "covariate": list(columns),
            "treated": in_trial,
            "controls_before": before,
            "controls_after": after,
            "difference_before": (x[here].mean(axis=0) - before) / spread,
            "difference_after": (in_trial - after) / spread,
        }
    )


def sizes_of(arms: tuple[str, ...], treated: Floats, w: Floats) -> pd.DataFrame:
    """Return a row an arm: participants, effective sample size (Kish) and the largest weight as a share."""
    rows = []
    for position, label in enumerate(arms):
        mine = w[treated == position]
        rows.append(
            {
                "arm": label,
                "participants": len(mine),
                "effective": float(mine.sum() ** 2 / np.square(mine).sum()),
                "largest_share": float(mine.max() / mine.sum()),
            }
        )
    return pd.DataFrame(rows)


def unbalanced_note(balance: pd.DataFrame, largest: float) -> list[str]:
    """Return a note that names the covariates whose difference is still above `largest`, if any."""
    off = balance.loc[balance["difference_after"].abs() > largest, "covariate"]
    return [f"Not balanced after weighting (above {largest:g}): {', '.join(off)}."] if len(off) else []


def one_time_zero(data: pd.DataFrame, column: str | None) -> None:
    """Refuse participants whose follow-up starts at different moments, by the column that says when.

    Raises
    ------
    AnalysisError
        The column is absent, has an empty cell, or names more than one start.
    """
    if column is None:
        return
    if column not in data.columns:
        raise AnalysisError("is not a column of the data", field="time_zero", value=column)
    starts = data[column]
    if starts.isna().any():
        raise AnalysisError(
            "is missing for some participants", field=column, mend="say when each follow-up starts"
        )
    found = sorted({str(start) for start in starts})
    if len(found) > 1:
        raise AnalysisError(
            "is not the same for everybody: outside controls have another time zero", field=column,
            value=", ".join(found),
            mend="count all follow-up from the same moment, or leave out who has another",
        )  # fmt: skip
