"""``trialsim design`` for trials that rest on the past: borrowed controls, prior beliefs, and enrolment."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.design.answer import Answer, answers
from trialsim.cli.design.options import NUMBERS, POSITIVE, RATE
from trialsim.errors import DesignError

if TYPE_CHECKING:
    import numpy as np

    from trialsim.trial import SitePlan


@click.command()
@click.option("--past", required=True, help="Past controls, responders/participants, such as 23/107,12/44.")
@click.option(
    "--controls",
    type=click.IntRange(1),
    required=True,
    help="Number of participants in this arm of the new trial.",
)
@click.option(
    "--active",
    type=click.IntRange(1),
    required=True,
    help="Number of participants in this arm of the new trial.",
)
@click.option(
    "--difference",
    type=RATE,
    required=True,
    help="True difference in response rates, active minus control, at which power is computed.",
)
@click.option(
    "--drifts", type=NUMBERS, default="-0.1,-0.05,0,0.05,0.1", show_default=True,
    help="Drifts: how far the new trial's control rate lies above the past ones.",
)  # fmt: skip
@click.option(
    "--power-of-past", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Power prior: weight of a past participant, from 0 (none) to 1 (a whole new " "control).",
)  # fmt: skip
@click.option(
    "--robust",
    type=RATE,
    default=0.2,
    show_default=True,
    help="Robust prior: weight of its vague part, which knows nothing of the past.",
)
@click.option(
    "--confidence",
    type=RATE,
    default=0.975,
    show_default=True,
    help="Posterior probability that active is better, above which the trial claims it.",
)
@click.option(
    "--margin",
    type=float,
    default=0.0,
    show_default=True,
    help="Difference under the null: 0 shows superiority, another value non-inferiority.",
)
@answers
def borrowed(
    past: str,
    controls: int,
    active: int,
    difference: float,
    drifts: tuple[float, ...],
    power_of_past: float,
    robust: float,
    confidence: float,
    margin: float,
) -> Answer:
    """Show what borrowing past controls of a response gains, and what drift then does; exact.

    \b
    Example:
      trialsim design borrowed --past 23/107,12/44,19/51,9/39 --controls 20 --active 40 --difference 0.3
    """
    import pandas as pd

    from trialsim.analysis.borrowing import (
        BetaMixture,
        BinaryBorrowingDesign,
        DecisionRule,
        borrowing_table,
        power_prior_binomial,
    )

    responders, participants = _past_controls(past)
    rate = sum(responders) / sum(participants)
    if not 0 < rate < 1:
        raise DesignError("needs a responder and another", field="--past", value=past)
    vague, rule = BetaMixture(1.0, 1.0, 1.0), DecisionRule(confidence, margin)
    total = float(sum(responders)), float(sum(participants))
    weighed = power_prior_binomial(*total, power_of_past)
    priors = {
        "none": vague,
        f"{power_of_past:g} of past": weighed,
        f"{robust:g} vague": weighed.robust(robust),
        "all of past": power_prior_binomial(*total, 1.0),
    }
    designs = {
        name: BinaryBorrowingDesign(vague, one, active, controls, rule) for name, one in priors.items()
    }
    table = borrowing_table(designs, control_rate=rate, difference=difference, drifts=drifts)
    worst = table.worst()
    worst.columns = ["prior", "type I error", "at worst", "power"]
    worst["difference*"] = [_for_power(design, rate) for design in designs.values()]
    found = table.to_frame()
    curves = pd.DataFrame({"drift": drifts})
    for name in designs:
        curves[name] = found.loc[found["design"] == name, "type1"].to_numpy()
    return Answer(
        f"Past control rate {rate:.3f} of {total[1]:g}; {controls} controls and {active} active; claimed if "
        f"P(active > control) exceeds {confidence:g}.",
        tables={
            "Without drift, and at the worst of the drifts": worst.round(4),
            "Type I error over drift": curves.round(4),
        },
        note="Exact, by enumeration. *For a power of 0.8. A drift shifts the new trial's control rate.",
    )


def _for_power(design: Any, rate: float) -> float:
    try:
        return float(design.difference_for_power(rate, 0.8))
    except DesignError:
        return math.nan


def _past_controls(text: str) -> tuple[list[int], list[int]]:
    pairs = [part.split("/") for part in text.split(",")]
    try:
        found = [(int(r), int(n)) for r, n in pairs]
    except ValueError:
        found = []
    if not found or any(not 0 <= r <= n or n < 1 for r, n in found):
        raise DesignError(
            "is no list of responders/participants", field="--past", value=text, mend="write 23/107,12/44"
        )
    return [r for r, _ in found], [n for _, n in found]


@click.command()
@click.option(
    "--prior", type=NUMBERS, required=True, help="Mean and SD of the normal prior of the effect, such as 0,2."
)
@click.option(
    "--information",
    type=POSITIVE,
    required=True,
    help="Information at the final analysis: events, or participants with --unit-variance.",
)
@click.option("--effect", type=NUMBERS, required=True, help="True effects for the power; benefit is below 0.")
@click.option(
    "--unit-variance", type=POSITIVE, default=4.0, show_default=True,
    help="Variance of the estimate times the information: 4 for a log hazard ratio at 1:1.",
)  # fmt: skip
@click.option(
    "--confidence",
    type=RATE,
    default=0.975,
    show_default=True,
    help="Posterior probability of a benefit, P(effect < 0), above which the trial is a success.",
)
@click.option(
    "--interim",
    type=NUMBERS,
    help="Estimate and information at the interim analysis, such as -0.186,162: adds "
    "the predictive probability.",
)
@answers
def success(
    prior: tuple[float, ...],
    information: float,
    effect: tuple[float, ...],
    unit_variance: float,
    confidence: float,
    interim: tuple[float, ...] | None,
) -> Answer:
    """Find the critical estimate, power and probability of success of a trial read with a normal prior.

    \b
    Examples:
      trialsim design success --prior 0,2 --information 379 --effect -0.288,0
      trialsim design success --prior 0,2 --information 379 --effect -0.288,0 --interim -0.186,162
    """
    import pandas as pd

    from trialsim.design.assured import NormalSuccessRule
    from trialsim.errors import AnalysisError

    for name, pair in (("--prior", prior), ("--interim", interim)):
        if pair is not None and len(pair) != 2:
            raise DesignError("must be two numbers", field=name, value=pair)
    try:
        rule = NormalSuccessRule((prior[0], prior[1]), information, unit_variance, confidence)
        rows: dict[str, list[float]] = {"effect": list(effect), "power": [rule.power(one) for one in effect]}
        facts: dict[str, Any] = {"critical estimate": rule.critical_estimate()}
        if interim is not None:
            seen = interim[0], interim[1]
            rows["given the interim"] = [rule.conditional_power(one, seen) for one in effect]
            facts["probability of success"] = rule.probability_of_success(seen)
    except AnalysisError as refusal:
        raise DesignError(refusal.problem, field=refusal.field, value=refusal.value) from None
    return Answer(
        f"Success if P(effect < 0) exceeds {confidence:g} at information {information:g}.",
        facts,
        {"Power": pd.DataFrame(rows).round(6)},
    )


@click.command()
@click.option(
    "--participants", type=click.IntRange(2), required=True, help="Participants that the whole trial needs."
)
@click.option("--sites", type=click.IntRange(1), help="Number of sites that are planned.")
@click.option(
    "--last-activation", type=click.FloatRange(0), default=0.0, show_default=True,
    help="Month in which the last of --sites opens; they open evenly from 0 on.",
)  # fmt: skip
@click.option(
    "--rate", type=POSITIVE, help="Mean number of participants that an open site enrols in a month."
)
@click.option(
    "--shape",
    type=POSITIVE,
    help="Shape of the gamma law of the sites' rates: the smaller, the more sites "
    "differ; all alike if left out.",
)
@click.option(
    "--ramp",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Months that a new site needs to reach its full rate.",
)
@click.option(
    "--so-far", type=click.Path(path_type=Path, dir_okay=False),
    help="CSV of sites: columns activation (month) and enrolled; in place of --sites.",
)  # fmt: skip
@click.option("--month", type=POSITIVE, help="Month in which the counts of --so-far were made.")
@click.option(
    "--by",
    type=NUMBERS,
    default="12,18,24",
    show_default=True,
    help="Months at which the number enrolled is forecast.",
)
@click.option(
    "--replicates",
    type=click.IntRange(100, 100_000),
    default=4000,
    show_default=True,
    help="Simulated enrolments.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=20261121, show_default=True, help="Seed of the random numbers."
)
@answers
def enrolment(
    participants: int,
    so_far: Path | None,
    month: float | None,
    by: tuple[float, ...],
    replicates: int,
    seed: int,
    **given: Any,
) -> Answer:
    """Forecast when a trial is full, from its sites' plan or from what they have enrolled so far.

    \b
    Examples:
      trialsim design enrolment --participants 300 --sites 20 --last-activation 6 --rate 1.5 --shape 1.65
      trialsim design enrolment --participants 300 --so-far sites.csv --month 8

    Site rates vary by a gamma law; counts so far fit it (without --rate) and update every site's own rate.
    """
    from trialsim.streams import stream
    from trialsim.trial.enrolment import InterimEnrolment, forecast_enrolment

    plan, enrolled = _sites(given, so_far, month)
    interim = None if enrolled is None or month is None else InterimEnrolment(month, enrolled)
    chance = stream(seed, "enrolment", 0, "enrolment")
    found = forecast_enrolment(plan, replicates, participants, chance, interim)
    low, middle, high = found.interval()
    curve = found.curve(by).rename(columns={"lower": "10 %", "median": "50 %", "upper": "90 %"})
    curve["full by then"] = [found.probability_by(one) for one in by]
    rate, shape = float(plan.rate[0]), float(plan.shape[0])
    return Answer(
        f"{participants} participants from {len(plan.activation)} sites"
        + ("." if interim is None else f", {found.enrolled} of them by month {month:g}."),
        {
            "mean rate of a site": rate,
            "shape of the rates": shape,
            "full by month, median": middle,
            "8 of 10 futures": f"{low:.1f} to {high:.1f}",
        },
        {"Enrolled": curve.round(4)},
    )


def _sites(
    given: dict[str, Any], so_far: Path | None, month: float | None
) -> tuple[SitePlan, np.ndarray | None]:
    """Return the plan of the sites, and their counts so far."""
    import numpy as np

    from trialsim.trial.enrolment import fit_site_rates, site_plan

    shape = math.inf if given["shape"] is None else given["shape"]
    if so_far is None:
        if given["sites"] is None or given["rate"] is None:
            raise DesignError("and --rate are needed without --so-far", field="--sites", value=given["sites"])
        opened = np.linspace(0.0, given["last_activation"], given["sites"])
        return site_plan(opened, rate=given["rate"], shape=shape, ramp=given["ramp"]), None
    if month is None or given["sites"] is not None:
        raise DesignError("goes with --so-far, and --sites does not", field="--month", value=month)
    activation, enrolled = _site_file(so_far)
    if not (activation < month).any():
        raise DesignError("is before every site's activation", field="--month", value=month)
    rate = given["rate"]
    if rate is None:
        planned = site_plan(activation, rate=1.0, ramp=given["ramp"])
        exposure = planned.exposure(month)
        rate, shape, _ = fit_site_rates(enrolled[exposure > 0], exposure[exposure > 0])
    return site_plan(activation, rate=rate, shape=shape, ramp=given["ramp"]), enrolled


def _site_file(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np
    import pandas as pd

    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as fault:
        raise DesignError(
            f"cannot be read: {type(fault).__name__}", field="--so-far", value=str(path)
        ) from None
    wrong = {"activation", "enrolled"} - set(frame.columns)
    if wrong or not len(frame):
        raise DesignError(
            "needs rows with the columns activation and enrolled", field="--so-far", value=str(path)
        )
    numbers = [pd.to_numeric(frame[name], errors="coerce") for name in ("activation", "enrolled")]
    opened, count = (one.to_numpy(dtype=np.float64) for one in numbers)
    if not (np.isfinite(opened).all() and np.isfinite(count).all() and (count == np.floor(count)).all()):
        raise DesignError("needs numbers, and whole numbers of enrolled", field="--so-far", value=str(path))
    return opened, count.astype(np.int64)
