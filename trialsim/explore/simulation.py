"""A simulation of the design on the page: in its own process, with progress, and an end at any time."""

from __future__ import annotations

import math
import multiprocessing
import secrets
import threading
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from typing import Any

from trialsim.errors import TrialsimError
from trialsim.explore.answers.state import size_options
from trialsim.explore.background import quiet_child

MOST_REPLICATES = 20_000
BLOCK = 250
_WAIT_SECONDS = 10.0


class Simulation:
    """One simulation: its events so far, and those to come.

    Parameters
    ----------
    state : mapping
        The design.
    replicates : int
        Of each cell.
    sized_for : str
        Figure whose size the trial with the score has.
    """

    def __init__(self, state: Mapping[str, Any], replicates: int, sized_for: str) -> None:
        self.name = secrets.token_hex(8)
        self._events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._ended = False
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        self._process = context.Process(
            target=simulate, args=(dict(state), replicates, sized_for, there), daemon=True
        )
        self._process.start()
        there.close()
        threading.Thread(target=self._listen, args=(here,), daemon=True).start()

    def _listen(self, here: Connection) -> None:
        try:
            while True:
                self._add(here.recv())
        except (EOFError, OSError):
            pass
        self._process.join()
        if not self._ended:
            self._add({"kind": "failed", "problem": "the simulation ended without an answer"})

    def _add(self, event: dict[str, Any]) -> None:
        with self._changed:
            if not self._ended:
                self._events.append(event)
                self._ended = event["kind"] in ("done", "failed", "cancelled")
                self._changed.notify_all()

    def cancel(self) -> None:
        """End the simulation now; what it found so far stays."""
        self._add({"kind": "cancelled"})
        self._process.terminate()

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield every event from the first on, and wait for the next until the simulation ends."""
        seen = 0
        while True:
            with self._changed:
                if len(self._events) == seen and not self._ended:
                    self._changed.wait(_WAIT_SECONDS)
                fresh, ended = self._events[seen:], self._ended
            # A page that went away is noticed only when something is sent.
            yield from fresh or ([] if ended else [{"kind": "waiting"}])
            seen += len(fresh)
            if ended and seen == len(self._events):
                return


def simulate(state: dict[str, Any], replicates: int, sized_for: str, there: Connection) -> None:
    """Simulate both designs, with and without the score, block by block in turn, and send what is found."""
    quiet_child()
    try:
        for event in found_by(state, replicates, sized_for):
            there.send(event)
    except TrialsimError as refusal:
        there.send({"kind": "failed", "problem": str(refusal)})
    except BrokenPipeError:
        return
    finally:
        there.close()


def found_by(
    state: Mapping[str, Any], replicates: int, sized_for: str, block: int = BLOCK
) -> Iterator[dict[str, Any]]:
    """Yield what is known after each round of blocks: claims and trials of each design in each world.

    Parameters
    ----------
    state : mapping
        As `read_state` gives it.
    replicates : int
        Trials of each design in each world.
    sized_for : str
        Figure whose size the trial with the score has. In the simulated world the score is as strong as it
        is undiscounted.
    block : int
        Trials between two events.
    """
    from trialsim.explore.answers.design import size_of
    from trialsim.study.from_numbers.sized import size_from_numbers
    from trialsim.study.running import InProcess

    # Of laws without covariates, nothing can be adjusted for but the score.
    without = "ancova" if state["scale"] == "continuous" else "unadjusted"
    answer = size_from_numbers(size_options(state))
    runs = []
    for name, design in (("without", without), ("with", sized_for)):
        size = size_of(design, answer)
        power = answer.power_of(without if name == "without" else "undiscounted", size.controls, size.active)
        planned = _planned(state, design, name == "with", replicates, block)
        runs += [(name, work, cell) for work, cell in planned]
        yield {"kind": "planned", "design": name, "sized_for": design, "power": power,
               "participants": planned[0][1].participants}  # fmt: skip
    sums: dict[int, Any] = {}
    rounds = math.ceil(replicates / block)
    for index in range(rounds):
        for place, (_, work, cell) in enumerate(runs):
            found = next(InProcess().run(work, [(cell, index)]))
            sums[place] = found.sums if place not in sums else sums[place] + found.sums
        rows = [
            {"design": name, "world": cell.kind, **_rate(sums[place])}
            for place, (name, _, cell) in enumerate(runs)
        ]
        yield {"kind": "round", "done": index + 1, "rounds": rounds, "rows": rows}
    yield {"kind": "done"}


def _rate(sums: Any) -> dict[str, float]:
    """Return claims, trials, their rate, and its Monte Carlo standard error."""
    claims, trials = next(iter(sums.rejections()))
    rate = claims / trials
    return {"claims": claims, "trials": trials, "rate": rate, "error": math.sqrt(rate * (1 - rate) / trials)}


def _planned(
    state: Mapping[str, Any], sized_for: str, scored: bool, replicates: int, block: int
) -> list[tuple[Any, Any]]:
    """Return work and cell of the alternative and of the null, of the analysis with or without the score."""
    from trialsim.explore.answers.saved import protocol_tables
    from trialsim.protocol.declared import trial_from_dict
    from trialsim.study.bundles import declared_work
    from trialsim.study.declared import plan_trial
    from trialsim.study.people.registers import Registers

    tables = protocol_tables(state, sized_for=sized_for)
    kept = [one for one in tables["analyses"] if bool(one.get("adjust")) == scored]
    tables |= {
        "analyses": kept[-1:],
        "scenarios": [one for one in tables["scenarios"] if one["kind"] != "other"],
        "simulation": {"replicates": replicates, "block": block},
    }
    trial, registers = trial_from_dict(tables), Registers()
    work = declared_work(trial, registers)
    return [(work, cell) for cell in plan_trial(trial, register_of=registers).cells]
