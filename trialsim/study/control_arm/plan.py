"""A control arm sized by formula, from the worlds of a trial and the out-of-sample gain of its score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trialsim.data import History
from trialsim.design import (
    PlanningMoments,
    PrognosticGain,
    Size,
    SizingQuestion,
    plan_control_arm,
    size_for_power,
)
from trialsim.design.control_arm import ControlArmPlan
from trialsim.design.sizes.variance import AnalysisName
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.prognosis import Calibration, Gain, HistorySummary, summarise
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial, grid_points
from trialsim.protocol.declared.consistency.parts import lacks_of_formula
from trialsim.study.control_arm.facts import WorldFacts, facts_of_world
from trialsim.study.declared.cells import RegisterOf
from trialsim.study.people.from_card import register_from_card
from trialsim.study.people.from_history import register_from_history
from trialsim.study.people.learning import LearntTwins
from trialsim.study.sizing.resized import at_size
from trialsim.study.sizing.sizes import FIRST_GUESS
from trialsim.study.sizing.tables import AS_DECLARED, DISCOUNTED, WORST_PLAUSIBLE

ANALYSES: tuple[AnalysisName, ...] = ("unadjusted", "ancova", "prognostic")


@dataclass(frozen=True)
class ControlArm(InNotebook):
    """A control arm that is sized by formula, and what its sizes rest on.

    Parameters
    ----------
    trial : DeclaredTrial
        As declared.
    folder : Path
        Of the protocol: the path of a card is relative to it.
    learnt : LearntTwins
        Its twins.
    scenario : str
        Name of the scenario in which the assumed effect holds.
    alternative : DeclaredTrial
        The trial in that world.
    facts : dict of str to WorldFacts
        What is true in each scenario.
    plan : ControlArmPlan
        The answer.
    at_the_model : PlanningMoments, optional
        What a model's people have before their changes get the SD of a real history: those of a disease
        model, or of the twins' own; None where the trial's model made the history.
    """

    trial: DeclaredTrial
    folder: Path
    learnt: LearntTwins
    scenario: str
    alternative: DeclaredTrial
    facts: dict[str, WorldFacts]
    plan: ControlArmPlan
    at_the_model: PlanningMoments | None = None

    @property
    def truth(self) -> WorldFacts:
        """What is true where the assumed effect holds."""
        return self.facts[self.scenario]

    @property
    def gain(self) -> Gain:
        """What the score tells beyond the baseline, out of sample."""
        assert self.learnt.gain is not None
        return self.learnt.gain

    @property
    def calibration(self) -> Calibration:
        """Whether twins are honest, out of sample."""
        assert self.learnt.calibration is not None
        return self.learnt.calibration

    @property
    def history(self) -> History:
        """The past participants, whose values nobody prints."""
        assert isinstance(self.learnt.history, History)
        return self.learnt.history

    @property
    def summary(self) -> HistorySummary:
        """What may be said of the history."""
        return summarise(self.history)

    @property
    def optimistic(self) -> bool:
        """Whether the trial's own model made the history."""
        return self.learnt.facts.generated

    @property
    def whose_model(self) -> str:
        """Whose SD people would have without the history's: the disease model's, or that of the twins."""
        population = self.trial.population
        return "disease model" if population is not None and population.kind == "card" else "twins' model"

    @property
    def formula_power(self) -> dict[str, float]:
        """The formula's power of each planned size at the moments of the alternative's own people."""
        return self.plan.power_at(self.truth.moments)

    def strengths(self) -> dict[str, float]:
        """Return by what factor each figure weakens the score, for a search of sizes by simulation."""
        return {
            AS_DECLARED: self.strength("undiscounted"),
            DISCOUNTED: self.strength("discounted"),
            WORST_PLAUSIBLE: self.strength("worst_plausible"),
        }

    def strength(self, figure: str) -> float:
        """Return the factor that makes the people's score as weak as a figure says, at most 1.

        A history that the trial's model made and people of the history itself give the score its strength
        already; that of a model's people is weakened to what a real history shows.
        """
        own = self.truth.moments.partial_correlation[0]
        wanted = next(one for one in self.plan.savings if one.figure == figure).partial_correlation[0]
        population = self.trial.population
        assert population is not None
        if self.optimistic or population.kind == "history":
            point = self.plan.saving("undiscounted").partial_correlation[0]
            return 1.0 if point <= 0 and figure == "undiscounted" else wanted / point if point > 0 else 0.0
        return min(1.0, wanted / own) if own > 0 else 1.0


def scored_analysis(trial: DeclaredTrial) -> AnalysisDeclared:
    """Return the analysis of covariance with the score that sizes by formula are of."""
    return next(one for one in trial.analyses if one.kind == "ancova" and one.adjust == ("score",))


def sizing_question(trial: DeclaredTrial, effect: float) -> SizingQuestion:
    """Return what is asked of the formula, for a true effect at the last visit."""
    asked, analysis = trial.sizing, scored_analysis(trial)
    assert asked is not None
    parts = [arm.allocation for arm in trial.arms]
    control, active = (_lost(trial, name) for name in trial.arm_names)
    return SizingQuestion(
        effect=effect,
        power=asked.power,
        # Formulas are two-sided; the declared level is one-sided.
        alpha=2 * trial.design.alpha,
        allocation=(parts[0] / sum(parts), parts[1] / sum(parts)),
        dropout=(control, active),
        slopes=analysis.slopes,
        variance=analysis.variance,
        largest_trial=asked.largest_trial,
    )


def _lost(trial: DeclaredTrial, arm: str) -> float:
    stopped = sum(one.cumulative[arm] for one in trial.discontinuation)
    return float(stopped + sum(one.cumulative[arm] * (1 - one.observed) for one in trial.intercurrent_events))


def control_arm_of(
    trial: DeclaredTrial, learnt: LearntTwins | None, register_of: RegisterOf, folder: Path = Path()
) -> ControlArm | None:
    """Size the control arm of a trial by formula; None where a trial has no formula.

    SDs, baseline correlations and the effect are those of the people that trials recruit from; the partial
    correlation of score and outcome is the history's, out of sample. The treated arm has no history: its
    partial correlation is the history's times the ratio of both arms among these people.

    Parameters
    ----------
    trial : DeclaredTrial
        As declared.
    learnt : LearntTwins, optional
        Its twins.
    register_of : callable
        From a resolved trial to the register that it recruits from.
    folder : Path
        Of the protocol.

    Returns
    -------
    ControlArm or None

    Raises
    ------
    DesignError
        No trial within the allowed size reaches the power.
    """
    if learnt is None or learnt.gain is None or lacks_of_formula(trial):
        return None
    start = trial if trial.participants is not None else at_size(trial, FIRST_GUESS)
    worlds = {point.scenario: point for point in grid_points(start) if point.trial is not None}
    facts = {}
    for name, point in worlds.items():
        assert point.trial is not None
        register = register_of(point.trial)
        assert register is not None
        facts[name] = facts_of_world(name, register)
    name, alternative = next(
        (one.scenario, one.trial) for one in worlds.values() if one.kind == "alternative"
    )
    assert alternative is not None
    plan = _plan(trial, name, facts, learnt.gain)
    own = _at_the_model(alternative, learnt, folder)
    return ControlArm(trial, folder, learnt, name, alternative, facts, plan, own)


def _at_the_model(alternative: DeclaredTrial, learnt: LearntTwins, folder: Path) -> PlanningMoments | None:
    """Return what people would have with the SD of their model in the place of a real history's."""
    (scenario,) = alternative.scenarios
    if alternative.population is None or learnt.facts.generated:
        return None
    if alternative.population.kind == "card":
        people = register_from_card(alternative, learnt, folder, own_spread=False)
    else:
        people = register_from_history(alternative, learnt, own_spread=False)
    return facts_of_world(scenario.name, people).moments


def _plan(trial: DeclaredTrial, alternative: str, facts: dict[str, WorldFacts], gain: Gain) -> ControlArmPlan:
    truth, asked = facts[alternative], trial.sizing
    assert asked is not None
    control, active = truth.moments.partial_correlation
    ratio = float(np.clip(active / control, 0.0, 1.0)) if control > 0 else 1.0
    # A drift weakens the score by a factor in the trial's model; the history's score is weakened alike.
    point = max(gain.partial_correlation, 0.0)
    drifts = {
        world.name: point * facts[world.name].moments.partial_correlation[0] / control if control > 0 else 0.0
        for world in trial.scenarios
        if world.drift is not None and world.twins != "useless"
    }
    return plan_control_arm(
        truth.moments,
        PrognosticGain(
            partial_correlation=gain.partial_correlation,
            partial_correlation_lower=gain.partial_correlation_95[0],
            partial_correlation_upper=gain.partial_correlation_95[1],
            drift_partial_correlations=drifts,
            gain=gain.gain,
            gain_lower=gain.gain_90[0],
            active_to_control=ratio,
        ),
        sizing_question(trial, truth.true_effect),
        correlation_discount=asked.correlation_discount,
        sd_inflation=asked.sd_inflation,
        smallest_worthwhile_saving=asked.smallest_worthwhile_saving,
    )


def sizes_at_the_model(arm: ControlArm) -> dict[str, Size | None]:
    """Return each analysis's size if people spread as their model has it, to stand beside the answer.

    Parameters
    ----------
    arm : ControlArm
        Sized by formula.

    Returns
    -------
    dict of str to Size or None
        By analysis; None where no allowed trial reaches the power. Empty where people have no other SD than
        the one that sizes are computed from.
    """
    if arm.at_the_model is None:
        return {}
    planned = arm.plan.moments.partial_correlation
    moments = replace(arm.at_the_model, partial_correlation=planned)
    sizes: dict[str, Size | None] = {}
    for name in ANALYSES:
        try:
            sizes[name] = size_for_power(moments, name, arm.plan.question)
        except DesignError:
            sizes[name] = None
    return sizes
