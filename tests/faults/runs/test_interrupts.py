"""An interrupt that Python drops, because compiled code was calling back, is heard all the same."""

from __future__ import annotations

import subprocess
import sys

SWALLOWED = """
import ctypes, os, signal
from trialsim.cli.terminal.interrupt import check_interrupt, hear_interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)

def press():
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass
    return 0

with hear_interrupts():
    check_interrupt()
    ctypes.CFUNCTYPE(ctypes.c_int)(press)()
    print("swallowed")
    try:
        check_interrupt()
    except KeyboardInterrupt:
        print("heard")
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


def test_an_interrupt_that_was_dropped_is_heard_at_the_next_step() -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["swallowed", "heard"]
    assert done.stderr == ""


IN_AN_EXEC = """
import os, signal, sys
from trialsim.cli.terminal.interrupt import hear_interrupts, leave_interrupted
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with hear_interrupts():
        exec("import os, signal\\nos.kill(os.getpid(), signal.SIGINT)\\nfor _ in range(1000): pass")
except KeyboardInterrupt:
    leave_interrupted()
    os.kill(os.getpid(), signal.SIGINT)
    sys.exit(130)
"""


def test_the_exit_code_is_ours_wherever_the_interrupt_came() -> None:
    done = subprocess.run([sys.executable, "-c", IN_AN_EXEC], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
