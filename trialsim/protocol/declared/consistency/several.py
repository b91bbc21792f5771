"""Whether endpoints, hypotheses, their graph and their dependence go together in one trial."""

from __future__ import annotations

from typing import Any

import numpy as np

from trialsim.protocol.declared.consistency.analyses import check_analyses
from trialsim.protocol.declared.consistency.conduct import check_conduct, check_pair
from trialsim.protocol.declared.consistency.effects import check_effects, check_names
from trialsim.protocol.declared.consistency.parts import check_parts
from trialsim.protocol.declared.consistency.unread import unread_of_cause
from trialsim.protocol.declared.design import FixedDesign, GroupSequentialDesign
from trialsim.protocol.declared.several.hypotheses import (
    Copula,
    Hypothesis,
    IllnessDeath,
    Multiplicity,
    shares_of,
    spends_at_any_level,
)
from trialsim.protocol.declared.several.views import comparisons, endpoint_of, looks_of
from trialsim.protocol.reading import duplicates, refuse

SERVED = ("score", "response", "level", "time_to_event")
# What rests on the people of one endpoint.
_OF_ONE_ENDPOINT = (
    "population", "history", "twins", "sizing", "costs", "borrowing", "card_sensitivity",
    "intercurrent_events",
)  # fmt: skip
_CONTINUOUS = ("score", "time_to_event")
_TOLERANCE = 1e-3


def check_endpoint_names(trial: Any) -> None:
    """Refuse two endpoints of one name, and tables of endpoints that are not declared."""
    names = [one.name for one in trial.endpoints]
    if repeated := duplicates(names):
        raise refuse("an endpoint is named twice", repeated, field="endpoints", mend="give each its own name")
    tables = [(f"effects.{one.arm}", one) for one in trial.effects]
    tables += [(f"analyses.{one.label}", one) for one in trial.analyses]
    tables += [("design", trial.design)]
    for where, table in tables:
        given = getattr(table, "endpoint", None)
        if given is not None and given not in names:
            raise refuse("is no declared endpoint", given, field=f"{where}.endpoint",
                         mend=f"use {' or '.join(names)}")  # fmt: skip
        if given is None and len(names) > 1 and table is not trial.design:
            raise refuse("is needed with several endpoints", field=f"{where}.endpoint",
                         mend=f"name {' or '.join(names)}")  # fmt: skip


def check_several(trial: Any) -> None:
    """Refuse what does not go together in a trial of several hypotheses.

    Raises
    ------
    PydanticCustomError
        As `trialsim.protocol.reading.refuse` makes it: field, value and mend.
    """
    if not trial.hypotheses:
        raise refuse(
            "are needed with several endpoints", [one.name for one in trial.endpoints], field="hypotheses",
            mend="add [[hypotheses]] that say which analyses are tested, and with which share of alpha",
        )  # fmt: skip
    _check_served(trial)
    check_names(trial)
    for view in comparisons(trial):
        check_parts(view)
        check_effects(view)
        check_pair(view)
        check_conduct(view)
        check_analyses(view.model_copy(update={"design": trial.design}))
    _check_hypotheses(trial)
    _check_graph(trial)
    _check_looks(trial)
    _check_dependence(trial)


def _check_served(trial: Any) -> None:
    for field in _OF_ONE_ENDPOINT:
        if getattr(trial, field):
            raise refuse("is not served with [[hypotheses]]", field=field, mend="leave it out")
    for position, one in enumerate(trial.endpoints):
        where = f"endpoints[{position}]"
        if one.kind not in SERVED or one.course is not None:
            what = one.kind if one.kind not in SERVED else f"course {one.course.kind}"
            raise refuse(
                "is not served with [[hypotheses]]", what, field=where,
                mend=f"use a marginal law of kind {', '.join(SERVED)}",
            )  # fmt: skip
        for name in ("gaps", "frailty", "competing"):
            if getattr(one, name, None):
                raise refuse("is not served with [[hypotheses]]", getattr(one, name),
                             field=f"{where}.{name}", mend="leave it out")  # fmt: skip
    if not isinstance(trial.design, FixedDesign | GroupSequentialDesign):
        raise refuse("is not served with [[hypotheses]]", trial.design.kind, field="design.kind",
                     mend="use fixed or group_sequential")  # fmt: skip
    for factor in trial.strata:
        if any(factor.outcome):
            raise refuse(
                "has no unit that all endpoints share", factor.outcome, field=f"strata.{factor.name}.outcome",
                mend="leave it out; effects may differ by subgroup",
            )  # fmt: skip
    for cause in trial.discontinuation:
        where = f"discontinuation.{cause.cause}"
        if cause.mechanism != "MCAR":
            raise refuse("is not served with [[hypotheses]]", cause.mechanism, field=f"{where}.mechanism",
                         mend="use MCAR")  # fmt: skip
        if cause.by_month is None:
            raise refuse("is needed with [[hypotheses]]: people leave all endpoints at one time",
                         field=f"{where}.by_month", mend="say by which month the share has left")  # fmt: skip
        for name in unread_of_cause(cause):
            raise refuse("is not read with [[hypotheses]]", getattr(cause, name), field=f"{where}.{name}",
                         mend="leave it out")  # fmt: skip


def _check_hypotheses(trial: Any) -> None:
    if repeated := duplicates([one.name for one in trial.hypotheses]):
        raise refuse("a hypothesis is named twice", repeated, field="hypotheses", mend="name it once")
    labels, active = [one.label for one in trial.analyses], [arm.name for arm in trial.arms[1:]]
    levels = {one.name: one.levels for one in trial.strata}
    for one in trial.hypotheses:
        where = f"hypotheses.{one.name}"
        if unknown := [name for name in one.analyses if name not in labels]:
            raise refuse("is tested by no declared analysis", unknown, field=f"{where}.analyses",
                         mend=f"use some of {', '.join(labels)}")  # fmt: skip
        if one.arm not in active and (one.arm is not None or len(active) > 1):
            raise refuse("must be an active arm", one.arm, field=f"{where}.arm",
                         mend=f"use {' or '.join(active)}")  # fmt: skip
        inside = one.population
        if inside is not None and inside.level not in levels.get(inside.factor, ()):
            raise refuse(
                "is no level of a declared factor", f"{inside.factor}.{inside.level}",
                field=f"{where}.population", mend="declare the factor and its levels in [[strata]]",
            )  # fmt: skip
        own = {endpoint_of(trial, name) for name in one.analyses}
        if isinstance(one.planned_events, dict) and (unread := sorted(set(one.planned_events) - own)):
            raise refuse("names endpoints that this hypothesis does not test", unread,
                         field=f"{where}.planned_events", mend=f"name {', '.join(sorted(own))}")  # fmt: skip
    used = {name for one in trial.hypotheses for name in one.analyses}
    if idle := [name for name in labels if name not in used]:
        raise refuse("no hypothesis is tested by it", idle, field="analyses",
                     mend="name it in a hypothesis, or leave it out")  # fmt: skip


def _check_graph(trial: Any) -> None:
    rule = trial.multiplicity or Multiplicity()
    names = [one.name for one in trial.hypotheses]
    if unknown := [name for name in rule.stop_when if name not in names]:
        raise refuse("is no declared hypothesis", unknown, field="multiplicity.stop_when",
                     mend=f"use some of {', '.join(names)}")  # fmt: skip
    if rule.procedure != "graph":
        for one in trial.hypotheses:
            if one.weight or one.passes:
                raise refuse(
                    f"belongs to a graph: {rule.procedure} shares alpha by itself", one.weight or one.passes,
                    field=f"hypotheses.{one.name}.{'weight' if one.weight else 'passes'}",
                    mend='leave it out, or use procedure = "graph"',
                )  # fmt: skip
        if rule.procedure == "hochberg" and looks_of(trial) > 1:
            raise refuse("is a test of one look: over several it does not keep the level", "hochberg",
                         field="multiplicity.procedure", mend="use holm, or a fixed design")  # fmt: skip
        return
    for one in trial.hypotheses:
        if unknown := [name for name in one.passes if name not in names]:
            raise refuse("is no declared hypothesis", unknown, field=f"hypotheses.{one.name}.passes",
                         mend=f"use some of {', '.join(names)}")  # fmt: skip
    weights, passes = shares_of(trial.hypotheses, "graph")
    if not -_TOLERANCE <= weights.sum() - 1 <= 1e-9:
        raise refuse(
            f"add up to {weights.sum():g}, not to 1", weights.tolist(), field="hypotheses.weight",
            mend="share the whole of alpha",
        )  # fmt: skip
    _check_gates(names, weights, passes)


def _check_gates(names: list[str], weights: np.ndarray, passes: np.ndarray) -> None:
    """Refuse hypotheses without alpha that none can come to."""
    reached = weights > 0
    for _ in names:
        reached = reached | (passes[reached] > 0).any(axis=0)
    if closed := [name for name, one in zip(names, reached, strict=True) if not one]:
        raise refuse(
            "begin with no alpha and are passed none: a gate that can never open", closed, field="hypotheses",
            mend="give them a weight, or let another hypothesis pass alpha to them",
        )  # fmt: skip


def _check_looks(trial: Any) -> None:
    design, kinds = trial.design, {one.name: one.kind for one in trial.endpoints}
    times = [name for name, kind in kinds.items() if kind == "time_to_event"]
    waits_for_events = bool(design.events)
    if waits_for_events or getattr(design, "timing", "") == "information":
        can = times if waits_for_events else [name for name in kinds if name not in times]
        if design.endpoint not in can:
            raise refuse(
                "must name the endpoint that the looks wait for", design.endpoint, field="design.endpoint",
                mend=f"use {' or '.join(can)}" if can else "use looks by the calendar",
            )  # fmt: skip
    elif design.endpoint is not None:
        raise refuse("is read by looks that wait for an endpoint", design.endpoint, field="design.endpoint",
                     mend="leave it out")  # fmt: skip
    if isinstance(design, FixedDesign):
        if times and (design.events is None) == (design.month is None):
            raise refuse("needs either events or month with a time_to_event outcome", field="design.events",
                         mend="say when the trial is read")  # fmt: skip
        return
    for name in ("futility", "planned_events"):
        if getattr(design, name) is not None:
            mend = "leave it out" if name == "futility" else "give it with each hypothesis"
            raise refuse("is not served with [[hypotheses]]", field=f"design.{name}", mend=mend)
    if design.spend_by != "information":
        raise refuse("is not served with [[hypotheses]]", design.spend_by, field="design.spend_by",
                     mend="leave it out: each hypothesis spends by its own information")  # fmt: skip
    for one in trial.hypotheses:
        _check_spending(trial, one)


def _check_spending(trial: Any, one: Hypothesis) -> None:
    """Refuse a rule that has no bounds at a level or at the information that may come."""
    design, where = trial.design, f"hypotheses.{one.name}"
    kinds = {end.name: end.kind for end in trial.endpoints}
    rule = one.efficacy or design.efficacy
    if not spends_at_any_level(rule):
        raise refuse("has bounds for one level alone, and a graph passes others on", rule.rule,
                     field=f"{where}.efficacy.rule", mend="use a rule such as lan_demets_obf")  # fmt: skip
    for analysis in one.analyses:
        name = endpoint_of(trial, analysis)
        alone = len(trial.arms) == 2 and one.population is None
        of_looks = name == design.endpoint
        if kinds[name] == "time_to_event" and not of_looks and one.events_of(name) is None:
            raise refuse(
                f"are needed: the looks do not wait for events of {name}", field=f"{where}.planned_events",
                mend="give the events at which its information is whole",
            )  # fmt: skip
        if not (alone and of_looks) and rule.rule in ("o_brien_fleming", "pocock", "wang_tsiatis"):
            raise refuse(
                "has no bounds for information that is not known before", rule.rule,
                field=f"{where}.efficacy.rule", mend="use a rule that spends, such as lan_demets_obf",
            )  # fmt: skip


def _check_dependence(trial: Any) -> None:
    kinds = {one.name: one.kind for one in trial.endpoints}
    if len(kinds) > 1 and not trial.dependence:
        raise refuse(
            "is needed with several endpoints", list(kinds), field="dependence",
            mend="add [[dependence]]: a correlation for each pair, 0 where they have nothing in common",
        )  # fmt: skip
    pairs: list[str] = []
    deaths: list[str] = []
    for position, one in enumerate(trial.dependence):
        where = f"dependence[{position}]"
        names = one.between if isinstance(one, Copula) else (one.first, one.death)
        if unknown := [name for name in names if name not in kinds]:
            raise refuse("is no declared endpoint", unknown, field=where, mend=f"use {', '.join(kinds)}")
        pairs.append(" and ".join(sorted(names)))
        if isinstance(one, IllnessDeath):
            deaths.append(one.death)
            if wrong := [name for name in names if kinds[name] != "time_to_event"]:
                raise refuse("must be times to an event", wrong, field=where, mend="use a copula")
        else:
            _check_measure(one, [kinds[name] for name in names], where)
    if repeated := duplicates(pairs):
        raise refuse("a pair is named twice", repeated, field="dependence", mend="name it once")
    for position, one in enumerate(trial.dependence):
        tied = one.between if isinstance(one, Copula) else (one.first,)
        if both := sorted(set(tied) & set(deaths)):
            raise refuse("follows from its first event, and has no other dependence", both,
                         field=f"dependence[{position}]", mend="name the first event instead")  # fmt: skip
    if repeated := duplicates(deaths):
        raise refuse("is the death of two first events", repeated, field="dependence", mend="name it once")
    order = list(kinds)
    for one in trial.dependence:
        if isinstance(one, IllnessDeath) and order.index(one.death) < order.index(one.first):
            raise refuse("must stand after its first event", one.death, field="endpoints",
                         mend=f"declare {one.first} before {one.death}")  # fmt: skip


def _check_measure(one: Copula, kinds: list[str], where: str) -> None:
    if one.measure == "spearman" and any(kind not in _CONTINUOUS for kind in kinds):
        raise refuse("is served with outcomes without ties", one.measure, field=f"{where}.measure",
                     mend="use latent, or pearson without a time to an event")  # fmt: skip
    if one.measure == "pearson" and "time_to_event" in kinds:
        raise refuse("is not served with a time to an event", one.measure, field=f"{where}.measure",
                     mend="use latent or spearman")  # fmt: skip
