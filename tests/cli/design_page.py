"""The commands on docs/design.md and what they print; run as a program it writes the page's output again."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from trialsim.cli.commands import commands

PAGE = Path(__file__).parents[2] / "docs" / "design.md"
BLOCK = re.compile(
    r"```console\n\$ trialsim (?P<command>(?:[^\n]*\\\n)*[^\n]*)\n(?P<output>.*?)```", re.DOTALL
)


def printed(command: str) -> str:
    """Return what a command prints, without blanks at the ends of lines."""
    words = shlex.split(command.replace("\\\n", " "))
    result = CliRunner().invoke(commands, words, catch_exceptions=False)
    assert result.exit_code == 0, command
    lines = [line.rstrip() for line in result.output.splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def examples(text: str) -> list[tuple[str, str]]:
    """Return the commands of a page with the output that stands below each."""
    return [(found["command"], found["output"]) for found in BLOCK.finditer(text)]


def main() -> None:
    """Write the output of every command on the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(
        BLOCK.sub(lambda f: f"```console\n$ trialsim {f['command']}\n{printed(f['command'])}```", text),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
