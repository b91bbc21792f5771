"""Whether a trial's population is inside the range of the history that its twins come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from trialsim.data import Covariates, Floats
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook

RANGE = (0.01, 0.99)
FAR_QUANTILE = 0.975
MOST_IN_HULL = 300
_FEWEST_BEYOND_COVARIATES = 3
_ALONE = 1e-9


@dataclass(frozen=True)
class Applicability(InNotebook):
    """How far a trial's participants are from a history, by what both measured.

    Parameters
    ----------
    covariates : DataFrame
        One row a covariate: means and SDs in both, standardised mean difference (in the history's
        SD), and the share of the trial outside the history's 1 % to 99 % range.
    far_share : float
        Share of the trial whose Mahalanobis distance is above the 97.5 % quantile of the history's own, each
        of its participants judged by the others; .025 where the two populations are one.
    hull_share : float
        Share of the trial inside the convex hull of the history. Even participants of the history's own
        population lie outside when there are many covariates: read it beside `hull_share_history`.
    hull_share_history : float
        The same of history participants, each left out of the hull in turn.
    hull_participants : int
        Participants of each kind that the hull shares come from, at most 300, evenly spaced.
    """

    covariates: pd.DataFrame
    far_share: float
    hull_share: float
    hull_share_history: float
    hull_participants: int


def judge_applicability(history: Covariates, trial: Covariates) -> Applicability:
    """Compare a trial's covariates with the history's; give the baseline as one of them.

    Parameters
    ----------
    history, trial : Covariates
        The trial's may have more names. Missing values are left out by covariate, and set to the
        history's mean for distances.

    Returns
    -------
    Applicability
        Ranges, distances and the share of the trial inside, by covariate and together.

    Raises
    ------
    HistoryError
        A covariate of the history is absent or always missing in the trial, there is none, or the history
        has too few participants for its covariates.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> past = Covariates(("age",), rng.normal(70.0, 8.0, (200, 1)))
    >>> older = Covariates(("age",), rng.normal(95.0, 2.0, (100, 1)))
    >>> judge_applicability(past, older).far_share > 0.5
    True
    """
    if not history.names or len(history) < len(history.names) + _FEWEST_BEYOND_COVARIATES:
        raise HistoryError(
            f"{len(history)} participants with {len(history.names)} covariates span no range",
            field="covariates",
            mend="give a larger history, or at least one covariate",
        )
    if absent := sorted(set(history.names) - set(trial.names)):
        raise HistoryError(
            f"the trial lacks {', '.join(absent)}", field="covariates", mend="measure them in the trial"
        )
    theirs = trial.select(history.names).values
    table = pd.DataFrame(
        _compare(name, mine, other)
        for name, mine, other in zip(history.names, history.values.T, theirs.T, strict=True)
    )
    mean = np.nanmean(history.values, axis=0)
    past, now = (np.where(np.isnan(v), mean, v) for v in (history.values, theirs))
    centre, inverse = past.mean(axis=0), np.linalg.pinv(np.atleast_2d(np.cov(past, rowvar=False)))
    of_past, of_now = (np.einsum("np,pq,nq->n", v - centre, inverse, v - centre) for v in (past, now))
    far = np.quantile(_left_out(of_past), FAR_QUANTILE, method="weibull")
    share, own, judged = _hull_shares(past, now)
    return Applicability(
        covariates=table,
        far_share=float((of_now > far).mean()),
        hull_share=share,
        hull_share_history=own,
        hull_participants=judged,
    )


def _compare(name: str, history: Floats, trial: Floats) -> dict[str, object]:
    mine, theirs = history[np.isfinite(history)], trial[np.isfinite(trial)]
    if not mine.size or not theirs.size:
        raise HistoryError(
            "is missing for everybody in the history or in the trial", field=name, mend="leave it out"
        )
    low, high = np.quantile(mine, RANGE)
    return {
        "covariate": name,
        "history_mean": float(mine.mean()),
        "history_sd": float(mine.std()),
        "trial_mean": float(theirs.mean()),
        "trial_sd": float(theirs.std()),
        "standardised_difference": float((theirs.mean() - mine.mean()) / mine.std())
        if mine.std()
        else np.nan,
        "outside_range": float(((theirs < low) | (theirs > high)).mean()),
    }


def _left_out(squared: Floats) -> Floats:
    """Return squared distances (N,) from the mean and covariance of the others, by Sherman and Morrison.

    Distances to a mean and covariance that a participant is part of are too short for a quantile that others
    are held against: with 40 participants and 6 covariates it would call 16 % of a like population far.
    """
    n = len(squared)
    left = 1 - n * squared / (n - 1) ** 2
    with np.errstate(divide="ignore"):
        return np.where(left > _ALONE, (n - 2) * n**2 / (n - 1) ** 3 * squared / left, np.inf)


def _hull_shares(past: Floats, now: Floats) -> tuple[float, float, int]:
    """Return the shares of the trial and of left-out history participants inside the history's hull."""
    judged = min(MOST_IN_HULL, len(now), len(past))
    some = np.unique(np.linspace(0, len(now) - 1, judged).round().astype(int))
    left_out = np.unique(np.linspace(0, len(past) - 1, judged).round().astype(int))
    inside = [in_hull(point, past) for point in now[some]]
    own = [in_hull(past[one], np.delete(past, one, axis=0)) for one in left_out]
    return float(np.mean(inside)), float(np.mean(own)), judged


def in_hull(point: Floats, points: Floats) -> bool:
    """Return whether a point (P,) is a weighted mean of points (N, P), by linear programming.

    Examples
    --------
    >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> in_hull(np.array([0.5, 0.9]), square), in_hull(np.array([0.5, 1.1]), square)
    (True, False)
    """
    scale = np.where(points.std(axis=0) > 0, points.std(axis=0), 1.0)
    rows = np.vstack([((points - point) / scale).T, np.ones(len(points))])
    target = np.concatenate([np.zeros(points.shape[1]), [1.0]])
    found = linprog(np.zeros(len(points)), A_eq=rows, b_eq=target, method="highs")
    return bool(found.status == 0)
