"""Sizes, savings, power over size, looks, months and money of one state, all by formula."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from trialsim.design.control_arm import savings_frame
from trialsim.explore.answers.looks import Looks, looks_of
from trialsim.explore.answers.plain import plain, rows_of
from trialsim.explore.answers.state import State, command_of, size_options
from trialsim.study.from_numbers.sized import size_from_numbers

if TYPE_CHECKING:
    from trialsim.design.sizes import Size
    from trialsim.study.from_numbers.sized import Sized

CURVES = ("unadjusted", "ancova", "undiscounted", "discounted")
FIGURES = ("undiscounted", "discounted", "worst_plausible")
_POINTS = 30
_FARTHEST = 1.7


def design_answer(state: State) -> dict[str, Any]:
    """Return everything that the design view shows of a state but its frontier.

    Parameters
    ----------
    state : mapping
        As `read_state` gives it.

    Returns
    -------
    dict
        JSON types. ``sizes`` and ``savings`` are what ``trialsim size --json`` prints for ``command``;
        ``rows`` has one row an analysis, with looks, months and money.

    Raises
    ------
    DesignError
        No trial within the allowed size reaches the power, or a number is out of range.
    """
    options = size_options(state)
    answer = size_from_numbers(options)
    looks = looks_of(int(state["looks"]), state["alpha"], state["power"])
    table = answer.table.to_frame()
    return plain(
        {
            "state": dict(state),
            "command": command_of(options),
            "headline": answer.headline,
            "analysis": answer.analysis,
            "warnings": _warnings(state, answer),
            "sizes": rows_of(savings_frame(answer.found, answer.analysis)),
            "savings": rows_of(table[table["gain"].isin(answer.gains)]),
            "rows": [_row(name, state, answer, looks) for name in ("unadjusted", "ancova", *FIGURES)],
            "curve": _curve(state, answer, looks),
            "looks": _look_rows(looks),
        }
    )


def size_of(name: str, answer: Sized) -> Size:
    """Return the size of an analysis, or of a figure of the score, of a trial with one look."""
    of_figures = {str(one.figure): one.prognostic for one in answer.found}
    return {"unadjusted": answer.unadjusted, "ancova": answer.found[0].ancova, **of_figures}[name]


def with_looks(size: Size, inflation: float) -> tuple[int, int]:
    """Return controls and active participants of a trial with looks, each rounded up.

    Examples
    --------
    >>> from trialsim.design import Size
    >>> with_looks(Size(100, 200, 0.9), 1.0), with_looks(Size(100, 200, 0.9), 1.016)
    ((100, 200), (102, 204))
    """
    control, active = (math.ceil(n * inflation - 1e-9) for n in (size.controls, size.active))
    return control, active


def months_of(state: State, participants: float) -> tuple[float | None, float | None]:
    """Return the months of enrolment, and until the last outcome; None without a rate of enrolment."""
    if not state["per_month"]:
        return None, None
    enrolment = participants / state["per_month"]
    after = (
        max(state["duration"] - state["accrual"], 0.0) if state["scale"] == "survival" else state["follow_up"]
    )
    return enrolment, enrolment + after


def _row(name: str, state: State, answer: Sized, looks: Looks) -> dict[str, Any]:
    one = size_of(name, answer)
    controls, active = with_looks(one, looks.inflation)
    enrolment, months = months_of(state, controls + active)
    prices = answer.prices
    money = prices.control * controls + prices.active * active + prices.month * (enrolment or 0.0)
    expected = (one.controls + one.active) * looks.inflation * looks.expected_share
    return {
        "analysis": name,
        "controls": controls,
        "active": active,
        "total": controls + active,
        "one_look": one.total,
        "expected": expected if len(looks.information) > 1 else None,
        "power": answer.power_of(name, controls / looks.inflation, active / looks.inflation),
        "enrolment_months": enrolment,
        "months": months,
        "cost": money if money > 0 else None,
    }


def _curve(state: State, answer: Sized, looks: Looks) -> dict[str, Any]:
    """Return the power of each analysis over the participants, at the asked allocation."""
    totals = [size_of(name, answer).total * looks.inflation for name in CURVES]
    most = _FARTHEST * max(totals[1:])
    participants = np.linspace(max(6.0, 0.1 * min(totals)), most, _POINTS)
    share = state["ratio"] / (1 + state["ratio"])

    def power(name: str, total: float) -> float:
        one_look = total / looks.inflation
        return answer.power_of(name, one_look * (1 - share), one_look * share)

    return {
        "participants": participants,
        **{name: [power(name, float(total)) for total in participants] for name in CURVES},
    }


def _look_rows(looks: Looks) -> dict[str, Any]:
    return {
        "inflation": looks.inflation,
        "rows": [
            {
                "look": k + 1,
                "information": looks.information[k],
                "bound": looks.bounds[k],
                "stops_if_it_works": looks.stops[k],
                "stops_under_the_null": looks.stops_under_null[k],
            }
            for k in range(len(looks.information))
        ],
    }


def _warnings(state: State, answer: Sized) -> list[str]:
    found = [] if answer.warning is None else [answer.warning]
    if state["scale"] == "survival" and state["per_month"]:
        enrolment = size_of("ancova", answer).total / state["per_month"]
        if abs(enrolment - state["accrual"]) > 0.1 * max(state["accrual"], 1.0):
            found.append(
                f"{state['per_month']:g} a month take {enrolment:.1f} months to enrol, and the formula "
                f"assumes {state['accrual']:g} months"
            )
    saved = answer.found[0].participants_saved
    if saved and not answer.found[-1].participants_saved:
        found.append("if the score is as weak as its lower bound, it saves nobody")
    return found
