"""Who is analysed, and what becomes of those who leave or are not observed."""

from __future__ import annotations

from trialsim.report.guidances.run import Run
from trialsim.report.guidances.said import Answer, CitedTable, Found, Part, Words, answered, say
from trialsim.report.labels import label

_AFTER = {"kept": "the effect is kept", "lost": "the effect is lost", "frozen": "the effect stays as it was"}


def who_is_included(run: Run) -> Answer:
    """Return who is analysed, and in which arm."""
    ends = "those observed at the last visit" if run.trial.outcome.kind == "score" else "all with an outcome"
    return answered(
        say("Participants are analysed in the arm that they were randomised to: {ends}, as the analysis "
            "reads "
            "them.", ends=ends)
    )  # fmt: skip


def missing_data(run: Run) -> Found:
    """Return why participants are not observed, by which mechanism, and what happens to the effect."""
    rows: list[tuple[Part, ...]] = []
    for field in ("discontinuation", "intercurrent_events"):
        for place, one in enumerate(getattr(run.trial, field)):
            shares = [run.declared(f"{field}.{place}.cumulative.{arm}") for arm in run.trial.arm_names]
            rows.append((Words(label(one.cause)), Words(one.mechanism), *shares,
                         Words(_AFTER[one.after]), Words(one.source)))  # fmt: skip
    if not rows:
        return answered(say("The protocol assumes that nobody leaves; the size has no allowance for it."))
    columns = (
        "cause",
        "mechanism",
        *(f"share, {arm}" for arm in run.trial.arm_names),
        "afterwards",
        "source",
    )
    return answered(
        say("Causes that the simulation has, and by which mechanism: MCAR at random, MAR by what was "
            "seen, MNAR "
            "by what was not. No value is imputed but by an analysis that says so."),
        tables=[CitedTable("Why participants leave, as assumed", columns, tuple(rows))],
    )  # fmt: skip
