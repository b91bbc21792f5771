"""``trialsim twins whatif``: twins under a change on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from trialsim.cli.twins.asked import Asked
    from trialsim.prognosis import TreatmentTerm
    from trialsim.prognosis.what_ifs import WhatIf

# Ends of quarters of the longest follow-up, for what happens over time.
QUARTERS = (0.25, 0.5, 0.75, 1.0)
SCALES = {"binary": "log odds ratio", "ordinal": "log odds ratio", "count": "log rate ratio"}


def print_what_if(
    asked: Asked,
    changes: dict[str, float],
    shifts: dict[str, float],
    term: TreatmentTerm | None,
    cache: Path,
    quiet: bool,
) -> None:
    """Learn the twins, and print them before and after a change, and what the difference is not."""
    import numpy as np
    from rich.console import Console

    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.data import History
    from trialsim.prognosis import fit_outcome, outcome_what_if, what_if
    from trialsim.streams import stream

    trial, past, chance = asked.trial, asked.past, stream(asked.trial.seed, "what-if", 0, "twins")
    with progress_bars(quiet) as progress:
        if isinstance(past, History):
            model = asked.fit(past, cache, progress)
            people = past.take(np.isfinite(past.baseline))
            found = what_if(
                model, people.covariates, people.baseline, past.weeks, set_to=changes, add=shifts,
                treatment=term, generator=chance,
            )  # fmt: skip
            count, scale = len(people), "points"
        else:
            progress("fit", 0, 1)
            one = fit_outcome(past, seed=trial.seed, terms=asked.terms, cache=cache)
            progress("fit", 1, 1)
            shares = QUARTERS if one.law.counts_time else QUARTERS[-1:]
            found = outcome_what_if(
                one, past.covariates, [share * one.unit for share in shares], set_to=changes, add=shifts,
                treatment=term, generator=chance,
            )  # fmt: skip
            count, scale = len(past), SCALES.get(past.family, "log hazard ratio")
    console = Console(markup=False)
    console.print(f"History: {past.source}", highlight=False)
    _print(found, count, term, scale, console)


def _print(
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
                f"{name}: {share:.0%} of the changed values are far outside the history", style="yellow"
            )
    console.print(ASSOCIATION, style="yellow")
    if term is not None:
        dose = "" if term.dose == 1 else f" a unit of dose, {term.dose:g} units"
        console.print(
            f"Effect of {term.name}: {term.effect:g} {scale} (SD {term.effect_sd:g}){dose}, {term.source}."
        )
