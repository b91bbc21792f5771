r"""Laws of the time to an event, by their cumulative hazard and its inverse.

Every law draws :math:`T = H^{-1}(E / h)`, E standard exponential and h a participant's hazard ratio, so that
one exponential serves any law and effect: the same E under another law is the same participant in another
world. `time_of` takes the ratios of each participant; `survival` is the law itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol as Interface

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import DesignError
from trialsim.rates import PiecewiseRate


class SurvivalLaw(Interface):
    """A law of the time to an event, over months since randomisation."""

    def time_of(self, exponential: Floats, hazard_ratio: Floats | float = 1.0) -> Floats:
        """Return the times at which standard exponentials (any shape) are used up; infinite for never."""

    def survival(self, months: ArrayLike) -> Floats:
        """Return the probability of no event by each month."""


@dataclass(frozen=True)
class PiecewiseHazard(PiecewiseRate):
    r"""A hazard that is constant between given months.

    Parameters
    ----------
    rates : tuple of float
        Hazard a month in each piece, at least 0.
    starts : tuple of float
        Month at which each piece starts, ascending from 0.

    Raises
    ------
    DesignError
        Windows that overlap or do not start at 0, a hazard below 0, or hazards that are all 0.

    Notes
    -----
    :math:`H(t) = \sum_j \lambda_j \min(t - s_j, s_{j+1} - s_j)_+`. A last hazard of 0 leaves some
    participants without the event for ever.

    Examples
    --------
    >>> law = PiecewiseHazard((0.1, 0.05), (0.0, 6.0))
    >>> law.time_of(np.array([0.3, 0.6, 0.7]))
    array([3., 6., 8.])
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not any(self.rates):
            raise DesignError("must not be all 0: no event would come", field="rates", value=self.rates)

    @cached_property
    def knots(self) -> tuple[Floats, Floats, Floats]:
        """Hazards, starts, and the cumulative hazard at each start."""
        hazards, starts = np.asarray(self.rates, float), np.asarray(self.starts, float)
        reached = np.concatenate([[0.0], np.cumsum(hazards[:-1] * np.diff(starts))])
        return hazards, starts, reached

    def cumulative(self, months: ArrayLike) -> Floats:
        """Return the cumulative hazard by each month."""
        hazards, starts, reached = self.knots
        when = np.asarray(months, dtype=np.float64)
        piece = np.searchsorted(starts, when, side="right") - 1
        return np.asarray(reached[piece] + hazards[piece] * (when - starts[piece]))

    def time_of(self, exponential: Floats, hazard_ratio: Floats | float = 1.0) -> Floats:
        """Return H⁻¹(E / h)."""
        hazards, starts, reached = self.knots
        need = exponential / hazard_ratio
        if len(hazards) == 1:
            return np.asarray(need / hazards[0])
        piece = np.searchsorted(reached, need, side="left") - 1
        piece = np.maximum(piece, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = (need - reached[piece]) / hazards[piece]
        return np.asarray(starts[piece] + np.where(hazards[piece] > 0, beyond, np.inf))

    def survival(self, months: ArrayLike) -> Floats:
        """Return exp(−H(t))."""
        return np.exp(-self.cumulative(months))

    def times(self, ratio: PiecewiseHazard) -> PiecewiseHazard:
        """Return the hazard multiplied by a ratio that changes over time.

        A delayed effect is a ratio of 1 in the first piece.

        Examples
        --------
        >>> control, delayed = PiecewiseHazard((0.1,)), PiecewiseHazard((1.0, 0.5), (0.0, 6.0))
        >>> control.times(delayed).rates
        (0.1, 0.05)
        """
        starts = np.union1d(self.starts, ratio.starts)
        product = self.at(starts) * ratio.at(starts)
        return PiecewiseHazard(tuple(product.tolist()), tuple(starts.tolist()))


@dataclass(frozen=True)
class WeibullLaw:
    r"""Weibull: :math:`H(t) = (t / b)^k`.

    Parameters
    ----------
    scale : float
        b, months, above 0.
    shape : float
        k, above 0; above 1 the hazard rises.

    Examples
    --------
    >>> WeibullLaw(12.0, 2.0).survival(12.0).round(4)
    np.float64(0.3679)
    """

    scale: float
    shape: float

    def __post_init__(self) -> None:
        for name in ("scale", "shape"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise DesignError("must be finite and above 0", field=name, value=getattr(self, name))

    def time_of(self, exponential: Floats, hazard_ratio: Floats | float = 1.0) -> Floats:
        """Return b (E / h)^(1/k)."""
        return np.asarray(self.scale * (exponential / hazard_ratio) ** (1 / self.shape))

    def survival(self, months: ArrayLike) -> Floats:
        """Return exp(−(t/b)^k)."""
        return np.asarray(np.exp(-((np.asarray(months) / self.scale) ** self.shape)))


@dataclass(frozen=True)
class CureLaw:
    r"""A share that never has the event: :math:`S(t) = c + (1 - c) S_0(t)`.

    Parameters
    ----------
    cured : float
        c, in (0, 1).
    uncured : SurvivalLaw
        Law of the others.

    Notes
    -----
    As a law of proportional hazards :math:`H(t) = -\log S(t)` has its end at −log c, so a hazard ratio
    moves the share of the cured to :math:`c^h`.

    Examples
    --------
    >>> CureLaw(0.3, PiecewiseHazard((0.1,))).time_of(np.array([0.5, 1.3])).round(3)
    array([8.258,   inf])
    """

    cured: float
    uncured: SurvivalLaw

    def __post_init__(self) -> None:
        if not 0 < self.cured < 1:
            raise DesignError("must lie between 0 and 1", field="cured", value=self.cured)

    def time_of(self, exponential: Floats, hazard_ratio: Floats | float = 1.0) -> Floats:
        """Return S⁻¹(exp(−E/h)), infinite where that lies below the cured share."""
        left = (np.exp(-exponential / hazard_ratio) - self.cured) / (1 - self.cured)
        uncured = left > 0
        time = self.uncured.time_of(-np.log(np.where(uncured, left, 1.0)))
        return np.where(uncured, time, np.inf)

    def survival(self, months: ArrayLike) -> Floats:
        """Return c + (1 − c) S₀(t)."""
        return np.asarray(self.cured + (1 - self.cured) * self.uncured.survival(months))


def gompertz_of_course(
    exponential: ArrayLike, hazard: float, association: float, level: ArrayLike, slope: ArrayLike
) -> Floats:
    r"""Return event times whose hazard follows a participant's own linear course (a joint model).

    Parameters
    ----------
    exponential : ndarray (...)
        Standard exponentials, E.
    hazard : float
        Hazard a month at a course of 0, h₀, above 0.
    association : float
        Log hazard ratio of one unit of the course, α.
    level, slope : ndarray (...)
        The participant's latent course b₀ + b₁ t, t in months.

    Returns
    -------
    ndarray (...)
        With :math:`h(t) = h_0 e^{\alpha(b_0 + b_1 t)}`,
        :math:`T = \log(1 + g E / (h_0 e^{\alpha b_0})) / g`, g = α b₁; infinite where a falling hazard
        is used up before E.

    Raises
    ------
    DesignError
        A hazard that is not above 0.

    Examples
    --------
    >>> gompertz_of_course(np.array([1.0]), 0.1, 0.5, np.array([0.0]), np.array([0.0]))
    array([10.])
    """
    exponential = np.asarray(exponential, dtype=np.float64)
    level = np.asarray(level, dtype=np.float64)
    slope = np.asarray(slope, dtype=np.float64)
    if not (np.isfinite(hazard) and hazard > 0):
        raise DesignError("must be finite and above 0", field="hazard", value=hazard)
    start = hazard * np.exp(association * level)
    growth = association * slope
    reach = growth * exponential / start
    steady = np.abs(growth) < 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        time = np.log1p(np.maximum(reach, -1.0)) / np.where(steady, 1.0, growth)
    return np.where(steady, exponential / start, np.where(reach > -1.0, time, np.inf))
