"""How distributions of a parameter print: mean, standard deviation, and quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pandas as pd
from numpy.typing import ArrayLike

from trialsim.data import Floats

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
    """Return one row a distribution: its name, mean, standard deviation and quantiles."""
    rows = [
        (name, part.mean(), part.sd(), *part.quantile(list(PROBABILITIES.values())))
        for name, part in parts.items()
    ]
    return pd.DataFrame(rows, columns=["parameter", "mean", "sd", *PROBABILITIES])
