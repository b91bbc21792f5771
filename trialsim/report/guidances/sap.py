"""A paragraph for the statistical analysis plan of the design that was chosen."""

from __future__ import annotations

import math
from collections.abc import Callable

from trialsim.report.guidances.design import (
    allocation,
    analysis_in_words,
    endpoint,
    estimand,
    looks_in_words,
    planned_size,
)
from trialsim.report.guidances.operating import type_one_error
from trialsim.report.guidances.run import MAIN, Run
from trialsim.report.guidances.said import (
    Answer,
    Blocked,
    Found,
    Guidance,
    Item,
    Number,
    Sentence,
    answered,
    say,
)
from trialsim.report.labels import label


def size(run: Run) -> Answer:
    """Return the size, the assumption that it rests on, and what the simulation found at it."""
    row, frame = run.headline, run.frame(MAIN)
    said = [planned_size(run)]
    effects = {f"e{k}": _effect(run, k) for k in range(len(run.trial.effects))}
    named, cited = [], {name: one for name, one in effects.items() if one is not None}
    names: dict[str, str] = {}
    for k, one in enumerate(run.trial.effects):
        names |= {f"k{k}": label(one.kind).lower(), f"a{k}": one.arm}
        named.append(
            f"{{k{k}}} {{e{k}}} in arm {{a{k}}}" if f"e{k}" in cited else f"{{k{k}}} in arm {{a{k}}}"
        )
    said.append(say(f"The assumed effect is: {'; '.join(named)}.", **cited, **names))
    said.append(
        say("In {n} simulated trials of scenario {scenario} a share of {rate} claimed.",
            n=run.number(MAIN, row, "trials"), scenario=label(str(frame["scenario"].iloc[row])),
            rate=run.number(MAIN, row, "rejection_rate"))
    )  # fmt: skip
    return answered(*said)


def _effect(run: Run, place: int) -> Number | None:
    """Return the number of an effect, where it is one."""
    facts = run.trial.to_dict()["effects"][place]
    name = next((one for one in ("value", "per_month") if isinstance(facts.get(one), float)), None)
    return None if name is None else run.declared(f"effects.{place}.{name}")


def bounds(run: Run) -> Answer:
    """Return when the data are looked at, and the bounds of each look."""
    said: list[Sentence] = [looks_in_words(run)]
    frame = run.frame("results/bounds")
    rows = run.rows("results/bounds", lambda one: one["cell"] == run.cell.name)
    if rows and all(math.isfinite(float(frame["z_upper"].iloc[row])) for row in rows):
        numbers = {f"z{k}": run.number("results/bounds", row, "z_upper") for k, row in enumerate(rows)}
        said.append(say("Efficacy is claimed where z reaches "
                        f"{', '.join(f'{{{name}}}' for name in numbers)}, "
                        "look by look.", **numbers))  # fmt: skip
    return answered(*said)


def score(run: Run) -> Answer:
    """Return how the prognostic score enters."""
    twins = run.trial.twins
    if twins is None:
        return answered(say("No prognostic score is used."))
    known = "computed from baseline data alone and fixed before randomisation"
    if run.analysis in {one.label for one in run.trial.analyses if "score" in one.adjust}:
        return answered(say(f"The prognostic score is {known}; it enters as one covariate."))
    return answered(say(f"A prognostic score, {known}, is declared; this analysis does not use it."))


def error(run: Run) -> Found:
    """Return the largest type I error that was simulated, without its table."""
    found = type_one_error(run)
    return found if isinstance(found, Blocked) else Answer(found.sentences)


def _first(of: Callable[[Run], Found]) -> Callable[[Run], Found]:
    """Return the sentences of an answer alone."""

    def answer(run: Run) -> Found:
        found = of(run)
        return found if isinstance(found, Blocked) else Answer(found.sentences)

    return answer


def estimand_in_words(run: Run) -> Found:
    """Return the estimand as one sentence."""
    given = run.trial.estimand
    if given is None:
        return estimand(run)
    events = (*run.trial.discontinuation, *run.trial.intercurrent_events)
    handled = "; ".join(f"{label(one.cause).lower()} by {label(one.strategy).lower()}" for one in events)
    attributes = {name: str(text).rstrip(".") for name, text in given.model_dump().items()}
    return answered(
        say("Treatments: {treatment}. Population: {population}. Variable: {variable}. Summary measure: "
            "{summary_measure}. Intercurrent events: {handled}.", **attributes,
            handled=handled or "none declared")
    )  # fmt: skip


SAP = Guidance(
    "sap",
    "Paragraph for the statistical analysis plan",
    "of the design as it was simulated",
    "a draft, to be read and completed by the trial's statistician",
    (
        Item("endpoint", "Primary endpoint.", _first(endpoint)),
        Item("estimand", "Estimand.", estimand_in_words),
        Item("allocation", "Allocation.", lambda run: answered(allocation(run))),
        Item("analysis", "Primary analysis, covariates and level.",
             lambda run: answered(analysis_in_words(run))),
        Item("score", "Prognostic score.", score),
        Item("looks", "Looks and bounds.", bounds),
        Item("size", "Sample size, its assumption and its Monte Carlo error.", size),
        Item("error", "Type I error.", error),
    ),
    "Analysis plan",
)  # fmt: skip
