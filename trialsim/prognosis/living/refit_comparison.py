"""Twins updated in closed form beside twins of a refit that has learnt from the same visits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trialsim.data import Floats, History
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.living.recalibration import add_interim
from trialsim.prognosis.living.updating import update_twins
from trialsim.prognosis.twins.longitudinal import Prognosis
from trialsim.prognosis.validation.longitudinal import assign_folds
from trialsim.streams import stream

Fit = Callable[[History], Prognosis]


@dataclass(frozen=True)
class RefitComparison(InNotebook):
    """What a refit says beyond the closed form, one entry a week that is still ahead.

    The closed form conditions every participant on their own visits, with the history's posterior weighed by
    them alone; the refit has learnt from the visits of all. Both then condition on the own visits.

    Parameters
    ----------
    weeks : ndarray (W,)
        Weeks ahead.
    updated, refitted : ndarray (N, W)
        Scores.
    updated_sd, refitted_sd : ndarray (N, W)
        Predictive standard deviations.
    outcomes : ndarray (N, W) or None
        What was observed later, where it is known.
    """

    weeks: Floats
    updated: Floats
    refitted: Floats
    updated_sd: Floats
    refitted_sd: Floats
    outcomes: Floats | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return one row a week: differences of score, standard deviations, and errors where known.

        ``rms_difference`` and ``largest_difference`` of the two scores in points, ``share_of_sd``: the former
        over the mean standard deviation of the refit; ``rmse_*`` with the participants seen at that week.
        """
        difference = self.updated - self.refitted
        columns: dict[str, object] = {
            "week": self.weeks,
            "participants": len(self.updated),
            "rms_difference": _root_mean_square(difference),
            "largest_difference": np.abs(difference).max(axis=0),
            "share_of_sd": _root_mean_square(difference) / self.refitted_sd.mean(axis=0),
            "sd_updated": self.updated_sd.mean(axis=0),
            "sd_refit": self.refitted_sd.mean(axis=0),
        }
        if self.outcomes is not None:
            columns["seen_later"] = np.isfinite(self.outcomes).sum(axis=0)
            columns["rmse_updated"] = _root_mean_square(self.updated - self.outcomes)
            columns["rmse_refit"] = _root_mean_square(self.refitted - self.outcomes)
        return pd.DataFrame(columns)


def _root_mean_square(values: Floats) -> Floats:
    return np.asarray(np.sqrt(np.nanmean(values**2, axis=0)))


def compare_with_refit(
    prognosis: Prognosis,
    history: History,
    interim: History,
    refit: Fit,
    outcomes: Floats | None = None,
) -> RefitComparison:
    """Compare twins updated in closed form with those of a refit to history and interim data.

    Parameters
    ----------
    prognosis : Prognosis
        Fitted to `history`.
    history, interim : History
        What was learnt from, and *controls* of a running trial: a refit to treated participants would
        learn the effect as if it were placebo.
    refit : callable
        From a history to a prognosis, such as `fit_prognosis` with its settings.
    outcomes : ndarray (N, W), optional
        What was observed at the weeks ahead, to judge both.

    Returns
    -------
    RefitComparison

    Raises
    ------
    HistoryError
        The interim data share no week with the history, or nothing is ahead.
    FitError
        The refit did not pass its gate.
    """
    seen = np.isin(history.weeks, interim.weeks)
    if not seen.any() or seen.all():
        raise HistoryError(
            "the interim data have " + ("every week" if seen.all() else "no week") + " of the history",
            field="weeks",
            mend="give the visits seen so far, with at least one still ahead",
        )
    now = on_weeks_of(history, interim)
    both = refit(add_interim(history, now))
    known, ahead = history.weeks[seen], history.weeks[~seen]
    mine, theirs = (
        update_twins(model, now.covariates, now.baseline, known, now.outcomes[:, seen], ahead, learnt=learnt)
        for model, learnt in ((prognosis, False), (both, True))
    )
    return RefitComparison(
        ahead, mine.twins.score, theirs.twins.score, mine.twins.sd, theirs.twins.sd, outcomes
    )


def on_weeks_of(history: History, interim: History) -> History:
    """Return interim data at the weeks of a history, NaN where nothing was seen."""
    outcomes = np.full((len(interim), len(history.weeks)), np.nan)
    shared = np.isin(history.weeks, interim.weeks)
    where = np.searchsorted(interim.weeks, history.weeks[shared])
    outcomes[:, shared] = interim.outcomes[:, where]
    return replace(interim, weeks=history.weeks, outcomes=outcomes)


def split_off_interim(history: History, folds: int, seed: int) -> tuple[History, History, Floats]:
    """Return a history without one fold, that fold before its last visit, and the last visit's outcomes.

    Parameters
    ----------
    history : History
        With at least two visits.
    folds : int
        One of so many parts becomes the interim data; whoever has no baseline is left out.
    seed : int
        Of the parts.

    Returns
    -------
    history : History
        Without the fold.
    interim : History
        The fold, before its last visit.
    outcomes : ndarray (N, 1)
        The fold's last visit.

    Raises
    ------
    HistoryError
        Fewer than two visits.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> rest, interim, last = split_off_interim(history, folds=3, seed=1)
    >>> len(rest), interim.weeks, last.shape
    (40, array([12.]), (20, 1))
    """
    if len(history.weeks) < 2:
        raise HistoryError(
            "updating needs a visit before the last one", field="weeks", mend="give a history with two visits"
        )
    known = history.take(np.isfinite(history.baseline))
    fold = assign_folds(known, folds, False, stream(seed, "", 0, "folds"))
    part = known.take(np.flatnonzero(fold == 0))
    early = replace(part, weeks=part.weeks[:-1], outcomes=part.outcomes[:, :-1], source="one fold")
    return known.take(np.flatnonzero(fold != 0)), early, part.outcomes[:, -1:]
