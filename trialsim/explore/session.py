"""What one start of the explorer knows and answers: the page's questions by their address."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialsim.errors import DesignError
from trialsim.explore.answers.controls import shown_controls
from trialsim.explore.answers.design import design_answer
from trialsim.explore.answers.plain import plain
from trialsim.explore.answers.state import QUICK, SIZED_FOR, read_state
from trialsim.explore.background import answer_elsewhere, quiet_child
from trialsim.explore.simulation import MOST_REPLICATES, Simulation
from trialsim.explore.starting import Beginning, Started, beginning_of

if TYPE_CHECKING:
    from trialsim.explore.participants.people import People

Answer = dict[str, Any]
_KEPT_SIMULATIONS = 4


class Session:
    """Questions of a page, answered; one a start.

    Parameters
    ----------
    started : Started
        What was given.
    cache : Path, optional
        Folder of fitted posteriors.
    """

    def __init__(self, started: Started, cache: Path | None = None) -> None:
        self._started, self._cache = started, cache
        self._simulations: dict[str, Simulation] = {}
        self._lock = threading.Lock()
        # Formulas answer in turn: two at once would only wait for each other, and each for longer.
        self._formulas = threading.Lock()
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="reading")
        self._beginning: Future[Beginning] = self._readers.submit(beginning_of, started)
        self._workers: ProcessPoolExecutor | None = None
        self.reads: dict[str, Callable[[], Answer]] = {
            "/api/start": self._start,
            "/api/people": lambda: self._people.offer(),
        }
        self.answers: dict[str, Callable[[Answer], Answer]] = {
            "/api/design": self._design,
            "/api/frontier": self._frontier,
            "/api/pareto": self._pareto,
            "/api/protocol": self._protocol,
            "/api/confirm": self._confirm,
            "/api/cancel": self._cancel,
            "/api/learn": lambda _: self._people.learn(),
            "/api/person": lambda asked: self._people.person(asked),
            "/api/whatif": lambda asked: self._people.what_if(asked),
        }

    @cached_property
    def _people(self) -> People:
        # Fits and disease models take a second to be loaded.
        from trialsim.explore.participants.people import People

        return People(self._started, self._cache)

    def close(self) -> None:
        """End everything that still runs."""
        with self._lock:
            for one in self._simulations.values():
                one.cancel()
        if self._workers is not None:
            for process in list(self._workers._processes.values()):
                process.terminate()
            self._workers.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)

    def events_of(self, job: str) -> Iterator[Answer] | None:
        """Return the events of a simulation; None if there is none of this name."""
        with self._lock:
            found = self._simulations.get(job)
        return None if found is None else found.events()

    def _start(self) -> Answer:
        beginning = self._beginning.result()
        state = read_state(beginning.state)
        return plain(
            {
                "kind": self._started.kind,
                "title": self._started.title,
                "warnings": self._started.warnings,
                "notes": beginning.notes,
                "state": state,
                "controls": shown_controls(state),
                "methods": QUICK,
                "people": self._started.has_people,
            }
        )

    def _design(self, asked: Answer) -> Answer:
        with self._formulas:
            return design_answer(read_state(asked.get("state")))

    def _frontier(self, asked: Answer) -> Answer:
        state, methods, cap = (
            read_state(asked.get("state")),
            asked.get("methods", ["prognostic"]),
            asked.get("cap"),
        )
        if not isinstance(methods, list) or not all(isinstance(one, str) for one in methods):
            raise DesignError("must be a list of names", field="methods")
        if cap is not None and (isinstance(cap, bool) or not isinstance(cap, int | float) or not 0 < cap < 1):
            raise DesignError("must lie in (0, 1)", field="cap")
        return self._elsewhere("frontier", state, methods, cap)

    def _pareto(self, asked: Answer) -> Answer:
        return self._elsewhere("pareto", read_state(asked.get("state")), asked.get("grid", {}))

    def _elsewhere(self, name: str, *arguments: Any) -> Answer:
        """Compute in another process, so that sliders are not kept waiting."""
        with self._lock:
            if self._workers is None:
                self._workers = ProcessPoolExecutor(1, get_context("spawn"), quiet_child)
            workers = self._workers
        try:
            return workers.submit(answer_elsewhere, name, *arguments).result()
        except BrokenProcessPool:
            with self._lock:
                self._workers = None
            raise DesignError("was lost with its process", field="answer", mend="ask again") from None

    def _protocol(self, asked: Answer) -> Answer:
        title, sized_for = asked.get("title", ""), asked.get("sized_for", "discounted")
        if not isinstance(title, str):
            raise DesignError("must be text", field="title")
        if sized_for not in SIZED_FOR:
            raise DesignError("is no figure to size for", field="sized_for")
        from trialsim.explore.answers.saved import protocol_of

        with self._formulas:
            saved = protocol_of(read_state(asked.get("state")), title, sized_for)
        return {"text": saved.text, "notes": list(saved.notes)}

    def _confirm(self, asked: Answer) -> Answer:
        replicates = asked.get("replicates", 4000)
        if isinstance(replicates, bool) or replicates not in range(250, MOST_REPLICATES + 1):
            raise DesignError(f"must be a whole number from 250 to {MOST_REPLICATES:,}", field="replicates")
        sized_for = asked.get("sized_for", "undiscounted")
        if sized_for not in SIZED_FOR[1:]:
            raise DesignError("is no figure to size for", field="sized_for")
        state = read_state(asked.get("state"))
        with self._formulas:
            design_answer(state)
        with self._lock:
            for one in self._simulations.values():
                one.cancel()
            made = Simulation(state, int(replicates), sized_for)
            self._simulations[made.name] = made
            for name in list(self._simulations)[:-_KEPT_SIMULATIONS]:
                del self._simulations[name]
        return {"job": made.name}

    def _cancel(self, asked: Answer) -> Answer:
        with self._lock:
            found = self._simulations.get(str(asked.get("job", "")))
        if found is None:
            raise DesignError("is no simulation of this start", field="job")
        found.cancel()
        return {"cancelled": found.name}
