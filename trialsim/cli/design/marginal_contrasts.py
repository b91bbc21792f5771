"""``trialsim design marginal``: marginal contrasts by g-computation, with a prognostic score and without."""

from __future__ import annotations

import math
from typing import Any

import click

from trialsim.cli.design.answer import Answer, answers, few
from trialsim.cli.design.options import NUMBERS, direction_option, level_options


@click.command()
@click.option(
    "--outcome",
    type=click.Choice(["binary", "count"]),
    default="binary",
    show_default=True,
    help="binary for a risk, count for a number of events.",
)
@click.option(
    "--means",
    type=NUMBERS,
    required=True,
    help="Mean of each arm over all participants, control,active: a risk, or an expected count.",
)
@click.option(
    "--slopes",
    type=NUMBERS,
    required=True,
    help="Slope of the linear predictor for one SD of the score: one for both arms, or control,active.",
)
@click.option(
    "--contrast",
    type=click.Choice(["difference", "log_ratio", "log_odds_ratio"]),
    default="difference",
    show_default=True,
    help="Marginal contrast that is tested, active against control.",
)
@click.option(
    "--dispersion",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Overdispersion k of counts, variance m + k m²; 0 is a Poisson law.",
)
@click.option(
    "--active-fixed",
    is_flag=True,
    help="Keep the active arm as large as without the score, and save controls only.",
)
@direction_option
@level_options(alpha=0.05)
@answers
def marginal(
    outcome: Any,
    means: tuple[float, ...],
    slopes: tuple[float, ...],
    contrast: Any,
    dispersion: float,
    active_fixed: bool,
    direction: Any,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size a marginal contrast by g-computation with a prognostic score, and without; alpha is two-sided.

    \b
    Examples:
      trialsim design marginal --means 0.3,0.45 --slopes 1
      trialsim design marginal --means 0.3,0.45 --slopes 1 --active-fixed
    """
    from trialsim.design.sizes import MarginalQuestion, marginal_controls, marginal_power, marginal_size
    from trialsim.errors import DesignError

    if len(means) != 2 or len(slopes) not in (1, 2):
        raise DesignError("must be two numbers, and one or two slopes", field="--means", value=means)
    question = MarginalQuestion(
        outcome, (means[0], means[1]), (slopes[0], slopes[-1]), contrast, dispersion, None, power, alpha,
        direction,
    )  # fmt: skip
    share = allocation / (1 + allocation)
    facts: dict[str, Any] = {}
    smallest = math.inf
    for name, adjusted in (("with the score", True), ("without it", False)):
        arms = marginal_size(question, (1 - share, share), adjusted=adjusted)
        controls, active = (math.ceil(n - 1e-9) for n in arms)
        own = marginal_power(controls, active, question, adjusted=adjusted)
        smallest = min(smallest, sum(arms))
        facts |= {
            f"controls {name}": controls,
            f"active {name}": active,
            f"power {name}": own,
        }
    if active_fixed:
        beside = facts["active without it"]
        left = marginal_controls(beside, question)
        facts[f"controls beside {beside} active, with the score"] = (
            math.ceil(left - 1e-9) if math.isfinite(left) else left
        )
    return Answer(
        f"Marginal {contrast.replace('_', ' ')}, {outcome}, two-sided alpha {alpha:g}.",
        facts,
        note=few(smallest),
    )
