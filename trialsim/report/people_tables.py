"""Tables of the people in simulated trials, and of example trials."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialsim.report.frames import Table, frame_table
from trialsim.report.labels import label, share
from trialsim.study.description.describe import TrialDescription

_OF_EXAMPLE = ("estimate", "standard_error", "p_value", "decision", "size", "events", "months")
_DECISIONS = {1: "efficacy", 0: "none", -1: "futility"}


@dataclass(frozen=True)
class FlowStep:
    """One box of a participant flow: what happened, to how many, and to what share of the arm."""

    name: str
    participants: str
    spread: str
    share: float


def flow_by_arm(flow: pd.DataFrame) -> dict[str, list[FlowStep]]:
    """Return the steps of each arm as boxes, ``randomised`` first; empty without a flow."""
    if flow.empty:
        return {}
    return {
        str(arm): [
            FlowStep(
                label(str(row["step"])), f"{row['participants']:,.0f}",
                f"{row['low_90']:,.0f} to {row['high_90']:,.0f}", float(row["share"]),
            )
            for row in part.to_dict("records")
        ]
        for arm, part in flow.groupby("arm", sort=False)
    }  # fmt: skip


def people_tables(described: TrialDescription, examples: pd.DataFrame) -> dict[str, Table]:
    """Return Table 1 and the example trials of the described cell by name."""
    baseline = described.baseline.copy()
    for column in ("share", "missing"):
        if column in baseline:
            baseline[column] = [share(value) if value == value else "" for value in baseline[column]]
    return {
        "baseline": frame_table(
            baseline.dropna(axis="columns", how="all"), "Table 1 of the simulated population"
        ),
        "examples": frame_table(
            _examples(examples), "Example trials, picked by rules that were fixed beforehand"
        ),
    }


def _examples(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row an example, with the command that shows the trial again."""
    if frame.empty:
        return frame
    shown = [name for name in _OF_EXAMPLE if name in frame and frame[name].notna().any()]
    out = frame[["rule", "analysis", "replicate", *shown]].copy()
    out["analysis"] = [label(str(name)) for name in out["analysis"]]
    out["replicate"] = [str(number) for number in out["replicate"]]
    if "decision" in out:
        out["decision"] = [_DECISIONS[int(one)] for one in out["decision"]]
    out["shown again by"] = [
        f"trialsim replay FOLDER {row['cell']} {row['replicate']}" for row in frame.to_dict("records")
    ]
    return out
