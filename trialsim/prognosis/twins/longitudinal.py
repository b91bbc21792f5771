"""A fitted prognosis as plain arrays: what it predicts, and how it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from trialsim.data import Covariates, Floats, Twins
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.histories.learnable import HistorySummary
from trialsim.prognosis.models.design_matrix import Standardisation
from trialsim.prognosis.models.regression import Regression
from trialsim.prognosis.models.shapes import Shapes
from trialsim.prognosis.models.spread import Spread
from trialsim.prognosis.models.terms import ModelTerms
from trialsim.prognosis.twins.store import Arrays, digest, read, write

FORMAT_TAG = "trialsim.prognosis/1"
_CHUNK_NUMBERS = 4_000_000
_DRAW_CHUNK_NUMBERS = 100_000  # what the processor's cache holds: twice as fast as larger chunks


@dataclass(frozen=True)
class _Place:
    """Where a prediction is made: weeks, the regression there, columns and baseline of participants.

    `z` (N, L) are the columns that the spread depends on.
    """

    weeks: Floats
    regression: Regression
    x: Floats
    z: Floats
    baseline: Floats

    def rows(self, part: slice) -> Floats:
        """Return regression rows of some participants."""
        return self.regression.rows(self.x[part])


@dataclass(frozen=True)
class Prognosis(InNotebook):
    """A Bayesian longitudinal model of the change from baseline on placebo, fitted to a history.

    The model is written out in `trialsim.prognosis.models.gram`, and its further terms in
    `trialsim.prognosis.models.grouped_gram` and `trialsim.prognosis.models.shapes`. Change is in units of
    ``standardisation.unit``; a prediction is in points of the endpoint.

    Parameters
    ----------
    standardisation : Standardisation
        How baseline values become columns, with the history's means and standard deviations.
    scales : ndarray (D, E)
        Posterior draws of tau_level, tau_slope, sd_level, sd_slope, correlation and sigma, then those of
        study effects and spread where `terms` ask for them.
    coefficients : ndarray (D, C)
        Posterior draws of visit means, level and slope coefficients.
    varies : ndarray (2,)
        1 where participants' levels and slopes are part of the model (two, three visits), else 0.
    diagnostics : dict of str to float
        Convergence of the fit.
    summary : HistorySummary
        What it was fitted to, without any participant's value.
    key : str
        Hash of what it was made from: model format, history, settings, seed and terms.
    terms : ModelTerms
        What the model has beyond its linear terms.
    """

    standardisation: Standardisation
    scales: Floats
    coefficients: Floats
    varies: Floats
    diagnostics: dict[str, float]
    summary: HistorySummary
    key: str
    terms: ModelTerms = field(default_factory=ModelTerms)

    @property
    def endpoint(self) -> str:
        """Name of the outcome."""
        return self.standardisation.endpoint

    @property
    def names(self) -> tuple[str, ...]:
        """Covariates that a prediction needs."""
        return self.standardisation.names

    @property
    def weeks(self) -> Floats:
        """Visits (V,) of the history."""
        return self.standardisation.weeks

    @cached_property
    def content_hash(self) -> str:
        """Hash of all arrays and facts."""
        return digest(*self._parts())

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        """Mean (C,) and covariance (C, C) of the coefficients over the draws."""
        return self.coefficients.mean(axis=0), np.cov(self.coefficients, rowvar=False, ddof=0)

    def coefficient_names(self) -> tuple[str, ...]:
        """Return names of the C coefficients."""
        return coefficient_names(self.standardisation)

    def spread(self, weeks: Sequence[float] | Floats) -> Spread:
        """Return how outcomes at `weeks` vary around the regression, by posterior draw."""
        return Spread.at(
            self.standardisation, self.terms, self.scales, self.varies, np.asarray(weeks, dtype=float)
        )

    def spread_columns(self, x: Floats) -> Floats:
        """Return the columns (N, L) that the spread depends on, of the columns (N, K) of participants."""
        return x[:, self.standardisation.positions(self.terms.variance)]

    def residual_covariance(self, weeks: Sequence[float] | Floats) -> Floats:
        """Return the covariance (D, V, V) around the regression of outcomes at `weeks`, in points squared.

        ``Z G Z' + sigma^2 I`` with Z the intercept and the clock of each visit, and the covariance between
        studies where studies have effects. Where the spread depends on covariates, that of a participant
        with the history's means.
        """
        return self.spread(weeks).covariance(np.zeros(len(self.terms.variance)))

    def predict(
        self,
        covariates: Covariates,
        baseline: Floats,
        weeks: Sequence[float] | Floats,
        generator: np.random.Generator | None = None,
        draws: int = 0,
    ) -> Twins:
        """Predict the placebo outcomes of participants.

        Parameters
        ----------
        covariates : Covariates
            N participants; names may be more than `names`. NaN where missing: the history's mean.
        baseline : ndarray (N,)
            Measured outcome at week 0.
        weeks : sequence of float (V,)
            Between the first and the last visit of the history.
        generator : Generator, optional
            Of the component ``twins``; needed for draws.
        draws : int
            Predictive draws of each participant, joint over visits; 0 for none.

        Returns
        -------
        Twins
            `score` is the mean of the posterior predictive distribution: over the posterior draws, the
            measured baseline plus the predicted change. `sd` is its total standard deviation: root of the
            mean variance around the regression plus the variance of the regression between posterior draws.
            With study effects the participants are those of a new study: its variance is part of `sd`, and
            within a draw they share its effect.

        Raises
        ------
        HistoryError
            A covariate or a baseline is not given, or nothing was learnt about a week.
        ValueError
            Draws are asked for without a generator.
        """
        if draws and generator is None:
            raise ValueError("predictive draws need a generator: trialsim.streams.stream(..., 'twins')")
        at = self._place(covariates, baseline, weeks)
        # One BLAS thread: the same bits whatever the machine has.
        with threadpool_limits(1, user_api="blas"):
            score, sd = self._moments_at(at)
            drawn = None if generator is None or draws == 0 else self._draw(at, generator, draws)
        return Twins(at.weeks, score, sd, drawn)

    def pit(
        self, covariates: Covariates, baseline: Floats, weeks: Sequence[float] | Floats, outcomes: Floats
    ) -> Floats:
        """Return the probability integral transform (N, V) of measured outcomes, NaN where missing.

        The predictive distribution is a mixture of one normal a posterior draw, so its distribution
        function is the mean of theirs; uniform on (0, 1) where the twins are right (Dawid 1984).
        """
        at = self._place(covariates, baseline, weeks)
        require_same_length(len(covariates), outcomes=outcomes)
        spread = self.spread(at.weeks)
        theta = self.coefficients.T * self.standardisation.unit
        result = np.empty((len(at.x), len(at.weeks)))
        with threadpool_limits(1, user_api="blas"):
            for part in _chunks(len(at.x), len(at.weeks) * len(self.scales)):
                sd = np.sqrt(spread.variance(at.z[part]))
                mean = at.baseline[part, None, None] + at.rows(part) @ theta
                result[part] = ndtr((outcomes[part, :, None] - mean) / sd).mean(axis=2)
        return result

    def _place(self, covariates: Covariates, baseline: Floats, weeks: Sequence[float] | Floats) -> _Place:
        weeks, baseline = np.asarray(weeks, dtype=float), np.asarray(baseline, dtype=float)
        require_same_length(len(covariates), baseline=baseline)
        x = self.standardisation.matrix(covariates, baseline)
        return _Place(
            weeks,
            Regression.at(self.standardisation, weeks),
            x,
            self.spread_columns(x),
            baseline,
        )

    def _moments_at(self, at: _Place) -> tuple[Floats, Floats]:
        """Return mean and standard deviation (N, V) of the predictive distribution."""
        mean, covariance = self._moments
        spread = self.spread(at.weeks)
        score = np.empty((len(at.x), len(at.weeks)))
        sd = np.empty_like(score)
        for part in _chunks(len(at.x), len(at.weeks) * max(len(mean), len(self.scales) * spread.varies)):
            rows = at.rows(part)
            score[part] = at.baseline[part, None] + rows @ mean * self.standardisation.unit
            variance = ((rows @ covariance) * rows).sum(axis=2) * self.standardisation.unit**2
            sd[part] = np.sqrt(variance + spread.mean_variance(at.z[part]))
        return score, sd

    def _draw(self, at: _Place, generator: np.random.Generator, draws: int) -> Floats:
        """Return predictive draws (N, V, draws), each from one posterior draw."""
        chosen = np.linspace(0, len(self.scales) - 1, draws).round().astype(int)
        spread = self.spread(at.weeks).take(chosen)
        theta = self.coefficients[chosen].T * self.standardisation.unit
        visits = len(at.weeks)
        new_study = spread.draw_study(self.standardisation.rate(at.weeks), generator)
        result = np.empty((len(at.x), visits, draws))
        for part in _chunks(len(at.x), visits * draws, _DRAW_CHUNK_NUMBERS):
            # Participants first: the numbers of one do not depend on how the others are chunked.
            noise = generator.standard_normal((len(at.x[part]), visits, draws))
            np.matmul(at.rows(part).reshape(-1, len(theta)), theta, out=result[part].reshape(-1, draws))
            result[part] += at.baseline[part, None, None]
            if new_study is not None:
                result[part] += new_study
            spread.add_within(result[part], at.z[part], noise)
        return result

    def draw_each(
        self,
        covariates: Covariates,
        baseline: Floats,
        weeks: Sequence[float] | Floats,
        generator: np.random.Generator,
    ) -> Floats:
        """Draw outcomes (N, V) of each participant once, each by a posterior draw of its own.

        With study effects, of the average study: what all participants of a new study share is left out.

        Parameters
        ----------
        covariates, baseline, weeks
            As in `predict`.
        generator : Generator
            Of the component ``outcome``.
        """
        at = self._place(covariates, baseline, weeks)
        chosen = generator.integers(len(self.scales), size=len(at.x))
        noise = generator.standard_normal((len(at.x), len(at.weeks)))
        drawn = np.empty(noise.shape)
        # One BLAS thread: the same bits whatever the machine has.
        with threadpool_limits(1, user_api="blas"):
            spread = self.spread(at.weeks)
            for part in _chunks(len(at.x), len(at.weeks) * self.coefficients.shape[1]):
                theta = self.coefficients[chosen[part]] * self.standardisation.unit
                drawn[part] = at.baseline[part, None] + np.einsum("nvc,nc->nv", at.rows(part), theta)
                drawn[part] += spread.within_each(chosen[part], at.z[part], noise[part])
        return drawn

    def save(self, path: Path) -> None:
        """Write everything to an ``.npz`` file without pickle, with the hash of its content."""
        write(path, *self._parts())

    @classmethod
    def load(cls, path: Path) -> Prognosis:
        """Read what `save` wrote.

        Raises
        ------
        HistoryError
            The file is missing, of another format, or does not have the hash that it carries.
        """
        arrays, meta = read(path)
        return cls.from_parts(arrays, meta, path)

    def _parts(self) -> tuple[Arrays, dict[str, Any]]:
        arrays: Arrays = {name: getattr(self.standardisation, name) for name in _STANDARDISATION_ARRAYS}
        arrays |= {"scales": self.scales, "coefficients": self.coefficients, "varies": self.varies}
        meta = {
            "format": FORMAT_TAG,
            "key": self.key,
            "endpoint": self.endpoint,
            "names": list(self.names),
            "unit": self.standardisation.unit,
            "diagnostics": self.diagnostics,
            "summary": asdict(self.summary),
        }
        if self.terms != ModelTerms():
            meta["terms"] = self.terms.facts()
        if self.standardisation.visit_sd is not None:
            arrays["visit_sd"] = self.standardisation.visit_sd
        if self.standardisation.shapes is not None:
            arrays |= {name: getattr(self.standardisation.shapes, name) for name in _SHAPE_ARRAYS}
        return arrays, meta

    @classmethod
    def from_parts(cls, arrays: Arrays, meta: dict[str, Any], path: Path) -> Prognosis:
        """Return the prognosis that a file's arrays and facts are, or refuse another format."""
        if meta.get("format") != FORMAT_TAG:
            raise HistoryError(
                f"is not of the format {FORMAT_TAG}",
                file=path,
                mend="fit the prognosis again with this version",
            )
        terms = ModelTerms.from_facts(meta.get("terms", {}))
        shapes = None
        if terms.extra_columns:
            learnt = [arrays[name] for name in _SHAPE_ARRAYS]
            shapes = Shapes(terms.splines, terms.interactions, *learnt)
        learnt_columns = {name: arrays[name] for name in _STANDARDISATION_ARRAYS}
        standardisation = Standardisation(
            names=tuple(meta["names"]),
            **learnt_columns,
            shapes=shapes,
            endpoint=meta["endpoint"],
            unit=meta["unit"],
            visit_sd=arrays["visit_sd"] if terms.visit_scales else None,
        )
        return cls(
            standardisation,
            arrays["scales"],
            arrays["coefficients"],
            arrays["varies"],
            meta["diagnostics"],
            HistorySummary.from_facts(meta["summary"]),
            meta["key"],
            terms,
        )


_STANDARDISATION_ARRAYS = ("weeks", "value_mean", "mean", "sd", "indicators")
_SHAPE_ARRAYS = ("knots", "lines", "centres")


def coefficient_names(standardisation: Standardisation) -> tuple[str, ...]:
    """Return names of the C coefficients: visit means, level and slope of every column."""
    return (
        *(f"mean[week {week:g}]" for week in standardisation.weeks),
        *(f"level[{name}]" for name in standardisation.labels),
        *(f"slope[{name}]" for name in standardisation.labels),
    )


def require_same_length(participants: int, **arrays: Floats) -> None:
    """Raise if an array has not one row for each participant with covariates."""
    for name, values in arrays.items():
        if len(values) != participants:
            raise HistoryError(
                f"has {len(values)} rows for the {participants} participants with covariates",
                field=name,
                mend="give one row a participant, in one order",
            )


def _chunks(participants: int, numbers_each: int, numbers: int = _CHUNK_NUMBERS) -> list[slice]:
    """Return slices of participants that hold a bounded count of numbers."""
    size = max(1, numbers // max(1, numbers_each))
    return [slice(start, start + size) for start in range(0, participants, size)]
