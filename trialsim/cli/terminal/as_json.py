"""``--json`` on every command: what it would print, as one JSON object of one form."""

from __future__ import annotations

import functools
import io
import json
import math
import sys
from contextlib import redirect_stdout
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "trialsim.output/1"
HELP = "Print one JSON object in place of text: docs/commands.md."

OUTPUT_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "What a command of trialsim prints with --json",
    "type": "object",
    "additionalProperties": False,
    "required": ["format", "version", "command", "exit_code", "error", "said", "facts", "tables"],
    "properties": {
        "format": {"const": FORMAT},
        "version": {"type": "string", "description": "Version of trialsim."},
        "command": {
            "type": "string",
            "description": "The command without its arguments, such as cohort check.",
        },
        "exit_code": {"type": "integer", "description": "0, or as docs/commands.md says."},
        "error": {
            "type": ["string", "null"],
            "description": "Why the command was refused; null if it was not.",
        },
        "said": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The sentences that the command prints, one a line.",
        },
        "facts": {
            "type": "object",
            "description": "Single values by name, such as the root hash of a run; null if not finite.",
        },
        "tables": {
            "type": "object",
            "description": "Tables by name, each a list of rows; a row has a value for each column.",
            "additionalProperties": {"type": "array", "items": {"type": "object"}},
        },
    },
}


@dataclass
class Collected:
    """What a command says, while it is asked for JSON.

    Parameters
    ----------
    command : str
        Its name, without arguments.
    said : list of str
        Sentences.
    facts : dict
        Single values by name.
    tables : dict of str to list of dict
        Tables by name, each as rows.
    printed : bool
        Whether it has been printed already, by a command that does not end.
    out : text file, optional
        Where it is printed; standard output if it is None.
    """

    command: str
    said: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    printed: bool = False
    out: TextIO | None = None

    def add_table(self, name: str, frame: pd.DataFrame) -> None:
        """Add a table; a second one of the same name gets a number."""
        key = _key(name)
        number = sum(one == key or one.rpartition("_")[0] == key for one in self.tables)
        rows = frame.to_json(orient="records", double_precision=15, default_handler=str)
        self.tables[f"{key}_{number + 1}" if number else key] = json.loads(rows)

    def text(self, exit_code: int = 0, error: str | None = None) -> str:
        """Return the JSON object."""
        from trialsim.version import __version__

        content = {
            "format": FORMAT,
            "version": __version__,
            "command": self.command,
            "exit_code": exit_code,
            "error": error,
            "said": self.said,
            "facts": {name: _plain(value) for name, value in self.facts.items()},
            "tables": self.tables,
        }
        return json.dumps(content, indent=2, ensure_ascii=False, default=str)


_NOW: ContextVar[Collected | None] = ContextVar("collected", default=None)


def collected() -> Collected | None:
    """Return what is being collected, or None where the command prints text."""
    return _NOW.get()


def offer_json(command: click.Command) -> None:
    """Give a command, or each command of a group, the option ``--json``."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            offer_json(inner)
        return
    if any("--json" in option.opts for option in command.params):
        return
    command.params.append(click.Option(["--json", "as_json"], is_flag=True, help=HELP))
    answer = command.callback
    assert answer is not None

    @functools.wraps(answer)
    def shown(*words: Any, as_json: bool, **given: Any) -> None:
        if not as_json:
            answer(*words, **given)
            return
        context = click.get_current_context()
        found, text = Collected(_name(context), out=sys.stdout), io.StringIO()
        token = _NOW.set(found)
        try:
            with redirect_stdout(text):
                answer(*words, **given)
        finally:
            _NOW.reset(token)
        if not found.printed:
            found.said += [line.rstrip() for line in text.getvalue().splitlines() if line.strip()]
            click.echo(found.text())

    command.callback = shown


def print_now(found: Collected) -> None:
    """Print what was collected so far to the real output: for a command that goes on until it is stopped."""
    click.echo(found.text(), file=found.out)
    if found.out is not None:
        found.out.flush()
    found.printed = True


def refused(problem: str, exit_code: int) -> str:
    """Return the JSON object of a command that was refused."""
    named = [word for word in sys.argv[1:3] if not word.startswith("-")]
    return Collected(" ".join(named[:1])).text(exit_code, problem)


def _name(context: click.Context) -> str:
    words: list[str] = []
    while context.parent is not None:
        words.insert(0, str(context.info_name))
        context = context.parent
    return " ".join(words)


def _key(title: str) -> str:
    """Return a title as a key: its first part in lower case, with underscores."""
    words = title.split(",")[0].split("(")[0].strip().lower()
    return "_".join("".join(letter if letter.isalnum() else " " for letter in words).split()) or "table"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
