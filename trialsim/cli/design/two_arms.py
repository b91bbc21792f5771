"""``trialsim design`` for two arms: means, rates, ordinal outcomes, ranks, counts and strata."""

from __future__ import annotations

import math
from typing import Any, Literal

import click

from trialsim.cli.design.answer import Answer, answers, few, two_arms
from trialsim.cli.design.options import (
    NUMBERS,
    POSITIVE,
    RATE,
    direction_option,
    equivalence_limits,
    level_options,
    limits_option,
    total_option,
)


@click.command()
@click.option(
    "--effect",
    type=float,
    required=True,
    help="Assumed difference in means, active minus control, in units of the outcome.",
)
@click.option(
    "--sd",
    type=POSITIVE,
    default=1.0,
    show_default=True,
    help="Standard deviation of the outcome in both arms, in the same units.",
)
@click.option(
    "--margin",
    type=float,
    default=0.0,
    show_default=True,
    help="Difference under the null: 0 shows superiority, another value non-inferiority.",
)
@limits_option
@click.option(
    "--crossover",
    is_flag=True,
    help="A crossover trial of two periods; --sd is then the SD within a participant.",
)
@click.option(
    "--test",
    type=click.Choice(["t", "z", "guenther-schouten"]),
    default="t",
    show_default=True,
    help="t: exact, by the noncentral t; z: known SD; guenther-schouten: the z test's size and a correction.",
)
@direction_option
@total_option
@level_options()
@answers
def means(
    effect: float,
    sd: float,
    margin: float,
    limits: tuple[float, ...] | None,
    crossover: bool,
    test: Any,
    direction: Any,
    total: float | None,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size two means by a t or z test: superiority, non-inferiority or equivalence.

    \b
    Examples:
      trialsim design means --effect 0.5
      trialsim design means --effect 0 --margin -0.2            (non-inferiority)
      trialsim design means --effect 0 --limits -0.5,0.5 --alpha 0.05
    """
    from trialsim.design.other_trials import equivalence_of_means_size
    from trialsim.design.sizes import (
        MeansQuestion,
        guenther_schouten_power,
        guenther_schouten_size,
        means_size,
        power_of_means,
    )
    from trialsim.design.sizes.means import split
    from trialsim.errors import DesignError

    if limits is not None:
        asked = equivalence_limits(limits, alpha, allocation)
        kind: Literal["parallel", "crossover"] = "crossover" if crossover else "parallel"
        size = equivalence_of_means_size(effect, asked, sd, power=power, design=kind)
        return Answer(
            f"Equivalence of two means within {limits[0]:g} and {limits[1]:g}, two one-sided t tests at "
            f"{alpha:g} each, {kind} groups.",
            two_arms(size, power),
        )
    if crossover:
        raise DesignError("is offered for equivalence", field="--crossover", mend="give --limits")
    aim = "superiority" if margin == 0 else f"against a margin of {margin:g}"
    headline = f"Two means, {aim}, {test} test at one-sided alpha {alpha:g}."
    if test == "guenther-schouten":
        variance = (1 + allocation) ** 2 / allocation * sd**2
        asked_of: dict[str, Any] = {"margin": margin, "alpha": 2 * alpha, "direction": direction}
        if total is not None:
            found = guenther_schouten_power(total, variance, effect, **asked_of)
            return Answer(headline, {"total": total, "power": found})
        needed = guenther_schouten_size(variance, effect, power=power, **asked_of)
        return Answer(headline, two_arms(split(needed, allocation), power))
    question = MeansQuestion(effect, sd, margin, alpha, allocation, test, direction)
    if total is not None:
        return Answer(headline, {"total": total, "power": power_of_means(total, question)})
    return Answer(headline, two_arms(means_size(question, power), power))


@click.command()
@click.option(
    "--control", type=RATE, required=True, help="Assumed response rate of the controls, between 0 and 1."
)
@click.option(
    "--active", type=RATE, required=True, help="Assumed response rate of the treated, between 0 and 1."
)
@click.option(
    "--scale",
    type=click.Choice(["difference", "ratio", "odds ratio"]),
    default="difference",
    show_default=True,
    help="Scale of the comparison, on which --margin and --limits stand.",
)
@click.option(
    "--margin",
    type=float,
    help="Value of --scale under the null; any other than no effect is a margin of "
    "non-inferiority.  [default: no effect]",
)
@limits_option
@direction_option
@click.option(
    "--controls",
    type=POSITIVE,
    help="Participants in the control arm: the answer is then their power, not a size.",
)
@level_options()
@answers
def rates(
    control: float,
    active: float,
    scale: Any,
    margin: float | None,
    limits: tuple[float, ...] | None,
    direction: Any,
    controls: float | None,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size two rates by difference, ratio or odds ratio: superiority, non-inferiority or equivalence.

    \b
    Examples:
      trialsim design rates --control 0.2 --active 0.4
      trialsim design rates --control 0.6 --active 0.6 --margin -0.1
      trialsim design rates --control 0.6 --active 0.6 --limits -0.15,0.15 --alpha 0.05
    """
    from trialsim.design.other_trials import equivalence_of_rates_size
    from trialsim.design.sizes import RatesQuestion, power_of_rates, rates_size

    if limits is not None:
        asked = equivalence_limits(limits, alpha, allocation)
        size = equivalence_of_rates_size(control, active, asked, scale=scale, power=power)
        return Answer(
            f"Equivalence of two rates, {scale} within {limits[0]:g} and {limits[1]:g}, two one-sided Wald "
            f"tests at {alpha:g} each.",
            two_arms(size, power),
            note=few(size.total),
        )
    question = RatesQuestion(control, active, scale, margin, alpha, allocation, direction)
    headline = f"Two rates by their {scale}, null {question.null:g}, one-sided alpha {alpha:g}."
    if controls is not None:
        return Answer(headline, {"controls": controls, "power": power_of_rates(controls, question)})
    return Answer(
        headline,
        two_arms(found := rates_size(question, power), power),
        note=few(
            found.total,
            "Farrington and Manning: the variance under the null at the likeliest rates at the margin.",
        ),
    )


@click.command()
@click.option(
    "--control-rate",
    type=POSITIVE,
    required=True,
    help="Events of a control in one unit of time; --follow-up is in the same unit.",
)
@click.option(
    "--rate-ratio", type=POSITIVE, required=True, help="Assumed ratio, active over control; 1 is no effect."
)
@click.option(
    "--dispersion",
    type=click.FloatRange(0),
    required=True,
    help="Overdispersion k of the variance m + k m²; 0 is a Poisson law.",
)
@click.option(
    "--follow-up",
    type=POSITIVE,
    required=True,
    help="Time for which the first participant is followed, in the unit of --control-rate.",
)
@click.option(
    "--shortest",
    type=click.FloatRange(0),
    help="Time for which the last participant is followed.  [default: as the first]",
)
@click.option(
    "--dropout",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Hazard of leaving: dropouts per participant and unit of time, constant.",
)
@click.option(
    "--margin",
    type=POSITIVE,
    default=1.0,
    show_default=True,
    help="Ratio under the null: 1 shows superiority, another value non-inferiority.",
)
@click.option(
    "--null",
    type=click.Choice(["true", "control", "pooled"]),
    default="true",
    show_default=True,
    help="Rates at which the variance under the null is taken: the true ones, the control's, or pooled.",
)
@direction_option
@click.option(
    "--controls",
    type=POSITIVE,
    help="Participants in the control arm: the answer is then their power, not a size.",
)
@level_options()
@answers
def counts(
    control_rate: float,
    rate_ratio: float,
    dispersion: float,
    follow_up: float,
    shortest: float | None,
    dropout: float,
    margin: float,
    null: Any,
    direction: Any,
    controls: float | None,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size negative binomial counts, with follow-up that may vary between participants.

    \b
    Examples:
      trialsim design counts --control-rate 0.8 --rate-ratio 0.85 --dispersion 0.4 --follow-up 0.75
      trialsim design counts --control-rate 0.8 --rate-ratio 0.7 --dispersion 0.4 \\
          --follow-up 2 --shortest 1 --dropout 0.1
    """
    from trialsim.design.other_trials import CountsQuestion, FollowUp, counts_size, power_of_counts

    time = FollowUp(follow_up, shortest, dropout)
    question = CountsQuestion(
        control_rate, rate_ratio, dispersion, time, margin, alpha, allocation, null, direction
    )
    headline = f"Negative binomial rates, null ratio {margin:g}, one-sided alpha {alpha:g}."
    facts: dict[str, Any] = {"mean follow-up": time.mean}
    if controls is not None:
        return Answer(headline, facts | {"controls": controls, "power": power_of_counts(controls, question)})
    size = counts_size(question, power)
    return Answer(headline, facts | two_arms(size, power), note=few(size.total))


@click.command()
@click.option(
    "--weights",
    type=NUMBERS,
    required=True,
    help="Share of participants in each stratum, adding up to 1, such as 0.5,0.5.",
)
@click.option(
    "--control", type=NUMBERS, required=True, help="Risk of the controls in each stratum, such as 0.2,0.4."
)
@click.option(
    "--active", type=NUMBERS, required=True, help="Risk of the treated in each stratum, such as 0.35,0.55."
)
@direction_option
@total_option
@level_options(alpha=0.05)
@answers
def strata(
    weights: tuple[float, ...],
    control: tuple[float, ...],
    active: tuple[float, ...],
    direction: Any,
    total: float | None,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size two risks in strata: the Cochran-Mantel-Haenszel test and its ratio; alpha is two-sided.

    \b
    Examples:
      trialsim design strata --weights 0.5,0.5 --control 0.2,0.4 --active 0.35,0.55
      trialsim design strata --weights 0.5,0.5 --control 0.2,0.4 --active 0.35,0.55 --total 400
    """
    import pandas as pd

    from trialsim.design.sizes import StratifiedQuestion, stratified_power, stratified_size

    share = allocation / (1 + allocation)
    question = StratifiedQuestion(weights, control, active, (1 - share, share), power, alpha, direction)
    methods = ("cmh", "mantel-haenszel", "marginal")
    headline = (
        f"Two risks in {len(weights)} strata, marginal risk ratio {question.risk_ratio:.3g}, two-sided alpha "
        f"{alpha:g}"
    )
    if total is not None:
        powers = [stratified_power(total, question, method) for method in methods]  # type: ignore[arg-type]
        table = pd.DataFrame({"method": methods, "power": powers})
        return Answer(f"{headline}, {total:g} participants.", tables={"Power": table.round(6)})
    totals = [stratified_size(question, method) for method in methods]  # type: ignore[arg-type]
    table = pd.DataFrame({"method": methods, "total": [math.ceil(n - 1e-9) for n in totals]})
    return Answer(f"{headline}, power {power:g}.", tables={"Sizes": table}, note=few(min(totals)))
