"""What a score saves where the plain formula does not reach: unequal certainty, and time to event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.design.group_sequential.survival_events import EventsMethod, events_for_power
from trialsim.errors import DesignError


def weighted_variance_factor(predictive_variance: ArrayLike, trust: float = 1.0) -> float:
    """Return Var(weighted)/Var(least squares) of the adjusted effect, asymptotically.

    True residual variances in proportion to v^b, b = `trust`, and weights that have learnt b give
    ``1/(E[v^b] E[v^−b])``, below 1 unless b is 0 or all v are equal (arXiv 2309.14256 for the method).

    Parameters
    ----------
    predictive_variance : array_like (P,)
        Residual variances of a sample of participants, as their twins state them, above 0.
    trust : float
        b in [0, 1], the slope of log squared residual on log stated variance that the fit will
        estimate; 0 for twins whose stated variance says nothing.

    Returns
    -------
    float
        At most 1; 1 where all twins are equally certain.

    Raises
    ------
    DesignError
        Variances that are not above 0, or a trust outside of [0, 1].

    Examples
    --------
    >>> round(weighted_variance_factor([1.0, 1.0, 4.0, 4.0]), 4)
    0.64
    """
    v = np.asarray(predictive_variance, dtype=float)
    if v.ndim != 1 or len(v) == 0 or not np.isfinite(v).all() or (v <= 0).any():
        raise DesignError("must be a list of finite numbers above 0", field="predictive_variance")
    if not 0 <= trust <= 1:
        raise DesignError("must lie in [0, 1]", field="trust", value=trust)
    true = v**trust
    return float(1 / (true.mean() * (1 / true).mean()))


@dataclass(frozen=True)
class PrognosticEvents:
    """Events with and without a prognostic score in a covariate-adjusted log-rank test.

    Parameters
    ----------
    unadjusted, adjusted : float
        Events expected at the analysis, not rounded.
    squared_correlation : float
        Of the score and the martingale pseudo-outcome: the share of events saved.
    """

    unadjusted: float
    adjusted: float
    squared_correlation: float

    @property
    def saved(self) -> float:
        """Events saved."""
        return self.unadjusted - self.adjusted

    def __str__(self) -> str:
        return (
            f"events {self.adjusted:.1f} with the score, {self.unadjusted:.1f} without "
            f"(saved {self.squared_correlation:.1%}; exploratory: time to event is outside the "
            "procedure that regulators have looked at)"
        )


def prognostic_events(
    hazard_ratio: float,
    squared_correlation: float,
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    allocation: float = 1.0,
    method: EventsMethod = "schoenfeld",
) -> PrognosticEvents:
    """Return the events of an adjusted log-rank test, ``d (1 − ρ²)``.

    Parameters
    ----------
    hazard_ratio : float
        Active over control.
    squared_correlation : float
        ρ² in [0, 1) of score and martingale pseudo-outcome; see `martingale_correlation`.
    power, alpha : float
        Power, and *one-sided* level, as in `events_for_power`.
    allocation : float
        Active participants for each control.
    method : {"schoenfeld", "freedman", "hsieh-freedman"}
        Formula of the unadjusted events.

    Returns
    -------
    PrognosticEvents
        Events without and with the score, not rounded.

    Raises
    ------
    DesignError
        A squared correlation outside of [0, 1).

    Examples
    --------
    >>> print(prognostic_events(0.7, 0.1))
    events 297.3 with the score, 330.4 without (saved 10.0%; exploratory: time to event is outside ...)
    """
    if not 0 <= squared_correlation < 1:
        raise DesignError("must lie in [0, 1)", field="squared_correlation", value=squared_correlation)
    events = events_for_power(hazard_ratio, power=power, alpha=alpha, allocation=allocation, method=method)
    return PrognosticEvents(events, events * (1 - squared_correlation), squared_correlation)


def martingale_residuals(time: ArrayLike, event: ArrayLike) -> Floats:
    """Return martingale residuals of the null model, event − Λ̂(time) with Nelson-Aalen's Λ̂.

    Parameters
    ----------
    time : array_like (P,)
        Follow-up times, above 0.
    event : array_like (P,)
        1 for an event, 0 for censoring.

    Returns
    -------
    ndarray (N,)
        At most 1, with sum 0.

    Raises
    ------
    DesignError
        Times and events that are no survival data.

    Examples
    --------
    >>> martingale_residuals([1.0, 2.0, 3.0], [1, 0, 1]).round(4)
    array([ 0.6667, -0.3333, -0.3333])
    """
    t, d = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    if t.ndim != 1 or t.shape != d.shape or len(t) < 2:
        raise DesignError("times and events must be of one length, at least 2", field="time", value=t.shape)
    if not (np.isfinite(t).all() and (t > 0).all() and np.isin(d, (0, 1)).all()):
        raise DesignError("needs finite times above 0 and events of 0 or 1", field="time")
    _, position = np.unique(t, return_inverse=True)
    events = np.bincount(position, weights=d)
    leaving = np.bincount(position)
    at_risk = len(t) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    return np.asarray(d - np.cumsum(events / at_risk)[position])


def martingale_correlation(time: ArrayLike, event: ArrayLike, score: ArrayLike) -> float:
    """Return the correlation of a score with the martingale residuals of a control history.

    Its square is about the share of events that an adjusted log-rank test saves.

    Parameters
    ----------
    time : array (N,)
        Follow-up to the event or censoring, above 0.
    event : array (N,)
        1 for an event, 0 for censoring.
    score : array (N,)
        Prognostic scores, as many as times.

    Returns
    -------
    float
        In [−1, 1]; above 0 where a high score goes with early events.

    Raises
    ------
    DesignError
        Scores that are not finite, or that do not differ.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> score = rng.normal(size=4000)
    >>> time = rng.exponential(np.exp(-0.5 * score))
    >>> round(martingale_correlation(time, np.ones(4000), score), 2)
    0.42
    """
    m = np.asarray(score, dtype=float)
    residual = martingale_residuals(time, event)
    if m.shape != residual.shape or not np.isfinite(m).all() or m.std() == 0:
        raise DesignError("must be finite scores that differ, one for each time", field="score")
    return float(np.corrcoef(m, residual)[0, 1])
