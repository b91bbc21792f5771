"""Speed of count, ordinal and competing-risks regressions of blocks of simulated trials, on one core."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable

import numpy as np
import statsmodels.api as sm
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis.competing_risks import fine_gray_block
from trialsim.analysis.counts import negative_binomial_block
from trialsim.analysis.ordinal import probabilistic_index_block, proportional_odds_block
from trialsim.data import Estimates
from trialsim.streams import stream

PARTICIPANTS, REPLICATES, PEER_TRIALS = 400, 1000, 20
ARM = np.tile((np.arange(PARTICIPANTS) % 2).astype(np.int8), (REPLICATES, 1))


def measured(
    name: str, ours: Callable[[], Estimates], peer: str, theirs: Callable[[int], object] | None
) -> Figure:
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        rate = REPLICATES / seconds(ours, 3)
        if theirs is None:
            return Figure(f"{name} n={PARTICIPANTS}", rate, "trials/s", peer=peer)
        start = time.perf_counter()
        for trial in range(PEER_TRIALS):
            theirs(trial)
        other = PEER_TRIALS / (time.perf_counter() - start)
    return Figure(
        f"{name} n={PARTICIPANTS}", rate, "trials/s", peer=f"{peer} {other:,.0f}/s", ratio=rate / other
    )


def counts() -> Iterable[Figure]:
    generator = stream(20261121, "bench_counts", 0, "outcome")
    x = generator.normal(size=(*ARM.shape, 2))
    exposure = generator.uniform(0.5, 2.0, ARM.shape)
    mean = exposure * np.exp(0.7 - 0.3 * ARM + 0.3 * x[:, :, 0])
    count = generator.poisson(mean * generator.gamma(2.0, 0.5, ARM.shape)).astype(float)
    for label, columns in (("arm", x[:, :, :0]), ("arm and 2 covariates", x)):

        def theirs(r: int, columns: np.ndarray = columns) -> object:
            D = np.column_stack([np.ones(PARTICIPANTS), ARM[r], columns[r]])
            return sm.NegativeBinomial(count[r], D, exposure=exposure[r]).fit(disp=0)

        yield measured(
            f"counts: negative binomial, {label},",
            lambda columns=columns: negative_binomial_block(count, exposure, ARM, columns),
            "statsmodels NegativeBinomial",
            theirs,
        )


def ordinal() -> Iterable[Figure]:
    generator = stream(20261121, "bench_ordinal", 0, "outcome")
    x = generator.normal(size=(*ARM.shape, 2))
    latent = 0.4 * ARM + 0.5 * x[:, :, 0] + generator.logistic(size=ARM.shape)
    grade = np.searchsorted([-1.5, -0.2, 0.8, 2.0], latent).astype(float)
    for label, columns in (("arm", x[:, :, :0]), ("arm and 2 covariates", x)):

        def theirs(r: int, columns: np.ndarray = columns) -> object:
            return OrderedModel(grade[r], np.column_stack([ARM[r], columns[r]])).fit(disp=0, method="bfgs")

        yield measured(
            f"ordinal: proportional odds, {label},",
            lambda columns=columns: proportional_odds_block(grade, ARM, columns),
            "statsmodels OrderedModel",
            theirs,
        )
    yield measured(
        "ordinal: probabilistic index",
        lambda: probabilistic_index_block(grade, ARM),
        "scipy brunnermunzel",
        lambda r: stats.brunnermunzel(grade[r, ARM[r] == 0], grade[r, ARM[r] == 1]),
    )


def fine_gray() -> Iterable[Figure]:
    generator = stream(20261121, "bench_fine_gray", 0, "outcome")
    time_to = generator.exponential(np.where(ARM == 1, 1.3, 1.0), ARM.shape)
    event = generator.choice([0, 1, 2], ARM.shape, p=[0.3, 0.4, 0.3])
    yield measured(
        "fine_gray: Fine–Gray", lambda: fine_gray_block(time_to, event, ARM), "no Python peer", None
    )


BENCHMARKS = {"counts": counts, "ordinal": ordinal, "fine_gray": fine_gray}
