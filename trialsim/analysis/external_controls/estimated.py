"""What estimating the weights adds to the error of whatever is computed with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.external_controls.weights import Numbers, Weighted
from trialsim.data import Floats

_STEP = 1e-20


@dataclass(frozen=True, eq=False)
class EstimatedWeights:
    """Weights of N participants as a function of what was estimated, the mean weight of each arm included.

    Parameters
    ----------
    weights : ndarray (N,)
        With mean 1 in each arm.
    slopes : ndarray (N, K)
        Derivative of the weights by what was estimated.
    influence : ndarray (N, K)
        Influence of each participant on what was estimated.
    """

    weights: Floats
    slopes: Floats
    influence: Floats

    @classmethod
    def of(cls, found: Weighted, treated: Floats) -> EstimatedWeights:
        """Return the weights of `weigh` with their slopes and influences, by complex steps."""
        arms = np.stack([1.0 - treated, treated], axis=1)
        K = len(found.theta)

        def equations(at: Numbers) -> Numbers:
            gaps = arms * (found.raw(at[:K])[:, None] - at[K:])
            return np.concatenate([found.equations(at[:K]), gaps], axis=1)

        def scaled(at: Numbers) -> Numbers:
            return found.raw(at[:K]) / (arms @ at[K:])

        raw = np.asarray(found.raw(found.theta), dtype=np.float64)
        at = np.concatenate([found.theta, raw @ arms / arms.sum(axis=0)])
        slopes = slopes_of(lambda x: equations(x).sum(axis=0), at)
        return cls(np.asarray(scaled(at)), slopes_of(scaled, at), -equations(at) @ np.linalg.pinv(slopes).T)

    def standard_error(self, gradient: Floats) -> float:
        """Return the standard error of a number whose derivative by each weight is `gradient` (N,).

        Participant i moves it by w_i g_i, and by what i does to the weights of all:
        (Σ_j g_j ∂w_j/∂θ)' IF_i(θ). The sum of squares of both together is its variance.
        """
        moved = self.weights * gradient + self.influence @ (gradient @ self.slopes)
        return float(np.sqrt(np.square(moved).sum()))


def slopes_of(function: Callable[[Numbers], Numbers], at: Floats) -> Floats:
    """Return the derivative (…, K) of a function of K numbers by complex steps: exact to the last digits."""
    columns = []
    for k in range(len(at)):
        moved = at.astype(np.complex128)
        moved[k] += 1j * _STEP
        columns.append(np.asarray(function(moved)).imag / _STEP)
    return np.stack(columns, axis=-1)
