"""What the simulated people and their scores rest on, and how well the twins predict."""

from __future__ import annotations

from trialsim.report.evidence import evidence_counts, tables_with_source
from trialsim.report.guidances.run import Run
from trialsim.report.guidances.said import Answer, Blocked, CitedTable, Found, Words, answered, both, say
from trialsim.report.labels import label

_COURSES = {
    "model": "a disease model moves people of a cohort card",
    "history": "the posterior predictive of the prognostic model moves people of the history",
}
_SCORES = {
    "learned": "A prognostic score is learnt from a history by a Bayesian model, before randomisation",
    "assumed": "A prognostic score of declared strength is assumed; nothing shows that one exists",
    "given": "A prognostic score is given as a column of the history, and judged there",
}


def model(run: Run) -> Answer:
    """Return which models make the simulated trials, and where the score comes from."""
    course, twins = run.trial.outcome.course, run.trial.twins
    law = "outcomes follow the declared law of the endpoint" if course is None else _COURSES[course.kind]
    name = f" ({course.model})" if course is not None and course.kind == "model" else ""
    first = say("In the simulated trials {law}{name}.", law=law, name=name)
    if twins is None:
        return answered(first, say("No prognostic score is used."))
    return answered(first, say(_SCORES[twins.source] + "; it enters as a baseline covariate."))


def sources(run: Run) -> Answer:
    """Return how many numbers are published, computed, recalled or assumed, and each source."""
    counts = evidence_counts(run.trial)
    kinds = ", ".join(name for name in counts)
    named = tables_with_source(run.trial.to_dict())
    rows = tuple(
        (Words(where), Words(str(table["source"])))
        for where, table in named
        if table["source"] and where != "twins"
    )
    tables = [CitedTable("Where the numbers of the protocol come from", ("table", "source"), rows)]
    evidence = run.rows("results/evidence", lambda one: one["source"].notna())
    tables += run.table(
        "results/evidence", evidence, ("part", "source", "published", "computed", "recalled", "assumed"),
        "Numbers of the cohort card and of the disease model, counted by what they rest on",
    )  # fmt: skip
    return answered(say("Sources of the protocol are of these kinds: {kinds}.", kinds=kinds or "none"),
                    tables=tables)  # fmt: skip


def twin_performance(run: Run) -> Found:
    """Return how well the score predicts participants that its model did not see."""
    twins = run.trial.twins
    if twins is None:
        return answered(say("No prognostic score is used, and none needs to be judged."))
    rows = run.rows("results/twins", lambda one: one["history"].notna())
    if twins.source == "assumed" or not rows:
        return Blocked("the strength of the score is assumed, so that nothing shows how well one predicts",
                       "history")  # fmt: skip
    frame, row = run.frame("results/twins"), rows[0]
    generated = bool(frame["generated"].iloc[row]) if "generated" in frame else False
    made = "generated from the trial's own model, which is optimistic" if generated else "real participants"
    said = [say("History: {history} ({made}).", history=str(frame["history"].iloc[row]), made=made)]
    if run.has("results/twins", row, "slope"):
        slope = run.number("results/twins", row, "slope")
        said.append(say("Out of sample the calibration slope is {slope}.", slope=slope))
    if run.has("results/twins", row, "coverage_95"):
        coverage = run.number("results/twins", row, "coverage_95")
        said.append(say("Intervals of nominal {nominal} cover a share of {coverage}.", nominal="95 %",
                        coverage=coverage))  # fmt: skip
    if run.has("results/twins", row, "saving"):
        said.append(
            say("Beyond the best analysis without a twin ({rival}) the score saves a share of {saving}.",
                rival=str(frame["best_without_twin"].iloc[row]),
                saving=run.number("results/twins", row, "saving"))
        )  # fmt: skip
    rivals = run.rows("results/rivals", lambda one: one["way"].notna())
    tables = run.table(
        "results/rivals", rivals, ("way", "adjusts_for", "relative_variance"),
        "Variance that is left, relative to the baseline alone (interval from the history)",
    )  # fmt: skip
    return answered(*said, tables=tables)


def applicability(run: Run) -> Found:
    """Return what happens where the trial's people differ from those that the model describes."""
    drifted = [one for one in run.trial.scenarios if one.drift is not None or one.twins == "useless"]
    if run.trial.outcome.course is None:
        rows = tuple((Words(label(one.name)), Words(one.why)) for one in run.trial.scenarios if one.set)
        if not rows:
            return Blocked("no scenario changes the law of the outcomes", "scenarios")
        return answered(say("Scenarios that change what the trial assumes:"),
                        tables=[CitedTable("Changed assumptions", ("scenario", "why"), rows)])  # fmt: skip
    if not drifted:
        return Blocked(
            "no scenario lets the trial's people differ from those of the model", "scenarios.drift"
        )
    rows = tuple((Words(label(one.name)), Words(one.why)) for one in drifted)
    return answered(
        say("Scenarios in which the trial's people differ from those of the model, declared before running:"),
        tables=[CitedTable("Drift", ("scenario", "why"), rows)],
    )


def context_and_model(run: Run) -> Found:
    """Return which models answer, and which data they rest on."""
    return both(model(run), sources(run))
