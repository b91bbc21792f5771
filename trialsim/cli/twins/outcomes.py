"""``trialsim twins validate`` of responses, categories, counts and events; labels of subgroups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from trialsim.prognosis import OutcomeHistory
    from trialsim.prognosis.validation import OutcomeValidation
    from trialsim.protocol import HistoryTable, OutcomeTable

# Judged wherever the history carries it, under any spelling: twins that are wrong for some must be seen.
ALWAYS = "race"
WORDS = {
    "low_95": "observed to expected, 95 % low",
    "high_95": "observed to expected, 95 % high",
    "intercept": "calibration intercept (0 if calibrated)",
    "slope": "calibration slope (1 if calibrated)",
    "discrimination": "discrimination (.5 by chance)",
}


def subgroup_labels(
    history: Path | None, table: HistoryTable, asked: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Return labels of participants by the columns that are asked for, and by race where there is one."""
    from trialsim.errors import InputError
    from trialsim.prognosis.histories import column_names, read_labels

    if history is None:
        if asked:
            raise InputError(
                "a generated history has no columns but its covariates",
                field="--subgroup",
                value=asked[0],
                mend="give a file with --history, or leave --subgroup out",
            )
        return {}
    race = [name for name in column_names(history, table) if name.lower() == ALWAYS]
    return read_labels(history, table, list(dict.fromkeys((*race, *asked))))


def validate_table(
    table_file: Path,
    history: Path | None,
    family: str | None,
    subgroups: tuple[str, ...],
    folds: int,
    by_group: bool,
    cohort: Path | None,
    cache: Path,
    quiet: bool,
) -> None:
    """Print calibration, discrimination and gain of the twins of one outcome a participant."""
    from rich.console import Console

    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.cli.twins.checks import print_outcome_checks
    from trialsim.cli.twins.reach import print_table_reach
    from trialsim.prognosis import ModelTerms, OutcomeSampler, fit_outcome, validate_outcome
    from trialsim.prognosis.validation import covariate_subgroups

    history, table, past = read_table(table_file, history, family)
    labels = covariate_subgroups(past.covariates) | subgroup_labels(history, table.rows, subgroups)
    console, sampler, terms = Console(), OutcomeSampler(), ModelTerms.of_outcome(table)
    console.print(history_in_words(past, table), highlight=False)
    if cohort is not None:
        print_table_reach(past, cohort, table.seed, console)
    unseen = ("participants", "groups") if by_group else ("participants",)
    for what in unseen:
        with progress_bars(quiet) as progress:
            progress(f"{what} never seen", 0, 1)
            found = validate_outcome(
                past,
                seed=table.seed,
                folds=folds,
                by_group=what == "groups",
                terms=terms,
                sampler=sampler,
            )
            progress(f"{what} never seen", 1, 1)
        print_frame(_judged(found), console, f"Calibration and discrimination, on {what} never seen")
        if what == "participants":
            _print_gain(found, past, table.seed, console)
    print_frame(found.by_subgroup(labels), console, f"Subgroups, on {unseen[-1]} never seen; small not shown")
    if by_group:
        groups = {"group": _group_labels(history, table.rows, len(past))}
        print_frame(found.by_subgroup(groups), console, "Each group, by a model that never saw it")
    with progress_bars(quiet) as progress:
        progress("fit", 0, 1)
        prognosis = fit_outcome(past, seed=table.seed, terms=terms, cache=cache, sampler=sampler)
        progress("fit", 1, 1)
    print_outcome_checks(past, prognosis, table.seed, console)


def _print_gain(found: OutcomeValidation, past: OutcomeHistory, seed: int, console: Console) -> None:
    """Print what the score adds to each covariate that an analysis could adjust for in its place."""
    import pandas as pd

    from trialsim.cli.terminal.tables import print_frame
    from trialsim.streams import stream

    rows = []
    for name in past.covariates.names:
        gain = found.gain(past, name, generator=stream(seed, f"gain beyond {name}", 0, "bootstrap"))
        rows.append(
            {
                "adjusted for": name,
                "participants": gain.participants,
                "partial correlation": gain.partial_correlation,
                "corr low 95": gain.partial_correlation_95[0],
                "corr high 95": gain.partial_correlation_95[1],
                "gain": gain.gain,
                "gain low 95": gain.gain_95[0],
                "gain high 95": gain.gain_95[1],
            }
        )
    print_frame(pd.DataFrame(rows), console, "Gain of the score beyond one covariate, out of sample")
    console.print(
        "Gain is the share of participants that adjusting for the score saves beside that covariate, of the "
        "outcome that a linear comparison regresses; negative where the score misleads.",
        highlight=False,
    )


def read_table(
    table_file: Path, history: Path | None, family: str | None = None
) -> tuple[Path, OutcomeTable, OutcomeHistory]:
    """Return the history's file, the table, of another family if asked, and the history that it reads."""
    from trialsim.errors import HistoryError
    from trialsim.prognosis import ModelTerms, read_outcome_history
    from trialsim.prognosis.histories import ISSUED
    from trialsim.prognosis.models.outcome_terms import require_outcome_terms
    from trialsim.protocol import read_outcome_table

    if history is None:
        raise click.UsageError("a TABLE needs --history: it says how a file is read")
    table = read_outcome_table(table_file)
    if family is not None:
        if family not in ISSUED:
            raise click.BadParameter(f"use one of {', '.join(ISSUED)}", param_hint="--family")
        table = table.of_family(family, table_file)
    if table.family not in ISSUED:
        raise HistoryError(
            "is no family of outcomes that twins are issued for",
            file=table_file,
            field="family",
            value=table.family,
            mend=f"use one of {', '.join(ISSUED)}",
        )
    past = read_outcome_history(history, table)
    require_outcome_terms(past, ModelTerms.of_outcome(table), history)
    return history, table, past


def history_in_words(past: OutcomeHistory, table: OutcomeTable) -> str:
    """Return what is learnt from, and by which model."""
    levels = f" ({' < '.join(past.levels)})" if past.levels else ""
    terms = "".join(
        [
            *(f"; spline of {name}" for name in table.prognosis.splines),
            *(f"; {one} x {other}" for one, other in table.prognosis.interactions),
        ]
    )
    return f"History: {past.source}, {len(past)} participants; {past.endpoint}, {past.family}{levels}{terms}"


def _group_labels(history: Path, table: HistoryTable, participants: int) -> np.ndarray:
    """Return the group's name of each participant as the file has it."""
    import numpy as np

    from trialsim.prognosis.histories import read_labels

    name = table.columns.group
    return np.full(participants, "all") if name is None else read_labels(history, table, [name])[name]


def _judged(found: OutcomeValidation):  # type: ignore[no-untyped-def]  # pandas is imported only when it runs
    import pandas as pd

    rows = [(WORDS.get(name, name.replace("_", " ")), value) for name, value in found.judge().items()]
    return pd.DataFrame(rows, columns=["measure", "value"])
