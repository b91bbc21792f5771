"""Memory that runs out, for real: the run finishes, or stops with one error that names memory and workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.faults.runs.command_line import (
    PATIENCE,
    Study,
    assert_one_clear_error,
    descendants,
    finished_blocks,
)

MEGABYTE = 10**6
pytestmark = pytest.mark.alone
proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to measure memory")


@pytest.fixture(scope="module")
def study(small, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("memory"), small.cache, replicates=1000, block=500)


def resident(pid: int) -> int:
    """Return the bytes that a process holds in memory."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class Killer(threading.Thread):
    """Kills every worker of a run that holds more than a limit, as an early out-of-memory killer does."""

    def __init__(self, process: subprocess.Popen[str], limit: int, most: int | None = None) -> None:
        super().__init__(daemon=True)
        self.process, self.limit, self.most, self.killed = process, limit, most, 0
        self.start()

    def run(self) -> None:
        while self.process.poll() is None and (self.most is None or self.killed < self.most):
            for pid in descendants(self.process.pid):
                if resident(pid) > self.limit:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue
                    self.killed += 1
            time.sleep(0.005)


@proc
@pytest.mark.slow
def test_workers_that_are_always_killed_stop_the_run_and_it_can_be_finished(study: Study, tmp_path) -> None:
    output = tmp_path / "out"
    process = study.start(output, "--workers", "2")
    killer = Killer(process, 150 * MEGABYTE)
    assert_one_clear_error(process, "for want of memory", "use fewer workers", "finished blocks are kept")
    assert killer.killed >= 3
    study.finish(output)


@proc
@pytest.mark.slow
@pytest.mark.parametrize("place", [(), ("--scheduler", "local")], ids=["joblib", "dask"])
def test_a_run_outlives_workers_that_are_killed_for_their_memory(study: Study, tmp_path, place) -> None:
    whole = study.finish(tmp_path / "whole")
    output = tmp_path / "out"
    process = study.start(output, "--workers", "2", *place)
    while len(finished_blocks(output)) < 2 and process.poll() is None:
        time.sleep(0.005)
    killer = Killer(process, 100 * MEGABYTE, most=2)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, error
    assert killer.killed >= 1
    assert study.finish(output) == whole


LIMITED = """
import resource, sys
import trialsim.report, trialsim.study, trialsim.prognosis
from trialsim.cli import main
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = size + int(sys.argv.pop(1)) * 10**6
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
main()
"""


@proc
def test_a_process_that_gets_no_more_memory_says_so(study: Study, tmp_path) -> None:
    command = [sys.executable, "-c", LIMITED, "20", *study.arguments(tmp_path / "out")]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=os.environ | {"NO_COLOR": "1"}, **quiet)
    assert_one_clear_error(process, "memory ran out", "fewer --workers", "finished blocks are kept")
    assert not [path for path in (tmp_path / "out").glob("*") if not path.name.startswith(".")]


@proc
@pytest.mark.slow
def test_workers_that_get_no_more_memory_say_so(study: Study, tmp_path) -> None:
    """Every limit ends in the finished run or in one clear error."""
    output = tmp_path / "out"
    ended = []
    for megabytes in (150, 300, 500, 800, 1200, 2000):
        command = [sys.executable, "-c", LIMITED, str(megabytes), *study.arguments(output, "--workers", "2")]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, env=os.environ | {"NO_COLOR": "1"}, **quiet)
        process.wait(PATIENCE)
        ended.append(process.returncode)
        if process.returncode:
            assert_one_clear_error(process, "memory", "fewer", "finished blocks are kept")
        else:
            process.communicate()
    assert {0, 2} >= set(ended)
