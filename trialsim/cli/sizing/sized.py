"""What ``trialsim size`` finds, and how it is shown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.sizing.outcome_options import needed
from trialsim.errors import DesignError

if TYPE_CHECKING:
    import pandas as pd

    from trialsim.design import AssuranceQuestion, PlanningMoments, SizingQuestion
    from trialsim.design.assured import AssuredSizes
    from trialsim.design.control_arm import ControlArmPlan, Saving, SavingsTable
    from trialsim.design.sizes import Adjustment, DialSizes, OutcomeScale

_LARGEST_TRIAL = 50_000


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
    """

    headline: str
    found: tuple[Saving, ...]
    table: SavingsTable
    gains: tuple[str, ...]
    more: Mapping[str, Any]
    warning: str | None = None
    analysis: str = "ANCOVA"


def sized_continuous(given: Mapping[str, Any]) -> Sized:
    """Size a trial of a continuous outcome from the command's options."""
    from trialsim.design import PlanningMoments, SizingQuestion
    from trialsim.design.sizes import adjustment

    effect, sd = (needed(f"--{name}", given[name], "continuous") for name in ("effect", "sd"))
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
    )
    rho = (given["baseline_correlation"], _or_as_control(given, "baseline_correlation"))
    # A score whose correlation has the wrong sign earns nothing in any table.
    partial = (max(given["partial_correlation"], 0.0), max(_or_as_control(given, "partial_correlation"), 0.0))
    moments = PlanningMoments((sd, sd_active), rho, (0.0, 0.0))
    plan = _planned(moments, partial, question, given)
    unadjusted = plan.sizes["unadjusted"]
    headline = (
        f"Unadjusted: {unadjusted.total} participants, {unadjusted.controls} of them controls. "
        f"Two-sided alpha {question.alpha:g}, power {question.power:g}, {variance} standard errors."
    )
    explained = tuple(1 - (1 - b**2) * (1 - r**2) for b, r in zip(rho, partial, strict=True))
    more: dict[str, Any] = {}
    if given["agreement"] is not None:
        more["Heterogeneity dial, participants with an outcome"] = _dial(moments.sd, explained, given)
    if given["assurance"] is not None:
        more["Assurance, participants with an outcome"] = _assured(moments.sd, explained[0], given)
    with_score = moments.with_partial(*partial)
    parts = (adjustment(with_score, "ancova"), adjustment(with_score, "prognostic"))
    return _answer(headline, plan.savings, parts, effect, given, more)


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


def sized_on_scale(outcome: OutcomeScale, given: Mapping[str, Any]) -> Sized:
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
        f"{outcome.unit}. Exploratory: outside the procedure that regulators have looked at."
    )
    more: dict[str, Any] = {}
    if given["assurance"] is not None:
        explained = 1 - (1 - question.baseline_correlation**2) * (1 - max(partial, 0.0) ** 2)
        more["Assurance, participants with an outcome"] = _assured_on_scale(outcome, explained, given)
    parts = (question.left("ancova"), question.left("prognostic", max(partial, 0.0)))
    answer = _answer(headline, found, parts, outcome.effect, given, more)
    thin = [
        (name, thin_arms(question, size))
        for name, size in (("unadjusted", unadjusted), *((one.figure, one.chosen) for one in found))
    ]
    told = [f"{name.replace('_', ' ')}: {why}" for name, why in thin if why is not None]
    return replace(answer, warning="; ".join(told) or None, analysis=outcome.analysis)


def show(answer: Sized, figure: Path | None, as_json: bool, output: Path | None) -> None:
    """Print an answer and write what was asked for."""
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame
    from trialsim.cli.terminal.written import write_figure, write_rows
    from trialsim.design.control_arm import savings_frame

    frame = savings_frame(answer.found, answer.analysis)
    if output is not None:
        write_rows(frame, output)
    if figure is not None:
        gain = "cost" if "cost" in answer.gains else "participants"
        drawn = answer.table.plot(gain)
        if gain == "cost":
            drawn.update_layout(yaxis_title="cost saved, in the currency of the prices")
        write_figure(drawn, figure, f"What the score saves: {gain}")
    if as_json:
        tables = {"Sizes": frame, "Savings": _shown(answer)}
        tables |= {name: part.to_frame() for name, part in answer.more.items()}
        rows = {_key(name): json.loads(one.to_json(orient="records")) for name, one in tables.items()}
        if answer.warning is not None:
            rows["warning"] = answer.warning
        click.echo(json.dumps(rows, indent=2))
        return
    console = Console()
    console.print(answer.headline)
    if answer.warning is not None:
        console.print(f"Warning: {answer.warning}.")
    print_frame(frame, console, f"Prognostic adjustment beyond baseline {answer.analysis}")
    if len(answer.gains) > 2:
        print_frame(_wide(_shown(answer)), console, f"Saved beyond baseline {answer.analysis}")
    for name, part in answer.more.items():
        console.print(f"\n{name}:")
        console.print(str(part))


def _answer(
    headline: str,
    found: tuple[Saving, ...],
    parts: tuple[Adjustment, Adjustment],
    effect: float,
    given: Mapping[str, Any],
    more: dict[str, Any],
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
    return Sized(headline, found, table, ("participants", "controls", *months, *cost), more)


def _shown(answer: Sized) -> pd.DataFrame:
    """Return the savings that were asked for: an unknown price or rate of enrolment is no saving of 0."""
    frame = answer.table.to_frame()
    return frame[frame["gain"].isin(answer.gains)]


def _wide(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the savings with one column a gain, each with its interval in words."""
    import pandas as pd

    words = [
        "infeasible"
        if math.isnan(value)
        else f"{value:,.1f}" + ("" if math.isnan(low) else f" ({low:,.1f} to {high:,.1f})")
        for value, low, high in zip(frame["value"], frame["lower"], frame["upper"], strict=True)
    ]
    told = pd.DataFrame({**{name: frame[name] for name in ("figure", "way", "gain")}, "told": words})
    ways = told[["figure", "way"]].drop_duplicates().reset_index(drop=True)
    for gain, part in told.groupby("gain", sort=False):
        ways[str(gain)] = part["told"].to_list()
    return ways


def _dial(sd: tuple[float, float], explained: tuple[float, ...], given: Mapping[str, Any]) -> DialSizes:
    from trialsim.design.sizes import PredictionMoments, dial_sizes

    score = PredictionMoments.from_correlation(
        sd, (explained[0] ** 0.5, explained[1] ** 0.5), given["agreement"]
    )
    return dial_sizes(
        score, given["effect"], allocation=given["allocation"], power=given["power"], alpha=given["alpha"]
    )


def _assured(sd: tuple[float, float], explained: float, given: Mapping[str, Any]) -> AssuredSizes:
    from trialsim.design import assured_sizes
    from trialsim.design.assured import draws_from_history
    from trialsim.streams import stream

    agreement = 1.0 if given["agreement"] is None else given["agreement"]
    draws = draws_from_history(
        explained**0.5,
        sd[0],
        _history(given),
        effect=given["effect"],
        generator=stream(given["seed"], "assurance", 0, "analysis"),
        effect_sd=given["effect_sd"],
        sd_ratio=sd[1] / sd[0],
        agreement=(agreement, agreement),
    )
    return assured_sizes(draws, _asked(given, 1 if given["effect"] > 0 else -1))


def _assured_on_scale(outcome: OutcomeScale, explained: float, given: Mapping[str, Any]) -> AssuredSizes:
    from trialsim.design.assured import assured_sizes_on_scale, draws_on_scale
    from trialsim.streams import stream

    draws = draws_on_scale(
        outcome,
        _history(given),
        generator=stream(given["seed"], "assurance", 0, "analysis"),
        correlation=explained**0.5,
        effect_sd=given["effect_sd"],
    )
    return assured_sizes_on_scale(draws, _asked(given, 1))


def _asked(given: Mapping[str, Any], direction: int) -> AssuranceQuestion:
    from trialsim.design import AssuranceQuestion

    return AssuranceQuestion(
        assurance=given["assurance"],
        power=given["power"],
        alpha=given["alpha"],
        allocation=given["allocation"],
        direction=direction,
        correlation_discount=given["correlation_discount"],
        sd_inflation=given["sd_inflation"],
    )


def _history(given: Mapping[str, Any]) -> int:
    if given["history_pairs"] is None:
        raise DesignError(
            "is needed for --assurance", field="--history-pairs", mend="give the size of the history"
        )
    return int(given["history_pairs"])


def _key(title: str) -> str:
    """Return a title as a key: its first part in lower case, with underscores."""
    return title.split(",")[0].lower().replace(" ", "_")
