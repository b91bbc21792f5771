"""The registers of a protocol's worlds: each drawn once, when a cell first needs it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from trialsim.errors import ProtocolError
from trialsim.protocol.declared import DeclaredTrial
from trialsim.streams import stream
from trialsim.study.people.assumed import STREAM, register_assumed
from trialsim.trial.register import Register

_OF_WORLD = {"seed", "population", "arms", "endpoints", "effects", "strata", "history", "twins", "scenarios"}


@dataclass
class Registers:
    """From a resolved trial to the register that it recruits from.

    Cells of one world share one object: what they differ in (size, looks, dropout, analyses) is conduct.
    """

    _drawn: dict[str, Register] = field(default_factory=dict)

    def __call__(self, trial: DeclaredTrial) -> Register | None:
        """Return the trial's register; None where people are only their law."""
        if trial.twins is None and trial.outcome.course is None:
            return None
        key = world_key(trial)
        if key not in self._drawn:
            self._drawn[key] = self._draw(trial)
        return self._drawn[key]

    def _draw(self, trial: DeclaredTrial) -> Register:
        if trial.twins is None or trial.twins.source != "assumed":
            raise ProtocolError(
                "is read, and not carried out yet", field="endpoints.course",
                mend="give a marginal law and twins with an assumed strength",
            )  # fmt: skip
        register = register_assumed(trial)
        (world,) = trial.scenarios
        if world.twins == "useless":
            return register.with_useless_scores(stream(trial.seed, STREAM, 1, "twins"))
        return register


def world_key(trial: DeclaredTrial) -> str:
    """Return what the people of a resolved trial depend on, as text."""
    return json.dumps(trial.model_dump(mode="json", include=_OF_WORLD), sort_keys=True)
