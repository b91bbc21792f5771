"""Whether design and conduct of a declared trial go together, and whether all that is given is read."""

from __future__ import annotations

from trialsim.protocol.declared.conduct import check_causes
from trialsim.protocol.declared.consistency.parts import Parts
from trialsim.protocol.declared.consistency.unread import is_given, unread_of_cause, unread_of_design
from trialsim.protocol.declared.design import FixedDesign, MultiArmDesign, ResizingDesign
from trialsim.protocol.declared.design_kinds import design_kind, design_kinds
from trialsim.protocol.declared.endpoints import endpoint
from trialsim.protocol.declared.outcome import ContinuousOutcome
from trialsim.protocol.reading import refuse


def check_pair(trial: Parts) -> None:
    """Refuse a design that does not serve the outcome, the arms or the participants."""
    served = endpoint(trial.outcome.kind).designs
    if trial.design.kind not in served:
        raise refuse(
            f"is not served with a {trial.outcome.kind} outcome",
            trial.design.kind,
            field="design.kind",
            mend=f"this outcome is served with {', '.join(served)}",
        )
    staged = trial.in_stages
    if trial.participants is not None and staged:
        raise refuse("belongs to designs without stages", trial.participants, field="participants",
                     mend="see docs/trials.md")  # fmt: skip
    if trial.participants is None and not staged and trial.sizing is None:
        raise refuse("is missing", field="participants", mend="give it, or ask for it in [sizing]")
    if len(trial.arms) > 2 and not design_kind(trial.design.kind).several_arms:
        many = [one.kind for one in design_kinds() if one.several_arms]
        raise refuse(
            f"the design {trial.design.kind} is served with two arms", len(trial.arms), field="arms",
            mend=f"use two arms, or {' or '.join(many)}",
        )  # fmt: skip
    if isinstance(trial.design, MultiArmDesign):
        _check_stages(trial, trial.design)
    if isinstance(trial.design, FixedDesign):
        _check_fixed(trial, trial.design)


def _check_fixed(trial: Parts, design: FixedDesign) -> None:
    """Refuse what is not served beside several active arms, and their error where there is one."""
    if len(trial.arms) == 2:
        if is_given(design, "multiplicity"):
            raise refuse("is not read with one active arm", design.multiplicity, field="design.multiplicity",
                         mend="leave it out")  # fmt: skip
        return
    if len(trial.endpoints) > 1:
        raise refuse("are served with two arms in a fixed design", len(trial.arms), field="endpoints",
                     mend="use two arms, or one endpoint")  # fmt: skip
    if trial.outcome.kind == "joint":
        raise refuse("is served with two arms", trial.outcome.kind, field="endpoints.kind",
                     mend="read the marker or the event alone")  # fmt: skip
    if trial.sizing is not None:
        raise refuse("is served with one active arm", len(trial.arms) - 1, field="sizing",
                     mend="give participants, and a [[grid]] of them")  # fmt: skip
    for analysis in trial.analyses:
        if analysis.limits:
            raise refuse("is served with one active arm", analysis.null,
                         field=f"analyses.{analysis.label}.null", mend="leave it out")  # fmt: skip


def _check_stages(trial: Parts, design: MultiArmDesign) -> None:
    if bool(design.events) != (trial.outcome.kind == "time_to_event"):
        raise refuse(
            "is needed with a time to event, and with it alone",
            design.events,
            field="design.events",
            mend="give stages of participants, or events of a time to event",
        )
    for position, stage in enumerate(design.stages):
        if len(stage) != len(trial.arms):
            raise refuse(
                f"must hold a number for each of {len(trial.arms)} arms", stage,
                field=f"design.stages[{position}]",
            )  # fmt: skip


def check_unread(trial: Parts) -> None:
    """Refuse fields that are given and that nothing reads."""
    for name in unread_of_design(trial.design, trial.outcome.kind):
        raise refuse(
            f"is not read by this design with a {trial.outcome.kind} outcome", getattr(trial.design, name),
            field=f"design.{name}", mend="leave it out",
        )  # fmt: skip
    if trial.in_stages and getattr(trial.outcome, "gaps", None):
        raise refuse("is not read by designs in stages", field="endpoints.gaps", mend="leave it out")
    if trial.outcome.kind != "score":
        for cause in trial.discontinuation:
            for name in unread_of_cause(cause):
                raise refuse(
                    f"is not read with a {trial.outcome.kind} outcome", getattr(cause, name),
                    field=f"discontinuation.{cause.cause}.{name}", mend="leave it out",
                )  # fmt: skip


def check_conduct(trial: Parts) -> None:
    """Refuse conduct that the design does not have, or that is missing."""
    check_causes(trial.discontinuation, trial.arms, "discontinuation")
    check_causes((*trial.discontinuation, *trial.intercurrent_events), trial.arms, "intercurrent_events")
    names = [factor.name for factor in trial.strata]
    asked = {"permuted_blocks": "strata", "minimisation": "factors"}
    if trial.randomisation is not None and trial.randomisation.kind in asked:
        field = asked[trial.randomisation.kind]
        unknown = [one for one in getattr(trial.randomisation, field) if one not in names]
        if unknown:
            raise refuse(
                "is no declared factor", unknown, field=f"randomisation.{field}",
                mend="declare it in [[strata]]",
            )  # fmt: skip
    if trial.in_stages:
        _check_staged_conduct(trial)
    else:
        _check_individual_conduct(trial)


def _check_staged_conduct(trial: Parts) -> None:
    for field in ("strata", "randomisation", "discontinuation", "intercurrent_events", "analyses"):
        if getattr(trial, field):
            raise refuse(
                f"is not served by the design {trial.design.kind}, which draws sums of arms", field=field,
                mend="leave it out",
            )  # fmt: skip
    if any(arm.allocation != 1 for arm in trial.arms):
        raise refuse(
            "does not belong to a design in stages",
            [arm.allocation for arm in trial.arms],
            field="arms.allocation",
            mend="say in the design how many enter each arm",
        )
    if trial.enrolment is None and getattr(trial.design, "wait", "seen") != "seen":
        raise refuse("needs to know when participants enter", trial.design.kind, field="design.wait",
                     mend="declare [enrolment]")  # fmt: skip


def _check_individual_conduct(trial: Parts) -> None:
    for field in ("enrolment", "randomisation"):
        if getattr(trial, field) is None:
            raise refuse("is missing", field=field, mend=f"add [{field}]")
    if not trial.analyses:
        raise refuse("is missing", field="analyses", mend="add at least one [[analyses]]")
    continuous = trial.outcome.kind == "score"
    if trial.intercurrent_events and not continuous:
        raise refuse(
            f"are not served with a {trial.outcome.kind} outcome", field="intercurrent_events",
            mend="declare [[discontinuation]]",
        )  # fmt: skip
    for cause in trial.discontinuation:
        where = f"discontinuation.{cause.cause}"
        if cause.mechanism != "MCAR" and not continuous:
            raise refuse(
                f"is not served with a {trial.outcome.kind} outcome", cause.mechanism,
                field=f"{where}.mechanism", mend="use MCAR; times to events have dropout_dependence",
            )  # fmt: skip
        if (cause.by_month is None) == (trial.outcome.kind in ("time_to_event", "joint")):
            raise refuse(
                "is needed with times to events, and with them alone",
                cause.by_month,
                field=f"{where}.by_month",
            )
    if isinstance(trial.outcome, ContinuousOutcome):
        _check_events(trial, trial.outcome)
    if isinstance(trial.design, ResizingDesign):
        _check_resizing(trial, trial.design)


def _check_resizing(trial: Parts, design: ResizingDesign) -> None:
    """Refuse fields that another method needs, or that this one lacks."""
    survival = trial.outcome.kind == "time_to_event"
    needed = design.needed(survival)
    for field in ("effect", "events", "interim_events", "largest_events", "month", "end_month"):
        if (getattr(design, field) is not None) != (field in needed):
            word = "is needed by" if field in needed else "does not belong to"
            raise refuse(
                f"{word} the {design.method} method with a {trial.outcome.kind} outcome",
                getattr(design, field),
                field=f"design.{field}",
            )


def _check_events(trial: Parts, outcome: ContinuousOutcome) -> None:
    """Refuse what cannot stand beside why people stop."""
    events = (*trial.discontinuation, *trial.intercurrent_events)
    if events and trial.strata:
        raise refuse(
            "is not served together with why people stop",
            field="strata",
            mend="leave the strata out, or the discontinuation",
        )
    if any(one.strategy == "composite" for one in events) and outcome.failure is None:
        raise refuse(
            "is needed by a composite strategy", field="endpoints.failure", mend="give the failure value"
        )
