"""A real Dask cluster on loopback: a scheduler and two workers as processes, and what befalls them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from trialsim.errors import InputError, WorkError
from trialsim.study import BlockResult, InProcess, StudyResult, open_backend
from trialsim.study.backend import Task

PATIENCE = 60


class Processes:
    """A scheduler and workers that can be killed one by one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        options = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--dashboard-address", ":0")
        self.scheduler = self._start("scheduler", *options)
        self.workers: list[subprocess.Popen[bytes]] = []

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=self._folder, start_new_session=True, **quiet)

    def add_worker(self) -> None:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--dashboard-address", ":0")
        self.workers.append(self._start("worker", self.address, *options))

    def wait(self, workers: int) -> None:
        from distributed import Client

        with Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=PATIENCE)

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            with_signal(process, signal.SIGKILL)
            process.wait()


def with_signal(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        os.kill(process.pid, number)


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Processes]:
    processes = Processes(folder)
    try:
        for _ in range(workers):
            processes.add_worker()
        if workers:
            processes.wait(workers)
        yield processes
    finally:
        processes.stop()


@pytest.fixture(scope="module")
def tasks(result: StudyResult) -> list[Task]:
    cells = [replace(one.cell, replicates=500, block=50) for one in result.cells[::5]]
    return [(cell, index) for cell in cells for index in range(len(cell.blocks))]


@pytest.fixture(scope="module")
def expected(job, tasks: list[Task]) -> list[BlockResult]:
    return list(InProcess().run(job, tasks))


def assert_same(blocks: list[BlockResult], expected: list[BlockResult]) -> None:
    for one, other in zip(blocks, expected, strict=True):
        assert (one.cell, one.index, one.sums) == (other.cell, other.index, other.sums)
        pd.testing.assert_frame_equal(one.rows, other.rows, check_exact=True)


def test_a_running_cluster_gives_the_same_bytes_and_outlives_its_workers(
    job, tasks, expected, tmp_path: Path
) -> None:
    with cluster(tmp_path) as processes, open_backend(scheduler=processes.address) as backend:
        assert backend.workers == 2
        assert_same(list(backend.run(job, tasks)), expected)
        blocks = []
        for block in backend.run(job, tasks):
            blocks.append(block)
            if len(blocks) == 3:
                with_signal(processes.workers[0], signal.SIGKILL)
        assert_same(blocks, expected)


def test_a_lost_scheduler_is_one_clear_error(job, tasks, tmp_path: Path) -> None:
    with cluster(tmp_path, 1) as processes, open_backend(scheduler=processes.address) as backend:
        blocks = backend.run(job, tasks)
        next(blocks)
        with_signal(processes.scheduler, signal.SIGKILL)
        start = time.monotonic()
        with pytest.raises(WorkError, match="finished blocks are kept"):
            list(blocks)
        assert time.monotonic() - start < PATIENCE


def test_a_scheduler_without_workers_is_refused(tmp_path: Path) -> None:
    with cluster(tmp_path, 0) as processes:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", int(processes.address.rpartition(":")[2])), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        with (
            pytest.raises(InputError, match="has no workers"),
            open_backend(scheduler=processes.address),
        ):
            pass


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Yield the port of something that listens and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize("kind", ["nobody", "silent", "nonsense"])
def test_an_unreachable_scheduler_is_one_clear_error_within_seconds(silent_port: int, kind: str) -> None:
    addresses = {
        "nobody": "tcp://127.0.0.1:9",
        "silent": f"tcp://127.0.0.1:{silent_port}",
        "nonsense": "x:y:z",
    }
    start = time.monotonic()
    with (
        pytest.raises(InputError, match="no Dask scheduler answers"),
        open_backend(scheduler=addresses[kind]),
    ):
        pass
    assert time.monotonic() - start < 20
