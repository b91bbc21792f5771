r"""Joint rank of an event and a marker: the event decides a pair, the marker where nobody has one.

As in the combined assessment of function and survival (Finkelstein & Schoenfeld 1999, Stat. Med. 18:1341;
Berry et al. 2013, Amyotroph. Lateral Scler. 14:162).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.special import ndtr

from trialsim.data import Estimates, Floats
from trialsim.errors import AnalysisError
from trialsim.registry import SeenJoint
from trialsim.trial.outcomes import JointTrials

REASONS = ("ok", "one arm is empty", "no pair is decided")


def joint_rank_block(trials: JointTrials | SeenJoint, *, higher_is_worse: bool = True) -> Estimates:
    r"""Return the difference between wins and losses of active against control, in every trial.

    Parameters
    ----------
    trials : JointTrials or SeenJoint
        R trials of N participants.
    higher_is_worse : bool
        Direction of the marker.

    Returns
    -------
    Estimates
        Wins minus losses of active, as a share of all pairs between arms; positive favours active.

    Notes
    -----
    An event within the time for which the other is followed without one loses. Where neither has an
    event within their common follow-up, the better change from baseline at the last visit that both have
    wins; without such a visit the pair is tied. With :math:`s_i` the wins minus losses of i against
    everybody, :math:`U = \sum_{active} s_i` has under the null the permutation variance
    :math:`\frac{n_0 n_1}{N(N-1)} \sum s_i^2`.

    Examples
    --------
    >>> one = lambda *values: np.array([values], dtype=np.float64)
    >>> arm, event = np.array([[0, 0, 1, 1]], dtype=np.int8), np.array([[1, 0, 0, 0]], dtype=np.int8)
    >>> marker = np.array([[[np.nan], [2.0], [1.0], [3.0]]])
    >>> trials = JointTrials(one(0, 0, 0, 0), arm, one(0, 0, 0, 0), marker, one(3, 9, 9, 9), event)
    >>> joint_rank_block(trials).estimate
    array([0.5])
    """
    change = trials.marker - trials.baseline[..., None]
    if trials.time.shape != trials.arm.shape or change.shape[:2] != trials.arm.shape:
        raise AnalysisError(
            "must have the axes replicate and participant", field="time", value=trials.time.shape
        )
    worse = np.ascontiguousarray(change if higher_is_worse else -change)
    score = np.zeros(trials.time.shape)
    _scores(trials.time, trials.event, worse, score)
    active = trials.arm == 1
    n = np.array(active.shape[1], dtype=np.float64)
    n1 = active.sum(axis=1)
    pairs = np.maximum(n1 * (n - n1), 1)
    variance = n1 * (n - n1) / (n * (n - 1)) * (score**2).sum(axis=1)
    estimate = np.where(active, score, 0.0).sum(axis=1) / pairs
    status = np.where((n1 == 0) | (n1 == n), 1, np.where(variance <= 0, 2, 0)).astype(np.int8)
    ok = status == 0
    error = np.where(ok, np.sqrt(variance) / pairs, np.nan)
    z = np.where(ok, estimate / np.where(ok, error, 1.0), np.nan)
    return Estimates(
        "joint rank", np.where(ok, estimate, np.nan), error, np.full(len(z), np.inf), z,
        np.where(ok, 2 * ndtr(-np.abs(z)), np.nan), status, REASONS,
    )  # fmt: skip


@njit(cache=True)
def _scores(time: Floats, event: np.ndarray, worse: Floats, score: Floats) -> None:
    """Fill wins minus losses of each participant against all others of the trial."""
    replicates, participants, visits = worse.shape
    last = np.empty(participants, np.int64)
    for r in range(replicates):
        for i in range(participants):
            last[i] = -1
            for v in range(visits):
                if not np.isnan(worse[r, i, v]):
                    last[i] = v
        for i in range(participants):
            for j in range(i):
                won = 0
                if event[r, i] == 1 and time[r, i] < time[r, j]:
                    won = -1
                elif event[r, j] == 1 and time[r, j] < time[r, i]:
                    won = 1
                elif event[r, i] == 1 and event[r, j] == 0 and time[r, i] == time[r, j]:
                    won = -1
                elif event[r, j] == 1 and event[r, i] == 0 and time[r, i] == time[r, j]:
                    won = 1
                elif event[r, i] == 0 or event[r, j] == 0:
                    v = min(last[i], last[j])
                    if v >= 0:
                        won = int(worse[r, j, v] > worse[r, i, v]) - int(worse[r, j, v] < worse[r, i, v])
                score[r, i] += won
                score[r, j] -= won
