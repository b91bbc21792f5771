"""How the design behaves: claims, errors, estimates, sizes, stopping and example trials, each cited."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from trialsim.report.guidances.design import looks_in_words, planned_size
from trialsim.report.guidances.run import MAIN, NOTE, Run
from trialsim.report.guidances.said import Answer, Blocked, CitedTable, Found, Number, Words, answered, say
from trialsim.report.labels import label
from trialsim.report.sizes import ERRORS, POWERS
from trialsim.report.trial_tables import NOT_TO_BE_USED

Chosen = Callable[[pd.DataFrame], pd.Series]
_EXAMPLES = (
    "rule",
    "why",
    "analysis",
    "replicate",
    "estimate",
    "standard_error",
    "p_value",
    "size",
    "months",
)
_LARGEST = 40


def _settings(run: Run) -> list[str]:
    """Return the columns that hold the grid's values."""
    columns = list(run.frame(MAIN).columns)
    return columns[columns.index("scenario") + 1 : columns.index("analysis")]


def _of(kinds: Sequence[str]) -> Chosen:
    return lambda frame: frame["measure"].str.startswith(tuple(kinds))


def _main(run: Run, chosen: Chosen, columns: Sequence[str], caption: str) -> tuple[CitedTable, ...]:
    """Return columns of the operating characteristics; of many rows those of the analysis that counts."""
    rows = run.rows(MAIN, chosen)
    if len(rows) > _LARGEST:
        frame = run.frame(MAIN)
        rows = [row for row in rows if frame["analysis"].iloc[row] == run.analysis][:_LARGEST]
    return run.table(MAIN, rows, ("scenario", *_settings(run), "analysis", *columns), caption)


def scenarios(run: Run) -> Answer:
    """Return every scenario with what it assumes and why, and how many cells ran."""
    rows = tuple((Words(label(one.name)), Words(one.kind), Words(one.why)) for one in run.trial.scenarios)
    axes = tuple((Words(axis.field), Words(axis.why)) for axis in run.trial.grid)
    tables = [CitedTable("Scenarios, declared before running", ("scenario", "kind", "why"), rows)]
    tables += [CitedTable("Axes of the grid", ("field", "why"), axes)] if axes else []
    refused = run.rows("results/refused", lambda frame: frame["reason"].notna())
    tables += run.table("results/refused", refused, ("cell", "scenario", "reason"), "Cells that were refused")
    ran = say("Every scenario that was declared has run." if not refused
              else "Some cells were refused before anything ran; they are listed with the "
                   "reason.")  # fmt: skip
    return answered(ran, tables=tables)


def type_one_error(run: Run) -> Found:
    """Return the largest type I error of any scenario and analysis, and all of them."""
    rows = run.rows(MAIN, _of(ERRORS))
    if not rows:
        return Blocked("no scenario is without an effect, so that no type I error was simulated", "scenarios")
    frame = run.frame(MAIN)
    worst = max(rows, key=lambda row: float(frame["rejection_rate"].iloc[row]))
    others = "" if len(rows) == 1 else " It is the largest of several, and chance alone raises that."
    said = say(
        f"The largest {{measure}} is {{rate}}: {{analysis}} in scenario {{scenario}}.{others}",
        measure=_lowered(str(frame["measure"].iloc[worst])),
        rate=run.number(MAIN, worst, "rejection_rate"),
        **_named(run, worst),
    )
    columns = ("measure", "trials", "rejection_rate", "usable")
    tables = _main(run, _of(ERRORS), columns, "Claims where nothing is to be claimed (± Monte Carlo SE)")
    return answered(said, *_unusable(run, rows), tables=tables)


def _named(run: Run, row: int) -> dict[str, str]:
    """Return analysis and scenario of a row as they are called in print."""
    frame = run.frame(MAIN)
    return {name: label(str(frame[name].iloc[row])) for name in ("analysis", "scenario")}


def _lowered(measure: str) -> str:
    return measure[:1].lower() + measure[1:]


def _unusable(run: Run, rows: Sequence[int]) -> tuple[tuple[str | Number, ...], ...]:
    if run.frame(MAIN)["usable"].iloc[list(rows)].all():
        return ()
    return (say(f"Rates that are not usable are {NOT_TO_BE_USED}: too many trials had no test."),)


def power(run: Run) -> Found:
    """Return the power of every analysis in every scenario that has an effect."""
    rows = run.rows(MAIN, _of(POWERS))
    if not rows:
        return Blocked("no scenario has an effect, so that no power was simulated", "scenarios")
    row = run.headline if run.headline in rows else rows[0]
    frame = run.frame(MAIN)
    said = say(
        "The {measure} of {analysis} in scenario {scenario} is {rate}.",
        measure=_lowered(str(frame["measure"].iloc[row])), rate=run.number(MAIN, row, "rejection_rate"),
        **_named(run, row),
    )  # fmt: skip
    columns = ("measure", "rejection_rate", "conjunctive_power", "usable")
    return answered(said, *_unusable(run, rows), tables=_main(run, _of(POWERS), columns, "Power"))


def options_compared(run: Run) -> Answer:
    """Return the analyses and sizes that were compared on the same trials, the customary ones among them."""
    cell = run.cell.name
    same = (
        "All analyses read the same simulated trials, so that their differences are sharper than the errors."
    )
    columns = ("rejection_rate", "bias", "coverage", "expected_size", "expected_months")
    tables = _main(run, lambda frame: frame["cell"] == cell, columns, "Analyses compared, in one scenario")
    sizes = run.rows("results/sizes", lambda frame: frame["participants"].notna())
    tables += run.table(
        "results/sizes", sizes, ("analysis", "score", "why", "participants", "power"),
        "Sizes for the same power",
    )  # fmt: skip
    expected = run.rows("results/expected_sizes", lambda frame: frame["cell"] == cell)
    shown = [one for one in run.frame("results/expected_sizes").columns if one not in ("cell", "scenario")]
    tables += run.table(
        "results/expected_sizes", expected, shown, "Expected size by formula, beside a fixed design"
    )
    alone = [] if len(run.frame(MAIN)["analysis"].unique()) > 1 else [
        say("One analysis is declared: no other stands beside it.")
    ]  # fmt: skip
    return answered(say(same), *alone, tables=tables)


def sample_size(run: Run) -> Answer:
    """Return the size of the trial and what it assumes, each number with its source."""
    assumed = tuple(
        (Words(place), Words(one.kind), Words(one.source)) for place, one in
        (*((f"effect in arm {one.arm}", one) for one in run.trial.effects),)
    )  # fmt: skip
    law = run.trial.outcome.source or "a disease model or the history: see the sources of the report"
    tables = [CitedTable("Assumed effects", ("of", "kind", "source"), assumed)] if assumed else []
    cell = run.cell.name
    said = [planned_size(run), say("Control arm: {law}.", law=law.rstrip("."))]
    tables += _main(
        run, lambda frame: frame["cell"] == cell,
        ("true_effect", "empirical_se", "rejection_rate", "failed_share", "expected_size", "most_size"),
        "What the size leads to under the assumptions",
    )  # fmt: skip
    return answered(*said, tables=tables)


def stopping(run: Run) -> Answer:
    """Return the bounds of each look, how often the trial stops there, and how long it lasts."""
    cell, frame = run.cell.name, run.frame("results/looks")
    tables: tuple[CitedTable, ...] = ()
    if frame["look"].max() > 1:
        rows = run.rows("results/looks", lambda one: one["analysis"] == run.analysis)
        tables += run.table(
            "results/looks", rows[:_LARGEST], ("scenario", "look", "efficacy", "futility"),
            "Probability of stopping at each look",
        )  # fmt: skip
    shown = (
        "look",
        "information",
        "z_upper",
        "z_lower",
        "nominal_p",
        "alpha_spent",
        "events",
        "participants",
        "month",
    )
    bounds = run.rows("results/bounds", lambda one: one["cell"] == cell)
    tables += run.table("results/bounds", bounds, shown, "Bounds of each look")
    conduct = ("expected_size", "least_size", "most_size", "expected_events", "expected_months")
    tables += _main(
        run, lambda one: one["analysis"] == run.analysis, conduct, "Size and duration when it stops"
    )
    return answered(looks_in_words(run), tables=tables)


def reliability(run: Run) -> Answer:
    """Return what the estimate is worth in every scenario: bias, mean squared error, coverage, failures."""
    columns = ("true_effect", NOTE, "bias", "mean_squared_error", "coverage", "failed_share")
    row, frame = run.headline, run.frame(MAIN)
    tables = _main(
        run, lambda one: one["trials"] > 0, columns, "What the estimate is worth (± Monte Carlo SE)"
    )
    if not run.has(MAIN, row, "bias"):
        why = str(frame["true_effect_note"].iloc[row] or "it is a test without an estimate")
        name = label(str(frame["analysis"].iloc[row]))
        none = say("{analysis} has no bias against one true effect: {why}.", analysis=name, why=why)
        return answered(none, tables=tables)
    note = str(frame[NOTE].iloc[row])
    said = say(
        "In scenario {scenario} the bias of {analysis} is {bias}, and its interval covers the true "
        "effect in a "
        f"share of {{coverage}} of the trials, whenever they stopped.{' {note}.' if note else ''}",
        bias=run.number(MAIN, row, "bias"), coverage=run.number(MAIN, row, "coverage"),
        note=note[:1].upper() + note[1:], **_named(run, row),
    )  # fmt: skip
    return answered(said, tables=tables)


def example_trials(run: Run) -> Answer:
    """Return single simulated trials, chosen by rules that were fixed beforehand."""
    cell = run.cell.name
    rows = run.rows("examples/trials", lambda one: (one["cell"] == cell) & (one["analysis"] == run.analysis))
    said = say(
        "These are single trials of cell {cell}, chosen by rules that were fixed beforehand; {command} "
        "computes "
        "each again.", cell=cell, command="trialsim replay RUN CELL REPLICATE",
    )  # fmt: skip
    return answered(said, tables=run.table("examples/trials", rows, _EXAMPLES, "Example trials"))


def replicates(run: Run) -> Answer:
    """Return how many trials were simulated, why so many, and how many fits failed."""
    asked = run.trial.simulation
    trials = run.number(MAIN, run.headline, "trials")
    if asked.precision is not None:
        first = say(
            "Each cell ran until the Monte Carlo error of its rates was {precision}: {n} trials in cell "
            "{cell}.",
            precision=run.declared("simulation.precision"), n=trials, cell=run.cell.name,
        )  # fmt: skip
    else:
        first = say(
            "{n} trials are simulated in each cell; the share of claims of {analysis} in scenario {scenario} "
            "is then known as {rate}.", n=trials, rate=run.number(MAIN, run.headline, "rejection_rate"),
            **_named(run, run.headline),
        )  # fmt: skip
    failures = run.rows("results/failures", lambda one: one["count"] > 0)
    tables = run.table(
        "results/failures", failures[:_LARGEST], ("scenario", "analysis", "reason", "count"),
        "Fits without an estimate; a trial without one claims nothing",
    )  # fmt: skip
    none = [] if tables else [say("No fit failed.")]
    return answered(first, *none, tables=tables)


def flow(run: Run) -> Found:
    """Return how many participants are expected to be randomised, to complete and to leave, by arm."""
    rows = run.rows("description/flow", lambda one: one["participants"].notna())
    if not rows:
        return Blocked(
            "this design draws participants stage by stage, and has no flow of them", "design.kind", "change"
        )
    return answered(
        say("Means of some simulated trials with all planned participants, an expectation and no result:"),
        tables=run.table("description/flow", rows, ("arm", "step", "participants"), "Expected flow"),
    )


def baseline(run: Run) -> Found:
    """Return what the participants are expected to be like."""
    rows = run.rows("description/baseline", lambda one: one["missing"].notna())
    if not rows:
        return Blocked(
            "outcomes come from a law without people, so that no baseline is described", "population"
        )
    return answered(
        say("Means over the register that simulated trials recruit from, an expectation and no result:"),
        tables=run.table("description/baseline", rows, ("covariate", "mean", "sd", "share", "missing"),
                         "Expected baseline"),
    )  # fmt: skip


def sensitivity(run: Run) -> Found:
    """Return the scenarios beside the planned one: what the design does where assumptions fail."""
    others = {one.name for one in run.trial.scenarios if one.kind == "other" or one.changes}
    rows = run.rows(MAIN, lambda one: one["scenario"].isin(others))
    if not rows:
        return Blocked(
            "no scenario departs from the assumptions, other than by having no effect", "scenarios"
        )
    columns = ("measure", "rejection_rate", "bias", "coverage", "expected_size")
    return answered(
        say("Scenarios in which an assumption fails, declared before running:"),
        tables=_main(run, lambda one: one["scenario"].isin(others), columns, "Where assumptions fail"),
    )


def timeline(run: Run) -> Found:
    """Return how fast participants come, and when the trial ends."""
    given = run.trial.enrolment
    if given is None:
        return Blocked("the protocol does not say how participants come", "enrolment")
    how = "by sites that open over time" if given.kind == "sites" else "at the planned rates"
    row, frame = run.headline, run.frame(MAIN)
    first = say("Participants enter {how} ({source}).", how=how, source=given.source.rstrip("."))
    if not run.has(MAIN, row, "expected_months"):
        return answered(first)
    return answered(
        first,
        say("On average the trial lasts {months} months, in scenario {scenario}.",
            months=run.number(MAIN, row, "expected_months"),
            scenario=label(str(frame["scenario"].iloc[row]))),
    )  # fmt: skip
