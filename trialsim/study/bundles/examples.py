"""Example trials, picked by rules that were fixed beforehand and not by anybody's eye."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from trialsim.protocol import ANALYSES
from trialsim.study.bundles.bundle import write_table
from trialsim.study.sized.result import StudyResult

OK = "ok"

Positions = np.ndarray
Rule = Callable[[pd.DataFrame, pd.Series, pd.Series], Positions]


def _median_success(rows: pd.DataFrame, success: pd.Series, fitted: pd.Series) -> Positions:
    ranked = rows[success].sort_values("estimate", kind="stable").index
    return np.asarray(ranked[(len(ranked) - 1) // 2 :][:1])


def _near_miss(rows: pd.DataFrame, success: pd.Series, fitted: pd.Series) -> Positions:
    return np.asarray(rows[fitted & ~success].sort_values("p_value", kind="stable").index[:1])


def _worst_dropout(rows: pd.DataFrame, success: pd.Series, fitted: pd.Series) -> Positions:
    analysed = rows["controls_analysed"] + rows["active_analysed"]
    return np.asarray(analysed.sort_values(kind="stable").index[:1])


def _slowest_enrolment(rows: pd.DataFrame, success: pd.Series, fitted: pd.Series) -> Positions:
    return np.asarray((-rows["enrolment_months"]).sort_values(kind="stable").index[:1])


def _failed_fit(rows: pd.DataFrame, success: pd.Series, fitted: pd.Series) -> Positions:
    return np.asarray(rows.index[~fitted][:1])


RULES: dict[str, tuple[Rule, str]] = {
    "median success": (
        _median_success,
        "median estimate of the trials that reject the null in favour of treatment",
    ),
    "near miss": (_near_miss, "smallest p value of the trials that are no success"),
    "worst dropout": (_worst_dropout, "fewest participants with an outcome at the last visit"),
    "slowest enrolment": (_slowest_enrolment, "longest time to full enrolment"),
    "failed fit": (_failed_fit, "first trial whose analysis failed"),
}


def pick_examples(rows: pd.DataFrame, analysis: str, alpha: float, higher_is_worse: bool) -> pd.DataFrame:
    """Pick example trials of one cell by rule.

    Parameters
    ----------
    rows : DataFrame
        One row a replicate, as a bundle records them.
    analysis : str
        The analysis whose estimate and p value the rules read.
    alpha : float
        Two-sided level.
    higher_is_worse : bool
        Whether a negative estimate is in favour of treatment.

    Returns
    -------
    DataFrame
        One row a rule that some trial meets; ties go to the first replicate. Columns ``rule``, ``why``,
        ``analysis`` and those of the trial.
    """
    trials = rows[["replicate", "enrolment_months", "controls_analysed", "active_analysed"]].copy()
    for column in ("estimate", "standard_error", "p_value", "status"):
        trials[column] = rows[f"{analysis}_{column}"]
    fitted = trials["status"] == OK
    favourable = trials["estimate"] < 0 if higher_is_worse else trials["estimate"] > 0
    success = fitted & favourable & (trials["p_value"] <= alpha)
    parts = []
    for name, (rule, why) in RULES.items():
        part = trials.loc[rule(trials, success, fitted)]
        part.insert(0, "rule", name)
        part.insert(1, "why", why)
        part.insert(2, "analysis", analysis)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def write_examples(result: StudyResult, folder: Path) -> None:
    """Pick examples in every cell of a bundle that is being written, and write them to ``examples/``.

    Parameters
    ----------
    result : StudyResult
        The study.
    folder : Path
        The bundle, whose ``results/replicates`` are complete.
    """
    parts = []
    for one in result.cells:
        cell = one.cell
        analysis = cell.sized_for if cell.sized_for in ANALYSES else "prognostic"
        needed = ["replicate", "enrolment_months", "controls_analysed", "active_analysed"]
        needed += [f"{analysis}_{name}" for name in ("estimate", "standard_error", "p_value", "status")]
        table = pq.read_table(folder / "results" / "replicates" / f"{cell.name}.parquet", columns=needed)
        part = pick_examples(
            table.to_pandas(),
            analysis,
            result.protocol.analysis.alpha,
            result.protocol.endpoint.direction == "higher_is_worse",
        )
        part.insert(0, "cell", cell.name)
        parts.append(part)
    write_table(pd.concat(parts, ignore_index=True), folder / "examples", "trials")
