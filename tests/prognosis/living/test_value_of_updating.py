"""What judges an updated twin never lets it see the visit, or the participant, that it is judged at."""

from __future__ import annotations

import numpy as np

from trialsim.data import Twins
from trialsim.prognosis import value_of_updating
from trialsim.prognosis.living.update_value import _judge
from trialsim.prognosis.living.updating import UpdatedTwins

MODULE = "trialsim.prognosis.living.update_value"


def test_a_twin_sees_earlier_visits_alone_and_a_fit_nobody_of_its_fold(simulate_history, monkeypatch):
    history = simulate_history(participants=90, dropout=0.1)
    outcome_of = dict(zip(history.baseline, history.outcomes, strict=True))
    fitted_to: list[set[float]] = []

    def fit(others, *_):
        fitted_to.append(set(others.baseline))

    def update(_, covariates, baseline, seen_weeks, seen, weeks):
        assert not fitted_to[-1] & set(baseline)
        np.testing.assert_array_equal(weeks, history.weeks[-1:])
        np.testing.assert_array_equal(seen_weeks, history.weeks[: len(seen_weeks)])
        assert len(seen_weeks) < len(history.weeks)
        for each, row in zip(baseline, seen, strict=True):
            np.testing.assert_array_equal(row, outcome_of[each][: len(seen_weeks)])
        score = np.full((len(baseline), 1), 20.0)
        return UpdatedTwins(Twins(weeks, score, np.ones_like(score), None), np.ones(len(baseline)))

    monkeypatch.setattr(f"{MODULE}.fit_block", fit)
    monkeypatch.setattr(f"{MODULE}.update_twins", update)
    value = value_of_updating(history, seed=1, folds=3, sampler=object())
    assert len(fitted_to) == 3
    assert value.seen == ((), (12.0,), (12.0, 24.0), (12.0, 24.0, 36.0))


def test_the_yardstick_regresses_on_earlier_visits_alone(simulate_history):
    """An outcome that only the last visit foretells is not foreseen by regressions on the earlier ones."""
    history = simulate_history(
        participants=400, sds=(0.01, 0.01, 1.0), level=(0.0,), slope=(0.0,), dropout=0.0
    )
    for step in range(len(history.weeks)):
        found = _judge(history, np.zeros(400), np.ones(400), step)
        assert found["participants"] == 400
        assert found["regression_r2"] < 0.05
        assert found["visits_r2"] < 0.05
