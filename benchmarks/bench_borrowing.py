"""Speed of the exact Bayesian adjustment and of MAP priors, on one core."""

from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis.bayesian.block import bayesian_adjustment_block
from trialsim.analysis.bayesian.prior import HistoryFit, adjustment_prior
from trialsim.analysis.borrowing.effective_sample_size import elir_ess
from trialsim.analysis.borrowing.meta_analytic_predictive import (
    MapPrior,
    map_prior_binomial,
    map_prior_normal,
)
from trialsim.streams import stream

REPLICATES, PARTICIPANTS = 20_000, 200


def bayes_adjustment() -> Iterator[Figure]:
    numba.set_num_threads(1)
    generator = stream(1, "bench", 0, "outcome")
    score = 0.5 * generator.standard_normal((REPLICATES, PARTICIPANTS))
    outcome = score + 0.87 * generator.standard_normal(score.shape)
    arm = (np.arange(PARTICIPANTS) % 2).astype(np.int8)
    prior = adjustment_prior(HistoryFit(1000, 0.0, 1.0, 0.75, 250.0))
    with threadpool_limits(1):
        taken = seconds(lambda: bayesian_adjustment_block(outcome, arm, score, prior).estimates())
        read = seconds(lambda: (outcome.sum(axis=1), score.sum(axis=1), (outcome * score).sum(axis=1)))
    yield Figure(
        "bayes_adjustment",
        REPLICATES / taken,
        "trials/s",
        goal=50_000,
        limit=f"three NumPy sums over the same data: {REPLICATES / read:,.0f} trials/s",
    )


def borrowing_map() -> Iterator[Figure]:
    n, r = [107, 44, 51, 39, 139, 20, 78, 35], [23, 12, 19, 9, 39, 6, 9, 10]
    y, size = [-51, -49, -36, -47, -90, -54], np.array([74, 166, 328, 20, 25, 58])

    def binomial() -> float:
        return elir_ess(map_prior_binomial(r, n).robust(0.2)).value

    def normal_prior() -> MapPrior:
        return map_prior_normal(y, 88 / np.sqrt(size), mean_prior=(0, 88), heterogeneity_scale=44, unit_sd=88)

    def normal() -> float:
        return elir_ess(normal_prior().robust(0.2)).value

    with threadpool_limits(1):
        for name, work, prior, goal in (
            ("binomial", binomial, lambda: map_prior_binomial(r, n), 0.3),
            ("normal", normal, normal_prior, 0.05),
        ):
            taken, alone = seconds(work), seconds(prior)
            yield Figure(
                f"borrowing_map_{name}",
                taken,
                "s",
                goal=goal,
                at_most=True,
                limit=f"the integral over tau and the mixture's fit {alone:.4f} s, {alone / taken:.0%} of it",
            )


BENCHMARKS = {"bayes_adjustment": bayes_adjustment, "borrowing_map": borrowing_map}
