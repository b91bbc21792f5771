"""Criteria of eligibility: limits on one covariate, or on a weighted sum of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.protocol.eligibility import Criterion


@dataclass(frozen=True)
class LinearCriterion:
    """Limits on a weighted sum of covariates, or of their logarithms.

    Parameters
    ----------
    weights : mapping of str to float
        Weight of each covariate.
    at_least, at_most : float, optional
        Limits of the sum; on the log scale they are limits of exp(sum), such as kg/m² for a body mass
        index with weights {"weight_kg": 1, "height_m": -2}.
    scale : str
        ``identity`` or ``log``.

    Examples
    --------
    >>> print(LinearCriterion({"weight_kg": 1, "height_m": -2}, at_most=40.0, scale="log").words())
    weight_kg^1 · height_m^-2 at most 40
    """

    weights: Mapping[str, float]
    at_least: float | None = None
    at_most: float | None = None
    scale: Literal["identity", "log"] = "identity"

    def words(self) -> str:
        """Return the criterion as a protocol would print it."""
        if self.scale == "log":
            left = " · ".join(f"{name}^{weight:g}" for name, weight in self.weights.items())
        else:
            left = " + ".join(f"{weight:g} {name}" for name, weight in self.weights.items())
        limits = [("at least", self.at_least), ("at most", self.at_most)]
        return f"{left} {' and '.join(f'{word} {limit:g}' for word, limit in limits if limit is not None)}"

    def of(self, names: tuple[str, ...], values: Floats) -> Floats:
        """Return the sum, or its exponential, of each participant (N,)."""
        columns = {name: values[:, names.index(name)] for name in self.weights}
        if self.scale == "log":
            total = sum(weight * np.log(columns[name]) for name, weight in self.weights.items())
            return np.asarray(np.exp(total))
        return np.asarray(sum(weight * columns[name] for name, weight in self.weights.items()))


AnyCriterion = Criterion | LinearCriterion


def meets_criteria(names: tuple[str, ...], criteria: Sequence[AnyCriterion], values: Floats) -> Bools:
    """Return which participant meets which criterion (N, C)."""
    meets = np.ones((len(values), len(criteria)), dtype=bool)
    for k, criterion in enumerate(criteria):
        if isinstance(criterion, Criterion):
            column = values[:, names.index(criterion.covariate)]
        else:
            column = criterion.of(names, values)
        if criterion.at_least is not None:
            meets[:, k] &= column >= criterion.at_least
        if criterion.at_most is not None:
            meets[:, k] &= column <= criterion.at_most
    return meets
