"""How a study is carried out: scaling over workers, overhead of the engine, and grids of null scenarios."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy.special import stdtrit
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure
from trialsim.design import tally
from trialsim.design.operating_characteristics import Tally
from trialsim.protocol import Arm, DeclaredTrial, read_trial, trial_from_dict
from trialsim.streams import stream
from trialsim.study import Checkpoints, ReplicateRecorder, plan_trial, run_cells
from trialsim.study.declared import DeclaredCell, DeclaredWork, engine_of
from trialsim.study.designs import LongitudinalPlan, ancova_at_last_visit, simulate_longitudinal_block
from trialsim.study.people.from_card import register_from_card
from trialsim.study.running import Processes, map_blocks
from trialsim.trial import VisitEffect, site_plan
from trialsim.trial.register import Register

PROTOCOL = Path(__file__).parents[1] / "protocols" / "alzheimers_phase2.toml"
CORES = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
SIZE = 306
BLOCK, ALPHA, SEED = 250, 0.05, 20261121
PROGRESSIONS = (0.7, 0.85, 1.0, 1.15, 1.3)
SHIFTS = (-0.5, 0.0, 0.5, 1.0)
SEVERITIES = (0.0, -0.5)


def null_trial() -> DeclaredTrial:
    """Return the default protocol at one size, with a grid of 40 null scenarios instead of its own."""
    scenarios: list[dict[str, object]] = [{"name": "null", "kind": "null", "why": "Nothing drifts"}]
    for speed in PROGRESSIONS:
        for shift in SHIFTS:
            for severity in SEVERITIES:
                if (speed, shift, severity) == (1.0, 0.0, 0.0):
                    continue
                name = f"speed_{speed:g}_shift_{shift:g}_severity_{severity:g}"
                moved = {"cdr_sb": severity} if severity else {}
                scenarios.append(
                    {
                        "name": name.replace(".", "p").replace("-", "m"),
                        "kind": "null",
                        "drift": {"outcome_shift": shift, "progression": speed, "covariate_shift": moved},
                        "why": "Decline, level and severity that differ from the history's",
                    }
                )
    asked = {"participants": SIZE, "sizing": None, "borrowing": None, "card_sensitivity": None}
    return trial_from_dict(read_trial(PROTOCOL).to_dict() | asked | {"scenarios": scenarios})


class Worlds:
    """Registers whose score is the decline itself, blurred: no fit is timed here."""

    def __init__(self) -> None:
        self._drawn: dict[str, Register] = {}

    def __call__(self, trial: DeclaredTrial) -> Register:
        key = trial.scenarios[0].model_dump_json()
        if key not in self._drawn:
            people = register_from_card(trial.model_copy(update={"twins": None}), None, PROTOCOL.parent)
            noise = stream(SEED, "bench", 0, "twins").standard_normal((len(people), 6))
            self._drawn[key] = replace(people, scores=people.outcomes[0][:, 1:] + 3.0 * noise)
        return self._drawn[key]


@cache
def null_work() -> tuple[DeclaredWork, tuple[DeclaredCell, ...]]:
    """Return the 40 null worlds, and a cell of each."""
    worlds = Worlds()
    cells = plan_trial(null_trial(), register_of=worlds).cells
    assert len(cells) == 40
    return DeclaredWork(SEED, 6, worlds), cells


def null_cells(replicates: int, scenarios: int = 40) -> list[DeclaredCell]:
    return [replace(one, replicates=replicates, block=BLOCK) for one in null_work()[1][:scenarios]]


def rate(workers: int, blocks: int) -> float:
    """Return trials a second of warm workers, from the first results to the last."""
    job, cell = null_work()[0], null_cells(blocks * BLOCK, 1)[0]
    tasks = [(cell, index) for index in range(blocks)]
    warm, counted, start = 2 * workers, 0, 0.0
    for position, block in enumerate(Processes(workers).run(job, tasks), 1):
        if position == warm:
            start = time.perf_counter()
        elif position > warm:
            counted += block.sums.trials
    return counted / (time.perf_counter() - start)


def scaling() -> Iterator[Figure]:
    """Compare four workers with one, in alternation so that a busy machine hurts both alike."""
    ones, fours = [], []
    for _ in range(3):
        ones.append(rate(1, 42))
        fours.append(rate(CORES, 48 * CORES))
    one, four = sorted(ones)[1], sorted(fours)[1]
    yield Figure(
        f"scaling: {CORES} workers over one",
        four / one,
        "times",
        goal=3.2 * CORES / 4,
        limit=f"{four:,.0f} and {one:,.0f} trials/s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
    )


def overhead() -> Iterator[Figure]:
    """Compare a whole simulation (sums, checkpoints, record) with its kernels alone, on one core.

    Both take short turns, so that other work of the machine slows both alike; the turns change places.
    """
    job, cells = null_work()[0], null_cells(10 * BLOCK, 2)

    def kernels() -> None:
        for cell in cells:
            simulated = engine_of(cell.trial, job.register_of(cell.trial))
            for index in range(len(cell.blocks)):
                simulated.read(cell.blocks[index], SEED, index)

    def engine() -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            ReplicateRecorder(Path(folder) / "results") as recorder,
        ):
            run_cells(job, cells, record=recorder, checkpoints=Checkpoints(Path(folder) / "blocks", "k" * 20))

    shares = []
    with threadpool_limits(1):
        kernels()
        engine()
        for turn in range(16):
            took = {work: clock(work) for work in ((kernels, engine), (engine, kernels))[turn % 2]}
            shares.append(1 - np.divide(took[kernels], took[engine]))
    cpu, wall = 100 * np.median(shares, axis=0)
    yield Figure(
        "overhead: CPU share outside the kernels",
        float(cpu),
        "%",
        goal=10,
        at_most=True,
        limit=f"wall share {wall:.1f} %, with the disk's fsync",
    )


def clock(work: object) -> tuple[float, float]:
    """Return CPU and wall seconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()  # type: ignore[operator]  # a callable without arguments
    return time.process_time() - cpu, time.perf_counter() - wall


def null_grid(replicates: int = 100_000) -> Iterator[Figure]:
    """Simulate and record 40 null scenarios on all workers."""
    job, cells = null_work()[0], null_cells(replicates)
    start = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        ReplicateRecorder(Path(folder) / "results") as recorder,
    ):
        checkpoints = Checkpoints(Path(folder) / "blocks", "k" * 20)
        found = run_cells(job, cells, Processes(CORES), record=recorder, checkpoints=checkpoints)
    wall = time.perf_counter() - start
    worst = max(one.tallies["prognostic"].rejected / one.trials for one in found)
    yield Figure(
        f"null_grid: 40 scenarios x {replicates:,} replicates of N = {SIZE}, 3 analyses each",
        wall / 60,
        "min",
        goal=10 * 4 / CORES * replicates / 100_000,
        at_most=True,
        limit=f"{CORES} workers, {40 * replicates / wall:,.0f} trials/s; largest type I error {worst:.4f}",
    )


def null_block(plan: LongitudinalPlan, size: int, index: int) -> Tally:
    """Return the sums of one block of the baseline-ANCOVA null."""
    found = ancova_at_last_visit(simulate_longitudinal_block(plan, size, SEED, "million", index))
    return tally(found, 0.0, ALPHA, np.asarray(stdtrit(found.df, 1 - ALPHA / 2) * found.standard_error))


def million_nulls(replicates: int = 1_000_000) -> Iterator[Figure]:
    """Simulate and read a two-arm trial without effect, 200 participants, one baseline, HC3."""
    arms = (Arm(name="placebo", role="control", allocation=1), Arm(name="drug", role="active", allocation=1))
    plan = LongitudinalPlan(
        200,
        site_plan(np.zeros(1), rate=20.0, shape=2.0),
        arms,
        (4,),
        (52.0,),
        np.zeros(2),
        np.array([[1.0, 0.5], [0.5, 1.0]]),
        VisitEffect(np.zeros(2)),
    )
    size = 500
    sums = Tally()
    start = time.perf_counter()
    for one in map_blocks(partial(null_block, plan, size), range(replicates // size), CORES):
        sums = sums + one
    wall = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    error = (sums.rejected / sums.replicates * (1 - sums.rejected / sums.replicates) / sums.replicates) ** 0.5
    yield Figure(
        f"million_nulls: {replicates:,} baseline-ANCOVA nulls of N = 200",
        wall,
        "s",
        goal=60 * 4 / CORES * replicates / 1_000_000,
        at_most=True,
        limit=f"type I error {sums.rejected / sums.replicates:.5f} ± {error:.5f}; {CORES} workers of at most "
        f"{memory:.2f} GB; load {os.getloadavg()[0]:.1f}",
    )


BENCHMARKS = {
    "scaling": scaling,
    "overhead": overhead,
    "null_grid": null_grid,
    "million_nulls": million_nulls,
}
