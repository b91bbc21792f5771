"""The sizing question of a declared trial: what power is asked for, and what may move to reach it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.question import Fraction, Slug
from trialsim.protocol.reading import Strict, refuse


class SizeQuestion(Strict):
    """How many participants each analysis needs, in the ratio of the arms, or how many controls.

    Events of a time to an event keep their share of the participants.

    Parameters
    ----------
    power : float
        Asked in the alternative.
    vary : {"participants", "controls"}
        What moves: everybody in the ratio of the arms, or the controls beside a fixed active arm.
    active : int, optional
        Participants of the active arm, where the controls alone move.
    analyses : tuple of str
        Labels of the analyses to size; all of them where it is empty.
    correlation_discount : float
        λ: multiplies what the score tells beyond the baseline before the discounted size is found.
    sd_inflation : float
        γ: multiplies the SD of every analysis alike before the discounted size by formula is found.
    smallest_worthwhile_saving : float
        A saving is supported when its lower 90 % bound exceeds this share.
    largest_trial : int
        No size above this is searched for.
    trials : int
        Simulated trials of the last round of the search: 16,000 give a size to about 2 %.
    """

    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.9
    vary: Literal["participants", "controls"] = "participants"
    active: Annotated[int, Field(ge=8, le=100_000)] | None = None
    analyses: tuple[Slug, ...] = ()
    correlation_discount: Annotated[float, Field(gt=0, le=1)] = 0.9
    sd_inflation: Annotated[float, Field(ge=1, le=3)] = 1.0
    smallest_worthwhile_saving: Fraction = 0.02
    largest_trial: Annotated[int, Field(ge=20, le=1_000_000)] = 50_000
    trials: Annotated[int, Field(ge=1_000, le=10_000_000)] = 16_000

    @model_validator(mode="after")
    def _check(self) -> SizeQuestion:
        if (self.active is not None) != (self.vary == "controls"):
            raise refuse(
                "is needed where the controls alone vary, and there alone", self.active, field="active",
                mend='give the participants of the active arm with vary = "controls"',
            )  # fmt: skip
        return self
