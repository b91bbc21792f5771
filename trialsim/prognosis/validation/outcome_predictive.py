"""Prior and posterior predictive checks of one outcome a participant: which histories a model makes."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats, OutcomeHistory
from trialsim.errors import HistoryError
from trialsim.prognosis.families import EventFamily, Params, concatenate, linear_predictor
from trialsim.prognosis.histories.outcome import require_outcomes
from trialsim.prognosis.models.columns import Columns, responses_of
from trialsim.prognosis.models.outcome_terms import require_outcome_terms
from trialsim.prognosis.models.terms import ModelTerms
from trialsim.prognosis.twins.outcome import OutcomePrognosis
from trialsim.prognosis.validation.outcome_measures import require_event_family
from trialsim.prognosis.validation.predictive import FEWEST_DRAWS, Kind, PredictiveChecks

_HALVES = ("lower half of the score", "upper half of the score")


def outcome_predictive_checks(
    history: OutcomeHistory,
    prognosis: OutcomePrognosis,
    *,
    generator: np.random.Generator,
    draws: int = 500,
) -> PredictiveChecks:
    """Check a model of a response, level, count or event against a history.

    Parameters
    ----------
    history : OutcomeHistory
        Participants with the prognosis's outcome and covariates.
    prognosis : OutcomePrognosis
        Fitted, for a posterior check; `prior_outcome_prognosis` for a prior one.
    generator : Generator
        Of the component ``twins``.
    draws : int
        Histories that the model makes, at least 50. Studies have fresh effects in each of them.

    Returns
    -------
    PredictiveChecks
        Binary: the share of responses. Ordinal: the share at each level. Counts: the rate, the SD, the
        share without any, the largest. Events: their share, the share by half of the follow-up, and
        the mean time at risk. All but levels and largest also for both halves of the expected score.

    Raises
    ------
    HistoryError
        Too few draws, another family or outcome, or a covariate that is not given.

    Notes
    -----
    Who had an event would have been followed longer, nobody knows how long: such a participant's planned
    follow-up is that of a censored one, drawn among those who were followed longer, or else the longest.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, OutcomeHistory
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> answer, none = rng.integers(0, 2, 60).astype(float), np.zeros(60, dtype=int)
    >>> history = OutcomeHistory("response", "example", "binary", people, answer, np.full(60, 24.0), none)
    >>> prior = prior_outcome_prognosis(history, generator=rng, draws=200)
    >>> outcome_predictive_checks(history, prior, generator=rng, draws=200).to_frame().columns[0]
    'statistic'
    """
    if draws < FEWEST_DRAWS:
        raise HistoryError(
            f"predictive checks need {FEWEST_DRAWS} draws or more",
            field="draws",
            value=draws,
            mend="ask for more",
        )
    if (history.endpoint, history.family) != (prognosis.endpoint, prognosis.family):
        raise HistoryError(
            "is not the outcome that the prognosis is of",
            field="endpoint",
            value=f"{history.endpoint}, {history.family}",
            mend=f"give {prognosis.endpoint}, {prognosis.family}",
        )
    if history.levels != prognosis.levels:
        raise HistoryError(
            "are not the levels that the prognosis is of",
            field="levels",
            value=", ".join(history.levels),
            mend=f"name them {', '.join(prognosis.levels)}, from least to most",
        )
    params = prognosis.thinned(draws)
    x = prognosis.columns.matrix(history.covariates)
    eta = linear_predictor(params, x, _of_studies(params, history, generator))
    law = prognosis.law
    time = np.minimum(history.time / prognosis.unit, 1.0)
    limit = _planned(history.outcome, time, generator) if isinstance(law, EventFamily) else time
    outcome, lasted = law.replicate(params, eta, limit, prognosis.cuts, generator)
    upper = _upper_half(prognosis, history)
    seen = _statistics(history.family, history.outcome[None], time[None], upper, history.levels)
    made = _statistics(history.family, outcome, np.asarray(lasted), upper, history.levels)
    kind: Kind = "prior" if prognosis.diagnostics.get("prior") else "posterior"
    return PredictiveChecks(
        kind,
        tuple(seen),
        np.array([value[0] for value in seen.values()]),
        np.array(list(made.values())),
    )


def prior_outcome_prognosis(
    history: OutcomeHistory,
    *,
    generator: np.random.Generator,
    draws: int = 500,
    terms: ModelTerms | None = None,
) -> OutcomePrognosis:
    """Return the model before it has learnt: draws of its prior on the history's columns; for checks alone.

    Parameters
    ----------
    history : OutcomeHistory
        Gives the columns' means and SDs and the unit of time; no outcome is learnt from.
    generator : Generator
        Of the component ``fit``.
    draws : int
        Of the prior.
    terms : ModelTerms, optional
        As in `fit_outcome`.

    Returns
    -------
    OutcomePrognosis
        With draws of the prior.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, OutcomeHistory
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> answer, none = rng.integers(0, 2, 60).astype(float), np.zeros(60, dtype=int)
    >>> history = OutcomeHistory("response", "example", "binary", people, answer, np.full(60, 24.0), none)
    >>> prior_outcome_prognosis(history, generator=rng, draws=50).family
    'binary'
    """
    require_outcomes(history)
    require_outcome_terms(history, terms or ModelTerms())
    columns = Columns.of(history.covariates, terms)
    data, unit = responses_of(history, columns)
    blank = OutcomePrognosis(
        history.endpoint, history.family, columns, {}, data.cuts, unit, history.levels, {"prior": 1.0}, ""
    )
    drawn = concatenate([blank.law.draw_prior(data.shape, generator) for _ in range(draws)])
    return OutcomePrognosis(
        history.endpoint, history.family, columns, drawn, data.cuts, unit, history.levels, {"prior": 1.0}, ""
    )


def _of_studies(params: Params, history: OutcomeHistory, generator: np.random.Generator) -> Floats | float:
    """Return a fresh effect of each study (D, N); 0 for models without."""
    if "omega" not in params:
        return 0.0
    labels, member = np.unique(history.group, return_inverse=True)
    effects = params["omega"][:, None] * generator.standard_normal((len(params["omega"]), len(labels)))
    return np.asarray(effects[:, member.ravel()])


def _planned(outcome: Floats, time: Floats, generator: np.random.Generator) -> Floats:
    censored = np.sort(time[outcome == 0])
    limit = time.copy()
    for one in np.flatnonzero(outcome > 0):
        longer = censored[np.searchsorted(censored, time[one]) :]
        limit[one] = generator.choice(longer) if len(longer) else 1.0
    return limit


def _upper_half(prognosis: OutcomePrognosis, history: OutcomeHistory) -> np.ndarray:
    eta = linear_predictor(prognosis.params, prognosis.columns.matrix(history.covariates)).mean(axis=0)
    return np.asarray(eta > np.median(eta))


def _statistics(
    family: str, outcome: Floats, time: Floats, upper: np.ndarray, levels: tuple[str, ...]
) -> dict[str, Floats]:
    """Return each statistic of D histories, from outcomes and times (D, N)."""
    time = np.broadcast_to(time, outcome.shape)
    halves = dict(zip(_HALVES, (~upper, upper), strict=True))
    if family == "binary":
        share = {"share of responses": outcome.mean(axis=1)}
        return share | {f"share of responses, {n}": outcome[:, who].mean(axis=1) for n, who in halves.items()}
    if family == "ordinal":
        shares = {f"share at level {name}": (outcome == k).mean(axis=1) for k, name in enumerate(levels)}
        return shares | {f"mean level, {n}": outcome[:, who].mean(axis=1) for n, who in halves.items()}
    if family == "count":
        return {
            "events over the longest follow-up": outcome.sum(axis=1) / time.sum(axis=1),
            "SD of counts": outcome.std(axis=1),
            "share without any": (outcome == 0).mean(axis=1),
            "largest count": outcome.max(axis=1),
        } | {
            f"events over the longest follow-up, {n}": outcome[:, who].sum(axis=1) / time[:, who].sum(axis=1)
            for n, who in halves.items()
        }
    require_event_family(family)
    return {
        "share with an event": outcome.mean(axis=1),
        "share with an event by half of the follow-up": (outcome * (time <= 0.5)).mean(axis=1),
        "mean time at risk, of the longest": time.mean(axis=1),
    } | {f"share with an event, {n}": outcome[:, who].mean(axis=1) for n, who in halves.items()}
