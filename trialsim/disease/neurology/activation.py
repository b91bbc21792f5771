"""The time since onset that a smoothly activated disease has lived through.

With steepness n and onset D, the activation at time s is s^n / (D^n + s^n), and

    G(t) = ∫₀ᵗ sⁿ / (Dⁿ + sⁿ) ds = D g(t / D),      g(x) = ∫₀ˣ uⁿ / (1 + uⁿ) du

so that one universal function g serves every participant.
"""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats

_TABLE_LOW = 0.6
_TABLE_HIGH = 1.6
_INTERVALS = 4096
_NEWTON_STEPS = 60


class ActivationIntegral:
    """The universal function g and its inverse, to about 1e-12.

    Between 0.6 and 1.6 a cubic Hermite table with exact slopes (its nodes by Gauss–Legendre), outside
    it the power series of g, of which two terms are enough for n = 30:

        x < 0.6:  g = xⁿ⁺¹ / (n+1) − x²ⁿ⁺¹ / (2n+1)
        x > 1.6:  g = x − c + x¹⁻ⁿ / (n−1) − x¹⁻²ⁿ / (2n−1),   c = (π/n) / sin(π/n)

    Parameters
    ----------
    steepness : int
        n, at least 30.

    Examples
    --------
    >>> g = ActivationIntegral(30)
    >>> g(np.array([0.5, 1.0, 2.0])).round(6)
    array([0.      , 0.022223, 0.99817 ])
    >>> g.inverse(g(np.array([0.9, 1.1]))).round(10)
    array([0.9, 1.1])
    """

    def __init__(self, steepness: int) -> None:
        if steepness < 30:
            raise ValueError(f"the series need a steepness of at least 30, got {steepness}")
        self.steepness = steepness
        self._offset = float((np.pi / steepness) / np.sin(np.pi / steepness))
        self._nodes = np.linspace(_TABLE_LOW, _TABLE_HIGH, _INTERVALS + 1)
        self._width = (_TABLE_HIGH - _TABLE_LOW) / _INTERVALS
        points, weights = np.polynomial.legendre.leggauss(8)
        inner = self._nodes[:-1, None] + self._width * (points + 1) / 2
        panels = self.slope(inner) @ weights * self._width / 2
        start = self._below(np.array([_TABLE_LOW]))
        self._values = np.concatenate([start, start + np.cumsum(panels)])
        self._slopes = self.slope(self._nodes)

    def slope(self, x: Floats) -> Floats:
        """Return the activation xⁿ / (1 + xⁿ), for x ≥ 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / (1.0 + x**-self.steepness))

    def __call__(self, x: Floats) -> Floats:
        """Return g(x), for x ≥ 0 of any shape."""
        if x.size and x.min() > _TABLE_HIGH:
            return self._above(x)
        return np.where(
            x < _TABLE_LOW, self._below(x), np.where(x > _TABLE_HIGH, self._above(x), self._tabled(x))
        )

    def inverse(self, y: Floats) -> Floats:
        """Return x with g(x) = y, for y > 0, by Newton's method from just beside the root.

        g is convex, so that from the second step on every step falls towards the root.
        """
        n = self.steepness
        tabled = np.interp(y, self._values, self._nodes) + self._width
        below = ((n + 1) * y) ** (1 / (n + 1))
        x = np.where(y < self._values[0], below, np.where(y > self._values[-1], y + self._offset, tabled))
        for _ in range(_NEWTON_STEPS):
            step = (self(x) - y) / self.slope(x)
            x = x - step
            if np.abs(step).max(initial=0.0) < 1e-13:
                break
        return x

    def _below(self, x: Floats) -> Floats:
        n = self.steepness
        small = np.minimum(x, _TABLE_LOW)
        return np.asarray(small ** (n + 1) / (n + 1) - small ** (2 * n + 1) / (2 * n + 1))

    def _above(self, x: Floats) -> Floats:
        n = self.steepness
        large = np.maximum(x, _TABLE_HIGH)
        return np.asarray(
            large - self._offset + large ** (1 - n) / (n - 1) - large ** (1 - 2 * n) / (2 * n - 1)
        )

    def _tabled(self, x: Floats) -> Floats:
        position = (np.clip(x, _TABLE_LOW, _TABLE_HIGH) - _TABLE_LOW) / self._width
        left = np.minimum(position.astype(np.int64), _INTERVALS - 1)
        t = position - left
        rise = self._values[left + 1] - self._values[left]
        first, last = self._slopes[left] * self._width, self._slopes[left + 1] * self._width
        return np.asarray(
            self._values[left]
            + t * (first + t * (3 * rise - 2 * first - last + t * (first + last - 2 * rise)))
        )
