"""The register: a large pool of virtual participants with their latent course and their placebo twin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from trialsim.data import Covariates, DiseaseModel, Floats
from trialsim.design import PlanningMoments
from trialsim.population import CohortCard, draw_eligible
from trialsim.prognosis import Prognosis
from trialsim.protocol import Protocol, Scenario
from trialsim.streams import stream
from trialsim.trial import Pool
from trialsim.trial.outcomes import treated_course

# Every world draws its register from the same streams, so that worlds differ by their drift alone.
STREAM = "register"


@dataclass(frozen=True)
class RegisterFacts:
    """What is true in a scenario's world, read off its register.

    Parameters
    ----------
    scenario : str
        Name of the scenario.
    participants : int
        M.
    true_effect : float
        Mean difference at the last visit, active minus control, over the register.
    true_effect_error : float
        Standard error of that mean from the register being a sample of the population.
    moments : PlanningMoments
        SD of the change, its correlation with the baseline, and its partial correlation with the score.
    mean_change : float
        Mean measured change of controls at the last visit.
    baseline_mean, baseline_sd : float
        Of the measured baseline.
    score_outcome_correlation : float
        Correlation of the score with the measured outcome of controls, before any adjustment.
    screen_failure_rate : float
        Share of the population that is not eligible.
    """

    scenario: str
    participants: int
    true_effect: float
    true_effect_error: float
    moments: PlanningMoments
    mean_change: float
    baseline_mean: float
    baseline_sd: float
    score_outcome_correlation: float
    screen_failure_rate: float


@dataclass(frozen=True)
class Register:
    """A pool of participants in one world, their covariates, and what is true of them."""

    covariates: Covariates
    pool: Pool
    facts: RegisterFacts


def world_of(scenario: Scenario) -> str:
    """Return what a scenario's participants depend on: everything but whether treatment acts."""
    return scenario.model_dump_json(include={"outcome_shift", "progression", "covariate_shift"}) + str(
        scenario.kind == "useless_twin"
    )


def build_register(
    protocol: Protocol,
    card: CohortCard,
    disease: DiseaseModel,
    prognosis: Prognosis,
    scenario: Scenario,
    shared: Register | None = None,
) -> Register:
    """Draw a scenario's register: covariates, latent course, measured baseline, placebo twin.

    The twin sees the covariates and the measured baseline only, and is the one that was fitted to the
    history whatever the scenario's drift. In a scenario of kind ``useless_twin`` the twins are
    shuffled between participants.

    Parameters
    ----------
    protocol : Protocol
        Eligibility, visits, effect, and the size M of the register.
    card : CohortCard
        Who the participants are.
    disease : DiseaseModel
        What happens to them.
    prognosis : Prognosis
        Issues their twins.
    scenario : Scenario
        The world.
    shared : Register, optional
        Register of a scenario with the same `world_of`; its participants are then used again.

    Returns
    -------
    Register
    """
    # One BLAS thread: sums over a register have the same bits whatever the machine has.
    with threadpool_limits(1, user_api="blas"):
        if shared is None:
            covariates, pool, screen_failure_rate = _draw(protocol, card, disease, prognosis, scenario)
        else:
            covariates, pool = shared.covariates, shared.pool
            screen_failure_rate = shared.facts.screen_failure_rate
        measurement = stream(protocol.seed, STREAM, 1, "outcome")
        facts = _facts(protocol, disease, pool, scenario, screen_failure_rate, measurement)
    return Register(covariates, pool, facts)


def _draw(
    protocol: Protocol, card: CohortCard, disease: DiseaseModel, prognosis: Prognosis, scenario: Scenario
) -> tuple[Covariates, Pool, float]:
    """Draw the participants of a world."""
    weeks = np.array((0.0, *protocol.visits.weeks))
    size = protocol.simulation.register_size

    def chance(component: str) -> np.random.Generator:
        return stream(protocol.seed, STREAM, 0, component)

    draw = draw_eligible(
        card, size, chance("register"), protocol.eligibility, shift=dict(scenario.covariate_shift)
    )
    course = disease.draw_course(draw.covariates, chance("disease"))
    natural = disease.natural_history(course, weeks, progression=scenario.progression)
    placebo = disease.placebo_response(course, weeks)
    placebo = placebo + np.where(weeks > 0, scenario.outcome_shift, 0.0)
    baseline = disease.measure(natural[:, :1], placebo[:, :1], chance("outcome"))[:, 0]
    twins = prognosis.predict(
        draw.covariates.select(protocol.prognosis.covariates), baseline, weeks=weeks[-1:]
    )
    score, score_sd = twins.score[:, 0], twins.sd[:, 0]
    if scenario.kind == "useless_twin":
        order = chance("twins").permutation(size)
        score, score_sd = score[order], score_sd[order]
    return draw.covariates, Pool(natural, placebo, baseline, score, score_sd), draw.screen_failure_rate


def _facts(
    protocol: Protocol,
    disease: DiseaseModel,
    pool: Pool,
    scenario: Scenario,
    screen_failure_rate: float,
    generator: np.random.Generator,
) -> RegisterFacts:
    weeks = np.array((0.0, *protocol.visits.weeks))
    natural, placebo = pool.natural[:, -1:], pool.placebo[:, -1:]
    treated = natural
    if scenario.effect == "assumed":
        treated = treated_course(pool.natural, weeks, protocol.effect, disease)[:, -1:]
    difference = disease.measured_mean(treated, placebo) - disease.measured_mean(natural, placebo)
    control, active = (
        disease.measure(mean, placebo, generator)[:, 0] - pool.baseline for mean in (natural, treated)
    )
    return RegisterFacts(
        scenario=scenario.name,
        participants=len(pool),
        true_effect=float(difference.mean()),
        true_effect_error=float(difference.std(ddof=1) / np.sqrt(len(pool))),
        moments=measured_moments((control, active), pool.baseline, pool.score),
        mean_change=float(control.mean()),
        baseline_mean=float(pool.baseline.mean()),
        baseline_sd=float(pool.baseline.std(ddof=1)),
        score_outcome_correlation=float(np.corrcoef(pool.score, control + pool.baseline)[0, 1]),
        screen_failure_rate=screen_failure_rate,
    )


def measured_moments(changes: tuple[Floats, Floats], baseline: Floats, score: Floats) -> PlanningMoments:
    """Return the planning moments of two arms' changes from baseline.

    Parameters
    ----------
    changes : pair of ndarray (N,)
        Change at the last visit as a control, and as an active participant.
    baseline, score : ndarray (N,)
        Measured baseline and prognostic score of the same participants.

    Returns
    -------
    PlanningMoments
    """
    rest = _without(score, baseline)
    rows = [
        (
            float(change.std(ddof=1)),
            float(np.corrcoef(change, baseline)[0, 1]),
            float(np.corrcoef(_without(change, baseline), rest)[0, 1]),
        )
        for change in changes
    ]
    sd, with_baseline, partial = zip(*rows, strict=True)
    return PlanningMoments(sd, with_baseline, partial)


def _without(values: Floats, baseline: Floats) -> Floats:
    """Return what is left of values after a straight line in the baseline."""
    centred = baseline - baseline.mean()
    slope = centred @ values / (centred @ centred)
    return np.asarray(values - values.mean() - slope * centred)
