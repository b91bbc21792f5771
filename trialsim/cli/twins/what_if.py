"""``trialsim twins whatif``: twins under a change on the terminal, and those of one outcome a participant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from trialsim.prognosis import TreatmentTerm
    from trialsim.prognosis.what_ifs import WhatIf

# Ends of quarters of the longest follow-up, for what happens over time.
QUARTERS = (0.25, 0.5, 0.75, 1.0)
SCALES = {"binary": "log odds ratio", "ordinal": "log odds ratio", "count": "log rate ratio"}


def table_what_if(
    table_file: Path,
    history: Path | None,
    changes: dict[str, float],
    shifts: dict[str, float],
    term: TreatmentTerm | None,
    cache: Path,
    quiet: bool,
) -> None:
    """Fit the twins of one outcome a participant, and print them under a change."""
    from rich.console import Console

    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.cli.twins.outcomes import history_in_words, read_table
    from trialsim.prognosis import ModelTerms, fit_outcome, outcome_what_if
    from trialsim.streams import stream

    _, table, past = read_table(table_file, history)
    with progress_bars(quiet) as progress:
        progress("fit", 0, 1)
        prognosis = fit_outcome(past, seed=table.seed, terms=ModelTerms.of_outcome(table), cache=cache)
        progress("fit", 1, 1)
    shares = QUARTERS if prognosis.law.counts_time else QUARTERS[-1:]
    found = outcome_what_if(
        prognosis,
        past.covariates,
        [share * prognosis.unit for share in shares],
        set_to=changes,
        add=shifts,
        treatment=term,
        generator=stream(table.seed, "what-if", 0, "twins"),
    )
    console = Console()
    console.print(history_in_words(past, table), highlight=False)
    print_what_if(found, len(past), term, SCALES.get(past.family, "log hazard ratio"), console)


def print_what_if(
    found: WhatIf, participants: int, term: TreatmentTerm | None, scale: str, console: Console
) -> None:
    """Print twins before and after, and what the difference is not."""
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.prognosis.what_ifs import ASSOCIATION

    title = f"Twins of {participants} participants, means and 90 % interval"
    print_frame(found.to_frame(), console, title)
    for name, share in found.outside.items():
        if share:
            console.print(
                f"[yellow]{name}: {share:.0%} of the changed values are far outside the history[/yellow]"
            )
    console.print(f"[yellow]{ASSOCIATION}[/yellow]")
    if term is not None:
        dose = "" if term.dose == 1 else f" a unit of dose, {term.dose:g} units"
        console.print(
            f"Effect of {term.name}: {term.effect:g} {scale} (SD {term.effect_sd:g}){dose}, {term.source}."
        )
