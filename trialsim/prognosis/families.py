"""Outcomes other than a repeated score, as NumPy: priors, likelihoods and draws of four families.

All families share a linear predictor for participant i of study g, with K standardised columns:

    eta_i = intercept + x_i' beta + effect_g,   beta_k ~ N(0, tau^2),   effect_g ~ N(0, omega^2)
    intercept ~ N(0, 1.5^2),   tau ~ half-normal(0.5),   omega ~ half-normal(0.5)

With fewer than three studies there is no study effect. Time runs in units of the longest follow-up.

    binary       y ~ Bernoulli(1 / (1 + exp(-eta)))
    weibull      hazard k t^(k-1) exp(eta),   log k ~ N(0, 0.5^2)
    cure         S(t) = c + (1 - c) S_weibull(t),   logit c ~ N(-1, 1)
    piecewise    hazard exp(eta + level_j) in interval j,   level_1 = 0,
                 level_j - level_(j-1) ~ N(0, delta^2),   delta ~ half-normal(0.5)

The same densities in PyMC are `trialsim.prognosis.fit.outcome_model`; tests hold one against the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from trialsim.data import Floats

FAMILIES = ("binary", "weibull", "cure", "piecewise")
SD_INTERCEPT, SCALE, SD_LOG_SHAPE = 1.5, 0.5, 0.5
CURE_CENTRE, CURE_SD = -1.0, 1.0
Params = dict[str, Floats]


@dataclass(frozen=True)
class Responses:
    """Outcomes of N participants as a likelihood needs them.

    Parameters
    ----------
    x : ndarray (N, K)
        Standardised columns.
    member : ndarray (N, G)
        1 in the column of the participant's study; G = 0 without study effects.
    event : ndarray (N,)
        1 for a response (binary) or an event, else 0.
    time : ndarray (N,)
        Follow-up in units, above 0; not used for binary outcomes.
    cuts : ndarray (J-1,)
        Inner ends of the intervals of the piecewise hazard, in units.
    """

    x: Floats
    member: Floats
    event: Floats
    time: Floats
    cuts: Floats

    @property
    def exposure(self) -> Floats:
        """Return the time (N, J) spent in each interval."""
        return exposure(self.time, self.cuts)

    @property
    def event_interval(self) -> Floats:
        """Return 1 in the interval (N, J) that an event fell in."""
        return (np.searchsorted(self.cuts, self.time)[:, None] == np.arange(len(self.cuts) + 1)) * (
            self.event[:, None]
        )


def exposure(time: Floats, cuts: Floats) -> Floats:
    """Return the time (..., J) spent in each interval by those followed for `time`."""
    edges = np.concatenate([[0.0], cuts, [np.inf]])
    return np.clip(np.asarray(time)[..., None] - edges[:-1], 0.0, np.diff(edges))


def parameter_names(family: str, intervals: int, studies: int) -> tuple[str, ...]:
    """Return the parameters of a family that are sampled, under their names in PyMC."""
    names = ["intercept", "tau", "beta_raw"]
    names += ["omega", "effect_raw"] if studies else []
    names += {"binary": [], "weibull": ["log_shape"], "cure": ["log_shape", "logit_cure"]}.get(family, [])
    names += ["delta", "step_raw"] if family == "piecewise" and intervals > 1 else []
    return tuple(names)


def draw_prior(
    family: str, columns: int, studies: int, intervals: int, generator: np.random.Generator
) -> Params:
    """Draw one point of the prior, as arrays with one draw (1, ...)."""
    raw: Params = {
        "intercept": SD_INTERCEPT * generator.standard_normal(1),
        "tau": SCALE * np.abs(generator.standard_normal(1)),
        "beta_raw": generator.standard_normal((1, columns)),
        "omega": SCALE * np.abs(generator.standard_normal(1)),
        "effect_raw": generator.standard_normal((1, studies)),
        "log_shape": SD_LOG_SHAPE * generator.standard_normal(1),
        "logit_cure": CURE_CENTRE + CURE_SD * generator.standard_normal(1),
        "delta": SCALE * np.abs(generator.standard_normal(1)),
        "step_raw": generator.standard_normal((1, max(intervals - 1, 0))),
    }
    return {name: raw[name] for name in parameter_names(family, intervals, studies)}


def beta(params: Params) -> Floats:
    """Return the coefficients (D, K)."""
    return params["tau"][:, None] * params["beta_raw"]


def effects(params: Params) -> Floats:
    """Return the study effects (D, G); none without studies."""
    if "omega" not in params:
        return np.zeros((len(params["intercept"]), 0))
    return params["omega"][:, None] * params["effect_raw"]


def levels(params: Params) -> Floats:
    """Return the log levels (D, J) of the piecewise hazard, 0 in the first interval."""
    first = np.zeros((len(params["intercept"]), 1))
    if "delta" not in params:
        return first
    return np.column_stack([first, np.cumsum(params["delta"][:, None] * params["step_raw"], axis=1)])


def log_likelihood(family: str, params: Params, data: Responses) -> Floats:
    """Return the log likelihood (D,) of draws of the parameters."""
    eta = params["intercept"][:, None] + beta(params) @ data.x.T + effects(params) @ data.member.T
    if family == "binary":
        return np.asarray(np.where(data.event > 0, log_expit(eta), log_expit(-eta)).sum(axis=1))
    if family == "piecewise":
        level = levels(params)
        hazard = eta * data.event + level @ data.event_interval.T
        return np.asarray((hazard - np.exp(eta) * (np.exp(level) @ data.exposure.T)).sum(axis=1))
    shape, log_time = params["log_shape"][:, None], np.log(data.time)
    cumulative = np.exp(eta + np.exp(shape) * log_time)
    density = shape + (np.exp(shape) - 1) * log_time + eta - cumulative
    if family == "weibull":
        return np.asarray(np.where(data.event > 0, density, -cumulative).sum(axis=1))
    cured = params["logit_cure"][:, None]
    censored = np.logaddexp(log_expit(cured), log_expit(-cured) - cumulative)
    return np.asarray(np.where(data.event > 0, log_expit(-cured) + density, censored).sum(axis=1))


def probability(family: str, params: Params, eta: Floats, times: Floats, cuts: Floats) -> Floats:
    """Return the probability of a response, or of an event by each time.

    Parameters
    ----------
    eta : ndarray (D, N)
        Linear predictors.
    times : ndarray (V,)
        In units; binary outcomes have one, that does not matter.

    Returns
    -------
    ndarray (D, N, V)
    """
    if family == "binary":
        return np.repeat(expit(eta)[:, :, None], len(times), axis=2)
    if family == "piecewise":
        base = np.exp(levels(params)) @ exposure(times, cuts).T
    else:
        base = times ** np.exp(params["log_shape"][:, None])
    dead = -np.expm1(-np.exp(eta)[:, :, None] * base[:, None, :])
    if family == "cure":
        dead = dead * expit(-params["logit_cure"])[:, None, None]
    return np.asarray(dead)


def draw_responses(
    family: str, params: Params, eta: Floats, cuts: Floats, generator: np.random.Generator
) -> Floats:
    """Draw responses (0 or 1) or event times in units, infinite for the cured: (D, N) as `eta`."""
    u = generator.random(eta.shape)
    if family == "binary":
        return np.asarray(u < expit(eta), dtype=float)
    needed = -np.log1p(-u) / np.exp(eta)
    if family == "piecewise":
        return _invert_piecewise(needed, np.exp(levels(params)), cuts)
    if family == "cure":
        cured = generator.random(eta.shape) < expit(params["logit_cure"])[:, None]
        needed = np.where(cured, np.inf, needed)
    return np.asarray(needed ** np.exp(-params["log_shape"][:, None]))


def _invert_piecewise(needed: Floats, rate: Floats, cuts: Floats) -> Floats:
    """Return when a cumulative hazard (D, N) is reached with rates (D, J)."""
    starts = np.concatenate([[0.0], cuts])
    before = np.zeros_like(rate)
    before[:, 1:] = np.cumsum(rate[:, :-1] * np.diff(starts), axis=1)
    where = (needed[:, :, None] >= before[:, None, :]).sum(axis=2) - 1
    own = np.take_along_axis(rate, where, axis=1)
    return np.asarray(starts[where] + (needed - np.take_along_axis(before, where, axis=1)) / own)
