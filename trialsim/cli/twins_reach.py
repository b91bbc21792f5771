"""How far a history reaches into the population of a protocol, on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from trialsim.data import History
    from trialsim.protocol import Protocol

PARTICIPANTS = 2000


def print_reach(asked: Protocol, file: Path, past: History, console: Console) -> None:
    """Print applicability and transport of a history to the eligible population of a protocol's card."""
    import numpy as np
    import pandas as pd

    from trialsim.cli.tables import print_frame
    from trialsim.errors import HistoryError
    from trialsim.population import draw_eligible, read_card
    from trialsim.prognosis import (
        balance_to_table,
        generalisability,
        inverse_odds,
        judge_applicability,
    )
    from trialsim.protocol import cohort_path
    from trialsim.streams import stream

    names = past.covariates.names
    if not names:
        return
    card = read_card(cohort_path(asked, file))
    generator = stream(asked.seed, "applicability", 0, "register")
    trial = draw_eligible(card, asked.eligibility, PARTICIPANTS, generator).covariates.select(names)
    found = judge_applicability(past.covariates, trial)
    print_frame(found.covariates, console, f"Covariates of the history and of {card.name}")
    console.print(
        f"Far from the history (2.5 % expected): {found.far_share:.1%} of the population. Inside its hull: "
        f"{found.hull_share:.1%}, of left-out history participants {found.hull_share_history:.1%} "
        f"({found.hull_participants} of each)."
    )
    complete = [name for name in names if np.isfinite(past.covariates.column(name)).all()]
    mine, theirs = past.covariates.select(complete), trial.select(complete)
    try:
        table = balance_to_table(mine, {name: float(theirs.column(name).mean()) for name in complete})
        odds = inverse_odds(mine, theirs)
        index = generalisability(mine, theirs)
    except HistoryError as fault:
        console.print(f"[yellow]The history cannot be carried over by weights: {fault}[/yellow]")
        return
    rows = [("entropy balancing to the means", table), ("inverse odds", odds)]
    frame = pd.DataFrame(
        {
            "weights": [name for name, _ in rows],
            "effective participants": [one.effective for _, one in rows],
            "largest weight": [one.largest for _, one in rows],
        }
    )
    print_frame(frame, console, f"Transport of {len(past)} participants, {len(complete)} covariates")
    console.print(f"Generalisability index (Tipton; 1 alike, under .5 hardly defensible): {index:.3f}")
