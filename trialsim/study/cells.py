"""What is simulated: one cell for each scenario and size, in blocks that the plan fixes beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from trialsim.design import ControlArmPlan, Size
from trialsim.protocol import Protocol, Scenario
from trialsim.trial import TrialSize


@dataclass(frozen=True)
class Cell:
    """A scenario simulated at one size.

    Parameters
    ----------
    scenario : Scenario
        The world.
    sized_for : str
        Whose size it is: ``unadjusted``, ``ancova``, ``prognostic``, ``discounted`` or ``active_fixed``.
    size : TrialSize
        Participants in each arm.
    replicates, block : int
        Replicates in all and in a block.
    """

    scenario: Scenario
    sized_for: str
    size: TrialSize
    replicates: int
    block: int

    @property
    def name(self) -> str:
        """Name of the cell; also the name of its random streams and of its file."""
        return f"{self.scenario.name}.{self.sized_for}"

    @property
    def blocks(self) -> tuple[int, ...]:
        """Replicates of each block, in order."""
        full, rest = divmod(self.replicates, self.block)
        return (self.block,) * full + ((rest,) if rest else ())


def plan_cells(protocol: Protocol, plan: ControlArmPlan) -> tuple[Cell, ...]:
    """Return the cells of a study: every design under the alternative and the null, the rest at the smallest.

    The undiscounted prognostic size is the smallest trial that anybody might run, so drifts are read there.
    """
    replicates = protocol.simulation.replicates_for(protocol.sizing.power)

    def cell(scenario: Scenario, sized_for: str, size: Size) -> Cell:
        trial = TrialSize(size.controls, size.active)
        return Cell(scenario, sized_for, trial, replicates, protocol.simulation.block)

    alternative = protocol.alternative
    cells = [cell(alternative, sized_for, size) for sized_for, size in plan.designs().items()]
    for scenario in protocol.scenarios:
        if scenario.kind == "null":
            cells += [cell(scenario, sized_for, size) for sized_for, size in plan.designs().items()]
        elif scenario is not alternative:
            cells.append(cell(scenario, "prognostic", plan.sizes["prognostic"]))
    return tuple(cells)
