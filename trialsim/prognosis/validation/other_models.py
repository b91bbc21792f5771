"""Predictions by any model, each participant's own outcome left out, for a history that holds them."""

from __future__ import annotations

import copy
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import HistoryError
from trialsim.streams import stream


class Learner(Protocol):
    """What learns: an estimator of scikit-learn does, or anything else with these two functions."""

    def fit(self, X: Floats, y: Floats) -> object:
        """Learn from covariates (N, P) and outcomes (N,)."""

    def predict(self, X: Floats) -> ArrayLike:
        """Return predictions (N,)."""


def out_of_fold(
    learner: Learner, covariates: ArrayLike, outcome: ArrayLike, *, seed: int, folds: int = 10
) -> Floats:
    """Return predictions (N,) by models that have not seen the participant whom they predict.

    Written into a column of a history, they are a score like any other: ``[twins] source = "given"`` and
    ``column`` hold them to the same gate as our own twins, beside the same covariates entered directly.

    Parameters
    ----------
    learner : object with fit and predict
        It is copied for each fold and left as it is. Where it has ``predict_proba`` and outcomes are 0 or
        1, the probability of 1 is taken.
    covariates : array (N, P)
        As the learner takes them.
    outcome : array (N,)
        Finite.
    seed : int
        Of the folds.
    folds : int
        From 2 to N.

    Returns
    -------
    ndarray (N,)

    Raises
    ------
    HistoryError
        There is nothing to part, an outcome is missing, or a prediction is not finite.

    Examples
    --------
    >>> class Mean:
    ...     def fit(self, X, y):
    ...         self.mean = y.mean()
    ...     def predict(self, X):
    ...         return np.full(len(X), self.mean)
    >>> out_of_fold(Mean(), np.zeros((4, 1)), [1.0, 2.0, 3.0, 6.0], seed=1, folds=4)
    array([3.66666667, 3.33333333, 3.        , 2.        ])
    """
    x, y = np.asarray(covariates), np.asarray(outcome, dtype=np.float64)
    if x.ndim != 2 or len(x) != len(y):
        raise HistoryError(
            "must be a row a participant", field="covariates", value=x.shape, mend=f"give shape ({len(y)}, P)"
        )
    if not 2 <= folds <= len(y):
        raise HistoryError("must be from 2 to the number of participants", field="folds", value=folds)
    if not np.isfinite(y).all():
        raise HistoryError("is missing for somebody", field="outcome", mend="leave those participants out")
    fold = np.empty(len(y), dtype=np.int64)
    fold[stream(seed, "out of fold", 0, "folds").permutation(len(y))] = np.arange(len(y)) % folds
    binary = bool(np.isin(y, (0.0, 1.0)).all())
    found = np.full(len(y), np.nan)
    for k in range(folds):
        one = copy.deepcopy(learner)
        one.fit(x[fold != k], y[fold != k])
        chances = getattr(one, "predict_proba", None) if binary else None
        left = x[fold == k]
        said = one.predict(left) if chances is None else np.asarray(chances(left))[:, 1]
        found[fold == k] = np.asarray(said, dtype=np.float64)
    if not np.isfinite(found).all():
        raise HistoryError(
            "is not finite for somebody",
            field="prediction",
            mend="look at the learner, or at missing covariates",
        )
    return found
