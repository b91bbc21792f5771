"""The kinds of designs: the model of each, and which part of the engine serves it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel

from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared.by_kind import ByKind
from trialsim.protocol.declared.design import (
    BayesianDesign,
    FixedDesign,
    GroupSequentialDesign,
    MultiArmDesign,
    ResizingDesign,
    ResponseAdaptiveDesign,
)
from trialsim.protocol.reading import Strict

_LOOKS = "trialsim.study.declared.looks"
_STAGES = "trialsim.study.declared.stage_rules"
Size = Callable[[Any, int, int | None], int | None]


@dataclass(frozen=True)
class DesignKind:
    """One kind of design.

    Parameters
    ----------
    kind : str
        As a file names it.
    model : type
        Its pydantic model; it has the one-sided level `alpha`.
    size : callable
        From a design, the number of arms and the declared participants to the most that a trial may need.
    read : callable or str, optional
        ``read(sample, analysis, design) -> Reading`` of participants who were drawn one by one, or
        ``"module:function"``.
    stages : callable or str, optional
        ``stages(design, arms, sd) -> (stages (K, A), rule, claims)`` of a design that draws sums of arms.
    several_arms : bool
        Whether it compares more than one active arm.
    adaptive : bool
        Whether times to an event are carried out by a plan of their own.
    """

    kind: str
    model: type[Strict]
    size: Size
    read: Callable[..., Any] | str | None = None
    stages: Callable[..., Any] | str | None = None
    several_arms: bool = False
    adaptive: bool = False

    @property
    def in_stages(self) -> bool:
        """Whether it says how many enter in each stage, and draws sums of arms."""
        return self.stages is not None


def _as_declared(design: Any, arms: int, participants: int | None) -> int | None:
    return participants


def _largest(design: ResizingDesign, arms: int, participants: int | None) -> int:
    return design.largest


def _of_stages(design: MultiArmDesign, arms: int, participants: int | None) -> int | None:
    return sum(map(sum, design.stages)) if design.stages else participants


def _of_batches(design: ResponseAdaptiveDesign, arms: int, participants: int | None) -> int:
    # Arms may hold more of those who are on their way than the next batch asks for.
    return design.first * arms + 2 * design.batches * arms * math.ceil(design.batch / arms)


def _of_looks(design: BayesianDesign, arms: int, participants: int | None) -> int:
    return 2 * design.looks[-1]


_DESIGNS: dict[str, DesignKind] = {
    one.kind: one
    for one in (
        DesignKind("fixed", FixedDesign, _as_declared, f"{_LOOKS}:read_once", several_arms=True),
        DesignKind("group_sequential", GroupSequentialDesign, _as_declared, f"{_LOOKS}:read_at_looks"),
        DesignKind(
            "sample_size_reestimation", ResizingDesign, _largest, f"{_LOOKS}:read_resized", adaptive=True
        ),
        DesignKind(
            "multi_arm_multi_stage", MultiArmDesign, _of_stages, stages=f"{_STAGES}:multi_arm",
            several_arms=True, adaptive=True,
        ),
        DesignKind(
            "response_adaptive", ResponseAdaptiveDesign, _of_batches, stages=f"{_STAGES}:response_adaptive",
            several_arms=True,
        ),
        DesignKind("bayesian", BayesianDesign, _of_looks, stages=f"{_STAGES}:bayesian"),
    )
}  # fmt: skip


def design_kind(kind: str) -> DesignKind:
    """Return a kind of design by its name.

    Raises
    ------
    ProtocolError
        There is no such kind; those that there are, are listed.

    Examples
    --------
    >>> design_kind("bayesian").in_stages
    True
    """
    if kind not in _DESIGNS:
        raise ProtocolError(
            "is no design", field="design.kind", value=kind, mend=f"use {', '.join(_DESIGNS)}"
        )
    return _DESIGNS[kind]


def design_kinds() -> tuple[DesignKind, ...]:
    """Return all kinds of designs."""
    return tuple(_DESIGNS.values())


def add_design(one: DesignKind) -> None:
    """Add a kind of design to those that are known; the door is `register_design`."""
    if _DESIGNS.get(one.kind, one) != one:
        raise DesignError("is the name of another design", field="kind", value=one.kind)
    _DESIGNS[one.kind] = one


def _models() -> dict[str, type[BaseModel]]:
    return {one.kind: one.model for one in _DESIGNS.values()}


if TYPE_CHECKING:
    Design = (
        FixedDesign
        | GroupSequentialDesign
        | ResizingDesign
        | MultiArmDesign
        | ResponseAdaptiveDesign
        | BayesianDesign
    )
else:
    Design = Annotated[Strict, ByKind(_models)]
