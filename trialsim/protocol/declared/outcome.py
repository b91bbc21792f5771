"""What is measured, and what treatment does to it, as a trial file declares it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from trialsim.protocol.declared.course import Course
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
    """What every endpoint says: its name, which way is better, when it is known, where outcomes come from.

    A marginal law stands in the endpoint's own fields, with its `source`; a `course` takes their place.
    """

    LAW: ClassVar[tuple[str, ...]] = ()
    LAW_OPTIONS: ClassVar[tuple[str, ...]] = ()

    name: Slug = "outcome"
    label: Text | None = None
    unit: Text | None = None
    direction: Direction
    course: Course | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _check_course(self) -> Measured:
        """Refuse an endpoint with no law, and one with two."""
        fields = type(self).model_fields
        if self.course is None:
            for field in (*self.LAW, "source"):
                if getattr(self, field) == fields[field].default:
                    raise refuse(
                        "is missing", field=field,
                        mend="give the marginal law with its source, or a course",
                    )  # fmt: skip
            return self
        if not self.LAW:
            raise refuse(f"is not served with kind {self.kind}", self.course.kind, field="course")  # type: ignore[attr-defined]  # of every endpoint
        for field in (*self.LAW, *self.LAW_OPTIONS):
            if getattr(self, field) != fields[field].default:
                raise refuse(
                    "stands beside a course: outcomes come from one place", getattr(self, field), field=field,
                    mend="leave out the course, or this field",
                )  # fmt: skip
        return self

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

    LAW: ClassVar[tuple[str, ...]] = ("mean",)
    LAW_OPTIONS: ClassVar[tuple[str, ...]] = ("sd", "correlation", "covariance")

    kind: Literal["score"]
    weeks: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=60)]
    mean: tuple[Points, ...] = ()
    sd: tuple[Spread, ...] = ()
    correlation: Annotated[float, Field(gt=-1, lt=1)] | None = None
    structure: Literal["autoregressive", "exchangeable"] = "autoregressive"
    covariance: tuple[tuple[float, ...], ...] = ()
    gaps: Fraction = 0.0
    failure: Points | None = None

    @property
    def known_after(self) -> float:
        """Months from randomisation to the last visit."""
        return self.weeks[-1] * 84 / 365.25

    @model_validator(mode="after")
    def _check(self) -> ContinuousOutcome:
        if list(self.weeks) != sorted(set(self.weeks)):
            raise refuse("must be in ascending order without repeats", self.weeks, field="weeks")
        if self.course is not None:
            return self
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

    LAW: ClassVar[tuple[str, ...]] = ("probability",)

    kind: Literal["response"]
    probability: Probability | None = None
    months: Month = 0.0

    @property
    def control(self) -> float:
        """The control's probability under a marginal law."""
        assert self.probability is not None
        return self.probability


class OrdinalOutcome(Measured):
    """Ordered categories with the `shares` of the control, read `months` after randomisation.

    `levels` names them, from least to most; a history needs the names.
    """

    LAW: ClassVar[tuple[str, ...]] = ("shares",)

    kind: Literal["level"]
    shares: Annotated[tuple[Probability, ...], Field(max_length=30)] = ()
    levels: Annotated[tuple[Text, ...], Field(max_length=30)] = ()
    months: Month = 0.0

    @model_validator(mode="after")
    def _check(self) -> OrdinalOutcome:
        if len(self.shares) == 1:
            raise refuse("must hold two shares or more", self.shares, field="shares")
        if self.shares and abs(sum(self.shares) - 1) > 1e-9:
            raise refuse(
                "must add up to 1", self.shares, field="shares", mend="give a share of each category"
            )
        if self.levels and self.shares and len(self.levels) != len(self.shares):
            raise refuse(f"must name {len(self.shares)} levels", self.levels, field="levels")
        return self


class CountOutcome(Measured):
    """Events over `months` of follow-up: a negative binomial with Var = μ + `dispersion` μ².

    ``count`` keeps the number, ``recurrent`` also when each event came. `rate` is the control's, a month.
    """

    LAW: ClassVar[tuple[str, ...]] = ("rate", "dispersion")

    kind: Literal["count", "recurrent"]
    direction: Direction = "higher_is_worse"
    rate: Rate | None = None
    dispersion: Annotated[float, Field(ge=0, le=50)] | None = None
    months: Annotated[float, Field(gt=0, le=600)]

    @property
    def control(self) -> tuple[float, float]:
        """The control's rate a month and dispersion under a marginal law."""
        assert self.rate is not None
        assert self.dispersion is not None
        return self.rate, self.dispersion

    @model_validator(mode="after")
    def _check(self) -> CountOutcome:
        if self.kind == "recurrent" and self.rate is not None and self.rate * self.months > MOST_EVENTS:
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

    LAW: ClassVar[tuple[str, ...]] = ("law",)
    LAW_OPTIONS: ClassVar[tuple[str, ...]] = ("frailty", "dropout_dependence", "competing")

    kind: Literal["time_to_event"]
    direction: Literal["higher_is_worse"] = "higher_is_worse"
    law: Law | None = None
    frailty: Annotated[float, Field(ge=0, le=20)] = 0.0
    dropout_dependence: Annotated[float, Field(ge=-5, le=5)] = 0.0
    competing: tuple[CompetingCause, ...] = ()

    @property
    def control(self) -> PiecewiseLaw | WeibullDeclared | MedianLaw | CureDeclared:
        """The control's marginal law."""
        assert self.law is not None
        return self.law

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
