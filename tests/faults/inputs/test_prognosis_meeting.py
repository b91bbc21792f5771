"""Histories and trials that must not meet: one clear reason, and no participant's value in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.prognosis.stand_ins import NoSampler
from trialsim.data import Covariates, History
from trialsim.errors import HistoryError
from trialsim.prognosis import fit_prognosis
from trialsim.prognosis.histories.compatibility import require_compatible
from trialsim.prognosis.histories.strangers import participant_hashes


@pytest.fixture(scope="module")
def history(simulate_history):
    return simulate_history(participants=120)


@pytest.fixture(scope="module")
def trial(simulate_history):
    return simulate_history(participants=60, seed=9)


def test_strangers_may_meet(history, trial):
    require_compatible(history, trial)


def test_overlap_is_found_whatever_the_order_of_rows_and_columns(history, trial):
    mine = history.take(np.array([70, 3]))
    mine = replace(mine, covariates=mine.covariates.select(["x2", "x0", "x1"]))
    rows = np.concatenate([trial.baseline, mine.baseline])
    mixed = replace(
        trial,
        covariates=Covariates(
            ("x2", "x0", "x1"),
            np.concatenate([trial.covariates.select(["x2", "x0", "x1"]).values, mine.covariates.values]),
        ),
        baseline=rows,
        outcomes=np.concatenate([trial.outcomes, mine.outcomes]),
        group=np.zeros(len(rows), dtype=np.int64),
    )
    shared = int(np.isfinite(mine.outcomes).any(axis=1).sum())
    with pytest.raises(HistoryError, match=f"{shared} participants stand in the history and in the trial"):
        require_compatible(history, mixed)


def test_a_participant_without_outcomes_is_nobody(history):
    unseen = replace(history, outcomes=np.full_like(history.outcomes, np.nan))
    assert set(participant_hashes(unseen)) == {b""}


def test_overlap_is_found_where_the_trial_was_seen_at_other_weeks_too(history, trial):
    mine = history.take(np.flatnonzero(np.isfinite(history.outcomes[:, 1]))[:5])
    early = np.column_stack([mine.outcomes[:, 0] + 1.0, mine.outcomes[:, 1]])
    mine = replace(mine, weeks=np.array([4.0, history.weeks[1]]), outcomes=early)
    with pytest.raises(HistoryError, match="5 participants stand in the history and in the trial"):
        require_compatible(history, mine)


def coarse(people, seed, visits=3):
    """Return participants of whom little is known, in whole points: strangers are often alike."""
    rng = np.random.default_rng(seed)
    baseline = rng.integers(10, 40, people).astype(float)
    return History(
        "score", "file", False, Covariates(("female",), rng.integers(0, 2, (people, 1)).astype(float)),
        np.array([8.0, 16.0, 24.0])[:visits], baseline,
        baseline[:, None] + rng.integers(-8, 9, (people, visits)), np.zeros(people, dtype=np.int64),
    )  # fmt: skip


@pytest.mark.parametrize("visits", [1, 2, 3])
def test_strangers_who_are_alike_by_chance_may_meet(visits):
    chance = []
    for seed in range(40):
        mine, theirs = coarse(90, seed, visits), coarse(80, 1000 + seed, visits)
        chance.append(len(set(participant_hashes(mine)) & set(participant_hashes(theirs))))
        require_compatible(mine, theirs)
    assert np.mean(chance) > 3, "hashes alone would refuse them"


@pytest.mark.parametrize(("visits", "people"), [(1, 40), (3, 5)])
def test_an_overlap_beyond_chance_is_found_among_coarse_values(visits, people):
    mine = coarse(90, 1, visits)
    with pytest.raises(HistoryError, match=r"\d+ participants stand in the history"):
        require_compatible(mine, mine.take(np.arange(people)))


@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_another_unit_is_another_scale(history, trial, factor):
    other = replace(trial, baseline=factor * trial.baseline, outcomes=factor * trial.outcomes)
    with pytest.raises(HistoryError, match="looks to be on another scale"):
        require_compatible(history, other)


def test_a_covariate_in_another_unit(history, trial):
    values = trial.covariates.values.copy()
    values[:, 0] = 12 * (values[:, 0] + 5)
    with pytest.raises(HistoryError, match="x0: looks to be on another scale"):
        require_compatible(history, replace(trial, covariates=Covariates(trial.covariates.names, values)))


def test_few_participants_have_no_sd_to_be_of_another_scale(history, trial):
    two = np.argsort(trial.baseline)[30:32]
    require_compatible(history, trial.take(two))


def test_another_endpoint(history, trial):
    with pytest.raises(HistoryError, match="endpoint is adas, the history's is score"):
        require_compatible(history, replace(trial, endpoint="adas"))


def test_a_covariate_that_one_of_them_lacks(history, trial):
    without = replace(trial, covariates=trial.covariates.select(["x0", "x2"]))
    with pytest.raises(HistoryError, match="x1: the trial's participants do not have it"):
        require_compatible(history, without)
    values = trial.covariates.values.copy()
    values[:, 1] = np.nan
    empty = replace(trial, covariates=Covariates(trial.covariates.names, values))
    with pytest.raises(HistoryError, match="x1: is missing for the whole trial"):
        require_compatible(history, empty)
    with pytest.raises(HistoryError, match="x1: is missing for the whole history"):
        require_compatible(replace(empty, baseline=history.baseline[:60]), trial)


@pytest.mark.parametrize("leak", ["outcome", "change", "reversed"])
def test_an_outcome_among_the_covariates_issues_no_twin(history, leak):
    at_36 = history.outcomes[:, 2]
    column = {"outcome": at_36, "change": at_36 - history.baseline, "reversed": 100 - 2 * at_36}[leak]
    values = np.column_stack([history.covariates.values, column])
    leaky = replace(history, covariates=Covariates((*history.covariates.names, "odd"), values))
    with pytest.raises(HistoryError, match="odd: covariate is the outcome of week 36"):
        fit_prognosis(leaky, seed=1, sampler=NoSampler())


@pytest.mark.parametrize(
    ("leak", "words"),
    [
        ("noisy", "correlation with the change, given the baseline, above 0.95"),
        ("responder", "orders what was measured then without a fault"),
        ("category", "orders what was measured then without a fault"),
        ("logarithm", "orders what was measured then without a fault"),
    ],
)
def test_an_outcome_in_disguise_is_a_leak(history, leak, words):
    at_36 = history.outcomes[:, 2]
    change = at_36 - history.baseline
    rng = np.random.default_rng(4)
    column = {
        "noisy": change + 0.2 * np.nanstd(change) * rng.standard_normal(len(history)),
        "responder": np.where(np.isnan(change), np.nan, change > np.nanquantile(change, 0.7)),
        "category": np.digitize(at_36, np.nanquantile(at_36, [0.25, 0.5, 0.75]))
        * np.where(np.isnan(at_36), np.nan, 1.0),
        "logarithm": np.exp(change / 10),
    }[leak]
    values = np.column_stack([history.covariates.values, column])
    leaky = replace(history, covariates=Covariates((*history.covariates.names, "odd"), values))
    with pytest.raises(HistoryError, match=f"odd: covariate is the outcome of week 36: .*{words}"):
        fit_prognosis(leaky, seed=1, sampler=NoSampler())


def test_a_strong_covariate_or_a_rare_one_is_no_leak(history):
    change = history.outcomes[:, -1] - history.baseline
    rng = np.random.default_rng(4)
    strong = np.nan_to_num(change) + 0.6 * np.nanstd(change) * rng.standard_normal(len(history))
    rare = np.zeros(len(history))
    rare[np.nanargmax(change)] = rare[np.nanargmax(history.outcomes[:, 0])] = 1.0
    values = np.column_stack([history.covariates.values, strong, rare])
    known = replace(history, covariates=Covariates((*history.covariates.names, "strong", "rare"), values))
    with pytest.raises(AssertionError, match="sampler was asked"):
        fit_prognosis(known, seed=1, sampler=NoSampler())


def test_nobody_who_changes_teaches_nothing(history):
    flat = replace(history, outcomes=np.where(np.isnan(history.outcomes), np.nan, history.baseline[:, None]))
    with pytest.raises(HistoryError, match="everybody changes by the same"):
        fit_prognosis(flat, seed=1, sampler=NoSampler())


def test_a_copy_of_the_baseline_is_no_leak(history):
    values = np.column_stack([history.covariates.values, 2 * history.baseline + 1])
    copied = replace(history, covariates=Covariates((*history.covariates.names, "again"), values))
    with pytest.raises(AssertionError, match="sampler was asked"):
        fit_prognosis(copied, seed=1, sampler=NoSampler())


@pytest.mark.parametrize(
    ("weeks", "words"),
    [
        ([52.0, 36.0, 24.0, 12.0], "ascending order"),
        ([12.0, 12.0, 36.0, 52.0], "ascending order"),
        ([0.0, 24.0, 36.0, 52.0], "after week 0"),
        ([12.0, 24.0, 36.0, np.nan], "ascending order"),
    ],
)
def test_visits_in_no_order(history, weeks, words):
    with pytest.raises(HistoryError, match=words):
        fit_prognosis(replace(history, weeks=np.array(weeks)), seed=1, sampler=NoSampler())


def test_a_visit_that_nobody_came_to(history):
    outcomes = history.outcomes.copy()
    outcomes[:, 1] = np.nan
    with pytest.raises(HistoryError, match="nobody was measured at week 24"):
        fit_prognosis(replace(history, outcomes=outcomes), seed=1, sampler=NoSampler())
