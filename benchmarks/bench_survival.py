"""Speed of the log-rank and MaxCombo tests of blocks of simulated trials, on one core."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from statsmodels.duration.survfunc import survdiff
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis.survival import log_rank_block, max_combo_block
from trialsim.analysis.survival.time_order import time_order
from trialsim.streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTICIPANTS, REPLICATES, PEER_TRIALS = 400, 4000, 40
LOG_RANK_GOAL, MAX_COMBO_GOAL = 15_000.0, 7_000.0


def simulate() -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int8]]:
    """Return times, events and arms: hazard ratio 0.75, about 30 % censored."""
    generator = stream(20261121, "bench_survival", 0, "outcome")
    arm = np.tile((np.arange(PARTICIPANTS) % 2).astype(np.int8), (REPLICATES, 1))
    event_time = generator.exponential(size=arm.shape) / np.where(arm == 1, 0.75, 1.0)
    censoring = generator.uniform(0.0, 4.0, size=arm.shape)
    return np.minimum(event_time, censoring), event_time <= censoring, arm


def peer_rate(trials: tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int8]]) -> float:
    """Return statsmodels' log-rank tests a second."""
    start = time.perf_counter()
    for one in zip(*(values[:PEER_TRIALS] for values in trials), strict=True):
        survdiff(one[0], one[1].astype(int), one[2])
    return PEER_TRIALS / (time.perf_counter() - start)


def in_words(rate: float, limit: float) -> str:
    return f"sorting alone {limit:,.0f}/s, of which {rate / limit:.0%} is reached"


def log_rank() -> Iterable[Figure]:
    trials = simulate()
    with threadpool_limits(1):
        rate = REPLICATES / seconds(lambda: log_rank_block(*trials))
        limit = REPLICATES / seconds(lambda: time_order(trials[0]))
        peer = peer_rate(trials)
    yield Figure(
        f"logrank n={PARTICIPANTS}", rate, "trials/s", goal=LOG_RANK_GOAL,
        peer=f"statsmodels survdiff {peer:,.0f}/s", ratio=rate / peer, limit=in_words(rate, limit),
    )  # fmt: skip


def max_combo() -> Iterable[Figure]:
    trials = simulate()
    with threadpool_limits(1):
        peer = peer_rate(trials)
        limit = REPLICATES / seconds(lambda: time_order(trials[0]))
        for label, level in (("every p value", None), ("decision at 0.05", 0.05)):
            rate = REPLICATES / seconds(lambda level=level: max_combo_block(*trials, decide_at=level), 3)
            yield Figure(
                f"maxcombo n={PARTICIPANTS}, 4 weights, {label}", rate, "trials/s", goal=MAX_COMBO_GOAL,
                peer=f"no Python peer; statsmodels survdiff of one weight {peer:,.0f}/s",
                ratio=rate / peer, limit=in_words(rate, limit),
            )  # fmt: skip


BENCHMARKS = {"logrank": log_rank, "maxcombo": max_combo}
