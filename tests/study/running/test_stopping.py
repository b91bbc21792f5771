"""Replicates stop by a rule that was fixed beforehand, the same whoever computes and however often."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from trialsim.protocol import Protocol, protocol_from_dict
from trialsim.study import CellResult, Checkpoints, Job, StoppingRule, StudyResult, plan_cells, simulate
from trialsim.study.bundles import answer
from trialsim.study.running import Processes
from trialsim.study.sized import StudySums

PRECISION = 0.02


def with_precision(protocol: Protocol, precision: float = PRECISION) -> Protocol:
    tables = protocol.to_dict()
    tables["simulation"] = {"precision": precision, "block": 50, "register_size": 20_000}
    return protocol_from_dict(tables)


@pytest.fixture(scope="module")
def cells(result: StudyResult, small):
    rule = StoppingRule(PRECISION, look=2, most=625)
    kinds = {
        kind: [one.cell for one in result.cells if one.cell.scenario.name == kind]
        for kind in ("alternative", "null")
    }
    # Powers near .9 need more replicates than type I errors near .05: the cells must stop apart.
    chosen = (*kinds["alternative"][-2:], kinds["null"][0])
    return tuple(replace(cell, replicates=rule.most, block=50, rule=rule) for cell in chosen)


@pytest.fixture(scope="module")
def stopped(job: Job, cells) -> list[CellResult]:
    return simulate(job, cells)


def test_the_plan_carries_the_rule(small, result: StudyResult) -> None:
    cells = plan_cells(with_precision(small.protocol), result.plan)
    assert {cell.rule for cell in cells} == {StoppingRule(PRECISION, look=20, most=625)}
    assert {cell.replicates for cell in cells} == {625}
    assert all(one.cell.rule is None for one in result.cells)


def test_each_cell_stops_at_the_first_look_that_reaches_the_precision(stopped, cells) -> None:
    rule = cells[0].rule
    for one in stopped:
        used = one.conduct.trials
        assert used % (rule.look * 50) == 0 or used == rule.most
        errors = [rule.error(x.counts.rejected, x.counts.replicates) for x in one.characteristics.values()]
        assert max(errors) <= PRECISION or used == rule.most
    assert len({one.conduct.trials for one in stopped}) > 1


def test_no_earlier_look_would_have_stopped(job, stopped) -> None:
    one = stopped[-1]
    cell, look = one.cell, one.cell.rule.look
    sums = StudySums()
    for index in range(one.conduct.trials // 50):
        block = job.compute((cell, index))
        sums = sums + block.sums
        errors = [cell.rule.error(*rate) for rate in sums.rejections()]
        if (index + 1) % look == 0 and index + 1 < one.conduct.trials // 50:
            assert max(errors) > PRECISION


def test_workers_and_resumption_do_not_change_the_number(job, cells, stopped, tmp_path: Path) -> None:
    assert simulate(job, cells, Processes(2)) == stopped
    simulate(job, cells[:2], checkpoints=Checkpoints(tmp_path / "blocks", "k" * 20))
    assert (
        simulate(job, cells, Processes(2), checkpoints=Checkpoints(tmp_path / "blocks", "k" * 20)) == stopped
    )


def test_only_blocks_that_count_are_recorded(job, cells, stopped) -> None:
    rows = {cell.name: 0 for cell in cells}

    def record(block) -> None:
        rows[block.cell] += len(block.rows)

    simulate(job, cells, Processes(2), record=record)
    assert rows == {one.cell.name: one.conduct.trials for one in stopped}


def test_the_total_of_the_progress_shrinks_to_what_was_used(job, cells, stopped) -> None:
    calls: list[tuple[str, int, int]] = []
    simulate(job, cells, progress=lambda *call: calls.append(call))
    used = sum(one.conduct.trials for one in stopped)
    assert calls[0][2] == 625 * len(cells)
    assert calls[-1][1:] == (used, used)


def test_the_answer_says_the_rule_and_the_number_used(result: StudyResult, stopped) -> None:
    assert "stopping" not in answer(result)
    told = answer(replace(result, cells=(*stopped, result.cells[-1])))["stopping"]
    assert told["rule"].startswith("each cell stops at the first look, taken every 2 blocks")
    assert told["replicates"][stopped[0].cell.name] == stopped[0].conduct.trials


def test_equal_results_at_the_start_do_not_stop_it() -> None:
    rule = StoppingRule.for_precision(0.001, 100)
    assert not rule.reached(10, [(0, 1000)])
    assert not rule.reached(10, [(1000, 1000)])
    assert rule.most == 250_000
