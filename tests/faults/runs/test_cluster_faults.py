"""A real Dask cluster on loopback: a scheduler and two workers as processes, and what befalls them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import trialsim
from trialsim.errors import InputError, WorkError
from trialsim.study import open_backend
from trialsim.study.declared import DeclaredCell
from trialsim.study.running import BlockResult, InProcess
from trialsim.study.running.backend import Task

PATIENCE = 60
pytestmark = pytest.mark.alone
SOURCE = Path(trialsim.__file__).parent


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
def tasks(planned: tuple[DeclaredCell, ...]) -> list[Task]:
    cells = [replace(one, replicates=500, block=50) for one in planned[::3]]
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


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_lost_scheduler_is_one_clear_error(job, tasks, tmp_path: Path, number: int) -> None:
    with cluster(tmp_path, 1) as processes:
        with open_backend(scheduler=processes.address) as backend:
            blocks = backend.run(job, tasks)
            next(blocks)
            with_signal(processes.scheduler, number)
            start = time.monotonic()
            with pytest.raises(WorkError, match="finished blocks are kept"):
                list(blocks)
        assert time.monotonic() - start < PATIENCE


@pytest.mark.slow
def test_a_cluster_whose_workers_are_all_killed_is_one_clear_error(job, tasks, tmp_path: Path) -> None:
    with cluster(tmp_path) as processes, open_backend(scheduler=processes.address) as backend:
        blocks = backend.run(job, tasks)
        next(blocks)
        for worker in processes.workers:
            with_signal(worker, signal.SIGKILL)
        with pytest.raises(WorkError, match="has had no worker"):
            list(blocks)


def other_version(folder: Path) -> dict[str, str]:
    facts = folder / "other" / "trialsim-0.0.1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: trialsim\nVersion: 0.0.1\n")
    return {"PYTHONPATH": os.pathsep.join([str(facts.parent), str(SOURCE.parent)])}


def other_source(folder: Path) -> dict[str, str]:
    shutil.copytree(SOURCE, folder / "other" / "trialsim", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "other" / "trialsim" / "streams.py").open("a") as file:
        file.write("\n")
    return {"PYTHONPATH": str(folder / "other")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "words"), [(other_version, "trialsim 0.0.1 instead of"), (other_source, "trialsim's source")]
)
def test_a_worker_of_another_version_is_refused(tmp_path: Path, monkeypatch, other, words: str) -> None:
    for name, value in other(tmp_path).items():
        monkeypatch.setenv(name, value)
    with (
        cluster(tmp_path, 1) as processes,
        pytest.raises(InputError, match=f"has other versions.*{words}"),
        open_backend(scheduler=processes.address),
    ):
        pass


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


@pytest.fixture
def black_hole() -> Iterator[int]:
    """Yield a port whose queue is full: what knocks there gets no answer at all, not even a refusal."""
    with socket.socket() as server, ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@pytest.mark.parametrize("kind", ["nobody", "silent", "black hole", "nonsense"])
def test_an_unreachable_scheduler_is_one_clear_error_within_seconds(
    silent_port: int, black_hole: int, kind: str, monkeypatch
) -> None:
    from trialsim.study.running import cluster as module

    assert module.CONNECT_SECONDS <= 5
    monkeypatch.setattr(module, "CONNECT_SECONDS", 1)
    addresses = {
        "black hole": f"tcp://127.0.0.1:{black_hole}",
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
    assert time.monotonic() - start < 10
