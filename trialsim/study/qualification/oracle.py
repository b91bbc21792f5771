"""A published number, and how it is computed here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Oracle:
    """Published numbers that one call gives.

    Parameters
    ----------
    name : str
        What is computed; also the id of the requirement, such as ``"sizes/t_test"``.
    compute : callable
        Without arguments; returns as many numbers as were published.
    published : tuple of float
        As printed by the source.
    tolerance : float
        Largest difference, absolute: half a unit of the last digit that the source prints, or what its own
        search leaves open.
    source : str
        Who printed it.
    relative : bool
        Whether `tolerance` is a share of the published number.
    """

    name: str
    compute: Callable[[], Sequence[float]]
    published: tuple[float, ...]
    tolerance: float
    source: str
    relative: bool = False

    def held(self) -> list[Held]:
        """Compute the numbers, and hold each against the published one."""
        try:
            ours = [float(value) for value in np.atleast_1d(np.asarray(self.compute(), dtype=np.float64))]
            problem = "" if len(ours) == len(self.published) else f"gives {len(ours)} numbers"
        except Exception as fault:  # a failed oracle is a row of the table, not its end
            ours, problem = [], f"{type(fault).__name__}: {fault}"
        if problem:
            ours = [math.nan] * len(self.published)
        many = len(self.published) > 1
        return [
            Held(
                f"{self.name}[{place}]" if many else self.name,
                mine,
                one,
                self._most(one),
                self.source,
                problem,
            )
            for place, (mine, one) in enumerate(zip(ours, self.published, strict=True), 1)
        ]

    def _most(self, published: float) -> float:
        return self.tolerance * abs(published) if self.relative else self.tolerance


@dataclass(frozen=True)
class Held:
    """One number, ours beside the published one.

    Parameters
    ----------
    name : str
        Of the number.
    ours, published : float
        Both.
    tolerance : float
        Largest absolute difference that passes.
    source : str
        Who printed it.
    problem : str
        Why there is no number of ours; empty where there is.
    """

    name: str
    ours: float
    published: float
    tolerance: float
    source: str
    problem: str = ""

    @property
    def passes(self) -> bool:
        """Whether both agree; what is no number never does."""
        return abs(self.ours - self.published) <= self.tolerance

    @property
    def digits(self) -> float:
        """Significant digits in which both agree, at most 15.

        Examples
        --------
        >>> Held("x", 1.2345, 1.2344, 1e-3, "y").digits
        4.1
        """
        if math.isnan(self.ours):
            return 0.0
        if self.ours == self.published:
            return 15.0
        scale = abs(self.published) or 1.0
        return round(min(max(-math.log10(abs(self.ours - self.published) / scale), 0.0), 15.0), 1)
