"""The last word on twins: honest or not, and whether they save beyond the best analysis without."""

from __future__ import annotations

from trialsim.prognosis.validation.rivals import Rivals
from trialsim.study.people.judgement import Judgement
from trialsim.study.people.learning import LearntTwins

OPEN, SHUT = "The gate is open", "The gate is shut"


def verdict_of(learnt: LearntTwins, smallest: float) -> tuple[str, ...]:
    """Return the verdict in sentences.

    Parameters
    ----------
    learnt : LearntTwins
        With what they are on participants that they were not learnt from.
    smallest : float
        Share that a saving must exceed at its lower 90 % bound.
    """
    said = [_gate(learnt.judgement), _saving(learnt.rivals)]
    if learnt.supported(smallest):
        said.append("A saving is supported")
    else:
        why = (
            "the gate is shut"
            if not learnt.judgement.sound
            else f"its lower bound is not above {smallest:.0%}"
        )
        said.append(f"No saving is supported: {why.replace('%', ' %')}")
    if learnt.facts.generated:
        said.append(
            "The history was generated from the trial's own model, which makes every figure here optimistic"
        )
    return tuple(said)


def _gate(judged: Judgement) -> str:
    if judged.faults:
        return f"{SHUT}: {'; '.join(judged.faults)}"
    found = []
    if judged.slope == judged.slope:
        found.append(f"calibration slope {judged.slope:.2f} (SE {judged.slope_se:.2f})")
    if judged.coverage_95 == judged.coverage_95:
        covered = f"{judged.coverage_95:.1%}".replace("%", " %")
        found.append(f"{covered} of outcomes in their central 95 %")
    looked = f": {', '.join(found)}" if found else ": a score without a unit has its gain alone as gate"
    return f"{OPEN}{looked}"


def _saving(rivals: Rivals) -> str:
    shares = [f"{round(100 * value, 1) + 0.0:.1f} %" for value in (rivals.saving, *rivals.saving_90)]
    best = rivals.best_without_twin
    beyond = rivals.reference if best == "reference" else best
    return (
        f"Beyond the best analysis without a twin ({beyond}) the score saves {shares[0]} of the "
        f"{rivals.participants} participants (90 % interval {shares[1]} to {shares[2]})"
    )
