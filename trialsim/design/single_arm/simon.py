"""Simon's two-stage designs: optimal, minimax, and those between that are best for some weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.stats import binom

from trialsim.data import Floats
from trialsim.design.single_arm.looks import BinomialLooks
from trialsim.design.single_arm.one_stage import checked_rates, one_stage_size
from trialsim.design.sizes.means import check_level, check_power
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook


@dataclass(frozen=True)
class TwoStage(InNotebook):
    """A two-stage design: stop in vain after n₁ with at most r₁ responders; claim with more than r among n.

    Parameters
    ----------
    first_stop, first : int
        r₁ and n₁.
    stop, participants : int
        r and n.
    expected : float
        Expected participants under the null rate.
    early_stop : float
        Probability of stopping after the first stage under the null rate.
    alpha, power : float
        Exact one-sided error, and power.
    """

    first_stop: int
    first: int
    stop: int
    participants: int
    expected: float
    early_stop: float
    alpha: float
    power: float

    @property
    def looks(self) -> BinomialLooks:
        """The same design as bounds at two looks."""
        return BinomialLooks(
            (self.first, self.participants), (self.first + 1, self.stop + 1), (self.first_stop, self.stop)
        )


def simon_designs(
    null: float, alternative: float, *, alpha: float = 0.05, power: float = 0.8, largest: int | None = None
) -> dict[str, TwoStage]:
    """Return the optimal and the minimax two-stage designs, and the admissible ones between.

    Parameters
    ----------
    null, alternative : float
        Response rates, the alternative above the null.
    alpha : float
        One-sided level.
    power : float
        In (alpha, 1).
    largest : int, optional
        Largest n that is searched; half as many again as one stage needs if left out, and at least 25 more.

    Returns
    -------
    dict of str to TwoStage
        "minimax" has the smallest n, "optimal" the smallest expected number under the null; "admissible n"
        those between that minimise a weighted mean of both (Jung and others 2004).

    Raises
    ------
    DesignError
        Rates in the wrong order, or no design up to `largest`.

    Notes
    -----
    All (r₁, n₁, r, n) are searched with exact binomial probabilities (Simon 1989, Control. Clin. Trials
    10:1).

    Examples
    --------
    >>> found = simon_designs(0.1, 0.3)
    >>> best = found["optimal"]
    >>> best.first_stop, best.first, best.stop, best.participants, round(best.expected, 1)
    (1, 10, 5, 29, 15.0)
    """
    checked_rates(null, alternative)
    check_level(alpha, 1.0)
    check_power(power, alpha)
    if largest is None:
        single = one_stage_size(null, alternative, alpha=alpha, power=power).participants
        largest = max(single + 25, int(1.5 * single))
    best = _best_by_size(*_tables(null, largest), *_tables(alternative, largest), alpha, power, largest)
    sizes = np.flatnonzero(np.isfinite(best[:, 0]))
    if not len(sizes):
        raise DesignError(
            f"is not reached by two stages of up to {largest} participants", field="power", value=power,
            mend="search larger trials",
        )  # fmt: skip
    by_size = {int(n): _design(best[n], int(n), null, alternative) for n in sizes}
    hull = _lower_hull([(n, one.expected) for n, one in by_size.items()])
    named = {f"admissible {n}": by_size[n] for n in hull[1:-1]}
    return {"minimax": by_size[hull[0]], **named, "optimal": by_size[hull[-1]]}


def _tables(rate: float, largest: int) -> tuple[Floats, Floats]:
    """Return pmf and cdf of every count at every size (n, x)."""
    n, x = np.arange(largest + 1)[:, None], np.arange(largest + 1)
    return np.asarray(binom.pmf(x, n, rate)), np.asarray(binom.cdf(x, n, rate))


@njit(cache=True)
def _best_by_size(
    pmf0: Floats, cdf0: Floats, pmf1: Floats, cdf1: Floats, alpha: float, power: float, largest: int
) -> Floats:
    """Return for each n the smallest expected size under the null, with its r₁, n₁ and r (largest + 1, 4)."""
    found = np.full((largest + 1, 4), np.inf)
    for n in range(2, largest + 1):
        for n1 in range(1, n):
            n2 = n - n1
            for r1 in range(n1):
                stop0, stop1 = cdf0[n1, r1], cdf1[n1, r1]
                if stop1 > 1 - power:
                    break
                expected = n1 + (1 - stop0) * n2
                if expected >= found[n, 0]:
                    continue
                # The smallest r that keeps the level has the most power.
                low, high = r1, n
                while low < high:
                    middle = (low + high) // 2
                    if _claims(pmf0, cdf0, n1, r1, n2, middle) <= alpha:
                        high = middle
                    else:
                        low = middle + 1
                if low < n and _claims(pmf1, cdf1, n1, r1, n2, low) >= power:
                    found[n] = np.array([expected, float(r1), float(n1), float(low)])
    return found


@njit(cache=True)
def _claims(pmf: Floats, cdf: Floats, n1: int, r1: int, n2: int, r: int) -> float:
    """Return the probability of more than r responders in both stages, having passed the first."""
    total = 0.0
    for x in range(r1 + 1, n1 + 1):
        left = r - x
        if left < 0:
            total += pmf[n1, x]
        elif left < n2:
            total += pmf[n1, x] * (1 - cdf[n2, left])
    return total


def _design(row: Floats, n: int, null: float, alternative: float) -> TwoStage:
    expected, r1, n1, r = float(row[0]), int(row[1]), int(row[2]), int(row[3])
    one = TwoStage(r1, n1, r, n, expected, float(binom.cdf(r1, n1, null)), 0.0, 0.0)
    alpha, power = one.looks.power(null), one.looks.power(alternative)
    return TwoStage(r1, n1, r, n, expected, one.early_stop, alpha, power)


def _lower_hull(points: list[tuple[int, float]]) -> list[int]:
    """Return the sizes on the lower left hull of (n, expected n), from the smallest n on."""
    best = min(points, key=lambda point: (point[1], point[0]))
    hull: list[tuple[int, float]] = []
    for point in [p for p in sorted(points) if p[0] <= best[0]]:
        while len(hull) > 1 and (hull[-1][1] - hull[-2][1]) * (point[0] - hull[-2][0]) >= (
            point[1] - hull[-2][1]
        ) * (hull[-1][0] - hull[-2][0]):
            hull.pop()
        hull.append(point)
    return [n for n, _ in hull]
