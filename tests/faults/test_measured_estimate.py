"""What a simulation is said to take, against what it took: memory of all its processes, bytes, seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.command_line import PATIENCE, ROOT, Study, descendants

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc to measure the memory of processes"
)

RUN = """
import json, resource, sys, time
from dataclasses import asdict, replace
from pathlib import Path
from trialsim.disease import disease_model
from trialsim.population import read_card
from trialsim.protocol import cohort_path, read_protocol
from trialsim.study import *
file, cache, output, cells, replicates, block, workers = sys.argv[1:]
protocol = read_protocol(Path(file))
card, disease = read_card(cohort_path(protocol, Path(file))), disease_model(protocol.disease.model)
history = generate_history(protocol, card, disease)
prognosis, _, gain = learn(protocol, history, cache=Path(cache))
registers = build_registers(protocol, card, disease, prognosis)
plan = plan_from(protocol, {name: one.facts for name, one in registers.items()}, gain)
planned = plan_cells(protocol, plan)[: int(cells)]
planned = [replace(one, replicates=int(replicates), block=int(block)) for one in planned]
job = Job.of(protocol, disease, registers)
told = estimate_work(job, planned, int(workers))
output = Path(output)
start = time.perf_counter()
kept = Checkpoints(output / "blocks", "k" * 20)
with ReplicateRecorder(output / "rows") as record, open_backend(int(workers)) as backend:
    simulate(job, planned, backend, record=record, checkpoints=kept)
seconds = time.perf_counter() - start
disk = sum(path.stat().st_size for path in output.rglob("*.parquet"))
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps(asdict(told) | {"took": seconds, "wrote": disk, "peak": peak}))
"""


def proportional_share(pid: int) -> int:
    """Return the bytes of a process's memory, those that it shares divided by who shares them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


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
        together = max(together, sum(map(proportional_share, [process.pid, *descendants(process.pid)])))
        time.sleep(0.03)
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
    assert 0.9 * used < found["memory"] < 2.5 * used
    from trialsim.study.estimate import BUNDLE_BYTES

    assert found["wrote"] < found["disk"] - BUNDLE_BYTES < 2.5 * found["wrote"]
    # Times are those of a machine that does other things too, or has fewer cores than workers.
    assert found["took"] / 6 < found["seconds"] < 4 * found["took"]


@pytest.mark.slow
def test_memory_is_bounded_by_the_block_not_by_the_replicates(study: Study, tmp_path: Path) -> None:
    few, many = (
        measure(study, tmp_path / str(number), cells=1, replicates=number, block=250, workers=1)
        for number in (2_000, 50_000)
    )
    print(json.dumps([few, many]))
    assert many["peak"] < 1.05 * few["peak"]
    assert many["memory"] == few["memory"]
