"""Responses, yes or no: P(y = 1) = 1 / (1 + exp(-eta)), intercept ~ N(0, 1.5^2)."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

from trialsim.data import Floats
from trialsim.prognosis.families.common import Family, Params, Prior, Responses, Shape


class Binary(Family):
    """Logistic regression."""

    name = "binary"
    counts_time = False

    def own_priors(self, shape: Shape) -> tuple[Prior, ...]:
        """Return none: there is nothing beside the linear predictor."""
        return ()

    def arrays(self, data: Responses) -> dict[str, Floats]:
        """Return the responses."""
        return {"outcome": data.outcome}

    def log_density(self, params: Params, eta: Floats, data: Responses) -> Floats:
        """Return log p(y) (D, N)."""
        return np.asarray(np.where(data.outcome > 0, log_expit(eta), log_expit(-eta)))

    def cumulative(self, params: Params, eta: Floats, values: Floats, times: Floats, cuts: Floats) -> Floats:
        """Return P(y <= value) (D, N): 0 under 0, 1 from 1 on."""
        return np.where(values < 0, 0.0, np.where(values < 1, expit(-eta), 1.0))

    def moments(self, params: Params, eta: Floats, times: Floats, cuts: Floats) -> tuple[Floats, Floats]:
        """Return the probability twice: y and its square are the same."""
        p = np.repeat(expit(eta)[:, :, None], len(times), axis=2)
        return p, p

    def draw(
        self, params: Params, eta: Floats, times: Floats, cuts: Floats, generator: np.random.Generator
    ) -> Floats:
        """Draw one response a participant, the same at all times (D, N, V)."""
        drawn = generator.random(eta.shape) < expit(eta)
        return np.repeat(drawn[:, :, None], len(times), axis=2).astype(float)

    def replicate(
        self, params: Params, eta: Floats, limit: Floats, cuts: Floats, generator: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Draw responses (D, N); follow-up is as planned."""
        drawn = np.asarray(generator.random(eta.shape) < expit(eta), dtype=float)
        return drawn, np.broadcast_to(limit, eta.shape)
