"""Where blocks are computed: in this process, in workers, or on a cluster; the bytes are the same."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, fields
from functools import lru_cache, partial
from itertools import chain
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import numpy as np
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.backend import resource_tracker as loky_tracker
from joblib.externals.loky.process_executor import BrokenProcessPool
from threadpoolctl import threadpool_limits

from trialsim.errors import InputError, WorkError
from trialsim.study.running.lock import scratch_folder
from trialsim.study.running.work import BlockResult, Task, Work

Submit = Callable[[Any], Any]

ATTEMPTS = 3
BLOCKS_A_WORKER = 2
LARGE_PARTS_A_WORKER = 4
ORPHAN_CHECK_SECONDS = 1.0
TAKE_UP_SECONDS = 1.0
KEPT = "finished blocks are kept: run the same command again to go on from there"


class Backend(Interface):
    """A place that computes blocks."""

    @property
    def workers(self) -> int:
        """Blocks that are computed at a time."""

    def run(self, work: Work, tasks: Iterable[Task]) -> Iterator[BlockResult[Any]]:
        """Compute blocks, and yield them in the order of the tasks, which are taken only when needed."""


@dataclass(frozen=True)
class InProcess:
    """Blocks one after the other in this process."""

    workers: int = 1

    def run(self, work: Work, tasks: Iterable[Task]) -> Iterator[BlockResult[Any]]:
        """Compute blocks as they are asked for."""
        # A BLAS that splits a sum over threads changes its last digits; one thread never does.
        with threadpool_limits(limits=1):
            for task in tasks:
                yield work.call(task).compute()


@dataclass
class Processes:
    """Blocks in joblib's worker processes on this machine.

    Within ``with Processes(n):`` the workers stay from one run to the next, since starting them costs
    seconds; else they live as long as a run does.

    Parameters
    ----------
    workers : int
        Processes.
    """

    workers: int
    _stay: bool = field(default=False, init=False, repr=False)
    _kept: _Workers | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> Processes:
        self._stay = True
        return self

    def __exit__(self, *_: object) -> None:
        self._stay = False
        self._dismiss()

    def _dismiss(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.dismiss()

    @contextmanager
    def _send(self) -> Iterator[Callable[..., Any]]:
        """Give the function that sends work to the workers, who stay only if all of it is done at the end."""
        if self._kept is None:
            self._kept = _Workers(self.workers)
        workers, sound = self._kept, False
        try:
            yield workers.send
            sound = True
        except GeneratorExit:
            sound = True
            raise
        finally:
            if not (sound and self._stay and workers.are_idle()):
                self._dismiss()

    def run(self, work: Work, tasks: Iterable[Task]) -> Iterator[BlockResult[Any]]:
        """Compute blocks a few a worker ahead of what was asked for."""
        with scratch_folder() as folder:
            session = partial(self._session, work, _SharedFiles(folder))
            yield from steadily(session, tasks, BLOCKS_A_WORKER * self.workers, (BrokenProcessPool,))

    @contextmanager
    def _session(self, work: Work, files: _SharedFiles) -> Iterator[Submit]:
        with self._send() as send:

            def submit(task: Task) -> Any:
                call = work.call(task)
                if call.large is None:
                    return send(call.function, *call.arguments)
                large = files.folder_of(call.large), type(call.large)
                return send(_compute_mapped, call.function, *large, call.arguments)

            yield submit


class _SharedFiles:
    """Large parts as files: workers map one copy of each, since sending it with every block costs more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[int, tuple[Path, Any]] = {}

    def folder_of(self, large: Any) -> Path:
        """Return where the arrays of a large part are, written when it is first asked for."""
        if id(large) not in self._written:
            # The part is kept with its folder, so that no other one can come to have its identity.
            self._written[id(large)] = _write_arrays(large, self._folder / f"{len(self._written)}"), large
        return self._written[id(large)][0]


def map_blocks(function: Callable[[int], Any], blocks: Iterable[int], workers: int = 1) -> Iterator[Any]:
    """Yield what a pure function makes of block indices, in their order, with any number of workers.

    Parameters
    ----------
    function : callable
        From the index of a block to its result; its chance comes from streams named by the index.
    blocks : iterable of int
        Indices, taken a few a worker ahead of what was asked for.
    workers : int
        Processes on this machine.

    Returns
    -------
    iterator
        One value for each block.

    Raises
    ------
    WorkError
        Workers were lost again and again at the same block, or memory ran out.

    Examples
    --------
    >>> list(map_blocks(lambda index: index**2, range(4)))
    [0, 1, 4, 9]
    """
    if workers == 1:
        with threadpool_limits(limits=1):
            yield from map(function, blocks)
        return

    @contextmanager
    def session() -> Iterator[Submit]:
        with _executor(workers) as send:
            yield partial(send, function)

    yield from steadily(session, blocks, BLOCKS_A_WORKER * workers, (BrokenProcessPool,))


@contextmanager
def shielded(*ensure_trackers: Callable[[], None]) -> Iterator[None]:
    """Hold Ctrl-C back while workers are started; they, and threads that start others, never get it.

    A terminal interrupts every process of a command. Workers would complain in the midst of their imports,
    before they can be told to leave it to their parent, who ends them.

    Parameters
    ----------
    *ensure_trackers : callable
        Each starts a process that tracks the workers' resources. They are started before, because starting
        one lets Ctrl-C through.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    for ensure in ensure_trackers:
        ensure()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Workers:
    """Worker processes, started when the first block is sent."""

    def __init__(self, workers: int) -> None:
        self._executor = ProcessPoolExecutor(workers, initializer=_prepare_worker, initargs=(os.getpid(),))
        self._last: deque[Future[Any]] = deque(maxlen=1)
        self._open: set[Future[Any]] = set()

    def send(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return the future of a call."""
        with shielded(loky_tracker.ensure_running, resource_tracker.ensure_running):
            future = self._executor.submit(function, *arguments)
        # Results are large: futures are forgotten when they are done.
        self._last.append(future)
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        return future

    def are_idle(self) -> bool:
        """Return whether nothing that was sent is left to do."""
        return all(future.done() for future in list(self._open))

    def dismiss(self) -> None:
        """End the workers, whatever they do."""
        # The executor's thread stumbles over a task that it has yet to take up, and over one that is
        # cancelled, and then leaves the workers alive.
        try:
            _await_taken_up(self._last)
        finally:
            self._executor.shutdown(wait=True, kill_workers=True)


@contextmanager
def _executor(workers: int) -> Iterator[Callable[..., Any]]:
    made = _Workers(workers)
    try:
        yield made.send
    finally:
        made.dismiss()


def _await_taken_up(sent: Iterable[Future[Any]]) -> None:
    """Wait until an executor has taken up tasks, which takes it milliseconds if it still works at all."""
    deadline = time.monotonic() + TAKE_UP_SECONDS
    for future in sent:
        while not (future.running() or future.done()) and time.monotonic() < deadline:
            time.sleep(0.001)


def steadily(
    session: Callable[[], AbstractContextManager[Submit]],
    tasks: Iterable[Any],
    window: int,
    lost: tuple[type[BaseException], ...],
    wait: Callable[[Any], Any] = lambda future: future.result(),
) -> Iterator[Any]:
    """Yield the results of tasks in their order, through the loss of workers.

    Parameters
    ----------
    session : callable
        Opens workers: a context that gives a function from a task to its future.
    tasks : iterable
        Taken one by one as results are asked for.
    window : int
        Futures at a time, so that memory holds that many blocks.
    lost : tuple of exception types
        What a future raises when its worker was lost. Its task, and those after it, are then given to
        a new session; blocks are pure, so that nothing is doubled.
    wait : callable
        From a future to its result.

    Raises
    ------
    WorkError
        Workers were lost again and again at the same block, or memory ran out.
    """
    source = iter(tasks)
    issued: deque[Any] = deque()
    again: deque[Any] = deque()

    def issue() -> Iterator[Any]:
        for task in chain(_drain(again), source):
            issued.append(task)
            yield task

    losses = 0
    while True:
        try:
            with session() as submit:
                for block in _in_order(submit, issue(), window, wait):
                    issued.popleft()
                    losses = 0
                    yield block
            return
        except lost as fault:
            again.extendleft(reversed(issued))
            issued.clear()
            losses += 1
            if losses == ATTEMPTS:
                raise WorkError(
                    f"workers were lost {ATTEMPTS} times at the same block ({type(fault).__name__}): they "
                    f"were killed, most often for want of memory; use fewer workers; {KEPT}"
                ) from fault
        except MemoryError as fault:
            raise WorkError(f"a worker ran out of memory; use fewer workers; {KEPT}") from fault


def _drain(queue: deque[Any]) -> Iterator[Any]:
    while queue:
        yield queue.popleft()


def _in_order(submit: Submit, tasks: Iterator[Any], window: int, wait: Callable[[Any], Any]) -> Iterator[Any]:
    pending: deque[Any] = deque()
    for task in tasks:
        pending.append(submit(task))
        if len(pending) >= window:
            yield wait(pending.popleft())
    while pending:
        yield wait(pending.popleft())


def _prepare_worker(parent: int) -> None:
    """Hold a worker to one thread, leave Ctrl-C to its parent, and let it end when its parent does."""
    threadpool_limits(limits=1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _compute_mapped(
    function: Callable[..., BlockResult[Any]], folder: Path, kind: Any, arguments: tuple[Any, ...]
) -> BlockResult[Any]:
    return function(_map_arrays(folder, kind), *arguments)


def _write_arrays(large: Any, folder: Path) -> Path:
    try:
        folder.mkdir()
        for field in fields(large):
            np.save(folder / f"{field.name}.npy", getattr(large, field.name), allow_pickle=False)
    except OSError as fault:
        raise InputError(
            f"the participants cannot be written for the workers: {fault.strerror or fault}",
            file=folder.parent,
            mend="free space there, name another folder in TMPDIR, or use --workers 1",
        ) from None
    return folder


@lru_cache(maxsize=LARGE_PARTS_A_WORKER)
def _map_arrays(folder: Path, kind: Any) -> Any:
    """Return a large part as read-only maps of its files; work comes in the plan's order, so few are kept."""
    return kind(
        **{
            field.name: np.load(folder / f"{field.name}.npy", mmap_mode="r", allow_pickle=False)
            for field in fields(kind)
        }
    )
