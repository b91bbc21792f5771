"""Power of log-rank tests and Cox models by the events that are seen (Schoenfeld)."""

from __future__ import annotations

import math

from trialsim.protocol.declared import (
    AnalysisDeclared,
    DeclaredTrial,
    FixedDesign,
    GroupSequentialDesign,
    HazardRatio,
    TimeToEventOutcome,
)
from trialsim.study.declared.drawing.strata import ratio_of
from trialsim.study.declared.drawing.worlds import survival_world
from trialsim.study.sizing.formulas.answer import Formula, NoFormula, claim_of, power_of_claim
from trialsim.study.sizing.resized import at_size

_STRATIFIED = ("stratified_log_rank", "stratified_cox")


def events_formula(trial: DeclaredTrial, analysis: AnalysisDeclared) -> Formula:
    r"""Return the power of d events in shares p and q, :math:`Φ(|θ| \sqrt{d p q} - z_{1-α})`.

    Events of a design keep their share of the participants; those by a month are expected by quadrature.

    Raises
    ------
    NoFormula
        Hazards are not proportional, or the analysis is another.
    """
    outcome, effect, design = trial.outcome, ratio_of(trial, 1), trial.design
    assert isinstance(outcome, TimeToEventOutcome)
    assert isinstance(effect, HazardRatio)
    assert isinstance(design, FixedDesign | GroupSequentialDesign)
    if analysis.kind not in ("log_rank", "cox", *_STRATIFIED) or analysis.adjust:
        raise NoFormula("weights, or covariates")
    if effect.from_month or effect.subgroup is not None or outcome.frailty or outcome.dropout_dependence:
        raise NoFormula("hazards are not proportional")
    if any(any(factor.outcome) for factor in trial.strata) and analysis.kind not in _STRATIFIED:
        raise NoFormula("strata whose hazards differ")
    claim, hazards = claim_of(trial, analysis), math.log(effect.value)
    if min(claim.distances(hazards)) <= 0:
        raise NoFormula("no effect to claim")

    def power(controls: float, active: float) -> float:
        share = active / (controls + active)
        seen = _events(trial, controls, active)
        return power_of_claim(claim, hazards, math.sqrt(seen * share * (1 - share)), design.alpha)

    return Formula("events (Schoenfeld)", power)


def _events(trial: DeclaredTrial, controls: float, active: float) -> float:
    """Return the events of a trial: their share of the participants, or those that a month will see."""
    design, total = trial.design, controls + active
    assert trial.participants is not None
    if isinstance(design, GroupSequentialDesign):
        if not design.events:
            raise NoFormula("looks by the calendar")
        return design.events[-1] * total / trial.participants
    assert isinstance(design, FixedDesign)
    if design.events is not None:
        return design.events * total / trial.participants
    assert design.month is not None
    whole = max(round(total), 4)
    controls_whole = min(max(round(whole * controls / total), 1), whole - 1)
    resized = at_size(trial, whole, allocation=(controls_whole, whole - controls_whole))
    return survival_world(resized, allocates=False).events_by(design.month) * total / whole
