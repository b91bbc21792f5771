"""The source that PyTensor generates, out of the way of whoever runs a fit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


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
