"""What the processes do that the explorer starts."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any


def quiet_child() -> None:
    """Leave an interruption to the server, which ends its processes itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def answer_elsewhere(name: str, *arguments: Any) -> dict[str, Any]:
    """Return the answer of a name: what takes seconds, and would keep sliders waiting.

    Raises
    ------
    KeyError
        There is no such answer.
    """
    from trialsim.explore.answers.frontier import frontier_answer
    from trialsim.explore.answers.pareto import pareto_answer

    answers: dict[str, Callable[..., dict[str, Any]]] = {"frontier": frontier_answer, "pareto": pareto_answer}
    return answers[name](*arguments)
