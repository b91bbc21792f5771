"""What a simulation is said to take, against what it took: memory of all its processes, bytes, seconds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.faults.runs.command_line import PATIENCE, ROOT, Study, descendants

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(
        not Path("/proc/self/smaps").exists(), reason="needs /proc to measure the memory of processes"
    ),
]

RUN = """
import json, os, sys, time
from dataclasses import asdict, replace
from pathlib import Path
from trialsim.protocol.declared import read_trial, trial_from_dict
from trialsim.study import *
from trialsim.study.bundles import declared_work
file, cache, output, cells, replicates, block, workers = sys.argv[1:]
folder, trial = Path(file).parent, read_trial(Path(file))
learnt = learn_twins(trial, folder, cache=Path(cache))
registers = Registers(learnt, folder)
arm = control_arm_of(trial, learnt, registers, folder)
asked = {"participants": arm.plan.sizes["prognostic"].total, "sizing": None, "borrowing": None}
trial = trial_from_dict(trial.to_dict() | asked | {"card_sensitivity": None})
planned = plan_trial(trial, register_of=registers).cells[: int(cells)]
planned = [replace(one, replicates=int(replicates), block=int(block)) for one in planned]
job = declared_work(trial, registers)
told = estimate_work(job, planned, int(workers))
output = Path(output)
# From here on: what importing and learning took is given back, or counts as held already.
Path("/proc/self/clear_refs").write_text("5")
start, cpu = time.perf_counter(), sum(os.times()[:4])
kept = Checkpoints(output / "blocks", "k" * 20)
with ReplicateRecorder(output / "rows") as record, open_backend(int(workers)) as backend:
    run_cells(job, planned, backend, record=record, checkpoints=kept)
seconds, cpu = time.perf_counter() - start, sum(os.times()[:4]) - cpu
disk = sum(path.stat().st_size for path in output.rglob("*.parquet"))
# Not the ru_maxrss of getrusage, which a process inherits from the one that started it.
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps(asdict(told) | {"took": seconds, "cpu": cpu, "wrote": disk, "peak": 1024 * int(peak)}))
"""


MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(?P<file>.*)")


def memory_of(pids: list[int]) -> int:
    """Return the bytes that processes hold together: their own, and each file that they map once.

    A proportional share would be smaller the more other programs map the same libraries.
    """
    own, files = 0, Counter[str]()
    for pid in pids:
        mapped = Counter[str]()
        try:
            lines = Path(f"/proc/{pid}/smaps").read_text().splitlines()
        except OSError:
            continue
        file = ""
        for line in lines:
            if found := MAPPING.fullmatch(line):
                file = found["file"]
            elif line.startswith("Rss:"):
                mapped[file] += int(line.split()[1])
            elif line.startswith("Anonymous:"):
                own += int(line.split()[1])
                mapped[file] -= int(line.split()[1])
        files |= mapped
    return 1024 * (own + files.total())


def measure(
    study: Study, output: Path, cells: int, replicates: int, block: int, workers: int
) -> dict[str, Any]:
    numbers = [str(one) for one in (cells, replicates, block, workers)]
    command = [sys.executable, "-c", RUN, str(study.protocol), str(study.cache), str(output), *numbers]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONWARNINGS": "ignore"}
    )
    together, deadline = 0, time.monotonic() + 4 * PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        together = max(together, memory_of([process.pid, *descendants(process.pid)]))
        time.sleep(0.05)
    said, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(said) | {"together": together}


@pytest.fixture(scope="module")
def study(small, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("estimate"), small.cache)


@pytest.mark.slow
@pytest.mark.parametrize("block", [250, 1000])
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_estimate_is_met(study: Study, tmp_path: Path, workers: int, block: int) -> None:
    found = measure(study, tmp_path / "out", cells=4, replicates=8000, block=block, workers=workers)
    print(json.dumps(found))
    used = max(found["together"], found["peak"] if workers == 1 else 0)
    assert used < found["memory"] < 1.6 * used
    from trialsim.study.running.estimate import BUNDLE_BYTES

    assert found["wrote"] < found["disk"] - BUNDLE_BYTES < 2.5 * found["wrote"]
    # The machine may do other things too, or have fewer cores than workers: that makes no run take less CPU.
    assert found["cpu"] / workers / 3 < found["seconds"] < 4 * found["took"]


@pytest.mark.slow
def test_memory_is_bounded_by_the_block_not_by_the_replicates(study: Study, tmp_path: Path) -> None:
    few, many = (
        measure(study, tmp_path / str(number), cells=1, replicates=number, block=250, workers=1)
        for number in (2_000, 50_000)
    )
    print(json.dumps([few, many]))
    assert many["peak"] < 1.05 * few["peak"]
    assert many["memory"] == pytest.approx(few["memory"], rel=0.05)
