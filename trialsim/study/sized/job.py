"""The work of the main job: what its blocks share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from trialsim.data import DiseaseModel, TrialBlock
from trialsim.protocol import Protocol
from trialsim.study.running.work import BlockResult, Call
from trialsim.study.sized.blocks import StudySums, run_block
from trialsim.study.sized.cells import Cell
from trialsim.study.sized.register import Register
from trialsim.trial import Pool


@dataclass(frozen=True)
class Job:
    """What the blocks of a study share.

    Parameters
    ----------
    protocol, disease : Protocol, DiseaseModel
        The trial.
    pools : mapping of str to Pool
        Participants of each scenario, by its name; scenarios of one world share one object.
    truths : mapping of str to float
        True effect in each scenario.
    """

    protocol: Protocol
    disease: DiseaseModel
    pools: Mapping[str, Pool]
    truths: Mapping[str, float]

    @classmethod
    def of(cls, protocol: Protocol, disease: DiseaseModel, registers: Mapping[str, Register]) -> Job:
        """Return the job of a protocol in the worlds of its registers."""
        return cls(
            protocol,
            disease,
            {name: register.pool for name, register in registers.items()},
            {name: register.facts.true_effect for name, register in registers.items()},
        )

    @property
    def sums(self) -> type[StudySums]:
        """Kind of sums that its blocks leave behind."""
        return StudySums

    @property
    def values_a_participant(self) -> int:
        """Numbers that one participant takes in a block."""
        return len(self.protocol.visits.weeks) + len(fields(TrialBlock))

    def large_parts(self) -> Iterable[Pool]:
        """Return each pool once."""
        return {id(pool): pool for pool in self.pools.values()}.values()

    def call(self, task: tuple[Cell, int]) -> Call:
        """Return the computation of a block."""
        cell, index = task
        name = cell.scenario.name
        arguments = (self.protocol, self.disease, self.truths[name], cell, index)
        return Call(run_block, arguments, large=self.pools[name])

    def compute(self, task: tuple[Cell, int]) -> BlockResult[StudySums]:
        """Compute one block in this process."""
        return self.call(task).compute()
