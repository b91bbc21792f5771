"""What each observed visit adds to a twin: regressions as a yardstick, the updated twins beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.data import Floats, History
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.fit.sampler import Sampler
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.histories.learnable import learnable_rows, require_learnable
from trialsim.prognosis.living.updating import update_twins
from trialsim.prognosis.models.terms import ModelTerms, require_terms
from trialsim.prognosis.twins.fitting import fit_block
from trialsim.prognosis.validation.gain import leave_one_out_r2
from trialsim.prognosis.validation.longitudinal import FOLD_SETTINGS, assign_folds
from trialsim.progress import Progress, silent
from trialsim.streams import stream


@dataclass(frozen=True)
class UpdateValue(InNotebook):
    """How well the change at the last visit is foreseen, by how many visits have been seen.

    One entry for no visit, the first, the first two and so on; participants who have all of them and
    the last one. R2 is 1 - squared error / squares around the mean of the same participants.

    Parameters
    ----------
    seen : tuple of tuple of float
        Weeks seen.
    participants : ndarray of int
        Judged.
    regression_r2, regression_r2_loo : ndarray
        Least squares on the baseline and the changes seen, in sample and leave-one-out.
    visits_r2, visits_r2_loo : ndarray
        The same on the changes seen alone, without the baseline: 0 with no visit, in sample.
    twin_r2 : ndarray
        Of twins from folds that have not seen the participant, updated with the visits seen. Nothing
        is fitted to the visits: a wrong model shows as a low or negative value.
    twin_sd : ndarray
        Mean predictive standard deviation of those twins.
    """

    seen: tuple[tuple[float, ...], ...]
    participants: Floats
    regression_r2: Floats
    regression_r2_loo: Floats
    visits_r2: Floats
    visits_r2_loo: Floats
    twin_r2: Floats
    twin_sd: Floats

    def to_frame(self) -> pd.DataFrame:
        """Return one row a number of visits seen."""
        columns = {name: value for name, value in vars(self).items() if name != "seen"}
        seen = [f"to week {weeks[-1]:g}" if weeks else "none" for weeks in self.seen]
        return pd.DataFrame({"seen": seen, **columns})


def value_of_updating(
    history: History,
    settings: FitSettings = FOLD_SETTINGS,
    *,
    seed: int,
    folds: int = 10,
    by_group: bool = False,
    terms: ModelTerms | None = None,
    progress: Progress | None = None,
    sampler: Sampler | None = None,
) -> UpdateValue:
    """Return what each visit adds, out of sample; arguments as in `cross_validate`.

    Post-baseline data are no covariate for a randomised comparison: a high R2 here is worth a forecast, not
    a smaller trial.

    Parameters
    ----------
    history : History
        Past placebo participants, with two visits or more.
    settings : FitSettings
        Of a fold's fit.
    seed : int
        Of folds and fits.
    folds : int
        At least 2.
    by_group : bool
        Whether a study is a fold.
    terms : ModelTerms, optional
        Of the model.
    progress : callable, optional
        Called with stage, folds done and folds in all.
    sampler : Sampler, optional
        A compiled model to share.

    Returns
    -------
    UpdateValue
        R² and SDs after each number of visits seen.

    Raises
    ------
    HistoryError
        Fewer than two visits, or nothing can be learnt.
    FitError
        The fit of a fold did not pass its gate.
    """
    terms = terms or ModelTerms()
    require_learnable(history)
    require_terms(history, terms)
    if len(history.weeks) < 2:
        raise HistoryError(
            "updating needs a visit before the last one", field="weeks", mend="give a history with two visits"
        )
    known = history.take(learnable_rows(history))
    fold = assign_folds(known, folds, by_group, stream(seed, "", 0, "folds"))
    steps = len(history.weeks)
    score, sd = np.empty((2, len(known), steps))
    report, sampler = progress or silent, sampler or Sampler()
    for k in range(int(fold.max()) + 1):
        report("update twins", k, int(fold.max()) + 1)
        others = known.take(np.flatnonzero(fold != k))
        fitted = fit_block(others, seed, k + 1, settings, silent, sampler, "", terms)
        rows = np.flatnonzero(fold == k)
        them = known.take(rows)
        for step in range(steps):
            twins = update_twins(
                fitted,
                them.covariates,
                them.baseline,
                known.weeks[:step],
                them.outcomes[:, :step],
                known.weeks[-1:],
            ).twins
            score[rows, step], sd[rows, step] = twins.score[:, 0], twins.sd[:, 0]
    report("update twins", int(fold.max()) + 1, int(fold.max()) + 1)
    table = [_judge(known, score[:, step], sd[:, step], step) for step in range(steps)]
    named = {name: np.array([row[name] for row in table]) for name in table[0]}
    return UpdateValue(seen=tuple(tuple(known.weeks[:step].tolist()) for step in range(steps)), **named)


def _judge(history: History, score: Floats, sd: Floats, step: int) -> dict[str, float]:
    change = history.outcomes - history.baseline[:, None]
    kept = np.isfinite(change[:, [*range(step), -1]]).all(axis=1)
    y, visits = change[kept, -1], change[kept, :step]
    with_baseline = np.column_stack([history.baseline[kept], visits])
    around = ((y - y.mean()) ** 2).sum()
    missed = history.outcomes[kept, -1] - score[kept]
    return {
        "participants": int(kept.sum()),
        "regression_r2": in_sample_r2(y, with_baseline),
        "regression_r2_loo": leave_one_out_r2(y, with_baseline),
        "visits_r2": in_sample_r2(y, visits),
        "visits_r2_loo": leave_one_out_r2(y, visits),
        "twin_r2": float(1 - missed @ missed / around),
        "twin_sd": float(sd[kept].mean()),
    }


def in_sample_r2(outcome: ArrayLike, columns: ArrayLike) -> float:
    """Return the share of the squares around the mean that least squares with intercept explains.

    Parameters
    ----------
    outcome : array (N,)
        Finite.
    columns : array (N, K)
        Finite, without an intercept.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> in_sample_r2(np.array([1.0, 2.0, 4.0]), np.empty((3, 0)))
    0.0
    """
    outcome = np.asarray(outcome, dtype=np.float64)
    columns = np.asarray(columns, dtype=np.float64)
    design = np.column_stack([np.ones(len(outcome)), columns])
    residual = outcome - design @ np.linalg.lstsq(design, outcome, rcond=None)[0]
    around = outcome - outcome.mean()
    return float(1 - (residual @ residual) / (around @ around))
