"""A block of a declared trial is pure, and nothing moves what it does not touch."""

from __future__ import annotations

import json
import pickle
from functools import partial

import numpy as np
import pytest

from tests.declared_files import OUTCOMES, SITES, STRATA, tables
from tests.study.declared.declared_cells import first_cell
from trialsim.protocol.declared import trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared import (
    DeclaredCell,
    DeclaredSums,
    DeclaredWork,
    engine_of,
    plan_trial,
    run_declared_block,
)
from trialsim.study.declared.engines.times import TimesByLaw
from trialsim.trial import simulate_survival


@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_block_is_pure_and_survives_pickle_and_json(kind: str) -> None:
    cell = first_cell(tables(kind))
    again = DeclaredCell.from_dict(json.loads(json.dumps(cell.to_dict())))
    assert again == cell == pickle.loads(pickle.dumps(cell))
    one, two = (run_declared_block(each, 1, 5) for each in (cell, again))
    assert one.table.equals(two.table)
    assert one.sums.to_dict() == two.sums.to_dict()
    back = DeclaredSums.from_dict(json.loads(json.dumps(one.sums.to_dict())))
    assert back.to_dict() == one.sums.to_dict()
    both = one.sums + run_declared_block(cell, 0, 5).sums
    assert both.trials == 100
    assert next(iter(both.stopping.values())).trials == 100
    assert not one.table.equals(run_declared_block(cell, 0, 5).table)
    work = DeclaredWork(5)
    assert work.call((cell, 1)).compute().table.equals(one.table)


@pytest.mark.parametrize("kind", OUTCOMES)
def test_arms_are_not_moved_by_what_does_not_touch_them(kind: str) -> None:
    """Only the active arm's draws differ between the null and the alternative: entry and sizes stay."""
    cells = plan_trial(trial_from_dict(tables(kind, enrolment=SITES))).cells
    one, two = (run_declared_block(cell, 0, 5).rows for cell in cells)
    name = next(iter(run_declared_block(cells[0], 0, 5).sums.tallies))
    assert cells[0].streams == cells[1].streams
    if kind != "time_to_event":
        np.testing.assert_array_equal(one[f"{name}_months"], two[f"{name}_months"])
    assert (one[f"{name}_estimate"] != two[f"{name}_estimate"]).any()


@pytest.mark.parametrize("kind", ["response", "score", "level", "count"])
def test_a_subgroup_that_drifts_leaves_everybody_else_as_they_were(kind: str) -> None:
    subgroup = {"factor": "sex", "level": "m", "value": 3.0}
    plain = tables(kind, strata=STRATA)
    drifted = tables(kind, strata=STRATA)
    drifted["effects"][0]["subgroup"] = subgroup
    samples = [engine_of(trial_from_dict(made)).sample(50, 5, 0) for made in (plain, drifted)]
    values = [one.outcomes.outcomes if kind == "score" else one.outcomes for one in samples]
    people = samples[0].people
    np.testing.assert_array_equal(people.arm, samples[1].people.arm)
    inside = (people.arm == 1) & (people.levels[..., 0] == 1)
    outside = people.arm == 0 if kind == "count" else ~inside
    np.testing.assert_array_equal(values[0][outside], values[1][outside])
    assert (values[0][inside] != values[1][inside]).any()


def test_events_of_a_stratum_that_drifts_leave_the_others_as_they_were() -> None:
    scheme = {"kind": "permuted_blocks", "block_sizes": [4], "strata": ["sex", "region"]}
    plain = tables("time_to_event", strata=STRATA, randomisation=scheme)
    drifted = tables("time_to_event", strata=STRATA, randomisation=scheme)
    drifted["strata"][0]["outcome"] = [0.0, 1.5]
    found = []
    for made in (plain, drifted):
        engine = engine_of(trial_from_dict(made))
        assert isinstance(engine, TimesByLaw)
        assert engine.world is not None
        found.append(simulate_survival(engine.world, 50, partial(stream, 5, engine.streams, 0)))
    women = found[0].stratum < 2
    np.testing.assert_array_equal(found[0].time[women], found[1].time[women])
    assert (found[0].time[~women] > found[1].time[~women]).all()


def test_a_look_of_a_grid_that_changes_only_bounds_reads_the_same_trials() -> None:
    design = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}
    made = tables("response", design=design)
    made["grid"] = [{"field": "design.efficacy.rule", "values": ["pocock", "o_brien_fleming"], "why": "t"}]
    cells = plan_trial(trial_from_dict(made)).cells
    one, two = (run_declared_block(cell, 0, 5).rows for cell in cells[:2])
    same = (one["risk_difference_look"] == two["risk_difference_look"]).to_numpy()
    assert same.any()
    assert not same.all()
    np.testing.assert_array_equal(
        one["risk_difference_estimate"][same], two["risk_difference_estimate"][same]
    )
