"""Rates that are constant in pieces: of events, of leaving, and of entering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialsim.data import Floats
from trialsim.errors import DesignError

Spread = Literal["even", "poisson", "uniform"]


@dataclass(frozen=True)
class PlannedAccrual:
    """Participants who enter per unit of time, months in trials, in each period, until accrual closes.

    Parameters
    ----------
    rates : tuple of float
        Participants a month in each period, at least 0, not all 0.
    durations : tuple of float
        Months of each period, above 0.

    Raises
    ------
    DesignError
        No rate, a rate below 0, rates all 0, or a period without length.

    Examples
    --------
    >>> plan = PlannedAccrual((5, 10, 20), (3, 3, 18))
    >>> plan.expected(1.0), plan.expected(12.0), plan.expected(30.0)
    (5.0, 165.0, 405.0)
    """

    rates: tuple[float, ...]
    durations: tuple[float, ...]

    def __post_init__(self) -> None:
        rates, durations = np.asarray(self.rates, float), np.asarray(self.durations, float)
        if rates.ndim != 1 or not len(rates) or rates.shape != durations.shape:
            raise DesignError("must hold one length for each rate", field="durations", value=self.durations)
        if not np.isfinite(durations).all() or (durations <= 0).any():
            raise DesignError("must be finite and above 0", field="durations", value=self.durations)
        if not np.isfinite(rates).all() or (rates < 0).any() or not rates.any():
            raise DesignError(
                "must be at least 0, and not all 0: nobody would enter", field="rates", value=self.rates
            )

    @property
    def periods(self) -> tuple[Floats, Floats]:
        """Starts and ends of the periods."""
        ends = np.cumsum(self.durations)
        return ends - np.array(self.durations), ends

    @property
    def total(self) -> float:
        """Participants at the close of accrual."""
        return float(np.dot(self.rates, self.durations))

    @property
    def duration(self) -> float:
        """Time at which accrual closes."""
        return float(np.sum(self.durations))

    def _knots(self) -> tuple[Floats, Floats]:
        ends = np.concatenate([[0.0], np.cumsum(self.durations)])
        return ends, np.concatenate([[0.0], np.cumsum(np.multiply(self.rates, self.durations))])

    def expected(self, time: float) -> float:
        """Return the participants expected by a time."""
        starts, ends = self.periods
        return float(np.dot(self.rates, np.clip(time, starts, ends) - starts))

    def scaled(self, factor: float) -> PlannedAccrual:
        """Return the same accrual with every rate multiplied."""
        return PlannedAccrual(tuple(factor * rate for rate in self.rates), self.durations)

    def expected_entries(self, participants: int) -> Floats:
        """Return the month by which each of some participants (N,) is expected; the last rate goes on.

        Examples
        --------
        >>> PlannedAccrual((5, 10), (2, 1)).expected_entries(30)[[4, 14, 24]]
        array([1. , 2.5, 3.5])
        """
        ends, reached = self._knots()
        needed = np.arange(1.0, participants + 1)
        month = np.interp(needed, reached, ends)
        beyond = needed > reached[-1]
        if beyond.any():
            month[beyond] = np.inf
            if self.rates[-1] > 0:
                month[beyond] = ends[-1] + (needed[beyond] - reached[-1]) / self.rates[-1]
        return np.asarray(month)

    def arrivals(
        self,
        replicates: int,
        participants: int,
        generator: np.random.Generator,
        spread: Spread = "poisson",
    ) -> Floats:
        """Draw the months in which participants enter.

        Parameters
        ----------
        replicates, participants : int
            R and N.
        generator : numpy.random.Generator
            Stream ``enrolment``; not used where the spread is even.
        spread : {"poisson", "even", "uniform"}
            A Poisson process whose last rate goes on after the last period; at equal steps of
            expected participants; or N independent draws over the whole accrual, sorted.

        Returns
        -------
        ndarray (R, N)
            Months, ascending.

        Raises
        ------
        DesignError
            More participants than an even accrual enters, or than a last rate of 0 lets in.

        Examples
        --------
        >>> PlannedAccrual((10,), (2,)).arrivals(1, 4, np.random.default_rng(1), "even")
        array([[0.1, 0.2, 0.3, 0.4]])
        """
        if spread == "uniform":
            needed = np.sort(generator.random((replicates, participants)), axis=1) * self.total
        elif spread == "even":
            needed = np.broadcast_to(np.arange(1.0, participants + 1), (replicates, participants))
        elif spread == "poisson":
            needed = generator.standard_exponential((replicates, participants))
            np.cumsum(needed, axis=1, out=needed)
        else:
            raise DesignError("must be 'poisson', 'even' or 'uniform'", field="spread", value=spread)
        ends, reached = self._knots()
        if (spread == "even" and participants > self.total + 1e-9) or (
            spread == "poisson" and self.rates[-1] == 0
        ):
            raise DesignError(
                f"cannot be enrolled: accrual closes at {self.total:g}",
                field="participants",
                value=participants,
                mend="enrol longer or faster",
            )
        # The inverse jumps over periods without accrual: participants enter when the next one opens.
        period = np.zeros(needed.shape, dtype=np.intp) if len(self.rates) > 1 else 0
        for close in reached[1:-1]:
            period += needed > close
        # In place: at this size most of the time of an array is that of its first touch.
        month = needed if needed.flags.writeable else needed.copy()
        month -= reached[period]
        month /= np.asarray(self.rates)[period]
        month += ends[period]
        return month


@dataclass(frozen=True)
class PiecewiseRate:
    """A rate that is constant between given times.

    Parameters
    ----------
    rates : tuple of float
        Rate in each piece, not below 0.
    starts : tuple of float
        Where each piece starts: ascending, from 0.

    Examples
    --------
    >>> PiecewiseRate((0.04, 0.02), (0.0, 6.0)).at(np.array([1.0, 6.0]))
    array([0.04, 0.02])
    """

    rates: tuple[float, ...]
    starts: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        if len(self.rates) != len(self.starts) or not self.rates:
            raise DesignError("must hold one start for each rate", field="starts", value=self.starts)
        if self.starts[0] != 0 or not np.isfinite(self.starts).all() or np.any(np.diff(self.starts) <= 0):
            raise DesignError(
                "must ascend from 0: windows must not overlap", field="starts", value=self.starts
            )
        if not (np.isfinite(self.rates).all() and min(self.rates) >= 0):
            raise DesignError("must not be below 0", field="rates", value=self.rates)

    def at(self, time: Floats) -> Floats:
        """Return the rate at each time."""
        return np.array(self.rates)[np.searchsorted(self.starts, time, side="right") - 1]
