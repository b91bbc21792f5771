"""Blocks on a Dask cluster: a running one by its address, or one of processes on this machine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

from distributed import Client, Future, KilledWorker, LocalCluster, WorkerPlugin
from distributed.comm import connect
from threadpoolctl import threadpool_limits

from trialsim.errors import InputError, WorkError
from trialsim.study.backend import BLOCKS_A_WORKER, KEPT, Submit, steadily
from trialsim.study.work import BlockResult, Task, Work

LOCAL = "local"
LOST = "the connection to the Dask scheduler was lost"
CONNECT_SECONDS = 5
NO_WORKER_SECONDS = 30
POLL_SECONDS = 2
MUST_AGREE = ("trialsim", "numpy", "scipy", "pandas", "numba")


class OneThread(WorkerPlugin):
    """Holds the linear algebra of a worker to one thread while a study runs there."""

    name = "trialsim-one-thread"

    def setup(self, worker: object) -> None:
        """Set the limit."""
        self._limits = threadpool_limits(limits=1)

    def teardown(self, worker: object) -> None:
        """Lift the limit."""
        self._limits.restore_original_limits()


@contextmanager
def open_cluster(workers: int, scheduler: str) -> Iterator[Cluster]:
    """Connect to a Dask cluster, or start one of `workers` processes if `scheduler` is ``"local"``.

    Raises
    ------
    InputError
        No scheduler answers, it has no workers, or they run other versions.
    """
    if scheduler != LOCAL:
        with _connect(scheduler) as client:
            yield Cluster(client)
        return
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield Cluster(client)


@contextmanager
def _connect(address: str) -> Iterator[Client]:
    quiet = logging.getLogger("distributed")
    level = quiet.level
    # Its warnings of a failed handshake would bury our one message.
    quiet.setLevel(logging.CRITICAL)
    try:
        # Dask's own client waits for ever on a port that listens and never answers.
        asyncio.run(asyncio.wait_for(_greet(address), CONNECT_SECONDS))
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError, ImportError) as fault:
        quiet.setLevel(level)
        raise InputError(
            f"no Dask scheduler answers within {CONNECT_SECONDS} s ({type(fault).__name__})",
            field="--scheduler",
            value=address,
            mend="start one with `dask scheduler`, check address and firewall, or leave --scheduler out",
        ) from None
    try:
        with client:
            _check_workers(client, address)
            yield client
    finally:
        quiet.setLevel(level)


async def _greet(address: str) -> None:
    """Shake hands with a scheduler, and hang up."""
    connection = await connect(address, timeout=CONNECT_SECONDS)
    connection.abort()


def _check_workers(client: Client, address: str) -> None:
    """Refuse a cluster without workers, or whose workers could compute other bytes."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError:
        raise InputError(
            "the scheduler has no workers",
            field="--scheduler",
            value=address,
            mend=f"start workers with `dask worker {address}`",
        ) from None
    ours = _versions()
    for worker, theirs in client.run(_versions, on_error="return").items():
        if theirs != ours:
            raise InputError(
                f"the worker {worker} has other versions than this process ({_difference(ours, theirs)})",
                field="--scheduler",
                value=address,
                mend="install the same versions on every machine",
            )


def _versions() -> dict[str, str]:
    return {name: version(name) for name in MUST_AGREE}


def _difference(ours: dict[str, str], theirs: object) -> str:
    if not isinstance(theirs, dict):
        return f"trialsim cannot be imported there: {theirs}"
    return ", ".join(
        f"{name} {theirs.get(name)} instead of {found}"
        for name, found in ours.items()
        if theirs.get(name) != found
    )


@dataclass(frozen=True)
class Cluster:
    """Blocks in the workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
        A connection that is open.
    """

    client: Client

    @property
    def workers(self) -> int:
        """Threads of all workers."""
        return max(1, sum(self.client.nthreads().values()))

    def run(self, work: Work, tasks: Iterable[Task]) -> Iterator[BlockResult[Any]]:
        """Compute blocks a few a worker ahead of what was asked for."""
        session = partial(self._session, work)
        try:
            yield from steadily(session, tasks, BLOCKS_A_WORKER * self.workers, (CancelledError,), self._wait)
        except KilledWorker as fault:
            raise WorkError(
                f"workers were killed again and again at the same block, most often for want of memory; "
                f"give workers more memory; {KEPT}"
            ) from fault

    @contextmanager
    def _session(self, work: Work) -> Iterator[Submit]:
        scattered: dict[int, Future] = {}

        def scatter(large: Any) -> Future:
            # Each large part travels once to every worker, so that the loss of one does not lose it.
            if id(large) not in scattered:
                scattered[id(large)] = self.client.scatter(large, broadcast=True, hash=False)
            return scattered[id(large)]

        def submit(task: Task) -> Future:
            call = work.call(task)
            try:
                large = () if call.large is None else (scatter(call.large),)
                return self.client.submit(call.function, *large, *call.arguments, pure=False)
            except (OSError, TimeoutError) as fault:
                raise WorkError(f"{LOST}; {KEPT}") from fault

        try:
            self.client.register_plugin(OneThread())
        except (OSError, TimeoutError) as fault:
            raise WorkError(f"{LOST}; {KEPT}") from fault
        try:
            yield submit
        finally:
            with suppress(OSError, TimeoutError):
                self.client.unregister_worker_plugin(OneThread.name)

    def _wait(self, future: Future) -> BlockResult[Any]:
        """Return a block, or say what became of the cluster."""
        alone_since = None
        while True:
            try:
                block: BlockResult[Any] = future.result(timeout=POLL_SECONDS)
                return block
            except TimeoutError:
                pass
            if self._has_workers():
                alone_since = None
                continue
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > NO_WORKER_SECONDS:
                raise WorkError(f"the Dask scheduler has had no worker for {NO_WORKER_SECONDS} s; {KEPT}")

    def _has_workers(self) -> bool:
        try:
            if self.client.status == "running":
                return bool(self.client.nthreads())
        except (OSError, TimeoutError):
            pass
        raise WorkError(f"{LOST}; {KEPT}")
