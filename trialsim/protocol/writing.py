"""Files that are complete or absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trialsim.errors import InputError


@contextmanager
def whole_file(path: Path, error: type[InputError] = InputError) -> Iterator[Path]:
    """Give a scratch path beside a file, which takes the file's place once it is written.

    Parameters
    ----------
    path : Path
        The file; its folder is made where it is missing.
    error : type
        What is raised where it cannot be written.

    Raises
    ------
    InputError
        The file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, whole_file(Path(folder) / "in" / "a.txt") as scratch:
    ...     _ = scratch.write_text("all of it")
    """
    scratch = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield scratch
        os.replace(scratch, path)
    except OSError as fault:
        raise error(f"cannot be written: {fault.strerror}", file=path, mend="choose another file") from None
    finally:
        scratch.unlink(missing_ok=True)
