"""What only people can say: question, context of use, ratings, and what was set or concluded beforehand."""

from __future__ import annotations

from collections.abc import Callable

from trialsim.protocol.declared.context import Context, ExternalControls, Rated
from trialsim.report.guidances.run import Run
from trialsim.report.guidances.said import Answer, Blocked, Found, answered, say

_ORDER = ("low", "medium", "high")


def question(run: Run) -> Answer:
    """Return the question that the protocol asks."""
    return answered(say("{asked}", asked=run.trial.question))


def context_of_use(run: Run) -> Found:
    """Return what the answer is for, as the protocol states it."""
    stated = run.trial.context_of_use
    if stated is None:
        return Blocked("the protocol does not state what the answer is for", "context_of_use")
    return answered(say("{stated}", stated=stated))


def _context(run: Run) -> Context:
    return run.trial.context or Context()


def rated(field: str, missing: str) -> Callable[[Run], Found]:
    """Return what answers with a rating of the protocol and its reason."""

    def answer(run: Run) -> Found:
        given: Rated | None = getattr(_context(run), field)
        if given is None:
            return Blocked(f"the protocol does not rate {missing}", f"context.{field}")
        return answered(say("{rating}: {why}", rating=given.rating.capitalize(), why=given.why))

    return answer


influence = rated("influence", "the weight of the simulation in the decision")
consequence = rated("consequence", "what a wrong decision would do")
impact = rated("impact", "how far the simulation departs from what is usually done")


def risk(run: Run) -> Found:
    """Return the model risk: the higher of influence and consequence."""
    given = _context(run)
    for field, one in (("influence", given.influence), ("consequence", given.consequence)):
        if one is None:
            return Blocked(
                "risk combines influence and consequence, and one is not rated", f"context.{field}"
            )
    assert given.influence is not None
    assert given.consequence is not None
    weight, harm = given.influence.rating, given.consequence.rating
    found = max(weight, harm, key=_ORDER.index)
    return answered(
        say(
            "{risk}. Influence is rated {weight} and the consequence of a wrong decision {harm}; the risk is "
            "the higher of the two, a rule of this page.",
            risk=found.capitalize(), weight=weight, harm=harm,
        )
    )  # fmt: skip


def stated(field: str, missing: str) -> Callable[[Run], Found]:
    """Return what answers with a text of ``[context]``."""

    def answer(run: Run) -> Found:
        given: str | None = getattr(_context(run), field)
        if given is None:
            return Blocked(f"the protocol does not say {missing}", f"context.{field}")
        return answered(say("{given}", given=given))

    return answer


other_evidence = stated("evidence", "what other evidence informs the answer")
appropriateness = stated("appropriateness", "why this simulation can answer the question")
outcome = stated("outcome", "what the team concluded, which no simulation can")


def of_external_controls(field: str, missing: str, otherwise: str) -> Callable[[Run], Found]:
    """Return what answers with a text on external controls, or says what holds where there are none."""

    def answer(run: Run) -> Found:
        if run.trial.borrowing is None:
            return answered(say("No control comes from outside the trial: " + otherwise))
        given = getattr(_context(run).external_controls or ExternalControls(), field)
        if given is None:
            return Blocked(f"the protocol does not say {missing}", f"context.external_controls.{field}")
        return answered(say("{given}", given=given))

    return answer
