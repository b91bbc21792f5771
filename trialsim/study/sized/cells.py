"""What is simulated: one cell for each scenario and size, in blocks that the plan fixes beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trialsim.design import Size
from trialsim.design.control_arm import ControlArmPlan
from trialsim.protocol import Protocol, Scenario
from trialsim.study.running.stopping import StoppingRule
from trialsim.study.running.work import split_replicates
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
        Replicates at most and in a block.
    rule : StoppingRule, optional
        When to stop before that; all replicates are simulated without it.
    """

    scenario: Scenario
    sized_for: str
    size: TrialSize
    replicates: int
    block: int
    rule: StoppingRule | None = None

    @property
    def name(self) -> str:
        """Name of the cell and of its file."""
        return f"{self.scenario.name}.{self.sized_for}"

    @property
    def streams(self) -> str:
        """Name of its random streams: trials of one size share their chance over all scenarios.

        What a scenario does not touch then has the same bytes in both, such as an analysis that does
        not use the score where only the score is useless.
        """
        return f"size.{self.size.controls}.{self.size.active}"

    @property
    def participants(self) -> int:
        """Participants of a trial."""
        return self.size.total

    @property
    def blocks(self) -> tuple[int, ...]:
        """Replicates of each block, in order."""
        return split_replicates(self.replicates, self.block)

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as plain JSON types; the scenario by its name."""
        return {
            "scenario": self.scenario.name,
            "sized_for": self.sized_for,
            "controls": self.size.controls,
            "active": self.size.active,
            "replicates": self.replicates,
            "block": self.block,
            "rule": None if self.rule is None else asdict(self.rule),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any], protocol: Protocol) -> Cell:
        """Return the cell that `to_dict` wrote.

        Raises
        ------
        KeyError, StopIteration, TypeError
            The facts are no cell of this protocol.
        """
        return cls(
            next(one for one in protocol.scenarios if one.name == facts["scenario"]),
            facts["sized_for"],
            TrialSize(facts["controls"], facts["active"]),
            facts["replicates"],
            facts["block"],
            None if facts["rule"] is None else StoppingRule(**facts["rule"]),
        )


def plan_cells(protocol: Protocol, plan: ControlArmPlan) -> tuple[Cell, ...]:
    """Return the cells of a study: every design under the alternative and the null, the rest at the smallest.

    The undiscounted prognostic size is the smallest trial that anybody might run, so drifts are read there.
    Where the protocol gives a precision instead of a number of replicates, each cell stops by its
    `StoppingRule`.

    Parameters
    ----------
    protocol : Protocol
        Scenarios, replicates and blocks.
    plan : ControlArmPlan
        The sizes.

    Returns
    -------
    tuple of Cell
        In the order in which they are simulated.
    """
    asked = protocol.simulation
    rule = None if asked.precision is None else StoppingRule.for_precision(asked.precision, asked.block)
    replicates = asked.replicates if rule is None else rule.most
    assert replicates is not None

    def cell(scenario: Scenario, sized_for: str, size: Size) -> Cell:
        trial = TrialSize(size.controls, size.active)
        return Cell(scenario, sized_for, trial, replicates, asked.block, rule)

    alternative = protocol.alternative
    cells = [cell(alternative, sized_for, size) for sized_for, size in plan.designs().items()]
    for scenario in protocol.scenarios:
        if scenario.kind == "null":
            cells += [cell(scenario, sized_for, size) for sized_for, size in plan.designs().items()]
        elif scenario is not alternative:
            cells.append(cell(scenario, "prognostic", plan.sizes["prognostic"]))
    return tuple(cells)
