"""Rules for efficacy bounds: error spending functions, and shapes with one constant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from trialsim.errors import DesignError

Floats = NDArray[np.float64]

_STRAIGHT = 1e-12  # A gamma below which the curve is the line, to rounding.


@runtime_checkable
class SpendingFunction(Protocol):
    """How much of an error may have been spent by a fraction of the trial."""

    @property
    def label(self) -> str:
        """Name for a printout."""
        ...

    def cumulative(self, total: float, time: ArrayLike) -> Floats:
        """Return the error spent by each time; `total` from time 1 on."""
        ...


def _unit(time: ArrayLike) -> Floats:
    """Return times as an array, those above 1 as 1."""
    return np.minimum(np.asarray(time, dtype=np.float64), 1.0)


@dataclass(frozen=True)
class OBrienFlemingSpending:
    """Lan–DeMets spending that resembles O'Brien–Fleming bounds: 2(1 − Φ(z_{1−α/2}/√t)).

    Lan & DeMets 1983. Examples:

    >>> OBrienFlemingSpending().cumulative(0.025, [0.5, 1.0]).round(8)
    array([0.00152532, 0.025     ])
    """

    @property
    def label(self) -> str:
        """Name for a printout."""
        return "Lan-DeMets, O'Brien-Fleming type"

    def cumulative(self, total: float, time: ArrayLike) -> Floats:
        """Return the error spent by each time in (0, 1]."""
        return np.asarray(2 * ndtr(ndtri(total / 2) / np.sqrt(_unit(time))))


@dataclass(frozen=True)
class PocockSpending:
    """Lan–DeMets spending that resembles Pocock bounds: α ln(1 + (e − 1)t).

    Lan & DeMets 1983. Examples:

    >>> PocockSpending().cumulative(0.025, [0.5, 1.0]).round(8)
    array([0.01550286, 0.025     ])
    """

    @property
    def label(self) -> str:
        """Name for a printout."""
        return "Lan-DeMets, Pocock type"

    def cumulative(self, total: float, time: ArrayLike) -> Floats:
        """Return the error spent by each time in (0, 1]."""
        return total * np.log1p((math.e - 1) * _unit(time))


@dataclass(frozen=True)
class HwangShihDeCani:
    """Hwang–Shih–DeCani spending α(1 − e^{−γt})/(1 − e^{−γ}), and αt at γ = 0.

    Parameters
    ----------
    gamma : float
        −4 is near O'Brien–Fleming, 1 near Pocock. At most 40 in size.

    Examples
    --------
    >>> HwangShihDeCani(-4).cumulative(0.025, [0.5, 1.0]).round(8)
    array([0.00298007, 0.025     ])
    """

    gamma: float

    def __post_init__(self) -> None:
        if not abs(self.gamma) <= 40:
            raise DesignError("must lie between -40 and 40", field="gamma", value=self.gamma)

    @property
    def label(self) -> str:
        """Name for a printout."""
        return f"Hwang-Shih-DeCani, gamma {self.gamma:g}"

    def cumulative(self, total: float, time: ArrayLike) -> Floats:
        """Return the error spent by each time in (0, 1]."""
        if abs(self.gamma) < _STRAIGHT:
            return total * _unit(time)
        return np.asarray(total * np.expm1(-self.gamma * _unit(time)) / math.expm1(-self.gamma))


@dataclass(frozen=True)
class PowerSpending:
    """Kim–DeMets spending αt^ρ.

    Parameters
    ----------
    rho : float
        Above 0; 1 is near Pocock, 3 near O'Brien–Fleming.

    Examples
    --------
    >>> PowerSpending(3).cumulative(0.025, [0.5, 1.0])
    array([0.003125, 0.025   ])
    """

    rho: float

    def __post_init__(self) -> None:
        if not 0 < self.rho < math.inf:
            raise DesignError("must be above 0", field="rho", value=self.rho)

    @property
    def label(self) -> str:
        """Name for a printout."""
        return f"Kim-DeMets, power {self.rho:g}"

    def cumulative(self, total: float, time: ArrayLike) -> Floats:
        """Return the error spent by each time in (0, 1]."""
        return np.asarray(total * _unit(time) ** self.rho)


@dataclass(frozen=True)
class ExponentialSpending:
    """Exponential spending α^(t^−ν), Anderson & Clark 2010.

    Parameters
    ----------
    nu : float
        Above 0; 0.75 to 0.8 is near O'Brien–Fleming.

    Examples
    --------
    >>> ExponentialSpending(0.8).cumulative(0.025, [0.2, 1.0]).round(10)
    array([1.5642e-06, 2.5000e-02])
    """

    nu: float

    def __post_init__(self) -> None:
        if not 0 < self.nu < math.inf:
            raise DesignError("must be above 0", field="nu", value=self.nu)

    @property
    def label(self) -> str:
        """Name for a printout."""
        return f"exponential, nu {self.nu:g}"

    def cumulative(self, total: float, time: ArrayLike) -> Floats:
        """Return the error spent by each time in (0, 1]."""
        return np.asarray(total ** (_unit(time) ** -self.nu))


@dataclass(frozen=True)
class SpendingTable:
    """Spending read from a table of shares, linear between its rows and from (0, 0).

    Parameters
    ----------
    time : tuple of float
        Ascending in (0, 1], ending with 1.
    share : tuple of float
        Share of the error spent by each time, never falling, ending with 1.

    Raises
    ------
    DesignError
        Times or shares out of order, or more spent than there is.

    Examples
    --------
    >>> SpendingTable((0.5, 1.0), (0.2, 1.0)).cumulative(0.025, [0.25, 0.5, 1.0])
    array([0.0025, 0.005 , 0.025 ])
    """

    time: tuple[float, ...]
    share: tuple[float, ...]

    def __post_init__(self) -> None:
        time, share = np.array((0.0, *self.time)), np.array((0.0, *self.share))
        if len(time) != len(share) or len(time) < 2:
            raise DesignError("must hold one share for each time", field="share", value=self.share)
        if not (np.all(np.diff(time) > 0) and time[-1] == 1):
            raise DesignError("must ascend from above 0 to 1", field="time", value=self.time)
        if share.max() > 1:
            raise DesignError(
                "spends more than the whole error",
                field="share",
                value=self.share,
                mend="give cumulative shares that end with 1",
            )
        if not (np.all(np.diff(share) >= 0) and share[-1] == 1):
            raise DesignError("must never fall, and end with 1", field="share", value=self.share)

    @property
    def label(self) -> str:
        """Name for a printout."""
        return "spending by table"

    def cumulative(self, total: float, time: ArrayLike) -> Floats:
        """Return the error spent by each time in (0, 1]."""
        return np.asarray(total * np.interp(_unit(time), (0.0, *self.time), (0.0, *self.share)))


@dataclass(frozen=True)
class WangTsiatis:
    """Bounds z_k = c t_k^(Δ − ½), c found for the error (Wang & Tsiatis 1987).

    Parameters
    ----------
    delta : float
        0 gives O'Brien–Fleming, ½ Pocock; in [0, 0.7].

    Examples
    --------
    >>> WangTsiatis(0.0).shape([0.25, 1.0])
    array([2., 1.])
    """

    delta: float

    def __post_init__(self) -> None:
        if not 0 <= self.delta <= 0.7:
            raise DesignError("must lie in [0, 0.7]", field="delta", value=self.delta)

    @property
    def label(self) -> str:
        """Name for a printout."""
        known = {0.0: "O'Brien-Fleming", 0.5: "Pocock"}
        return known.get(self.delta, f"Wang-Tsiatis, delta {self.delta:g}")

    def shape(self, time: ArrayLike) -> Floats:
        """Return the bounds for c = 1."""
        return np.asarray(np.asarray(time, dtype=np.float64) ** (self.delta - 0.5))


@dataclass(frozen=True)
class HaybittlePeto:
    """The same strict z at every interim look; the last bound takes what error is left.

    Parameters
    ----------
    z : float
        Bound before the last look, above 0.

    Examples
    --------
    >>> HaybittlePeto().label
    'Haybittle-Peto, z 3'
    """

    z: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < self.z < math.inf:
            raise DesignError("must be above 0", field="z", value=self.z)

    @property
    def label(self) -> str:
        """Name for a printout."""
        return f"Haybittle-Peto, z {self.z:g}"


@dataclass(frozen=True)
class GivenBounds:
    """Upper bounds given by hand, one for each look.

    Parameters
    ----------
    z : tuple of float
        Bounds on the z scale; infinite where a look does not stop for efficacy.

    Examples
    --------
    >>> GivenBounds((3.0, 2.0)).label
    'given bounds'
    """

    z: tuple[float, ...]

    @property
    def label(self) -> str:
        """Name for a printout."""
        return "given bounds"


EfficacyRule = SpendingFunction | WangTsiatis | HaybittlePeto | GivenBounds


def increments(spending: SpendingFunction, total: float, time: Sequence[float] | Floats) -> Floats:
    """Return the error that each look may spend.

    Raises
    ------
    DesignError
        The function spends more than `total`, or takes error back.

    Examples
    --------
    >>> increments(PowerSpending(1), 0.025, [0.5, 1.0])
    array([0.0125, 0.0125])
    """
    spent = spending.cumulative(total, time)
    if spent[-1] > total * (1 + 1e-12):
        raise DesignError(
            "spends more than the whole error",
            field="spending",
            value=float(spent[-1]),
            mend=f"spend at most {total:g}",
        )
    steps = np.diff(spent, prepend=0.0)
    if np.any(steps < 0):
        raise DesignError("takes back error that was spent", field="spending", value=spending.label)
    return steps
