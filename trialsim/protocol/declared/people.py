"""Who takes part: a cohort card, or the participants of the history."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from trialsim.protocol.eligibility import Criterion
from trialsim.protocol.question import Text
from trialsim.protocol.reading import Strict, refuse


class Population(Strict):
    """Where participants come from.

    ``card`` draws them from the cohort card at `card`, a path relative to the protocol. ``history`` draws
    participants of the history with replacement, so that their covariates keep their joint law.
    `register` is how many of them are drawn once; replicate trials recruit from these.
    """

    # A trial that is written out reads back: by the name that the file uses.
    model_config = ConfigDict(serialize_by_alias=True)

    kind: Literal["card", "history"]
    card: Text | None = None
    eligibility: tuple[Criterion, ...] = ()
    register_size: Annotated[int, Field(ge=1_000, le=1_000_000, alias="register")] = 100_000

    @model_validator(mode="after")
    def _check(self) -> Population:
        if (self.card is not None) != (self.kind == "card"):
            raise refuse("is needed by kind card, and by it alone", self.card, field="card")
        return self
