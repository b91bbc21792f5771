"""Whether population, history, course, twins and sizing of a declared trial go together."""

from __future__ import annotations

from typing import Protocol as Interface

from trialsim.protocol.declared.analyses import AnalysisDeclared
from trialsim.protocol.declared.conduct import (
    DiscontinuationDeclared,
    Factor,
    IntercurrentDeclared,
    Randomisation,
    TrialArm,
    TrialEnrolment,
)
from trialsim.protocol.declared.context import Context
from trialsim.protocol.declared.control_arm import Borrowing, CardSensitivity, Costs
from trialsim.protocol.declared.course import HistoryCourse, ModelCourse, Safety
from trialsim.protocol.declared.design_kinds import Design
from trialsim.protocol.declared.effects import Effect
from trialsim.protocol.declared.endpoints import Outcome, endpoint
from trialsim.protocol.declared.history import HistoryDeclared
from trialsim.protocol.declared.people import Population
from trialsim.protocol.declared.scenarios import Axis, World
from trialsim.protocol.declared.sizing import SizeQuestion
from trialsim.protocol.declared.twins import Twins
from trialsim.protocol.reading import refuse

# Tables that are served with sizes by formula alone.
BESIDE_FORMULA = ("costs", "borrowing", "card_sensitivity")


class Parts(Interface):
    """What is looked at of a declared trial."""

    context: Context | None
    participants: int | None
    population: Population | None
    arms: tuple[TrialArm, ...]
    endpoints: tuple[Outcome, ...]
    effects: tuple[Effect, ...]
    safety: Safety | None
    history: HistoryDeclared | None
    twins: Twins | None
    sizing: SizeQuestion | None
    costs: Costs | None
    borrowing: Borrowing | None
    card_sensitivity: CardSensitivity | None
    enrolment: TrialEnrolment | None
    discontinuation: tuple[DiscontinuationDeclared, ...]
    design: Design
    analyses: tuple[AnalysisDeclared, ...]
    scenarios: tuple[World, ...]
    strata: tuple[Factor, ...]
    randomisation: Randomisation | None
    intercurrent_events: tuple[IntercurrentDeclared, ...]
    grid: tuple[Axis, ...]

    @property
    def outcome(self) -> Outcome:
        """The primary endpoint."""

    @property
    def in_stages(self) -> bool:
        """Whether the design draws sums of arms."""


def check_parts(trial: Parts) -> None:
    """Refuse parts that make each other impossible; each refusal names the field and the mend.

    Raises
    ------
    PydanticCustomError
        As `trialsim.protocol.reading.refuse` makes it.
    """
    _check_factors(trial)
    _check_course(trial)
    _check_twins(trial)
    _check_drifts(trial)
    _check_sizing(trial)
    _check_control_arm(trial)


def adjustable_of(trial: Parts) -> tuple[str, ...]:
    """Return what an analysis may adjust for beside factors: the score, and covariates of the twins."""
    twins = trial.twins
    if twins is None:
        return ()
    return ("score", *(("covariates", *twins.covariates) if twins.covariates else ()))


def _check_factors(trial: Parts) -> None:
    people = trial.outcome.course is not None
    for factor in trial.strata:
        if (factor.covariate is not None) != people:
            raise refuse(
                "is needed where people have covariates, and there alone", factor.covariate,
                field=f"strata.{factor.name}.covariate",
                mend="give covariate and cuts with a course, shares with a marginal law",
            )  # fmt: skip


def _check_course(trial: Parts) -> None:
    course, population = trial.outcome.course, trial.population
    if course is None and population is not None:
        raise refuse(
            "stands beside a marginal law, which has no people", population.kind, field="population",
            mend="say in endpoints.course where outcomes come from, or leave the population out",
        )  # fmt: skip
    if isinstance(course, ModelCourse) and (population is None or population.kind != "card"):
        raise refuse(
            "needs the population of a cohort card", course.model, field="endpoints.course",
            mend='add [population] with kind = "card" and the path of a card',
        )  # fmt: skip
    if isinstance(course, HistoryCourse):
        if population is None or population.kind != "history":
            raise refuse(
                "needs the population of the history", course.kind, field="endpoints.course",
                mend='add [population] with kind = "history"',
            )  # fmt: skip
        if trial.twins is None or trial.twins.source == "assumed":
            raise refuse(
                "is the posterior predictive of twins that a history gives", course.kind,
                field="endpoints.course", mend='add [twins] with source = "learned" or "given"',
            )  # fmt: skip
    if course is not None and trial.in_stages:
        raise refuse(
            f"is not served by the design {trial.design.kind}, which draws sums of arms", course.kind,
            field="endpoints.course", mend="give a marginal law, or another design",
        )  # fmt: skip
    _check_dials(trial)
    _check_safety(trial)
    slowing = [effect for effect in trial.effects if effect.kind == "slowing"]
    if slowing and not isinstance(course, ModelCourse):
        raise refuse(
            "slows a decline that only a disease model has", slowing[0].value,
            field=f"effects.{slowing[0].arm}.kind", mend="use shift, or a course from a disease model",
        )  # fmt: skip


def _check_safety(trial: Parts) -> None:
    if trial.safety is None:
        return
    if not isinstance(trial.outcome.course, ModelCourse):
        raise refuse(
            "is a harm that only a disease model has", trial.safety.endpoint, field="safety.endpoint",
            mend="give endpoints.course of a disease model, or leave it out",
        )  # fmt: skip
    if trial.outcome.kind == "time_to_event":
        raise refuse(
            "is seen at the end of a follow-up that is the same for everybody", trial.outcome.kind,
            field="safety", mend="leave it out",
        )  # fmt: skip
    if len(trial.arms) == 2 or trial.design.kind != "fixed":
        raise refuse(
            "chooses between several active arms of a fixed design", len(trial.arms) - 1, field="safety",
            mend="declare the doses as arms, or leave it out",
        )  # fmt: skip


def _check_dials(trial: Parts) -> None:
    """Refuse dials without a disease model, and with one whatever else is no effect on its course."""
    of_model, score = isinstance(trial.outcome.course, ModelCourse), trial.outcome.kind == "score"
    for effect in trial.effects:
        if effect.kind == "dials" and not of_model:
            raise refuse(
                "turns dials that only a disease model has", effect.kind,
                field=f"effects.{effect.arm}.kind", mend="use a course from a disease model",
            )  # fmt: skip
        if effect.kind != "dials" and of_model and not score:
            raise refuse(
                "does not act on a disease model", effect.kind, field=f"effects.{effect.arm}.kind",
                mend='use kind = "dials"',
            )  # fmt: skip


def _check_twins(trial: Parts) -> None:
    twins, kind = trial.twins, trial.outcome.kind
    if trial.history is not None and twins is None and trial.outcome.course is None:
        raise refuse("is read by nothing", field="history", mend="add [twins], or leave it out")
    if twins is None:
        return
    served = endpoint(kind)
    if served.strength is None:
        raise refuse(f"are not served with a {kind} outcome", twins.source, field="twins")
    if trial.in_stages:
        raise refuse(
            f"are not served by the design {trial.design.kind}, which draws sums of arms", twins.source,
            field="twins", mend="leave them out",
        )  # fmt: skip
    if kind == "time_to_event" and trial.design.kind not in ("fixed", "group_sequential"):
        raise refuse(
            f"are not served by the design {trial.design.kind} with a time_to_event outcome", twins.source,
            field="twins", mend="use a fixed or a group_sequential design",
        )  # fmt: skip
    if twins.source == "assumed":
        (given,) = twins.strengths
        if given != served.strength:
            raise refuse(
                f"is no strength of a score for a {kind} outcome", twins.strengths[given],
                field=f"twins.{given}", mend=f"give {served.strength}",
            )  # fmt: skip
        if isinstance(trial.outcome.course, HistoryCourse):
            raise refuse(
                "is served with a marginal law or a disease model", "assumed", field="twins.source",
                mend="learn the twins, or leave the course out",
            )  # fmt: skip
        return
    if trial.outcome.course is None:
        raise refuse(
            "needs people: a marginal law has none that a score could be learnt from or given for",
            twins.source, field="twins.source",
            mend="give endpoints.course and [population], or assume a strength",
        )  # fmt: skip
    if trial.history is None:
        raise refuse("is missing", field="history", mend="add [history] with the file of the placebo arm")
    if twins.family is not None and twins.family not in served.families:
        raise refuse(
            f"is no family for a {kind} outcome", twins.family, field="twins.family",
            mend=f"use {' or '.join(served.families)}",
        )  # fmt: skip
    if kind == "level" and not getattr(trial.outcome, "levels", ()):
        raise refuse(
            "are needed to read a history", field="endpoints.levels", mend="name the levels, least first"
        )


def _check_drifts(trial: Parts) -> None:
    for world in trial.scenarios:
        where = f"scenarios.{world.name}"
        if world.twins == "useless" and trial.twins is None:
            raise refuse("there are no twins", world.twins, field=f"{where}.twins", mend="add [twins]")
        if world.drift is None:
            continue
        course = trial.outcome.course
        if course is None:
            raise refuse(
                "needs people: a marginal law is changed by set", field=f"{where}.drift",
                mend="put the changed law into set",
            )  # fmt: skip
        if world.drift.progression != 1 and not isinstance(course, ModelCourse):
            raise refuse(
                "is a speed that only a disease model has", world.drift.progression,
                field=f"{where}.drift.progression", mend="use outcome_shift, or a course from a model",
            )  # fmt: skip


def _check_sizing(trial: Parts) -> None:
    asked = trial.sizing
    if asked is None:
        return
    if trial.in_stages:
        raise refuse(
            f"is not served by the design {trial.design.kind}", field="sizing",
            mend="the stages say how many enter",
        )  # fmt: skip
    labels = [analysis.label for analysis in trial.analyses]
    if unknown := [name for name in asked.analyses if name not in labels]:
        raise refuse("is no declared analysis", unknown, field="sizing.analyses",
                     mend=f"use some of {', '.join(labels)}")  # fmt: skip
    if [world.kind for world in trial.scenarios].count("alternative") != 1:
        raise refuse("needs one scenario of kind alternative", field="sizing",
                     mend="keep one alternative; call other worlds other")  # fmt: skip
    if searched := [axis.field for axis in trial.grid if axis.field == "participants"]:
        raise refuse("is what is searched for", searched, field="grid", mend="leave the axis out")
    if asked.vary == "controls":
        _check_controls(trial)


def _check_controls(trial: Parts) -> None:
    """Refuse what a search for the controls alone leaves unread, or cannot keep."""
    if ratio := [arm.allocation for arm in trial.arms if arm.allocation != 1]:
        raise refuse(
            "is what is searched for", ratio, field="arms.allocation",
            mend='leave it out, or give vary = "participants"',
        )  # fmt: skip
    scheme = trial.randomisation
    if scheme is not None and scheme.kind == "permuted_blocks" and scheme.strata:
        raise refuse(
            "would not fill its blocks within strata: each size has a ratio of its own", scheme.strata,
            field="randomisation.strata",
            mend="use minimisation over these factors, or blocks without strata",
        )  # fmt: skip


def lacks_of_formula(trial: Parts) -> str:
    """Return what keeps the sizes of a trial from being given by formula; empty where nothing does.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> lacks_of_formula(read_trial("protocols/copd_twins.toml"))
    'learned twins'
    """
    learnt = trial.twins is not None and trial.twins.source == "learned"
    scored = any(one.kind == "ancova" and one.adjust == ("score",) for one in trial.analyses)
    wanted = {
        "[sizing]": trial.sizing is not None,
        'vary = "participants"': trial.sizing is None or trial.sizing.vary == "participants",
        "no grid": not trial.grid,
        "a score at visits": trial.outcome.kind == "score",
        "learned twins": learnt,
        "two arms": len(trial.arms) == 2,
        "a fixed design": trial.design.kind == "fixed",
        'an analysis of kind ancova with adjust = ["score"]': scored,
        "claims against no margin": not any(one.limits for one in trial.analyses),
        "discontinuation completely at random": all(one.mechanism == "MCAR" for one in trial.discontinuation),
    }
    return next((name for name, there in wanted.items() if not there), "")


def _priced_by_search(trial: Parts) -> bool:
    """Return whether searched savings have a price: of participants and of months of a planned enrolment."""
    costs = trial.costs
    planned = getattr(trial.enrolment, "kind", "") == "planned"
    return trial.sizing is not None and costs is not None and planned and not costs.screening


def _check_control_arm(trial: Parts) -> None:
    lacking = lacks_of_formula(trial)
    for field in BESIDE_FORMULA:
        if (
            getattr(trial, field) is not None
            and lacking
            and not (field == "costs" and _priced_by_search(trial))
        ):
            raise refuse(
                f"is served with sizes by formula, which need {lacking}", field=field, mend="leave it out"
            )
    if trial.sizing is not None and trial.sizing.sd_inflation != 1 and lacking:
        raise refuse(
            f"is served with sizes by formula, which need {lacking}", trial.sizing.sd_inflation,
            field="sizing.sd_inflation", mend="leave it out",
        )  # fmt: skip
    on_card = trial.population is not None and trial.population.kind == "card"
    if trial.card_sensitivity is not None and not on_card:
        raise refuse("needs the people of a cohort card", field="card_sensitivity", mend="leave it out")
    if trial.costs is not None and trial.costs.site_month and getattr(trial.enrolment, "kind", "") != "sites":
        raise refuse("needs enrolment by sites", trial.costs.site_month, field="costs.site_month",
                     mend='use [enrolment] with kind = "sites", or costs.month')  # fmt: skip
