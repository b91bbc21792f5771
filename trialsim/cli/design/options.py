"""Options that the methods of ``trialsim design`` share, and lists of numbers on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

RATE = click.FloatRange(0, 1, min_open=True, max_open=True)
POSITIVE = click.FloatRange(0, min_open=True)


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between, such as 0.5,0.75,1."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Return the numbers of a text."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers. Mend: write them with commas, such as 0.5,1")


class Pieces(click.ParamType[tuple[tuple[float, ...], tuple[float, ...]]]):
    """A rate that changes over time, such as 1@0,0.58@6: 1 from 0 on, 0.58 from 6 on."""

    name = "rate[@start],..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return rates and starts of a text."""
        if isinstance(value, tuple):
            return value
        try:
            parts = [part.split("@") for part in str(value).split(",")]
            rates = tuple(float(part[0]) for part in parts)
            starts = tuple(float(part[1]) if len(part) > 1 else 0.0 for part in parts)
        except (ValueError, IndexError):
            self.fail(f"{value!r} is no rate over time. Mend: write rate@start, such as 1@0,0.58@6")
        return rates, starts


NUMBERS, PIECES = Numbers(), Pieces()


def level_options(*, alpha: float = 0.025, allocation: bool = True, power: bool = True) -> Callable[..., Any]:
    """Return a decorator with the level, the power and the allocation."""

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        method = click.option(
            "--alpha",
            type=click.FloatRange(0, 0.5, True, True),
            default=alpha,
            show_default=True,
            help="Type I error that is accepted. It is one-sided, unless the first lines "
            "above say two-sided.",
        )(method)
        if power:
            method = click.option(
                "--power",
                type=RATE,
                default=0.9,
                show_default=True,
                help="Power that the trial should have: a probability, such as 0.9.",
            )(method)
        if allocation:
            method = click.option(
                "--allocation",
                type=POSITIVE,
                default=1.0,
                show_default=True,
                help="Active participants for each control: 1 is 1:1, 2 is two active to one control.",
            )(method)
        return method

    return decorate


direction_option = click.option(
    "--direction",
    type=click.Choice(["greater", "less"]),
    help="Side on which a result lets the trial claim: greater or less than the null. "
    " [default: that of the effect; of a margin, greater]",
)
total_option = click.option(
    "--total",
    type=POSITIVE,
    help="Participants in both arms together: the answer is then their power, not a size.",
)
limits_option = click.option(
    "--limits",
    type=NUMBERS,
    help="Lower and upper limit, such as -0.5,0.5: the trial shows equivalence, by "
    "two one-sided tests at --alpha each.",
)


def equivalence_limits(limits: tuple[float, ...], alpha: float, allocation: float = 1.0) -> Any:
    """Return limits of equivalence from the option."""
    from trialsim.design.other_trials import EquivalenceLimits
    from trialsim.errors import DesignError

    if len(limits) != 2:
        raise DesignError("must be two numbers, the lower first", field="--limits", value=limits)
    return EquivalenceLimits(limits[0], limits[1], alpha, allocation)
