"""``trialsim twins update --refit``: the closed form beside a refit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from trialsim.cli.twins.asked import Asked
    from trialsim.data import Floats, History
    from trialsim.prognosis import Prognosis


def print_refit_of_fold(asked: Asked, folds: int, cache: Path, quiet: bool, console: Console) -> None:
    """Compare both on one fold of the history, whose last visit is hidden and then shown."""
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.prognosis.living import split_off_interim

    learnt, now, outcomes = split_off_interim(asked.visits, folds, asked.trial.seed)
    with progress_bars(quiet) as progress:
        prognosis = asked.fit(learnt, cache, progress)
    print_refit(asked, prognosis, learnt, now, cache, quiet, console, outcomes)


def print_refit(
    asked: Asked,
    prognosis: Prognosis,
    past: History,
    now: History,
    cache: Path,
    quiet: bool,
    console: Console,
    outcomes: Floats | None = None,
) -> None:
    """Fit again with the visits so far, and print how far the closed form is from that."""
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.prognosis import compare_with_refit

    seconds = []

    with progress_bars(quiet) as progress:

        def refit(history: History) -> Prognosis:
            start = time.perf_counter()
            fitted = asked.fit(history, cache, progress)
            seconds.append(time.perf_counter() - start)
            return fitted

        start = time.perf_counter()
        found = compare_with_refit(prognosis, past, now, refit, outcomes)
        closed = (time.perf_counter() - start - seconds[0]) / 2
    print_frame(found.to_frame(), console, f"Updated in closed form and by a refit, {len(now)} participants")
    console.print(
        f"Closed form {closed:.1f} s, refit {seconds[0]:.1f} s (less where it was fitted before). The closed "
        "form knows the visits of each participant; the refit has learnt from the visits of all.",
        highlight=False,
    )
