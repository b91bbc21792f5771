"""Every way to let past controls speak of a control hazard, read for many splits of one arm at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import ndtr

from trialsim.analysis.borrowing import (
    CommensuratePrior,
    NormalMixture,
    commensurate_exponential,
    map_prior_normal,
    pooled_exponential,
    sam_weight_normal,
)
from trialsim.analysis.borrowing.power_prior import discount_weight
from trialsim.data import Floats

# Two-sided level at which both controls are called different (Viele and others 2014).
_DIFFERENT = 0.1
# A prior of the mean so wide that nothing rests on it, and the between-trial SD thought of, in log hazards.
_WIDE, _BETWEEN = 10.0, 0.5
# The difference that a self-adapting prior is to notice: a hazard ratio of 0.75.
_NOTICED = float(-np.log(0.75))
_POWER = 0.5
_NODES = 200


@dataclass(frozen=True, eq=False)
class Past:
    """Control arms of H past trials.

    Parameters
    ----------
    events, time : ndarray (H,)
        Events, at least 1, and person-time, above 0.
    """

    events: Floats
    time: Floats

    @property
    def pooled(self) -> tuple[float, float]:
        """Events and person-time of all together."""
        return float(self.events.sum()), float(self.time.sum())

    def predictive(self) -> NormalMixture:
        """Return the MAP prior of a new trial's log hazard.

        ln λ_h ~ N(θ_h, 1/d_h), θ_h ~ N(μ, τ²), τ ~ half-normal(0.5); one event's log hazard has SD 1.
        """
        d, t = self.pooled
        found = map_prior_normal(
            np.log(self.events / self.time), self.events**-0.5,
            mean_prior=(float(np.log(d / t)), _WIDE), heterogeneity_scale=_BETWEEN, unit_sd=1.0,
        )  # fmt: skip
        assert isinstance(found.prior, NormalMixture)
        return found.prior


@dataclass(frozen=True, eq=False)
class Splits:
    """One control arm cut R times into a part that plays the treated arm and a part that stays control.

    Parameters
    ----------
    control_events, control_time, treated_events, treated_time : ndarray (R,)
        Events, at least 1, and person-time of both parts.
    """

    control_events: Floats
    control_time: Floats
    treated_events: Floats
    treated_time: Floats

    @property
    def control(self) -> tuple[Floats, Floats]:
        """Log hazards of the controls and their standard errors, each (R,)."""
        return np.log(self.control_events / self.control_time), self.control_events**-0.5

    @property
    def treated(self) -> tuple[Floats, Floats]:
        """Log hazards of the treated and their standard errors, each (R,)."""
        return np.log(self.treated_events / self.treated_time), self.treated_events**-0.5


@dataclass(frozen=True, eq=False)
class Reading:
    """What a way says of each split.

    Parameters
    ----------
    benefit : ndarray (R,)
        Posterior probability that the treated hazard is the lower one.
    variance : ndarray (R,)
        Posterior variance of the log control hazard.
    """

    benefit: Floats
    variance: Floats


@dataclass(frozen=True)
class Way:
    """A way to borrow, by the name that `trialsim analyse --borrowing` has for it where it has one.

    Parameters
    ----------
    name, setting : str
        What it is called, and by which numbers it is read.
    read : callable
        From the past and the splits of a new arm to what it says of each.
    """

    name: str
    setting: str
    read: Callable[[Past, Splits], Reading]


def weighed(past: Past, splits: Splits, power: float | Floats) -> Reading:
    """Return what the controls say to whom the past counts `power` of itself: Gamma(d + a₀d_h, T + a₀T_h)."""
    d, t = past.pooled
    control = splits.control_events + power * d, splits.control_time + power * t
    found = pooled_exponential(control, None, (splits.treated_events, splits.treated_time))
    return Reading(found.probability_below(0.0), found.log_control_hazard()[1] ** 2)


def mixed(prior: NormalMixture, splits: Splits, tilt: Floats | None = None) -> Reading:
    """Return what a normal mixture of the log hazard says after the controls of each split.

    Parameters
    ----------
    prior : NormalMixture
        Of K components.
    splits : Splits
    tilt : ndarray (R, K), optional
        Factors of the prior weights in each split.
    """
    y, se = splits.control
    weights = prior.posterior_weights(y, se)
    if tilt is not None:
        weights = weights * tilt
        weights = weights / weights.sum(axis=1, keepdims=True)
    precision = prior.s**-2.0 + (se**-2.0)[:, None]
    mean = (prior.m * prior.s**-2.0 + (y * se**-2.0)[:, None]) / precision
    treated, treated_se = splits.treated
    spread = np.sqrt(1 / precision + np.square(treated_se)[:, None])
    benefit = (weights * ndtr((mean - treated[:, None]) / spread)).sum(axis=1)
    centre = (weights * mean).sum(axis=1, keepdims=True)
    return Reading(benefit, (weights * (1 / precision + (mean - centre) ** 2)).sum(axis=1))


def _disagreement(past: Past, splits: Splits) -> Floats:
    """Return two-sided p values of the difference of both controls."""
    y, se = splits.control
    d, t = past.pooled
    return np.asarray(2 * ndtr(-np.abs(y - np.log(d / t)) / np.hypot(se, d**-0.5)))


def _test_then_pool(past: Past, splits: Splits) -> Reading:
    return weighed(past, splits, (_disagreement(past, splits) > _DIFFERENT).astype(np.float64))


def _discount(past: Past, splits: Splits) -> Reading:
    power = np.array([discount_weight(min(float(p), 1.0)) for p in _disagreement(past, splits)])
    return weighed(past, splits, power)


def _normalized_power(past: Past, splits: Splits) -> Reading:
    """Return the posterior with a₀ uniform: given a₀ the prior is normal, so that all of it is a mixture."""
    x, w = leggauss(_NODES)
    angle = np.pi * (x + 1) / 4
    mass = w * np.sin(angle) * np.cos(angle)  # a₀ = sin²(angle) has many nodes near 0
    d, t = past.pooled
    centre = np.log(d / t)
    precision = _WIDE**-2.0 + np.sin(angle) ** 2 * d
    return mixed(NormalMixture(mass / mass.sum(), np.full(_NODES, centre), precision**-0.5), splits)


def _commensurate(shape: float, rate: float) -> Callable[[Past, Splits], Reading]:
    def read(past: Past, splits: Splits) -> Reading:
        found = commensurate_exponential(
            (splits.control_events, splits.control_time), past.pooled,
            (splits.treated_events, splits.treated_time), CommensuratePrior(shape, rate),
        )  # fmt: skip
        return Reading(found.probability_below(0.0), found.log_control_hazard()[1] ** 2)

    return read


def _robust(vague: float) -> Callable[[Past, Splits], Reading]:
    def read(past: Past, splits: Splits) -> Reading:
        prior = past.predictive()
        return mixed(prior.robust(vague) if vague else prior, splits)

    return read


def _self_adapting(past: Past, splits: Splits) -> Reading:
    prior = past.predictive()
    weight = sam_weight_normal(prior.mean(), *splits.control, _NOTICED)[:, None]
    # Half of the robust prior is vague; the factors turn one half into the weights of each split.
    even = prior.robust(0.5)
    tilt = np.concatenate([np.repeat(weight, len(prior.m), axis=1), 1 - weight], axis=1)
    return mixed(even, splits, tilt)


WAYS = (
    Way("none", "no past controls", lambda past, splits: weighed(past, splits, 0.0)),
    Way("pooled", "past controls count fully", lambda past, splits: weighed(past, splits, 1.0)),
    Way("test-then-pool", f"pooled unless p < {_DIFFERENT:g}", _test_then_pool),
    Way("power", f"past controls count {_POWER:g}", lambda past, splits: weighed(past, splits, _POWER)),
    Way("normalized-power", "power uniform in (0, 1)", _normalized_power),
    Way("discount", "power by agreement", _discount),
    Way("commensurate", "precision ~ gamma(0.001, 0.001)", _commensurate(0.001, 0.001)),
    Way("commensurate, eager", "precision ~ gamma(1, 0.001)", _commensurate(1.0, 0.001)),
    Way("map", f"between-trial SD ~ half-normal({_BETWEEN:g})", _robust(0.0)),
    Way("robust-map, 0.2", "0.2 of one event's information", _robust(0.2)),
    Way("robust-map, 0.5", "0.5 of one event's information", _robust(0.5)),
    Way("self-adapting", "notices a hazard ratio of 0.75", _self_adapting),
)
