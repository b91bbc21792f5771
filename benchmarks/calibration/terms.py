"""Calibration studies of the Gaussian model's terms: curves, study effects, a spread that differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.calibration import gaussian as sbc_gaussian
from benchmarks.calibration.gaussian import RANKED_DRAWS, SETTINGS, THIN, study_design
from benchmarks.calibration.ranks import Source
from trialsim.data import Floats, History
from trialsim.prognosis.fit.sampler import Sampler
from trialsim.prognosis.models.design_matrix import Standardisation, standardise
from trialsim.prognosis.models.gram import covariance_of_effects
from trialsim.prognosis.models.grouped_gram import (
    GroupedRows,
    grouped_rows,
    log_spreads,
    prior_sd,
    regression_of,
    study_names,
    weighted_gram,
)
from trialsim.prognosis.models.priors import prior_point
from trialsim.prognosis.models.spread import Spread
from trialsim.prognosis.models.terms import ModelTerms
from trialsim.prognosis.twins.longitudinal import coefficient_names
from trialsim.streams import stream

CURVES = ModelTerms(splines=("x0", "baseline"), interactions=(("x0", "x1"),))
STUDY_EFFECTS = ModelTerms(studies=True)
VARIANCE = ModelTerms(variance=("x0",))
STUDIES = 5
_ROOM = sbc_gaussian.SOURCES[0][0].parents[1]
_GROUPED: tuple[Source, ...] = (
    (_ROOM / "models" / "grouped_gram.py", ()),
    (_ROOM / "fit" / "model.py", ("PRIOR_SCALES",)),
    (
        _ROOM / "fit" / "grouped_model.py",
        ("as_data", "build_model", "log_marginal_likelihood", "_weighted_gram"),
    ),
)
SOURCES: dict[str, tuple[Source, ...]] = {
    "gaussian_curves": (*sbc_gaussian.SOURCES, (_ROOM / "models" / "shapes.py", ())),
    "gaussian_studies": _GROUPED,
    "gaussian_variance": _GROUPED,
}
Ranks = tuple[dict[str, list[int]], list[dict[str, float]]]


def curve_ranks(seed: int, first: int, count: int, sampler: Sampler) -> Ranks:
    """Return ranks and diagnostics of the plain model with splines and an interaction among its columns."""
    history, standardisation = design(seed, CURVES)
    return sbc_gaussian.ranks_of_design(history, standardisation, seed, first, count, sampler)


def study_ranks(seed: int, first: int, count: int, sampler: Sampler) -> Ranks:
    """Return ranks and diagnostics of the model with study effects."""
    return _ranks(STUDY_EFFECTS, seed, first, count, sampler)


def variance_ranks(seed: int, first: int, count: int, sampler: Sampler) -> Ranks:
    """Return ranks and diagnostics of the model whose spread depends on a covariate."""
    return _ranks(VARIANCE, seed, first, count, sampler)


RANKS: dict[str, Callable[[int, int, int, Sampler], Ranks]] = {
    "gaussian_curves": curve_ranks,
    "gaussian_studies": study_ranks,
    "gaussian_variance": variance_ranks,
}


def design(seed: int, terms: ModelTerms) -> tuple[History, Standardisation]:
    """Return a history without outcomes, of five studies, and the standardisation that all fits share."""
    history, _ = study_design(seed)
    history = replace(history, group=np.arange(len(history)) % STUDIES)
    return history, replace(standardise(history, terms), unit=1.0)


def _ranks(terms: ModelTerms, seed: int, first: int, count: int, sampler: Sampler) -> Ranks:
    """Return ranks by quantity, and diagnostics, of the simulations `first` to `first + count`."""
    history, standardisation = design(seed, terms)
    empty = grouped_rows(history, standardisation, terms)
    names = (*coefficient_names(standardisation), *study_names(history, terms))
    quantities = (*empty.scale_names, *names, "twin", "twin_sd", "log_likelihood")
    ranks: dict[str, list[int]] = {name: [] for name in quantities}
    diagnostics = []
    for number in range(first, first + count):
        rng = stream(seed, "sbc", number, "outcome")
        scales = prior_point(terms, rng)[None]
        theta = prior_sd(empty, scales) * rng.standard_normal((1, len(names)))
        change = simulate_change(history, standardisation, terms, scales, theta[0], rng)
        known = np.where(np.isnan(history.outcomes), np.nan, history.baseline[:, None] + change)
        now = replace(history, outcomes=known)
        rows = grouped_rows(now, standardisation, terms)
        posterior = sampler.sample(rows, names, SETTINGS, stream(seed, "sbc", number, "fit"))
        kept = slice(THIN - 1, None, THIN)
        measure = _Measure(now, standardisation, terms, rows)
        draws = measure.of(posterior.scales[kept], posterior.coefficients[kept])
        truth = measure.of(scales, theta)[0]
        for position, name in enumerate(ranks):
            ranks[name].append(int((draws[:RANKED_DRAWS, position] < truth[position]).sum()))
        diagnostics.append(posterior.diagnostics)
    return ranks, diagnostics


def simulate_change(
    history: History,
    standardisation: Standardisation,
    terms: ModelTerms,
    scales: Floats,
    theta: Floats,
    generator: np.random.Generator,
) -> Floats:
    """Draw changes from baseline (N, V) in units from the model at one point of its parameters."""
    clock = standardisation.clock(history.weeks)
    x = standardisation.matrix(history.covariates, history.baseline)
    z = x[:, standardisation.positions(terms.variance)]
    of_effects, of_noise = (of[0] for of in log_spreads(scales, z.shape[1]))
    g00, g01, g11 = (g[0] for g in covariance_of_effects(scales, np.ones(2)))
    factor = np.linalg.cholesky(np.array([[g00, g01], [g01, g11]]) + 1e-12 * np.eye(2))
    effects = np.exp(z @ of_effects)[:, None] * (generator.standard_normal((len(x), 2)) @ factor.T)
    noise = scales[0, 5] * np.exp(z @ of_noise)[:, None] * generator.standard_normal((len(x), len(clock)))
    fitted = regression_of(history, standardisation, terms) @ theta
    return np.asarray(fitted + effects[:, :1] + effects[:, 1:] * clock + noise)


class _Measure:
    """What is ranked of draws: scales, coefficients, a twin of a new study and the log likelihood."""

    def __init__(
        self, history: History, standardisation: Standardisation, terms: ModelTerms, rows: GroupedRows
    ) -> None:
        self.rows, self.terms, self.standardisation = rows, terms, standardisation
        self.last = history.weeks[-1:]
        x = standardisation.matrix(history.covariates, history.baseline)
        self.z = x[:1, standardisation.positions(terms.variance)]
        population = regression_of(history, standardisation, ModelTerms())
        self.twin = population[0, -1]

    def of(self, scales: Floats, theta: Floats) -> Floats:
        """Return the quantities (D, Q)."""
        spread = Spread.at(self.standardisation, self.terms, scales, self.rows.varies, self.last)
        matrix, log_determinant = weighted_gram(self.rows, scales)
        fitted = np.einsum("dc,dce,de->d", theta, matrix[:, 1:, 1:], theta)
        misfit = matrix[:, 0, 0] - 2 * (matrix[:, 0, 1:] * theta).sum(axis=1) + fitted
        return np.column_stack(
            [
                scales,
                theta,
                theta[:, : len(self.twin)] @ self.twin,
                np.sqrt(spread.variance(self.z)[0, 0]),
                -0.5 * (log_determinant + misfit),
            ]
        )
