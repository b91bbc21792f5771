"""One outcome a person in every arm, from the same random numbers: responses, levels, counts, events.

Each person has one posterior draw of the parameters, and with it the linear predictor of one's own. What
treatment and drift do is added to that: log odds, log rates or log hazards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import poisson

from trialsim.data import Bools, Covariates, Floats, Ints
from trialsim.errors import ProtocolError
from trialsim.prognosis import OutcomePrognosis
from trialsim.prognosis.families import Params, beta
from trialsim.prognosis.families.ordinal import cutpoints
from trialsim.prognosis.families.piecewise import levels as log_levels
from trialsim.protocol.declared.outcome import MOST_EVENTS
from trialsim.protocol.outcome_table import WEEKS_IN

_CHUNK = 20_000
# Times of recurrent events in a register: what makes them must fit into memory beside them.
LARGEST_BYTES = 500_000_000


@dataclass(frozen=True)
class OwnDraws:
    """M people with a posterior draw each.

    Parameters
    ----------
    params : dict of str to ndarray (M, ...)
        The draws.
    eta : ndarray (M,)
        Linear predictor on placebo, in the average study.
    """

    params: Params
    eta: Floats

    @classmethod
    def of(
        cls, model: OutcomePrognosis, people: Covariates, who: Ints, generator: np.random.Generator
    ) -> OwnDraws:
        """Draw one posterior draw for each of M people, who are positions (M,) among N participants."""
        chosen = generator.integers(len(model.params["tau"]), size=len(who))
        x, coefficients = model.columns.matrix(people), beta(model.params)
        eta = np.empty(len(who))
        for start in range(0, len(who), _CHUNK):
            part = slice(start, start + _CHUNK)
            eta[part] = np.einsum("mk,mk->m", x[who[part]], coefficients[chosen[part]])
        if "intercept" in model.params:
            eta += model.params["intercept"][chosen]
        kept = {name: value for name, value in model.params.items() if name not in ("effect_raw", "beta_raw")}
        return cls({name: value[chosen] for name, value in kept.items()}, eta)


def responses(own: OwnDraws, log_odds: Floats, generator: np.random.Generator) -> Floats:
    """Return responses (A, M, 1) at log odds ratios (A, M)."""
    uniform = generator.random(len(own.eta))
    return np.asarray((uniform < expit(own.eta + log_odds)).astype(float)[..., None])


def ordered_levels(own: OwnDraws, log_odds: Floats, generator: np.random.Generator) -> Floats:
    """Return positions (A, M, 1) at log odds ratios (A, M) of more than any level."""
    latent = own.eta + generator.logistic(size=len(own.eta)) + log_odds
    cuts = cutpoints(own.params)
    return np.asarray((latent[..., None] > cuts).sum(axis=-1).astype(float)[..., None])


def counts(
    own: OwnDraws, log_rates: Floats, follow_up: float, recurrent: bool, generator: np.random.Generator
) -> Floats:
    """Return counts (A, M, 1), or months in units of follow-up (A, M, K) of recurrent events.

    Parameters
    ----------
    own : OwnDraws
        Of the count family.
    log_rates : ndarray (A, M)
        Log rate ratios.
    follow_up : float
        In units of the history's longest.
    recurrent : bool
        Whether the times are kept: shares of follow-up in (0, 1], NaN beyond the last event.
    generator : Generator
        Of the component ``outcome``.

    Raises
    ------
    ProtocolError
        Somebody has more events than can be kept.
    """
    size = np.maximum(own.params["rate_cv"], 1e-6) ** -2.0
    frailty = generator.gamma(size) / size
    mean: Floats = np.asarray(np.exp(own.eta + log_rates) * frailty * follow_up)
    if not recurrent:
        return np.asarray(poisson.ppf(generator.random(len(own.eta)), mean))[..., None]
    if mean.max() > MOST_EVENTS:
        raise ProtocolError(
            f"somebody expects {mean.max():,.0f} recurrent events, above {MOST_EVENTS}",
            field="endpoints.months", mend='give a shorter follow-up, or kind = "count"',
        )  # fmt: skip
    largest = mean.max(axis=0)
    steps: list[Floats] = []
    reached = np.zeros(len(own.eta))
    open_: Bools = np.ones(len(own.eta), dtype=bool)
    while open_.any():
        reached = reached + generator.standard_exponential(len(own.eta))
        open_ = reached <= largest
        steps.append(reached)
        require_room(mean.shape[0], mean.shape[1], len(steps) - 1)
    arrivals = np.stack(steps[:-1] or steps, axis=1)
    widest = max(int((arrivals <= largest[:, None]).sum(axis=1).max()), 1)
    kept = np.full((len(mean), len(largest), widest), np.nan)
    for arm, own_mean in enumerate(mean):
        np.divide(arrivals[:, :widest], own_mean[:, None], out=kept[arm])
        kept[arm][kept[arm] > 1.0] = np.nan
    return kept


def event_times(
    own: OwnDraws,
    family: str,
    cuts: Floats,
    log_hazards: Floats,
    drift: float,
    since: Floats,
    generator: np.random.Generator,
) -> Floats:
    """Return times (A, M, 1) of events, in units of the history's longest follow-up; infinite for the cured.

    A person has the event when the cumulative hazard reaches an exponential draw that all arms share. A log
    hazard ratio of an arm acts from its `since` on. Beyond the history the last piecewise hazard goes on.

    Parameters
    ----------
    own : OwnDraws
        Of an event family.
    family : str
        ``piecewise``, ``weibull`` or ``cure``.
    cuts : ndarray (J-1,)
        Of a piecewise hazard.
    log_hazards : ndarray (A, M)
        Log hazard ratios of arms.
    drift : float
        Log hazard ratio of everybody.
    since : ndarray (A,)
        When an arm's ratio begins.
    generator : Generator
        Of the component ``outcome``.
    """
    need = generator.standard_exponential(len(own.eta)) / np.exp(own.eta + drift)
    law: _Piecewise | _Weibull
    if family == "piecewise":
        law = _Piecewise.of(own.params, cuts)
    else:
        law = _Weibull(np.exp(own.params["log_shape"]))
    times = np.empty(log_hazards.shape)
    for arm, (ratio, start) in enumerate(zip(log_hazards, since, strict=True)):
        before = law.cumulative(np.full(len(need), start))
        slowed = np.where(need <= before, need, before + (need - before) / np.exp(ratio))
        times[arm] = law.time_of(slowed)
    if family == "cure":
        times[:, generator.random(len(need)) < expit(own.params["logit_cure"])] = np.inf
    return times[..., None]


def require_room(arms: int, people: int, events: int) -> None:
    """Raise if somebody has so many recurrent events that keeping their times takes half a gigabyte.

    Times are kept in every arm, in as many places as anybody has events.

    Raises
    ------
    ProtocolError
        The register would be too large.

    Examples
    --------
    >>> require_room(2, 100_000, 300)
    >>> require_room(2, 100_000, 400)
    Traceback (most recent call last):
        ...
    trialsim.errors.ProtocolError: endpoints.kind: somebody has 400 events or more, ...
    """
    if 8 * arms * people * events > LARGEST_BYTES:
        raise ProtocolError(
            f"somebody has {events:,} events or more, whose times in a register of {people:,} people take "
            f"more than {LARGEST_BYTES / 1e9:g} GB",
            field="endpoints.kind", value="recurrent",
            mend='use kind = "count", which keeps no times, a shorter follow-up, or fewer people',
        )  # fmt: skip


@dataclass(frozen=True)
class _Weibull:
    """Cumulative hazard ``t^k`` of people (M,) with a linear predictor of 0."""

    shape: Floats

    def cumulative(self, time: Floats) -> Floats:
        return np.asarray(time**self.shape)

    def time_of(self, hazard: Floats) -> Floats:
        return np.asarray(hazard ** (1 / self.shape))


@dataclass(frozen=True)
class _Piecewise:
    """Hazards (M, J) from starts (J,) on, and what they add up to before each (M, J)."""

    rates: Floats
    starts: Floats
    before: Floats

    @classmethod
    def of(cls, params: Params, cuts: Floats) -> _Piecewise:
        rates, starts = np.exp(log_levels(params)), np.concatenate([[0.0], cuts])
        before = np.zeros_like(rates)
        before[:, 1:] = np.cumsum(rates[:, :-1] * np.diff(starts), axis=1)
        return cls(rates, starts, before)

    def cumulative(self, time: Floats) -> Floats:
        where = np.searchsorted(self.starts, time, side="right") - 1
        one = np.arange(len(time))
        return np.asarray(self.before[one, where] + self.rates[one, where] * (time - self.starts[where]))

    def time_of(self, hazard: Floats) -> Floats:
        where = (hazard[:, None] >= self.before).sum(axis=1) - 1
        one = np.arange(len(hazard))
        return np.asarray(self.starts[where] + (hazard - self.before[one, where]) / self.rates[one, where])


def in_units(model: OutcomePrognosis, months: float) -> float:
    """Return months in units of the history's longest follow-up."""
    return months * WEEKS_IN["months"] / model.unit
