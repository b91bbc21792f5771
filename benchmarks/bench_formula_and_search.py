"""Whether sizes by formula are those that a search in simulation finds."""

from __future__ import annotations

from collections.abc import Iterator

from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure
from benchmarks.scored.formulas import LARGEST_GAP, formula_and_search, sized_worlds


def formula_and_search_figures() -> Iterator[Figure]:
    """Yield one figure a cell: how far the formula's size is from the searched one, as a share of it."""
    for world in sized_worlds():
        with threadpool_limits(1):
            found = formula_and_search(world)
        for analysis, row in found.iterrows():
            yield Figure(
                f"formula_and_search: {world.name}, {analysis}", abs(float(row["gap"])), "", LARGEST_GAP,
                at_most=True, peer=f"formula {row['formula']:.1f}: {row['name']}",
                limit=f"searched {row['searched']:.1f} ± {row['mcse']:.1f}",
            )  # fmt: skip


BENCHMARKS = {"formula_and_search": formula_and_search_figures}
