"""Declared trials against published runs and closed forms, within Monte Carlo error."""

from __future__ import annotations

import numpy as np
import pytest

from tests.declared_files import tables
from trialsim.protocol.declared import trial_from_dict
from trialsim.study.declared import (
    DeclaredCell,
    DeclaredSums,
    declared_result,
    plan_trial,
    run_declared_block,
)

RPACT = tables(
    "time_to_event",
    participants=480,
    enrolment={"kind": "planned", "rates": [20.0], "durations": [24.0], "source": "rpact run"},
    effects=[{"kind": "hazard_ratio", "arm": "active", "value": 0.7, "source": "rpact run"}],
    discontinuation=[
        {
            "cause": "lost", "cumulative": {"control": 0.05, "active": 0.05}, "by_month": 12.0,
            "mechanism": "MCAR", "source": "rpact run",
        }
    ],
    design={"kind": "group_sequential", "timing": "events", "events": [165, 248, 330]},
    simulation={"replicates": 4000, "block": 500},
)  # fmt: skip


def run(cell: DeclaredCell) -> DeclaredSums:
    total = run_declared_block(cell, 0, 5).sums
    for index in range(1, len(cell.blocks)):
        total = total + run_declared_block(cell, index, 5).sums
    return total


def first_row(made: dict):
    plan = plan_trial(trial_from_dict(made))
    return declared_result(plan, [run(cell) for cell in plan.cells]).operating_characteristics


def test_a_declared_three_look_survival_trial_meets_rpact() -> None:
    """rpact 3.3.4, 100,000 trials: power .89479, expected events 254.008, duration 30.608."""
    row = first_row(RPACT).iloc[0]
    assert abs(row["rejection_rate"] - 0.89479) < 4 * np.hypot(row["rejection_rate_mcse"], 0.00097)
    assert abs(row["expected_events"] - 254.00793) < 4 * row["expected_events_mcse"] + 0.3
    assert abs(row["expected_months"] - 30.60833891) < 4 * row["expected_months_mcse"] + 0.05


@pytest.mark.parametrize("kind", ["response", "level", "score", "count"])
def test_a_declared_null_claims_at_its_level_and_an_estimate_is_unbiased(kind: str) -> None:
    made = tables(kind, participants=240, simulation={"replicates": 2000, "block": 500})
    made["enrolment"] = {"kind": "planned", "rates": [40.0], "durations": [6.0], "source": "test"}
    table = first_row(made).set_index("scenario")
    null = table.loc["null"]
    assert abs(null["rejection_rate"] - 0.025) < 4 * np.sqrt(0.025 * 0.975 / 2000) + 0.004
    works = table.loc["works"]
    assert abs(works["bias"]) < 4 * works["bias_mcse"] + 0.01
    assert abs(works["coverage"] - 0.95) < 0.03
    assert works["rejection_rate"] > 0.5


def test_two_looks_at_a_binary_outcome_keep_the_level() -> None:
    design = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0],
              "efficacy": {"rule": "pocock"}}  # fmt: skip
    made = tables("response", participants=240, design=design, simulation={"replicates": 4000, "block": 500})
    made["enrolment"] = {"kind": "planned", "rates": [40.0], "durations": [6.0], "source": "test"}
    table = first_row(made).set_index("scenario")
    assert abs(table.loc["null", "rejection_rate"] - 0.025) < 4 * np.sqrt(0.025 * 0.975 / 4000) + 0.004
    # Enrolment is over when the first 120 outcomes are known: stopping early saves nobody here.
    assert table.loc["works", "expected_size"] > 195
    assert table.loc["works", "expected_months"] < table.loc["null", "expected_months"]
