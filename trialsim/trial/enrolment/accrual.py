"""Accrual at rates that are planned over calendar time, without sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialsim.data import Floats
from trialsim.errors import DesignError

Spread = Literal["even", "poisson", "uniform"]


@dataclass(frozen=True)
class PlannedAccrual:
    """Participants who enter per month in each period, until accrual closes.

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
    >>> plan.expected(np.array([1.0, 12.0, 30.0]))
    array([  5., 165., 405.])
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
    def total(self) -> float:
        """Participants at the close of accrual."""
        return float(np.dot(self.rates, self.durations))

    def _knots(self) -> tuple[Floats, Floats]:
        ends = np.concatenate([[0.0], np.cumsum(self.durations)])
        return ends, np.concatenate([[0.0], np.cumsum(np.multiply(self.rates, self.durations))])

    def expected(self, months: Floats) -> Floats:
        """Return the participants expected by each month."""
        ends, reached = self._knots()
        return np.asarray(np.interp(months, ends, reached))

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
            needed = np.cumsum(generator.standard_exponential((replicates, participants)), axis=1)
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
        period = np.clip(np.searchsorted(reached, needed, side="left") - 1, 0, len(self.rates) - 1)
        rate = np.asarray(self.rates)[period]
        return np.asarray(ends[period] + (needed - reached[period]) / rate)
