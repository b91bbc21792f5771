"""A hazard that is constant within intervals, with levels that walk at random.

hazard exp(eta + level_j) in interval j,   level_1 = 0,   level_j - level_(j-1) ~ N(0, delta^2)
delta ~ half-normal(0.5),   intercept ~ N(0, 1.5^2)
"""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats
from trialsim.prognosis.families.common import SCALE, Params, Prior, Responses, Shape
from trialsim.prognosis.families.events import EventFamily


class Piecewise(EventFamily):
    """Piecewise constant proportional hazards."""

    name = "piecewise"

    def own_priors(self, shape: Shape) -> tuple[Prior, ...]:
        """Return the priors of the steps and their scale; none with one interval."""
        if shape.intervals == 1:
            return ()
        return (
            Prior("delta", "half_normal", (SCALE,)),
            Prior("step_raw", "normal", (0.0, 1.0), shape.intervals - 1),
        )

    def arrays(self, data: Responses) -> dict[str, Floats]:
        """Return events, time spent in each interval and the interval of the event (N, J)."""
        return {
            "outcome": data.outcome,
            "exposure": exposure(data.time, data.cuts),
            "event_interval": event_interval(data),
        }

    def log_density(self, params: Params, eta: Floats, data: Responses) -> Floats:
        """Return the log density of an event, or the log chance of none so far (D, N)."""
        level = levels(params)
        log_hazard = eta * data.outcome + level @ event_interval(data).T
        return np.asarray(log_hazard - np.exp(eta) * (np.exp(level) @ exposure(data.time, data.cuts).T))

    def probability(self, params: Params, eta: Floats, times: Floats, cuts: Floats) -> Floats:
        """Return P(onset <= time) (D, N, V)."""
        spent = exposure(np.broadcast_to(times, (eta.shape[1], times.shape[-1])), cuts)
        base = np.einsum("dj,nvj->dnv", np.exp(levels(params)), spent)
        return np.asarray(-np.expm1(-np.exp(eta)[:, :, None] * base))

    def draw_onset(self, params: Params, eta: Floats, cuts: Floats, generator: np.random.Generator) -> Floats:
        """Draw onsets (D, N): the time at which the cumulative hazard reaches an exponential draw."""
        needed = generator.standard_exponential(eta.shape) / np.exp(eta)
        rate, starts = np.exp(levels(params)), np.concatenate([[0.0], cuts])
        before = np.zeros_like(rate)
        before[:, 1:] = np.cumsum(rate[:, :-1] * np.diff(starts), axis=1)
        where = (needed[:, :, None] >= before[:, None, :]).sum(axis=2) - 1
        left = needed - np.take_along_axis(before, where, axis=1)
        return np.asarray(starts[where] + left / np.take_along_axis(rate, where, axis=1))


def levels(params: Params) -> Floats:
    """Return the log levels (D, J) of the hazard, 0 in the first interval."""
    first = np.zeros((len(params["tau"]), 1))
    if "delta" not in params:
        return first
    return np.column_stack([first, np.cumsum(params["delta"][:, None] * params["step_raw"], axis=1)])


def exposure(time: Floats, cuts: Floats) -> Floats:
    """Return the time (..., J) spent in each interval by those followed for `time`."""
    edges = np.concatenate([[0.0], cuts, [np.inf]])
    return np.clip(np.asarray(time)[..., None] - edges[:-1], 0.0, np.diff(edges))


def event_interval(data: Responses) -> Floats:
    """Return 1 in the interval (N, J) that an event fell in."""
    interval = np.searchsorted(data.cuts, data.time)[:, None]
    return (interval == np.arange(len(data.cuts) + 1)) * data.outcome[:, None]
