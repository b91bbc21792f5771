"""``trialsim design`` for several arms, clusters, stepped wedges, one arm, and repeated measures."""

from __future__ import annotations

import math
from typing import Any

import click

from trialsim.cli.design.answer import Answer, answers
from trialsim.cli.design.options import NUMBERS, POSITIVE, RATE, direction_option, level_options, total_option

CORRELATION = click.FloatRange(0, 1, max_open=True)


@click.command()
@click.option(
    "--effects",
    type=NUMBERS,
    required=True,
    help="Assumed difference of each active arm from the control, such as 0.4,0.5.",
)
@click.option(
    "--sd",
    type=POSITIVE,
    default=1.0,
    show_default=True,
    help="Standard deviation of the outcome in every arm, in the units of the means.",
)
@click.option(
    "--test",
    type=click.Choice(["dunnett", "bonferroni", "none"]),
    default="dunnett",
    show_default=True,
    help="How several comparisons are allowed for: none tests each arm at --alpha.",
)
@click.option(
    "--claims",
    type=click.Choice(["any", "all"]),
    default="any",
    show_default=True,
    help="any: power to claim for at least one arm; all: for every arm that has an effect.",
)
@click.option(
    "--direction",
    type=click.Choice(["greater", "less"]),
    default="greater",
    show_default=True,
    help="Side on which an arm is better than the control.",
)
@total_option
@level_options()
@answers
def arms(
    effects: tuple[float, ...],
    sd: float,
    test: Any,
    claims: Any,
    direction: Any,
    total: float | None,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size several active arms against one control, by Dunnett's or Bonferroni's test in one step.

    \b
    Example:
      trialsim design arms --effects 0.4,0.5 --claims any
    """
    from trialsim.design.other_trials import ManyToOneQuestion, many_to_one_power, many_to_one_size

    question = ManyToOneQuestion(effects, sd, alpha, allocation, test, claims, direction)
    headline = f"{len(effects)} arms against one control, {test}, one-sided family-wise alpha {alpha:g}."
    if total is not None:
        return Answer(headline, {"total": total, "power": many_to_one_power(total, question)})
    control, active, *_ = many_to_one_size(question, power)
    whole = math.ceil(control - 1e-9), math.ceil(active - 1e-9)
    facts = {
        "controls": whole[0],
        "each active arm": whole[1],
        "total": whole[0] + len(effects) * whole[1],
        "power": power,
    }
    return Answer(headline, facts)


@click.command()
@click.option("--means", type=NUMBERS, required=True, help="Assumed mean of every arm, such as 0,0.2,0.5.")
@click.option(
    "--sd",
    type=POSITIVE,
    default=1.0,
    show_default=True,
    help="Standard deviation of the outcome in every arm, in the units of the means.",
)
@level_options(alpha=0.05, allocation=False)
@answers
def anova(means: tuple[float, ...], sd: float, power: float, alpha: float) -> Answer:
    """Size the F test that several equally large arms have one mean; it has no direction.

    \b
    Example:
      trialsim design anova --means 0,0.2,0.5
    """
    from trialsim.design.other_trials import anova_size

    each = anova_size(means, sd, power=power, alpha=alpha)
    whole = math.ceil(each - 1e-9)
    return Answer(
        f"F test of {len(means)} means at alpha {alpha:g}.",
        {"each arm": whole, "total": whole * len(means), "by the formula": each, "power": power},
    )


@click.command()
@click.option("--effect", type=float, required=True, help="Assumed difference of means or risks.")
@click.option(
    "--sd",
    type=NUMBERS,
    required=True,
    help="Standard deviation of the outcome: one for both arms, or control,active.",
)
@click.option(
    "--cluster-size",
    type=click.FloatRange(1),
    required=True,
    help="Mean number of participants in a cluster.",
)
@click.option(
    "--icc", type=CORRELATION, required=True, help="Intracluster correlation of outcomes, from 0 to below 1."
)
@click.option(
    "--size-cv",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Coefficient of variation of the cluster sizes: SD over mean; 0 if all are equal.",
)
@click.option(
    "--clusters",
    "total",
    type=POSITIVE,
    help="Clusters in both arms together: the answer is then their power, not a number of clusters.",
)
@direction_option
@level_options()
@answers
def clusters(
    effect: float,
    sd: tuple[float, ...],
    cluster_size: float,
    icc: float,
    size_cv: float,
    total: float | None,
    direction: Any,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size a trial that randomises clusters, by a t test of their means.

    \b
    Example:
      trialsim design clusters --effect 0.3 --sd 1 --cluster-size 20 --icc 0.05
    """
    from trialsim.design.other_trials import ClusterQuestion, clusters_size, design_effect, power_of_clusters
    from trialsim.errors import DesignError

    if len(sd) not in (1, 2):
        raise DesignError("must be one number, or two", field="--sd", value=sd)
    question = ClusterQuestion(
        effect, (sd[0], sd[-1]), cluster_size, icc, size_cv, alpha, allocation, direction
    )
    headline = f"Clusters of {cluster_size:g}, intracluster correlation {icc:g}, one-sided alpha {alpha:g}."
    facts: dict[str, Any] = {"design effect": design_effect(cluster_size, icc, size_cv)}
    if total is not None:
        return Answer(headline, facts | {"clusters": total, "power": power_of_clusters(total, question)})
    control, active = clusters_size(question, power).whole
    facts |= {
        "control clusters": control,
        "active clusters": active,
        "participants": math.ceil((control + active) * cluster_size),
        "power": power,
    }
    return Answer(headline, facts)


@click.command()
@click.option(
    "--steps",
    type=click.IntRange(1),
    required=True,
    help="Steps: groups of clusters that start the treatment one after another.",
)
@click.option(
    "--cluster-size",
    type=click.FloatRange(1),
    required=True,
    help="New participants of one cluster in one period.",
)
@click.option(
    "--effect",
    type=float,
    required=True,
    help="Assumed difference, treated minus untreated, in units of the outcome.",
)
@click.option(
    "--sd",
    type=POSITIVE,
    required=True,
    help="Standard deviation of one participant's outcome, in the same units.",
)
@click.option(
    "--icc", type=CORRELATION, required=True, help="Intracluster correlation of outcomes, from 0 to below 1."
)
@click.option(
    "--baseline",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Periods before the first step, in which nobody is treated.",
)
@click.option(
    "--per-step",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Periods after each step, the last one too.",
)
@click.option(
    "--clusters-per-step",
    type=click.IntRange(1),
    help="Clusters that cross over at each step: the answer is then their power.",
)
@direction_option
@level_options(allocation=False)
@answers
def wedge(
    steps: int,
    cluster_size: float,
    effect: float,
    sd: float,
    icc: float,
    baseline: int,
    per_step: int,
    clusters_per_step: int | None,
    direction: Any,
    power: float,
    alpha: float,
) -> Answer:
    """Size a cross-sectional stepped wedge (Hussey and Hughes 2007).

    \b
    Example:
      trialsim design wedge --steps 4 --cluster-size 20 --effect 0.25 --sd 1 --icc 0.05
    """
    from trialsim.design.other_trials import SteppedWedge, power_of_wedge, wedge_size
    from trialsim.design.other_trials import wedge as standard

    each = clusters_per_step or wedge_size(
        steps, cluster_size, effect, sd, icc, power=power, alpha=alpha, baseline=baseline, per_step=per_step,
        direction=direction,
    )  # fmt: skip
    design = SteppedWedge(standard(steps, each, baseline=baseline, per_step=per_step), cluster_size, sd, icc)
    periods = baseline + steps * per_step
    facts = {
        "clusters per step": each,
        "clusters": each * steps,
        "periods": periods,
        "participants": math.ceil(each * steps * periods * cluster_size),
        "power": power_of_wedge(design, effect, alpha=alpha, direction=direction),
    }
    return Answer(f"Stepped wedge with {steps} steps, one-sided alpha {alpha:g}.", facts)


@click.command()
@click.option("--null", type=RATE, required=True, help="Response rate that is of no interest: the null.")
@click.option("--alternative", type=RATE, required=True, help="Response rate that the trial should find.")
@click.option(
    "--looks",
    type=NUMBERS,
    help="Number of participants at each look, such as 20,40,60; exact bounds spend alpha.",
)
@level_options(alpha=0.05, allocation=False)
@answers
def one_arm(
    null: float, alternative: float, looks: tuple[float, ...] | None, power: float, alpha: float
) -> Answer:
    """Size one arm against a known response rate: one stage, Simon's two stages, or several looks; exact.

    \b
    Examples:
      trialsim design one-arm --null 0.1 --alternative 0.3 --power 0.8
      trialsim design one-arm --null 0.2 --alternative 0.4 --looks 20,40,60
    """
    import pandas as pd

    from trialsim.design import OBrienFlemingSpending
    from trialsim.design.single_arm import one_stage_size, simon_designs, spending_binomial_looks

    headline = f"One arm, rate {alternative:g} against {null:g}, one-sided alpha {alpha:g}, exact binomial."
    if looks is not None:
        found = spending_binomial_looks([int(n) for n in looks], null, OBrienFlemingSpending(), alpha)
        return Answer(
            headline,
            {
                "alpha, exact": found.power(null),
                "power": found.power(alternative),
                "expected size, null": found.expected_participants(null),
                "expected size, alternative": found.expected_participants(alternative),
            },
            {"Looks": found.to_frame([null, alternative]).drop(columns="stop_at_most").round(5)},
        )
    single = one_stage_size(null, alternative, alpha=alpha, power=power)
    rows: list[dict[str, Any]] = [
        {
            "design": "one stage", "stop <=": "", "of": "", "claim >=": single.responders,
            "n": single.participants, "expected n": float(single.participants), "alpha": single.alpha,
            "power": single.power,
        }
    ]  # fmt: skip
    for name, two in simon_designs(null, alternative, alpha=alpha, power=power).items():
        rows.append(
            {
                "design": name, "stop <=": str(two.first_stop), "of": str(two.first),
                "claim >=": two.stop + 1, "n": two.participants, "expected n": two.expected,
                "alpha": two.alpha, "power": two.power,
            }
        )  # fmt: skip
    return Answer(
        headline,
        tables={"Designs": pd.DataFrame(rows)},
        note="Simon's designs stop after the first part with at most so many; expected n is under the null.",
    )
