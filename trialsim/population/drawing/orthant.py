"""Normal variates inside a box: their probability, and exact draws, by minimax tilting (Botev 2017).

With L the Cholesky factor of R, rows scaled by their diagonal, the variates are drawn one after another,

    e_j ~ N(μ_j, 1) on [a_j − Σ_{k<j} L_jk e_k, b_j − Σ_{k<j} L_jk e_k],

and weigh w = exp ψ(e, μ),  ψ = Σ_j μ_j²/2 − e_j μ_j + ln P(N(μ_j, 1) in its interval). μ = 0 is the
sampler of Geweke, Hajivassiliou and Keane. The μ used here is the saddle point of ψ, so that w never
exceeds exp ψ*: accepting with probability w / exp ψ* gives exact draws, and the mean of w is P(box).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from trialsim.data import Floats

_FAR = 1e6
_ROOM = 1e-10


@dataclass(frozen=True)
class BoxSampler:
    """Draws the normal variates of a box, one box for many draws.

    Parameters
    ----------
    factor : ndarray (D, D)
        Lower Cholesky factor with ones on the diagonal and 0 above.
    diagonal : ndarray (D,)
        What its rows were divided by.
    low, high : ndarray (D,)
        Limits, divided in the same way.
    tilt : ndarray (D,)
        μ.
    top : float
        ψ*, the largest log weight.
    """

    factor: Floats
    diagonal: Floats
    low: Floats
    high: Floats
    tilt: Floats
    top: float

    @classmethod
    def of(cls, correlation: Floats, low: Floats, high: Floats) -> BoxSampler:
        """Factor the correlations (D, D) of a box and find its tilt."""
        root = np.linalg.cholesky(correlation)
        diagonal = np.diag(root).copy()
        factor = root / diagonal[:, None]
        low = np.clip(low / diagonal, -_FAR, _FAR)
        high = np.clip(high / diagonal, -_FAR, _FAR)
        tilt, top = _saddle(factor, low, high)
        return cls(factor, diagonal, low, high, tilt, top)

    def propose(self, n: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
        """Return independent normals e (D, n) inside the box, and their log weights (n,)."""
        drawn = np.zeros((len(self.low), n))
        log_weights = np.zeros(n)
        for j, mu in enumerate(self.tilt):
            lean = np.zeros(n)
            for k in range(j):
                lean += self.factor[j, k] * drawn[k]
            low, high = self.low[j] - lean - mu, self.high[j] - lean - mu
            drawn[j] = mu + truncated(low, high, generator.random(n))
            log_weights += log_mass(low, high) + mu * mu / 2 - mu * drawn[j]
        return drawn, log_weights

    def draw(self, n: int, generator: np.random.Generator) -> tuple[Floats, float, float]:
        """Return exact draws (D, n), the estimated probability of the box and its standard error."""
        kept, accepted, total, squares, proposed = [], 0, 0.0, 0.0, 0
        while accepted < n:
            drawn, log_weights = self.propose(max(1024, round(1.2 * (n - accepted))), generator)
            take = np.log(generator.random(len(log_weights))) <= log_weights - self.top
            kept.append(drawn[:, take])
            accepted += int(take.sum())
            weights = np.exp(log_weights)
            total, squares = total + float(weights.sum()), squares + float(weights @ weights)
            proposed += len(weights)
        mean = total / proposed
        error = np.sqrt(max(squares / proposed - mean * mean, 0.0) / proposed)
        return np.concatenate(kept, axis=1)[:, :n], mean, float(error)


def probability(
    correlation: Floats, low: Floats, high: Floats, n: int, generator: np.random.Generator
) -> tuple[float, float]:
    """Return P(low < Z < high), Z ~ N(0, correlation), and its standard error from n draws.

    Examples
    --------
    >>> half = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> p, error = probability(half, np.zeros(2), np.full(2, np.inf), 100_000, np.random.default_rng(1))
    >>> bool(abs(p - 1 / 3) < 4 * error)
    True
    """
    weights = np.exp(BoxSampler.of(correlation, low, high).propose(n, generator)[1])
    return float(weights.mean()), float(weights.std() / np.sqrt(n))


def log_mass(low: Floats, high: Floats) -> Floats:
    """Return ln P(low < Z < high) without loss in either tail."""
    flip = low > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    upper, lower = special.log_ndtr(b), special.log_ndtr(a)
    return np.asarray(upper + np.log1p(-np.exp(np.minimum(lower - upper, -1e-300))))


def truncated(low: Floats, high: Floats, uniform: Floats) -> Floats:
    """Return normal variates on (low, high) from uniform ones."""
    flip = low > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    u = np.where(flip, 1.0 - uniform, uniform)
    below = special.ndtr(a)
    z = special.ndtri(below + u * (special.ndtr(b) - below))
    return np.asarray(np.clip(np.where(flip, -z, z), low, high))


def _saddle(factor: Floats, low: Floats, high: Floats) -> tuple[Floats, float]:
    size = len(low)
    if size == 1:
        return np.zeros(1), float(log_mass(low, high)[0])
    strict = factor - np.eye(size)

    def parts(point: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        x, mu = np.append(point[: size - 1], 0.0), np.append(point[size - 1 :], 0.0)
        lean = strict @ x
        return x, mu, low - lean - mu, high - lean - mu

    def gradient(point: Floats) -> Floats:
        x, mu, a, b = parts(point)
        mass = log_mass(a, b)
        pull = np.exp(-a * a / 2 - mass) - np.exp(-b * b / 2 - mass)
        pull /= np.sqrt(2 * np.pi)
        return np.concatenate([(-mu + strict.T @ pull)[:-1], (mu - x + pull)[:-1]])

    found = optimize.root(gradient, np.zeros(2 * (size - 1)), method="hybr")
    point = found.x if found.success and np.abs(found.fun).max() < 1e-6 else np.zeros(2 * (size - 1))
    x, mu, a, b = parts(point)
    if not found.success or np.abs(found.fun).max() >= 1e-6:
        # Without a tilt no factor exceeds 1, and the first one is a constant.
        return np.zeros(size), float(log_mass(low[:1], high[:1])[0])
    return mu, float(np.sum(log_mass(a, b) + mu * mu / 2 - x * mu)) + _ROOM
