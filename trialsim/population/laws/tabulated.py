"""Fast evaluation of X = F⁻¹(Φ(Z)) for many Z, from a table made once a law."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from trialsim.data import Floats
from trialsim.population.laws.bounded import LogitNormalLaw, QuartileLaw
from trialsim.population.laws.hermite import REACH
from trialsim.population.laws.laws import Law, LognormalLaw, NominalLaw, NormalLaw, StepLaw
from trialsim.population.laws.zero_inflated import ZeroInflatedGrade, ZeroInflatedLaw

_INTERVALS = 4096
_CHEAP = (
    StepLaw, NominalLaw, NormalLaw, LognormalLaw, LogitNormalLaw, QuartileLaw, ZeroInflatedLaw,
    ZeroInflatedGrade,
)  # fmt: skip


class TabulatedLaw:
    """A continuous law evaluated by piecewise cubics through four neighbouring exact values.

    On [−8.5, 8.5] with 4096 intervals the error is below 1e-9 SDs for the laws of `laws`; outside,
    the exact law is asked.

    Parameters
    ----------
    law : Law
        A law without jumps.
    """

    def __init__(self, law: Law) -> None:
        self._law = law
        self._step = 2 * REACH / _INTERVALS
        nodes = np.asarray(-REACH + self._step * np.arange(-1, _INTERVALS + 2), dtype=np.float64)
        x = law.from_latent(nodes)
        before, left, right, after = x[:-3], x[1:-2], x[2:-1], x[3:]
        self._table = np.column_stack(
            [
                left,
                -before / 3 - left / 2 + right - after / 6,
                (before + right) / 2 - left,
                (after - before) / 6 + (left - right) / 2,
            ]
        )

    def from_latent(self, z: Floats) -> Floats:
        """Return F⁻¹(Φ(z)), of the shape of z."""
        z = np.ascontiguousarray(z)
        x = _interpolate(z.ravel(), self._step, self._table, self._law.lower, self._law.upper).reshape(
            z.shape
        )
        beyond = np.abs(z) > REACH
        if beyond.any():
            x[beyond] = np.clip(self._law.from_latent(z[beyond]), self._law.lower, self._law.upper)
        return np.asarray(x)


@njit(cache=True, nogil=True)
def _interpolate(z: Floats, step: float, table: Floats, lower: float, upper: float) -> Floats:
    x = np.empty_like(z)
    for i in range(len(z)):
        position = (z[i] + REACH) / step
        interval = min(max(int(position), 0), len(table) - 1)
        t = position - interval
        value = table[interval, 0] + t * (
            table[interval, 1] + t * (table[interval, 2] + t * table[interval, 3])
        )
        x[i] = min(max(value, lower), upper)
    return x


@lru_cache(maxsize=128)
def fast(law: Law) -> Law | TabulatedLaw:
    """Return the law itself where it is cheap, else its table."""
    return law if isinstance(law, _CHEAP) else TabulatedLaw(law)
