"""Back ends give the same bytes in the same order, take work only when needed, and outlive lost workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pandas as pd
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.small_study import Job
from trialsim.errors import InputError, WorkError
from trialsim.study import open_backend, run_cells
from trialsim.study.declared import DeclaredCell
from trialsim.study.running import BlockResult, InProcess, Processes, map_blocks
from trialsim.study.running.backend import ATTEMPTS, BLOCKS_A_WORKER, Task, _executor, steadily


@pytest.fixture(scope="module")
def cells(planned: tuple[DeclaredCell, ...]) -> tuple[DeclaredCell, ...]:
    return tuple(replace(one, replicates=250, block=50) for one in planned[::2])


@pytest.fixture(scope="module")
def tasks(cells: tuple[DeclaredCell, ...]) -> list[Task]:
    return [(cell, index) for cell in cells for index in range(len(cell.blocks))]


@pytest.fixture(scope="module")
def expected(job: Job, tasks: list[Task]) -> list[BlockResult]:
    return list(InProcess().run(job, tasks))


def assert_same(blocks: list[BlockResult], expected: list[BlockResult]) -> None:
    for one, other in zip(blocks, expected, strict=True):
        assert (one.cell, one.index, one.sums) == (other.cell, other.index, other.sums)
        pd.testing.assert_frame_equal(one.rows, other.rows, check_exact=True)


def children() -> list[psutil.Process]:
    mine = psutil.Process().children()
    return [one for one in mine if "popen_loky_posix" in " ".join(one.cmdline())]


def test_processes_give_the_bytes_of_this_process(job, tasks, expected) -> None:
    assert_same(list(Processes(2).run(job, tasks)), expected)


def test_order_of_work_does_not_change_a_block(job, tasks, expected) -> None:
    assert_same(list(InProcess().run(job, tasks[::-1]))[::-1], expected)


def test_a_killed_worker_costs_time_and_nothing_else(job, tasks, expected) -> None:
    blocks = []
    for block in Processes(2).run(job, tasks):
        blocks.append(block)
        if len(blocks) in (1, 9):
            os.kill(children()[0].pid, signal.SIGKILL)
    assert_same(blocks, expected)


def test_work_is_taken_only_a_few_blocks_ahead(job, tasks) -> None:
    taken: list[Task] = []

    def counted() -> Iterator[Task]:
        for task in tasks:
            taken.append(task)
            yield task

    blocks = Processes(2).run(job, counted())
    for done in range(1, 4):
        next(blocks)
        assert len(taken) <= done + BLOCKS_A_WORKER * 2
    blocks.close()
    time.sleep(0.2)
    assert children() == []


class Future:
    def __init__(self, task: Task, lost: bool) -> None:
        self.task, self.lost = task, lost

    def result(self) -> Task:
        if self.lost:
            raise ConnectionError
        return self.task


@settings(deadline=None, max_examples=50)
@given(losses=st.lists(st.booleans(), max_size=60), number=st.integers(0, 20), window=st.integers(1, 7))
def test_any_pattern_of_losses_neither_loses_nor_doubles_a_block(losses, number, window) -> None:
    fates = iter(losses)

    @contextmanager
    def session():
        yield lambda task: Future(task, next(fates, False))

    # A first loss in every session would be a want of memory: then it must stop with one error.
    done: list[int] = []
    try:
        for block in steadily(session, iter(range(number)), window, (ConnectionError,)):
            done.append(block)
    except WorkError:
        assert sum(losses) >= ATTEMPTS
    else:
        assert done == list(range(number))
    assert done == list(range(len(done)))


def test_workers_lost_at_the_same_block_again_are_one_clear_error() -> None:
    @contextmanager
    def session():
        yield lambda task: Future(task, task == 3)

    run = steadily(session, iter(range(6)), 2, (ConnectionError,))
    with pytest.raises(WorkError, match="use fewer workers"):
        list(run)


def test_a_worker_without_memory_is_one_clear_error() -> None:
    class Starved(Future):
        def result(self):
            raise MemoryError

    @contextmanager
    def session():
        yield lambda task: Starved(task, False)

    with pytest.raises(WorkError, match="out of memory"):
        list(steadily(session, iter(range(2)), 2, ()))


@pytest.mark.parametrize("workers", [1, 2])
def test_blocks_of_any_function_come_in_their_order(workers: int) -> None:
    assert list(map_blocks(lambda index: index % 7, range(20), workers)) == [n % 7 for n in range(20)]


def test_workers_are_stopped_right_after_a_task_without_a_fault_in_a_thread(monkeypatch) -> None:
    faults: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", faults.append)
    for warm in (True, True, False):
        with _executor(1) as send:
            if warm:
                assert send(abs, -1).result() == 1
            waiting = [send(time.sleep, 60) for _ in range(BLOCKS_A_WORKER)]
        assert not faults
        assert all(one.done() for one in waiting)


def test_no_workers_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"), open_backend(0):
        pass


def test_cells_run_in_this_process_unless_told_otherwise(job, cells) -> None:
    one, two = run_cells(job, cells), run_cells(job, cells, Processes(2))
    assert one == two
