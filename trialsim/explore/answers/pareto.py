"""Participants, months and risk over a declared grid of designs, and which of them no other one beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.errors import DesignError
from trialsim.explore.answers.design import months_of, size_of, with_looks
from trialsim.explore.answers.looks import looks_of
from trialsim.explore.answers.plain import plain
from trialsim.explore.answers.state import MOST_LOOKS, SIZED_FOR, State, size_options
from trialsim.study.from_numbers.sized import size_from_numbers

AXES = ("power", "ratio", "looks", "sized_for")
MOST_POINTS = 400
RISK_STEP = 0.005
_MEASURES = ("participants", "months", "risk")


def pareto_answer(state: State, grid: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return every design of a grid, and whether another one is at least as good in all of three measures.

    ``participants`` is the most that a trial enrols, ``months`` the expected time to the end, and ``risk``
    the chance to miss an effect that is there if the score is as weak as the worst plausible figure says,
    compared in steps of half a percent.

    Parameters
    ----------
    state : mapping
        As `read_state` gives it, with a rate of enrolment; its other numbers hold in every design.
    grid : mapping of str to sequence
        Values of ``power``, ``ratio``, ``looks`` and ``sized_for`` (one of `SIZED_FOR`).

    Raises
    ------
    DesignError
        A grid that is empty or too large, a value out of range, or no rate of enrolment.
    """
    values = _checked(grid)
    if not state["per_month"]:
        raise DesignError("is needed for months", field="per_month", mend="give participants a month")
    points = []
    for power, ratio in product(values["power"], values["ratio"]):
        asked = {**state, "power": power, "ratio": ratio}
        answer = size_from_numbers(size_options(asked))
        for looks, name in product(values["looks"], values["sized_for"]):
            bounds = looks_of(looks, state["alpha"], power)
            controls, active = with_looks(size_of(name, answer), bounds.inflation)
            expected = (controls + active) * bounds.expected_share
            weak = "ancova" if name == "ancova" else "worst_plausible"
            arms = (controls / bounds.inflation, active / bounds.inflation)
            points.append(
                {
                    "power": power, "ratio": ratio, "looks": looks, "sized_for": name,
                    "controls": controls, "participants": controls + active, "expected": expected,
                    "months": months_of(state, expected)[1], "risk": 1 - answer.power_of(weak, *arms),
                }
            )  # fmt: skip
    measures = np.array([[one[name] for name in _MEASURES] for one in points], dtype=float)
    # Whole participants make the risk jump by as much: that is no reason to enrol a hundred more.
    measures[:, 2] = np.round(measures[:, 2] / RISK_STEP)
    for point, best in zip(points, unbeaten(measures), strict=True):
        point["unbeaten"] = bool(best)
    return plain({"points": points, "measures": list(_MEASURES)})


def unbeaten(measures: Floats) -> Bools:
    """Return which rows (P,) of measures (P, K), less is better, no other row beats.

    A row beats another if it is nowhere worse and somewhere better.

    Examples
    --------
    >>> unbeaten(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]]))
    array([ True,  True, False])
    """
    no_worse = (measures[:, None, :] <= measures[None, :, :]).all(axis=2)
    better = (measures[:, None, :] < measures[None, :, :]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))


def _checked(grid: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    if not isinstance(grid, Mapping) or set(grid) != set(AXES):
        raise DesignError("must give values of every axis", field="grid", mend=f"name {', '.join(AXES)}")
    values = {name: list(dict.fromkeys(grid[name])) for name in AXES}
    allowed = {
        "power": lambda one: 0.5 <= one < 1,
        "ratio": lambda one: 0 < one <= 100,
        "looks": lambda one: one in range(1, MOST_LOOKS + 1),
    }
    for name, within in allowed.items():
        for one in values[name]:
            if isinstance(one, bool) or not isinstance(one, int | float) or not within(one):
                raise DesignError("holds a value out of range", field=f"grid.{name}", value=str(one)[:40])
    values["looks"] = [int(one) for one in values["looks"]]
    if unknown := [one for one in values["sized_for"] if one not in SIZED_FOR]:
        raise DesignError("is no figure to size for", field="grid.sized_for", value=str(unknown[0])[:40])
    count = int(np.prod([len(one) for one in values.values()]))
    if not 1 <= count <= MOST_POINTS:
        raise DesignError(f"must hold 1 to {MOST_POINTS} designs", field="grid", value=count)
    return values
