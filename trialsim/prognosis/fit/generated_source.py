"""The source that PyTensor generates, out of the way of whoever runs a fit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Never by a C compiler: no number depends on whether there is one. Sums in the order that they are written
# in: where numba may reorder them, that order, and so every draw, depends on what its cache held already.
REPEATABLE: dict[str, Any] = {"cxx": "", "numba__fastmath": False}


@contextmanager
def tidied() -> Iterator[None]:
    """Have temporary files that are made meanwhile go at the end.

    PyTensor's numba backend writes the source of each compiled operation to a temporary file that it never
    deletes. Numba reads it only while it compiles: machine code and cache do without.
    """
    usual = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="trialsim-") as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = usual
