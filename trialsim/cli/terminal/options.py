"""Options that several commands share."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from trialsim.errors import HistoryError, InputError


def names_the_file(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command such that a refusal without a file names the history or the protocol."""

    @functools.wraps(command)
    def named(*, protocol: Path, history: Path | None, **options: Any) -> None:
        try:
            command(protocol=protocol, history=history, **options)
        except InputError as refusal:
            if refusal.file is None:
                of_history = isinstance(refusal, HistoryError) and history is not None
                refusal.file = history if of_history else protocol
            raise

    return named


def _usable_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _writable(_context: click.Context, _parameter: click.Parameter, folder: Path) -> Path:
    """Refuse a folder that cannot be made and written, now rather than after the fit that it is for."""
    made: list[Path] = []
    try:
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as fault:
        raise InputError(
            f"cannot be written: {fault.strerror}",
            field="--cache",
            value=str(folder),
            mend="give a folder that can be written, by --cache or TRIALSIM_CACHE",
        ) from None
    finally:
        for path in made:
            with suppress(OSError):
                path.rmdir()
    return folder


history_option = click.option(
    "--history",
    type=click.Path(path_type=Path),
    help="CSV or Parquet file of past placebo participants; the protocol's [history] "
    "table says what its columns are.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 512),
    default=_usable_cores,
    show_default="all cores",
    help="Number of processes that simulate; the results do not depend on it.",
)
cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: Path(os.environ.get("TRIALSIM_CACHE", Path.home() / ".cache" / "trialsim")),
    callback=_writable,
    show_default="$TRIALSIM_CACHE or ~/.cache/trialsim",
    help="Folder in which fitted models are kept, so that the same fit is not made twice.",
)
scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Simulate on a Dask cluster: tcp://HOST:PORT of a running one, or 'local' to start one here.",
)
bundle_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder in which the run bundle is written.",
)
