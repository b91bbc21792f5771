"""Weights that make a history look like a trial's population, and how far the two are apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logsumexp

from trialsim.data import Covariates, Floats
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.tilting import solve_tilt

_NEWTON_STEPS = 200
_TOLERANCE = 1e-10
_PARTED = 1e-3  # membership that is known of everybody


@dataclass(frozen=True)
class Weights(InNotebook):
    """Weights of the participants of a history.

    Parameters
    ----------
    weights : ndarray (N,)
        Mean 1.
    effective : float
        Kish effective number of participants, (sum w)^2 / sum w^2.
    largest : float
        Largest weight.
    coefficients : ndarray
        Of the tilt, or of the log odds of being in the trial (intercept first).
    """

    weights: Floats
    effective: float
    largest: float
    coefficients: Floats


def kish(weights: ArrayLike) -> float:
    """Return the effective number of participants of weights.

    Parameters
    ----------
    weights : array (N,)
        At least 0, with a sum above 0.

    Returns
    -------
    float
        (Σw)²/Σw², from 1 to N.

    Examples
    --------
    >>> kish(np.array([1.0, 1.0, 2.0]))
    2.6666666666666665
    """
    weights = np.asarray(weights, dtype=np.float64)
    return float(weights.sum() ** 2 / (weights**2).sum())


def balance_to_table(
    history: Covariates, means: Mapping[str, float], sds: Mapping[str, float] | None = None
) -> Weights:
    """Return entropy-balancing weights: the closest to equal ones that meet a Table 1 exactly.

    w_i proportional to exp(lambda' h(x_i)), h the covariates and, where an SD is given, their squares
    (Hainmueller 2012; with aggregate targets this is a matching-adjusted comparison, Signorovitch 2010).

    Parameters
    ----------
    history : Covariates
        Without missing values in the named covariates.
    means, sds : mapping of str to float
        Of the target population, by covariate; an SD needs its mean.

    Returns
    -------
    Weights
        Of the history's participants, with mean 1.

    Raises
    ------
    HistoryError
        A covariate is unknown or has missing values, a target is none, or no weights meet the table: the
        message says what lies outside the history's range.

    Examples
    --------
    >>> found = balance_to_table(Covariates(("x",), np.array([[0.0], [1.0], [2.0]])), {"x": 1.5})
    >>> bool(np.isclose((found.weights * [0, 1, 2]).mean(), 1.5))
    True
    """
    sds = sds or {}
    _check_table(means, sds)
    columns, targets = [], []
    for name, mean in means.items():
        values = _complete(history, name)
        columns.append(values)
        targets.append(mean)
        if name in sds:
            columns.append(values**2)
            targets.append(mean**2 + sds[name] ** 2)
    raw, target = np.column_stack(columns), np.array(targets, dtype=float)
    scale = np.where(raw.std(axis=0) > 0, raw.std(axis=0), 1.0)
    tilt = solve_tilt((raw - target) / scale)
    if tilt is None:
        raise HistoryError(
            f"no weights of the history meet the table: {_in_the_way(history, means, sds)}",
            field="means",
            mend="leave out a covariate or its SD, or find a closer history",
        )
    weights = np.exp((raw - target) / scale @ tilt)
    weights *= len(weights) / weights.sum()
    return Weights(weights, kish(weights), float(weights.max()), tilt / scale)


def _check_table(means: Mapping[str, float], sds: Mapping[str, float]) -> None:
    """Raise if a table has nothing to meet, or a target that no population has."""
    if not means:
        raise HistoryError("there is nothing to meet", field="means", mend="give the mean of a covariate")
    if alone := sorted(set(sds) - set(means)):
        raise HistoryError("has an SD and no mean", field=alone[0], mend="give both, or leave the SD out")
    for name, mean in means.items():
        if not np.isfinite(mean) or not 0 <= sds.get(name, 0.0) < np.inf:
            raise HistoryError(
                "needs a finite mean, and an SD of 0 or more", field=name, mend="correct the table"
            )


def _in_the_way(history: Covariates, means: Mapping[str, float], sds: Mapping[str, float]) -> str:
    """Return which of a table's covariates lie outside the history's range, in words."""
    values = {name: history.column(name) for name in means}
    far = [name for name, mean in means.items() if not values[name].min() <= mean <= values[name].max()]
    if far:
        return f"the mean of {', '.join(far)} lies outside the history's range"
    centred = np.column_stack([values[name] - mean for name, mean in means.items()])
    scale = np.where(centred.std(axis=0) > 0, centred.std(axis=0), 1.0)
    if solve_tilt(centred / scale) is None:
        return f"the means of {', '.join(means)} together, such a mix lies outside the history's range"
    two = [name for name in means if name in sds and np.unique(values[name]).size <= 2]
    if two:
        return f"the SD of {', '.join(two)}, whose two values leave none but that of the mean"
    return f"its SDs beside its means ({', '.join(sds)}); such a spread lies outside the history's range"


def _complete(covariates: Covariates, name: str) -> Floats:
    if name not in covariates.names:
        raise HistoryError("is no covariate of the history", field=name, mend="name one that it has")
    values = covariates.column(name)
    if not np.isfinite(values).all():
        raise HistoryError(
            "has missing values, which cannot be weighed", field=name, mend="leave it or them out"
        )
    return values


def inverse_odds(history: Covariates, trial: Covariates) -> Weights:
    """Return weights w = P(trial | x) / P(history | x) of the history's participants.

    A logistic regression of membership on the history's covariates (Westreich et al. 2017), which the
    trial's must have too.

    Parameters
    ----------
    history, trial : Covariates
        Participants; the trial's must have the history's names.

    Returns
    -------
    Weights
        Of the history's participants, with mean 1.

    Raises
    ------
    HistoryError
        Missing values, or the two do not overlap: the covariates separate them completely.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> past = Covariates(("age",), rng.normal(70.0, 8.0, (300, 1)))
    >>> now = Covariates(("age",), rng.normal(74.0, 8.0, (300, 1)))
    >>> weights = inverse_odds(past, now).weights
    >>> round(float(weights.mean()), 6), bool(np.average(past.column("age"), weights=weights) > 73.0)
    (1.0, True)
    """
    x, member = _stack(history, trial)
    coefficients = _logistic(x, member)
    log_odds = x[member == 0] @ coefficients
    weights = np.exp(log_odds - logsumexp(log_odds)) * len(log_odds)
    return Weights(weights, kish(weights), float(weights.max()), coefficients)


def generalisability(history: Covariates, trial: Covariates) -> float:
    """Return Tipton's index: the integral of sqrt(f_history f_trial) over the log odds of membership.

    1 where the populations are alike, 0 where they are apart; below .5 a generalisation is hardly defensible,
    above .9 the history is as good as a random sample (Tipton 2014). Gaussian kernels, Silverman's bandwidth.

    Parameters
    ----------
    history, trial : Covariates
        Participants; the trial's must have the history's names.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> one, two = (Covariates(("x",), rng.standard_normal((2000, 1))) for _ in range(2))
    >>> generalisability(one, two) > 0.97
    True
    """
    x, member = _stack(history, trial)
    log_odds = x @ _logistic(x, member)
    mine, theirs = log_odds[member == 0], log_odds[member == 1]
    width = max(_bandwidth(mine), _bandwidth(theirs))
    if width == 0:
        return 1.0
    grid = np.linspace(log_odds.min() - 4 * width, log_odds.max() + 4 * width, 1024)
    densities = [_density(mine, grid), _density(theirs, grid)]
    return float(min(1.0, np.sqrt(densities[0] * densities[1]).sum() * (grid[1] - grid[0])))


def _bandwidth(values: Floats) -> float:
    return float(0.9 * values.std() * len(values) ** -0.2)


def _density(values: Floats, grid: Floats) -> Floats:
    """Return a kernel estimate on the grid, summed in chunks of participants."""
    width = _bandwidth(values) or (grid[1] - grid[0])
    total = np.zeros(len(grid))
    for part in np.array_split(values, max(1, len(values) // 2000)):
        total += np.exp(-0.5 * ((grid - part[:, None]) / width) ** 2).sum(axis=0)
    return np.asarray(total / (len(values) * width * np.sqrt(2 * np.pi)))


def _stack(history: Covariates, trial: Covariates) -> tuple[Floats, Floats]:
    """Return an intercept with the covariates of both, and 1 for those of the trial."""
    columns = [np.concatenate([_complete(history, name), _of_trial(trial, name)]) for name in history.names]
    member = np.repeat([0.0, 1.0], [len(history), len(trial)])
    return np.column_stack([np.ones(len(member)), *columns]), member


def _of_trial(trial: Covariates, name: str) -> Floats:
    if name not in trial.names:
        raise HistoryError(
            "the trial's participants do not have it", field=name, mend="measure it in the trial"
        )
    return _complete(trial, name)


def _logistic(x: Floats, y: Floats) -> Floats:
    """Return maximum likelihood coefficients, or refuse data that are parted completely."""
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    shift = np.where(x.std(axis=0) > 0, x.mean(axis=0), 0.0)
    z = (x - shift) / scale
    b = np.zeros(x.shape[1])
    for _ in range(_NEWTON_STEPS):
        p = expit(z @ b)
        gradient = z.T @ (y - p)
        if np.abs(y - p).max() < _PARTED:
            break
        if np.abs(gradient).max() < _TOLERANCE * len(y):
            b = b / scale
            b[0] -= shift[1:] @ b[1:]
            return b
        b = b + np.linalg.lstsq((z * (p * (1 - p))[:, None]).T @ z, gradient, rcond=None)[0]
    raise HistoryError(
        "the history and the trial do not overlap: a line through their covariates parts them completely",
        field="covariates",
        mend="no weight can bridge this: find a closer history",
    )
