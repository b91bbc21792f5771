"""Limits that were set beforehand, and whether the results keep them."""

from __future__ import annotations

import pandas as pd

from trialsim.protocol.declared.context import TechnicalCriterion
from trialsim.report.guidances.run import MAIN, Run
from trialsim.report.guidances.said import Blocked, CitedTable, Found, Number, Part, Words, answered, say
from trialsim.report.labels import label
from trialsim.report.sizes import ERRORS, POWERS

_FIELD = "context.criteria"
_MISSING = Blocked("the protocol sets no limits beforehand", _FIELD)
# Nearer to a limit than so many errors, a simulation does not tell on which side a number lies.
_ERRORS_APART = 2.0
_COLUMNS = {
    "power": "rejection_rate", "type_one_error": "rejection_rate", "coverage": "coverage", "bias": "bias",
    "failed_share": "failed_share",
}  # fmt: skip


def criteria(run: Run) -> Found:
    """Return the limits that the protocol sets, each with its reason."""
    context = run.trial.context
    if context is None or not context.criteria:
        return _MISSING
    rows: list[tuple[Part, ...]] = []
    for number, one in enumerate(context.criteria):
        limits = [
            run.declared(f"{_FIELD}.{number}.{name}") if getattr(one, name) is not None else Words("")
            for name in ("at_least", "at_most")
        ]
        rows.append((Words(label(one.measure)), *_where(one), *limits, Words(one.why)))
    columns = ("measure", "scenario", "analysis", "at least", "at most", "why")
    return answered(
        say("Limits that the protocol sets:"), tables=[CitedTable("Technical criteria", columns, tuple(rows))]
    )


def _where(one: TechnicalCriterion) -> tuple[Words, Words]:
    return Words(label(one.scenario or "all")), Words(label(one.analysis or "all"))


def criteria_kept(run: Run) -> Found:
    """Return each result that a limit is of, and whether it keeps it beyond Monte Carlo error."""
    context = run.trial.context
    if context is None or not context.criteria:
        return _MISSING
    rows: list[tuple[Part, ...]] = []
    for number, one in enumerate(context.criteria):
        found = _results(run, one)
        if not found:
            return Blocked(
                f"no result of this run is {label(one.measure).lower()} where the limit is set",
                f"{_FIELD}[{number}].scenario",
            )
        rows += [
            (Words(label(one.measure)), Words(scenario), Words(analysis), value, Words(_kept(one, value)))
            for scenario, analysis, value in found
        ]
    kept = sum(row[-1] == "kept" for row in rows)
    verdict = "Every result keeps its limit" if kept == len(rows) else "Not every result keeps its limit"
    table = CitedTable(
        "Results held to the technical criteria", ("measure", "scenario", "analysis", "result", "verdict"),
        tuple(rows),
    )  # fmt: skip
    return answered(
        say(f"{verdict}. Nearer to a limit than two Monte Carlo errors, a result is not told apart from it."),
        tables=[table],
    )


def _results(run: Run, one: TechnicalCriterion) -> list[tuple[str, str, Number]]:
    """Return scenario, analysis and value of each result that a limit is of."""
    if one.measure == "calibration_slope":
        rows = run.rows("results/twins", lambda frame: frame["slope"].notna())
        return [("", "", run.number("results/twins", row, "slope")) for row in rows]
    column = _COLUMNS[one.measure]

    def chosen(frame: pd.DataFrame) -> pd.Series:
        found = frame[column].notna()
        if one.measure in ("power", "type_one_error"):
            kinds = POWERS if one.measure == "power" else ERRORS
            found &= frame["measure"].str.startswith(kinds)
        for name in ("scenario", "analysis"):
            if getattr(one, name) is not None:
                found &= frame[name] == getattr(one, name)
        return found

    frame = run.frame(MAIN)
    return [
        (label(str(frame["scenario"].iloc[row])), label(str(frame["analysis"].iloc[row])),
         run.number(MAIN, row, column))
        for row in run.rows(MAIN, chosen)
    ]  # fmt: skip


def _kept(one: TechnicalCriterion, found: Number) -> str:
    """Return whether a result keeps its limits.

    Examples
    --------
    >>> limit = TechnicalCriterion(measure="power", at_least=0.8, why="x")
    >>> at = lambda value: Number("", value, "", 0, "", "simulated", 0.01)
    >>> [_kept(limit, at(value)) for value in (0.9, 0.81, 0.7)]
    ['kept', 'not decided', 'not kept']
    """
    value = abs(found.value) if one.measure == "bias" else found.value
    room = min(
        ([] if one.at_least is None else [value - one.at_least])
        + ([] if one.at_most is None else [one.at_most - value])
    )
    if abs(room) < _ERRORS_APART * (found.error or 0.0):
        return "not decided"
    return "kept" if room >= 0 else "not kept"
