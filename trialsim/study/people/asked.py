"""The twins that a protocol asks for, and the tables that say how good they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from trialsim.errors import ProtocolError
from trialsim.prognosis.validation.rivals import SINGLE
from trialsim.progress import Progress, silent
from trialsim.protocol.declared import DeclaredTrial, grid_points
from trialsim.study.people.learning import LearntTwins, learn_twins
from trialsim.study.people.registers import Registers
from trialsim.study.people.reproduction import reproduction


def twins_asked(
    trial: DeclaredTrial,
    folder: Path,
    history: Path | None = None,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
) -> LearntTwins | None:
    """Return the twins of a protocol that learns them, or is given them; None for any other protocol.

    Raises
    ------
    ProtocolError
        A history is given that nothing reads.
    HistoryError, FitError
        As `trialsim.study.people.learning.learn_twins`.
    """
    if trial.twins is None or trial.twins.source == "assumed":
        if history is not None:
            raise ProtocolError(
                "is not read by this protocol", field="history", value=history.name,
                mend='add [twins] with source = "learned", or leave it out',
            )  # fmt: skip
        return None
    return learn_twins(trial, folder, history, cache=cache, progress=progress)


def twin_tables(trial: DeclaredTrial, learnt: LearntTwins, registers: Registers) -> dict[str, pd.DataFrame]:
    """Return what the twins rest on, as tables without any participant's value.

    ``twins``: one row with source, gate and saving beyond the best rival; ``rivals``: one row a way to
    adjust, out of sample; ``reproduction``: moments of history and alternative's register.
    """
    judged, rivals, asked = learnt.judgement, learnt.rivals, trial.sizing
    smallest = 0.0 if asked is None else asked.smallest_worthwhile_saving
    gate = pd.DataFrame(
        [
            {
                "source": learnt.source,
                "history": learnt.facts.source,
                "generated": learnt.facts.generated,
                "participants": learnt.facts.participants,
                "slope": judged.slope,
                "slope_se": judged.slope_se,
                "coverage_95": judged.coverage_95,
                "pit_p": judged.pit_p,
                "fits_repeated": judged.fits_repeated,
                "faults": "; ".join(judged.faults),
                "best_without_twin": rivals.best_without_twin,
                "saving": rivals.saving,
                "saving_low_90": rivals.saving_90[0],
                "saving_high_90": rivals.saving_90[1],
                "supported": learnt.supported(smallest),
            }
        ]
    )
    frame = rivals.to_frame()
    frame.columns = [str(name).replace(" ", "_") for name in frame.columns]
    tables = {"twins": gate, "rivals": frame.reset_index(names="way")}
    if trial.population is not None and not learnt.facts.generated:
        point = next(one for one in grid_points(trial) if one.kind == "alternative")
        register = None if point.trial is None else registers(point.trial)
        if point.trial is not None and register is not None:
            tables["reproduction"] = reproduction(point.trial, learnt, register).reset_index()
    return tables


def best_single(learnt: LearntTwins | None) -> str | None:
    """Return the covariate that tells most by itself, out of sample in the history."""
    if learnt is None:
        return None
    return learnt.rivals.row(SINGLE).adjusts_for[0]
