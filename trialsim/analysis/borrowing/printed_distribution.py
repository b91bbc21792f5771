"""How distributions of a parameter print: mean, standard deviation, and quantiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

import pandas as pd
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import AnalysisError

PROBABILITIES = {"q2.5": 0.025, "q50": 0.5, "q97.5": 0.975}


class Distribution(Protocol):
    """Whatever has a mean, a standard deviation and quantiles."""

    def mean(self) -> float:
        """Return the mean."""

    def sd(self) -> float:
        """Return the standard deviation."""

    def quantile(self, probability: ArrayLike) -> Floats:
        """Return quantiles."""


def summarise(parts: Mapping[str, Distribution]) -> pd.DataFrame:
    """Return one row a distribution: its name, mean, standard deviation and quantiles.

    A moment that does not exist is NaN.
    """
    rows = [
        (name, _or_nan(part.mean), _or_nan(part.sd), *part.quantile(list(PROBABILITIES.values())))
        for name, part in parts.items()
    ]
    return pd.DataFrame(rows, columns=["parameter", "mean", "sd", *PROBABILITIES])


def _or_nan(moment: Callable[[], float]) -> float:
    try:
        return moment()
    except AnalysisError:
        return math.nan
