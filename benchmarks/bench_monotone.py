"""Speed of the closed-form MMRM."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis.repeated_measures.closed_form.block import monotone_block
from trialsim.data import Floats

REPLICATES = 2_000


def simulated(participants: int, visits: int, covariates: int) -> tuple[Floats, Floats]:
    """Return outcomes (R, N, V) with a quarter dropping out, and a design (R, N, q)."""
    generator = np.random.default_rng(20261121)
    outcomes = generator.standard_normal((REPLICATES, participants, visits)).cumsum(axis=2)
    last = generator.geometric(0.07, (REPLICATES, participants))
    outcomes[np.arange(visits) >= last[..., None]] = np.nan
    design = generator.standard_normal((REPLICATES, participants, covariates))
    design[..., 0], design[..., 1] = 1.0, np.arange(participants) % 2
    return outcomes, design


def mmrm_closed_form() -> Iterator[Figure]:
    for participants, visits, covariates, goal in (
        (400, 5, 3, 30_000.0),
        (200, 4, 3, None),
        (400, 8, 5, None),
    ):
        outcomes, design = simulated(participants, visits, covariates)
        with threadpool_limits(1):
            fits = REPLICATES / seconds(lambda y=outcomes, z=design: monotone_block(y, z))
        products = participants * (visits + covariates) * (visits + covariates + 1) / 2
        share = fits * products / 8e9
        yield Figure(
            f"mmrm_closed_form n={participants} visits={visits} covariates={covariates}",
            fits,
            "fits/s",
            goal,
            limit=f"{share:.0%} of what 8 multiply-adds a nanosecond in the Grams alone would allow",
        )


BENCHMARKS = {"mmrm_closed_form": mmrm_closed_form}
