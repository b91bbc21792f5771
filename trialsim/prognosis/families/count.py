"""Counts of events during follow-up t: negative binomial, a Poisson process with a rate of one's own.

    y ~ Poisson(t exp(eta) g),   g ~ Gamma(1 / cv^2, mean 1): E y = mu = t exp(eta), Var y = mu + cv^2 mu^2
    intercept ~ N(0, 2^2),   cv ~ half-normal(1)

`rate_cv` is the coefficient of variation of the participants' own rates: 0 is a Poisson law.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln
from scipy.stats import nbinom

from trialsim.data import Floats
from trialsim.prognosis.families.common import Family, Params, Prior, Responses, Shape

SCALE_RATE_CV = 1.0


class Count(Family):
    """Negative binomial regression with a log follow-up offset."""

    name = "count"
    sd_intercept = 2.0

    def own_priors(self, shape: Shape) -> tuple[Prior, ...]:
        """Return the prior of the coefficient of variation of rates."""
        return (Prior("rate_cv", "half_normal", (SCALE_RATE_CV,)),)

    def arrays(self, data: Responses) -> dict[str, Floats]:
        """Return counts, log follow-up and the constant of the density."""
        return {
            "outcome": data.outcome,
            "log_time": np.log(data.time),
            "log_factorial": gammaln(data.outcome + 1),
        }

    def log_density(self, params: Params, eta: Floats, data: Responses) -> Floats:
        """Return log p(y) (D, N)."""
        size = _size(params)
        log_mean = eta + np.log(data.time)
        ratio = np.log1p(np.exp(log_mean) / size)
        y = data.outcome
        return np.asarray(
            gammaln(y + size)
            - gammaln(size)
            - gammaln(y + 1)
            - (size + y) * ratio
            + y * (log_mean - np.log(size))
        )

    def cumulative(self, params: Params, eta: Floats, values: Floats, times: Floats, cuts: Floats) -> Floats:
        """Return P(y <= value) (D, N)."""
        size = _size(params)
        found = nbinom.cdf(values, size, size / (size + np.exp(eta) * times))
        return np.where(values < 0, 0.0, found)

    def moments(self, params: Params, eta: Floats, times: Floats, cuts: Floats) -> tuple[Floats, Floats]:
        """Return E y and E y^2 (D, N, V)."""
        mean = np.exp(eta)[:, :, None] * times
        return mean, mean + (1 + params["rate_cv"][:, None, None] ** 2) * mean**2

    def draw(
        self, params: Params, eta: Floats, times: Floats, cuts: Floats, generator: np.random.Generator
    ) -> Floats:
        """Draw counts by each time (D, N, V): never fewer at a later one."""
        order = np.argsort(times)
        rate = self._own_rate(params, eta, generator)
        steps = generator.poisson(rate[:, :, None] * np.diff(times[order], prepend=0.0))
        drawn = np.empty(steps.shape)
        drawn[:, :, order] = np.cumsum(steps, axis=2)
        return drawn

    def replicate(
        self, params: Params, eta: Floats, limit: Floats, cuts: Floats, generator: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Draw counts (D, N) of the planned follow-up."""
        drawn = generator.poisson(self._own_rate(params, eta, generator) * limit)
        return drawn.astype(float), np.broadcast_to(limit, eta.shape)

    @staticmethod
    def _own_rate(params: Params, eta: Floats, generator: np.random.Generator) -> Floats:
        size = _size(params)
        return np.asarray(np.exp(eta) * generator.gamma(size, 1 / size, size=eta.shape))


def _size(params: Params) -> Floats:
    return params["rate_cv"][:, None] ** -2.0
