"""Progress of a long command on standard error: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TextIO

from trialsim.cli.terminal.interrupt import check_interrupt
from trialsim.progress import silent

EVERY_SECONDS = 2.0

Report = Callable[[str, int, int], None]


@contextmanager
def progress_bars(quiet: bool) -> Iterator[Report]:
    """Yield a function of (stage, done, total) that shows on standard error how far a command is.

    On a terminal each stage has a bar. Elsewhere, as in a pipe or a log, a stage is a line when it begins,
    another every `EVERY_SECONDS` while it goes on, and one at its end if it took that long. `quiet` shows
    nothing.
    """
    shown = nullcontext(silent) if quiet else _bars() if sys.stderr.isatty() else _lines(sys.stderr)
    with shown as report:

        def progress(stage: str, done: int, total: int) -> None:
            check_interrupt()
            report(stage, done, total)

        yield progress


@contextmanager
def _bars() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Steps a second, lately."""

        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f}/s", style="progress.data.speed")

    columns = (
        TextColumn("{task.description:24s}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


class PlainLines:
    """Lines of progress for a pipe or a log.

    Parameters
    ----------
    out : text file
        Where they are written.
    clock : callable
        Seconds from any fixed moment.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._now: tuple[str, int, int] | None = None
        self._said = -float("inf")

    def report(self, stage: str, done: int, total: int) -> None:
        """Note where a stage is, and say it where it begins, or where nothing was said for a while."""
        with self._lock:
            first = stage not in self._began
            self._began.setdefault(stage, self._clock())
            self._now = stage, done, total
            ends = done >= total and self._clock() - self._began[stage] >= EVERY_SECONDS
            if first or ends or self._is_due():
                self._say()

    def tick(self) -> None:
        """Say where the last stage is, if nothing was said for a while."""
        with self._lock:
            if self._now is not None and self._is_due():
                self._say()

    def _is_due(self) -> bool:
        return self._clock() - self._said >= EVERY_SECONDS

    def _say(self) -> None:
        assert self._now is not None
        stage, done, total = self._now
        seconds = self._clock() - self._began[stage]
        counted = f" {done:,}/{total:,}" if total > 1 else " done" if done >= total else ""
        spent = f", {seconds:.0f} s" if seconds >= 1 else ""
        self._out.write(f"{stage}{counted}{spent}\n")
        self._out.flush()
        self._said = self._clock()


@contextmanager
def _lines(out: TextIO) -> Iterator[Report]:
    lines, stop = PlainLines(out), threading.Event()

    def watch() -> None:
        while not stop.wait(EVERY_SECONDS / 4):
            lines.tick()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lines.report
    finally:
        stop.set()
        watcher.join()


def stopped(blocks: int) -> str:
    """Return what an interrupted run says, by the finished blocks that it leaves."""
    if blocks == 0:
        return "Stopped. Nothing was written."
    return f"Stopped. {blocks} finished blocks are kept: the same command goes on from there."
