"""How a study is carried out: scaling over workers, overhead of the engine, and grids of null scenarios."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy.special import stdtrit
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure
from trialsim.design import tally
from trialsim.design.operating_characteristics import Tally
from trialsim.disease import disease_model
from trialsim.population import draw_eligible, read_card
from trialsim.protocol import Arm, Protocol, Scenario, cohort_path, protocol_from_dict, read_protocol
from trialsim.streams import stream
from trialsim.study import Cell, Checkpoints, Job, ReplicateRecorder, simulate
from trialsim.study.designs import LongitudinalPlan, ancova_at_last_visit, simulate_longitudinal_block
from trialsim.study.running import Processes, map_blocks
from trialsim.study.sized.blocks import analyse_block, simulate_cell
from trialsim.trial import Pool, TrialSize, VisitEffect, site_plan

PROTOCOL = Path(__file__).parents[1] / "protocols" / "alzheimers_phase2.toml"
CORES = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
SIZE = TrialSize(153, 153)
BLOCK, ALPHA, SEED = 250, 0.05, 20261121
REGISTER = 100_000
PROGRESSIONS = (0.7, 0.85, 1.0, 1.15, 1.3)
SHIFTS = (-0.5, 0.0, 0.5, 1.0)
SEVERITIES = (0.0, -0.5)


def null_protocol() -> Protocol:
    """Return the default protocol with a grid of 40 null scenarios instead of its own."""
    tables = read_protocol(PROTOCOL).to_dict()
    kept = [one for one in tables["scenarios"] if one["kind"] != "history_drift"]
    grid = [
        {
            "name": f"speed_{speed:g}_shift_{shift:g}_severity_{severity:g}".replace(".", "p").replace(
                "-", "m"
            ),
            "kind": "history_drift",
            "effect": "none",
            "progression": speed,
            "outcome_shift": shift,
            "covariate_shift": {"cdr_sb": severity} if severity else {},
            "why": "Decline, level and severity that differ from the history's",
        }
        for speed in PROGRESSIONS
        for shift in SHIFTS
        for severity in SEVERITIES
        if (speed, shift, severity) != (1.0, 0.0, 0.0)
    ]
    tables["scenarios"] = kept + grid
    return protocol_from_dict(tables)


def pool_of(protocol: Protocol, scenario: Scenario) -> Pool:
    """Return participants of a world whose score is the expected decline, blurred: no fit is timed here."""
    card, disease = read_card(cohort_path(protocol, PROTOCOL)), disease_model(protocol.disease.model)
    weeks = np.array((0.0, *protocol.visits.weeks))

    def chance(component: str) -> np.random.Generator:
        return stream(SEED, "bench", 0, component)

    shift = dict(scenario.covariate_shift)
    draw = draw_eligible(card, REGISTER, chance("register"), protocol.eligibility, shift=shift)
    course = disease.draw_course(draw.covariates, chance("disease"))
    natural = disease.natural_history(course, weeks, progression=scenario.progression)
    placebo = disease.placebo_response(course, weeks) + np.where(weeks > 0, scenario.outcome_shift, 0.0)
    baseline = disease.measure(natural[:, :1], placebo[:, :1], chance("outcome"))[:, 0]
    score = natural[:, -1] + 3.0 * chance("twins").standard_normal(REGISTER)
    return Pool(natural, placebo, baseline, score, np.full(REGISTER, 3.0))


def nulls_of(protocol: Protocol) -> list[Scenario]:
    """Return the null and its 39 drifts."""
    found = [one for one in protocol.scenarios if one.effect == "none" and one.kind != "useless_twin"]
    assert len(found) == 40
    return found


@cache
def null_job() -> Job:
    """Return the 40 null worlds."""
    protocol = null_protocol()
    nulls = nulls_of(protocol)
    return Job(
        protocol,
        disease_model(protocol.disease.model),
        {one.name: pool_of(protocol, one) for one in nulls},
        {one.name: 0.0 for one in nulls},
    )


def null_cells(replicates: int, scenarios: int = 40) -> list[Cell]:
    nulls = nulls_of(null_job().protocol)[:scenarios]
    return [Cell(one, "prognostic", SIZE, replicates, BLOCK) for one in nulls]


def rate(workers: int, blocks: int) -> float:
    """Return trials a second of warm workers, from the first results to the last."""
    job, cell = null_job(), null_cells(blocks * BLOCK, 1)[0]
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
    job, cells = null_job(), null_cells(10 * BLOCK, 2)
    protocol, disease = job.protocol, job.disease

    def kernels() -> None:
        for cell in cells:
            for index in range(len(cell.blocks)):
                block = simulate_cell(protocol, disease, job.pools[cell.scenario.name], cell, index)
                analyse_block(block, protocol.analysis)

    def engine() -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            ReplicateRecorder(Path(folder) / "results") as recorder,
        ):
            simulate(job, cells, record=recorder, checkpoints=Checkpoints(Path(folder) / "blocks", "k" * 20))

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
    job, cells = null_job(), null_cells(replicates)
    start = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        ReplicateRecorder(Path(folder) / "results") as recorder,
    ):
        checkpoints = Checkpoints(Path(folder) / "blocks", "k" * 20)
        found = simulate(job, cells, Processes(CORES), record=recorder, checkpoints=checkpoints)
    wall = time.perf_counter() - start
    worst = max(one.characteristics["prognostic"].rejection_rate for one in found)
    yield Figure(
        f"null_grid: 40 scenarios x {replicates:,} replicates of N = {SIZE.total}, 3 analyses each",
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
