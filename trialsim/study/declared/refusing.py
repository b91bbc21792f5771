"""How a refusal of the engine becomes one of the user's file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial
from trialsim.registry import Reader, reader, served


def unserved(analysis: str, outcome: str) -> ProtocolError:
    """Return the refusal of an analysis that the engine has no reader of for an outcome."""
    return ProtocolError(
        f"does not read a {outcome} outcome",
        field="analyses",
        value=analysis,
        mend=f"use {', '.join(served(outcome))}",
    )


@contextmanager
def refusing(field: str) -> Iterator[None]:
    """Turn a refusal of the engine into one of the file's table."""
    try:
        yield
    except DesignError as fault:
        inner = f"{field} ({fault.field})" if fault.field else field
        raise ProtocolError(fault.problem, field=inner, value=fault.value, mend=fault.mend) from None


def null_of(analysis: AnalysisDeclared, reads: Reader) -> tuple[float, ...]:
    """Return what claims of an analysis are held against, on the scale of its estimate.

    Examples
    --------
    >>> from trialsim.registry import reader
    >>> null_of(AnalysisDeclared(kind="cox", null=(0.8, 1.25)), reader("cox", "time_to_event"))
    (-0.2231435513142097, 0.22314355131420976)
    """
    return tuple(math.log(one) if reads.of_a_ratio else one for one in analysis.limits)


def reader_of(trial: DeclaredTrial, analysis: AnalysisDeclared) -> Reader:
    """Return how an analysis reads the outcome of a trial.

    Raises
    ------
    ProtocolError
        It does not.
    """
    found = reader(analysis.kind, trial.outcome.kind)
    if found is None:
        raise unserved(analysis.kind, trial.outcome.kind)
    return found
