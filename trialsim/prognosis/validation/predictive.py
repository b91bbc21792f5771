"""Prior and posterior predictive checks: whether the model makes histories like the one it was fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from trialsim.data import Bools, Floats, History
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.histories.learnable import learnable_rows, require_learnable, summarise
from trialsim.prognosis.models.design_matrix import standardise
from trialsim.prognosis.models.grouped_gram import grouped_rows, prior_sd
from trialsim.prognosis.models.priors import prior_point
from trialsim.prognosis.models.terms import ModelTerms, require_terms
from trialsim.prognosis.twins.longitudinal import Prognosis, coefficient_names

if TYPE_CHECKING:
    import plotly.graph_objects as go

Kind = Literal["prior", "posterior"]
FEWEST_DRAWS = 50
_FEWEST_AT_TWO_VISITS = 3
_SOURCES = {"prior": "prior predictive", "posterior": "posterior predictive"}


@dataclass(frozen=True)
class PredictiveChecks(InNotebook):
    """Statistics of a history, beside those of histories that the model makes.

    Parameters
    ----------
    kind : str
        ``prior`` or ``posterior``.
    statistics : tuple of str
        S of them, such as ``"mean change, week 52"``.
    observed : ndarray (S,)
        Of the history.
    replicated : ndarray (S, D)
        Of D histories of the same participants, baselines and gaps, with outcomes from the model.
    """

    kind: Kind
    statistics: tuple[str, ...]
    observed: Floats
    replicated: Floats

    def to_frame(self, level: float = 0.9) -> pd.DataFrame:
        """Return one row a statistic.

        Parameters
        ----------
        level : float
            Of the central predictive interval, in (0, 1).

        Returns
        -------
        DataFrame
            statistic, observed, predicted (median), low and high, and p: the share of the model's histories
            whose statistic is above the observed one, ties half (Gelman, Meng and Stern 1996). A p near 0
            or 1 says that the model does not make such histories; it is no error rate of a test.
        """
        low, middle, high = np.quantile(self.replicated, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=1)
        above = (self.replicated > self.observed[:, None]).mean(axis=1)
        ties = (self.replicated == self.observed[:, None]).mean(axis=1)
        return pd.DataFrame(
            {
                "statistic": self.statistics,
                "observed": self.observed,
                "predicted": middle,
                "low": low,
                "high": high,
                "p": above + ties / 2,
            }
        )

    def figure(self, level: float = 0.9) -> go.Figure:
        """Return the predictive intervals and what was observed, in predictive SDs around their medians."""
        import plotly.graph_objects as go

        table = self.to_frame(level)
        sd = self.replicated.std(axis=1)
        sd = np.where(sd > 0, sd, 1.0)
        away = [(table[name] - table["predicted"]) / sd for name in ("observed", "low", "high")]
        figure = go.Figure()
        figure.add_scatter(
            x=np.zeros(len(table)),
            y=table["statistic"],
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 10},
            error_x={"type": "data", "symmetric": False, "array": away[2], "arrayminus": -away[1]},
            name=f"{_SOURCES[self.kind]}, {level:.0%}",
        )
        figure.add_scatter(
            x=away[0],
            y=table["statistic"],
            mode="markers",
            marker={"size": 9},
            customdata=table[["observed", "p"]],
            hovertemplate="%{customdata[0]:.3g}, p %{customdata[1]:.2f}",
            name="history",
        )
        figure.update_xaxes(title="predictive standard deviations from the median")
        figure.update_yaxes(autorange="reversed")
        return figure

    def to_inference_data(self) -> Any:
        """Return an ``arviz.InferenceData`` of the statistics, for arviz's own checks and figures."""
        from trialsim.prognosis.fit.inference_data import of_checks

        return of_checks(self.kind, self.statistics, self.observed, self.replicated)


def predictive_checks(
    history: History,
    prognosis: Prognosis,
    *,
    generator: np.random.Generator,
    draws: int = 500,
    limits: tuple[float, float] | None = None,
) -> PredictiveChecks:
    """Check a model against the history, or against another one.

    Parameters
    ----------
    history : History
        Participants; those without a baseline or a later outcome are left out.
    prognosis : Prognosis
        Fitted, for a posterior check; `prior_prognosis` for a prior one.
    generator : Generator
        Of the component ``twins``.
    draws : int
        Histories that the model makes, at least 50.
    limits : tuple of float, optional
        Lowest and highest value of the scale: with them, the share beyond is a statistic.

    Returns
    -------
    PredictiveChecks
        Mean and SD of the change by visit, the correlation of the changes at successive visits, and
        the share beyond the limits by visit.

    Raises
    ------
    HistoryError
        Too few draws, or as in `Prognosis.predict`. Limits that are no range.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> prior = prior_prognosis(history, generator=rng, draws=200)
    >>> predictive_checks(history, prior, generator=rng, draws=200).to_frame().columns[0]
    'statistic'
    """
    if draws < FEWEST_DRAWS:
        raise HistoryError(
            f"predictive checks need {FEWEST_DRAWS} draws or more",
            field="draws",
            value=draws,
            mend="ask for more",
        )
    if limits is not None and not limits[0] < limits[1]:
        raise HistoryError("are no range", field="limits", value=limits, mend="give the lowest value first")
    known = history.take(learnable_rows(history))
    made = _replicates(known, prognosis, generator, draws)
    seen: Bools = np.asarray(np.isfinite(known.outcomes))
    measured = _statistics(known.outcomes[:, :, None], known.baseline, known.weeks, seen, limits)
    replicated = _statistics(made, known.baseline, known.weeks, seen, limits)
    kind: Kind = "prior" if prognosis.diagnostics.get("prior") else "posterior"
    return PredictiveChecks(
        kind,
        tuple(measured),
        np.array([value[0] for value in measured.values()]),
        np.array(list(replicated.values())),
    )


def prior_prognosis(
    history: History, *, generator: np.random.Generator, draws: int = 500, terms: ModelTerms | None = None
) -> Prognosis:
    """Return the model before it has learnt: draws of its prior, on the history's columns and unit.

    Its twins are for checks alone.

    Parameters
    ----------
    history : History
        Gives the columns' means and SDs, and the unit of the change; no outcome is learnt from.
    generator : Generator
        Of the component ``fit``.
    draws : int
        Of the prior.
    terms : ModelTerms, optional
        As in `fit_prognosis`.

    Returns
    -------
    Prognosis
        With draws of the prior.

    Raises
    ------
    HistoryError
        As in `fit_prognosis`.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> prior_prognosis(history, generator=rng, draws=50).names
    ('age',)
    """
    terms = terms or ModelTerms()
    require_learnable(history)
    require_terms(history, terms)
    learnt = history.take(learnable_rows(history))
    standardisation = standardise(learnt, terms)
    rows = grouped_rows(standardisation.levelled(learnt), standardisation, terms)
    scales = np.array([prior_point(terms, generator) for _ in range(draws)])
    drawn = prior_sd(rows, scales) * generator.standard_normal((draws, rows.kind.size))
    columns = len(coefficient_names(standardisation))
    return Prognosis(
        standardisation,
        scales,
        drawn[:, :columns],
        rows.varies,
        {"prior": 1.0},
        summarise(history),
        "prior",
        terms,
    )


def _replicates(history: History, prognosis: Prognosis, generator: np.random.Generator, draws: int) -> Floats:
    """Return outcomes (N, V, D) of the history's participants; each study is a new one of its own."""
    made = np.empty((*history.outcomes.shape, draws))
    labels = np.unique(history.group) if prognosis.terms.studies else [None]
    for label in labels:
        which = np.flatnonzero(history.group == label) if label is not None else np.arange(len(history))
        them = history.take(which)
        twins = prognosis.predict(them.covariates, them.baseline, history.weeks, generator, draws)
        assert twins.draws is not None
        made[which] = twins.draws
    return made


def _statistics(
    outcomes: Floats, baseline: Floats, weeks: Floats, seen: Bools, limits: tuple[float, float] | None
) -> dict[str, Floats]:
    """Return statistics (D,) of outcomes (N, V, D) by name, where they were seen (N, V)."""
    change = outcomes - baseline[:, None, None]
    named = [f"week {week:g}" for week in weeks]
    found: dict[str, Floats] = {}
    for visit, week in enumerate(named):
        found[f"mean change, {week}"] = change[seen[:, visit], visit].mean(axis=0)
    for visit, week in enumerate(named):
        found[f"SD of change, {week}"] = change[seen[:, visit], visit].std(axis=0, ddof=1)
    for (one, week), (other, later) in pairwise(enumerate(named)):
        both = seen[:, one] & seen[:, other]
        if both.sum() >= _FEWEST_AT_TWO_VISITS:
            found[f"correlation, {week} and {later}"] = _correlation(change[both, one], change[both, other])
    if limits is not None:
        for visit, week in enumerate(named):
            own = outcomes[seen[:, visit], visit]
            found[f"share beyond the scale, {week}"] = ((own < limits[0]) | (own > limits[1])).mean(axis=0)
    return found


def _correlation(x: Floats, y: Floats) -> Floats:
    """Return the correlation (D,) of the columns of x and y (n, D)."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.asarray((x * y).sum(axis=0) / np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0)))
