"""Twins for one outcome a participant: a response, a level, a count or an event; fitted behind the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from trialsim.data import Covariates, Floats, Ints, OutcomeHistory, Twins
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.families import FAMILIES, EventFamily, Family, Params, linear_predictor
from trialsim.prognosis.families.common import over_new_study
from trialsim.prognosis.fit.densities import REVISION
from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.histories.outcome import require_outcomes
from trialsim.prognosis.histories.together import require_no_joint_leak_of_outcome
from trialsim.prognosis.models.columns import Columns, responses_of
from trialsim.prognosis.models.outcome_terms import require_available, require_outcome_terms
from trialsim.prognosis.models.shapes import Shapes
from trialsim.prognosis.models.terms import ModelTerms
from trialsim.prognosis.twins.store import Arrays, address, digest, read, recall, write
from trialsim.streams import stream

# Who knows no curves must refuse a file that has some; files without stay what they were.
FORMAT_TAG, FORMAT_OF_TERMS = "trialsim.outcome_prognosis/2", "trialsim.outcome_prognosis/3"
_COLUMN_ARRAYS = ("value_mean", "indicators", "mean", "sd")
_SHAPE_ARRAYS = ("knots", "lines", "centres")
_CHUNK_NUMBERS = 4_000_000
# Distribution functions of counts are slow; so many draws give them to a fiftieth of the posterior's SD.
_DRAWS_OF_CUMULATIVE = 400


@dataclass(frozen=True)
class OutcomePrognosis(InNotebook):
    """A Bayesian model of one outcome on placebo; the families are in `trialsim.prognosis.families`.

    Parameters
    ----------
    endpoint, family : str
        Name and family of the outcome.
    columns : Columns
        How covariates become columns.
    params : dict of str to ndarray (D, ...)
        Posterior draws.
    cuts : ndarray (J-1,)
        Inner ends of the intervals of a piecewise hazard, in units.
    unit : float
        Longest follow-up of the history, in weeks.
    levels : tuple of str
        Names of the levels of an ordinal outcome.
    diagnostics : dict of str to float
        Convergence.
    key : str
        Hash of what it was made from.
    """

    endpoint: str
    family: str
    columns: Columns
    params: Params
    cuts: Floats
    unit: float
    levels: tuple[str, ...]
    diagnostics: dict[str, float]
    key: str

    @property
    def names(self) -> tuple[str, ...]:
        """Covariates that a prediction needs."""
        return self.columns.names

    @property
    def terms(self) -> ModelTerms:
        """Splines and interactions."""
        return self.columns.terms

    @property
    def law(self) -> Family:
        """The family's densities and draws."""
        return FAMILIES[self.family]

    @cached_property
    def content_hash(self) -> str:
        """Hash of all arrays and facts."""
        return digest(*self._parts())

    def predict(
        self,
        covariates: Covariates,
        weeks: Sequence[float] | Floats,
        generator: np.random.Generator | None = None,
        draws: int = 0,
    ) -> Twins:
        """Predict the outcome on placebo for participants of a study that the history has not seen.

        Parameters
        ----------
        covariates : Covariates
            N participants; NaN where missing: the history's mean.
        weeks : sequence of float (V,)
            Above 0, up to the longest follow-up; for a binary or an ordinal outcome the week of
            assessment alone.
        generator : Generator, optional
            Of the component ``twins``; needed for draws.
        draws : int
            Predictive draws of each participant; 0 for none.

        Returns
        -------
        Twins
            `score` is the probability of the response, or of the event by each week, the expected
            position of the level, or the expected count by each week; `sd` that of the predictive
            distribution. Both are over the posterior and, with study effects, over the effect of a new
            study (9-point Gauss-Hermite). Draws of an event or a count are joint over weeks, and
            participants share the new study's effect within a draw.

        Raises
        ------
        HistoryError
            A covariate is not given, or nothing was learnt about a week.
        """
        if draws and generator is None:
            raise ValueError("predictive draws need a generator: trialsim.streams.stream(..., 'twins')")
        times = self.times(weeks)
        x = self.columns.matrix(covariates)
        with threadpool_limits(1, user_api="blas"):
            score, second = (
                self._mean(
                    x,
                    self.params,
                    2 * len(times),
                    lambda params, eta, _: np.concatenate(
                        self.law.moments(params, eta, times, self.cuts), axis=2
                    ),
                )
                .reshape(len(x), 2, len(times))
                .transpose(1, 0, 2)
            )
            drawn = None if generator is None or not draws else self._draw(x, times, generator, draws)
        # A probability of 0 or 1 in floating point is still no certainty.
        sd = np.sqrt(np.maximum(second - score**2, np.finfo(float).tiny))
        return Twins(np.asarray(weeks, dtype=float), score, sd, drawn)

    def probabilities(self, covariates: Covariates, week: float, up_to: int | None = None) -> Floats:
        """Return the predictive probability of each level or count.

        Parameters
        ----------
        covariates : Covariates
            N participants.
        week : float
            Of assessment, or the end of follow-up.
        up_to : int, optional
            Largest count with a probability of its own; all larger ones share the last column. Not
            for binary and ordinal outcomes, whose K levels are known.

        Returns
        -------
        ndarray (N, K), or (N, up_to + 2) for counts
            Rows sum to 1; over the posterior and a new study as in `predict`.

        Raises
        ------
        HistoryError
            The outcome is a time to an event, or the number of columns is not known.
        """
        if isinstance(self.law, EventFamily) or (self.family == "count") != (up_to is not None):
            raise HistoryError(
                "give up_to for counts and for nothing else; of an event, predict gives the probability",
                field="up_to",
                value=up_to,
                mend="use predict, or name the largest count to tell apart",
            )
        largest = up_to if up_to is not None else max(len(self.levels), 2) - 2
        x = self.columns.matrix(covariates)
        time = np.repeat(self.times([week]), len(x))
        upto = [self._cumulative(x, np.full(len(x), float(value)), time) for value in range(largest + 1)]
        edges = np.column_stack([np.zeros(len(x)), *upto, np.ones(len(x))])
        return np.maximum(np.diff(edges, axis=1), 0.0)

    def pit_interval(self, history: OutcomeHistory) -> tuple[Floats, Floats]:
        """Return between what probabilities (N,) each participant's outcome lies in its predictive law.

        A uniform draw between the two is the randomised probability integral transform: uniform where
        the model is right, for discrete outcomes (Czado, Gneiting and Held 2009) as for censored times,
        whose interval ends at 1. Follow-up beyond what was learnt counts as that.
        """
        x = self.columns.matrix(history.covariates)
        time = np.minimum(history.time, self.unit) / self.unit
        if isinstance(self.law, EventFamily):
            low = self._cumulative(x, time, time)
            return low, np.where((history.outcome > 0) & (history.time <= self.unit), low, 1.0)
        low = self._cumulative(x, history.outcome - 1, time)
        return low, np.maximum(low, self._cumulative(x, history.outcome, time))

    def times(self, weeks: Sequence[float] | Floats) -> Floats:
        """Return weeks in units of the longest follow-up, or raise if nothing was learnt about one."""
        asked = np.asarray(weeks, dtype=float)
        if not (np.isfinite(asked) & (asked > 0) & (asked <= self.unit)).all() or not asked.size:
            raise HistoryError(
                f"nothing was learnt beyond week {self.unit:g}, nor at or before week 0",
                field="weeks",
                mend="ask for weeks of the history's follow-up",
            )
        if not self.law.counts_time and asked.size != 1:
            raise HistoryError(
                f"{'an' if self.family == 'ordinal' else 'a'} {self.family} outcome is known at one week",
                field="weeks",
                mend="ask for that week alone",
            )
        return asked / self.unit

    def _cumulative(self, x: Floats, values: Floats, times: Floats) -> Floats:
        """Return P(outcome <= value) (N,) over the posterior and a new study."""
        params = self.thinned(min(_DRAWS_OF_CUMULATIVE, len(self.params["tau"])))
        with threadpool_limits(1, user_api="blas"):
            return self._mean(
                x,
                params,
                1,
                lambda some, eta, rows: self.law.cumulative(some, eta, values[rows], times[rows], self.cuts)[
                    :, :, None
                ],
            )[:, 0]

    def thinned(self, draws: int) -> Params:
        """Return so many posterior draws, evenly spaced."""
        chosen = np.linspace(0, len(self.params["tau"]) - 1, draws).round().astype(int)
        return {name: value[chosen] for name, value in self.params.items()}

    def _mean(
        self, x: Floats, params: Params, width: int, of: Callable[[Params, Floats, Ints], Floats]
    ) -> Floats:
        """Return the mean (N, width) of a function of (params, eta, rows) over draws and a new study."""
        mean = np.zeros((len(x), width))
        size = max(1, _CHUNK_NUMBERS // (len(params["tau"]) * width))
        for start in range(0, len(x), size):
            rows = np.arange(start, min(start + size, len(x)))
            eta = linear_predictor(params, x[rows])
            for weight, shifted in over_new_study(params, eta):
                mean[rows] += weight * of(params, shifted, rows).mean(axis=0)
        return mean

    def _draw(self, x: Floats, times: Floats, generator: np.random.Generator, draws: int) -> Floats:
        params = self.thinned(draws)
        shift = params["omega"][:, None] * generator.standard_normal((draws, 1)) if "omega" in params else 0.0
        eta = linear_predictor(params, x, shift)
        return np.moveaxis(self.law.draw(params, eta, times, self.cuts, generator), 0, 2)

    def save(self, path: Path) -> None:
        """Write everything to an ``.npz`` file without pickle, with the hash of its content."""
        write(path, *self._parts())

    @classmethod
    def load(cls, path: Path) -> OutcomePrognosis:
        """Read what `save` wrote.

        Raises
        ------
        HistoryError
            The file is missing, of another format, or does not have the hash that it carries.
        """
        return cls.from_parts(*read(path), path)

    def _parts(self) -> tuple[Arrays, dict[str, Any]]:
        arrays: Arrays = {f"param.{name}": value for name, value in self.params.items()}
        arrays |= {name: getattr(self.columns, name) for name in _COLUMN_ARRAYS} | {"cuts": self.cuts}
        shapes = self.columns.shapes
        if shapes is not None:
            arrays |= {name: getattr(shapes, name) for name in _SHAPE_ARRAYS}
        meta = {
            "format": _format_of(self.terms),
            "key": self.key,
            "endpoint": self.endpoint,
            "family": self.family,
            "names": list(self.names),
            "unit": self.unit,
            "levels": list(self.levels),
            "diagnostics": self.diagnostics,
            **self.terms.identity(),
        }
        return arrays, meta

    @classmethod
    def from_parts(cls, arrays: Arrays, meta: dict[str, Any], path: Path) -> OutcomePrognosis:
        """Return the prognosis that a file's arrays and facts are, or refuse another format."""
        terms = ModelTerms.from_facts(meta.get("terms", {}))
        if meta.get("format") != _format_of(terms):
            raise HistoryError(
                f"is not of the format {_format_of(terms)}", file=path, mend="fit the prognosis again"
            )
        shapes = None
        if terms.extra_columns:
            shapes = Shapes(terms.splines, terms.interactions, *(arrays[name] for name in _SHAPE_ARRAYS))
        return cls(
            meta["endpoint"],
            meta["family"],
            Columns(tuple(meta["names"]), **{name: arrays[name] for name in _COLUMN_ARRAYS}, shapes=shapes),
            {name.removeprefix("param."): a for name, a in arrays.items() if name.startswith("param.")},
            arrays["cuts"],
            meta["unit"],
            tuple(meta["levels"]),
            meta["diagnostics"],
            meta["key"],
        )


def _format_of(terms: ModelTerms) -> str:
    return FORMAT_OF_TERMS if terms.extra_columns else FORMAT_TAG


def fit_outcome(
    history: OutcomeHistory,
    *,
    seed: int,
    settings: FitSettings | None = None,
    terms: ModelTerms | None = None,
    cache: Path | None = None,
    sampler: OutcomeSampler | None = None,
    block: int = 0,
) -> OutcomePrognosis:
    """Fit the model of one outcome a participant to a history.

    Parameters
    ----------
    history : OutcomeHistory
        Past placebo participants.
    seed : int
        Master seed; the stream is named ``fit``.
    settings : FitSettings, optional
        How to sample and what the fit must pass.
    terms : ModelTerms, optional
        Splines and interactions; none by default. Study effects come by themselves.
    cache : Path, optional
        Folder of fitted results, as in `fit_prognosis`: ``outcome-<hash>.npz``.
    sampler : OutcomeSampler, optional
        Compiled models to share with other fits.
    block : int
        0 for the whole history, 1 to F for the folds of a cross-validation: these have the terms that
        the whole history carries.

    Returns
    -------
    OutcomePrognosis
        Draws of the posterior, which passed the gate.

    Raises
    ------
    HistoryError
        Nothing can be learnt from the history, or it cannot carry the terms.
    FitError
        The fit did not pass its gate.
    """
    terms = terms or ModelTerms()
    require_outcomes(history)
    require_available(history, terms)
    if not block:
        require_no_joint_leak_of_outcome(history)
        require_outcome_terms(history, terms)
    settings = settings or FitSettings(accept=0.95)
    arrays = {
        "values": history.covariates.values,
        "outcome": history.outcome,
        "time": history.time,
        "group": history.group,
    }
    meta = {
        "format": [_format_of(terms), REVISION],
        "endpoint": history.endpoint,
        "family": history.family,
        "names": list(history.covariates.names),
        "levels": list(history.levels),
        "seed": seed,
        "block": block,
        **settings.identity(),
        **terms.identity(),
    }
    key = digest(arrays, meta)
    path = None if cache is None else address(cache, "outcome", key)
    if path is not None and (found := recall(path, key)) is not None:
        return OutcomePrognosis.from_parts(*found, path)
    columns = Columns.of(history.covariates, terms)
    data, unit = responses_of(history, columns)
    with threadpool_limits(1, user_api="blas"):
        params, diagnostics = (sampler or OutcomeSampler()).sample(
            history.family, data, settings, stream(seed, "outcome", block, "fit")
        )
    fitted = OutcomePrognosis(
        history.endpoint, history.family, columns, params, data.cuts, unit, history.levels, diagnostics, key
    )
    if path is not None:
        fitted.save(path)
    return fitted
