r"""Log-rank tests of a block of trials at several calendar looks, from one sort.

At a look in month c, participant i is followed for :math:`\min(x_i, c - e_i)`, x the time from entry to event
or dropout and e the entry. Sorting x serves every look; those censored by the look leave the risk set in
the reverse order of their entry, which is given, so that each look is one sweep over both orders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from trialsim.analysis.survival.block import Labels, place, read_block, refuse_not_finite
from trialsim.analysis.survival.time_order import time_order
from trialsim.data import Floats, Ints, for_kernel
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class LogRankLooks:
    """Log-rank tests at looks.

    Parameters
    ----------
    score, information : ndarray (R, K)
        Σ (d₁ − e), negative where the active arm has fewer events, and its variance.
    events : ndarray of int (R, K, 2)
        Events of control and active.
    entered : ndarray of int (R, K)
        Participants who had entered.
    """

    score: Floats
    information: Floats
    events: Ints
    entered: Ints

    @property
    def benefit(self) -> Floats:
        """Statistic −score/√information (R, K), positive where active is better; NaN without information."""
        informative = self.information > 0
        return np.where(
            informative, -self.score / np.sqrt(np.where(informative, self.information, 1.0)), np.nan
        )


def log_rank_looks(
    entry: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    months: ArrayLike,
    strata: ArrayLike | None = None,
) -> LogRankLooks:
    """Return the (stratified) log-rank test of every trial at every look.

    Parameters
    ----------
    entry : array (R, N)
        Calendar month of entry, ascending within a trial.
    time : array (R, N)
        Months from entry to event or dropout, at least 0.
    event : array (R, N)
        1 for an event, 0 for dropout.
    arm : array (R, N)
        1 for active, 0 for control.
    months : array (R, K)
        Calendar month of each look.
    strata : array of int (R, N), optional
        Strata from 0.

    Returns
    -------
    LogRankLooks

    Raises
    ------
    AnalysisError
        If the arrays cannot be read, or entries do not ascend.

    Examples
    --------
    >>> found = log_rank_looks([[0, 1, 2, 3]], [[5, 9, 2, 1]], [[1, 1, 1, 1]], [[0, 1, 0, 1]], [[4, 12]])
    >>> found.events[0].tolist(), found.benefit.round(4)
    ([[1, 1], [2, 2]], array([[-0.2425,  0.3922]]))
    """
    block = read_block(time, event, arm, strata)
    entered = for_kernel(entry, dtype=np.float64)
    looks = for_kernel(months, dtype=np.float64)
    if entered.shape != block.time.shape:
        raise AnalysisError(
            f"must have the shape {block.time.shape} of time", field="entry", value=entered.shape
        )
    refuse_not_finite("entry", entered)
    falls = np.diff(entered, axis=1) < 0
    if falls.any():
        raise AnalysisError(f"must ascend, but falls after {place(falls)}", field="entry")
    if looks.ndim != 2 or len(looks) != len(entered):
        raise AnalysisError("must have the axes replicate and look", field="months", value=looks.shape)
    refuse_not_finite("months", looks)
    return sweep_looks(entered, block.time, block.event, block.arm, looks, block.stratum, block.strata)


def sweep_looks(
    entry: Floats, time: Floats, event: Labels, arm: Labels, months: Floats, stratum: Ints, strata: int
) -> LogRankLooks:
    """Return the tests of arrays that are already checked; see `log_rank_looks`.

    Parameters
    ----------
    entry, time : ndarray (R, N)
        Months of entry, and of follow-up from it.
    event : ndarray of int8 (R, N)
        1 for an event, 0 for censoring.
    arm : ndarray of int8 (R, N)
        0 control, 1 active.
    months : ndarray (R, K)
        Calendar months of the looks.
    stratum : ndarray of int (R, N)
        From 0.
    strata : int
        How many strata there are; with 1 `stratum` is not read.

    Returns
    -------
    LogRankLooks
        Scores, information, events and entered participants at each look (R, K).

    Examples
    --------
    >>> zero = np.zeros((1, 4))
    >>> looks = sweep_looks(zero, np.array([[1.0, 2.0, 3.0, 4.0]]), np.ones((1, 4), np.int8),
    ...                     np.array([[0, 1, 0, 1]], np.int8), np.array([[2.5, 9.0]]), zero.astype(int), 1)
    >>> looks.events.sum(axis=2)
    array([[2, 4]])
    """
    shape = months.shape
    score, information = np.zeros(shape), np.zeros(shape)
    events, entered = np.zeros((*shape, 2), np.int64), np.zeros(shape, np.int64)
    order, months = time_order(time), for_kernel(months)
    if strata == 1:
        _sweep_whole(entry, time, event, arm, months, order, score, information, events, entered)
    else:
        _sweep_strata(
            entry, time, event, arm, stratum, strata, months, order, score, information, events, entered
        )
    return LogRankLooks(score, information, events, entered)


@njit(cache=True)
def _sweep_whole(
    entry: Floats,
    time: Floats,
    event: Labels,
    arm: Labels,
    months: Floats,
    order: Ints,
    score: Floats,
    information: Floats,
    events: Ints,
    entered: Ints,
) -> None:
    replicates, participants = time.shape
    x, e = np.empty(participants), np.empty(participants)
    active, had = np.empty(participants, np.int64), np.empty(participants, np.int64)
    first = np.empty(participants + 1, np.int64)
    seen, seen1 = np.zeros(participants + 1, np.int64), np.zeros(participants + 1, np.int64)
    leaves, leaving = np.empty(participants + 1), np.empty(participants + 1, np.int64)
    found = np.empty(participants + 1, np.int64)
    for r in range(replicates):
        # One row in the order of time, and where each time begins.
        for i in range(participants):
            p = order[r, i]
            x[i], e[i] = time[r, p], entry[r, p]
            active[i], had[i] = arm[r, p], event[r, p]
            first[i] = first[i - 1] if i > 0 and x[i] == x[i - 1] else i
        first[participants] = participants
        for look in range(months.shape[1]):
            c = months[r, look]
            # No branch in these two loops: what a look has seen of a participant cannot be foretold.
            count = 0
            for i in range(participants):
                here = int(e[i] + x[i] <= c)
                seen[i + 1] = seen[i] + here
                seen1[i + 1] = seen1[i] + (here & active[i])
                found[count] = i
                count += here & had[i]
            # Those whom the look finds at risk leave c − e after entry: the last to enter first.
            n, n1, cut = 0, 0, 0
            while n < participants and entry[r, n] <= c:
                leaves[cut], leaving[cut] = c - entry[r, n], arm[r, n]
                cut += int(entry[r, n] + time[r, n] > c)
                n1 += arm[r, n]
                n += 1
            entered[r, look] = n
            d_control, d_active = 0, 0
            u, v = 0.0, 0.0
            k = 0
            while k < count:
                i = found[k]
                start = first[i]
                while cut > 0 and leaves[cut - 1] < x[i]:
                    cut -= 1
                    n -= 1
                    n1 -= leaving[cut]
                at_risk = n - seen[start]
                share = (n1 - seen1[start]) / at_risk
                if start == i and first[i + 1] == i + 1:
                    u += active[i] - share
                    v += share * (1.0 - share)
                    d_active += active[i]
                    d_control += 1 - active[i]
                    k += 1
                    continue
                d, d1 = 0, 0
                while k < count and first[found[k]] == start:
                    d += 1
                    d1 += active[found[k]]
                    k += 1
                u += d1 - d * share
                if at_risk > 1:
                    v += d * share * (1.0 - share) * (at_risk - d) / (at_risk - 1.0)
                d_active += d1
                d_control += d - d1
            score[r, look], information[r, look] = u, v
            events[r, look, 0], events[r, look, 1] = d_control, d_active


@njit(cache=True)
def _sweep_strata(
    entry: Floats,
    time: Floats,
    event: Labels,
    arm: Labels,
    stratum: Ints,
    strata: int,
    months: Floats,
    order: Ints,
    score: Floats,
    information: Floats,
    events: Ints,
    entered: Ints,
) -> None:
    replicates, participants = time.shape
    n, n1 = np.empty(strata, np.int64), np.empty(strata, np.int64)
    d, d1 = np.zeros(strata, np.int64), np.zeros(strata, np.int64)
    x, e = np.empty(participants), np.empty(participants)
    active, had = np.empty(participants, np.int64), np.empty(participants, np.int64)
    group = np.empty(participants, np.int64)
    for r in range(replicates):
        for i in range(participants):
            p = order[r, i]
            x[i], e[i] = time[r, p], entry[r, p]
            active[i], had[i], group[i] = arm[r, p], event[r, p], stratum[r, p]
        for look in range(months.shape[1]):
            c = months[r, look]
            n[:], n1[:] = 0, 0
            total = 0
            while total < participants and entry[r, total] <= c:
                n[stratum[r, total]] += 1
                n1[stratum[r, total]] += arm[r, total]
                total += 1
            entered[r, look] = total
            latest = total - 1
            u, v = 0.0, 0.0
            i = 0
            while i < participants and x[i] <= c:
                t = x[i]
                stop = i + 1
                while stop < participants and x[stop] == t:
                    stop += 1
                if stop == i + 1 and e[i] + t > c:
                    i = stop
                    continue
                while latest >= 0 and c - entry[r, latest] < t:
                    if entry[r, latest] + time[r, latest] > c:
                        n[stratum[r, latest]] -= 1
                        n1[stratum[r, latest]] -= arm[r, latest]
                    latest -= 1
                for k in range(i, stop):
                    if had[k] == 1 and e[k] + t <= c:
                        d[group[k]] += 1
                        d1[group[k]] += active[k]
                        events[r, look, active[k]] += 1
                for k in range(i, stop):
                    s = group[k]
                    if d[s] > 0:
                        share = n1[s] / n[s]
                        u += d1[s] - d[s] * share
                        if n[s] > 1:
                            v += d[s] * share * (1.0 - share) * (n[s] - d[s]) / (n[s] - 1.0)
                        d[s], d1[s] = 0, 0
                for k in range(i, stop):
                    if e[k] + t <= c:
                        n[group[k]] -= 1
                        n1[group[k]] -= active[k]
                i = stop
            score[r, look], information[r, look] = u, v
