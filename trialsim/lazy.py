"""Doors of rooms: what a room offers is imported when it is first asked for.

A room's ``__init__`` lists what it offers once, as imports that only type checkers and editors read::

    if TYPE_CHECKING:
        from trialsim.analysis.survival.log_rank_test import LogRankResult, log_rank
    else:
        __getattr__, __dir__ = lazy_door(__name__)

At run time `lazy_door` reads the same lines, so that ``trialsim.analysis.survival.log_rank`` imports one
module and not the whole room. An import from the room itself, such as ``from trialsim.analysis import
survival``, is a sub-room.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def lazy_door(room: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a room that imports its names on first use.

    Parameters
    ----------
    room : str
        The room, which is ``__name__`` in its ``__init__``.

    Returns
    -------
    tuple of two functions
        ``__getattr__``, which imports the module of a name and returns what it calls so, and ``__dir__``, the
        sorted names (PEP 562).

    Raises
    ------
    ImportError
        If the room's source is not there to be read.

    Examples
    --------
    >>> get, names = lazy_door("trialsim.report")
    >>> names()
    ['write_trial_report', 'write_twins_report']
    >>> get("write_trial_report").__module__
    'trialsim.report.trial_page'
    >>> get("write_paper")
    Traceback (most recent call last):
        ...
    AttributeError: module 'trialsim.report' has no attribute 'write_paper'
    """
    offered = offers(room)

    def get(name: str) -> Any:
        if name not in offered:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        module, called = offered[name]
        return import_module(f"{room}.{called}") if module == room else getattr(import_module(module), called)

    return get, lambda: sorted(offered)


def offers(room: str) -> dict[str, tuple[str, str]]:
    """Return what a room offers: each name, the module that it is in, and what that module calls it.

    Examples
    --------
    >>> offers("trialsim.report")["write_trial_report"]
    ('trialsim.report.trial_page', 'write_trial_report')
    """
    spec = sys.modules[room].__spec__ if room in sys.modules else find_spec(room)
    source = getattr(spec and spec.loader, "get_source", lambda _: None)(room)
    if source is None:
        raise ImportError(f"the source of {room} is not there, and its names are read from it")
    guarded = [node.body for node in ast.parse(source).body if isinstance(node, ast.If)]
    lines = [line for body in guarded for line in body if isinstance(line, ast.ImportFrom) and line.module]
    return {a.asname or a.name: (str(line.module), a.name) for line in lines for a in line.names}
