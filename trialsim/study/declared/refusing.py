"""How a refusal of the engine becomes one of the user's file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trialsim.errors import DesignError, ProtocolError


@contextmanager
def refusing(field: str) -> Iterator[None]:
    """Turn a refusal of the engine into one of the file's table."""
    try:
        yield
    except DesignError as fault:
        inner = f"{field} ({fault.field})" if fault.field else field
        raise ProtocolError(fault.problem, field=inner, value=fault.value, mend=fault.mend) from None
