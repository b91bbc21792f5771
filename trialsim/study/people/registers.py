"""The registers of a protocol's worlds: each drawn once, when a cell first needs it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from trialsim.errors import ProtocolError
from trialsim.progress import Progress, silent
from trialsim.protocol.declared import DeclaredTrial
from trialsim.study.people.drawing import register_of
from trialsim.study.people.learning import LearntTwins, learn_twins
from trialsim.trial.register import Register

_OF_WORLD = {"seed", "population", "arms", "endpoints", "effects", "strata", "history", "twins", "scenarios"}


@dataclass
class Registers:
    """From a resolved trial to the register that it recruits from.

    Cells of one world share one object: what they differ in (size, looks, dropout, analyses) is conduct.

    Parameters
    ----------
    learnt : LearntTwins, optional
        Of the protocol, where its twins or its people come from a history.
    folder : Path
        Of the protocol: its files are relative to it.
    """

    learnt: LearntTwins | None = None
    folder: Path = Path()
    _drawn: dict[str, Register] = field(default_factory=dict)

    def __call__(self, trial: DeclaredTrial) -> Register | None:
        """Return the trial's register; None where people are only their law."""
        if trial.twins is None and trial.outcome.course is None:
            return None
        key = world_key(trial)
        if key not in self._drawn:
            self._drawn[key] = register_of(trial, self.learnt, self.folder)
        return self._drawn[key]


def registers_of(
    trial: DeclaredTrial,
    folder: Path,
    history: Path | None = None,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Registers:
    """Return the registers of a protocol, after learning its twins where they come from a history.

    Parameters
    ----------
    trial : DeclaredTrial
        The protocol, with all its worlds.
    folder : Path
        Of the protocol.
    history : Path, optional
        A file in the place of `history.file`.
    cache : Path, optional
        Folder of fitted posteriors.
    progress : callable
        Called with stage, steps done and steps in all.

    Raises
    ------
    InputError
        As in `trialsim.study.people.learning.learn_twins`.
    ProtocolError
        A history is given to a trial that reads none.
    """
    if trial.twins is None or trial.twins.source == "assumed":
        if history is not None:
            raise ProtocolError(
                "is not read by this trial", field="history", value=str(history),
                mend='add [twins] with source = "learned", or leave the history out',
            )  # fmt: skip
        return Registers(folder=folder)
    return Registers(learn_twins(trial, folder, history, cache=cache, progress=progress), folder)


def world_key(trial: DeclaredTrial) -> str:
    """Return what the people of a resolved trial depend on, as text."""
    return json.dumps(trial.model_dump(mode="json", include=_OF_WORLD), sort_keys=True)
