"""The registers of a protocol's worlds: each drawn once, when a cell first needs it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from trialsim.protocol.declared import DeclaredTrial
from trialsim.study.people.drawing import register_of
from trialsim.study.people.learning import ModelledHistory
from trialsim.trial.register import Register

_OF_WORLD = {
    "seed",
    "population",
    "arms",
    "endpoints",
    "effects",
    "safety",
    "strata",
    "history",
    "twins",
    "scenarios",
}


@dataclass
class Registers:
    """From a resolved trial to the register that it recruits from.

    Cells of one world share one object: what they differ in (size, looks, dropout, analyses) is conduct.

    Parameters
    ----------
    learnt : ModelledHistory, optional
        Of the protocol, where its twins or its people come from a history.
    folder : Path
        Of the protocol: its files are relative to it.
    card : str, optional
        Path of the card in `folder`, where it is not the one that the protocol names.
    """

    learnt: ModelledHistory | None = None
    folder: Path = Path()
    card: str | None = None
    _drawn: dict[str, Register] = field(default_factory=dict)

    def __call__(self, trial: DeclaredTrial) -> Register | None:
        """Return the trial's register; None where people are only their law."""
        if trial.twins is None and trial.outcome.course is None:
            return None
        key = world_key(trial)
        if key not in self._drawn:
            self._drawn[key] = register_of(self.with_card(trial), self.learnt, self.folder)
        return self._drawn[key]

    def with_card(self, trial: DeclaredTrial) -> DeclaredTrial:
        """Return the trial with the card where it is now."""
        if self.card is None or trial.population is None or trial.population.card is None:
            return trial
        people = trial.population.model_copy(update={"card": self.card})
        return trial.model_copy(update={"population": people})


def world_key(trial: DeclaredTrial) -> str:
    """Return what the people of a resolved trial depend on, as text."""
    return json.dumps(trial.model_dump(mode="json", include=_OF_WORLD), sort_keys=True)
