"""A trial declared in a file: all of its parts, and whether they go together."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from trialsim.errors import ProtocolError
from trialsim.protocol.declared.analyses import ANALYSES_OF, AnalysisDeclared
from trialsim.protocol.declared.conduct import (
    DiscontinuationDeclared,
    Factor,
    IntercurrentDeclared,
    Randomisation,
    TrialArm,
    TrialEnrolment,
    check_causes,
)
from trialsim.protocol.declared.control_arm import Borrowing, CardSensitivity, Costs, Estimand
from trialsim.protocol.declared.design import DESIGNS_OF, STAGED, Design, MultiArmDesign, ResizingDesign
from trialsim.protocol.declared.effects import EFFECTS_OF, Effect, JointEffect, RateRatio
from trialsim.protocol.declared.history import HistoryDeclared
from trialsim.protocol.declared.outcome import (
    LARGEST_LOG_RATIO,
    MOST_EVENTS,
    ContinuousOutcome,
    CountOutcome,
    JointOutcome,
    Outcome,
)
from trialsim.protocol.declared.parts import adjustable_of, check_parts
from trialsim.protocol.declared.paths import without_kinds
from trialsim.protocol.declared.people import Population
from trialsim.protocol.declared.scenarios import Axis, TrialSimulation, World
from trialsim.protocol.declared.sizing import SizeQuestion
from trialsim.protocol.declared.twins import Twins
from trialsim.protocol.declared.unread import unread_of_cause, unread_of_design
from trialsim.protocol.question import Slug, Text
from trialsim.protocol.reading import Strict, check_model, duplicates, read_toml, refuse

_LARGEST_GRID = 2_000


class DeclaredTrial(Strict):
    """A trial, as its user declares it; read it with `read_trial`.

    `participants` is the planned size; designs in stages have their own.
    """

    format: Literal["trialsim.protocol/2"]
    name: Slug
    title: Text
    question: Text
    context_of_use: Text | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    participants: Annotated[int, Field(ge=4, le=200_000)] | None = None
    estimand: Estimand | None = None
    population: Population | None = None
    arms: Annotated[tuple[TrialArm, ...], Field(min_length=2, max_length=12)]
    endpoints: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    effects: tuple[Effect, ...]
    history: HistoryDeclared | None = None
    twins: Twins | None = None
    sizing: SizeQuestion | None = None
    costs: Costs | None = None
    borrowing: Borrowing | None = None
    card_sensitivity: CardSensitivity | None = None
    strata: tuple[Factor, ...] = ()
    enrolment: TrialEnrolment | None = None
    randomisation: Randomisation | None = None
    discontinuation: tuple[DiscontinuationDeclared, ...] = ()
    intercurrent_events: tuple[IntercurrentDeclared, ...] = ()
    design: Design
    analyses: tuple[AnalysisDeclared, ...] = ()
    simulation: TrialSimulation
    scenarios: Annotated[tuple[World, ...], Field(min_length=1)]
    grid: tuple[Axis, ...] = ()
    largest_grid: Annotated[int, Field(ge=1, le=100_000)] = _LARGEST_GRID

    @property
    def outcome(self) -> Outcome:
        """The primary endpoint."""
        return self.endpoints[0]

    @model_validator(mode="after")
    def _check(self) -> DeclaredTrial:
        check_parts(self)
        self._check_names()
        self._check_effects()
        self._check_pair()
        self._check_unread()
        self._check_conduct()
        self._check_analyses()
        return self

    def _check_names(self) -> None:
        for field, names in (
            ("arms", [arm.name for arm in self.arms]),
            ("strata", [factor.name for factor in self.strata]),
            ("scenarios", [world.name for world in self.scenarios]),
            ("analyses", [analysis.label for analysis in self.analyses]),
            ("grid", [axis.field for axis in self.grid]),
        ):
            if repeated := duplicates(names):
                raise refuse("a name is given twice", repeated, field=field, mend="give each its own name")
        roles = [arm.role for arm in self.arms]
        if roles[0] != "control" or roles.count("control") != 1:
            raise refuse(
                "must be the control first, then the active arms", roles, field="arms",
                mend="give one control, first",
            )  # fmt: skip

    def _check_effects(self) -> None:
        active = [arm.name for arm in self.arms[1:]]
        if sorted(effect.arm for effect in self.effects) != sorted(active):
            raise refuse(
                f"must name each active arm once: {', '.join(active)}",
                [effect.arm for effect in self.effects],
                field="effects",
                mend="give one effect for each active arm, 0 points or a ratio of 1 where there is none",
            )
        for effect in self.effects:
            if effect.kind not in EFFECTS_OF[self.outcome.kind]:
                raise refuse(
                    f"does not belong to a {self.outcome.kind} outcome",
                    effect.kind,
                    field=f"effects.{effect.arm}.kind",
                    mend=f"use {' or '.join(EFFECTS_OF[self.outcome.kind])}",
                )
            if effect.subgroup is not None:
                self._check_level(effect.arm, effect.subgroup.factor, effect.subgroup.level)
            if isinstance(effect, RateRatio) and self.outcome.kind == "recurrent":
                self._check_recurrent(self.outcome, effect)
            if isinstance(effect, JointEffect) and isinstance(self.outcome, JointOutcome):
                self._check_joint(self.outcome, effect)

    def _check_recurrent(self, outcome: CountOutcome, effect: RateRatio) -> None:
        """Refuse a ratio that makes more events than can be drawn."""
        in_subgroup = 1.0 if effect.subgroup is None else effect.subgroup.value
        if outcome.rate is None:
            return
        events = outcome.rate * outcome.months * effect.value * max(1.0, in_subgroup)
        if events > MOST_EVENTS:
            raise refuse(
                f"makes {events:,.0f} events a participant, above {MOST_EVENTS:,}", effect.value,
                field=f"effects.{effect.arm}.value", mend="give a smaller ratio, or a lower endpoints.rate",
            )  # fmt: skip

    def _check_joint(self, outcome: JointOutcome, effect: JointEffect) -> None:
        """Refuse an effect on the marker after which everybody has the event at once, or nobody ever."""
        ratio = outcome.log_ratio(effect.level, effect.per_month)
        if ratio > LARGEST_LOG_RATIO:
            field = "level" if outcome.log_ratio(effect.level, 0.0) > ratio / 2 else "per_month"
            raise refuse(
                f"makes a log hazard ratio of {ratio:,.0f} by way of the marker, above {LARGEST_LOG_RATIO:g}",
                getattr(effect, field),
                field=f"effects.{effect.arm}.{field}",
                mend="give the effect in points of the marker",
            )

    def _check_level(self, arm: str, factor: str, level: str) -> None:
        known = {one.name: one.levels for one in self.strata}
        if level not in known.get(factor, ()):
            raise refuse(
                "is no level of a declared factor", f"{factor}.{level}", field=f"effects.{arm}.subgroup",
                mend="declare the factor and its levels in [[strata]]",
            )  # fmt: skip

    def _check_pair(self) -> None:
        served = DESIGNS_OF[self.outcome.kind]
        if self.design.kind not in served:
            raise refuse(
                f"is not served with a {self.outcome.kind} outcome",
                self.design.kind,
                field="design.kind",
                mend=f"this outcome is served with {', '.join(served)}",
            )
        staged = self.in_stages
        if self.participants is not None and staged:
            raise refuse("belongs to designs without stages", self.participants, field="participants",
                         mend="see docs/trials.md")  # fmt: skip
        if self.participants is None and not staged and self.sizing is None:
            raise refuse("is missing", field="participants", mend="give it, or ask for it in [sizing]")
        many = ("multi_arm_multi_stage", "response_adaptive")
        if len(self.arms) > 2 and self.design.kind not in many:
            raise refuse(
                f"the design {self.design.kind} is served with two arms", len(self.arms), field="arms",
                mend=f"use two arms, or {' or '.join(many)}",
            )  # fmt: skip
        if isinstance(self.design, MultiArmDesign):
            self._check_stages(self.design)

    def _check_stages(self, design: MultiArmDesign) -> None:
        if bool(design.events) != (self.outcome.kind == "time_to_event"):
            raise refuse(
                "is needed with a time to event, and with it alone",
                design.events,
                field="design.events",
                mend="give stages of participants, or events of a time to event",
            )
        for position, stage in enumerate(design.stages):
            if len(stage) != len(self.arms):
                raise refuse(
                    f"must hold a number for each of {len(self.arms)} arms", stage,
                    field=f"design.stages[{position}]",
                )  # fmt: skip

    def _check_unread(self) -> None:
        for name in unread_of_design(self.design, self.outcome.kind):
            raise refuse(
                f"is not read by this design with a {self.outcome.kind} outcome", getattr(self.design, name),
                field=f"design.{name}", mend="leave it out",
            )  # fmt: skip
        if self.in_stages and getattr(self.outcome, "gaps", None):
            raise refuse("is not read by designs in stages", field="endpoints.gaps", mend="leave it out")
        if self.outcome.kind != "score":
            for cause in self.discontinuation:
                for name in unread_of_cause(cause):
                    raise refuse(
                        f"is not read with a {self.outcome.kind} outcome", getattr(cause, name),
                        field=f"discontinuation.{cause.cause}.{name}", mend="leave it out",
                    )  # fmt: skip

    def _check_conduct(self) -> None:
        check_causes(self.discontinuation, self.arms, "discontinuation")
        check_causes((*self.discontinuation, *self.intercurrent_events), self.arms, "intercurrent_events")
        names = [factor.name for factor in self.strata]
        asked = {"permuted_blocks": "strata", "minimisation": "factors"}
        if self.randomisation is not None and self.randomisation.kind in asked:
            field = asked[self.randomisation.kind]
            unknown = [one for one in getattr(self.randomisation, field) if one not in names]
            if unknown:
                raise refuse(
                    "is no declared factor", unknown, field=f"randomisation.{field}",
                    mend="declare it in [[strata]]",
                )  # fmt: skip
        self._check_staged_conduct() if self.in_stages else self._check_individual_conduct()

    def _check_staged_conduct(self) -> None:
        for field in ("strata", "randomisation", "discontinuation", "intercurrent_events", "analyses"):
            if getattr(self, field):
                raise refuse(
                    f"is not served by the design {self.design.kind}, which draws sums of arms", field=field,
                    mend="leave it out",
                )  # fmt: skip
        if any(arm.allocation != 1 for arm in self.arms):
            raise refuse(
                "does not belong to a design in stages",
                [arm.allocation for arm in self.arms],
                field="arms.allocation",
                mend="say in the design how many enter each arm",
            )
        if self.enrolment is None and getattr(self.design, "wait", "seen") != "seen":
            raise refuse("needs to know when participants enter", self.design.kind, field="design.wait",
                         mend="declare [enrolment]")  # fmt: skip

    def _check_individual_conduct(self) -> None:
        for field in ("enrolment", "randomisation"):
            if getattr(self, field) is None:
                raise refuse("is missing", field=field, mend=f"add [{field}]")
        if not self.analyses:
            raise refuse("is missing", field="analyses", mend="add at least one [[analyses]]")
        continuous = self.outcome.kind == "score"
        if self.intercurrent_events and not continuous:
            raise refuse(
                f"are not served with a {self.outcome.kind} outcome", field="intercurrent_events",
                mend="declare [[discontinuation]]",
            )  # fmt: skip
        for cause in self.discontinuation:
            where = f"discontinuation.{cause.cause}"
            if cause.mechanism != "MCAR" and not continuous:
                raise refuse(
                    f"is not served with a {self.outcome.kind} outcome", cause.mechanism,
                    field=f"{where}.mechanism", mend="use MCAR; times to events have dropout_dependence",
                )  # fmt: skip
            if (cause.by_month is None) == (self.outcome.kind in ("time_to_event", "joint")):
                raise refuse(
                    "is needed with times to events, and with them alone",
                    cause.by_month,
                    field=f"{where}.by_month",
                )
        if isinstance(self.outcome, ContinuousOutcome):
            self._check_events(self.outcome)
        if isinstance(self.design, ResizingDesign):
            self._check_resizing(self.design)

    def _check_resizing(self, design: ResizingDesign) -> None:
        """Refuse fields that another method needs, or that this one lacks."""
        survival = self.outcome.kind == "time_to_event"
        needed = design.needed(survival)
        for field in ("effect", "events", "interim_events", "largest_events", "month", "end_month"):
            if (getattr(design, field) is not None) != (field in needed):
                word = "is needed by" if field in needed else "does not belong to"
                raise refuse(
                    f"{word} the {design.method} method with a {self.outcome.kind} outcome",
                    getattr(design, field),
                    field=f"design.{field}",
                )

    def _check_events(self, outcome: ContinuousOutcome) -> None:
        """Refuse what cannot stand beside why people stop."""
        events = (*self.discontinuation, *self.intercurrent_events)
        if events and self.strata:
            raise refuse(
                "is not served together with why people stop",
                field="strata",
                mend="leave the strata out, or the discontinuation",
            )
        composite = any(one.kind == "ancova_composite" for one in self.analyses)
        composite = composite or any(one.strategy == "composite" for one in events)
        if composite and outcome.failure is None:
            raise refuse(
                "is needed by a composite strategy", field="endpoints.failure", mend="give the failure value"
            )

    def _check_analyses(self) -> None:
        for analysis in self.analyses:
            where = f"analyses.{analysis.label}"
            self._check_reads_outcome(analysis, where)
            self._check_reads_factors(analysis, where)
            self._check_reads_design(analysis, where)

    def _check_reads_outcome(self, analysis: AnalysisDeclared, where: str) -> None:
        served = ANALYSES_OF[self.outcome.kind]
        if analysis.kind not in served:
            raise refuse(
                f"does not read a {self.outcome.kind} outcome", analysis.kind, field=where,
                mend=f"use {', '.join(served)}",
            )  # fmt: skip

    def _check_reads_factors(self, analysis: AnalysisDeclared, where: str) -> None:
        factors = [factor.name for factor in self.strata]
        known = [*factors, *adjustable_of(self)]
        if unknown := [one for one in analysis.adjust if one not in known]:
            raise refuse("is no declared factor, covariate or score", unknown, field=f"{where}.adjust",
                         mend="declare it in [[strata]] or [twins]")  # fmt: skip
        if analysis.kind.startswith("stratified") and not factors:
            raise refuse("needs strata", field=where, mend="declare [[strata]]")

    def _check_reads_design(self, analysis: AnalysisDeclared, where: str) -> None:
        adaptive = self.design.kind in ("sample_size_reestimation", "multi_arm_multi_stage")
        log_rank = analysis.kind in ("log_rank", "stratified_log_rank")
        if self.outcome.kind == "time_to_event" and adaptive and not log_rank:
            raise refuse(
                f"is not served by the design {self.design.kind}",
                analysis.kind,
                field=where,
                mend="use log_rank or stratified_log_rank",
            )
        if self.outcome.kind == "count" and self.discontinuation:
            raise refuse("needs the same follow-up for everybody", field=where,
                         mend="declare a recurrent outcome")  # fmt: skip
        if analysis.kind == "jump_to_reference" and getattr(self.outcome, "gaps", False):
            raise refuse("needs visits without gaps", field=where, mend="set endpoints.gaps = 0")
        if analysis.kind == "jump_to_reference" and self.design.kind != "fixed":
            raise refuse(
                "would impute those who have not entered at a look",
                field=where,
                mend="use a fixed design, or another analysis",
            )

    @property
    def in_stages(self) -> bool:
        """Whether the design says how many enter in each stage, and draws arms instead of visits."""
        return self.design.kind in STAGED and self.outcome.kind != "time_to_event"

    @property
    def arm_names(self) -> tuple[str, ...]:
        """Names of the arms, the control first."""
        return tuple(arm.name for arm in self.arms)

    def to_dict(self) -> dict[str, Any]:
        """Return the trial with all defaults filled in, as plain JSON types."""
        return self.model_dump(mode="json")

    def content_hash(self) -> str:
        """Return the SHA-256 of the canonical form, which white space and key order do not change."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


def is_declared(path: Path | str) -> bool:
    """Return whether a TOML file says that it is a declared trial.

    Parameters
    ----------
    path : Path or str
        A TOML file.

    Returns
    -------
    bool
        False for a protocol of the first format.

    Raises
    ------
    ProtocolError
        The file cannot be read.

    Examples
    --------
    >>> is_declared("protocols/survival_delayed_effect.toml"), is_declared("protocols/alzheimers_phase2.toml")
    (True, False)
    """
    return read_toml(path, ProtocolError).get("format") != "trialsim.protocol/1"


def read_trial(path: Path | str) -> DeclaredTrial:
    """Read a trial from a TOML file.

    Parameters
    ----------
    path : Path or str
        The file; docs/trials.md teaches the format.

    Returns
    -------
    DeclaredTrial

    Raises
    ------
    ProtocolError
        The file cannot be read or breaks a rule; every broken rule is named with field, value and mend.

    Examples
    --------
    >>> read_trial("protocols/survival_delayed_effect.toml").name
    'survival_delayed_effect'
    """
    return trial_from_dict(read_toml(path, ProtocolError), file=path)


def trial_from_dict(tables: dict[str, Any], *, file: Path | str | None = None) -> DeclaredTrial:
    """Return the trial of plain tables, such as those of `DeclaredTrial.to_dict`.

    Parameters
    ----------
    tables : dict
        Tables of a trial file, as `tomllib` reads them.
    file : Path or str, optional
        File to be named in refusals.

    Returns
    -------
    DeclaredTrial
        Checked and frozen.

    Raises
    ------
    ProtocolError
        A rule is broken; every broken rule is named with field, value and mend.

    Examples
    --------
    >>> trial = read_trial("protocols/survival_delayed_effect.toml")
    >>> trial_from_dict(trial.to_dict()) == trial
    True
    """
    return check_model(tables, DeclaredTrial, ProtocolError, file=file, place=without_kinds)
