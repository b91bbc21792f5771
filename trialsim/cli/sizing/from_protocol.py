"""``--from PROTOCOL``: numbers of a command taken from a protocol, each of which an option overrides."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

# Which of a protocol's numbers the frontier takes as they are.
_OF_FRONTIER = (
    "scale", "active", "history", "sd", "power", "alpha", "control_rate", "odds_ratio", "rate_ratio",
    "exposure", "dispersion", "control_median", "hazard_ratio", "accrual", "duration", "loss",
)  # fmt: skip
_NOT_OF_SIZE = ("active", "history")
_CONTINUOUS = ("largest_trial",)


def from_option(take: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., Any]:
    """Return the option; `take` turns a protocol's numbers into defaults of the command's options."""

    def read(context: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
        if path is None or context.resilient_parsing:
            return
        from trialsim.errors import InputError
        from trialsim.protocol.declared import read_trial
        from trialsim.study.sizing.numbers import planning_numbers

        try:
            numbers = planning_numbers(read_trial(path), path.parent)
        except InputError as refusal:
            refusal.file = refusal.file or path
            raise
        context.default_map = take(numbers)

    return click.option(
        "--from",
        "protocol",
        type=click.Path(path_type=Path),
        callback=read,
        is_eager=True,
        expose_value=False,
        metavar="PROTOCOL",
        help="Take the numbers from a protocol, a TOML file; an option that is given goes before.",
    )


def for_size(numbers: dict[str, Any]) -> dict[str, Any]:
    """Return defaults of ``trialsim size``."""
    kept = {name: value for name, value in numbers.items() if name not in _NOT_OF_SIZE}
    if numbers["scale"] != "continuous":
        kept = {name: value for name, value in kept.items() if name not in _CONTINUOUS}
    return kept


def for_frontier(numbers: dict[str, Any]) -> dict[str, Any]:
    """Return defaults of ``trialsim frontier``: more is better, and one correlation of all that is used."""
    kept = {name: numbers[name] for name in _OF_FRONTIER if name in numbers}
    if "effect" in numbers:
        kept["effect"] = abs(numbers["effect"])
    if numbers["scale"] != "survival":
        kept["dropout"] = max(numbers.get("dropout", 0.0), numbers.get("dropout_active", 0.0))
    baseline, score = (numbers.get(name, 0.0) for name in ("baseline_correlation", "partial_correlation"))
    kept["correlation"] = math.sqrt(1 - (1 - baseline**2) * (1 - score**2))
    return kept
