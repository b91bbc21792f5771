"""When a declared trial is looked at, and how it decides."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.declared.bounds import Efficacy, Futility
from trialsim.protocol.of_endpoint import OfEndpoint
from trialsim.protocol.question import Fraction, Probability
from trialsim.protocol.reading import Strict, refuse

Alpha = Annotated[float, Field(gt=0, lt=0.5)]
Whole = Annotated[int, Field(ge=1, le=1_000_000)]
Share = Annotated[float, Field(gt=0, le=1)]
Months = Annotated[float, Field(gt=0, le=600)]
Multiplicity = Literal["closed_dunnett", "closed_bonferroni", "closed_simes", "bonferroni", "none"]


def _ascends(values: tuple[float, ...] | tuple[int, ...]) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))


def _refuse_order(values: tuple[float, ...] | tuple[int, ...], field: str) -> None:
    if not _ascends(values):
        raise refuse(
            "must ascend: an interim look lies after the final one",
            values,
            field=field,
            mend="put every interim before the final look",
        )


class FixedDesign(OfEndpoint):
    """One analysis at the end; a time to an event is read after `events`, or at `month`.

    `alpha` is one-sided everywhere. With several endpoints `endpoint` names the one whose events are counted.
    Several active arms are each compared with the control, and claimed
    together by `multiplicity`: a closed test (``closed_dunnett``, ``closed_bonferroni``, which is Holm's,
    ``closed_simes``), ``bonferroni``, or ``none``, which does not keep the family-wise error.
    """

    kind: Literal["fixed"]
    alpha: Alpha = 0.025
    events: Whole | None = None
    month: Months | None = None
    latest_month: Months | None = None
    multiplicity: Multiplicity = "closed_dunnett"


class GroupSequentialDesign(OfEndpoint):
    """Looks by `events`, by `information` (shares of the planned participants) or by calendar `months`.

    With `months` the bounds follow what has come by each look, so that the rule must spend: `spend_by` the
    information that came, or the calendar itself. `power` is what futility that spends rests on. With several
    endpoints `endpoint` names the one whose events, or known outcomes, the looks wait for.
    """

    kind: Literal["group_sequential"]
    timing: Literal["events", "information", "calendar"]
    events: tuple[Whole, ...] = ()
    information: tuple[Share, ...] = ()
    months: tuple[Months, ...] = ()
    planned_events: Whole | None = None
    spend_by: Literal["information", "calendar"] = "information"
    latest_month: Months | None = None
    efficacy: Efficacy = Efficacy()
    futility: Futility | None = None
    alpha: Alpha = 0.025
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.9

    @model_validator(mode="after")
    def _check(self) -> GroupSequentialDesign:
        field = {"events": "events", "information": "information", "calendar": "months"}[self.timing]
        for name in ("events", "information", "months"):
            if bool(getattr(self, name)) != (name == field):
                word = "is needed for" if name == field else "does not belong to"
                raise refuse(f"{word} the timing {self.timing}", getattr(self, name), field=name)
            _refuse_order(getattr(self, name), name)
        if self.information and abs(self.information[-1] - 1) > 1e-12:
            raise refuse(
                "must end with 1, the final look", self.information, field="information",
                mend="give shares of the planned participants",
            )  # fmt: skip
        if self.timing == "calendar" and self.efficacy.rule in (
            "o_brien_fleming", "pocock", "wang_tsiatis", "given",
        ):  # fmt: skip
            raise refuse(
                "has no bounds for looks by the calendar, whose information is not known before",
                self.efficacy.rule,
                field="efficacy.rule",
                mend="use a rule that spends, such as lan_demets_obf",
            )
        if self.timing == "calendar" and self.futility is not None and self.futility.rule == "given":
            raise refuse("must spend with looks by the calendar", "given", field="futility.rule")
        if self.futility is not None and self.futility.z and len(self.futility.z) != self.looks - 1:
            raise refuse(
                f"must hold one bound for each of {self.looks - 1} interim looks",
                self.futility.z,
                field="futility.z",
            )
        return self

    @property
    def looks(self) -> int:
        """Number of looks."""
        return len(self.events or self.information or self.months)


class ResizingDesign(Strict):
    """Sample-size re-estimation at one interim look, to at most `largest` participants.

    ``blinded``: from the variance of all outcomes at half of the participants, for an assumed `effect`
    and `power`; the final test is that of a fixed trial. ``unblinded``: the second half is raised where
    conditional power lies in the promising `zone`, until it is `power`; the halves are combined by the
    inverse normal method. The trial stops for futility where the interim z is at or below `futility_z`.

    With a time to event, ``unblinded`` looks after `interim_events` of the planned `events` and may go on
    to `largest_events`, and to participants in proportion; the final `test` is ``weighted`` (Cui, Hung and
    Wang), ``conventional`` (added events need no weights within the zone) or ``naive``, which shows the
    inflation. ``blinded`` looks at `month` and enrols as many as pooled events ask for, so that `events` come
    by `end_month`.
    """

    kind: Literal["sample_size_reestimation"]
    method: Literal["blinded", "unblinded"]
    largest: Whole
    alpha: Alpha = 0.025
    power: Annotated[float, Field(gt=0, lt=1)] = 0.8
    effect: float | None = None
    zone: tuple[Fraction, Share] = (0.3, 0.8)
    futility_z: float | None = None
    events: Whole | None = None
    interim_events: Whole | None = None
    largest_events: Whole | None = None
    test: Literal["weighted", "conventional", "naive"] = "weighted"
    month: Months | None = None
    end_month: Months | None = None
    latest_month: Months | None = None

    @model_validator(mode="after")
    def _check(self) -> ResizingDesign:
        if self.effect == 0:
            raise refuse("must not be 0: no size would find it", self.effect, field="effect")
        if self.method == "blinded" and self.futility_z is not None:
            raise refuse("needs an unblinded look", self.futility_z, field="futility_z")
        if self.zone[0] >= self.zone[1]:
            raise refuse("must ascend", self.zone, field="zone")
        return self

    def needed(self, survival: bool) -> tuple[str, ...]:
        """Return the fields that the method needs with or without a time to event."""
        if not survival:
            return ("effect",) if self.method == "blinded" else ()
        if self.method == "blinded":
            return ("events", "month", "end_month")
        return ("events", "interim_events", "largest_events")


Stage = Annotated[tuple[Whole, ...], Field(min_length=2)]


Wait = Literal["seen", "entered"]


class MultiArmDesign(Strict):
    """Several active arms in stages; arms are dropped at the futility bounds or by `keep_best`.

    `stages` holds the participants of each arm in each stage, in the order of the arms. With a time to
    event, `events` are instead those of all arms at the interim look, and of the open arms at the end.

    `multiplicity`: closed combination tests (``closed_dunnett``, ``closed_bonferroni``, ``closed_simes``)
    keep the family-wise error whatever is dropped; ``bonferroni`` tests each arm's cumulative z at bounds
    for alpha divided by the active arms; ``none`` at bounds for alpha itself. The trial stops at the
    first claim, or when all open arms are claimed (`stop_at`, of closed tests). Where participants enter
    one by one, a look waits until the stage is ``seen`` or ``entered`` (`wait`).
    """

    kind: Literal["multi_arm_multi_stage"]
    stages: Annotated[tuple[Stage, ...], Field(max_length=10)] = ()
    events: tuple[Whole, ...] = ()
    efficacy: Efficacy = Efficacy()
    futility_z: tuple[float, ...] = ()
    keep_best: Whole | None = None
    multiplicity: Multiplicity = "closed_dunnett"
    stop_at: Literal["any", "all"] = "any"
    wait: Wait = "seen"
    latest_month: Months | None = None
    alpha: Alpha = 0.025

    @model_validator(mode="after")
    def _check(self) -> MultiArmDesign:
        if bool(self.stages) == bool(self.events):
            raise refuse("needs either stages, or events of a time to event", self.stages, field="stages")
        _refuse_order(self.events, "events")
        if self.multiplicity.startswith("closed") and len(self.futility_z) > 1:
            raise refuse("must be one number for closed tests", self.futility_z, field="futility_z")
        if self.events and (len(self.events) != 2 or not self.multiplicity.startswith("closed")):
            raise refuse(
                "is served with one interim look and a closed test", self.events, field="events",
                mend="give two numbers of events and multiplicity = 'closed_dunnett'",
            )  # fmt: skip
        return self


class ResponseAdaptiveDesign(Strict):
    """Thompson-like allocation: in proportion to the posterior probability of being best to `tuning`.

    `first` participants in each arm, then `batches` of `batch` in all. The claim is made where an active
    arm's probability of being best is at least `claim`; the trial stops where the best one's is below
    `futility`.
    """

    kind: Literal["response_adaptive"]
    first: Whole
    batch: Whole
    batches: Annotated[int, Field(ge=1, le=50)]
    claim: Probability
    tuning: Annotated[float, Field(ge=0, le=5)] = 0.5
    least_share: Fraction = 0.1
    futility: Fraction = 0.0
    wait: Wait = "seen"

    @property
    def alpha(self) -> float:
        """One-sided level of the naive confidence interval; the claim is Bayesian."""
        return 0.025


class BayesianDesign(Strict):
    """Two arms watched by Bayesian probabilities, with uniform priors.

    `looks` holds the participants in each arm at each look, the last one the most. ``posterior``: success
    where P(active better) is at least `claim` at any look, futility where it is below `stop_below`.
    ``predictive``: interim stops where the predictive probability of the final claim is at least
    `stop_above` or below `stop_below`.
    """

    kind: Literal["bayesian"]
    rule: Literal["posterior", "predictive"]
    looks: Annotated[tuple[Whole, ...], Field(min_length=1, max_length=20)]
    claim: Probability
    stop_above: Annotated[float, Field(gt=0, le=1)] = 1.0
    stop_below: Fraction = 0.0
    wait: Literal["seen"] = "seen"

    @model_validator(mode="after")
    def _check(self) -> BayesianDesign:
        _refuse_order(self.looks, "looks")
        return self

    @property
    def alpha(self) -> float:
        """One-sided level of the naive confidence interval; the claim is Bayesian."""
        return 0.025
