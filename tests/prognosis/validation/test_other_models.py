"""Predictions by any model: nobody's own outcome is seen, and the learner stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.errors import HistoryError
from trialsim.prognosis.validation import out_of_fold


class Memory:
    """Predicts the outcome of whoever has the same covariates, else what it says of a stranger."""

    def __init__(self, stranger=-1.0):
        self.stranger, self.known = stranger, None

    def fit(self, X, y):
        self.known = dict(zip(X[:, 0].tolist(), y.tolist(), strict=True))

    def predict(self, X):
        return [self.known.get(one, self.stranger) for one in X[:, 0].tolist()]


class Chances(Memory):
    def predict_proba(self, X):
        return np.column_stack([np.full(len(X), 0.3), np.full(len(X), 0.7)])


X = np.arange(30.0)[:, None]
Y = np.arange(30.0) % 7


@pytest.mark.parametrize("folds", [2, 7, 30])
def test_nobody_is_remembered(folds):
    learner = Memory()
    assert (out_of_fold(learner, X, Y, seed=3, folds=folds) == -1.0).all()
    assert learner.known is None


def test_a_probability_is_taken_for_responses_alone():
    assert (out_of_fold(Chances(), X, Y % 2, seed=3) == 0.7).all()
    assert (out_of_fold(Chances(), X, Y, seed=3) == -1.0).all()


def test_equal_seeds_part_equally():
    noisy = np.random.default_rng(1).normal(size=30)
    one, again = (out_of_fold(Line(), X, noisy, seed=5) for _ in range(2))
    assert (one == again).all()
    assert (out_of_fold(Line(), X, noisy, seed=6) != one).any()


class Line:
    def fit(self, X, y):
        self.beta = np.polyfit(X[:, 0], y, 1)

    def predict(self, X):
        return np.polyval(self.beta, X[:, 0])


def test_leaving_one_out_is_what_leverages_give():
    y = np.random.default_rng(2).normal(size=30)
    D = np.column_stack([np.ones(30), X])
    H = D @ np.linalg.pinv(D)
    loo = y - (y - H @ y) / (1 - np.diagonal(H))
    assert out_of_fold(Line(), X, y, seed=1, folds=30) == pytest.approx(loo)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"covariates": X[:5]}, "covariates: must be a row a participant"),
        ({"folds": 1}, "folds: must be from 2"),
        ({"folds": 31}, "folds: must be from 2"),
        ({"outcome": np.where(Y == 3, np.nan, Y)}, "outcome: is missing"),
        ({"learner": Memory(np.nan)}, "prediction: is not finite"),
    ],
)
def test_what_cannot_be_predicted(change, words):
    asked = {"learner": Memory(), "covariates": X, "outcome": Y, "seed": 1} | change
    with pytest.raises(HistoryError, match=words):
        out_of_fold(**asked)
