"""What a protocol states of its context: read, refused where it belongs to nothing, and of no number."""

from __future__ import annotations

from typing import Any

import pytest

from tests.declared_files import declared, tables
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import grid_points, trial_from_dict

RATED = {"rating": "low", "why": "test"}


def test_a_context_is_kept_with_the_trial_and_not_with_its_cells() -> None:
    criteria = [{"measure": "power", "scenario": "works", "at_least": 0.8, "why": "test"}]
    made = declared("score", context={"influence": RATED, "criteria": criteria})
    assert trial_from_dict(made.to_dict()) == made
    bare = declared("score")
    assert "context" not in bare.to_dict()
    assert made.content_hash() != bare.content_hash()
    for with_context, without in zip(grid_points(made), grid_points(bare), strict=True):
        assert with_context == without


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"influence": {"rating": "huge", "why": "x"}}, "context.influence.rating"),
        ({"influence": {"rating": "low"}}, "context.influence.why"),
        ({"influenced": RATED}, "unknown key"),
        ({"criteria": [{"measure": "power", "why": "x"}]}, "sets no limit"),
        ({"criteria": [{"measure": "power", "at_least": 0.9, "at_most": 0.8, "why": "x"}]}, "above at_most"),
        ({"criteria": [{"measure": "power", "at_least": 0.9, "scenario": "nope", "why": "x"}]}, "no scenario"),
        ({"criteria": [{"measure": "calibration_slope", "at_least": 0.9, "why": "x"}]}, "a history gives"),
        ({"criteria": [{"measure": "luck", "at_least": 0.9, "why": "x"}]}, "context.criteria[0].measure"),
        ({"external_controls": {"time_zero": "x"}}, "borrows none"),
        ({"evidence": ""}, "context.evidence"),
    ],
)  # fmt: skip
def test_a_context_that_belongs_to_nothing_is_refused(context: dict[str, Any], said: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        trial_from_dict(tables("score", context=context))
    assert said in str(refused.value)


def test_no_scenario_and_no_grid_may_set_it() -> None:
    worlds = [{"name": "works", "kind": "alternative", "why": "x", "set": {"context.evidence": "y"}}]
    with pytest.raises(ProtocolError, match="same in every cell"):
        grid_points(trial_from_dict(tables("score", context={"evidence": "x"}, scenarios=worlds)))
