"""Twins for a binary response or a time to an event: fitted behind the gate, kept by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from trialsim.data import Covariates, Floats, Twins
from trialsim.errors import HistoryError
from trialsim.prognosis.families import Params, beta, draw_responses, probability
from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
from trialsim.prognosis.fit.sampler import FitSettings
from trialsim.prognosis.outcome_history import Columns, OutcomeHistory, require_outcomes, responses_of
from trialsim.prognosis.store import Arrays, address, digest, read, recall, write
from trialsim.streams import stream

FORMAT_TAG = "trialsim.outcome_prognosis/1"
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_COLUMN_ARRAYS = ("value_mean", "indicators", "mean", "sd")
_CHUNK_NUMBERS = 4_000_000


@dataclass(frozen=True)
class OutcomePrognosis:
    """A Bayesian model of a response or of an event on placebo; the families are in `families`.

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
    diagnostics: dict[str, float]
    key: str

    @property
    def names(self) -> tuple[str, ...]:
        """Covariates that a prediction needs."""
        return self.columns.names

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
        """Predict response or event on placebo for participants of a study that the history has not seen.

        Parameters
        ----------
        covariates : Covariates
            N participants; NaN where missing: the history's mean.
        weeks : sequence of float (V,)
            Above 0, up to the longest follow-up; for a binary response the week of assessment alone.
        generator : Generator, optional
            Of the component ``twins``; needed for draws.
        draws : int
            Predictive draws of each participant; 0 for none.

        Returns
        -------
        Twins
            `score` is the probability of the response, or of the event by each week, over the posterior
            and, with study effects, over the effect of a new study (9-point Gauss-Hermite). `sd` is that of
            a 0 or 1 with this probability. Draws are 0 or 1; draws of one event are joint over weeks, and
            participants share the new study's effect within a draw.

        Raises
        ------
        HistoryError
            A covariate is not given, or nothing was learnt about a week.
        """
        if draws and generator is None:
            raise ValueError("predictive draws need a generator: trialsim.streams.stream(..., 'twins')")
        times = self._times(weeks)
        x = self.columns.matrix(covariates)
        with threadpool_limits(1, user_api="blas"):
            score = self._score(x, times)
            drawn = None if generator is None or not draws else self._draw(x, times, generator, draws)
        # A probability of 0 or 1 in floating point is still no certainty.
        sd = np.sqrt(np.maximum(score * (1 - score), np.finfo(float).tiny))
        return Twins(np.asarray(weeks, dtype=float), score, sd, drawn)

    def _times(self, weeks: Sequence[float] | Floats) -> Floats:
        asked = np.asarray(weeks, dtype=float)
        if not (np.isfinite(asked) & (asked > 0) & (asked <= self.unit)).all() or not asked.size:
            raise HistoryError(
                f"nothing was learnt beyond week {self.unit:g}, nor at or before week 0",
                field="weeks",
                mend="ask for weeks of the history's follow-up",
            )
        if self.family == "binary" and asked.size != 1:
            raise HistoryError(
                "a binary response is known at one week", field="weeks", mend="ask for that week alone"
            )
        return asked / self.unit

    def _score(self, x: Floats, times: Floats) -> Floats:
        omega = self.params.get("omega")
        nodes, weights = (np.zeros(1), np.ones(1)) if omega is None else (_NODES, _WEIGHTS / _WEIGHTS.sum())
        score = np.zeros((len(x), len(times)))
        size = max(1, _CHUNK_NUMBERS // (len(self.params["intercept"]) * len(times)))
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            eta = self.params["intercept"][:, None] + beta(self.params) @ x[part].T
            for node, weight in zip(nodes, weights, strict=True):
                shifted = eta if omega is None else eta + node * omega[:, None]
                score[part] += weight * probability(self.family, self.params, shifted, times, self.cuts).mean(
                    axis=0
                )
        return score

    def _draw(self, x: Floats, times: Floats, generator: np.random.Generator, draws: int) -> Floats:
        chosen = np.linspace(0, len(self.params["intercept"]) - 1, draws).round().astype(int)
        params = {name: value[chosen] for name, value in self.params.items()}
        eta = params["intercept"][:, None] + beta(params) @ x.T
        if "omega" in params:
            eta = eta + params["omega"][:, None] * generator.standard_normal((draws, 1))
        drawn = draw_responses(self.family, params, eta, self.cuts, generator).T
        happened = drawn[:, None, :] if self.family == "binary" else drawn[:, None, :] <= times[:, None]
        return happened.astype(float)

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
        meta = {
            "format": FORMAT_TAG,
            "key": self.key,
            "endpoint": self.endpoint,
            "family": self.family,
            "names": list(self.names),
            "unit": self.unit,
            "diagnostics": self.diagnostics,
        }
        return arrays, meta

    @classmethod
    def from_parts(cls, arrays: Arrays, meta: dict[str, Any], path: Path) -> OutcomePrognosis:
        """Return the prognosis that a file's arrays and facts are, or refuse another format."""
        if meta.get("format") != FORMAT_TAG:
            raise HistoryError(
                f"is not of the format {FORMAT_TAG}", file=path, mend="fit the prognosis again"
            )
        return cls(
            meta["endpoint"],
            meta["family"],
            Columns(tuple(meta["names"]), **{name: arrays[name] for name in _COLUMN_ARRAYS}),
            {name.removeprefix("param."): a for name, a in arrays.items() if name.startswith("param.")},
            arrays["cuts"],
            meta["unit"],
            meta["diagnostics"],
            meta["key"],
        )


def fit_outcome(
    history: OutcomeHistory,
    *,
    seed: int,
    settings: FitSettings | None = None,
    cache: Path | None = None,
    sampler: OutcomeSampler | None = None,
    block: int = 0,
) -> OutcomePrognosis:
    """Fit the model of a response or an event to a history.

    Parameters
    ----------
    history : OutcomeHistory
        Past placebo participants.
    seed : int
        Master seed; the stream is named ``fit``.
    settings : FitSettings, optional
        How to sample and what the fit must pass.
    cache : Path, optional
        Folder of fitted results, as in `fit_prognosis`: ``outcome-<hash>.npz``.
    sampler : OutcomeSampler, optional
        Compiled models to share with other fits.
    block : int
        0 for the whole history, 1 to F for the folds of a cross-validation.

    Raises
    ------
    HistoryError
        Nothing can be learnt from the history.
    FitError
        The fit did not pass its gate.
    """
    require_outcomes(history)
    settings = settings or FitSettings(accept=0.95)
    arrays = {
        "values": history.covariates.values,
        "event": history.event,
        "time": history.time,
        "group": history.group,
    }
    meta = {
        "format": FORMAT_TAG,
        "endpoint": history.endpoint,
        "family": history.family,
        "names": list(history.covariates.names),
        "seed": seed,
        "block": block,
        **settings.identity(),
    }
    key = digest(arrays, meta)
    path = None if cache is None else address(cache, "outcome", key)
    if path is not None and (found := recall(path, key)) is not None:
        return OutcomePrognosis.from_parts(*found, path)
    columns = Columns.of(history.covariates)
    data, unit = responses_of(history, columns)
    with threadpool_limits(1, user_api="blas"):
        params, diagnostics = (sampler or OutcomeSampler()).sample(
            history.family, data, settings, stream(seed, "outcome", block, "fit")
        )
    fitted = OutcomePrognosis(
        history.endpoint, history.family, columns, params, data.cuts, unit, diagnostics, key
    )
    if path is not None:
        fitted.save(path)
    return fitted
