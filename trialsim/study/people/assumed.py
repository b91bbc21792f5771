"""Assumed twins: people of a marginal law with a score that tells as much as is declared.

The marginal law of every arm stays exactly what it is without twins. Each person has one random number g
(standard normal, ascending in the outcome on placebo) from which the outcome in every arm comes, and the
score is ρ g + √(1 − ρ²) e: a Gaussian copula of score and outcome on placebo. ρ is found so that the declared
strength holds among these people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit, gammaincinv, logit, ndtri
from scipy.stats import poisson, rankdata

from trialsim.data import Floats, Ints
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import (
    BinaryOutcome,
    ContinuousOutcome,
    CountOutcome,
    DeclaredTrial,
    OrdinalOutcome,
    TimeToEventOutcome,
)
from trialsim.streams import stream
from trialsim.study.declared.drawing.strata import Strata, log_ratios
from trialsim.study.declared.drawing.worlds import covariance, survival_world, visit_effect
from trialsim.study.people.potential import require_room
from trialsim.study.people.strength import (
    Strength,
    concordance,
    partial_correlation,
    score_of_strength,
)
from trialsim.trial.outcomes import covariance_factor
from trialsim.trial.register import Register

REGISTER = 100_000
STREAM = "register"
_STEPS_AT_A_TIME = 1_000_000
Chance = Callable[[str], np.random.Generator]


@dataclass(frozen=True)
class Drawn:
    """Outcomes of people in every arm (A, M, K), their latent order (M,), and how scores are judged."""

    outcomes: Floats
    latent: Floats
    strength: Strength


def register_assumed(trial: DeclaredTrial, size: int = REGISTER) -> Register:
    """Return people of the trial's marginal law, with a score of the declared strength.

    Parameters
    ----------
    trial : DeclaredTrial
        With ``twins.source = "assumed"``.
    size : int
        M.

    Returns
    -------
    Register
        Without covariates; the same for the same trial.

    Raises
    ------
    ProtocolError
        No score can be so strong, or the law is not served with twins.
    """
    assert trial.twins is not None
    chance = partial(stream, trial.seed, STREAM, 0)
    strata = Strata.of(trial)
    edges = np.cumsum(strata.shares)[:-1]
    stratum = np.searchsorted(edges, chance("recruitment").random(size), side="right")
    drawn = _draw(trial, strata, stratum, chance)
    (name, wanted), *_ = trial.twins.strengths.items()
    score, _ = score_of_strength(
        drawn.latent, chance("twins").standard_normal(size), drawn.strength, wanted, f"twins.{name}"
    )
    return Register(
        np.empty(0, dtype=np.str_),
        np.empty((size, 0)),
        score[:, None],
        drawn.outcomes,
        strata.levels[stratum],
    )


def _draw(trial: DeclaredTrial, strata: Strata, stratum: Ints, chance: Chance) -> Drawn:
    outcome = trial.outcome
    match outcome:
        case ContinuousOutcome():
            return _scores(trial, outcome, strata, stratum, chance("outcome"))
        case BinaryOutcome():
            return _responses(trial, outcome, stratum, chance("outcome"))
        case OrdinalOutcome():
            return _levels(trial, outcome, stratum, chance("outcome"))
        case CountOutcome():
            return _counts(trial, outcome, stratum, chance("outcome"))
        case TimeToEventOutcome():
            return _events(trial, outcome, stratum, chance("outcome"))
        case _:
            raise ProtocolError("are not served with this outcome", field="twins", value=outcome.kind)


def _scores(
    trial: DeclaredTrial, outcome: ContinuousOutcome, strata: Strata, stratum: Ints, rng: np.random.Generator
) -> Drawn:
    points = len(outcome.mean)
    normal = rng.standard_normal((len(stratum), points))
    control = normal @ covariance_factor(covariance(outcome), points).T + np.asarray(outcome.mean)
    control = control + strata.outcome[stratum][:, None]
    arms = [control]
    for arm in range(1, len(trial.arms)):
        effect = visit_effect(trial, arm)
        treated = control + effect.shift
        if effect.subgroup is not None:
            treated = treated + strata.inside(trial, arm)[stratum][:, None] * effect.subgroup
        arms.append(treated)
    baseline, last = control[:, 0], control[:, -1]
    given = baseline - baseline.mean()
    left = last - last.mean() - given * (given @ (last - last.mean())) / (given @ given)
    return Drawn(np.stack(arms), left / left.std(), partial_correlation(last, baseline))


def _responses(
    trial: DeclaredTrial, outcome: BinaryOutcome, stratum: Ints, rng: np.random.Generator
) -> Drawn:
    uniform = rng.random(len(stratum))
    chances = expit(logit(outcome.control) + log_ratios(trial)[:, stratum])
    had = (uniform < chances).astype(np.float64)
    # Whoever responds at a smaller chance is further up.
    return Drawn(had[..., None], _normal(logit(chances[0]) - logit(uniform)), concordance(had[0]))


def _levels(trial: DeclaredTrial, outcome: OrdinalOutcome, stratum: Ints, rng: np.random.Generator) -> Drawn:
    draw = logit(rng.random(len(stratum)))
    latent = draw + log_ratios(trial)[:, stratum]
    cuts = logit(np.cumsum(outcome.shares)[:-1])
    level = np.searchsorted(cuts, latent, side="left").astype(np.float64)
    return Drawn(level[..., None], _normal(latent[0]), concordance(level[0]))


def _counts(trial: DeclaredTrial, outcome: CountOutcome, stratum: Ints, rng: np.random.Generator) -> Drawn:
    rate, dispersion = outcome.control
    people = len(stratum)
    shared = rng.random(people)
    frailty = dispersion * gammaincinv(1 / dispersion, shared) if dispersion else np.ones(people)
    mean = rate * outcome.months * frailty * np.exp(log_ratios(trial)[:, stratum])
    jitter = rng.random(people)
    if outcome.kind == "count":
        uniform = rng.random(people)
        found = np.asarray(poisson.ppf(uniform, mean))
        counts, outcomes = found[0], found[..., None]
    else:
        outcomes = _recurrences(np.asarray(mean), outcome.months, rng)
        counts = np.isfinite(outcomes[0]).sum(axis=1).astype(np.float64)
    # Equal counts are put in order by chance: a score cannot tell what no count shows.
    return Drawn(outcomes, _normal(counts + jitter * 0.999), partial_correlation(counts))


def _recurrences(mean: Floats, months: float, rng: np.random.Generator) -> Floats:
    """Return the months (A, M, K) of recurrent events of people who expect `mean` (A, M) of them."""
    most = _most_steps(float(mean.max()))
    parts = []
    # A few people at a time: most steps lead beyond the follow-up.
    for some in np.array_split(mean, max(1, mean.shape[1] * most // _STEPS_AT_A_TIME), axis=1):
        steps = np.cumsum(rng.standard_exponential((some.shape[1], most)), axis=1)
        when = steps * (months / some)[..., None]
        widest = max(int((when <= months).sum(axis=2).max()), 1)
        require_room(mean.shape[0], mean.shape[1], widest)
        parts.append(np.where(when <= months, when, np.nan)[..., :widest].copy())
    outcomes = np.full((*mean.shape, max(part.shape[2] for part in parts)), np.nan)
    first = 0
    for part in parts:
        outcomes[:, first : first + part.shape[1], : part.shape[2]] = part
        first += part.shape[1]
    return outcomes


def _most_steps(mean: float) -> int:
    """Return how many events nobody exceeds: beyond the mean by ten of its standard deviations."""
    return int(np.ceil(mean + 10 * np.sqrt(mean) + 20))


def _events(
    trial: DeclaredTrial, outcome: TimeToEventOutcome, stratum: Ints, rng: np.random.Generator
) -> Drawn:
    if outcome.dropout_dependence:
        raise ProtocolError(
            "is not served together with twins", field="endpoints.dropout_dependence",
            value=outcome.dropout_dependence, mend="leave one of the two out",
        )  # fmt: skip
    # Only the laws are read here: the trial that recruits these people allocates them by its own scheme.
    world = survival_world(trial, allocates=False)
    need = rng.standard_exponential(len(stratum))
    shared = rng.random(len(stratum))
    if outcome.frailty:
        need = need / (outcome.frailty * gammaincinv(1 / outcome.frailty, shared))
    times = np.stack(
        [law.time_of(need / world.hazard_ratios[arm, stratum]) for arm, law in enumerate(world.events)]
    )
    # The event comes sooner where less is needed; whoever is cured keeps an order.
    latent = _normal(-need / world.hazard_ratios[0, stratum])
    return Drawn(times[..., None], latent, concordance(-times[0]))


def _normal(values: Floats) -> Floats:
    """Return normal scores of ranks (M,)."""
    return np.asarray(ndtri((rankdata(values) - 0.5) / len(values)))
