"""``--from PROTOCOL``: numbers of a command taken from a protocol, each of which an option overrides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


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
