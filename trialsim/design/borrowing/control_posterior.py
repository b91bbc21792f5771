"""What a mixture prior and the concurrent controls together say of the control mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtr

from trialsim.data import Floats

_HALVINGS = 44
_NEGLIGIBLE = 1e-15


@dataclass(frozen=True)
class ControlPosterior:
    """Posterior mixture of the control mean at G values of the concurrent controls' estimate.

    Parameters
    ----------
    weight, mean : ndarray (G, K)
        Of each component.
    variance : ndarray (K,) or (G, K)
        Of each component; (G, K) where each estimate has an error of its own.
    """

    weight: Floats
    mean: Floats
    variance: Floats

    def moments(self) -> tuple[Floats, Floats]:
        """Return posterior means and variances (G,)."""
        mean = (self.weight * self.mean).sum(axis=1)
        spread = self.variance + (self.mean - mean[:, None]) ** 2
        return mean, np.asarray((self.weight * spread).sum(axis=1))

    def pruned(self) -> ControlPosterior:
        """Return it without components of no weight anywhere; most of a wide prior's only cost time."""
        kept = self.weight.max(axis=0) > _NEGLIGIBLE
        return ControlPosterior(*(one.compress(kept, -1) for one in (self.weight, self.mean, self.variance)))

    def no_benefit(self, active: Floats, active_variance: float | Floats) -> Floats:
        """Return P(θ1 ≤ θ0) (G,) at estimates (G,) of the active arm, of variance () or (G, 1)."""
        z = (self.mean - active[:, None]) / np.sqrt(active_variance + self.variance)
        return np.asarray((self.weight * ndtr(z)).sum(axis=1))

    def critical_estimates(self, active_variance: float, tail: float) -> Floats:
        """Return the active arm's estimates (G,) above which P(no benefit) falls below `tail`."""
        reach = 9.0 * np.sqrt(active_variance + self.variance).max()
        low, high = self.mean.min(axis=1) - reach, self.mean.max(axis=1) + reach
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            below = self.no_benefit(middle, active_variance) > tail
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(0.5 * (low + high))


def control_posterior(
    estimate: Floats, own_variance: float | Floats, log_weight: Floats, variance: Floats
) -> ControlPosterior:
    """Return the posterior of the control mean under Σ_k w_k N(0, s_k²), at estimates (G,).

    Parameters
    ----------
    estimate : ndarray (G,)
        Concurrent controls' mean, counted from what the history says.
    own_variance : float or ndarray (G, 1)
        Of that estimate.
    log_weight : ndarray (K,) or (G, K)
        Log prior weights up to a constant.
    variance : ndarray (K,)
        s_k².
    """
    marginal = variance + own_variance
    log_posterior = log_weight - 0.5 * np.log(marginal) - 0.5 * estimate[:, None] ** 2 / marginal
    weight = np.exp(log_posterior - logsumexp(log_posterior, axis=1, keepdims=True))
    share = variance / marginal
    return ControlPosterior(weight, estimate[:, None] * share, share * own_variance)
