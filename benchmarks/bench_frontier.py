"""Sizes and nulls cell by cell, a million exact Bayesian analyses, and the control-removal frontier."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import product

import numpy as np
from joblib import Parallel, cpu_count, delayed

from benchmarks.bench_sizing import ALLOCATIONS, SPREADS
from benchmarks.figure import Figure
from benchmarks.simulated_power import simulated_power
from trialsim.analysis.bayesian import HistoryFit, adjustment_prior, bayesian_adjustment_block
from trialsim.analysis.linear import fit_linear
from trialsim.design import (
    BinaryScale,
    BorrowingQuestion,
    CountScale,
    PlanningMoments,
    SizingQuestion,
    SurvivalScale,
    control_frontier,
    drift_map,
    size_for_power,
)
from trialsim.design.borrowing import ExactBayesian, ScaleBorrowingQuestion, check_frontier
from trialsim.streams import stream

SEED = 20261121
SIZING_REPLICATES, NULL_REPLICATES = 20_000, 50_000
CORRELATIONS = {
    "0/0": (0.0, 0.0),
    "0.3/0.3": (0.3, 0.3),
    "0.5/0.5": (0.5, 0.5),
    "0.7/0.7": (0.7, 0.7),
    "0.5/0.2": (0.5, 0.2),
    "0.2/0.5": (0.2, 0.5),
    "0.6/0.1": (0.6, 0.1),
}
TWINS = ("useful", "useless", "shuffled", "biased", "drifted", "drifting while it enrols")
NULL_SIZES = (150, 300)
BAYES_ANALYSES, BAYES_BLOCK, BAYES_CORES = 1_000_000, 5_000, 4


def sizing_cell(
    name: str, moments: PlanningMoments, question: SizingQuestion
) -> tuple[str, int, float, float]:
    """Return a cell's name, total size, simulated power and Monte Carlo error, in percent."""
    size = size_for_power(moments, "prognostic", question)
    power, error = simulated_power(
        size.controls, size.active, moments, "prognostic", question, SIZING_REPLICATES,
        stream(SEED, f"sizing {name}", 0, "outcome"),
    )  # fmt: skip
    return name, size.total, 100 * power, 100 * error


def sizing_cells() -> Iterator[Figure]:
    """Simulate the power of the size for 90 % over allocation, correlations and spreads."""
    cells = [
        (
            f"{a}, {s}, correlations {c}",
            PlanningMoments(sd, (0.0, 0.0), r),
            SizingQuestion(0.38, allocation=shares),
        )
        for (a, shares), (s, sd), (c, r) in product(
            ALLOCATIONS.items(), SPREADS.items(), CORRELATIONS.items()
        )
    ]
    checked = Parallel(n_jobs=cpu_count())(delayed(sizing_cell)(*cell) for cell in cells)
    for name, total, power, error in checked:
        yield Figure(
            f"sizing_cells: {name}, n={total}",
            abs(power - 90),
            "points",
            goal=1.0,
            at_most=True,
            limit=f"power {power:.2f} %, Monte Carlo error {error:.2f}",
        )
    worst = max(checked, key=lambda cell: abs(cell[2] - 90))
    yield Figure(
        f"sizing_cells: worst of {len(checked)} cells ({worst[0]})",
        abs(worst[2] - 90),
        "points",
        goal=1.0,
        at_most=True,
        limit=f"smallest trial n={min(cell[1] for cell in checked)}, Monte Carlo error {worst[3]:.2f}",
    )


def null_trials(
    twins: str,
    n: int,
    shares: tuple[float, float],
    sd: tuple[float, float],
    rng: np.random.Generator,
    size: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return outcomes (R, N), arms (N,) and scores (R, N) of trials without an effect."""
    controls = round(n * shares[0])
    arm = np.repeat(np.array([0, 1], dtype=np.int8), [controls, n - controls])
    truth, noise = rng.standard_normal((2, size, n))
    outcome = np.asarray(sd)[arm] * (0.5 * truth + np.sqrt(0.75) * noise)
    score = truth
    if twins == "useless":
        score = rng.standard_normal((size, n))
    elif twins == "shuffled":
        score = rng.permuted(truth, axis=1)
    elif twins == "biased":
        score = 3.0 - 0.2 * truth
    elif twins == "drifted":
        outcome = outcome + 1.0
    elif twins == "drifting while it enrols":
        outcome = outcome + rng.random((size, n))
    return outcome, arm, score


def null_cell(twins: str, allocation: str, spread: str, n: int) -> tuple[str, float, float]:
    """Return a null cell's name, type I error and Monte Carlo error."""
    name = f"{twins} twins, {allocation}, {spread}, n={n}"
    rng, left, rejected = stream(SEED, f"null {name}", 0, "outcome"), NULL_REPLICATES, 0
    while left:
        size = min(left, 5_000)
        y, arm, score = null_trials(twins, n, ALLOCATIONS[allocation], SPREADS[spread], rng, size)
        fitted = fit_linear(y, np.broadcast_to(arm, y.shape), score[..., None])
        rejected += int(fitted.rejects(0.05).sum())
        left -= size
    rate = rejected / NULL_REPLICATES
    return name, rate, float(np.sqrt(rate * (1 - rate) / NULL_REPLICATES))


def null_cells() -> Iterator[Figure]:
    """Simulate the type I error of prognostic adjustment with good and bad twins, HC3 as by default."""
    cells = list(product(TWINS, ALLOCATIONS, SPREADS, NULL_SIZES))
    checked = Parallel(n_jobs=cpu_count())(delayed(null_cell)(*cell) for cell in cells)
    for name, rate, error in checked:
        yield Figure(
            f"null_cells: {name}", rate, "", goal=0.055, at_most=True, limit=f"Monte Carlo error {error:.4f}"
        )
    worst = max(checked, key=lambda cell: cell[1])
    yield Figure(
        f"null_cells: worst of {len(checked)} cells ({worst[0]})",
        worst[1],
        "",
        goal=0.055,
        at_most=True,
        limit=f"Monte Carlo error {worst[2]:.4f}; smallest {min(cell[1] for cell in checked):.4f}",
    )


def bayes_block(block: int) -> int:
    """Draw a block of trials of 200 participants, analyse them, and return how many reject."""
    rng = stream(SEED, "bayes million", block, "outcome")
    prior = adjustment_prior(HistoryFit(1000, 0.0, 1.0, 0.75, 250.0))
    score = 0.5 * rng.standard_normal((BAYES_BLOCK, 200))
    outcome = score + np.sqrt(0.75) * rng.standard_normal(score.shape)
    arm = (np.arange(200) % 2).astype(np.int8)
    return int(bayesian_adjustment_block(outcome, arm, score, prior).estimates().rejects(0.05).sum())


def bayes_million() -> Iterator[Figure]:
    """Time a million exact Bayesian analyses, drawing included, and show the drift that breaks them."""
    with Parallel(n_jobs=BAYES_CORES) as workers:
        workers(delayed(bayes_block)(block) for block in range(BAYES_CORES))
        start = time.perf_counter()
        rejected = sum(workers(delayed(bayes_block)(block) for block in range(BAYES_ANALYSES // BAYES_BLOCK)))
        elapsed = time.perf_counter() - start
    yield Figure(
        f"bayes_million: {BAYES_ANALYSES} trials of 200, {BAYES_CORES} cores",
        elapsed,
        "s",
        goal=60.0,
        at_most=True,
        limit=f"{BAYES_ANALYSES / elapsed / BAYES_CORES:.0f} analyses/s a core, drawing included",
    )
    yield Figure("bayes_million: type I error at no drift", rejected / BAYES_ANALYSES, "")
    question = BorrowingQuestion(0.4, 100, 1000, correlation=0.5, drifts=(0.0, 0.1, 0.3, 0.4, 1.0))
    for row in drift_map([ExactBayesian()], question, 100).to_frame().to_dict("records"):
        yield Figure(
            f"bayes_million: warning, natural defaults at a drift of {row['drift']:g} SD",
            row["type_one_error"],
            "",
            limit=f"power {row['power']:.3f}, bias {row['bias']:.3f}, "
            f"Monte Carlo error {row['error']:.4f} at most",
        )


def frontier() -> Iterator[Figure]:
    """Time the frontier of every method on one core, and show its controls."""
    question = BorrowingQuestion(0.4, 120, 1000, correlation=0.5)
    start = time.perf_counter()
    found = control_frontier(question)
    elapsed = time.perf_counter() - start
    yield Figure("frontier: all methods, one core", elapsed, "s", goal=60.0, at_most=True)
    for point in found.points:
        yield Figure(
            f"frontier: {point.method}",
            float(point.controls),
            "controls",
            limit=point.verdict if point.feasible else f"none feasible; {point.verdict}",
        )


def frontier_scales() -> Iterator[Figure]:
    """Time the frontier of every method on each scale, and hold each point against simulated trials."""
    questions = {
        "binary": ScaleBorrowingQuestion(BinaryScale(0.3, odds_ratio=2.2), 150, 400),
        "count": ScaleBorrowingQuestion(CountScale(0.8, 0.7, exposure=2.0, dispersion=0.5), 220, 500),
        "survival": ScaleBorrowingQuestion(SurvivalScale(12, 0.65, 18, 30, loss=0.005), 250, 300),
    }
    for scale, question in questions.items():
        start = time.perf_counter()
        found = control_frontier(question)
        elapsed = time.perf_counter() - start
        yield Figure(f"frontier_scales: {scale}, one core", elapsed, "s", goal=60.0, at_most=True)
        for row in check_frontier(found).to_dict("records"):
            yield Figure(
                f"frontier_scales: {scale}, {row['method']}",
                float(row["controls"]),
                "controls",
                limit=f"power {row['power']:.3f}, simulated {row['simulated_power']:.3f}; worst type I error "
                f"{row['worst_type_one_error']:.4f} at a drift of {row['at_drift']:g} {question.drift_unit}, "
                f"simulated {row['simulated_type_one_error']:.4f} ± {row['error']:.4f}",
            )


BENCHMARKS = {
    "sizing_cells": sizing_cells,
    "null_cells": null_cells,
    "bayes_million": bayes_million,
    "frontier": frontier,
    "frontier_scales": frontier_scales,
}
