"""Options that say which scale an outcome has, and its numbers in that scale's own terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from trialsim.study.from_numbers.scale import SCALES

POSITIVE = click.FloatRange(0, min_open=True)
SHARE = click.FloatRange(0, 1, max_open=True)
RATE = click.FloatRange(0, 1, True, True)

_OPTIONS: dict[str, tuple[Any, str]] = {
    "control_rate": (
        POSITIVE,
        "Binary: response rate of the controls. Count: their events per unit of time.",
    ),
    "odds_ratio": (POSITIVE, "Binary: odds ratio, active over control, such as 2.2."),
    "risk_difference": (
        click.FloatRange(-1, 1, True, True),
        "Binary: difference in response rates, active minus control.",
    ),
    "risk_ratio": (POSITIVE, "Binary: ratio of response rates, active over control."),
    "rate_ratio": (POSITIVE, "Count: rate ratio, active over control, such as 0.8."),
    "exposure": (POSITIVE, "Count: time that each participant is followed.  [default: 1]"),
    "dispersion": (click.FloatRange(0), "Count: k of a negative binomial, variance μ + kμ².  [default: 0]"),
    "control_median": (
        POSITIVE,
        "Survival: median time to the event of the controls; all times have one unit.",
    ),
    "hazard_ratio": (POSITIVE, "Survival: hazard ratio, active over control, such as 0.7."),
    "accrual": (click.FloatRange(0), "Survival: time from the first participant to the last one."),
    "duration": (POSITIVE, "Survival: time from the first participant to the analysis."),
    "loss": (SHARE, "Survival: share that would be lost in one unit of time.  [default: 0]"),
}


def outcome_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --scale and the numbers of every scale to a command."""
    for name, (kind, text) in reversed(_OPTIONS.items()):
        command = click.option(f"--{name.replace('_', '-')}", type=kind, help=text)(command)
    return click.option(
        "--scale",
        type=click.Choice(SCALES),
        default="continuous",
        show_default=True,
        help="What kind of outcome it is; the other options say for which kind they are.",
    )(command)
