"""What every engine of declared trials offers: blocks that are read, truths, and everybody who was drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial

import numpy as np

from trialsim.data import Ints
from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared import DeclaredTrial
from trialsim.registry import Truth
from trialsim.streams import stream
from trialsim.study.declared.carried import Columns
from trialsim.study.declared.drawing.accrual import largest_size
from trialsim.study.declared.drawing.people import ArmChance, Chance, allocate_people
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.reading import Reading
from trialsim.study.declared.refusing import refusing
from trialsim.study.declared.truths.estimands import declared_truth, truth_in_register
from trialsim.trial import SurvivalWorld
from trialsim.trial.allocation import Labels
from trialsim.trial.register import Register

ESTIMAND = "estimand:"


@dataclass(frozen=True)
class BlockReading:
    """Readings of a block by analysis, and the sums of each arm where the design has stages."""

    readings: dict[str, Reading]
    arms: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Everybody:
    """All who were drawn in a block: arm and stratum (R, N), and further columns of each."""

    arm: Labels
    stratum: Ints
    columns: Columns


@dataclass(frozen=True)
class Engine(ABC):
    """What carries out a trial; made by `trialsim.study.declared.engine_of`, which refuses what cannot be.

    Parameters
    ----------
    trial : DeclaredTrial
        The trial.
    participants : int
        Participants that a trial has at most.
    strata : Strata
        Crossing of the factors.
    register : Register or None
        Whom trials recruit from, where people are more than their law.
    """

    trial: DeclaredTrial
    participants: int
    strata: Strata
    register: Register | None = None

    @property
    def streams(self) -> str:
        """Name of the random streams."""
        return streams_of(self.trial)

    @property
    def alpha(self) -> float:
        """One-sided level."""
        return self.trial.design.alpha

    def read(self, replicates: int, seed: int, block: int, purpose: str = "") -> BlockReading:
        """Simulate a block and read it; the same arguments give the same bytes anywhere.

        `purpose` stands before the name of the streams, for trials that need chance of their own.
        """
        return self.read_streams(replicates, seed, block, purpose + self.streams)

    @abstractmethod
    def read_streams(self, replicates: int, seed: int, block: int, streams: str) -> BlockReading:
        """Simulate a block from streams of a name, and read it."""

    @abstractmethod
    def truths(self) -> dict[str, Truth]:
        """Return what each analysis is held against, and the true value of each estimand."""

    def everybody(self, replicates: int, seed: int, block: int) -> Everybody | None:
        """Return all who were drawn in a block; None where sums of arms are drawn."""
        return None

    def of_register(self, rows: Ints | None) -> Columns:
        """Return the row (R, N) of each participant in the register, and the score, where there are any."""
        if rows is None or self.register is None:
            return {}
        scores = self.register.scores
        return ({"score": scores[rows, -1]} if scores.shape[1] else {}) | {"register_row": rows}

    def truths_by_analysis(
        self, survival: SurvivalWorld | None = None, declared: Truth | None = None
    ) -> dict[str, Truth]:
        """Return what each analysis is held against, by the law or in the register."""
        trial, register = self.trial, self.register
        if register is not None:
            return {one.label: truth_in_register(trial, one, register, declared) for one in trial.analyses}
        return {one.label: declared_truth(trial, one, survival, declared) for one in trial.analyses}


def streams_of(trial: DeclaredTrial) -> str:
    """Return the name of a trial's random streams: nothing of it depends on a scenario or an effect."""
    kind = "staged" if trial.in_stages else "trial"
    return f"{kind}.{largest_size(trial)}.{len(trial.arms)}"


def chance_of(seed: int, streams: str, block: int) -> Chance:
    """Return the generators of a block by the component of the stream."""
    return partial(stream, seed, streams, block)


def arm_chance_of(seed: int, streams: str, block: int) -> ArmChance:
    """Return the generators of a block by the arm, for counts."""

    def of_arm(arm: int) -> np.random.Generator:
        return stream(seed, f"{streams}.arm{arm}", block, "outcome")

    return of_arm


def check_allocation(trial: DeclaredTrial) -> None:
    """Refuse a scheme that could not be drawn from, by drawing next to nothing."""
    with refusing("randomisation"):
        levels = np.zeros((1, 2, len(trial.strata)), dtype=np.int64)
        allocate_people(trial, levels, (1, 2), np.random.default_rng(0))


def of_causes(fault: DesignError) -> ProtocolError:
    """Return a refusal of true values as one of the file's causes."""
    return ProtocolError(fault.problem, field="intercurrent_events", value=fault.value)
