"""Ctrl-C: heard at any moment, once, and without a traceback."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Raises `KeyboardInterrupt` as Python does, and remembers that it was asked for.

    Python drops an exception that is raised while compiled code calls back, such as a compiler's; then
    `check_interrupt` raises it at the next step of progress.
    """

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Remember, and raise."""
        self.asked = True
        raise KeyboardInterrupt


@contextmanager
def hear_interrupts() -> Iterator[None]:
    """Hear Ctrl-C as long as the context is open."""
    before, unraisable = signal.getsignal(signal.SIGINT), sys.unraisablehook
    if before is not signal.default_int_handler:
        # Started in the background, or by a program that handles it by itself.
        yield
        return

    def mute(fault: sys.UnraisableHookArgs) -> None:
        if not issubclass(fault.exc_type, KeyboardInterrupt):
            unraisable(fault)

    signal.signal(signal.SIGINT, Interrupts())
    sys.unraisablehook = mute
    try:
        yield
    finally:
        sys.unraisablehook = unraisable
        signal.signal(signal.SIGINT, before)


def check_interrupt() -> None:
    """Raise `KeyboardInterrupt` if Ctrl-C was pressed and did not get through."""
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, Interrupts) and handler.asked:
        raise KeyboardInterrupt


def leave_interrupted() -> None:
    """Make ready to exit after Ctrl-C: with our own exit code, whatever is pressed from now on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # An interrupt in the midst of an `exec`, as imports do, marks the interpreter to die of the signal
    # instead of returning our exit code; the next `exec` unmarks it.
    exec("")  # noqa: S102 - a constant
