"""Which back end computes the blocks: this process, workers on this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trialsim.errors import InputError
from trialsim.study.running.backend import Backend, InProcess, Processes


@contextmanager
def open_backend(workers: int = 1, scheduler: str | None = None) -> Iterator[Backend]:
    """Open the place where blocks are computed; no number depends on which one it is.

    Parameters
    ----------
    workers : int
        Processes on this machine, at least 1. A running cluster has its own.
    scheduler : str, optional
        ``"local"`` for a Dask cluster of `workers` processes on this machine, or the address of a running
        Dask scheduler, such as ``"tcp://10.0.0.1:8786"``.

    Yields
    ------
    Backend

    Raises
    ------
    InputError
        No scheduler answers at the address, it has no workers, or they run another version.

    Examples
    --------
    >>> with open_backend(1) as backend:
    ...     print(backend.workers)
    1
    """
    if workers < 1:
        raise InputError("must be at least 1", field="workers", value=workers, mend="use one worker or more")
    if scheduler is None:
        if workers == 1:
            yield InProcess()
            return
        with Processes(workers) as processes:
            yield processes
        return
    # Dask takes a second to import, and most runs do without it.
    from trialsim.study.running.cluster import open_cluster

    with open_cluster(workers, scheduler) as cluster:
        yield cluster
