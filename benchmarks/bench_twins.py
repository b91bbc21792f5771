"""How long a prognosis takes to fit, to fit again and to predict; two cores sample, one predicts."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.data import Covariates, History
from trialsim.prognosis import FitSettings, Sampler, cross_validate, fit_prognosis

SEED = 20261121


def simulate(participants: int, visits: int, covariates: int) -> History:
    """Return a Gaussian history with 5 % dropout at each visit."""
    rng = np.random.default_rng(SEED)
    clock = np.linspace(-1, 1, visits)
    x = rng.standard_normal((participants, covariates))
    mean = 1 + clock + 0.1 * x.sum(axis=1)[:, None] * (1 + clock)
    effects = (
        0.5 * rng.standard_normal((participants, 1)) + 0.3 * rng.standard_normal((participants, 1)) * clock
    )
    baseline = 10 + 2 * rng.standard_normal(participants)
    outcomes = baseline[:, None] + mean + effects + 0.5 * rng.standard_normal(mean.shape)
    outcomes[np.cumsum(rng.random(mean.shape) < 0.05, axis=1) > 0] = np.nan
    names = tuple(f"x{k}" for k in range(covariates))
    weeks = np.linspace(78 / visits, 78, visits)
    group = np.zeros(participants, dtype=np.int64)
    return History("score", "simulated", True, Covariates(names, x), weeks, baseline, outcomes, group)


def twin_fit() -> Iterator[Figure]:
    """Compile, then sample 2,000 participants x 5 visits x 8 covariates with the settings of a run."""
    sampler, steps = Sampler(), {}
    start = time.perf_counter()
    fitted = fit_prognosis(
        simulate(2000, 5, 8),
        seed=SEED,
        sampler=sampler,
        progress=lambda stage, done, _: steps.__setitem__((stage, done), time.perf_counter() - start),
    )
    sampling = steps["sample posterior", 1] - steps["sample posterior", 0]
    yield Figure("twin_fit.compile", steps["compile model", 1], "s", None, at_most=True)
    yield Figure("twin_fit.sampling", sampling, "s", 60.0, at_most=True)
    yield Figure("twin_fit.ess_per_second", fitted.diagnostics["min_bulk_ess"] / sampling, "1/s")
    yield Figure("twin_fit.max_rhat", fitted.diagnostics["max_rhat"], "", 1.01, at_most=True)


def twin_refit() -> Iterator[Figure]:
    """Compile, fit and ten-fold cross-validate 1,000 participants x 6 visits x 8 covariates."""
    history, sampler = simulate(1000, 6, 8), Sampler()
    start = time.perf_counter()
    fit_prognosis(history, seed=SEED, sampler=sampler)
    fitted = time.perf_counter()
    cross_validate(history, seed=SEED, sampler=sampler)
    done = time.perf_counter()
    yield Figure("twin_refit.ten_folds", done - fitted, "s", None, at_most=True)
    yield Figure("twin_refit.compile_fit_and_validate", done - start, "s", 100.0, at_most=True)


def draw_normals(generator: np.random.Generator, parts: int = 500) -> None:
    """Draw as many standard normals as 10,000 twins need, into one array that stays in the cache."""
    some = np.empty(50_000_000 // parts)
    for _ in range(parts):
        generator.standard_normal(out=some)


def twin_predict() -> Iterator[Figure]:
    """Twins of 10,000 participants x 1,000 draws x 5 visits."""
    settings = FitSettings(tune=300, draws=250, max_rhat=1.1, min_ess=50, max_divergences=20)
    fitted = fit_prognosis(simulate(300, 5, 8), seed=SEED, settings=settings)
    rng = np.random.default_rng(SEED)
    trial = Covariates(fitted.names, rng.standard_normal((10_000, 8)))
    baseline = 10 + 2 * rng.standard_normal(10_000)
    with threadpool_limits(1):
        drawn = seconds(lambda: fitted.predict(trial, baseline, fitted.weeks, rng, 1000), repeats=3)
        normals = seconds(lambda: draw_normals(rng), repeats=3)
        moments = seconds(lambda: fitted.predict(trial, baseline, fitted.weeks))
    limit = f"drawing the 50 million normals alone takes {normals:.2f} s"
    yield Figure("twin_predict.draws", drawn, "s", 2.0, at_most=True, limit=limit)
    yield Figure("twin_predict.score_and_sd", moments, "s", None, at_most=True)


BENCHMARKS = {"twin_fit": twin_fit, "twin_refit": twin_refit, "twin_predict": twin_predict}
