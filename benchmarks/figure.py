"""One measured figure, and how a benchmark is timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured figure beside its goal.

    Parameters
    ----------
    name : str
        What was measured, starting with the benchmark's name.
    value : float
        The measurement.
    unit : str
        Such as ``"fits/s"``.
    goal : float or None
        What the project set itself; None where the figure is only shown.
    at_most : bool
        True if smaller is better.
    peer : str or None
        The peer that was run in the same process, with its value in words.
    ratio : float or None
        How many times better than the peer.
    limit : str or None
        The physical or noise-free limit, and how near the value comes.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_most: bool = False
    peer: str | None = None
    ratio: float | None = None
    limit: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.goal is None:
            return None
        return bool(self.value <= self.goal if self.at_most else self.value >= self.goal)


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the median seconds of `work`, after one call that is not counted (compilation, caches)."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]
