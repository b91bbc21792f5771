"""What the trial is: arms, endpoint, estimand, looks and rules, read from the declared trial."""

from __future__ import annotations

from trialsim.protocol.declared import GroupSequentialDesign, ResponseAdaptiveDesign
from trialsim.protocol.declared.conduct import Minimisation, SimpleRandomisation
from trialsim.protocol.declared.design import BayesianDesign, FixedDesign, MultiArmDesign, ResizingDesign
from trialsim.registry import estimator
from trialsim.report.guidances.run import MAIN, Run
from trialsim.report.guidances.said import (
    Answer,
    Blocked,
    CitedTable,
    Found,
    Number,
    Part,
    Sentence,
    Words,
    answered,
    say,
)
from trialsim.report.labels import label

_KINDS = {
    "score": "a score at visits", "response": "a response, yes or no", "level": "an ordered category",
    "count": "a number of events", "recurrent": "events that can come again",
    "time_to_event": "the time to an event", "joint": "a marker with an event",
}  # fmt: skip
_STRATEGIES = ("discontinuation", "intercurrent_events")
_RULES = {
    "o_brien_fleming": "O'Brien and Fleming's shape", "pocock": "Pocock's shape",
    "wang_tsiatis": "Wang and Tsiatis's shape",
    "lan_demets_obf": "Lan and DeMets's spending after O'Brien and Fleming",
    "lan_demets_pocock": "Lan and DeMets's spending after Pocock",
    "hwang_shih_decani": "Hwang, Shih and DeCani's spending", "power": "a power of the information",
    "given": "given values of z",
}  # fmt: skip
_MULTIPLICITY = {
    "closed_dunnett": "closed tests by Dunnett keep the family-wise error",
    "closed_bonferroni": "closed tests by Bonferroni keep the family-wise error",
    "closed_simes": "closed tests by Simes keep the family-wise error",
    "bonferroni": "each arm is tested at its part of the level (Bonferroni)",
    "none": "each arm is tested at the whole level, and nothing keeps the family-wise error",
}
_NO_ESTIMAND = Blocked("the protocol does not state an estimand", "estimand")


def arms(run: Run) -> Answer:
    """Return the arms with their parts of the allocation, and how participants are allocated."""
    rows = tuple(
        (Words(arm.name), Words(arm.role), run.declared(f"arms.{place}.allocation"))
        for place, arm in enumerate(run.trial.arms)
    )
    table = CitedTable("Arms", ("arm", "role", "part of the allocation"), rows)
    return answered(allocation(run), tables=[table])


def allocation(run: Run) -> Sentence:
    """Return how participants are allocated."""
    given, design = run.trial.randomisation, run.trial.design
    if isinstance(design, ResponseAdaptiveDesign):
        return say("Allocation follows the outcomes so far, batch by batch (response-adaptive).")
    if given is None:
        return say("Participants are randomised in the parts of the allocation, stage by stage.")
    if isinstance(given, SimpleRandomisation):
        return say("Each participant is randomised independently of the others.")
    if isinstance(given, Minimisation):
        return say(
            "Participants are allocated by minimisation over {factors}, with the preferred arm at a "
            "probability of {p}.",
            factors=", ".join(given.factors),
            p=run.declared("randomisation.probability"),
        )
    sizes = [run.declared(f"randomisation.block_sizes.{k}") for k in range(len(given.block_sizes))]
    places = ", ".join(f"{{s{k}}}" for k in range(len(sizes)))
    numbers: dict[str, Number | str] = {f"s{k}": one for k, one in enumerate(sizes)}
    if not given.strata:
        return say(f"Participants are randomised in permuted blocks of {places}.", **numbers)
    return say(f"Participants are randomised in permuted blocks of {places}, stratified by {{within}}.",
               **numbers, within=", ".join(given.strata))  # fmt: skip


def endpoint(run: Run) -> Answer:
    """Return the primary endpoint: what it is, when it is known, and which way is better."""
    one = run.trial.outcome
    better = "Higher is better" if one.direction == "higher_is_better" else "Higher is worse"
    unit = f", in {one.unit}" if one.unit else ""
    first = say("{name}: {kind}{unit}. {better}.", name=one.label or one.name,
                kind=_KINDS.get(one.kind, one.kind), unit=unit, better=better)  # fmt: skip
    return answered(first, *_when(run))


def _when(run: Run) -> list[Sentence]:
    """Return when the outcome of a participant is known."""
    facts = run.trial.to_dict()["endpoints"][0]
    if run.trial.outcome.kind == "score":
        weeks = facts["weeks"]
        return [say("It is measured at baseline and at {n} later visits, the last at week {last}.",
                    n=run.entries("endpoints.0.weeks"),
                    last=run.declared(f"endpoints.0.weeks.{len(weeks) - 1}"))]  # fmt: skip
    if isinstance(facts.get("months"), float | int):
        return [say("It is known {months} months after randomisation.",
                    months=run.declared("endpoints.0.months"))]  # fmt: skip
    return []


def estimand(run: Run) -> Found:
    """Return the attributes of the estimand and the strategy of each intercurrent event."""
    given = run.trial.estimand
    if given is None:
        return _NO_ESTIMAND
    rows: list[tuple[Part, ...]] = [
        (Words(label(name)), Words(str(text))) for name, text in given.model_dump().items()
    ]
    events = (*run.trial.discontinuation, *run.trial.intercurrent_events)
    rows += [
        (Words(f"{label(one.cause)} (intercurrent event)"), Words(label(one.strategy))) for one in events
    ]
    said = say("Attributes of ICH {addendum}, as the protocol states them:", addendum="E9(R1)")
    if not events:
        said = (*said, " no intercurrent event is declared.")
    return answered(said, tables=[CitedTable("Estimand", ("attribute", "decision"), tuple(rows))])


def analysis_in_words(run: Run) -> Sentence:
    """Return how the trial is analysed: estimator, covariates, level and what a claim is held against."""
    one = next((one for one in run.trial.analyses if one.label == run.analysis), None)
    if one is None:
        return say("The analysis is that of the design.")
    found = estimator(one.kind)
    covariates = [label(name).lower() if name == "score" else name for name in one.adjust]
    if run.trial.outcome.kind == "score" and one.kind in ("ancova", "mmrm"):
        covariates = ["baseline", *covariates]
    adjusts = f", adjusted for {' and '.join(covariates)}" if covariates else ""
    parts = say("The analysis {name} estimates {estimand} ({scale}){adjusts}.", name=label(one.label),
                estimand=found.estimand, scale=found.scale, adjusts=adjusts)  # fmt: skip
    return (*parts, " ", *claim(run))


def claim(run: Run) -> Sentence:
    """Return when the trial claims."""
    design = run.trial.design
    if isinstance(design, ResponseAdaptiveDesign):
        return say("An arm is claimed where its posterior probability of being best is at least {p}.",
                   p=run.declared("design.claim"))  # fmt: skip
    if isinstance(design, BayesianDesign):
        return say("Efficacy is claimed where the posterior probability that active is better is at least "
                   "{p}, with uniform priors.", p=run.declared("design.claim"))  # fmt: skip
    position = next((k for k, one in enumerate(run.trial.analyses) if one.label == run.analysis), None)
    limits = () if position is None else run.trial.analyses[position].limits
    against = "a null hypothesis of no effect"
    if len(limits) == 1 and position is not None:
        return say("It is tested at a one-sided level of {alpha} against a margin of {margin}.",
                   alpha=run.declared("design.alpha"),
                   margin=run.declared(f"analyses.{position}.null"))  # fmt: skip
    if len(limits) == 2 and position is not None:
        return say("Equivalence is tested at a one-sided level of {alpha} for each of the limits {a} "
                   "and {b}.",
                   alpha=run.declared("design.alpha"), a=run.declared(f"analyses.{position}.null.0"),
                   b=run.declared(f"analyses.{position}.null.1"))  # fmt: skip
    return say(f"It is tested at a one-sided level of {{alpha}} against {against}.",
               alpha=run.declared("design.alpha"))  # fmt: skip


def looks_in_words(run: Run) -> Sentence:
    """Return when the data are analysed and what may happen then."""
    design = run.trial.design
    if isinstance(design, FixedDesign):
        if design.events is not None:
            return say("There is one analysis, after {n} events.", n=run.declared("design.events"))
        return say("There is one analysis, when all participants have been observed.")
    if isinstance(design, GroupSequentialDesign):
        return _group_sequential(run, design)
    if isinstance(design, ResizingDesign):
        how = "without unblinding" if design.method == "blinded" else "by the unblinded conditional power"
        return say("One interim analysis re-estimates the size {how}, to at most {most} participants.",
                   how=how, most=run.declared("design.largest"))  # fmt: skip
    if isinstance(design, MultiArmDesign):
        return _of_arms(run, design)
    if isinstance(design, ResponseAdaptiveDesign):
        return say("After {first} participants in each arm, {n} batches of {batch} are allocated by what was "
                   "seen.", first=run.declared("design.first"), n=run.declared("design.batches"),
                   batch=run.declared("design.batch"))  # fmt: skip
    if isinstance(design, BayesianDesign):
        return say("The data are looked at {n} times, by {rule} probabilities.",
                   n=run.entries("design.looks"), rule=design.rule)  # fmt: skip
    return say("The design is {kind}.", kind=label(design.kind))


def _group_sequential(run: Run, design: GroupSequentialDesign) -> Sentence:
    field = {"events": "events", "information": "information", "calendar": "months"}[design.timing]
    by = {"events": "numbers of events", "information": "shares of the planned participants",
          "calendar": "calendar months"}[design.timing]  # fmt: skip
    numbers = {f"n{k}": run.declared(f"design.{field}.{k}") for k in range(design.looks)}
    places = ", ".join(f"{{{name}}}" for name in numbers)
    futility = "There is no futility bound."
    if design.futility is not None:
        binding = "binding" if design.futility.binding else "non-binding"
        futility = f"Futility bounds are {binding}, by {_RULES[design.futility.rule]}."
    return say(f"The data are looked at by {by}: {places}. Efficacy bounds are by "
               f"{_RULES[design.efficacy.rule]}. "
               f"{futility}", **numbers)  # fmt: skip


def _of_arms(run: Run, design: MultiArmDesign) -> Sentence:
    """Return how a trial of several active arms goes on after its interim looks."""
    name = "stages" if design.stages else "events"
    dropped, values = "", {"n": run.entries(f"design.{'stages.0' if design.stages else name}")}
    if design.keep_best is not None:
        dropped += " After an interim look the best {best} go on."
        values["best"] = run.declared("design.keep_best")
    if design.futility_z:
        dropped += " An arm whose z is at or below {futility} is dropped."
        values["futility"] = run.declared("design.futility_z.0")
    stop = "the first claim" if design.stop_at == "any" else "the claim of every arm that goes on"
    return say(
        f"Several active arms are compared with the control in {{n}} stages; "
        f"{_MULTIPLICITY[design.multiplicity]}. "
        f"The trial stops at {stop}.{dropped}",
        **values,
    )


def overview(run: Run) -> Answer:
    """Return the design as a whole."""
    found = arms(run) + endpoint(run)
    return found + answered(looks_in_words(run), analysis_in_words(run))


def eligibility(run: Run) -> Found:
    """Return who takes part."""
    people = run.trial.population
    if people is None:
        if run.trial.estimand is not None:
            people_stated = run.trial.estimand.population
            return answered(say("Stated in the estimand: {people}. Outcomes follow the law of the endpoint, "
                                "which has no criteria.", people=people_stated))  # fmt: skip
        return Blocked("the protocol has no population and states none", "estimand")
    where = {"card": "the cohort card", "history": "the participants of the history"}[people.kind]
    if not people.eligibility:
        return answered(say("Everybody of {where}: no criterion is declared.", where=where))
    rows = []
    for place, one in enumerate(people.eligibility):
        ends = [
            run.declared(f"population.eligibility.{place}.{name}")
            if getattr(one, name) is not None else Words("")
            for name in ("at_least", "at_most")
        ]  # fmt: skip
        rows.append((Words(one.covariate), *ends))
    table = CitedTable("Eligibility", ("covariate", "at least", "at most"), tuple(rows))
    return answered(say("People of {where}, within these limits:", where=where), tables=[table])


def planned_size(run: Run) -> Sentence:
    """Return the size of the trial as it was simulated, with what it rests on."""
    rows = run.rows("results/sizes", lambda frame: frame["analysis"] == run.analysis)
    if rows and run.trial.sizing is not None:
        return say(
            "{size} participants give {analysis} a power of {power}: by simulation, whose last round had "
            "{reached} at {searched} participants in {n} trials.",
            size=run.number("results/sizes", rows[0], "participants"), analysis=label(run.analysis),
            power=run.declared("sizing.power"), reached=run.number("results/sizes", rows[0], "power"),
            searched=run.number("results/sizes", rows[0], "searched_at"),
            n=run.number("results/sizes", rows[0], "trials"),
        )  # fmt: skip
    if run.trial.participants is not None:
        return say("{n} participants are planned.", n=run.declared("participants"))
    return say("The design says how many enter in each stage: on average {n} take part.",
               n=run.number(MAIN, run.headline, "expected_size"))  # fmt: skip
