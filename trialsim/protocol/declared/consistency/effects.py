"""Whether names, arms and effects of a declared trial go together."""

from __future__ import annotations

from trialsim.protocol.declared.consistency.parts import Parts
from trialsim.protocol.declared.effects import JointEffect, RateRatio
from trialsim.protocol.declared.endpoints import endpoint
from trialsim.protocol.declared.outcome import LARGEST_LOG_RATIO, MOST_EVENTS, CountOutcome, JointOutcome
from trialsim.protocol.reading import duplicates, refuse


def check_names(trial: Parts) -> None:
    """Refuse a name that is given twice, and arms that are not the control first."""
    for field, names in (
        ("arms", [arm.name for arm in trial.arms]),
        ("strata", [factor.name for factor in trial.strata]),
        ("scenarios", [world.name for world in trial.scenarios]),
        ("analyses", [analysis.label for analysis in trial.analyses]),
        ("grid", [axis.field for axis in trial.grid]),
    ):
        if repeated := duplicates(names):
            raise refuse("a name is given twice", repeated, field=field, mend="give each its own name")
    roles = [arm.role for arm in trial.arms]
    if roles[0] != "control" or roles.count("control") != 1:
        raise refuse(
            "must be the control first, then the active arms", roles, field="arms",
            mend="give one control, first",
        )  # fmt: skip


def check_effects(trial: Parts) -> None:
    """Refuse effects of other arms or other outcomes, and those that nothing could be drawn from."""
    active = [arm.name for arm in trial.arms[1:]]
    if sorted(effect.arm for effect in trial.effects) != sorted(active):
        raise refuse(
            f"must name each active arm once: {', '.join(active)}",
            [effect.arm for effect in trial.effects],
            field="effects",
            mend="give one effect for each active arm, 0 points or a ratio of 1 where there is none",
        )
    for effect in trial.effects:
        if effect.kind not in endpoint(trial.outcome.kind).effects:
            raise refuse(
                f"does not belong to a {trial.outcome.kind} outcome",
                effect.kind,
                field=f"effects.{effect.arm}.kind",
                mend=f"use {' or '.join(endpoint(trial.outcome.kind).effects)}",
            )
        if effect.subgroup is not None:
            _check_level(trial, effect.arm, effect.subgroup.factor, effect.subgroup.level)
        if isinstance(effect, RateRatio) and trial.outcome.kind == "recurrent":
            _check_recurrent(trial, trial.outcome, effect)
        if isinstance(effect, JointEffect) and isinstance(trial.outcome, JointOutcome):
            _check_joint(trial, trial.outcome, effect)


def _check_recurrent(trial: Parts, outcome: CountOutcome, effect: RateRatio) -> None:
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


def _check_joint(trial: Parts, outcome: JointOutcome, effect: JointEffect) -> None:
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


def _check_level(trial: Parts, arm: str, factor: str, level: str) -> None:
    known = {one.name: one.levels for one in trial.strata}
    if level not in known.get(factor, ()):
        raise refuse(
            "is no level of a declared factor", f"{factor}.{level}", field=f"effects.{arm}.subgroup",
            mend="declare the factor and its levels in [[strata]]",
        )  # fmt: skip
