"""``trialsim design`` for two arms: means, rates, ordinal outcomes, ranks, counts and strata."""

from __future__ import annotations

import math
from typing import Any, Literal

import click

from trialsim.cli.design.answer import Answer, answers, two_arms
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
@click.option("--effect", type=float, required=True, help="Assumed difference, active minus control.")
@click.option("--sd", type=POSITIVE, default=1.0, show_default=True, help="Standard deviation in both arms.")
@click.option("--margin", type=float, default=0.0, show_default=True, help="Difference under the null.")
@limits_option
@click.option("--crossover", is_flag=True, help="Two periods; --sd is then that within a participant.")
@click.option(
    "--test",
    type=click.Choice(["t", "z", "guenther-schouten"]),
    default="t",
    show_default=True,
    help="The last adds z²/2 participants to the z test's size in place of the exact t.",
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
@click.option("--control", type=RATE, required=True, help="Assumed rate of the controls.")
@click.option("--active", type=RATE, required=True, help="Assumed rate of the treated.")
@click.option(
    "--scale",
    type=click.Choice(["difference", "ratio", "odds ratio"]),
    default="difference",
    show_default=True,
)
@click.option("--margin", type=float, help="Value of the scale under the null.  [default: no effect]")
@limits_option
@direction_option
@click.option("--controls", type=POSITIVE, help="Controls: gives their power in place of a size.")
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
        )
    question = RatesQuestion(control, active, scale, margin, alpha, allocation, direction)
    headline = f"Two rates by their {scale}, null {question.null:g}, one-sided alpha {alpha:g}."
    if controls is not None:
        return Answer(headline, {"controls": controls, "power": power_of_rates(controls, question)})
    return Answer(
        headline,
        two_arms(rates_size(question, power), power),
        note="Farrington and Manning: the variance under the null at the likeliest rates at the margin.",
    )


@click.command()
@click.option(
    "--categories", type=NUMBERS, required=True, help="Probabilities of the ordered categories, controls."
)
@click.option(
    "--odds-ratio", type=POSITIVE, required=True, help="Odds of the first categories, active over control."
)
@click.option("--margin", type=POSITIVE, default=1.0, show_default=True, help="Odds ratio under the null.")
@direction_option
@total_option
@level_options()
@answers
def ordinal(
    categories: tuple[float, ...],
    odds_ratio: float,
    margin: float,
    direction: Any,
    total: float | None,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size an ordinal outcome by proportional odds (Whitehead 1993).

    \b
    Example:
      trialsim design ordinal --categories 0.2,0.5,0.2,0.1 --odds-ratio 2.428
    """
    import pandas as pd

    from trialsim.design.other_trials import proportional_odds_power, proportional_odds_size
    from trialsim.design.other_trials.ranks import shifted_categories

    shared: dict[str, Any] = {
        "alpha": alpha,
        "allocation": allocation,
        "margin": margin,
        "direction": direction,
    }
    active = shifted_categories(categories, odds_ratio)
    table = pd.DataFrame(
        {"category": range(1, 1 + len(categories)), "control": categories, "active": active.round(4)}
    )
    against = "" if margin == 1 else f" against {margin:g}"
    headline = f"Proportional odds, odds ratio {odds_ratio:g}{against}, one-sided alpha {alpha:g}."
    if total is not None:
        found = proportional_odds_power(total, categories, odds_ratio, **shared)
        return Answer(headline, {"total": total, "power": found}, {"Categories": table})
    size = proportional_odds_size(categories, odds_ratio, power=power, **shared)
    return Answer(headline, two_arms(size, power), {"Categories": table})


@click.command()
@click.option("--win-probability", type=RATE, help="P(active > control) + half of P(equal); 0.5 is none.")
@click.option("--ties", type=NUMBERS, help="Probabilities of tied values.  [default: no ties]")
@click.option("--win-ratio", type=POSITIVE, help="In its place wins over losses, of a hierarchy of outcomes.")
@click.option(
    "--tied",
    type=click.FloatRange(0, 1, max_open=True),
    help="Win ratio: probability of a tied pair.  [default: 0]",
)
@click.option(
    "--null",
    type=RATE,
    default=0.5,
    show_default=True,
    help="Win probability under the null; below 0.5 a margin of non-inferiority.",
)
@direction_option
@total_option
@level_options()
@answers
def ranks(
    win_probability: float | None,
    ties: tuple[float, ...] | None,
    win_ratio: float | None,
    tied: float | None,
    null: float,
    direction: Any,
    total: float | None,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size a comparison of ranks, from the probability that a treated one does better, or from a win ratio.

    With --win-probability it is Wilcoxon's rank-sum test (Noether 1987), with --win-ratio that of wins in a
    hierarchy of outcomes (Yu and Ganju 2022).

    \b
    Examples:
      trialsim design ranks --win-probability 0.65
      trialsim design ranks --win-ratio 1.5 --tied 0.1
    """
    from trialsim.design.other_trials import rank_sum_power, rank_sum_size, win_ratio_power, win_ratio_size
    from trialsim.errors import DesignError

    if (win_probability is None) == (win_ratio is None):
        raise DesignError("or --win-ratio is needed, and not both", field="--win-probability",
                          value=win_probability)  # fmt: skip
    if win_ratio is not None:
        if ties is not None:
            raise DesignError("goes with --win-probability", field="--ties", value=ties, mend="give --tied")
        if null != 0.5:
            raise DesignError("goes with --win-probability", field="--null", value=null, mend="leave it out")
        of_wins: dict[str, Any] = {
            "tied": tied or 0.0, "alpha": alpha, "allocation": allocation, "direction": direction
        }  # fmt: skip
        headline = f"Win ratio {win_ratio:g}, {tied or 0.0:.0%} of pairs tied, one-sided alpha {alpha:g}."
        if total is not None:
            return Answer(headline, {"total": total, "power": win_ratio_power(total, win_ratio, **of_wins)})
        return Answer(headline, two_arms(win_ratio_size(win_ratio, power=power, **of_wins), power))
    if tied is not None:
        raise DesignError("goes with --win-ratio", field="--tied", value=tied, mend="give --ties")
    assert win_probability is not None
    shared: dict[str, Any] = {
        "alpha": alpha, "allocation": allocation, "ties": ties, "null": null, "direction": direction
    }  # fmt: skip
    against = "" if null == 0.5 else f" against {null:g}"
    headline = (
        f"Wilcoxon's rank sum, win probability {win_probability:g}{against}, one-sided alpha {alpha:g}."
    )
    if total is not None:
        return Answer(headline, {"total": total, "power": rank_sum_power(total, win_probability, **shared)})
    return Answer(headline, two_arms(rank_sum_size(win_probability, power=power, **shared), power))


@click.command()
@click.option("--control-rate", type=POSITIVE, required=True, help="Events of a control per unit of time.")
@click.option("--rate-ratio", type=POSITIVE, required=True, help="Assumed ratio, active over control.")
@click.option("--dispersion", type=click.FloatRange(0), required=True, help="k of the variance m + k m^2.")
@click.option("--follow-up", type=POSITIVE, required=True, help="Time that who enters first is followed.")
@click.option(
    "--shortest", type=click.FloatRange(0), help="The same for who enters last.  [default: the same]"
)
@click.option(
    "--dropout", type=click.FloatRange(0), default=0.0, show_default=True, help="Hazard of leaving."
)
@click.option("--margin", type=POSITIVE, default=1.0, show_default=True, help="Ratio under the null.")
@click.option(
    "--null",
    type=click.Choice(["true", "control", "pooled"]),
    default="true",
    show_default=True,
    help="Rates at which the variance under the null is taken.",
)
@direction_option
@click.option("--controls", type=POSITIVE, help="Controls: gives their power in place of a size.")
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
    return Answer(headline, facts | two_arms(counts_size(question, power), power))


@click.command()
@click.option("--weights", type=NUMBERS, required=True, help="Share of participants in each stratum.")
@click.option("--control", type=NUMBERS, required=True, help="Risk of the controls in each stratum.")
@click.option("--active", type=NUMBERS, required=True, help="Risk of the treated in each stratum.")
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
    return Answer(f"{headline}, power {power:g}.", tables={"Sizes": table})
