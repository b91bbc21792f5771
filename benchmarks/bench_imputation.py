"""Speed of reference-based imputation with the full jackknife, and of Bayesian imputation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis.imputation import imputation_block
from trialsim.analysis.imputation.draws import Records, draw_and_analyse
from trialsim.analysis.imputation.kernel import Plan
from trialsim.analysis.imputation.visit_frame import last_visits
from trialsim.data import Floats

REPLICATES, DRAWS = 400, 5_000


def simulated(participants: int, visits: int) -> tuple[Floats, Floats]:
    """Return outcomes (R, N, V) with a quarter dropping out, and a design (R, N, 3)."""
    generator = np.random.default_rng(20261121)
    outcomes = generator.standard_normal((REPLICATES, participants, visits)).cumsum(axis=2)
    last = generator.geometric(0.09, (REPLICATES, participants))
    outcomes[np.arange(visits) >= last[..., None]] = np.nan
    design = generator.standard_normal((REPLICATES, participants, 3))
    design[..., 0], design[..., 1] = 1.0, np.arange(participants) % 2
    return outcomes, design


def j2r_jackknife() -> Iterator[Figure]:
    for participants, visits, goal in ((172, 4, 2_500.0), (400, 5, None)):
        outcomes, design = simulated(participants, visits)
        with threadpool_limits(1):
            taken = seconds(lambda y=outcomes, z=design: imputation_block(y, z, strategy="J2R"))
        yield Figure(
            f"j2r_jackknife n={participants} visits={visits}",
            REPLICATES / taken,
            "trials/s",
            goal,
            limit=f"{1e6 * taken / REPLICATES / participants:.2f} us a leave-one-out refit and analysis",
        )
    outcomes, design = simulated(172, 4)
    outcomes[np.random.default_rng(2).random(outcomes.shape) < 0.05] = np.nan
    with threadpool_limits(1):
        taken = seconds(lambda: imputation_block(outcomes, design, strategy="J2R"))
    yield Figure("j2r_jackknife 5 % gaps n=172 visits=4", REPLICATES / taken, "trials/s", 200.0)
    outcomes, design = (part[0] for part in simulated(172, 4))
    records = Records(np.empty((DRAWS, 4, 3)), np.empty((DRAWS, 4)), np.empty((DRAWS, 4, 2)))
    plan = Plan(1, np.arange(3), 0, np.array([1, 1]), 3)
    generator = np.random.default_rng(1)
    last = last_visits(outcomes)
    with threadpool_limits(1):
        taken = seconds(
            lambda: draw_and_analyse(outcomes, outcomes, last, design, plan, 0, generator, records)
        )
    yield Figure("j2r_jackknife Bayesian draws, imputed and analysed, n=172", DRAWS / taken, "draws/s")


BENCHMARKS = {"j2r_jackknife": j2r_jackknife}
