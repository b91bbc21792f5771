"""Interim data of a comparison hold no later visit, and a refit's draws are not weighed by them again."""

from __future__ import annotations

import numpy as np

from trialsim.data import Twins
from trialsim.prognosis.living.refit_comparison import compare_with_refit, split_off_interim
from trialsim.prognosis.living.updating import UpdatedTwins


def test_the_fold_that_is_split_off_ends_before_its_last_visit(simulate_history):
    history = simulate_history(participants=60, dropout=0.2)
    outcome_of = dict(zip(history.baseline, history.outcomes, strict=True))
    rest, early, later = split_off_interim(history, 3, 1)
    assert len(rest) + len(early) == 60
    assert not set(rest.baseline) & set(early.baseline)
    np.testing.assert_array_equal(early.weeks, history.weeks[:-1])
    for baseline, seen, last in zip(early.baseline, early.outcomes, later, strict=True):
        np.testing.assert_array_equal(seen, outcome_of[baseline][:-1])
        np.testing.assert_array_equal(last, outcome_of[baseline][-1:])


def test_only_the_model_that_has_not_learnt_the_visits_is_weighed_by_them(simulate_history, monkeypatch):
    history, early, _ = split_off_interim(simulate_history(participants=60), 3, 1)
    told: list[tuple[object, bool]] = []

    def update(model, covariates, baseline, seen_weeks, seen, weeks, *, learnt):
        told.append((model, learnt))
        np.testing.assert_array_equal(seen, early.outcomes)
        score = np.zeros((len(baseline), len(weeks)))
        return UpdatedTwins(Twins(weeks, score, score, None), np.ones(len(baseline)))

    monkeypatch.setattr("trialsim.prognosis.living.refit_comparison.update_twins", update)
    compare_with_refit("first", history, early, lambda both: f"refit to {len(both)}")
    assert told == [("first", False), ("refit to 60", True)]
