"""Small runs of every kind that a page of guidances is made of; each is run once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from click.testing import CliRunner

from tests.declared_files import staged, tables, write_protocol
from trialsim.cli.commands import commands

HOSTILE = "<script>alert('x')</script> {risk} {{ 7 * 7 }} validated"
CONTEXT: dict[str, Any] = {
    "influence": {"rating": "medium", "why": "Beside two published trials"},
    "consequence": {"rating": "high", "why": "A trial that is too small"},
    "impact": {"rating": "low", "why": "Customary"},
    "evidence": "Two published trials",
    "appropriateness": "No formula has looks",
    "criteria": [
        {"measure": "type_one_error", "at_most": 0.5, "why": "A run of few trials"},
        {"measure": "power", "at_least": 0.01, "scenario": "works", "why": "A run of few trials"},
    ],
    "outcome": "The team goes on",
}  # fmt: skip


def survival(folder: Path) -> dict[str, Any]:
    """Return a survival trial with two looks, which states its context and no estimand."""
    design = {"kind": "group_sequential", "timing": "events", "events": [20, 40]}
    two = [{"kind": "log_rank"}, {"kind": "cox"}]
    return tables("time_to_event", design=design, analyses=two, context=CONTEXT, context_of_use=HOSTILE)


def scored(folder: Path) -> dict[str, Any]:
    """Return a binary trial whose score is a column of the history."""
    rng = np.random.default_rng(3)
    severity = rng.standard_normal(160)
    chance = 1 / (1 + np.exp(0.4 + 1.3 * severity))
    better = (rng.random(160) < chance).astype(int)
    arm = pd.DataFrame(
        {"id": np.arange(160), "severity": severity.round(3), "better": better, "said": chance}
    )
    arm.to_csv(folder / "arm.csv", index=False)
    endpoint = {"name": "better", "kind": "response", "direction": "higher_is_better", "months": 3.0,
                "course": {"kind": "history"}}  # fmt: skip
    return tables(
        "response",
        endpoints=[endpoint],
        population={"kind": "history", "register": 2000},
        history={"file": "arm.csv", "columns": {"participant": "id", "covariates": {"severity": "severity"}}},
        twins={"source": "given", "column": "said"},
        analyses=[
            {"kind": "g_computation", "name": "twin", "adjust": ["score"]},
            {"kind": "risk_difference"},
        ],
    )


def adaptive(folder: Path) -> dict[str, Any]:
    """Return a trial that drops arms between two stages."""
    design = {"kind": "multi_arm_multi_stage", "stages": [[15, 15, 15], [15, 15, 15]], "keep_best": 1}
    return staged("score", design, arms=3)


def thompson(folder: Path) -> dict[str, Any]:
    """Return a trial that allocates by what was seen, and claims by a posterior probability."""
    design = {"kind": "response_adaptive", "first": 10, "batch": 10, "batches": 2, "claim": 0.95}
    return staged("response", design, arms=3)


def fixed(folder: Path) -> dict[str, Any]:
    """Return the trial of one analysis of a score."""
    return tables("score", analyses=[{"kind": "ancova"}, {"kind": "unadjusted"}])


KINDS: dict[str, Callable[[Path], dict[str, Any]]] = {
    one.__name__: one for one in (survival, scored, adaptive, thompson, fixed)
}


def run(folder: Path, made: dict[str, Any]) -> Path:
    """Run a declared trial, and return its bundle."""
    file = write_protocol(folder / "protocol.toml", made)
    args = ["run", str(file), "--quiet", "--workers", "1", "-o", str(folder / "out")]
    done = CliRunner().invoke(commands, args)
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    (manifest,) = (folder / "out").glob("*/manifest.json")
    return manifest.parent
