"""The main job from the command line, cold and warm, and how fast the help appears."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure

ROOT = Path(__file__).parents[1]
PROTOCOL = ROOT / "protocols" / "alzheimers_phase2.toml"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def run(*arguments: str) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds, and peak memory in GB of the largest process of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "trialsim", *arguments], check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss / 1e6


def main_job(folder: str, *options: str) -> tuple[float, float, float]:
    """Run the default protocol with a cache and reports in a folder."""
    return run(
        "run", str(PROTOCOL), "--quiet", "--cache", f"{folder}/cache", "-o", f"{folder}/reports", *options
    )


def default_job_cold() -> Iterator[Figure]:
    """Time the default job without a cached posterior: compile, fit, cross-validate, simulate, report."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu, memory = main_job(folder)
    shape = f"{CORES} cores, 10,000 replicates a cell; CPU {cpu:.0f} s; numba caches warm"
    yield Figure("default_job_cold: wall", wall, "s", goal=240, at_most=True, limit=shape)
    yield Figure("default_job_cold: peak memory", memory, "GB", goal=1.5, at_most=True)


def default_job_warm() -> Iterator[Figure]:
    """Time the default job with a cached posterior, and its memory at five times the replicates."""
    with tempfile.TemporaryDirectory() as folder:
        main_job(folder, "--replicates", "100")
        wall, cpu, _ = main_job(folder)
        _, _, memory = main_job(folder, "--replicates", "50000")
    yield Figure(
        "default_job_warm: wall", wall, "s", goal=45, at_most=True, limit=f"{CORES} cores; CPU {cpu:.0f} s"
    )
    yield Figure("default_job_warm: peak memory, 50,000 replicates", memory, "GB", goal=1.5, at_most=True)


def cli_help() -> Iterator[Figure]:
    """Measure the CPU time of ``trialsim --help``, as the median of five."""
    times = sorted(run("--help")[1] for _ in range(5))
    yield Figure(
        "cli_help: CPU", times[2], "s", goal=0.5, at_most=True, limit="bare interpreter about 0.02 s"
    )


BENCHMARKS = {
    "default_job_cold": default_job_cold,
    "default_job_warm": default_job_warm,
    "cli_help": cli_help,
}
