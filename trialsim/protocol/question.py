"""What is asked: estimand, endpoint, assumed effect, analysis, sizing question and scenarios."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.reading import Strict, duplicates, refuse

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]

AnalysisName = Literal["unadjusted", "ancova", "prognostic"]
ANALYSES: tuple[AnalysisName, ...] = ("unadjusted", "ancova", "prognostic")


class IntercurrentEvent(Strict):
    """An event after randomisation that affects what is observed or what it means (ICH E9(R1)).

    The engine observes nothing after discontinuation and keeps the effect unchanged there, so the
    two strategies that it can serve are those whose target that leaves intact.
    """

    event: Text
    strategy: Literal["hypothetical", "treatment_policy"]


class Estimand(Strict):
    """The five attributes of the estimand (ICH E9(R1))."""

    treatment: Text
    population: Text
    variable: Text
    summary_measure: Literal["difference_in_means"]
    intercurrent_events: Annotated[tuple[IntercurrentEvent, ...], Field(min_length=1)]


class Endpoint(Strict):
    """The outcome: its name in the disease model and the history, its label, and which way is worse."""

    name: Slug
    label: Text
    unit: Text = "points"
    direction: Literal["higher_is_worse", "higher_is_better"]


class Effect(Strict):
    """The assumed effect of the active arm at the last visit.

    ``slowing``: share of the untreated decline since baseline that treatment prevents, at every visit.
    ``shift``: points of benefit, reached linearly from week 0 to `full_by_week` and kept from then on.
    """

    kind: Literal["slowing", "shift"]
    value: Positive
    full_by_week: Positive | None = None
    source: Text

    @model_validator(mode="after")
    def _check(self) -> Effect:
        if self.kind == "slowing" and self.value > 1:
            raise refuse(
                "is above 1, the whole decline",
                self.value,
                field="value",
                mend="give a slowing as a share, such as 0.3",
            )
        if self.kind == "slowing" and self.full_by_week is not None:
            raise refuse(
                "belongs to a shift",
                self.full_by_week,
                field="full_by_week",
                mend="leave it out: a slowing acts from week 0 on",
            )
        return self


class Analysis(Strict):
    """How the trial is read.

    `slopes`: ``common`` fits one slope of each covariate for both arms; ``interacted`` one for each arm.
    `variance`: HC3 (robust, the default), HC0 to HC2, or ``model`` (ordinary least squares).
    `alpha` is two-sided.
    """

    compare: tuple[AnalysisName, ...] = ANALYSES
    slopes: Literal["common", "interacted"] = "common"
    variance: Literal["hc0", "hc1", "hc2", "hc3", "model"] = "hc3"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05

    @model_validator(mode="after")
    def _check(self) -> Analysis:
        if duplicates(self.compare):
            raise refuse(
                "an analysis is named twice", duplicates(self.compare), field="compare", mend="name it once"
            )
        if missing := [name for name in ANALYSES if name not in self.compare]:
            raise refuse(
                "leaves an analysis out; a saving is only honest beside both conventional analyses",
                self.compare,
                field="compare",
                mend=f"add {' and '.join(missing)}",
            )
        return self


class Sizing(Strict):
    """The sizing question: power, discounts, and the smallest saving that is worth while.

    `correlation_discount` is λ: it multiplies the partial correlation of score and outcome given the
    baseline. `sd_inflation` is γ: it multiplies the SD of every analysis alike.
    """

    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.9
    correlation_discount: Annotated[float, Field(gt=0, le=1)] = 0.9
    sd_inflation: Annotated[float, Field(ge=1, le=3)] = 1.0
    smallest_worthwhile_saving: Fraction = 0.02
    largest_trial: Annotated[int, Field(ge=20, le=1_000_000)] = 50_000


class Scenario(Strict):
    """One world in which the trial is simulated; a drift is what differs from the world of the history.

    `outcome_shift`: points added to every measured outcome after baseline, in both arms.
    `progression`: factor on the speed of decline. `covariate_shift`: shift of covariate means, in SD.
    """

    name: Slug
    kind: Literal["alternative", "null", "history_drift", "useless_twin"]
    effect: Literal["assumed", "none"]
    why: Text
    outcome_shift: float = 0.0
    progression: Annotated[float, Field(gt=0, le=5)] = 1.0
    covariate_shift: dict[str, Annotated[float, Field(ge=-3, le=3)]] = Field(default_factory=dict)

    @property
    def drifts(self) -> bool:
        """Whether the trial's world differs from the history's."""
        return self.outcome_shift != 0 or self.progression != 1 or bool(self.covariate_shift)

    @model_validator(mode="after")
    def _check(self) -> Scenario:
        wanted = {"alternative": "assumed", "null": "none"}.get(self.kind, self.effect)
        if self.effect != wanted:
            raise refuse(
                f"does not belong to kind {self.kind}",
                self.effect,
                field="effect",
                mend=f"write effect = {wanted!r}",
            )
        if self.kind == "history_drift" and not self.drifts:
            raise refuse(
                "nothing drifts in this history_drift",
                mend="give an outcome_shift, a progression or a covariate_shift",
            )
        if self.kind != "history_drift" and self.drifts:
            raise refuse(
                f"a scenario of kind {self.kind} must not drift",
                mend="make it a history_drift, or take the drift away",
            )
        return self


class Simulation(Strict):
    """How much is simulated: replicates a scenario, or the Monte Carlo standard error to reach.

    `precision` is the largest Monte Carlo standard error wanted for any rejection rate, such as 0.003.
    """

    replicates: Annotated[int, Field(ge=100, le=10_000_000)] | None = None
    precision: Annotated[float, Field(ge=0.00016, lt=0.1)] | None = None
    block: Annotated[int, Field(ge=10, le=10_000)] = 250
    register_size: Annotated[int, Field(ge=1_000, le=5_000_000)] = 100_000

    @model_validator(mode="after")
    def _check(self) -> Simulation:
        if (self.replicates is None) == (self.precision is None):
            raise refuse("needs either replicates or precision", mend="give exactly one of the two")
        return self
