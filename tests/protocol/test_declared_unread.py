"""A field that nothing reads is refused: its user believes that it acts."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.declared_files import staged, tables
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import trial_from_dict

INFORMATION = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}
EVENTS = {"kind": "group_sequential", "timing": "events", "events": [20, 40]}
CALENDAR = {"kind": "group_sequential", "timing": "calendar", "months": [9.0, 30.0], "planned_events": 40}
RESIZED = {"kind": "sample_size_reestimation", "method": "unblinded", "largest": 120}
BLINDED = RESIZED | {"method": "blinded", "effect": 0.25}
STAGES = {"kind": "multi_arm_multi_stage", "stages": [[20] * 3] * 2, "keep_best": 1}
POSTERIOR = {"kind": "bayesian", "rule": "posterior", "looks": [10, 20], "claim": 0.9}
CAUSE = {"cause": "lost", "cumulative": {"control": 0.1, "active": 0.2}, "mechanism": "MCAR", "source": "t"}


def refused(declared: dict[str, Any], field: str, value: object) -> None:
    trial_from_dict(deepcopy(declared))
    *path, last = field.split(".")
    changed = deepcopy(declared)
    table: Any = changed
    for step in path:
        table = table[int(step)] if step.isdigit() else table[step]
    table[last] = value
    with pytest.raises(ProtocolError, match="is not read") as refusal:
        trial_from_dict(changed)
    assert str(refusal.value.field).endswith(last)
    assert "leave it out" in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "design", "field", "value"),
    [
        ("response", None, "events", 40),
        ("response", None, "month", 6.0),
        ("response", None, "latest_month", 3.0),
        ("response", INFORMATION, "latest_month", 3.0),
        ("response", INFORMATION, "planned_events", 3),
        ("response", INFORMATION, "spend_by", "calendar"),
        ("time_to_event", EVENTS, "spend_by", "calendar"),
        ("time_to_event", EVENTS, "planned_events", 80),
        ("time_to_event", CALENDAR, "latest_month", 12.0),
        ("time_to_event", {"kind": "fixed", "month": 20.0}, "latest_month", 6.0),
        ("response", RESIZED, "test", "naive"),
        ("response", RESIZED, "latest_month", 3.0),
        ("response", BLINDED, "zone", [0.1, 0.2]),
    ],
)
def test_a_design_s_field_that_it_does_not_read(kind: str, design: Any, field: str, value: object) -> None:
    declared = tables(kind) if design is None else tables(kind, design=design)
    refused(declared, f"design.{field}", value)


def test_fields_of_designs_in_stages() -> None:
    refused(staged("response", STAGES, 3), "design.latest_month", 3.0)
    refused(staged("score", STAGES, 3, enrolment=None), "endpoints.0.gaps", 0.3)
    refused(staged("response", POSTERIOR, enrolment=None), "design.stop_above", 0.95)


@pytest.mark.parametrize(("field", "value"), [("strategy", "hypothetical"), ("after", "kept")])
def test_what_an_event_does_to_an_outcome_without_visits(field: str, value: str) -> None:
    declared = tables("response") | {"discontinuation": [CAUSE]}
    refused(declared, f"discontinuation.0.{field}", value)
