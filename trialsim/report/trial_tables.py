"""Tables of a declared trial's report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from trialsim.disease.evidence import LABELS
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.scenarios import World
from trialsim.report.evidence import tables_with_source
from trialsim.report.frames import ERROR, Table, frame_table, plain
from trialsim.report.labels import label
from trialsim.study.declared import DeclaredResult
from trialsim.study.designs.sequential_characteristics import MOST_UNDECIDED

_QUALITY = ("true_effect", "bias", "mean_squared_error", "coverage")
_CONDUCT = ("size", "events", "months")
_COUNTS = ("undecided", "unreached_looks", "unreadable_looks")
_OF_ARMS = ("disjunctive_power", "conjunctive_power", "family_wise_error")
_OF_TESTS = ("test", "count", "share")
_SHARES = ("failed_share", "undecided_share")
NOT_TO_BE_USED = "not to be used"


def trial_tables(trial: DeclaredTrial, result: DeclaredResult) -> dict[str, Table]:
    """Return every table of a declared trial's report by its name; those without a row are left out."""
    tables = {
        "characteristics": frame_table(
            headline(result, ("rejection_rate", *_QUALITY)),
            ". ".join(("Claims, and what the estimate is worth (± Monte Carlo SE)", *notes(result))),
        ),
        "family": frame_table(
            _without_cell(result.family),
            "All hypotheses together: any and all of those with an effect claimed, any other claimed "
            "(family-wise error), and what a trial needs (± Monte Carlo SE)",
        ),
        "hypotheses": frame_table(
            _without_cell(result.hypotheses),
            "Each hypothesis look by look: claimed by then (± Monte Carlo SE), mean information, and the z "
            "bounds at its first share of alpha and at the whole of it",
        ),
        "decided": frame_table(_decided(result), "Which test decided: share of trials"),
        "conduct": frame_table(_conduct(result), "Size, events and months when the trial stopped"),
        "looks": frame_table(_looks(result), "Probability of stopping at each look"),
        "bounds": frame_table(
            _once(result.bounds),
            "Bounds of each look, and when it falls. The effect at a bound is a share of the one at which "
            "the design has its power; its hazard ratio is by Schoenfeld's variance",
        ),
        "expected_sizes": frame_table(
            _once(result.expected_sizes),
            "Expected size by formula without an effect (H0), with half, and with all of the effect (H1) at "
            "which the design has its power",
        ),
        "ledger": frame_table(_ledger(result), "Each analysis against the true value of each estimand"),
        "bias_by_estimand": frame_table(
            _bias_by_estimand(result),
            "Bias (± Monte Carlo SE) of each analysis against the true value of each estimand",
        ),
        "arms": frame_table(_without_cell(result.arms), "Each arm"),
        "failures": frame_table(_without_cell(result.failures), "Fits without an estimate, by reason"),
        "refused": frame_table(result.refused, "Cells that were planned and refused", text=True),
        "scenarios": _scenarios(trial),
        "estimand": _estimand(trial),
        "axes": _axes(trial),
        "sources": sources_table(trial),
        "evidence": frame_table(
            result.evidence,
            "Numbers of the cohort card and of the disease model by what they rest on. Published: read in "
            "the named source. Computed: by us, from it. Recalled: from memory. Assumed: nobody measured it",
            text=True,
        ),
    }
    return with_rows(tables)


def with_rows(tables: dict[str, Table]) -> dict[str, Table]:
    """Return the tables that have a row."""
    return {name: table for name, table in tables.items() if table.rows}


def headline(result: DeclaredResult, shown: Sequence[str]) -> pd.DataFrame:
    """Return the operating characteristics with only some of their columns, and these columns' errors."""
    frame = result.operating_characteristics
    settings = _settings(frame)
    # Where a bias is not against one true effect, the note says against what, and there is no effect to show.
    frame = frame.assign(true_effect=frame["true_effect"].where(frame["true_effect_note"] == ""))
    rate, *others = shown
    names = _with_errors(frame, (*_OF_ARMS, *others))
    seen = [name for name in _SHARES if frame[name].any()]
    first = ["scenario", *settings, "analysis", "trials", "measure", *_with_errors(frame, (rate,))]
    kept = frame[[*first, *seen, *names]].copy()
    if not frame["usable"].all():
        kept.insert(len(first), "use", frame["usable"].map({True: "", False: NOT_TO_BE_USED}))
    if "true_effect" in kept and kept["true_effect"].isna().all():
        kept = kept.drop(columns="true_effect_mcse")
    return kept.dropna(axis="columns", how="all")


def _with_errors(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the columns of these names that there are, each before its error."""
    return [name for one in names for name in (one, f"{one}_mcse") if name in frame]


def rule_of_use() -> str:
    """Return when a rejection rate is not to be used, as a sentence.

    Examples
    --------
    >>> rule_of_use()
    'A rejection rate is not to be used where more than 1 % of the trials had no test, nor one in its place'
    """
    return (
        f"A rejection rate is {NOT_TO_BE_USED} where more than {100 * MOST_UNDECIDED:g} % of the trials "
        "had no test, nor one in its place"
    )


def notes(result: DeclaredResult) -> list[str]:
    """Return what a reader of the operating characteristics has to know, one sentence each."""
    frame = result.operating_characteristics
    said = _notes_of_bias(frame)
    if frame["failed_share"].any():
        said.append(
            "Where a share of fits failed, bias, MSE and coverage are of the fits that succeeded; "
            "the claims are of all trials"
        )
    if frame["undecided_share"].any():
        said.append(rule_of_use())
    return said


def evidence_in_words(result: DeclaredResult) -> list[str]:
    """Return what the numbers of card and disease model rest on, one sentence each."""
    if result.evidence.empty:
        return []
    counted = result.evidence.groupby("part", sort=False)[list(LABELS)].sum()
    return [
        f"{part}, {row.sum()} numbers: " + ", ".join(f"{row[name]} {name}" for name in LABELS)
        for part, row in counted.iterrows()
    ]


def _notes_of_bias(frame: pd.DataFrame) -> list[str]:
    """Return what bias is of which analysis, where it is not against one true effect."""
    told = frame.loc[frame["true_effect_note"] != "", ["analysis", "true_effect_note"]].drop_duplicates()
    return [
        f"{', '.join(label(str(name)) for name in rows['analysis'])}: {note}"
        for note, rows in told.groupby("true_effect_note", sort=False)
    ]


def _decided(result: DeclaredResult) -> pd.DataFrame:
    """Return the tests that decided, where not every analysis was decided by one alone."""
    frame = _without_cell(result.decided_by)
    if frame.empty or not frame.duplicated([name for name in frame if name not in _OF_TESTS]).any():
        return pd.DataFrame()
    return frame


def _settings(frame: pd.DataFrame) -> list[str]:
    """Return the columns that hold the grid's values: those between scenario and analysis."""
    columns = list(frame.columns)
    return columns[columns.index("scenario") + 1 : columns.index("analysis")]


def _conduct(result: DeclaredResult) -> pd.DataFrame:
    frame = result.operating_characteristics
    names: list[str] = []
    for one in _CONDUCT:
        names += [f"expected_{one}", f"expected_{one}_mcse", f"least_{one}", f"most_{one}"]
    names = [name for name in names if name in frame]
    names += [name for name in _COUNTS if name in frame and frame[name].any()]
    if not names:
        return pd.DataFrame()
    return frame[["scenario", *_settings(frame), "analysis", *names]].dropna(axis="columns", how="all")


def _looks(result: DeclaredResult) -> pd.DataFrame:
    """Return the looks of designs that have several."""
    frame = _without_cell(result.looks)
    if frame.empty or frame["look"].max() == 1:
        return pd.DataFrame()
    unused = [name for name in ("futility", "unreached", "unreadable") if not frame[name].any()]
    return frame.drop(columns=[*unused, *(f"{name}_mcse" for name in unused)], errors="ignore")


def _ledger(result: DeclaredResult) -> pd.DataFrame:
    frame = result.ledger
    if frame.empty:
        return frame
    names = _with_errors(frame, ("failed_share", "true_effect", "bias", "coverage", "rejection_rate"))
    return frame[["scenario", *_settings(frame), "estimand", "analysis", *names]]


def _bias_by_estimand(result: DeclaredResult) -> pd.DataFrame:
    """Return one row a scenario and estimand: its true value, and the bias of each analysis against it."""
    frame = result.ledger
    if frame.empty:
        return frame
    settings = _settings(frame)
    rows = []
    for place, part in frame.groupby(["scenario", *settings, "estimand"], sort=False):
        first = part.iloc[0]
        row = dict(zip(("scenario", *settings, "estimand"), place, strict=True))
        row |= {name: first[name] for name in ("true_effect", "true_effect_mcse")}
        for one in part.to_dict("records"):
            row[f"bias of {one['analysis']}"] = one["bias"]
            row[f"bias of {one['analysis']}{ERROR}"] = one["bias_mcse_with_truth"]
        rows.append(row)
    return pd.DataFrame(rows)


def _once(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what belongs to a design without the scenario where all scenarios say the same."""
    bare = _without_cell(frame)
    once = bare.drop(columns="scenario", errors="ignore").drop_duplicates()
    scenarios = bare["scenario"].nunique(dropna=False) if len(bare) else 1
    return once if len(once) * scenarios == len(bare) else bare


def _without_cell(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="cell", errors="ignore")


def _scenarios(trial: DeclaredTrial) -> Table:
    rows = [(label(one.name), one.kind, _changes(one), one.why) for one in trial.scenarios]
    return Table(("scenario", "kind", "sets", "why"), rows, "Scenarios, declared before running", text=True)


def _changes(world: World) -> str:
    """Return what a world sets, how its people drift from the history, and whether its twins are useless."""
    said = [f"{name} = {plain(value)}" for name, value in world.set.items()]
    if world.drift is not None:
        moved = world.drift.model_dump(exclude_defaults=True)
        shifts = moved.pop("covariate_shift", {})
        said += [f"{label(name).lower()} {plain(value)}" for name, value in moved.items()]
        said += [f"{name} {value:+g} SD" for name, value in shifts.items()]
    return "; ".join([*said, *(["scores shuffled"] if world.twins == "useless" else [])])


def _estimand(trial: DeclaredTrial) -> Table:
    given = trial.estimand
    rows = [] if given is None else [(label(name), str(text)) for name, text in given.model_dump().items()]
    if given is not None:
        events = (*trial.discontinuation, *trial.intercurrent_events)
        rows += [(f"{label(one.cause)} (intercurrent event)", label(one.strategy)) for one in events]
    return Table(("attribute", "decision"), rows, "Estimand", text=True)


def _axes(trial: DeclaredTrial) -> Table:
    rows = [(axis.field, ", ".join(plain(value) for value in axis.values), axis.why) for axis in trial.grid]
    return Table(("field", "values", "why"), rows, "Axes of the grid, declared before running", text=True)


def sources_table(trial: DeclaredTrial) -> Table:
    """Return where the numbers of a declared trial come from, one row a table of the file."""
    rows = [
        (where, _values(table), str(table["source"])) for where, table in tables_with_source(trial.to_dict())
    ]
    return Table(("table", "values", "source"), rows, "Where the numbers come from", text=True)


def _values(table: dict[str, Any]) -> str:
    shown = {key: value for key, value in table.items() if key != "source" and value not in (None, [], {})}
    return "; ".join(
        f"{key} = {value if isinstance(value, str) else json.dumps(value)}" for key, value in shown.items()
    )
