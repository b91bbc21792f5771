"""How few controls each way to use a history needs, and at what type I error, for a state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from trialsim.design import control_frontier
from trialsim.errors import DesignError
from trialsim.explore.answers.design import size_of
from trialsim.explore.answers.plain import plain, rows_of
from trialsim.explore.answers.state import QUICK, State, size_options
from trialsim.study.from_numbers.borrowed import (
    METHODS,
    borrowing_methods,
    borrowing_question,
    method_suits,
    twin_prior,
)
from trialsim.study.from_numbers.scale import SCALE_NUMBERS
from trialsim.study.from_numbers.sized import size_from_numbers

REPLICATES, SEED = 4000, 20261121


def frontier_answer(state: State, methods: Sequence[str], cap: float | None = None) -> dict[str, Any]:
    """Return the frontier of some methods, as ``trialsim frontier --json`` prints it for ``command``.

    Parameters
    ----------
    state : mapping
        As `read_state` gives it. The active arm is that of the analysis with the baseline alone.
    methods : sequence of str
        Some of `QUICK`.
    cap : float, optional
        Type I error that is accepted; the state's if not given.

    Raises
    ------
    DesignError
        A method that the page does not offer, or a number out of range.
    """
    if unknown := [name for name in methods if name not in QUICK]:
        raise DesignError(
            "is no method that answers at once", field="methods", value=str(unknown[0])[:40],
            mend=f"use {', '.join(QUICK)}; trialsim frontier has {', '.join(METHODS)}",
        )  # fmt: skip
    asked = frontier_options(state) | ({} if cap is None else {"cap": cap})
    shared = {name: asked[name] for name in ("active", "history", "correlation", "power", "alpha")}
    shared |= {"type_one_cap": asked["cap"], "replicates": REPLICATES, "seed": SEED}
    numbers = {name: asked.get(name) for name in SCALE_NUMBERS}
    scale, effect, sd = asked["scale"], asked.get("effect"), asked.get("sd")
    question = borrowing_question(scale, effect, sd, asked["drift"], asked["dropout"], shared, numbers)
    known = borrowing_methods(asked["between_sd"], twin_prior(asked["between_sd"], 1.0, ()), 1.0,
                              question.drift_unit)  # fmt: skip
    chosen = [known[name] for name in methods if method_suits(name, asked["scale"], asked["correlation"])]
    frame = control_frontier(question, chosen).to_frame()
    return plain(
        {
            "command": _command(asked, methods),
            "active": question.active,
            "drift_unit": question.drift_unit,
            "cap": asked["cap"],
            "rows": rows_of(frame),
        }
    )


def frontier_options(state: State) -> dict[str, Any]:
    """Return the options of ``trialsim frontier`` that a state stands for.

    Examples
    --------
    >>> from trialsim.explore.answers.state import read_state
    >>> options = frontier_options(read_state({}))
    >>> options["active"], round(options["correlation"], 4)
    (194, 0.4854)
    """
    options = {name: state[name] for name in (*SCALE_NUMBERS, "effect", "sd") if state.get(name) is not None}
    if "effect" in options:
        options["effect"] = abs(options["effect"])
    baseline, score = state["baseline_correlation"], max(state["partial_correlation"], 0.0)
    return options | {
        "scale": state["scale"],
        "active": size_of("ancova", size_from_numbers(size_options(state))).active,
        "history": int(state["history"]),
        "correlation": math.sqrt(1 - (1 - baseline**2) * (1 - score**2)),
        "power": state["power"],
        "alpha": state["alpha"],
        "cap": max(state["cap"], state["alpha"]),
        "drift": state["drift"],
        "dropout": max(state.get("dropout", 0.0), state.get("dropout_active", 0.0)),
        "between_sd": state["between_sd"],
    }


def _command(asked: dict[str, Any], methods: Sequence[str]) -> str:
    words = [f"--{name.replace('_', '-')} {value if isinstance(value, str) else repr(value)}"
             for name, value in asked.items()]  # fmt: skip
    return " ".join(["trialsim frontier", *words, *(f"--method {name}" for name in methods)])
