"""Sizes and savings by formula from plain numbers, for ``trialsim size`` and the explorer alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trialsim.errors import DesignError
from trialsim.study.from_numbers.assured import assured_means, assured_on_scale, dial_on_means
from trialsim.study.from_numbers.checked import (
    refuse_a_disordered_interval,
    refuse_what_nothing_reads,
    shares,
)
from trialsim.study.from_numbers.nulls import AskedNull, asked_null, beyond_the_margin
from trialsim.study.from_numbers.scale import (
    SCALE_NUMBERS,
    needed,
    outcome_scale,
    refuse_elsewhere,
    refuse_endless,
)

if TYPE_CHECKING:
    from trialsim.design import PlanningMoments, SizingQuestion
    from trialsim.design.control_arm import ControlArmPlan, Prices, Saving, SavingsTable, ScaleSizing
    from trialsim.design.sizes import Adjustment, OutcomeScale, Size

CONTINUOUS_ONLY = (
    "effect",
    "sd",
    "sd_active",
    "slopes",
    "variance",
    "agreement",
    "baseline_correlation_active",
    "partial_correlation_active",
    "largest_trial",
)
_LARGEST_TRIAL = 50_000
# From an analysis, or a figure of the score, with controls and active participants to the power.
PowerOf = Callable[[str, float, float], float]


@dataclass(frozen=True)
class Sized:
    """Sizes and savings, and whatever else was asked for.

    Parameters
    ----------
    headline : str
        First line of the answer.
    found : tuple of Saving
        The three figures.
    table : SavingsTable
        Participants, months and money saved.
    gains : tuple of str
        What the table shows: months and cost only with what they need.
    more : mapping of str to results
        Dial, assurance and allocations, by title.
    warning : str or None
        What makes the sizes doubtful.
    analysis : str
        Analysis that adjusts for the baseline alone.
    unadjusted : Size
        Participants of the analysis without any covariate.
    power_of : callable
        From ``unadjusted``, ``ancova`` or the figure of a saving, and controls and active participants that
        need not be whole, to the power of a trial with one look.
    prices : Prices
        Of participants and months; 0 where none is given.
    """

    headline: str
    found: tuple[Saving, ...]
    table: SavingsTable
    gains: tuple[str, ...]
    more: Mapping[str, Any]
    unadjusted: Size
    power_of: PowerOf
    prices: Prices
    warning: str | None = None
    analysis: str = "ANCOVA"


def size_from_numbers(options: Mapping[str, Any]) -> Sized:
    """Size a two-arm trial from plain numbers, by the names of the options of ``trialsim size``.

    Parameters
    ----------
    options : mapping of str to number, str or None
        Every option of the command but those that say where its answer goes. None where nothing is given.

    Returns
    -------
    Sized

    Raises
    ------
    DesignError
        A number that cannot be, that nothing reads, or that is missing.
    """
    given: dict[str, Any] = dict.fromkeys(("margin", "limits", "direction", "contrast")) | dict(options)
    refuse_endless(given)
    refuse_what_nothing_reads(given)
    refuse_a_disordered_interval(given)
    numbers = {name: given.pop(name) for name in SCALE_NUMBERS}
    scale = given.pop("scale")
    null = asked_null(given, scale == "continuous")
    outcome = outcome_scale(scale, numbers, given["contrast"], null.given)
    given["allocation"] = shares(given["allocation"])
    active = given.pop("dropout_active")
    given["dropout"] = (given["dropout"], given["dropout"] if active is None else active)
    if outcome is None:
        return _sized_continuous(given, null)
    refuse_elsewhere(scale, {f"--{name.replace('_', '-')}": given[name] for name in CONTINUOUS_ONLY})
    return _sized_on_scale(outcome, given, null)


def _sized_continuous(given: dict[str, Any], null: AskedNull) -> Sized:
    """Size a trial of a continuous outcome from the command's options."""
    from trialsim.design import PlanningMoments, SizingQuestion
    from trialsim.design.sizes import adjustment

    asked, sd = (needed(f"--{name}", given[name], "continuous") for name in ("effect", "sd"))
    effect = given["effect"] = beyond_the_margin(asked, null)
    sd_active = sd if given["sd_active"] is None else given["sd_active"]
    for flag, value in (("--sd", sd), ("--sd-active", sd_active)):
        if value <= 0:
            raise DesignError("must be above 0", field=flag, value=value, mend="give a standard deviation")
    variance = given["variance"] or "hc3"
    question = SizingQuestion(
        effect=effect,
        power=given["power"],
        alpha=given["alpha"],
        allocation=given["allocation"],
        dropout=given["dropout"],
        slopes=given["slopes"] or "common",
        variance=variance,  # type: ignore[arg-type]  # click.Choice has checked it
        largest_trial=given["largest_trial"] or _LARGEST_TRIAL,
        # Against a margin only the distance from it counts, which has the side of the claim.
        direction=None if null.given else null.direction,
        limits=null.limits,
    )
    if null.limits is not None:
        _refuse_with_limits(given, ("agreement", "assurance"))
    rho = (given["baseline_correlation"], _or_as_control(given, "baseline_correlation"))
    # A score whose correlation has the wrong sign earns nothing in any table.
    partial = (max(given["partial_correlation"], 0.0), max(_or_as_control(given, "partial_correlation"), 0.0))
    moments = PlanningMoments((sd, sd_active), rho, (0.0, 0.0))
    plan = _planned(moments, partial, question, given)
    unadjusted = plan.sizes["unadjusted"]
    headline = (
        f"Unadjusted: {unadjusted.total} participants, {unadjusted.controls} of them controls. "
        f"Two-sided alpha {question.alpha:g}, power {question.power:g}, {variance} standard errors."
        + (null.describe() if null.margin is None else _from_margin(effect, null.margin))
    )
    explained = tuple(1 - (1 - b**2) * (1 - r**2) for b, r in zip(rho, partial, strict=True))
    more: dict[str, Any] = {}
    if given["agreement"] is not None:
        more["Heterogeneity dial, participants with an outcome"] = dial_on_means(moments.sd, explained, given)
    if given["assurance"] is not None:
        more["Assurance, participants with an outcome"] = assured_means(moments.sd, explained[0], given)
    with_score = moments.with_partial(*partial)
    parts = (adjustment(with_score, "ancova"), adjustment(with_score, "prognostic"))
    reach = question.claim.reach(effect, question.alpha, question.power)
    return _answer(headline, plan.savings, parts, reach, given, more, unadjusted, _power_of_plan(plan))


def _from_margin(effect: float, margin: float) -> str:
    return f" The effect lies {abs(effect):g} from the margin of {margin:g}."


def _refuse_with_limits(given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if given[name] is not None:
            raise DesignError("does not go with --limits", field=f"--{name}", value=given[name],
                              mend="leave it out, or ask for non-inferiority: --margin")  # fmt: skip


def _power_of_plan(plan: ControlArmPlan) -> PowerOf:
    from trialsim.design.sizes import power_of_size

    def power(name: str, controls: float, active: float) -> float:
        if name in ("unadjusted", "ancova"):
            return power_of_size(controls, active, plan.moments, name, plan.question)  # type: ignore[arg-type]  # one of the two
        one = plan.saving(name)  # type: ignore[arg-type]  # the figure of a saving
        moments = plan.moments if name == "undiscounted" else plan.moments.with_inflated_sd(plan.sd_inflation)
        scored = moments.with_partial(*one.partial_correlation)
        return power_of_size(controls, active, scored, "prognostic", plan.question)

    return power


def _or_as_control(given: Mapping[str, Any], name: str) -> float:
    """Return the active arm's number, or the controls' where it was not given."""
    return float(given[name] if given[f"{name}_active"] is None else given[f"{name}_active"])


def _planned(
    moments: PlanningMoments, partial: tuple[float, float], question: SizingQuestion, given: Mapping[str, Any]
) -> ControlArmPlan:
    from trialsim.design import PrognosticGain, plan_control_arm

    gain = PrognosticGain(
        partial[0],
        given["partial_lower"] or 0.0,
        {},
        partial[0] ** 2,
        0.0,
        active_to_control=partial[1] / partial[0] if partial[0] > 0 else 1.0,
        partial_correlation_upper=given["partial_upper"],
    )
    try:
        return plan_control_arm(
            moments,
            gain,
            question,
            correlation_discount=given["correlation_discount"],
            sd_inflation=given["sd_inflation"],
            smallest_worthwhile_saving=0.0,
        )
    except DesignError as refusal:
        if refusal.field != "sizing.largest_trial":
            raise
        raise DesignError(
            refusal.problem, field="--largest-trial", value=refusal.value, mend=refusal.mend
        ) from None


def _sized_on_scale(outcome: OutcomeScale, given: Mapping[str, Any], null: AskedNull) -> Sized:
    """Size a trial of a binary, count or time-to-event outcome from the command's options."""
    from trialsim.design import SurvivalScale, scale_size
    from trialsim.design.control_arm import ScaleSizing, scale_savings, thin_arms

    dropout = given["dropout"]
    if isinstance(outcome, SurvivalScale) and max(dropout) > 0:
        raise DesignError("does not belong to a survival outcome", field="--dropout", mend="give --loss")
    question = ScaleSizing(
        outcome,
        given["baseline_correlation"],
        given["allocation"],
        dropout,
        given["power"],
        given["alpha"],
        null.direction,
        null.margin,
        null.limits,
    )
    partial, lower, upper = (given[f"partial_{end}"] for end in ("correlation", "lower", "upper"))
    found = scale_savings(
        question,
        partial,
        None if upper is None else (lower or 0.0, upper),
        partial_lower=lower or 0.0,
        correlation_discount=given["correlation_discount"],
        sd_inflation=given["sd_inflation"],
    )
    unadjusted = scale_size(question, "unadjusted")
    headline = (
        f"Unadjusted: {unadjusted.total} participants, {unadjusted.controls} of them controls "
        f"({outcome.describe()}). Two-sided alpha {question.alpha:g}, power {question.power:g}, Wald test in "
        f"{outcome.unit}.{null.describe()} Exploratory: outside the procedure that regulators have looked at."
    )
    more: dict[str, Any] = {}
    if given["assurance"] is not None:
        explained = 1 - (1 - question.baseline_correlation**2) * (1 - max(partial, 0.0) ** 2)
        if null.limits is not None:
            _refuse_with_limits(given, ("assurance",))
        more["Assurance, participants with an outcome"] = assured_on_scale(question, explained, given)
    parts = (question.left("ancova"), question.left("prognostic", max(partial, 0.0)))
    power_of = _power_on_scale(question, found, given["sd_inflation"])
    answer = _answer(headline, found, parts, question.reach, given, more, unadjusted, power_of)
    thin = [
        (name, thin_arms(question, size))
        for name, size in (("unadjusted", unadjusted), *((one.figure, one.chosen) for one in found))
    ]
    told = [f"{name.replace('_', ' ')}: {why}" for name, why in thin if why is not None]
    return replace(answer, warning="; ".join(told) or None, analysis=outcome.analysis)


def _power_on_scale(question: ScaleSizing, found: tuple[Saving, ...], sd_inflation: float) -> PowerOf:
    from trialsim.design.control_arm import scale_power

    strength = {one.figure: one.partial_correlation[0] for one in found}

    def power(name: str, controls: float, active: float) -> float:
        if name in ("unadjusted", "ancova"):
            return scale_power(question, (controls, active), name)  # type: ignore[arg-type]  # one of the two
        more = 1.0 if name == "undiscounted" else sd_inflation**2
        partial = strength[name]  # type: ignore[index]  # the figure of a saving
        return scale_power(question, (controls, active), "prognostic", partial, variance_inflation=more)

    return power


def _answer(
    headline: str,
    found: tuple[Saving, ...],
    parts: tuple[Adjustment, Adjustment],
    effect: float,
    given: Mapping[str, Any],
    more: dict[str, Any],
    unadjusted: Size,
    power_of: PowerOf,
) -> Sized:
    """Return the answer with savings in months and money, and allocations if there are prices."""
    from trialsim.design import compare_allocations
    from trialsim.design.control_arm import Prices, savings_table

    control, active, per_month = (given[name] for name in ("control_price", "active_price", "per_month"))
    if control is None and active is not None:
        raise DesignError("needs --control-price beside it", field="--active-price", value=active)
    if given["month_price"] > 0 and per_month is None:
        raise DesignError("needs --per-month beside it", field="--month-price", value=given["month_price"])
    own = (control or 0.0, (control if active is None else active) or 0.0)
    prices = Prices(*own, month=given["month_price"])
    table = savings_table(found, lambda total: total / per_month if per_month else 0.0, prices)
    if min(own) > 0:
        # An analysed participant costs as much as all those randomised for one.
        lost = given["dropout"]
        analysed = (own[0] / (1 - lost[0]), own[1] / (1 - lost[1]))
        title = "Allocations, priced with those who drop out" if max(lost) else "Allocations"
        more[title] = compare_allocations(
            *parts, effect, analysed, power=given["power"], alpha=given["alpha"]
        )
    months = ("months",) if per_month is not None else ()
    cost = ("cost",) if control is not None or given["month_price"] > 0 else ()
    gains = ("participants", "controls", *months, *cost)
    return Sized(headline, found, table, gains, more, unadjusted, power_of, prices)
