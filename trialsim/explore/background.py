"""What every process that the explorer starts does first."""

from __future__ import annotations

import signal


def quiet_child() -> None:
    """Leave an interruption to the server, which ends its processes itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
