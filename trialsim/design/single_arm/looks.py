"""One arm, several looks: exact binomial group-sequential designs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binom

from trialsim.data import Floats
from trialsim.design.group_sequential.spending import SpendingFunction
from trialsim.design.sizes.means import check_level
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

_RATES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class BinomialLooks(InNotebook):
    """Bounds on the responders of one arm at several looks.

    Parameters
    ----------
    participants : tuple of int (K,)
        At each look, ascending.
    upper : tuple of int (K,)
        The rate is claimed with at least so many responders; n + 1 where a look claims nothing.
    lower : tuple of int (K,)
        The trial stops in vain with at most so many; −1 where it does not.
    """

    participants: tuple[int, ...]
    upper: tuple[int, ...]
    lower: tuple[int, ...]

    def stopping(self, rate: float) -> tuple[Floats, Floats]:
        """Return the probabilities of stopping up and down at each look (K,), exactly.

        Parameters
        ----------
        rate : float
            True response rate, in [0, 1].

        Examples
        --------
        >>> simon = BinomialLooks((10, 29), (11, 6), (1, 5))
        >>> up, down = simon.stopping(0.1)
        >>> round(float(up.sum()), 4), round(float(down[0]), 4)
        (0.0471, 0.7361)
        """
        if not 0 <= rate <= 1:
            raise DesignError("must lie in [0, 1]", field="rate", value=rate)
        going = np.ones(1)
        before = 0
        up, down = np.zeros(len(self.participants)), np.zeros(len(self.participants))
        for k, n in enumerate(self.participants):
            new = binom.pmf(np.arange(n - before + 1), n - before, rate)
            mass = np.convolve(going, new)
            up[k] = mass[self.upper[k] :].sum()
            down[k] = mass[: self.lower[k] + 1].sum()
            going = mass.copy()
            going[self.upper[k] :] = 0.0
            going[: self.lower[k] + 1] = 0.0
            before = n
        return up, down

    def power(self, rate: float) -> float:
        """Return the probability of a claim at a true rate."""
        return float(self.stopping(rate)[0].sum())

    def expected_participants(self, rate: float) -> float:
        """Return the expected size at a true rate."""
        up, down = self.stopping(rate)
        early = (up + down)[:-1]
        last = self.participants[-1]
        return float(last - np.dot(early, last - np.array(self.participants[:-1])))

    def to_frame(self, rates: Sequence[float] = _RATES) -> pd.DataFrame:
        """Return one row a look and true rate; of the rates .1 to .9 where none are given."""
        rows = []
        for rate in rates:
            up, down = self.stopping(rate)
            for k, n in enumerate(self.participants):
                rows.append((rate, k + 1, n, self.upper[k], self.lower[k], up[k], down[k]))
        columns = ["rate", "look", "participants", "claim_from", "stop_at_most", "claimed", "stopped"]
        return pd.DataFrame(rows, columns=columns)


def binomial_looks(participants: Sequence[int], upper: Sequence[int], lower: Sequence[int]) -> BinomialLooks:
    """Return looks with bounds given by hand; see `BinomialLooks`.

    Parameters
    ----------
    participants : sequence of int (K,)
        Seen at each look, ascending.
    upper : sequence of int (K,)
        Responders from which a look claims success.
    lower : sequence of int (K,)
        Responders up to which a look stops for futility.

    Returns
    -------
    BinomialLooks
        Its chances are exact at any response rate.

    Raises
    ------
    DesignError
        Looks out of order, or bounds that cross.

    Examples
    --------
    >>> round(binomial_looks([10, 29], [11, 6], [1, 5]).expected_participants(0.1), 2)
    15.01
    """
    n = np.asarray(participants)
    if n.ndim != 1 or not len(n) or n.dtype.kind not in "iu" or n[0] < 1 or (np.diff(n) < 1).any():
        raise DesignError("must be whole numbers that ascend", field="participants", value=list(participants))
    if len(upper) != len(n) or len(lower) != len(n):
        raise DesignError("must hold one bound for each look", field="upper", value=list(upper))
    if any(low >= high for low, high in zip(lower, upper, strict=True)):
        raise DesignError("lies at or above the upper bound", field="lower", value=list(lower))
    if upper[-1] != lower[-1] + 1:
        raise DesignError(
            "must lie next to the upper bound at the last look", field="lower", value=list(lower),
            mend=f"end with {upper[-1] - 1}",
        )  # fmt: skip
    return BinomialLooks(tuple(int(x) for x in n), tuple(int(x) for x in upper), tuple(int(x) for x in lower))


def spending_binomial_looks(
    participants: Sequence[int], null: float, efficacy: SpendingFunction, alpha: float = 0.025
) -> BinomialLooks:
    """Return the smallest exact upper bounds that spend no more alpha than a function allows.

    Parameters
    ----------
    participants : sequence of int (K,)
        At each look, ascending; the share of the last is the information.
    null : float
        Response rate under the null.
    efficacy : SpendingFunction
        How alpha is spent; what a look cannot spend exactly is left for the next.
    alpha : float
        One-sided level.

    Returns
    -------
    BinomialLooks
        Its exact level is at most what is spent.

    Raises
    ------
    DesignError
        A number out of range.

    Examples
    --------
    >>> from trialsim.design import OBrienFlemingSpending
    >>> looks = spending_binomial_looks([20, 40, 60], 0.2, OBrienFlemingSpending())
    >>> looks.upper, round(looks.power(0.2), 4), round(looks.power(0.4), 4)
    ((12, 16, 19), 0.0225, 0.9287)
    """
    check_level(alpha, 1.0)
    if not 0 < null < 1:
        raise DesignError("must lie between 0 and 1", field="null", value=null)
    n = np.asarray(participants)
    allowed = efficacy.cumulative(alpha, n / n[-1])
    going, before, spent = np.ones(1), 0, 0.0
    upper: list[int] = []
    for count, most in zip(n.tolist(), allowed, strict=True):
        mass = np.convolve(going, binom.pmf(np.arange(count - before + 1), count - before, null))
        tail = np.append(np.cumsum(mass[::-1])[::-1], 0.0)
        bound = int(np.argmax(tail <= most - spent + 1e-15))
        upper.append(bound)
        spent += float(tail[bound])
        going, before = mass.copy(), count
        going[bound:] = 0.0
    return binomial_looks(n.tolist(), upper, [*([-1] * (len(upper) - 1)), upper[-1] - 1])
