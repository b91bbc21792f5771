"""The state of a design on the page: plain numbers by name, checked, and as the commands take them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialsim.errors import DesignError
from trialsim.study.from_numbers.scale import NUMBERS_OF, SCALE_NUMBERS, SCALES

State = Mapping[str, Any]

MOST_LOOKS = 5
# Whose size a trial may have.
SIZED_FOR = ("ancova", "undiscounted", "discounted", "worst_plausible")
# Ways to borrow that are integrated in seconds. The others of `trialsim frontier` take minutes.
QUICK = ("prognostic", "map", "power", "sam", "twin", "commensurate")
DEFAULTS: dict[str, float | str | None] = {
    "scale": "continuous",
    "effect": 2.0,
    "sd": 6.0,
    **dict.fromkeys(SCALE_NUMBERS),
    "baseline_correlation": 0.3,
    "partial_correlation": 0.4,
    "partial_lower": 0.3,
    "correlation_discount": 0.9,
    "dropout": 0.1,
    "dropout_active": 0.1,
    "ratio": 1.0,
    "looks": 1,
    "power": 0.9,
    "alpha": 0.05,
    "history": 500,
    "drift": 1.0,
    "cap": 0.075,
    "between_sd": 0.05,
    "per_month": 20.0,
    "follow_up": 6.0,
    "control_price": 0.0,
    "active_price": 0.0,
    "month_price": 0.0,
}
# Where a scale is chosen on the page and its numbers were not given.
OF_SCALE: dict[str, dict[str, float]] = {
    "continuous": {"effect": 2.0, "sd": 6.0, "baseline_correlation": 0.3},
    "binary": {"control_rate": 0.3, "odds_ratio": 2.0, "baseline_correlation": 0.3},
    "count": {
        "control_rate": 0.2, "rate_ratio": 0.7, "exposure": 12.0, "dispersion": 0.5,
        "baseline_correlation": 0.3,
    },
    "survival": {
        "control_median": 12.0, "hazard_ratio": 0.7, "accrual": 18.0, "duration": 30.0, "loss": 0.0,
        "baseline_correlation": 0.3,
    },
}  # fmt: skip
# Options of `trialsim size` that the page does not show, at the values that the command takes without them.
NOT_SHOWN: dict[str, Any] = {
    "sd_active": None,
    "baseline_correlation_active": None,
    "partial_correlation_active": None,
    "partial_upper": None,
    "largest_trial": None,
    "slopes": None,
    "variance": None,
    "margin": None,
    "limits": None,
    "direction": None,
    "contrast": None,
    "sd_inflation": 1.0,
    "agreement": None,
    "assurance": None,
    "history_pairs": None,
    "effect_sd": 0.0,
    "seed": 20261121,
}
_PAGE_ALONE = ("ratio", "looks", "history", "drift", "cap", "between_sd", "follow_up")


def read_state(given: object) -> dict[str, Any]:
    """Return a whole state from what a page or a link sends; what is left out has its default.

    Parameters
    ----------
    given : mapping
        Numbers by name, and ``scale``.

    Raises
    ------
    DesignError
        Anything that is no such mapping.

    Examples
    --------
    >>> read_state({"effect": 1})["effect"], read_state({})["power"]
    (1.0, 0.9)
    >>> read_state({"scale": "binary"})["odds_ratio"]
    2.0
    >>> read_state({"effect": "<script>"})
    Traceback (most recent call last):
        ...
    trialsim.errors.DesignError: effect: must be a finite number. Mend: give a number.
    """
    if not isinstance(given, Mapping):
        raise DesignError("must be numbers by name", field="state", mend="send a JSON object")
    if unknown := sorted(str(name)[:40] for name in set(given) - set(DEFAULTS)):
        raise DesignError("is no number of a design", field="state", value=unknown[0], mend="leave it out")
    scale = given.get("scale", "continuous")
    if scale not in SCALES:
        raise DesignError("is no scale", field="scale", mend=f"use {', '.join(SCALES)}")
    state: dict[str, Any] = {
        name: value for name, value in DEFAULTS.items() if name not in _other_numbers(scale)
    }
    state |= {"scale": scale} | OF_SCALE[scale]
    for name, value in given.items():
        if name != "scale" and name in state:
            state[name] = _number(name, value)
    looks = state["looks"]
    if looks != int(looks) or not 1 <= looks <= MOST_LOOKS:
        raise DesignError("must be a whole number from 1 to 5", field="looks", value=looks)
    if not 0 < state["ratio"] <= 100:
        raise DesignError("must lie above 0, up to 100", field="ratio", value=state["ratio"])
    for name in ("follow_up", "between_sd", "drift"):
        if not 0 <= state.get(name, 0) <= 1_000:
            raise DesignError("must lie between 0 and 1000", field=name, value=state[name])
    if not 10 <= state["history"] <= 1_000_000:
        raise DesignError("must lie between 10 and 1,000,000", field="history", value=state["history"])
    return state


def _other_numbers(scale: str) -> set[str]:
    """Return the numbers that a scale does not have."""
    others = {"effect", "sd"} if scale != "continuous" else set()
    others |= set(SCALE_NUMBERS) - set(NUMBERS_OF[scale]) | {"risk_difference", "risk_ratio"}
    return others | ({"dropout", "dropout_active", "follow_up"} if scale == "survival" else set())


def _number(name: str, value: object) -> float | None:
    if value is None and name in ("per_month",):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DesignError("must be a finite number", field=name, mend="give a number")
    return float(value)


def size_options(state: State) -> dict[str, Any]:
    """Return the options of ``trialsim size`` that a state stands for, every one of them.

    Examples
    --------
    >>> options = size_options(read_state({"ratio": 2}))
    >>> options["allocation"], options["effect"], options["variance"]
    ('1:2', 2.0, None)
    """
    shown = {name: value for name, value in state.items() if name not in _PAGE_ALONE}
    every = {**dict.fromkeys(SCALE_NUMBERS), "effect": None, "sd": None, **NOT_SHOWN, **shown}
    every["allocation"] = f"1:{state['ratio']:g}"
    every.setdefault("dropout", 0.0)
    every.setdefault("dropout_active", None)
    every["partial_lower"] = min(state["partial_lower"], state["partial_correlation"])
    if state["per_month"] is None:
        every["month_price"] = 0.0
    if not (state["control_price"] or state["active_price"]):
        every |= {"control_price": None, "active_price": None}
    return every


def command_of(options: Mapping[str, Any]) -> str:
    """Return the command line that gives the same sizes.

    Examples
    --------
    >>> command_of({"effect": 2.0, "sd": 6.0, "variance": None, "seed": 20261121})
    'trialsim size --effect 2 --sd 6'
    """
    usual = {**NOT_SHOWN, "scale": "continuous", "allocation": "1:1", "dropout": 0.0, "month_price": 0.0}
    words = ["trialsim size"]
    for name, value in options.items():
        if value is not None and value != usual.get(name):
            text = f"{value:.10g}" if isinstance(value, float) else str(value)
            words.append(f"--{name.replace('_', '-')} {text}")
    return " ".join(words)
