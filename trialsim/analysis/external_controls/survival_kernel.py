r"""Weighted hazard ratio and survival curves, and how each moves with the weight of each participant.

Everything is a function of weights :math:`w_i`; its derivative by :math:`w_i` is what a sandwich needs. With
:math:`R_a(t) = \sum_{T_j \ge t, A_j = a} w_j` and :math:`\bar a(t) = e^β R_1 / (R_0 + e^β R_1)`:

.. math:: U(β) = \sum_i w_i δ_i (A_i - \bar a(T_i)) = 0, \qquad
          I = \sum_i w_i δ_i \bar a (1 - \bar a)(T_i)

          \frac{∂β}{∂w_i} = I^{-1} \Big[δ_i (A_i - \bar a(T_i)) - e^{β A_i} \sum_{t \le T_i}
          \frac{dW(t)}{R_0 + e^β R_1} (A_i - \bar a(t))\Big]

Ties are Breslow's. Lin and Wei (1989), JASA 84:1074; with estimated weights Shu, Young, Toh and Wang (2021),
Biometrics 77:846.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from trialsim.data import Floats, Ints

_WIDEST = 30.0


@dataclass(frozen=True, eq=False)
class EventTimes:
    """Participants of both arms and the distinct times of events.

    Parameters
    ----------
    treated, event, time : ndarray (N,)
        0 or 1, 0 or 1, and follow-up.
    at : ndarray (T,)
        Distinct times of events, ascending.
    """

    treated: Floats
    event: Floats
    time: Floats
    at: Floats

    @classmethod
    def of(cls, treated: Floats, event: Floats, time: Floats) -> EventTimes:
        """Return participants with the distinct times of their events."""
        return cls(treated, event, time, np.unique(time[event == 1.0]))

    @property
    def last(self) -> Ints:
        """Number of event times up to each participant's own time (N,)."""
        return np.searchsorted(self.at, self.time, side="right")

    def at_risk(self, w: Floats) -> Floats:
        """Return Σ w of those at risk at each event time (T,)."""
        left = np.bincount(self.last, weights=w, minlength=len(self.at) + 1)
        return np.asarray(left[::-1].cumsum()[::-1][1:])

    def events(self, w: Floats) -> Floats:
        """Return Σ w of those with the event at each event time (T,)."""
        here = self.event == 1.0
        place = self.last[here] - 1
        return np.asarray(np.bincount(place, weights=w[here], minlength=len(self.at)))

    def up_to_own(self, steps: Floats) -> Floats:
        """Return Σ of what happens at event times up to each participant's own (N,)."""
        return np.asarray(np.concatenate([[0.0], np.cumsum(steps)])[self.last])

    def at_own(self, values: Floats) -> Floats:
        """Return δ_i times the value at each participant's own event time (N,)."""
        return np.asarray(self.event * values[np.maximum(self.last - 1, 0)])


def log_hazard_ratio(people: EventTimes, w: Floats) -> tuple[float, Floats] | None:
    """Return β of a weighted Cox model of the arm alone and its derivative by each weight (N,).

    None where it is infinite: whenever there is an event, one arm has none of them, or nobody at risk.
    """
    A = people.treated
    R0, R1 = people.at_risk(w * (1.0 - A)), people.at_risk(w * A)
    dW, d1 = people.events(w), people.events(w * A)

    def share(beta: float) -> Floats:
        return np.asarray(np.exp(beta) * R1 / (R0 + np.exp(beta) * R1))

    def score(beta: float) -> float:
        return float((d1 - dW * share(beta)).sum())

    if not score(-_WIDEST) > 0.0 > score(_WIDEST):
        return None
    beta = float(brentq(score, -_WIDEST, _WIDEST, xtol=1e-13, rtol=1e-14))
    mean = share(beta)
    information = float((dW * mean * (1.0 - mean)).sum())
    if information <= 1e-10:
        return None
    hazard = dW / (R0 + np.exp(beta) * R1)
    expected = np.exp(beta * A) * (A * people.up_to_own(hazard) - people.up_to_own(hazard * mean))
    seen = people.event * A - people.at_own(mean)
    return beta, (seen - expected) / information


@dataclass(frozen=True, eq=False)
class WeightedCurve:
    """A weighted Kaplan–Meier curve of one arm up to τ.

    Parameters
    ----------
    survival, restricted_mean : float
        S(τ), and the area under the curve up to τ.
    by_survival, by_mean : ndarray (N,)
        Derivatives of both by the weight of each participant; 0 in the other arm.
    """

    survival: float
    restricted_mean: float
    by_survival: Floats
    by_mean: Floats


def weighted_curve(people: EventTimes, w: Floats, arm: float, tau: float) -> WeightedCurve:
    r"""Return the weighted curve of an arm, S(t) = Π (1 − d/n) with weighted d and n.

    ∂S(τ)/∂w_i = S(τ) Σ_{t ≤ min(τ, T_i)} (d/n − 1{i has it at t})/(n − d), and that of the area has
    ∫_t^τ S in the place of S(τ). Where all of an arm have the event, nothing follows: the term is 0.
    """
    own = (people.treated == arm).astype(np.float64)
    n, d = people.at_risk(w * own), people.events(w * own)
    seen = (people.at <= tau) & (n > 0)
    hazard = np.where(seen, d / np.where(n > 0, n, 1.0), 0.0)
    survival = np.cumprod(1.0 - hazard)
    edges = np.concatenate([[0.0], np.minimum(people.at, tau), [tau]])
    pieces = np.diff(edges) * np.concatenate([[1.0], survival])
    after = np.concatenate([pieces[::-1].cumsum()[::-1], [0.0]])[1:-1]
    left = n - d
    whole = seen & (left > 1e-12 * np.where(n > 0, n, 1.0))
    inverse = np.where(whole, 1.0 / np.where(whole, left, 1.0), 0.0)

    def derivative(what_follows: Floats) -> Floats:
        step = what_follows * inverse
        return np.asarray(own * (people.up_to_own(step * hazard) - people.at_own(step)))

    final = float(survival[-1])
    return WeightedCurve(final, float(pieces.sum()), derivative(np.full(len(n), final)), derivative(after))
