"""In which order files of tests are handed to several processes.

Two kinds of files take long: those that compile the analyses' kernels, and those that sample and simulate.
They are handed out by turns, so that processes seldom compile the same kernel at the same time; the longest
kinds come first and doctests last, so that no process is left alone with a long file at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

COMPILE = ("statistical", "analysis", "conformance", "independent", "property")
SIMULATE = ("prognosis", "study", "faults", "cli", "design", "trial", "report", "population")


def order(files: Iterable[str]) -> list[str]:
    """Return files in the order in which they are handed out.

    Examples
    --------
    >>> order(["trialsim/data.py", "tests/cli/test_b.py", "tests/analysis/test_a.py"])
    ['tests/cli/test_b.py', 'tests/analysis/test_a.py', 'trialsim/data.py']
    """

    def kind(file: str) -> str:
        parts = Path(file).parts
        return parts[1] if parts[0] == "tests" and len(parts) > 2 else ""

    place: dict[str, tuple[float, int]] = {}
    unique = sorted(set(files))
    compiling = [file for file in unique if kind(file) in COMPILE]
    others = [file for file in unique if kind(file) not in COMPILE]
    for turn, (kinds, some) in enumerate(((COMPILE, compiling), (SIMULATE, others))):
        # Files of no named kind, doctests among them, are short: they come last.
        ranked = sorted(
            some, key=lambda file: (kinds.index(kind(file)) if kind(file) in kinds else len(kinds), file)
        )
        place |= {file: ((k + 0.5) / len(ranked), turn) for k, file in enumerate(ranked)}
    return sorted(unique, key=lambda file: place[file])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the tests of a worker by file; the scheduler hands the files out as they come."""
    if not hasattr(config, "workerinput"):
        return
    ranks = {file: rank for rank, file in enumerate(order(item.nodeid.split("::")[0] for item in items))}
    items.sort(key=lambda item: ranks[item.nodeid.split("::")[0]])
