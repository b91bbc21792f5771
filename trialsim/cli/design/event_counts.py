"""``trialsim design`` for the number of events that a log-rank test needs."""

from __future__ import annotations

import math
from typing import Any

import click

from trialsim.cli.design.answer import Answer, answers, few
from trialsim.cli.design.options import (
    NUMBERS,
    POSITIVE,
    direction_option,
    equivalence_limits,
    level_options,
    limits_option,
)


@click.command()
@click.option(
    "--hazard-ratio", type=POSITIVE, required=True, help="Assumed ratio, active over control; 1 is no effect."
)
@click.option(
    "--margin",
    type=POSITIVE,
    default=1.0,
    show_default=True,
    help="Ratio under the null: 1 shows superiority, another value non-inferiority.",
)
@limits_option
@click.option(
    "--method",
    type=click.Choice(["schoenfeld", "freedman", "hsieh-freedman"]),
    default="schoenfeld",
    show_default=True,
    help="Formula for the number of events.",
)
@click.option(
    "--squared-correlation",
    type=click.FloatRange(0, 1, max_open=True),
    help="Squared correlation of a prognostic score with the martingale residuals: "
    "shows the events that are needed with the score in the test.",
)
@direction_option
@level_options()
@answers
def events(
    hazard_ratio: float,
    margin: float,
    limits: tuple[float, ...] | None,
    method: Any,
    squared_correlation: float | None,
    direction: Any,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Count the events that a log-rank test needs: superiority, non-inferiority or equivalence.

    \b
    Examples:
      trialsim design events --hazard-ratio 0.7
      trialsim design events --hazard-ratio 1 --margin 1.3
      trialsim design events --hazard-ratio 1 --limits 0.8,1.25 --alpha 0.05
    """
    from trialsim.design import events_for_power
    from trialsim.design.control_arm import prognostic_events
    from trialsim.design.other_trials import equivalence_of_hazards_events
    from trialsim.errors import DesignError

    if limits is not None:
        asked = equivalence_limits(limits, alpha, allocation)
        needed = equivalence_of_hazards_events(hazard_ratio, asked, power=power)
        headline = f"Equivalence of two hazards within {limits[0]:g} and {limits[1]:g}, at {alpha:g} each."
    else:
        needed = events_for_power(
            hazard_ratio,
            power=power,
            alpha=alpha,
            allocation=allocation,
            margin=margin,
            method=method,
            direction=direction,
        )
        headline = f"Log-rank test, {method}, null hazard ratio {margin:g}, one-sided alpha {alpha:g}."
    facts = {"events": math.ceil(needed - 1e-9), "by the formula": needed, "power": power}
    if squared_correlation is not None:
        if limits is not None or margin != 1:
            raise DesignError(
                "goes with superiority only", field="--squared-correlation", value=squared_correlation
            )
        scored = prognostic_events(
            hazard_ratio, squared_correlation, power=power, alpha=alpha, allocation=allocation, method=method
        )
        facts["events with the score"] = scored.adjusted
    return Answer(headline, facts, note=few(needed))


@click.command()
@click.option(
    "--hazard-ratios",
    type=NUMBERS,
    required=True,
    help="Hazard ratio of every arm against one of them, such as 1,0.8,0.7.",
)
@click.option(
    "--shares",
    type=NUMBERS,
    help="Share of participants in each arm, such as 0.5,0.25,0.25.  [default: equal]",
)
@level_options(alpha=0.05, allocation=False)
@answers
def k_sample(
    hazard_ratios: tuple[float, ...], shares: tuple[float, ...] | None, power: float, alpha: float
) -> Answer:
    """Count the events that the log-rank test of several arms needs; it has no direction.

    \b
    Example:
      trialsim design k-sample --hazard-ratios 1,0.8,0.7
    """
    from trialsim.design.other_trials import k_sample_events

    needed = k_sample_events(hazard_ratios, shares=shares, power=power, alpha=alpha)
    return Answer(
        f"Log-rank test of {len(hazard_ratios)} arms at alpha {alpha:g}.",
        {"events": math.ceil(needed - 1e-9), "by the formula": needed, "power": power},
        note=few(needed),
    )
