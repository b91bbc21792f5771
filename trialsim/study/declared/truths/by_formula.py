"""What each declared analysis estimates, where that is one number, and the true value of each estimand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats
from trialsim.protocol.declared import (
    AnalysisDeclared,
    BinaryOutcome,
    ContinuousOutcome,
    CountOutcome,
    DeclaredTrial,
    HazardRatio,
    OrdinalOutcome,
    TimeToEventOutcome,
)
from trialsim.study.declared.drawing.strata import Strata, log_ratios, ratio_of
from trialsim.study.declared.drawing.worlds import visit_effect
from trialsim.study.declared.refusing import unserved
from trialsim.trial import LongitudinalWorld, SurvivalWorld, true_values
from trialsim.trial.intercurrent_events import STRATEGIES, TrueValue

Chance = Callable[[str], np.random.Generator]

_GRID = 20_000


@dataclass(frozen=True)
class Truth:
    """A true value, and its Monte Carlo error where it comes from a sample.

    Parameters
    ----------
    value : float or None
        None where an analysis estimates no single number in this world.
    mcse : float
        0 for a closed form.
    note : str
        Why there is no value; empty if there is one.
    """

    value: float | None
    mcse: float = 0.0
    note: str = ""


def declared_truth(
    trial: DeclaredTrial, analysis: AnalysisDeclared, survival: SurvivalWorld | None, declared: Truth | None
) -> Truth:
    """Return what an analysis is held against.

    Parameters
    ----------
    trial : DeclaredTrial
        The trial.
    analysis : AnalysisDeclared
        The analysis.
    survival : SurvivalWorld or None
        World of times to event.
    declared : Truth or None
        True value under the declared strategies, where there are intercurrent events.
    """
    if declared is not None:
        return declared
    outcome = trial.outcome
    strata = Strata.of(trial)
    if isinstance(outcome, ContinuousOutcome):
        effect = visit_effect(trial, 1)
        extra = 0.0 if effect.subgroup is None else float(effect.subgroup[-1])
        share = float(strata.shares[strata.inside(trial, 1)].sum())
        return Truth(float(effect.shift[-1]) + share * extra)
    if isinstance(outcome, TimeToEventOutcome):
        assert survival is not None
        return _of_survival(trial, analysis, survival)
    if isinstance(outcome, OrdinalOutcome):
        return _of_categories(trial, analysis, outcome.shares, strata)
    ratios = log_ratios(trial)[:2]
    if isinstance(outcome, BinaryOutcome):
        return Truth(_of_risks(analysis, outcome.control, ratios, strata))
    if not isinstance(outcome, CountOutcome):
        raise unserved(analysis.kind, outcome.kind)
    rates = (np.exp(ratios) * strata.shares).sum(axis=1)
    return Truth(math.log(rates[1] / rates[0]))


def _of_risks(analysis: AnalysisDeclared, control: float, ratios: Floats, strata: Strata) -> float:
    logit = math.log(control / (1 - control))
    risks = ((1 / (1 + np.exp(-(logit + ratios)))) * strata.shares).sum(axis=1)
    if analysis.kind == "log_odds_ratio":
        odds = risks / (1 - risks)
        return math.log(odds[1] / odds[0])
    if analysis.kind in ("risk_difference", "g_computation"):
        return float(risks[1] - risks[0])
    raise unserved(analysis.kind, "response")


def _of_categories(
    trial: DeclaredTrial, analysis: AnalysisDeclared, shares: tuple[float, ...], strata: Strata
) -> Truth:
    ratios = log_ratios(trial)[:2]
    if analysis.kind == "proportional_odds":
        effect = ratios[1] - ratios[0]
        alike = np.ptp(ratios[0]) == 0 or sorted(analysis.adjust) == sorted(one.name for one in trial.strata)
        if np.ptp(effect) == 0 and (alike or effect[0] == 0):
            return Truth(float(effect[0]))
        return Truth(None, note="the odds ratio is conditional on what this analysis leaves out")
    above = 1 - np.cumsum(shares)[:-1]
    logits = np.log(above / (1 - above))
    higher = 1 / (1 + np.exp(-(logits + ratios[..., None])))
    higher = (higher * strata.shares[:, None]).sum(axis=1)
    if analysis.kind == "mean_score":
        return Truth(float(higher[1].sum() - higher[0].sum()))
    if analysis.kind != "probabilistic_index":
        raise unserved(analysis.kind, "ordinal")
    category = -np.diff(higher, prepend=1.0, append=0.0, axis=1)
    below = np.cumsum(category[0]) - category[0] / 2
    return Truth(float(category[1] @ below) - 0.5)


def _of_survival(trial: DeclaredTrial, analysis: AnalysisDeclared, world: SurvivalWorld) -> Truth:
    outcome, effect = trial.outcome, ratio_of(trial, 1)
    assert isinstance(outcome, TimeToEventOutcome)
    assert isinstance(effect, HazardRatio)
    if analysis.kind == "rmst":
        if outcome.frailty:
            return Truth(None, note="a frailty has no closed form here")
        if outcome.competing:
            return Truth(None, note="competing causes: the survival curve is not estimable")
        assert analysis.tau is not None
        return Truth(restricted_mean_difference(world, analysis.tau))
    if analysis.kind in ("max_combo", "weighted_log_rank"):
        return Truth(None, note="a test, not an estimate")
    if analysis.kind not in ("log_rank", "stratified_log_rank", "cox", "stratified_cox", "adjusted_log_rank"):
        raise unserved(analysis.kind, "time_to_event")
    subgroup = effect.subgroup is not None and effect.subgroup.value != 1
    if effect.value == 1 and not subgroup:
        return Truth(0.0)
    if effect.from_month or subgroup:
        return Truth(None, note="hazards are not proportional: there is no one hazard ratio")
    prognostic = len(set(world.strata_hazards)) > 1 and not analysis.kind.startswith("stratified")
    if outcome.frailty or prognostic:
        return Truth(None, note="the hazard ratio is conditional on what this analysis leaves out")
    return Truth(math.log(effect.value))


def restricted_mean_difference(world: SurvivalWorld, tau: float) -> float:
    """Return the difference of restricted means, active minus control, by the midpoint rule.

    Examples
    --------
    >>> from trialsim.trial import PiecewiseHazard, PlannedAccrual
    >>> laws = (PiecewiseHazard((0.1,)), PiecewiseHazard((0.05,)))
    >>> world = SurvivalWorld(100, PlannedAccrual((10,), (10,)), laws, (None, None))
    >>> exact = (1 - np.exp(-0.6)) / 0.05 - (1 - np.exp(-1.2)) / 0.1
    >>> bool(abs(restricted_mean_difference(world, 12.0) - exact) < 1e-8)
    True
    """
    months = (np.arange(_GRID) + 0.5) * tau / _GRID
    means = []
    for law, ratios in zip(world.events, world.hazard_ratios, strict=True):
        survival = law.survival(months)
        curve = sum(share * survival**ratio for share, ratio in zip(world.strata_shares, ratios, strict=True))
        means.append(float(np.sum(curve)) * tau / _GRID)
    return means[1] - means[0]


def estimands(
    trial: DeclaredTrial, world: LongitudinalWorld, sample: int, chance: Chance
) -> dict[str, TrueValue]:
    """Return the true value of every strategy, and of the declared ones, by its name.

    Composite is left out where no failure value is declared.
    """
    by_event = tuple(one.strategy for one in (*trial.discontinuation, *trial.intercurrent_events))
    outcome = trial.outcome
    assert isinstance(outcome, ContinuousOutcome)
    whole = [one for one in STRATEGIES if one != "composite" or outcome.failure is not None]
    found = true_values(world, sample, chance("outcome"), chance("dropout"), [*whole, by_event])
    return {"declared": found[-1]} | {one.strategy: one for one in found[:-1]}
