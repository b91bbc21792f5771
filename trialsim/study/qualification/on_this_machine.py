"""Every oracle on this machine, with a record of what is installed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialsim.progress import Progress, silent
from trialsim.study.bundles.machine import machine, versions
from trialsim.study.qualification import bounds, comparisons, sizes, survival
from trialsim.study.qualification.oracle import Held, Oracle

_COLUMNS = ("number", "ours", "published", "digits", "tolerance", "passes", "source", "problem")
STAGE = "compute published numbers"


@dataclass(frozen=True)
class Qualification:
    """What published numbers come out as on this machine.

    Parameters
    ----------
    held : tuple of Held
        One a number.
    seconds : float
        What it took.
    versions, machine : dict
        What is installed, and on what.
    """

    held: tuple[Held, ...]
    seconds: float
    versions: dict[str, str]
    machine: dict[str, Any]

    @property
    def passes(self) -> bool:
        """Whether every number passes, and there is one."""
        return bool(self.held) and all(one.passes for one in self.held)

    def in_words(self) -> str:
        """Return the count as a sentence."""
        good, numbers = sum(one.passes for one in self.held), len(self.held)
        return f"{good} of {numbers} published numbers come out on this machine, in {self.seconds:.0f} s"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a number: ours, published, digits in common, and whether it passes."""
        rows = [
            (
                one.name,
                one.ours,
                one.published,
                one.digits,
                one.tolerance,
                one.passes,
                one.source,
                one.problem,
            )
            for one in self.held
        ]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain JSON types; a number that is none as null."""
        rows = self.to_frame().to_dict("records")
        for row in rows:
            row["ours"] = None if row["ours"] != row["ours"] else row["ours"]
        return {
            "format": "trialsim.qualification/1", "passes": self.passes, "summary": self.in_words(),
            "versions": self.versions, "machine": self.machine, "numbers": rows,
        }  # fmt: skip


def every_oracle() -> tuple[Oracle, ...]:
    """Return the published numbers that are computed on the user's machine.

    Returns
    -------
    tuple of Oracle
        Each with its source.

    Examples
    --------
    >>> len(every_oracle()) > 40
    True
    """
    return (*sizes.ORACLES, *bounds.ORACLES, *comparisons.ORACLES, *survival.ORACLES)


def qualify(oracles: tuple[Oracle, ...] | None = None, progress: Progress = silent) -> Qualification:
    """Compute published numbers here, offline, and hold ours against them.

    Parameters
    ----------
    oracles : tuple of Oracle, optional
        Which; every one unless given.
    progress : callable
        Called with stage, oracles done and oracles in all.

    Returns
    -------
    Qualification
        An oracle that fails to compute is a row that does not pass.

    Examples
    --------
    >>> from trialsim.study.qualification.sizes import ORACLES
    >>> qualify(ORACLES[:3]).passes
    True
    """
    chosen = every_oracle() if oracles is None else oracles
    start, held = time.perf_counter(), []
    for number, one in enumerate(chosen):
        progress(STAGE, number, len(chosen))
        held += one.held()
    progress(STAGE, len(chosen), len(chosen))
    return Qualification(tuple(held), time.perf_counter() - start, versions(), machine())
