"""What happened in a run, in its order: a log whose every event holds the hash of the one before."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from trialsim.study.bundles.alone.files import UnsoundError, file_sha256
from trialsim.study.bundles.alone.sealing import BLOCKS, LOG, PLACE_OF_ROOT, canonical, log_head
from trialsim.study.bundles.record import block_line
from trialsim.study.running.work import BlockResult

PROTOCOL_FROZEN, HISTORY_OPENED, PLAN_FROZEN = "protocol frozen", "history opened", "plan frozen"
RESUMED, FIRST_OUTCOME, LAST_OUTCOME = "resumed", "first outcome", "last outcome"


@dataclass(frozen=True)
class Event:
    """Something that happened in a run.

    Parameters
    ----------
    time : str
        When, in UTC.
    event : str
        What.
    of : str
        SHA-256 of what it is about.
    """

    time: str
    event: str
    of: str


def now() -> str:
    """Return the time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class RunLog:
    """The log of a run: each event is on the disk before the run goes on.

    A log that a stopped run of the same protocol left is gone on with; any other is replaced.

    Parameters
    ----------
    path : Path
        One line an event.
    before : sequence of Event
        What happened before there was a folder to write to; the first is of the protocol.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     log = RunLog(Path(place) / "log.jsonl", [Event(now(), PROTOCOL_FROZEN, "0" * 64)])
    ...     log.add(PLAN_FROZEN, "1" * 64)
    ...     print(log_head((Path(place) / "log.jsonl").read_bytes().splitlines())["events"])
    2
    """

    def __init__(self, path: Path, before: Sequence[Event]) -> None:
        self._path = path
        self._number, self._head = 0, PLACE_OF_ROOT
        if self._go_on(before[0]):
            self.add(RESUMED, before[0].of)
            return
        path.unlink(missing_ok=True)
        for one in before:
            self._write(one)

    def _go_on(self, first: Event) -> bool:
        """Return whether a log of the same protocol is there to go on with."""
        try:
            lines = self._path.read_bytes().splitlines()
            found = log_head(lines)
        except (OSError, UnsoundError):
            return False
        self._number, self._head = found["events"], found["head"]
        return bool(lines) and f'"of":"{first.of}"'.encode() in lines[0]

    def add(self, event: str, of: str) -> None:
        """Add an event that happens now, and the hash of what it is about."""
        self._write(Event(now(), event, of))

    def _write(self, one: Event) -> None:
        said = {"event": one.event, "of": one.of, "time": one.time}
        line = canonical({"number": self._number, "before": self._head, **said})
        with self._path.open("ab") as handle:
            handle.write(line + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
        self._number, self._head = self._number + 1, sha256(line).hexdigest()

    def around(self, record: Callable[[BlockResult[Any]], None]) -> Callable[[BlockResult[Any]], None]:
        """Return what records blocks and puts the first of them into the log."""
        seen = False

        def logged(block: BlockResult[Any]) -> None:
            nonlocal seen
            if not seen:
                self.add(FIRST_OUTCOME, sha256(block_line(block)).hexdigest())
            seen = True
            record(block)

        return logged

    def close(self, folder: Path) -> None:
        """Log the last outcome, and put the log into the bundle."""
        self.add(LAST_OUTCOME, file_sha256(folder / BLOCKS, BLOCKS))
        (folder / LOG).write_bytes(self._path.read_bytes())


def run_log(scratch: Path, before: Sequence[Event]) -> RunLog:
    """Open the log of a run beside the temporary folder of its bundle, where it outlives a run that stops."""
    return RunLog(scratch.parent / "log.jsonl", before)
