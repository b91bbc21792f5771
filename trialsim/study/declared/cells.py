"""What a trial file asks to be simulated: its cells, and those that are refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trialsim.errors import DesignError, ProtocolError
from trialsim.progress import Progress, silent
from trialsim.protocol.declared import DeclaredTrial, Point, grid_points, trial_from_dict
from trialsim.registry import Truth
from trialsim.study.declared.drawing.accrual import largest_size
from trialsim.study.declared.engine import streams_of, truths_of
from trialsim.study.running.stopping import StoppingRule
from trialsim.study.running.work import split_replicates
from trialsim.trial.register import Register

STAGE = "find true values"
RegisterOf = Callable[[DeclaredTrial], Register | None]


def nobody(trial: DeclaredTrial) -> Register | None:
    """Return no register: for trials whose people are only their law."""
    return None


@dataclass(frozen=True)
class DeclaredCell:
    """One world of a declared trial at one point of its grid.

    Parameters
    ----------
    name : str
        The scenario, with the number of the point where there is a grid; name of its file.
    scenario, kind : str
        Name and kind of the world.
    settings : dict of str to object
        Value of each axis of the grid.
    trial : DeclaredTrial
        The whole declaration, resolved.
    truths : dict of str to Truth
        What each analysis is held against; of estimands, ``estimand:NAME``.
    replicates, block : int
        Replicates at most and in a block.
    rule : StoppingRule, optional
        When to stop before that.
    """

    name: str
    scenario: str
    kind: str
    settings: dict[str, Any]
    trial: DeclaredTrial
    truths: dict[str, Truth]
    replicates: int
    block: int
    rule: StoppingRule | None = None

    @property
    def blocks(self) -> tuple[int, ...]:
        """Replicates of each block, in order."""
        return split_replicates(self.replicates, self.block)

    @property
    def participants(self) -> int:
        """Participants that a trial has at most."""
        return largest_size(self.trial)

    @property
    def streams(self) -> str:
        """Name of its random streams: the size and the arms, so that worlds and cells share their chance."""
        return streams_of(self.trial)

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as plain JSON types."""
        return {
            "name": self.name,
            "scenario": self.scenario,
            "kind": self.kind,
            "settings": json.loads(json.dumps(self.settings)),
            "trial": self.trial.to_dict(),
            "truths": {name: asdict(one) for name, one in self.truths.items()},
            "replicates": self.replicates,
            "block": self.block,
            "rule": None if self.rule is None else asdict(self.rule),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> DeclaredCell:
        """Return the cell that `to_dict` wrote."""
        return cls(
            facts["name"],
            facts["scenario"],
            facts["kind"],
            facts["settings"],
            trial_from_dict(facts["trial"]),
            {name: Truth(**one) for name, one in facts["truths"].items()},
            facts["replicates"],
            facts["block"],
            None if facts["rule"] is None else StoppingRule(**facts["rule"]),
        )


@dataclass(frozen=True)
class DeclaredPlan:
    """Every cell that a file asks for.

    Parameters
    ----------
    planned : int
        Scenarios times points of the grid.
    cells : tuple of DeclaredCell
        Those that run.
    refused : tuple of Point
        Those that do not, each with its reason.
    axes : dict of str to str
        Fields of the grid, and why each is varied.
    """

    planned: int
    cells: tuple[DeclaredCell, ...]
    refused: tuple[Point, ...]
    axes: dict[str, str] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """The count of cells as a sentence; it always adds up."""
        return f"{self.planned} cells planned = {len(self.cells)} run + {len(self.refused)} refused"


def plan_trial(
    trial: DeclaredTrial,
    *,
    file: Path | str | None = None,
    progress: Progress = silent,
    register_of: RegisterOf = nobody,
    at_its_size: Callable[[Point], Point] | None = None,
) -> DeclaredPlan:
    """Return the plan of a trial file, or refuse it before anything runs.

    Parameters
    ----------
    trial : DeclaredTrial
        As `read_trial` gives it.
    file : Path or str, optional
        Named in errors.
    progress : callable
        Called with stage, cells planned and cells in all: each cell's true values take a moment.
    register_of : callable
        From a resolved trial to the register that it recruits from, None where people are only their law;
        see `trialsim.study.people`.
    at_its_size : callable, optional
        From a point of the grid to the same at a size that was searched for, or refused.

    Returns
    -------
    DeclaredPlan
        Cells of a grid that cannot be are counted and listed with their reason.

    Raises
    ------
    ProtocolError
        A path that does not exist, a world without a grid that cannot be, or a grid without a cell that can.
    """
    asked = trial.simulation
    rule = None if asked.precision is None else StoppingRule.for_precision(asked.precision, asked.block)
    replicates = asked.replicates if rule is None else rule.most
    assert replicates is not None
    points = grid_points(trial, file=file)
    cells: list[DeclaredCell] = []
    refused: list[Point] = []
    for position, point in enumerate(points):
        progress(STAGE, position, len(points))
        point = point if at_its_size is None else at_its_size(point)
        if point.trial is None:
            refused.append(point)
            continue
        try:
            truths = truths_of(point.trial, register_of(point.trial))
        except (ProtocolError, DesignError) as fault:
            if not trial.grid:
                raise ProtocolError(
                    f"{fault.problem} (scenario {point.scenario})", file=file, field=fault.field,
                    value=fault.value, mend=fault.mend,
                ) from None  # fmt: skip
            refused.append(Point(point.name, point.scenario, point.kind, point.settings, None, str(fault)))
        else:
            cells.append(
                DeclaredCell(
                    point.name, point.scenario, point.kind, point.settings, point.trial, truths,
                    replicates, asked.block, rule,
                )
            )  # fmt: skip
    progress(STAGE, len(points), len(points))
    if not cells:
        raise ProtocolError(
            "leaves no cell to run", file=file, field="grid", value=len(refused),
            mend=f"the first is refused because {refused[0].refusal}",
        )  # fmt: skip
    axes = {axis.field: axis.why for axis in trial.grid}
    return DeclaredPlan(len(points), tuple(cells), tuple(refused), axes)
