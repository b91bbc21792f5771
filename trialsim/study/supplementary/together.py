"""Supplementary analyses: what stands beside the answer, and moves none of its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from trialsim.progress import Progress, silent
from trialsim.study.bundles.bundle import write_json, write_table
from trialsim.study.sized.result import StudyResult
from trialsim.study.supplementary.cards_varied import CardSensitivity, card_sensitivity
from trialsim.study.supplementary.months_and_money import time_and_cost
from trialsim.study.supplementary.risk_over_drift import BorrowingRisk, borrowing_risk

_STAGE = "supplementary analyses"


@dataclass(frozen=True)
class SupplementaryAnalyses:
    """Time and money saved, the risk of borrowing, and how far the answer rests on the card.

    Parameters
    ----------
    savings : DataFrame
        Of `time_and_cost`.
    borrowing : BorrowingRisk
        Of `borrowing_risk`.
    card : CardSensitivity or None
        Of `card_sensitivity`; None where the card leaves nothing open.
    """

    savings: pd.DataFrame
    borrowing: BorrowingRisk
    card: CardSensitivity | None


def supplementary_analyses(result: StudyResult, progress: Progress = silent) -> SupplementaryAnalyses:
    """Compute every supplementary analysis of a finished study, in a few seconds.

    Parameters
    ----------
    result : StudyResult
        The study.
    progress : callable
        Called with stage, steps done and steps in all.

    Returns
    -------
    SupplementaryAnalyses
    """
    # One thread, so that no last bit depends on how many there are.
    with threadpool_limits(1):
        progress(_STAGE, 0, 3)
        savings = time_and_cost(result)
        progress(_STAGE, 1, 3)
        borrowing = borrowing_risk(result)
        progress(_STAGE, 2, 3)
        card = card_sensitivity(result)
    progress(_STAGE, 3, 3)
    return SupplementaryAnalyses(savings, borrowing, card)


def write_supplementary(beside: SupplementaryAnalyses, folder: Path) -> None:
    """Write every table as Parquet and CSV, and the summary as JSON.

    Parameters
    ----------
    beside : SupplementaryAnalyses
        What is written.
    folder : Path
        ``results`` of the bundle.
    """
    write_table(beside.savings, folder, "time_and_cost")
    write_table(_finite(beside.borrowing.frontier_frame()), folder, "borrowing_frontier")
    write_table(_finite(beside.borrowing.curves_frame()), folder, "borrowing_at_customary_settings")
    write_table(beside.borrowing.curves.to_frame(), folder, "borrowing_over_drift")
    if beside.card is not None:
        write_table(beside.card.frame, folder, "card_sensitivity")
    write_json(summary(beside), folder / "supplementary.json")


def summary(beside: SupplementaryAnalyses) -> dict[str, Any]:
    """Return what the report says of the supplementary analyses as plain JSON types; null where unknown."""
    saved: dict[str, dict[str, dict[str, float | None]]] = {}
    for _, row in beside.savings.iterrows():
        where = saved.setdefault(row["figure"], {}).setdefault(row["way"], {})
        where[row["gain"]] = float(row["value"]) if np.isfinite(row["value"]) else None
    frontier = {
        point.method: {
            "controls": point.controls if point.feasible else None,
            "worst_type_one_error": point.worst_type_one_error,
            "tipping_drift": point.tipping if np.isfinite(point.tipping) else None,
            "detectable_drift": point.detectable,
            "defensible": bool(point.tipping >= point.detectable),
        }
        for point in beside.borrowing.frontier.points
    }
    card = None
    if beside.card is not None:
        rows = beside.card.summary().set_index("quantity").to_dict("index")
        card = {
            str(name): {key: None if np.isnan(value) else value for key, value in row.items()}
            for name, row in rows.items()
        }
    return {"savings": saved, "borrowing_frontier": frontier, "card_sensitivity": card}


def _finite(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with infinite drifts as missing: no drift up to 2 SD."""
    return frame.replace(np.inf, np.nan)
