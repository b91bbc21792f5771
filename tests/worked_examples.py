"""Examples on a page that run as they stand.

- ```` ```LANGUAGE NAME ```` is written to the file NAME;
- ```` ```python ```` is executed, all of a page or section in one namespace;
- ```` ```sh ```` has a command of `trialsim` on every line, ``*`` as in a shell;
- ```` ```python slow ```` and ```` ```sh slow ```` take minutes.

Blocks without a language, and TOML without a name, are for reading.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from glob import glob
from pathlib import Path
from typing import Any

Block = tuple[str, str, str]
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks_of(text: str) -> list[Block]:
    """Return language, name and text of each block of code that has a language."""
    return _BLOCK.findall(text)


def commands_of(text: str) -> list[list[str]]:
    """Return the words of each command of a block, its wildcards filled in where the block is run."""
    lines = text.strip().replace("\\\n", " ").splitlines()
    return [[found for word in shlex.split(line) for found in _filled(word)] for line in lines]


def _filled(word: str) -> list[str]:
    return sorted(glob(word)) if "*" in word and glob(word) else [word]


def run_blocks(
    blocks: Iterable[Block],
    folder: Path,
    source: str,
    namespace: dict[str, Any],
    run: Callable[..., int],
) -> None:
    """Run blocks in order, in the current folder; a command that is refused fails the test."""
    for language, name, text in blocks:
        if name and name != "slow":
            (folder / name).write_text(text, encoding="utf-8")
        elif language == "python":
            exec(compile(text, source, "exec"), namespace)
        elif language == "sh":
            for line in text.strip().replace("\\\n", " ").splitlines():
                (words,) = commands_of(line)
                assert words[0] == "trialsim", line
                assert run(*words[1:]) == 0, line
