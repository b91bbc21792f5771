"""How a declared trial is carried out: arms, strata, enrolment, randomisation, and why people stop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.question import Fraction, Positive, Probability, Slug, Text
from trialsim.protocol.reading import Strict, duplicates, refuse

Strategy = Literal["treatment_policy", "hypothetical", "composite", "while_on_treatment", "principal_stratum"]


class TrialArm(Strict):
    """An arm; `allocation` is its part of the allocation ratio."""

    name: Slug
    role: Literal["control", "active"]
    allocation: Annotated[float, Field(gt=0, le=200_000)] = 1.0


class Factor(Strict):
    """A baseline factor that may stratify randomisation and analysis.

    `outcome` is what each level adds to the control's law: points at every visit, log odds, log rates
    or log hazards, as the outcome is. Where people have covariates, a factor is a `covariate` at
    ascending `cuts`, one fewer than levels; a value at a cut belongs to the level above.
    """

    name: Slug
    levels: Annotated[tuple[Slug, ...], Field(min_length=2, max_length=12)]
    shares: tuple[Probability, ...] = ()
    outcome: tuple[float, ...] = ()
    covariate: Slug | None = None
    cuts: tuple[float, ...] = ()
    source: Text

    @model_validator(mode="after")
    def _check(self) -> Factor:
        if repeated := duplicates(self.levels):
            raise refuse("a level is named twice", repeated, field="levels")
        if self.covariate is not None:
            if self.shares or self.outcome:
                raise refuse("comes from the covariate", self.shares, field="shares", mend="leave it out")
            if len(self.cuts) != len(self.levels) - 1 or list(self.cuts) != sorted(set(self.cuts)):
                raise refuse(f"must hold {len(self.levels) - 1} ascending cuts", self.cuts, field="cuts")
            return self
        if self.cuts:
            raise refuse("are those of a covariate", self.cuts, field="cuts", mend="name the covariate")
        for field in ("shares", "outcome"):
            values = getattr(self, field)
            if (values or field == "shares") and len(values) != len(self.levels):
                raise refuse(f"must hold {len(self.levels)} numbers, one a level", values, field=field)
        if abs(sum(self.shares) - 1) > 1e-9:
            raise refuse("must add up to 1", self.shares, field="shares", mend="give a share of each level")
        return self


class PlannedEnrolment(Strict):
    """Participants a month in each period, without sites.

    `spread` is a Poisson process whose last rate goes on (``poisson``), equal steps (``even``), or
    draws over the whole accrual (``uniform``).
    """

    kind: Literal["planned"]
    rates: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]
    durations: tuple[Positive, ...]
    spread: Literal["poisson", "even", "uniform"] = "poisson"
    source: Text

    @model_validator(mode="after")
    def _check(self) -> PlannedEnrolment:
        if len(self.rates) != len(self.durations):
            raise refuse("must hold one length for each rate", self.durations, field="durations")
        if not any(self.rates):
            raise refuse("are all 0: nobody would enter", self.rates, field="rates")
        return self


class Country(Strict):
    """The sites of a country, opened evenly between two months.

    `rate_shape` is the gamma shape of rates between sites (small: very unequal); without it every site
    screens at the same rate. `cap_per_site` and `cap` are the most participants of a site and of the country.
    """

    name: Slug
    sites: Annotated[int, Field(ge=1, le=5_000)]
    first_activation_month: Annotated[float, Field(ge=0, le=120)] = 0.0
    last_activation_month: Annotated[float, Field(ge=0, le=120)]
    rate_per_site_month: Annotated[float, Field(gt=0, le=1_000)]
    rate_shape: Annotated[float, Field(gt=0, le=1_000)] | None = None
    ramp_months: Annotated[float, Field(ge=0, le=60)] = 0.0
    screen_failure: Fraction = 0.0
    cap_per_site: Annotated[int, Field(ge=1)] | None = None
    cap: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Country:
        if self.last_activation_month < self.first_activation_month:
            raise refuse(
                "lies before the first activation",
                self.last_activation_month,
                field="last_activation_month",
                mend="give a month from first_activation_month on",
            )
        return self


class SiteEnrolment(Strict):
    """Enrolment by sites with activation, unequal rates, ramp-up, screening and caps."""

    kind: Literal["sites"]
    countries: Annotated[tuple[Country, ...], Field(min_length=1)]
    source: Text

    @model_validator(mode="after")
    def _check(self) -> SiteEnrolment:
        if repeated := duplicates([country.name for country in self.countries]):
            raise refuse("two countries have the same name", repeated, field="countries")
        return self


TrialEnrolment = Annotated[PlannedEnrolment | SiteEnrolment, Field(discriminator="kind")]


class SimpleRandomisation(Strict):
    """Every participant independently."""

    kind: Literal["simple"]


class BlockRandomisation(Strict):
    """Permuted blocks, within the crossing of the named factors."""

    kind: Literal["permuted_blocks"]
    block_sizes: Annotated[tuple[Annotated[int, Field(ge=1, le=200_000)], ...], Field(min_length=1)]
    strata: tuple[Slug, ...] = ()


class Minimisation(Strict):
    """Pocock–Simon minimisation over the named factors, to the preferred arm with a probability."""

    kind: Literal["minimisation"]
    factors: Annotated[tuple[Slug, ...], Field(min_length=1)]
    probability: Annotated[float, Field(gt=0, le=1)] = 0.8


Randomisation = Annotated[
    SimpleRandomisation | BlockRandomisation | Minimisation, Field(discriminator="kind")
]


class DiscontinuationDeclared(Strict):
    """A cause of stopping, with the cumulative share of each arm that it takes.

    The shares are reached by the last visit, by the end of follow-up, or, for times to an event, by
    `by_month`. `baseline`, `previous` and `current` are log odds for one point of the outcome at
    baseline, at the visit before, and at the visit that is missed; the `mechanism` says what they make.
    `after` is what becomes of the effect: ``lost``, ``kept``, or ``frozen``. Nothing is observed afterwards.
    """

    cause: Slug
    cumulative: dict[str, Fraction]
    mechanism: Literal["MCAR", "MAR", "MNAR"]
    baseline: float = 0.0
    previous: float = 0.0
    current: float = 0.0
    by_month: Positive | None = None
    after: Literal["kept", "lost", "frozen"] = "lost"
    strategy: Strategy = "treatment_policy"
    source: Text

    @model_validator(mode="after")
    def _check(self) -> DiscontinuationDeclared:
        made = "MNAR" if self.current else "MAR" if self.baseline or self.previous else "MCAR"
        if made != self.mechanism:
            raise refuse(
                f"is not what the coefficients make: they make {made}",
                self.mechanism,
                field="mechanism",
                mend="MCAR has no coefficient, MAR baseline or previous, MNAR current",
            )
        return self


class IntercurrentDeclared(DiscontinuationDeclared):
    """An event after which participants may still be observed.

    `observed` is the probability of still being seen (retrieved dropout; 1 for rescue within the study),
    `added` the points that come with it, such as what rescue gives.
    """

    observed: Annotated[float, Field(ge=0, le=1)]
    added: float = 0.0


def check_causes(causes: tuple[DiscontinuationDeclared, ...], arms: tuple[TrialArm, ...], field: str) -> None:
    """Refuse causes that do not name every arm, or that leave nobody."""
    names = [arm.name for arm in arms]
    for cause in causes:
        if sorted(cause.cumulative) != sorted(names):
            raise refuse(
                f"must give a share for each arm, {', '.join(names)}",
                cause.cumulative,
                field=f"{field}.{cause.cause}.cumulative",
                mend="name every arm once, with 0 where nobody stops",
            )
    if repeated := duplicates([cause.cause for cause in causes]):
        raise refuse("a cause is named twice", repeated, field=field, mend="merge the two causes")
    for name in names:
        total = sum(cause.cumulative[name] for cause in causes)
        if total >= 1:
            raise refuse(
                f"the causes together take all of arm {name!r}",
                total,
                field=field,
                mend="make the shares of an arm add up to less than 1",
            )
