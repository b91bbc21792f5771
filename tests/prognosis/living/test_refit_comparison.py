"""The closed form against a refit: alike for one participant, and told apart where all have drifted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.errors import HistoryError
from trialsim.prognosis import FitSettings, compare_with_refit, fit_prognosis, update_twins
from trialsim.prognosis.living import split_off_interim
from trialsim.prognosis.living.refit_comparison import on_weeks_of

BRIEF = FitSettings(tune=400, draws=600, max_rhat=1.03, min_ess=150.0, max_divergences=10)


def test_one_participant_is_updated_as_a_refit_would(simulate_history, sampler) -> None:
    history = simulate_history(participants=150, seed=3)
    learnt, _, _ = split_off_interim(history, 10, 1)
    fold = simulate_history(participants=1, seed=44, dropout=0.0)
    now = replace(fold, weeks=fold.weeks[:2], outcomes=fold.outcomes[:, :2])
    prognosis = fit_prognosis(learnt, seed=1, settings=BRIEF, sampler=sampler)
    found = compare_with_refit(
        prognosis, learnt, now, lambda both: fit_prognosis(both, seed=1, settings=BRIEF, sampler=sampler)
    )
    frame = found.to_frame()
    assert frame["week"].tolist() == [36.0, 52.0]
    assert (frame["share_of_sd"] < 0.1).all()
    assert frame["sd_updated"].tolist() == pytest.approx(frame["sd_refit"].tolist(), rel=0.05)


def test_where_everybody_has_drifted_the_refit_knows_and_the_closed_form_does_not(
    simulate_history, sampler
) -> None:
    learnt, now, outcomes = split_off_interim(simulate_history(participants=300, seed=4), 3, 1)
    # Everybody is 2 points worse in the trial, the later the more.
    drift = 2.0 * now.weeks / learnt.weeks[-1]
    drifted = replace(now, outcomes=now.outcomes + drift)
    prognosis = fit_prognosis(learnt, seed=1, settings=BRIEF, sampler=sampler)
    found = compare_with_refit(
        prognosis, learnt, drifted,
        lambda both: fit_prognosis(both, seed=1, settings=BRIEF, sampler=sampler),
        outcomes + 2.0,
    )  # fmt: skip
    row = found.to_frame().iloc[0]
    assert row["seen_later"] == np.isfinite(outcomes).sum()
    assert row["rms_difference"] > 0.05
    assert row["rmse_refit"] < row["rmse_updated"]


def test_draws_that_learnt_the_visits_are_not_weighed_again(simulate_history, sampler) -> None:
    history = simulate_history(participants=120, seed=5)
    prognosis = fit_prognosis(history, seed=1, settings=BRIEF, sampler=sampler)
    arguments = (
        prognosis, history.covariates, history.baseline, history.weeks[:2], history.outcomes[:, :2],
        history.weeks[2:],
    )  # fmt: skip
    draws = prognosis.coefficients.shape[0]
    assert update_twins(*arguments, learnt=True).effective_draws == pytest.approx(draws)
    seen = np.isfinite(history.outcomes[:, :2]).any(axis=1)
    assert (update_twins(*arguments).effective_draws[seen] < draws).all()


def test_interim_data_take_the_weeks_of_the_history(simulate_history) -> None:
    history = simulate_history(participants=60, seed=6)
    some = replace(history, weeks=history.weeks[[0, 2]], outcomes=history.outcomes[:, [0, 2]])
    full = on_weeks_of(history, some)
    np.testing.assert_array_equal(full.outcomes[:, [0, 2]], history.outcomes[:, [0, 2]])
    assert np.isnan(full.outcomes[:, [1, 3]]).all()


@pytest.mark.parametrize("weeks", [[0, 1, 2, 3], []])
def test_nothing_seen_or_nothing_ahead_is_refused(simulate_history, weeks: list[int]) -> None:
    history = simulate_history(participants=60, seed=6)
    now = replace(history, weeks=history.weeks[weeks], outcomes=history.outcomes[:, weeks])
    with pytest.raises(HistoryError, match="every week" if weeks else "no week"):
        compare_with_refit(None, history, now, lambda both: None)  # type: ignore[arg-type, return-value]
