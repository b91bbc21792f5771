"""Calibration study of the Gaussian longitudinal model, through the sampler that every fit uses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.calibration.ranks import Source
from trialsim.data import Covariates, Floats, History
from trialsim.prognosis.fit.sampler import Sampler
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.models import gram
from trialsim.prognosis.models.design_matrix import Standardisation, standardise
from trialsim.prognosis.models.gram import (
    SCALES,
    GramSums,
    covariance_of_effects,
    gram_sums,
    prior_sd,
    regression_rows,
    weighted_gram,
)
from trialsim.prognosis.models.priors import prior_scales
from trialsim.prognosis.twins.longitudinal import coefficient_names
from trialsim.streams import stream

_ROOM = Path(gram.__file__).parents[1]
SOURCES: tuple[Source, ...] = (
    (_ROOM / "models" / "gram.py", ()),
    (
        _ROOM / "fit" / "model.py",
        ("PRIOR_SCALES", "as_data", "build_model", "log_marginal_likelihood", "_weighted_gram"),
    ),
)
RANKED_DRAWS = 99
THIN = 10
# Nothing is refused: a study that left out fits would not be one.
SETTINGS = FitSettings(
    chains=2, tune=400, draws=500, max_rhat=np.inf, min_ess=0.0, max_divergences=10**9, cores=1
)
PARTICIPANTS = 50
WEEKS = (12.0, 24.0, 36.0, 52.0)


def study_design(seed: int) -> tuple[History, Standardisation]:
    """Return a history without outcomes but with gaps, and the standardisation that all fits share.

    Outcomes are simulated in units, so the standardisation must not look at them: its unit is 1.
    """
    rng = stream(seed, "sbc", 0, "history")
    shape = (PARTICIPANTS, len(WEEKS))
    outcomes = np.where(np.cumsum(rng.random(shape) < 0.06, axis=1) > 0, np.nan, 0.0)
    outcomes[:, 0] = 0.0
    history = History(
        "score",
        "calibration study",
        True,
        Covariates(("x0", "x1"), rng.standard_normal((PARTICIPANTS, 2))),
        np.array(WEEKS),
        20 + 5 * rng.standard_normal(PARTICIPANTS),
        outcomes,
        np.zeros(PARTICIPANTS, dtype=np.int64),
    )
    return history, replace(standardise(history), unit=1.0)


def gaussian_ranks(
    seed: int, first: int, count: int, sampler: Sampler
) -> tuple[dict[str, list[int]], list[dict[str, float]]]:
    """Return ranks by quantity, and diagnostics, of the simulations `first` to `first + count`."""
    return ranks_of_design(*study_design(seed), seed, first, count, sampler)


def ranks_of_design(
    history: History, standardisation: Standardisation, seed: int, first: int, count: int, sampler: Sampler
) -> tuple[dict[str, list[int]], list[dict[str, float]]]:
    """Return the same for a history without outcomes and the standardisation that all fits share."""
    names = coefficient_names(standardisation)
    rows = regression_rows(
        np.eye(len(WEEKS)),
        standardisation.matrix(history.covariates, history.baseline),
        standardisation.clock(history.weeks),
    )
    ranks: dict[str, list[int]] = {name: [] for name in (*SCALES, *names, "twin", "log_likelihood")}
    diagnostics = []
    for number in range(first, first + count):
        rng = stream(seed, "sbc", number, "outcome")
        scales = prior_scales(rng)[None]
        empty = gram_sums(history, standardisation)
        theta = prior_sd(empty, scales) * rng.standard_normal((1, len(names)))
        known = history.baseline[:, None] + simulate_change(rows, scales, theta, standardisation, rng)
        known = np.where(np.isnan(history.outcomes), np.nan, known)
        sums = gram_sums(replace(history, outcomes=known), standardisation)
        posterior = sampler.sample(sums, names, SETTINGS, stream(seed, "sbc", number, "fit"))
        kept = slice(THIN - 1, None, THIN)
        draws = _quantities(sums, posterior.scales[kept], posterior.coefficients[kept], rows[0, -1])
        truth = _quantities(sums, scales, theta, rows[0, -1])[0]
        for position, name in enumerate(ranks):
            ranks[name].append(int((draws[:RANKED_DRAWS, position] < truth[position]).sum()))
        diagnostics.append(posterior.diagnostics)
    return ranks, diagnostics


def simulate_change(
    rows: Floats,
    scales: Floats,
    theta: Floats,
    standardisation: Standardisation,
    generator: np.random.Generator,
) -> Floats:
    """Draw changes from baseline (N, V) in units from the model at one point of its parameters."""
    clock = standardisation.clock(np.array(WEEKS))
    g00, g01, g11 = (g[0] for g in covariance_of_effects(scales, np.ones(2)))
    factor = np.linalg.cholesky(np.array([[g00, g01], [g01, g11]]) + 1e-12 * np.eye(2))
    effects = generator.standard_normal((len(rows), 2)) @ factor.T
    noise = scales[0, 5] * generator.standard_normal(rows.shape[:2])
    return np.asarray(rows @ theta[0] + effects[:, :1] + effects[:, 1:] * clock + noise)


def _quantities(sums: GramSums, scales: Floats, theta: Floats, row: Floats) -> Floats:
    """Return scales, coefficients, a twin's mean and the log likelihood of draws (D, Q)."""
    matrix, log_determinant = weighted_gram(sums, scales)
    fitted = np.einsum("dc,dce,de->d", theta, matrix[:, 1:, 1:], theta)
    misfit = matrix[:, 0, 0] - 2 * (matrix[:, 0, 1:] * theta).sum(axis=1) + fitted
    return np.column_stack([scales, theta, theta @ row, -0.5 * (log_determinant + misfit)])
