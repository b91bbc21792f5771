"""How the trial is run: arms, visits, enrolment and dropout, and what it costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.question import Fraction, Positive, Slug, Text
from trialsim.protocol.reading import Strict, duplicates, refuse

Price = Annotated[float, Field(ge=0, le=1e12)]


class Arm(Strict):
    """A treatment arm; `allocation` is its share of the allocation ratio, such as 2 in 2:1."""

    name: Slug
    role: Literal["control", "active"]
    allocation: Annotated[float, Field(gt=0, le=100)]


class Visits(Strict):
    """Post-baseline visits in weeks from randomisation; the last one is the primary time point."""

    weeks: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=60)]

    @model_validator(mode="after")
    def _check(self) -> Visits:
        if list(self.weeks) != sorted(set(self.weeks)):
            raise refuse(
                "must be in ascending order without repeats", self.weeks, field="weeks", mend="sort the weeks"
            )
        return self


class Enrolment(Strict):
    """Recruitment by sites: activation spread evenly over a window, gamma-distributed Poisson rates.

    `rate_shape` is the gamma shape of the rates between sites: small means very unequal sites.
    """

    sites: Annotated[int, Field(ge=1, le=5_000)]
    last_activation_month: Annotated[float, Field(ge=0, le=120)]
    rate_per_site_month: Annotated[float, Field(ge=0.001, le=1_000)]
    rate_shape: Annotated[float, Field(gt=0, le=1_000)] = 1.65
    source: Text


class Dropout(Strict):
    """One cause of dropout: the share of each arm that it takes by the last visit."""

    cause: Text
    cumulative: dict[str, Fraction]
    source: Text


class Costs(Strict):
    """What the trial costs, in the user's own currency; nothing here moves a size.

    `control`, `active`: of one randomised participant, all visits. `site_month`: of one open site, each
    month until enrolment is full. `month`: of the trial as a whole, each month until enrolment is full.
    `screening`: of one screened person, eligible or not.
    """

    currency: Annotated[str, Field(min_length=1, max_length=20)]
    control: Price
    active: Price
    site_month: Price = 0.0
    month: Price = 0.0
    screening: Price = 0.0
    source: Text


def check_arms(arms: tuple[Arm, ...]) -> None:
    """Refuse arms that are not one control and one active arm with different names."""
    if repeated := duplicates([arm.name for arm in arms]):
        raise refuse("two arms have the same name", repeated, field="arms", mend="give each arm its own name")
    if [arm.role for arm in arms] != ["control", "active"]:
        raise refuse(
            "a sized trial has two arms, the control first",
            [arm.role for arm in arms],
            field="arms",
            mend="give one control and one active arm; size several active arms by one protocol each",
        )


def check_dropout(dropout: tuple[Dropout, ...], arms: tuple[Arm, ...]) -> None:
    """Refuse dropout that does not name every arm, or that leaves nobody."""
    names = [arm.name for arm in arms]
    for position, cause in enumerate(dropout):
        if sorted(cause.cumulative) != sorted(names):
            raise refuse(
                f"must give a share for each arm, {' and '.join(names)}",
                cause.cumulative,
                field=f"dropout[{position}].cumulative",
                mend="name every arm once, with 0 where nobody leaves",
            )
    for name in names:
        total = sum(cause.cumulative[name] for cause in dropout)
        if total >= 1:
            raise refuse(
                f"the causes together take all of arm {name!r}",
                total,
                field="dropout",
                mend="make the shares of an arm add up to less than 1",
            )
    if repeated := duplicates([cause.cause for cause in dropout]):
        raise refuse("a cause is named twice", repeated, field="dropout", mend="merge the two causes")
