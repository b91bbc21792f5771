"""Blocks on a Dask cluster: a running one by its address, or one of processes on this machine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from multiprocessing import resource_tracker
from typing import Any

from distributed import Client, Future, KilledWorker, LocalCluster, WorkerPlugin
from distributed.comm import connect
from threadpoolctl import threadpool_limits

from trialsim.errors import InputError, WorkError
from trialsim.study.running.backend import BLOCKS_A_WORKER, KEPT, Submit, shielded, steadily
from trialsim.study.running.checkpoints import code_hash
from trialsim.study.running.work import BlockResult, Task, Work

LOCAL = "local"
LOST = "the connection to the Dask scheduler was lost"
CONNECT_SECONDS = 5
ANSWER_SECONDS = 15
IMPORT_SECONDS = 60
TRANSFER_SECONDS = 600
IDLE_SECONDS = 30
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
        with _hushed(), _connect(scheduler) as client:
            yield Cluster(client)
        return
    with _hushed(), ExitStack() as stack:
        with shielded(resource_tracker.ensure_running):
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            )
            client = stack.enter_context(Client(cluster, set_as_default=False))
        try:
            yield Cluster(client)
        finally:
            with shielded(resource_tracker.ensure_running):
                stack.close()


@contextmanager
def _connect(address: str) -> Iterator[Client]:
    try:
        # Dask's own client waits for ever on a port that listens and never answers.
        asyncio.run(asyncio.wait_for(_greet(address), CONNECT_SECONDS))
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError, ImportError) as fault:
        raise InputError(
            f"no Dask scheduler answers within {CONNECT_SECONDS} s ({type(fault).__name__})",
            field="--scheduler",
            value=address,
            mend="start one with `dask scheduler`, check address and firewall, or leave --scheduler out",
        ) from None
    with client:
        _check_workers(client, address)
        yield client


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep Dask's own log quiet: its warnings of what befalls a cluster would bury our one message."""
    names = [
        name
        for name in logging.root.manager.loggerDict
        if name.partition(".")[0] in ("distributed", "tornado")
    ]
    levels = {name: logging.getLogger(name).level for name in (*names, "asyncio")}
    try:
        for name in levels:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


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
    for worker, theirs in _answers(client, address).items():
        if isinstance(theirs, OSError):
            raise InputError(
                f"the worker {worker} was lost while it imported trialsim ({theirs})",
                field="--scheduler",
                value=address,
                mend="see its log; give it 1 GB of memory or more",
            )
        if theirs != ours:
            raise InputError(
                f"the worker {worker} has other versions than this process ({_difference(ours, theirs)})",
                field="--scheduler",
                value=address,
                mend="install the same versions on every machine",
            )


def _answers(client: Client, address: str) -> dict[str, object]:
    """Return the versions of every worker, or what it raised instead."""
    try:
        answers: dict[str, object] = _within(IMPORT_SECONDS, client, client.run, _versions, on_error="return")
        return answers
    except TimeoutError:
        raise InputError(
            f"a worker does not answer within {IMPORT_SECONDS} s",
            field="--scheduler",
            value=address,
            mend="start the workers again",
        ) from None


def _within(
    seconds: float, client: Client, method: Callable[..., Any], *arguments: Any, **options: Any
) -> Any:
    """Return what a client's method answers, or raise TimeoutError: a frozen scheduler never answers."""

    async def ask() -> Any:
        return await method(*arguments, **options)

    return client.sync(ask, callback_timeout=seconds)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in MUST_AGREE} | {"trialsim's source": code_hash()[:12]}


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
                scattered[id(large)] = self._ask(
                    TRANSFER_SECONDS,
                    self.client.scatter,
                    large,
                    broadcast=True,
                    hash=False,
                    timeout=IDLE_SECONDS,
                )
            return scattered[id(large)]

        def submit(task: Task) -> Future:
            call = work.call(task)
            large = () if call.large is None else (scatter(call.large),)
            return self.client.submit(call.function, *large, *call.arguments, pure=False)

        self._await_workers()
        self._ask(ANSWER_SECONDS, self.client.register_plugin, OneThread())
        try:
            yield submit
        finally:
            with suppress(WorkError):
                self._ask(POLL_SECONDS, self.client.unregister_worker_plugin, OneThread.name)

    def _ask(self, seconds: float, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Return what a client's method answers, or say that the scheduler was lost."""
        try:
            return _within(seconds, self.client, method, *arguments, **options)
        except (OSError, TimeoutError) as fault:
            raise WorkError(f"{LOST} ({type(fault).__name__}); {KEPT}") from fault

    def _await_workers(self) -> None:
        try:
            self.client.wait_for_workers(1, timeout=IDLE_SECONDS)
        except (OSError, TimeoutError):
            raise WorkError(f"for {IDLE_SECONDS} s the Dask scheduler has had no worker; {KEPT}") from None

    def _wait(self, future: Future) -> BlockResult[Any]:
        """Return a block, or say what became of the cluster."""
        idle_since = None
        while True:
            try:
                block: BlockResult[Any] = future.result(timeout=POLL_SECONDS)
                return block
            except TimeoutError:
                pass
            except OSError as fault:
                raise WorkError(f"{LOST} ({type(fault).__name__}); {KEPT}") from fault
            hindrance = self._hindrance()
            if hindrance is None:
                idle_since = None
                continue
            idle_since = idle_since or time.monotonic()
            if time.monotonic() - idle_since > IDLE_SECONDS:
                raise WorkError(f"for {IDLE_SECONDS} s the Dask scheduler has had {hindrance}; {KEPT}")

    def _hindrance(self) -> str | None:
        """Return what keeps every worker from working, or None."""
        if self.client.status != "running":
            raise WorkError(f"{LOST}; {KEPT}")
        facts = self._ask(ANSWER_SECONDS, self.client.scheduler.identity)
        statuses = {worker["status"] for worker in facts["workers"].values()}
        if "running" in statuses:
            return None
        if "paused" in statuses:
            return (
                "only workers that are paused for want of memory; use fewer workers or give them more memory"
            )
        return "no worker"
