"""``trialsim design`` for several arms, clusters, stepped wedges, one arm, and repeated measures."""

from __future__ import annotations

import math
from typing import Any

import click

from trialsim.cli.design.answer import Answer, answers
from trialsim.cli.design.options import NUMBERS, POSITIVE, RATE, direction_option, level_options, total_option

CORRELATION = click.FloatRange(0, 1, max_open=True)


@click.command()
@click.option("--effects", type=NUMBERS, required=True, help="Of each active arm against the control.")
@click.option("--sd", type=POSITIVE, default=1.0, show_default=True, help="Standard deviation in every arm.")
@click.option(
    "--test", type=click.Choice(["dunnett", "bonferroni", "none"]), default="dunnett", show_default=True
)
@click.option(
    "--claims",
    type=click.Choice(["any", "all"]),
    default="any",
    show_default=True,
    help="Power of at least one claim, or of one for every arm with an effect.",
)
@click.option("--direction", type=click.Choice(["greater", "less"]), default="greater", show_default=True)
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
@click.option("--means", type=NUMBERS, required=True, help="Assumed mean of every arm.")
@click.option("--sd", type=POSITIVE, default=1.0, show_default=True, help="Standard deviation in every arm.")
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
@click.option("--sd", type=NUMBERS, required=True, help="Standard deviation, of both arms or control,active.")
@click.option("--cluster-size", type=click.FloatRange(1), required=True, help="Participants of a cluster.")
@click.option("--icc", type=CORRELATION, required=True, help="Intracluster correlation.")
@click.option(
    "--size-cv", type=click.FloatRange(0), default=0.0, show_default=True, help="CV of cluster sizes."
)
@click.option("--clusters", "total", type=POSITIVE, help="Clusters in both arms: gives their power.")
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
    "--steps", type=click.IntRange(1), required=True, help="Groups that cross over one after another."
)
@click.option(
    "--cluster-size",
    type=click.FloatRange(1),
    required=True,
    help="New participants of a cluster in a period.",
)
@click.option("--effect", type=float, required=True, help="Assumed effect.")
@click.option("--sd", type=POSITIVE, required=True, help="Standard deviation of an outcome.")
@click.option("--icc", type=CORRELATION, required=True, help="Intracluster correlation.")
@click.option(
    "--baseline", type=click.IntRange(1), default=1, show_default=True, help="Periods before the first step."
)
@click.option(
    "--per-step", type=click.IntRange(1), default=1, show_default=True, help="Periods after each step."
)
@click.option("--clusters-per-step", type=click.IntRange(1), help="Gives the power of so many.")
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
@click.option("--null", type=RATE, required=True, help="Rate that is of no interest.")
@click.option("--alternative", type=RATE, required=True, help="Rate that the trial should find.")
@click.option("--looks", type=NUMBERS, help="Participants at each look, with exact bounds that spend alpha.")
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


@click.command()
@click.option(
    "--effect", type=NUMBERS, required=True, help="Difference at the last visit; several with --arm-sizes."
)
@click.option(
    "--sd", type=POSITIVE, default=1.0, show_default=True, help="Standard deviation at every visit."
)
@click.option("--visits", type=click.IntRange(1, 30), required=True)
@click.option("--correlation", type=CORRELATION, required=True, help="Of two visits.")
@click.option(
    "--decay", is_flag=True, help="The correlation falls by its power with the visits between (AR 1)."
)
@click.option(
    "--retention",
    type=NUMBERS,
    multiple=True,
    help="Share observed at each visit; may be given again with --arm-sizes.  [default: everybody]",
)
@click.option("--arm-sizes", type=NUMBERS, help="Participants control,active: gives their exact power.")
@click.option("--draws", type=click.IntRange(200, 1_000_000), default=20_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=20261121, show_default=True)
@level_options(alpha=0.05, allocation=False)
@answers
def mmrm(
    effect: tuple[float, ...],
    sd: float,
    visits: int,
    correlation: float,
    decay: bool,
    retention: tuple[tuple[float, ...], ...],
    arm_sizes: tuple[float, ...] | None,
    draws: int,
    seed: int,
    power: float,
    alpha: float,
) -> Answer:
    """Size a mixed model for repeated measures with dropout; alpha is two-sided.

    A size comes from the large-sample variance (Lu, Luo and Chen 2008); the power of given arms from the
    exact law of the test with Satterthwaite's degrees of freedom.

    \b
    Examples:
      trialsim design mmrm --effect 0.5 --visits 3 --correlation 0.6 --retention 1,0.9,0.8
      trialsim design mmrm --effect 0.5 --visits 3 --correlation 0.6 --retention 1,0.9,0.8 \\
          --arm-sizes 95,95
      trialsim design mmrm --effect 0.3,0.4,0.5 --visits 3 --correlation 0.6 \\
          --retention 1,0.9,0.8 --retention 1,0.8,0.6 --arm-sizes 95,95
    """
    import numpy as np

    from trialsim.design.repeated_measures.exact_law import null_library, power_surface
    from trialsim.design.repeated_measures.large_sample import large_sample_inflation, large_sample_size
    from trialsim.errors import DesignError
    from trialsim.streams import stream

    gap = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits)))
    matrix = np.where(gap == 0, 1.0, correlation ** (gap if decay else 1))
    shares = np.asarray(retention[0]) if retention else np.ones(visits)
    headline = f"MMRM of {visits} visits, two-sided alpha {alpha:g}."
    facts: dict[str, Any]
    chance = stream(seed, "mmrm", 0, "analysis")
    if len(effect) > 1 or len(retention) > 1:
        if arm_sizes is None:
            raise DesignError(
                "and --retention may be several with --arm-sizes alone", field="--effect", value=effect,
                mend="give --arm-sizes, or one of each for a size",
            )  # fmt: skip
        sizes = int(arm_sizes[0]), int(arm_sizes[-1])
        surface = power_surface(effect, retention or [shares], sizes, sd**2 * matrix, chance, alpha=alpha)
        table = surface.to_frame().rename(columns={"monte_carlo_error": "Monte Carlo error"})
        facts = {"participants": f"{sizes[0]} and {sizes[1]}"}
        return Answer(headline, facts, {"Power by effect and share at the last visit": table.round(6)})
    inflation = large_sample_inflation(matrix, shares)
    facts = {"inflation by dropout": inflation}
    if arm_sizes is None:
        _, total = large_sample_size(
            effect[0], sd=sd, inflation=(inflation, inflation), alpha=alpha, power=power
        )
        each = math.ceil(total / 2 - 1e-9)
        return Answer(headline, facts | {"each arm": each, "total": 2 * each, "power": power})
    library = null_library((int(arm_sizes[0]), int(arm_sizes[-1])), shares, chance, draws=draws)
    curve = library.power(effect, sd**2 * matrix, alpha=alpha)
    facts |= {
        "participants": f"{int(arm_sizes[0])} and {int(arm_sizes[-1])}",
        "power": float(curve.power[0]),
        "Monte Carlo error": float(curve.monte_carlo_error[0]),
    }
    return Answer(headline, facts, note="Rejections in either direction count, as the two-sided test does.")
