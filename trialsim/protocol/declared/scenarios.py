"""The worlds that a declared trial is simulated in, the grid over them, and how much is simulated."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from trialsim.protocol.question import Slug, Text
from trialsim.protocol.reading import Strict, duplicates, refuse

Setting = Any


def _finite(value: Any) -> bool:
    """Return whether every number within a value is finite."""
    if isinstance(value, dict):
        return all(_finite(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return all(_finite(inner) for inner in value)
    return not isinstance(value, float) or math.isfinite(value)


class TrialSimulation(Strict):
    """How much is simulated: `replicates` a cell, or the Monte Carlo standard error to reach.

    `block` replicates are in memory at a time. `truth` is the sample from which true values are
    computed where they have no closed form.
    """

    replicates: Annotated[int, Field(ge=100, le=10_000_000)] | None = None
    precision: Annotated[float, Field(ge=0.00016, lt=0.1)] | None = None
    block: Annotated[int, Field(ge=10, le=10_000)] = 250
    truth: Annotated[int, Field(ge=1_000, le=5_000_000)] = 100_000

    @model_validator(mode="after")
    def _check(self) -> TrialSimulation:
        if (self.replicates is None) == (self.precision is None):
            raise refuse("needs either replicates or precision", mend="give exactly one of the two")
        return self


class Drift(Strict):
    """How the trial's people differ from those that the twins learnt from.

    `outcome_shift`: points added to every outcome after baseline, in both arms. `odds_ratio`,
    `rate_ratio`, `hazard_ratio`: the same for the other kinds of endpoint. `progression`: factor on the
    speed of decline of a disease model. `covariate_shift`: shift of covariate means, in SD.
    """

    outcome_shift: float = 0.0
    odds_ratio: Annotated[float, Field(gt=0, le=1e3)] = 1.0
    rate_ratio: Annotated[float, Field(gt=0, le=1e3)] = 1.0
    hazard_ratio: Annotated[float, Field(gt=0, le=1e3)] = 1.0
    progression: Annotated[float, Field(gt=0, le=5)] = 1.0
    covariate_shift: dict[str, Annotated[float, Field(ge=-3, le=3)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Drift:
        if self.model_dump() == Drift.model_construct().model_dump():
            raise refuse("moves nothing", field="outcome_shift", mend="give a drift, or leave the table out")
        return self


class World(Strict):
    """A named world: the file as it is, but for the values in `set` (dotted path to value).

    ``null`` takes every effect away: points become 0 and ratios 1. Each world says why it is looked at.
    `drift` moves the trial's people away from the history; with `twins` ``useless`` the scores of the
    participants are shuffled, so that they say nothing.
    """

    name: Slug
    kind: Literal["alternative", "null", "other"]
    why: Text
    set: dict[str, Setting] = Field(default_factory=dict)
    drift: Drift | None = None
    twins: Literal["as_declared", "useless"] = "as_declared"

    @property
    def changes(self) -> bool:
        """Whether anything differs from the file as it is."""
        return bool(self.set) or self.drift is not None or self.twins == "useless"

    @model_validator(mode="after")
    def _check(self) -> World:
        if wrong := [path for path, value in self.set.items() if not _finite(value)]:
            raise refuse("must be finite", wrong, field="set", mend="give finite numbers")
        if self.kind == "other" and not self.changes:
            raise refuse("sets nothing, so that it is the alternative again", field="set")
        return self


class Axis(Strict):
    """One axis of the grid: a `field` (dotted path) and the `values` that it takes, and why these."""

    field: Text
    values: Annotated[tuple[Setting, ...], Field(min_length=1, max_length=500)]
    why: Text

    @model_validator(mode="after")
    def _check(self) -> Axis:
        if not all(_finite(value) for value in self.values):
            raise refuse("must be finite", self.values, field="values", mend="give finite numbers")
        if repeated := duplicates([json.dumps(value) for value in self.values]):
            raise refuse("a value is given twice", repeated, field="values", mend="give it once")
        return self
