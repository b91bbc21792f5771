"""The numbers of a protocol, as sizes and frontiers take them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Which of a protocol's numbers the frontier takes as they are.
_OF_FRONTIER = (
    "scale", "active", "history", "sd", "power", "alpha", "control_rate", "odds_ratio", "rate_ratio",
    "exposure", "dispersion", "control_median", "hazard_ratio", "accrual", "duration", "loss", "margin",
    "direction",
)  # fmt: skip
_NOT_OF_SIZE = ("active", "history")
_CONTINUOUS = ("largest_trial",)


def size_numbers(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of ``trialsim size`` from those of a protocol.

    Parameters
    ----------
    numbers : mapping
        As `trialsim.study.sizing.numbers.planning_numbers` gives them.
    """
    kept = {name: value for name, value in numbers.items() if name not in _NOT_OF_SIZE}
    if numbers["scale"] != "continuous":
        kept = {name: value for name, value in kept.items() if name not in _CONTINUOUS}
    return kept


def frontier_numbers(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of ``trialsim frontier``: more is better, and one correlation of all that is used.

    Parameters
    ----------
    numbers : mapping
        As `trialsim.study.sizing.numbers.planning_numbers` gives them.

    Examples
    --------
    >>> frontier_numbers({"scale": "continuous", "effect": -0.4, "partial_correlation": 0.5})
    {'scale': 'continuous', 'effect': 0.4, 'dropout': 0.0, 'correlation': 0.5}
    """
    kept = {name: numbers[name] for name in _OF_FRONTIER if name in numbers}
    if "effect" in numbers:
        kept["effect"] = numbers["effect"] if "margin" in numbers else abs(numbers["effect"])
    if numbers["scale"] != "survival":
        kept["dropout"] = max(numbers.get("dropout", 0.0), numbers.get("dropout_active", 0.0))
    baseline, score = (numbers.get(name, 0.0) for name in ("baseline_correlation", "partial_correlation"))
    kept["correlation"] = math.sqrt(1 - (1 - baseline**2) * (1 - score**2))
    return kept
