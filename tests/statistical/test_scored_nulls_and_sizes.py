"""A slice of `python -m benchmarks null_scored_assumed formula_and_search`, see docs/benchmarks.md."""

from __future__ import annotations

import math

import pytest

from benchmarks.scored.formulas import LARGEST_GAP, SizedWorld, formula_and_search, sized_worlds
from benchmarks.scored.nulls import ALPHA, ENDPOINTS, SCORES, NullWorld, null_worlds, type_one_errors


def test_there_are_as_many_cells_as_are_asked_for() -> None:
    nulls = [len(world.trial.analyses) for score in SCORES for world in null_worlds(score)]
    assert sum(nulls) == 4 * 80
    assert sum(len(world.trial().analyses) for world in sized_worlds()) >= 40


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_score_does_not_inflate_the_type_one_error(endpoint: str) -> None:
    replicates = 1000
    allowed = ALPHA + 4 * math.sqrt(ALPHA * (1 - ALPHA) / replicates)
    looks = 1 if endpoint == "recurrent" else 2
    for one in type_one_errors(NullWorld(endpoint, "minimised", looks, "assumed"), replicates):
        assert one.claimed <= allowed, one
        assert one.undecided <= 0.01


@pytest.mark.parametrize(
    "world", [SizedWorld("score", "two"), SizedWorld("response", controls=True), SizedWorld("count")],
    ids=lambda world: world.name,
)  # fmt: skip
def test_the_formula_is_within_two_percent_and_chance_of_the_search(world: SizedWorld) -> None:
    for analysis, row in formula_and_search(world, 4000).iterrows():
        chance = 4 * row["mcse"] / row["searched"]
        assert abs(row["gap"]) <= LARGEST_GAP + chance, (analysis, row)
