"""``trialsim twins update --interim``: twins of a running trial, conditioned on the visits seen so far."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from trialsim.cli.twins.asked import Asked
    from trialsim.data import History
    from trialsim.prognosis import Prognosis


def print_value(asked: Asked, folds: int, quiet: bool, console: Console) -> None:
    """Print what each visit of the history adds to the twins of its own participants."""
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.prognosis import value_of_updating

    past = asked.visits
    with progress_bars(quiet) as progress:
        value = value_of_updating(
            past, seed=asked.trial.seed, terms=asked.terms, folds=folds, progress=progress
        )
    title = f"R2 of the change at week {past.weeks[-1]:g}, by visits seen (twins out of sample)"
    print_frame(value.to_frame(), console, title)


def print_interim(
    asked: Asked,
    interim: Path,
    source: str,
    output: Path | None,
    refit: bool,
    cache: Path,
    quiet: bool,
    console: Console,
) -> None:
    """Print the recalibration and the updated twins of an interim file, and write the latter if asked."""
    import numpy as np

    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.cli.terminal.tables import print_frame, write_frame
    from trialsim.cli.twins.refit import print_refit
    from trialsim.prognosis import require_compatible, update_interim
    from trialsim.prognosis.histories import participant_identifiers
    from trialsim.study.people.history import history_rows, read_running_trial
    from trialsim.study.validation.reach import applicability, with_baseline

    past, now = asked.visits, read_running_trial(asked.trial, interim)
    require_compatible(past, now)
    with progress_bars(quiet) as progress:
        prognosis = asked.fit(past, cache, progress)
    frame = update_interim(prognosis, past, now)
    known = now.take(np.isfinite(now.baseline))
    if len(known):
        people = with_baseline(known.covariates.select(past.covariates.names), known.baseline)
        own = with_baseline(past.covariates, past.baseline)
        reach = applicability(own, people, "the running trial")
        if reach.frame is not None:
            print_frame(reach.frame, console, reach.title)
        for note in reach.notes:
            console.print(note, highlight=False)
    _print_recalibration(past, now, prognosis, source, console)
    _print_means(frame, now, console)
    if refit:
        print_refit(asked, prognosis, past, now, cache, quiet, console)
    if output is not None:
        identifiers = participant_identifiers(interim, history_rows(asked.trial))
        write_frame(frame.assign(participant=identifiers[frame["participant"].to_numpy()]), output)
        console.print(
            f"Updated twins, by the participants' identifiers of the file: {output}", soft_wrap=True
        )


def _print_recalibration(
    past: History, now: History, prognosis: Prognosis, source: str, console: Console
) -> None:
    """Print the recalibration at the last week of the history that enough were seen at."""
    import numpy as np

    from trialsim.cli.terminal.tables import print_frame
    from trialsim.prognosis import recalibrate
    from trialsim.prognosis.living import FEWEST_TO_RECALIBRATE

    people = now.take(np.isfinite(now.baseline))
    counts = np.isfinite(people.outcomes).sum(axis=0)
    enough = now.weeks[(counts >= FEWEST_TO_RECALIBRATE) & np.isin(now.weeks, past.weeks)]
    if not enough.size:
        console.print(
            f"Too few were seen to recalibrate: {FEWEST_TO_RECALIBRATE} are needed at one of the history's "
            "weeks. The twins below are those of the history, conditioned and not recalibrated.",
            highlight=False,
        )
        return
    week = float(enough[-1])
    twins_now = prognosis.predict(people.covariates, people.baseline, [week])
    outcome = people.outcomes[:, now.weeks == week][:, 0]
    line = recalibrate(outcome, people.baseline, twins_now, week, source)  # type: ignore[arg-type]  # click has checked it
    print_frame(
        line.to_frame(), console, f"Recalibration at week {line.week:g} ({line.participants} participants)"
    )
    console.print(f"{line.note} Recalibration is {'needed' if line.needed else 'not shown to be needed'}.")


def _print_means(frame: pd.DataFrame, now: History, console: Console) -> None:
    """Print means of the updated twins by week, each of those for whom the week is ahead."""
    from trialsim.cli.terminal.tables import print_frame

    if not len(frame):
        console.print("Nothing is ahead: everybody was seen at the history's last week.")
        return
    by_week = frame.groupby("week", as_index=False).agg(
        participants=("participant", "size"),
        score=("score", "mean"),
        sd=("sd", "mean"),
        effective_draws=("effective_draws", "mean"),
    )
    title = f"Updated twins of {len(now)} participants, means of those for whom the week is ahead"
    print_frame(by_week, console, title)
