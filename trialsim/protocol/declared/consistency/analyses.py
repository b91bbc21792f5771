"""Whether the declared analyses read the endpoint, the factors and the design, by the registry."""

from __future__ import annotations

from typing import Any

from trialsim.protocol.declared.analyses import AnalysisDeclared
from trialsim.protocol.declared.consistency.parts import Parts, adjustable_of
from trialsim.protocol.reading import refuse
from trialsim.registry import Reader, reader, served


def check_analyses(trial: Parts) -> None:
    """Refuse analyses that cannot read the trial; a refusal names what can.

    Raises
    ------
    PydanticCustomError
        As `trialsim.protocol.reading.refuse` makes it.
    """
    kind = trial.outcome.kind
    for analysis in trial.analyses:
        where = f"analyses.{analysis.label}"
        one = reader(analysis.kind, kind)
        if one is None:
            raise refuse(
                f"does not read a {kind} outcome", analysis.kind, field=where,
                mend=f"use {', '.join(served(kind))}",
            )  # fmt: skip
        _check_settings(analysis, one, where)
        _check_null(trial, analysis, one, where)
        _check_factors(trial, analysis, one, where)
        _check_endpoint(trial, analysis, one, where)
        _check_design(trial, analysis, one, where)


def _check_settings(analysis: AnalysisDeclared, reads: Reader, where: str) -> None:
    """Refuse a setting that is read with another kind of outcome, and not with this one."""
    taken = {setting.name for setting in reads.settings}
    usual = {name: one.default for name, one in AnalysisDeclared.model_fields.items()}
    for field, value in analysis:
        if field in (*taken, "kind", "name", "adjust", "null", "endpoint") or value == usual.get(field):
            continue
        raise refuse(
            f"is not read by {analysis.kind} with a {reads.endpoint} outcome", value,
            field=f"{where}.{field}", mend="leave it out",
        )  # fmt: skip


def _check_null(trial: Parts, analysis: AnalysisDeclared, one: Reader, where: str) -> None:
    """Refuse a margin where no estimate can be held against it."""
    if not analysis.limits:
        return
    field = f"{where}.null"
    if one.truth is None or one.looks is not None or one.endpoint == "joint":
        raise refuse(
            f"is not served by {analysis.kind} with a {one.endpoint} outcome: it tests that the arms are "
            "alike, and estimates nothing that could have a margin", analysis.null, field=field,
            mend=f"use an analysis with an effect and its error: {', '.join(_with_effects(one.endpoint))}",
        )  # fmt: skip
    if one.of_a_ratio and min(analysis.limits) <= 0:
        raise refuse(
            "is a ratio, which must be above 0", analysis.null, field=field, mend="write it like 1.3"
        )
    if len(analysis.limits) == 2 and analysis.limits[0] >= analysis.limits[1]:
        raise refuse("must be the lower limit, then the upper", analysis.null, field=field,
                     mend="swap the two numbers")  # fmt: skip
    if trial.design.kind not in ("fixed", "group_sequential"):
        raise refuse(f"is not served by the design {trial.design.kind}", analysis.null, field=field,
                     mend="use a fixed or group_sequential design")  # fmt: skip


def _with_effects(endpoint: str) -> list[str]:
    """Return the analyses of an endpoint that a margin can be declared for."""
    if endpoint == "joint":
        return ["those of a score or of a time to event"]
    known = ((name, reader(name, endpoint)) for name in served(endpoint))
    return [name for name, one in known if one is not None and one.truth is not None and one.looks is None]


def _check_factors(trial: Parts, analysis: AnalysisDeclared, one: Reader, where: str) -> None:
    factors = [factor.name for factor in trial.strata]
    known = [*factors, *adjustable_of(trial)]
    # What a card has is known when the card is read.
    on_card = trial.population is not None and trial.population.kind == "card"
    if unknown := [
        name for name in analysis.adjust if name not in known and (name == "score" or not on_card)
    ]:
        raise refuse("is no declared factor, covariate or score", unknown, field=f"{where}.adjust",
                     mend="declare it in [[strata]] or [twins]")  # fmt: skip
    if analysis.adjust and not one.adjusts:
        raise refuse(
            f"{analysis.kind} takes no covariates with a {one.endpoint} outcome", analysis.adjust,
            field=f"{where}.adjust", mend="leave it out",
        )  # fmt: skip
    if "strata" in one.needs and not factors:
        raise refuse("needs strata", field=where, mend="declare [[strata]]")


def _check_endpoint(trial: Parts, analysis: AnalysisDeclared, one: Reader, where: str) -> None:
    for name in one.needs:
        if name != "strata" and _of_endpoint(trial, name) is None:
            raise refuse(
                f"is needed by {analysis.kind}", field=f"endpoints.{name}", mend=f"give the {name} value"
            )
    for name in one.without:
        if _of_endpoint(trial, name):
            raise refuse(f"needs visits without {name}", field=where, mend=f"set endpoints.{name} = 0")
    if one.endpoint == "count" and trial.discontinuation:
        raise refuse("needs the same follow-up for everybody", field=where,
                     mend="declare a recurrent outcome")  # fmt: skip


def _of_endpoint(trial: Parts, name: str) -> Any:
    return getattr(trial.outcome, name, None)


def _check_design(trial: Parts, analysis: AnalysisDeclared, one: Reader, where: str) -> None:
    kind = trial.design.kind
    if not one.designs or kind in one.designs:
        return
    can = [name for name in served(one.endpoint, kind) if name != analysis.kind]
    raise refuse(
        one.because or f"is not served by the design {kind}", analysis.kind, field=where,
        mend=f"use {' or '.join(can)}, or a {' or '.join(one.designs)} design",
    )  # fmt: skip
