"""Whether a history and a trial may meet: nobody in both, one scale, the same covariates, no leak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln
from scipy.stats import skew

from trialsim.data import Covariates, Floats, History
from trialsim.errors import HistoryError
from trialsim.prognosis.histories.strangers import require_strangers

if TYPE_CHECKING:
    from trialsim.data import OutcomeHistory

FARTHEST_MEAN_SD = 4.0
FARTHEST_MEAN_LOG_SD = 3.0
LARGEST_SD_RATIO = 5.0
LEAK_CORRELATION = 0.999
LEAK_PARTIAL_CORRELATION = 0.95
_FEWEST_FOR_LEAK = 10
_FEWEST_FOR_SD = 10
_MOST_LEVELS = 10
_LONG_TAIL = 2.0
_FEWEST_FOR_PARTIAL = 20
_CHANCE_OF_ORDER = 1e-6


def require_compatible(history: History, trial: History) -> None:
    """Raise if the twins of a history may not be issued to, or checked on, a trial's participants.

    Parameters
    ----------
    history : History
        What twins were learnt from.
    trial : History
        The trial's participants.

    Raises
    ------
    HistoryError
        Another endpoint or scale, also of a covariate, a covariate that one of them lacks, or participants
        in both.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> require_compatible(history.take(np.arange(40)), history.take(np.arange(40, 60)))
    """
    if history.endpoint != trial.endpoint:
        raise HistoryError(
            f"the trial's endpoint is {trial.endpoint}, the history's is {history.endpoint}",
            field="endpoint",
            mend="learn from a history of the same endpoint",
        )
    require_same_covariates(history.covariates, trial.covariates)
    require_same_scales(history, trial.covariates, trial.baseline)
    require_strangers(history, trial)


def require_same_covariates(history: Covariates, trial: Covariates) -> None:
    """Raise if a covariate of the history is absent or always missing in the trial, or the other way."""
    for name in history.names:
        given = name in trial.names
        if not given or np.isnan(trial.column(name)).all():
            raise HistoryError(
                "the trial's participants do not have it" if not given else "is missing for the whole trial",
                field=name,
                mend="measure it in the trial, or fit the prognosis without it",
            )
        if np.isnan(history.column(name)).all():
            raise HistoryError(
                "is missing for the whole history", field=name, mend="fit the prognosis without it"
            )


def require_same_scales(history: History, covariates: Covariates, baseline: Floats) -> None:
    """Raise if a trial's measured baseline, or a covariate of more than two values, is on another scale.

    Parameters
    ----------
    history : History
        What twins were learnt from.
    covariates : Covariates
        Of the trial's participants.
    baseline : ndarray (N,)
        Their measured baselines.

    Raises
    ------
    HistoryError
        One of them looks to be on another scale.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> require_same_scales(history, history.covariates, history.baseline)
    """
    require_same_scale(history.baseline, baseline, history.endpoint)
    require_same_covariate_scales(history, covariates)


def require_same_covariate_scales(history: History | OutcomeHistory, covariates: Covariates) -> None:
    """Raise if a covariate of more than two values is on another scale than a history's.

    Parameters
    ----------
    history : History or OutcomeHistory
        What twins were learnt from.
    covariates : Covariates
        Of the trial's participants; each of the history's covariates is among them.

    Raises
    ------
    HistoryError
        One of them looks to be on another scale.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, OutcomeHistory
    >>> people = Covariates(("age",), np.random.default_rng(1).normal(70.0, 8.0, (60, 1)))
    >>> none = np.zeros(60, dtype=int)
    >>> history = OutcomeHistory("response", "example", "binary", people, none * 1.0, np.full(60, 24.0), none)
    >>> require_same_covariate_scales(history, people)
    """
    for name in history.covariates.names:
        mine = history.covariates.column(name)
        if np.unique(mine[np.isfinite(mine)]).size > 2:
            require_same_scale(mine, covariates.column(name), name)


def require_same_scale(history: Floats, trial: Floats, name: str) -> None:
    """Raise if baseline values are so far apart that one side must be on another scale.

    More than four of the history's SDs between the means, or a ratio of the SDs above five: no trial that
    is worth a twin differs so much from its history, and points against percent do. The SD of fewer than ten
    participants tells nothing. Long tails are held against each other by their logarithms, three SDs apart at
    most, and levels that all stand in the history are its own, even if the trial takes in one of them alone.

    Parameters
    ----------
    history : ndarray (N,)
        Values in the history.
    trial : ndarray (M,)
        Values in the trial.
    name : str
        What is compared, for the refusal.

    Raises
    ------
    HistoryError
        The two look to be on different scales.

    Examples
    --------
    >>> years = np.random.default_rng(1).normal(70.0, 8.0, 100)
    >>> require_same_scale(years, years + 3.0, "age")
    >>> require_same_scale(years, 12.0 * years, "age")
    Traceback (most recent call last):
        ...
    trialsim.errors.HistoryError: age: looks to be on another scale: baseline mean 69.4 (SD 6.81) in the
    history, 833 (SD 81.7) in the trial. Mend: give both in the same unit.
    """
    mine, theirs = history[np.isfinite(history)], trial[np.isfinite(trial)]
    if theirs.size < 2 or mine.size < 2 or mine.std() == 0:
        return
    levels = np.unique(mine)
    if levels.size <= _MOST_LEVELS < mine.size and np.isin(theirs, levels).all():
        return
    past, now, farthest = mine, theirs, FARTHEST_MEAN_SD
    if _long_tailed(mine, theirs):
        past, now, farthest = np.log(mine), np.log(theirs), FARTHEST_MEAN_LOG_SD
    apart = abs(now.mean() - past.mean()) / past.std()
    ratio = max(now.std(), 1e-300) / past.std()
    known = min(theirs.size, mine.size) >= _FEWEST_FOR_SD
    if apart > farthest or (known and not 1 / LARGEST_SD_RATIO <= ratio <= LARGEST_SD_RATIO):
        raise HistoryError(
            f"looks to be on another scale: baseline mean {mine.mean():.3g} (SD {mine.std():.3g}) in the "
            f"history, {theirs.mean():.3g} (SD {theirs.std():.3g}) in the trial",
            field=name,
            mend="give both in the same unit",
        )


def _long_tailed(history: Floats, trial: Floats) -> bool:
    """Return whether positive values have a tail in the history that their logarithms do not have."""
    if min(history.min(), trial.min()) <= 0:
        return False
    tail = float(skew(history))
    return tail > _LONG_TAIL and abs(float(skew(np.log(history)))) < tail


def require_no_leak(history: History) -> None:
    """Raise if a covariate is an outcome, or a change from baseline, in another dress.

    Correlation above .999 with a later outcome or its change; above .95 with the change given the baseline,
    which no measurement before treatment has; or one that orders outcomes or changes without a fault, such as
    a responder or a category made of them. A copy of the baseline is no leak: it cannot reach that unless
    nobody changes.

    Raises
    ------
    HistoryError
        Names the covariate and the visit.
    """
    change = history.outcomes - history.baseline[:, None]
    for name in history.covariates.names:
        column = history.covariates.column(name)
        if _correlation(column, history.baseline) >= LEAK_CORRELATION or _orders(column, history.baseline):
            continue
        for visit, week in enumerate(history.weeks):
            later, by = history.outcomes[:, visit], change[:, visit]
            if found := _leak(column, later, by, history.baseline):
                raise HistoryError(
                    f"covariate is the outcome of week {week:g}: {found}",
                    field=name,
                    mend="leave it out, only what is known at baseline can predict",
                )


def _leak(column: Floats, outcome: Floats, change: Floats, baseline: Floats) -> str:
    """Return what gives a covariate away as an outcome; empty where nothing does."""
    if max(_correlation(column, outcome), _correlation(column, change)) > LEAK_CORRELATION:
        return f"correlation above {LEAK_CORRELATION}"
    if _orders(column, outcome) or _orders(column, change):
        return "it orders what was measured then without a fault"
    kept = np.isfinite(column) & np.isfinite(change) & np.isfinite(baseline)
    if kept.sum() < _FEWEST_FOR_PARTIAL or np.ptp(baseline[kept]) == 0:
        return ""
    design = np.column_stack([np.ones(kept.sum()), baseline[kept]])
    left = [
        one[kept] - design @ np.linalg.lstsq(design, one[kept], rcond=None)[0] for one in (column, change)
    ]
    if left[0].std() <= 1e-6 * column[kept].std():
        return ""
    # One participant far out in both is no leak.
    others = np.arange(kept.sum()) != np.abs(left[0] * left[1]).argmax()
    if min(_correlation(*left), _correlation(*(one[others] for one in left))) > LEAK_PARTIAL_CORRELATION:
        return f"correlation with the change, given the baseline, above {LEAK_PARTIAL_CORRELATION}"
    return ""


def copies(a: Floats, b: Floats) -> bool:
    """Return whether one of two columns is made of the other by a monotone rule, coarser or noisier.

    Levels of one part the other strictly, which no tie does by chance: a covariate that separates responders
    from others, the logarithm of a count, a category of a time.

    Examples
    --------
    >>> count = np.arange(20.0)
    >>> copies(np.log1p(count), count), copies(count % 7, count)
    (True, False)
    """
    return _parts(a, b, strictly=True) or _parts(b, a, strictly=True)


def _orders(a: Floats, b: Floats) -> bool:
    """Return whether levels of `a` part `b` without overlap, where neighbours may share one value."""
    return _parts(a, b, strictly=False)


def _parts(a: Floats, b: Floats, *, strictly: bool) -> bool:
    """Return whether levels of `a` part `b`, and chance would do so once in a million times.

    Chance: of the n! / prod n_k! ways to hand levels k to n participants, those keep the levels apart one way
    that only exchange participants of one value v of `b`: prod_v m_v! / prod_k m_vk!.
    """
    kept = np.isfinite(a) & np.isfinite(b)
    levels, place, counts = np.unique(a[kept], return_inverse=True, return_counts=True)
    if levels.size < 2:
        return False
    ties, shared = (
        np.unique(of, axis=0, return_counts=True)[1] for of in (b[kept], np.column_stack([a, b])[kept])
    )
    ways = gammaln(ties + 1).sum() - gammaln(shared + 1).sum()
    if gammaln(counts + 1).sum() - gammaln(kept.sum() + 1) + ways > np.log(_CHANCE_OF_ORDER):
        return False
    low, high = np.full(levels.size, np.inf), np.full(levels.size, -np.inf)
    np.minimum.at(low, place, b[kept])
    np.maximum.at(high, place, b[kept])
    apart = np.less if strictly else np.less_equal
    parted = apart(high[:-1], low[1:]).all() or apart(high[1:], low[:-1]).all()
    return bool(parted and low[0] != low[-1])


def _correlation(a: Floats, b: Floats) -> float:
    """Return the size of the correlation of what is observed of both; 0 where it has no meaning."""
    kept = np.isfinite(a) & np.isfinite(b)
    if kept.sum() < _FEWEST_FOR_LEAK or np.ptp(a[kept]) == 0 or np.ptp(b[kept]) == 0:
        return 0.0
    return float(abs(np.corrcoef(a[kept], b[kept])[0, 1]))
