"""Replicates stop by a rule that was fixed beforehand, the same whoever computes and however often."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.small_study import Job, SmallStudy
from trialsim.protocol.declared import trial_from_dict
from trialsim.study import Checkpoints, StoppingRule, plan_trial
from trialsim.study import run_cells as simulate
from trialsim.study.declared import DeclaredSums
from trialsim.study.running import Processes

PRECISION = 0.02


@pytest.fixture(scope="module")
def cells(planned):
    rule = StoppingRule(PRECISION, look=2, most=625)
    # Powers near .9 need more replicates than type I errors near .05: the cells must stop apart.
    chosen = [one for one in planned if one.scenario in ("alternative", "faster_decline", "null")]
    return tuple(replace(cell, replicates=rule.most, block=50, rule=rule) for cell in chosen)


@pytest.fixture(scope="module")
def stopped(job: Job, cells) -> list[DeclaredSums]:
    return simulate(job, cells)


def test_the_plan_carries_the_rule(small: SmallStudy, planned) -> None:
    tables = small.sized().to_dict()
    tables["simulation"] |= {"replicates": None, "precision": PRECISION, "block": 50}
    cells = plan_trial(trial_from_dict(tables), register_of=small.registers).cells
    assert {cell.rule for cell in cells} == {StoppingRule(PRECISION, look=20, most=625)}
    assert {cell.replicates for cell in cells} == {625}
    assert all(one.rule is None for one in planned)


def test_each_cell_stops_at_the_first_look_that_reaches_the_precision(stopped, cells) -> None:
    rule = cells[0].rule
    for one in stopped:
        assert one.trials % (rule.look * 50) == 0 or one.trials == rule.most
        errors = [rule.error(*rate) for rate in one.rejections()]
        assert max(errors) <= PRECISION or one.trials == rule.most
    assert len({one.trials for one in stopped}) > 1


def test_no_earlier_look_would_have_stopped(job, stopped, cells) -> None:
    cell, used = cells[-1], stopped[-1].trials
    sums, look = DeclaredSums(0), cell.rule.look
    for index in range(used // 50):
        block = job.compute((cell, index)).sums
        sums = block if not sums.trials else sums + block
        errors = [cell.rule.error(*rate) for rate in sums.rejections()]
        if (index + 1) % look == 0 and index + 1 < used // 50:
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
    assert rows == {cell.name: one.trials for cell, one in zip(cells, stopped, strict=True)}


def test_the_total_of_the_progress_shrinks_to_what_was_used(job, cells, stopped) -> None:
    calls: list[tuple[str, int, int]] = []
    simulate(job, cells, progress=lambda *call: calls.append(call))
    used = sum(one.trials for one in stopped)
    assert calls[0][2] == 625 * len(cells)
    assert calls[-1][1:] == (used, used)


def test_equal_results_at_the_start_do_not_stop_it() -> None:
    rule = StoppingRule.for_precision(0.001, 100)
    assert not rule.reached(10, [(0, 1000)])
    assert not rule.reached(10, [(1000, 1000)])
    assert rule.most == 250_000
