"""What treatment does to an endpoint, as a trial file declares it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trialsim.protocol.declared.outcome import Month, Points, Ratio
from trialsim.protocol.of_endpoint import OfEndpoint
from trialsim.protocol.question import Positive, Slug, Text
from trialsim.protocol.reading import Strict


class Subgroup(Strict):
    """What the effect is on top of the arm's in one level of a stratification factor.

    `value` is in points.
    """

    factor: Slug
    level: Slug
    value: Points


class RatioSubgroup(Subgroup):
    """The factor that multiplies the arm's ratio in one level of a stratification factor."""

    value: Ratio


class Shift(OfEndpoint):
    """Points added at every visit; with `full_by_week` they grow linearly until that week."""

    kind: Literal["shift"]
    arm: Slug
    value: Points
    full_by_week: Positive | None = None
    subgroup: Subgroup | None = None
    source: Text


class Slowing(OfEndpoint):
    """The share of the untreated decline since baseline that treatment prevents, at every visit."""

    kind: Literal["slowing"]
    arm: Slug
    value: Annotated[float, Field(ge=0, le=1)]
    subgroup: None = None
    source: Text


class SlopeChange(OfEndpoint):
    """Points a month from randomisation on."""

    kind: Literal["slope_change"]
    arm: Slug
    per_month: Points
    subgroup: Subgroup | None = None
    source: Text


class HazardRatio(OfEndpoint):
    """A hazard ratio against the control; 1 before `from_month`, for an effect that is delayed."""

    kind: Literal["hazard_ratio"]
    arm: Slug
    value: Ratio
    from_month: Month = 0.0
    subgroup: RatioSubgroup | None = None
    source: Text


class OddsRatio(OfEndpoint):
    """An odds ratio of the outcome, or of a higher category."""

    kind: Literal["odds_ratio"]
    arm: Slug
    value: Ratio
    subgroup: RatioSubgroup | None = None
    source: Text


class RateRatio(OfEndpoint):
    """A ratio of event rates."""

    kind: Literal["rate_ratio"]
    arm: Slug
    value: Ratio
    subgroup: RatioSubgroup | None = None
    source: Text


class JointEffect(OfEndpoint):
    """What treatment does in a joint model: to the marker's level and slope, and to the hazard alone."""

    kind: Literal["joint_effect"]
    arm: Slug
    level: Points = 0.0
    per_month: Points = 0.0
    hazard_ratio: Ratio = 1.0
    subgroup: None = None
    source: Text


class DialsEffect(OfEndpoint):
    """What treatment does to the dials of a disease model: each is multiplied by, or has added, its number.

    The model says which of the two a dial takes, and in what range.
    """

    kind: Literal["dials"]
    arm: Slug
    set: dict[Slug, float]
    subgroup: None = None
    source: Text


Effect = Annotated[
    Shift | Slowing | SlopeChange | HazardRatio | OddsRatio | RateRatio | JointEffect | DialsEffect,
    Field(discriminator="kind"),
]
