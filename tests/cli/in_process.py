"""The command line in this process: quick, and seen by the debugger."""

from __future__ import annotations

import sys

import pytest

from trialsim.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["trialsim", *arguments])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
