"""Type I error of analyses with a score that is learnt, useless, drifted or assumed: 20,000 trials a cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure
from benchmarks.scored.misleading import ANALYSES as MISLED
from benchmarks.scored.misleading import claims, misled_cells
from benchmarks.scored.nulls import ENDPOINTS, LIMIT, SCORES, Errors, NullWorld, null_worlds, type_one_errors

REPLICATES = 20_000


def null_scored(score: str, fraction: str = "1", endpoint: str | None = None) -> Iterator[Figure]:
    """Yield one figure an endpoint and analysis: the worst of its cells, at a one-sided level of .05.

    One in `fraction` cells is run, by a Latin square over the four scores; or one kind of endpoint alone.
    """
    if endpoint is not None and endpoint not in ENDPOINTS:
        raise ValueError(f"endpoint {endpoint!r} is none of {', '.join(ENDPOINTS)}")
    cells: dict[tuple[str, str], list[tuple[NullWorld, Errors]]] = defaultdict(list)
    for world in null_worlds(score, int(fraction)):
        if endpoint not in (None, world.endpoint):
            continue
        with threadpool_limits(1):
            for one in type_one_errors(world, REPLICATES):
                cells[world.endpoint, one.analysis].append((world, one))
    for (endpoint, analysis), found in cells.items():
        yield worst(f"null_scored_{score}: {endpoint}, {analysis}", found)


def worst(name: str, found: list[tuple[NullWorld, Errors]]) -> Figure:
    """Return the largest error of some cells, with where it is and the smallest."""
    world, most = max(found, key=lambda pair: pair[1].claimed)
    least = min(one.claimed for _, one in found)
    looks = "1 look" if world.looks == 1 else f"{world.looks} looks"
    none = max(one.undecided for _, one in found)
    untested = f"; no test in up to {none:.2%}" if none else ""
    where = f"{world.randomisation}, {looks}, Monte Carlo error {most.mcse:.4f}"
    return Figure(
        f"{name}, worst of {len(found)} cells", most.claimed, "", LIMIT, at_most=True,
        limit=f"{where}; smallest {least:.4f}{untested}",
    )  # fmt: skip


def null_misled() -> Iterator[Figure]:
    """Yield one figure an analysis: the worst of its cells with scores that mislead, two-sided level .05."""
    with threadpool_limits(1):
        found = [(cell, claims(cell, REPLICATES)) for cell in misled_cells()]
    for analysis in MISLED:
        cell, most = max(((cell, one[analysis]) for cell, one in found), key=lambda pair: pair[1])
        least = min(one[analysis] for _, one in found)
        error = (most * (1.0 - most) / REPLICATES) ** 0.5
        where = f"{cell.outcome} outcome, score {cell.score}, n = {cell.size}, 1:{cell.ratio}"
        yield Figure(
            f"null_misled: {analysis}, worst of {len(found)} cells", most, "", LIMIT, at_most=True,
            limit=f"{where}, Monte Carlo error {error:.4f}; smallest {least:.4f}",
        )  # fmt: skip


BENCHMARKS = {"null_misled": null_misled} | {
    f"null_scored_{score}": partial(null_scored, score) for score in SCORES
}
