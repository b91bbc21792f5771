"""Fast evaluation of X = F⁻¹(Φ(Z)) for many Z, from a table made once a law."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats
from trialsim.population.hermite import REACH
from trialsim.population.laws import Law, LognormalLaw, NormalLaw, StepLaw

_INTERVALS = 4096


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
        self._coefficients = (
            left.copy(),
            -before / 3 - left / 2 + right - after / 6,
            (before + right) / 2 - left,
            (after - before) / 6 + (left - right) / 2,
        )

    def from_latent(self, z: Floats) -> Floats:
        """Return F⁻¹(Φ(z)), of the shape of z."""
        position = (z + REACH) / self._step
        interval = np.clip(position.astype(np.int64), 0, _INTERVALS - 1)
        t = position - interval
        c0, c1, c2, c3 = (c[interval] for c in self._coefficients)
        x = np.asarray(c0 + t * (c1 + t * (c2 + t * c3)))
        beyond = np.abs(z) > REACH
        if beyond.any():
            x[beyond] = self._law.from_latent(z[beyond])
        return np.clip(x, self._law.lower, self._law.upper)


def fast(law: Law) -> Law | TabulatedLaw:
    """Return the law itself where it is cheap, else its table."""
    return law if isinstance(law, StepLaw | NormalLaw | LognormalLaw) else TabulatedLaw(law)
