"""What is measured, and what treatment does to it, as a trial file declares it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.question import Fraction, Positive, Probability, Slug, Text
from trialsim.protocol.reading import Strict, refuse

Direction = Literal["higher_is_better", "higher_is_worse"]
Month = Annotated[float, Field(ge=0, le=600)]
Rate = Annotated[float, Field(gt=0, le=1_000)]
# Beyond these nothing is a trial any more, and sums of squares or probabilities leave the range of a double.
Points = Annotated[float, Field(ge=-1e9, le=1e9)]
Spread = Annotated[float, Field(ge=1e-9, le=1e9)]
Ratio = Annotated[float, Field(ge=1e-6, le=1e6)]
LogRatio = Annotated[float, Field(ge=-100, le=100)]
# Of a hazard that a marker moves: beyond it everybody has the event at once, or nobody ever.
LARGEST_LOG_RATIO = 50.0
_FARTHEST_SD = 6.0
# One a day for a year, and more: each recurrent event is drawn with its time, in every replicate.
MOST_EVENTS = 400


class Measured(Strict):
    """What every outcome says: which way is better, and when it is known."""

    direction: Direction

    @property
    def sign(self) -> float:
        """1 where higher is better, else −1."""
        return 1.0 if self.direction == "higher_is_better" else -1.0

    @property
    def known_after(self) -> float:
        """Months from randomisation until the outcome is known."""
        return float(getattr(self, "months", 0.0))


class ContinuousOutcome(Measured):
    """A score at visits, multivariate normal; the effect is read at the last visit.

    `mean` and `sd` hold the baseline and every visit. The covariance is `covariance`, or that of `sd` and
    `correlation` with the `structure` ``autoregressive`` (ρ^|i−j|) or ``exchangeable``. `gaps` is the
    probability of missing a visit by chance. `failure` is what a composite strategy gives to
    everyone with an intercurrent event.
    """

    kind: Literal["continuous_longitudinal"]
    weeks: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=60)]
    mean: Annotated[tuple[Points, ...], Field(min_length=2)]
    sd: tuple[Spread, ...] = ()
    correlation: Annotated[float, Field(gt=-1, lt=1)] | None = None
    structure: Literal["autoregressive", "exchangeable"] = "autoregressive"
    covariance: tuple[tuple[float, ...], ...] = ()
    gaps: Fraction = 0.0
    failure: Points | None = None
    source: Text

    @property
    def known_after(self) -> float:
        """Months from randomisation to the last visit."""
        return self.weeks[-1] * 84 / 365.25

    @model_validator(mode="after")
    def _check(self) -> ContinuousOutcome:
        if list(self.weeks) != sorted(set(self.weeks)):
            raise refuse("must be in ascending order without repeats", self.weeks, field="weeks")
        points = 1 + len(self.weeks)
        given = {"mean": self.mean, "sd": self.sd or self.mean, "covariance": self.covariance or self.mean}
        for field, values in given.items():
            if len(values) != points:
                raise refuse(
                    f"must hold {points} entries, the baseline and every visit",
                    len(values),
                    field=field,
                    mend="give one number for week 0 and one for each visit",
                )
        if bool(self.covariance) == bool(self.sd and self.correlation is not None):
            raise refuse(
                "needs either covariance, or sd with correlation",
                field="covariance",
                mend="give exactly one of the two",
            )
        return self


class BinaryOutcome(Measured):
    """Yes or no, known `months` after randomisation; `probability` is the control's."""

    kind: Literal["binary"]
    probability: Probability
    months: Month = 0.0
    source: Text


class OrdinalOutcome(Measured):
    """Ordered categories with the `shares` of the control, read `months` after randomisation."""

    kind: Literal["ordinal"]
    shares: Annotated[tuple[Probability, ...], Field(min_length=2, max_length=30)]
    months: Month = 0.0
    source: Text

    @model_validator(mode="after")
    def _check(self) -> OrdinalOutcome:
        if abs(sum(self.shares) - 1) > 1e-9:
            raise refuse(
                "must add up to 1", self.shares, field="shares", mend="give a share of each category"
            )
        return self


class CountOutcome(Measured):
    """Events over `months` of follow-up: a negative binomial with Var = μ + `dispersion` μ².

    ``count`` keeps the number, ``recurrent`` also when each event came. `rate` is the control's, a month.
    """

    kind: Literal["count", "recurrent"]
    direction: Direction = "higher_is_worse"
    rate: Rate
    dispersion: Annotated[float, Field(ge=0, le=50)]
    months: Annotated[float, Field(gt=0, le=600)]
    source: Text

    @model_validator(mode="after")
    def _check(self) -> CountOutcome:
        if self.kind == "recurrent" and self.rate * self.months > MOST_EVENTS:
            raise refuse(
                f"makes {self.rate * self.months:,.0f} events a participant over {self.months:g} months, "
                f"above {MOST_EVENTS:,}",
                self.rate,
                field="rate",
                mend='give the rate of a month, or use kind = "count", which keeps no times',
            )
        return self


class PiecewiseLaw(Strict):
    """A hazard a month that is constant from each start on."""

    kind: Literal["piecewise"]
    hazards: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]
    starts: tuple[Annotated[float, Field(ge=0)], ...] = (0.0,)

    @model_validator(mode="after")
    def _check(self) -> PiecewiseLaw:
        if len(self.starts) != len(self.hazards):
            raise refuse("must hold one start for each hazard", self.starts, field="starts")
        if self.starts[0] != 0 or any(b <= a for a, b in zip(self.starts, self.starts[1:], strict=False)):
            raise refuse(
                "must ascend from 0: windows must not overlap",
                self.starts,
                field="starts",
                mend="sort the starts",
            )
        if not any(self.hazards):
            raise refuse("are all 0: no event would come", self.hazards, field="hazards")
        return self


class WeibullDeclared(Strict):
    """Survival exp(−(t/scale)^shape), t in months."""

    kind: Literal["weibull"]
    scale: Positive
    shape: Positive


class MedianLaw(Strict):
    """A constant hazard, by the `median` in months."""

    kind: Literal["median"]
    median: Positive


class CureDeclared(Strict):
    """A share `cured` that never has the event; the others follow `uncured`."""

    kind: Literal["cure"]
    cured: Probability
    uncured: Annotated[PiecewiseLaw | WeibullDeclared | MedianLaw, Field(discriminator="kind")]


Law = Annotated[PiecewiseLaw | WeibullDeclared | MedianLaw | CureDeclared, Field(discriminator="kind")]


class CompetingCause(Strict):
    """A cause that ends follow-up before the event, with its own law in every arm."""

    name: Slug
    law: Law
    source: Text


class TimeToEventOutcome(Measured):
    """Time to an event that is bad, by the control's `law`.

    `frailty` is the variance of a gamma frailty; `dropout_dependence` γ makes dropout informative: its
    hazard is multiplied by frailty^γ. `competing` causes end follow-up without the event.
    """

    kind: Literal["time_to_event"]
    direction: Literal["higher_is_worse"] = "higher_is_worse"
    law: Law
    frailty: Annotated[float, Field(ge=0, le=20)] = 0.0
    dropout_dependence: Annotated[float, Field(ge=-5, le=5)] = 0.0
    competing: tuple[CompetingCause, ...] = ()
    source: Text

    @model_validator(mode="after")
    def _check(self) -> TimeToEventOutcome:
        if self.dropout_dependence and not self.frailty:
            raise refuse(
                "needs a frailty to depend on", self.dropout_dependence, field="dropout_dependence",
                mend="give a frailty above 0",
            )  # fmt: skip
        return self


class JointOutcome(Measured):
    """A marker at visits and an event whose hazard follows it; `direction` is the marker's.

    The latent marker is `level` + `slope` t with random parts of `random_sd` and their `correlation`; visits
    at `months` measure it with `residual_sd`. The event has the hazard `hazard` a month at a marker of 0,
    and log hazard ratios of `association` for a point of the marker and `slope_association` for a
    point a month. Everybody is followed for `follow_up` months.
    """

    kind: Literal["joint"]
    months: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=60)]
    follow_up: Positive
    level: Points
    slope: Points
    random_sd: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]
    correlation: Annotated[float, Field(gt=-1, lt=1)] = 0.0
    residual_sd: Positive
    hazard: Rate
    association: LogRatio
    slope_association: LogRatio = 0.0
    source: Text

    @property
    def known_after(self) -> float:
        """Months from randomisation to the end of follow-up."""
        return self.follow_up

    def log_ratio(self, level: float, slope: float) -> float:
        """Return the largest log hazard ratio of so many points, and so many a month, during follow-up."""
        ends = (level, level + slope * self.follow_up)
        return max(abs(self.association * end + self.slope_association * slope) for end in ends)

    @model_validator(mode="after")
    def _check(self) -> JointOutcome:
        level, slope = self.random_sd
        reach = self.log_ratio(self.level, self.slope) + _FARTHEST_SD * (
            self.log_ratio(level, 0.0) + self.log_ratio(0.0, slope)
        )
        if reach > LARGEST_LOG_RATIO:
            raise refuse(
                f"moves the log hazard by {reach:,.0f} over the markers within {_FARTHEST_SD:g} SDs, "
                f"above {LARGEST_LOG_RATIO:g}",
                self.association,
                field="association",
                mend="give the log hazard ratio of one point of the marker, level and slope in points",
            )
        return self


Outcome = Annotated[
    ContinuousOutcome | BinaryOutcome | OrdinalOutcome | CountOutcome | TimeToEventOutcome | JointOutcome,
    Field(discriminator="kind"),
]


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


class Shift(Strict):
    """Points added at every visit; with `full_by_week` they grow linearly until that week."""

    kind: Literal["shift"]
    arm: Slug
    value: Points
    full_by_week: Positive | None = None
    subgroup: Subgroup | None = None
    source: Text


class SlopeChange(Strict):
    """Points a month from randomisation on."""

    kind: Literal["slope_change"]
    arm: Slug
    per_month: Points
    subgroup: Subgroup | None = None
    source: Text


class HazardRatio(Strict):
    """A hazard ratio against the control; 1 before `from_month`, for an effect that is delayed."""

    kind: Literal["hazard_ratio"]
    arm: Slug
    value: Ratio
    from_month: Month = 0.0
    subgroup: RatioSubgroup | None = None
    source: Text


class OddsRatio(Strict):
    """An odds ratio of the outcome, or of a higher category."""

    kind: Literal["odds_ratio"]
    arm: Slug
    value: Ratio
    subgroup: RatioSubgroup | None = None
    source: Text


class RateRatio(Strict):
    """A ratio of event rates."""

    kind: Literal["rate_ratio"]
    arm: Slug
    value: Ratio
    subgroup: RatioSubgroup | None = None
    source: Text


class JointEffect(Strict):
    """What treatment does in a joint model: to the marker's level and slope, and to the hazard alone."""

    kind: Literal["joint_effect"]
    arm: Slug
    level: Points = 0.0
    per_month: Points = 0.0
    hazard_ratio: Ratio = 1.0
    subgroup: None = None
    source: Text


Effect = Annotated[
    Shift | SlopeChange | HazardRatio | OddsRatio | RateRatio | JointEffect, Field(discriminator="kind")
]

EFFECTS_OF: dict[str, tuple[str, ...]] = {
    "continuous_longitudinal": ("shift", "slope_change"),
    "binary": ("odds_ratio",),
    "ordinal": ("odds_ratio",),
    "count": ("rate_ratio",),
    "recurrent": ("rate_ratio",),
    "time_to_event": ("hazard_ratio",),
    "joint": ("joint_effect",),
}
