"""How long 100,000 people take in each disease model, over the whole horizon of its evidence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.disease_gallery import ROOT, ROWS, Row
from benchmarks.figure import Figure
from trialsim.population import draw_covariates, read_card
from trialsim.streams import stream

PEOPLE = 100_000
CLOSED, STEPPED = 2.0, 30.0
# Solved in steps of time: differential equations, or years of eight complications.
IN_STEPS = ("leukopenia", "type2_diabetes", "type1_diabetes")


def disease_draw() -> Iterator[Figure]:
    """Seconds of one processor for 100,000 people of a model's slowest endpoint."""
    for row in ROWS:
        yield _of(row)


def _of(row: Row) -> Figure:
    model = row.made
    people = draw_covariates(
        read_card(ROOT / "cohorts" / f"{row.card}.toml"), PEOPLE, np.random.default_rng(1)
    )
    chance = partial(stream, 1, "benchmark", 0)
    slowest, name = 0.0, ""
    for endpoint in model.endpoints:
        weeks = {
            "score": np.linspace(0.0, endpoint.horizon_weeks, 9),
            "time_to_event": np.array([np.inf]),
        }.get(endpoint.kind, np.array([endpoint.horizon_weeks]))
        # What is compiled at first use is compiled here.
        model.draw(people.take(np.arange(10)), endpoint.name, row.world, weeks, chance)
        start = time.process_time()
        model.draw(people, endpoint.name, row.world, weeks, chance)
        taken = time.process_time() - start
        if taken > slowest:
            slowest, name = taken, endpoint.name
    goal = STEPPED if row.model in IN_STEPS else CLOSED
    return Figure(f"disease_draw: {row.model}, {name}", slowest, "s", goal, at_most=True)


BENCHMARKS = {"disease_draw": disease_draw}
