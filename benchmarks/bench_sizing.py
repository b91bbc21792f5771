"""Sizes by formula, confirmed by simulation at that size."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product

from joblib import Parallel, delayed

from benchmarks.figure import Figure
from benchmarks.simulated_power import simulated_power
from trialsim.design import PlanningMoments, SizingQuestion, size_for_power
from trialsim.streams import stream

REPLICATES = 40_000
ALLOCATIONS = {"1:1": (0.5, 0.5), "1:2": (1 / 3, 2 / 3), "1:3": (0.25, 0.75)}
SPREADS = {"equal SD": (1.0, 1.0), "active SD x1.25": (1.0, 1.25), "control SD x1.25": (1.25, 1.0)}
CORRELATIONS = {
    "none": ((0.0, 0.0), (0.0, 0.0)),
    "equal": ((0.4, 0.4), (0.3, 0.3)),
    "weaker on active": ((0.5, 0.2), (0.4, 0.1)),
}


def cells() -> Iterator[tuple[str, PlanningMoments, SizingQuestion]]:
    """Yield every cell: allocation by spread by correlations by slopes, each with dropout."""
    for (a, allocation), (s, sd), (c, (rho, r)), slopes in product(
        ALLOCATIONS.items(), SPREADS.items(), CORRELATIONS.items(), ("common", "interacted")
    ):
        question = SizingQuestion(0.5, allocation=allocation, dropout=(0.1, 0.2), slopes=slopes)
        yield f"{a}, {s}, {c}, {slopes}", PlanningMoments(sd, rho, r), question


def check_cell(
    name: str, moments: PlanningMoments, question: SizingQuestion
) -> tuple[str, int, float, float]:
    """Return a cell's name, total size, power error in percentage points, and Monte Carlo error."""
    size = size_for_power(moments, "prognostic", question)
    power, error = simulated_power(
        size.controls, size.active, moments, "prognostic", question, REPLICATES,
        stream(20261121, name, 0, "outcome"),
    )  # fmt: skip
    # The size is a whole number, so its formula power lies a little above what was asked.
    return name, size.total, 100 * (power - size.power), 100 * error


def formula_vs_simulation() -> Iterator[Figure]:
    """Compare simulated with formula power over allocation, spreads, correlations and estimators."""
    checked = Parallel(n_jobs=os.cpu_count())(delayed(check_cell)(*cell) for cell in cells())
    for name, total, difference, error in checked:
        yield Figure(
            f"formula_vs_simulation: {name}, n={total}",
            abs(difference),
            "points",
            goal=1.0,
            at_most=True,
            limit=f"Monte Carlo error {error:.2f}, signed {difference:+.2f}",
        )
    worst = max(checked, key=lambda cell: abs(cell[2]))
    yield Figure(
        f"formula_vs_simulation: worst of {len(checked)} cells",
        abs(worst[2]),
        "points",
        goal=1.0,
        at_most=True,
        limit=f"smallest trial n={min(cell[1] for cell in checked)}",
    )


BENCHMARKS = {"formula_vs_simulation": formula_vs_simulation}
