"""Progress where no terminal is: plain lines, not too many, and none where it is to be quiet."""

from __future__ import annotations

import io
import time

import pytest

from trialsim.cli.terminal import progress
from trialsim.cli.terminal.progress import EVERY_SECONDS, PlainLines, progress_bars


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def told() -> tuple[PlainLines, Clock, io.StringIO]:
    out, clock = io.StringIO(), Clock()
    return PlainLines(out, clock), clock, out


def test_a_stage_is_said_when_it_begins_and_then_every_few_seconds(told) -> None:
    lines, clock, out = told
    for done in range(81):
        lines.report("simulate", 25 * done, 2000)
        clock.now += 0.125
    said = out.getvalue().splitlines()
    assert said[0] == "simulate 0/2,000"
    assert said[-1] == "simulate 2,000/2,000, 10 s"
    assert len(said) == 1 + round(10 / EVERY_SECONDS)


def test_a_step_that_says_nothing_is_said_to_go_on(told) -> None:
    lines, clock, out = told
    lines.tick()
    assert out.getvalue() == ""
    lines.report("sample posterior", 0, 1)
    for _ in range(48):
        clock.now += 0.125
        lines.tick()
    lines.report("sample posterior", 1, 1)
    assert out.getvalue().splitlines() == [
        "sample posterior", "sample posterior, 2 s", "sample posterior, 4 s", "sample posterior, 6 s",
        "sample posterior done, 6 s",
    ]  # fmt: skip


def test_short_stages_are_one_line_each(told) -> None:
    lines, clock, out = told
    for stage in ("read history", "find true values"):
        lines.report(stage, 0, 1)
        clock.now += 0.5
        lines.report(stage, 1, 1)
    assert out.getvalue().splitlines() == ["read history", "find true values"]


def test_a_pipe_gets_lines_also_while_a_step_computes(capsys, monkeypatch) -> None:
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.05)
    with progress_bars(False) as report:
        report("fit", 0, 1)
        time.sleep(0.3)
    said = capsys.readouterr()
    assert said.out == ""
    assert 2 <= said.err.count("fit") <= 8


def test_quiet_says_nothing(capsys) -> None:
    with progress_bars(True) as report:
        report("fit", 0, 1)
        report("fit", 1, 1)
    assert capsys.readouterr().err == ""
