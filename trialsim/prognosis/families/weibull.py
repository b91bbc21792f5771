"""Weibull proportional hazards, and the same with a share that never has the event.

weibull      hazard k t^(k-1) exp(eta),   log k ~ N(0, 0.5^2),   intercept ~ N(0, 1.5^2)
cure         S(t) = c + (1 - c) S_weibull(t),   logit c ~ N(-1, 1)
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

from trialsim.data import Floats
from trialsim.prognosis.families.common import Params, Prior, Responses, Shape
from trialsim.prognosis.families.events import EventFamily

SD_LOG_SHAPE = 0.5
CURE_CENTRE, CURE_SD = -1.0, 1.0


class Weibull(EventFamily):
    """Weibull proportional hazards."""

    name = "weibull"

    def own_priors(self, shape: Shape) -> tuple[Prior, ...]:
        """Return the prior of the log shape."""
        return (Prior("log_shape", "normal", (0.0, SD_LOG_SHAPE)),)

    def arrays(self, data: Responses) -> dict[str, Floats]:
        """Return events and log times."""
        return {"outcome": data.outcome, "log_time": np.log(data.time)}

    def log_density(self, params: Params, eta: Floats, data: Responses) -> Floats:
        """Return the log density of an event, or the log chance of none so far (D, N)."""
        log_hazard, cumulative = _hazards(params, eta, data.time)
        return np.asarray(data.outcome * log_hazard - cumulative)

    def probability(self, params: Params, eta: Floats, times: Floats, cuts: Floats) -> Floats:
        """Return P(onset <= time) (D, N, V)."""
        log_cumulative = eta[:, :, None] + np.exp(params["log_shape"])[:, None, None] * np.log(times)
        return np.asarray(-np.expm1(-np.exp(log_cumulative)))

    def draw_onset(self, params: Params, eta: Floats, cuts: Floats, generator: np.random.Generator) -> Floats:
        """Draw onsets (D, N) by inversion."""
        needed = generator.standard_exponential(eta.shape) / np.exp(eta)
        return np.asarray(needed ** np.exp(-params["log_shape"][:, None]))


class Cure(Weibull):
    """A Weibull law of those who are not cured."""

    name = "cure"

    def own_priors(self, shape: Shape) -> tuple[Prior, ...]:
        """Return the priors of log shape and logit share of the cured."""
        return (*super().own_priors(shape), Prior("logit_cure", "normal", (CURE_CENTRE, CURE_SD)))

    def log_density(self, params: Params, eta: Floats, data: Responses) -> Floats:
        """Return the log density of an event, or the log chance of none so far (D, N)."""
        log_hazard, cumulative = _hazards(params, eta, data.time)
        cured = params["logit_cure"][:, None]
        none = np.logaddexp(log_expit(cured), log_expit(-cured) - cumulative)
        return np.where(data.outcome > 0, log_expit(-cured) + log_hazard - cumulative, none)

    def probability(self, params: Params, eta: Floats, times: Floats, cuts: Floats) -> Floats:
        """Return P(onset <= time) (D, N, V), at most 1 - c."""
        return super().probability(params, eta, times, cuts) * expit(-params["logit_cure"])[:, None, None]

    def draw_onset(self, params: Params, eta: Floats, cuts: Floats, generator: np.random.Generator) -> Floats:
        """Draw onsets (D, N); infinite for the cured."""
        cured = generator.random(eta.shape) < expit(params["logit_cure"])[:, None]
        return np.where(cured, np.inf, super().draw_onset(params, eta, cuts, generator))


def _hazards(params: Params, eta: Floats, time: Floats) -> tuple[Floats, Floats]:
    """Return log hazard and cumulative hazard (D, N) at times (N,)."""
    shape, log_time = params["log_shape"][:, None], np.log(time)
    return shape + (np.exp(shape) - 1) * log_time + eta, np.exp(eta + np.exp(shape) * log_time)
