"""Realistic histories of coarse, tied and skewed values: what refuses a leak, an overlap or a scale must let
them through, and still find the real thing among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.data import Covariates, History
from trialsim.errors import HistoryError
from trialsim.prognosis.histories.compatibility import require_no_leak, require_same_scale
from trialsim.prognosis.histories.strangers import shared_participants


def history(covariates, baseline, outcomes):
    n = len(baseline)
    return History(
        "score", "file", False,
        Covariates(tuple(covariates), np.column_stack(list(covariates.values())).astype(float)),
        12.0 * np.arange(1, outcomes.shape[1] + 1), baseline.astype(float), outcomes, np.zeros(n, dtype=np.int64),
    )  # fmt: skip


def courses(rng, n, visits, correlation):
    """Return standard normal deviations (N, V) that hold on from visit to visit."""
    z = rng.standard_normal((n, visits))
    for j in range(1, visits):
        z[:, j] = correlation * z[:, j - 1] + np.sqrt(1 - correlation**2) * z[:, j]
    return z


def dropping_out(rng, outcomes, rate=0.05):
    gone = np.cumsum(rng.random(outcomes.shape) < rate, axis=1) > 0
    return np.where(gone, np.nan, outcomes)


def at_the_ceiling(rng, n):
    severity = rng.standard_normal(n)
    baseline = np.clip(np.round(28 - 2 * severity + rng.standard_normal(n)), 0, 30)
    outcomes = np.round((29.5 - 1.5 * severity)[:, None] + 1.2 * courses(rng, n, 4, 0.7))
    covariates = {"age": np.round(rng.normal(60, 10, n)), "rare": rng.random(n) < 0.02}
    return history(covariates, baseline, dropping_out(rng, np.clip(outcomes, 0, 30)))


def in_remission(rng, n):
    baseline = np.clip(np.round(rng.gamma(2, 1.5, n)), 1, 12)
    outcomes = np.clip(np.round(0.9 * baseline[:, None] + 1.5 * courses(rng, n, 8, 0.8)), 0, 30)
    outcomes[rng.random(n) < 0.25] = 0
    covariates = {"male": rng.integers(0, 2, n), "prior": rng.integers(0, 3, n)}
    return history(covariates, baseline, dropping_out(rng, outcomes, 0.02))


def of_seven_levels(rng, n):
    severity = rng.standard_normal(n)
    age = np.round(np.clip(rng.normal(70, 12, n), 18, 99))
    outcomes = np.clip(np.round((2 + severity)[:, None] + 0.7 * courses(rng, n, 3, 0.9)), 0, 6)
    covariates = {"age": age, "decade": age // 10, "male": rng.integers(0, 2, n)}
    return history(covariates, np.clip(np.round(3 + severity), 0, 5), dropping_out(rng, outcomes))


KINDS = [at_the_ceiling, in_remission, of_seven_levels]


@pytest.mark.parametrize("kind", KINDS)
def test_strangers_of_coarse_and_lasting_values_may_meet(kind):
    rng = np.random.default_rng(7)
    # Up to 2 of 40 by chance: the two criteria are at 1 % each.
    refused = sum(shared_participants(kind(rng, 300), kind(rng, 100)) > 0 for _ in range(40))
    assert refused <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_third_of_a_trial_is_found_among_them(kind):
    rng = np.random.default_rng(8)
    past, now = kind(rng, 300), kind(rng, 67)
    known = past.take(np.arange(33))
    both = replace(
        now,
        covariates=Covariates(
            now.covariates.names, np.concatenate([now.covariates.values, known.covariates.values])
        ),
        baseline=np.concatenate([now.baseline, known.baseline]),
        outcomes=np.concatenate([now.outcomes, known.outcomes]),
        group=np.zeros(100, dtype=np.int64),
    )
    assert shared_participants(past, both) >= 30


def test_who_was_seen_once_agrees_at_one_visit_alone():
    rng = np.random.default_rng(3)
    score, male = rng.integers(4, 11, (400, 1)), rng.integers(0, 2, 400)
    outcomes = score + rng.integers(-3, 4, (400, 5)).astype(float)
    full = history({"male": male}, score[:, 0], outcomes)
    once = full.take(np.arange(300))
    once.outcomes[:, 1:] = np.nan
    assert shared_participants(once, full.take(np.arange(300, 400))) == 0


def test_three_at_a_ceiling_where_half_stand_are_no_leak():
    rng = np.random.default_rng(1)
    baseline = rng.integers(10, 29, 300).astype(float)
    later = np.where(rng.random(300) < 0.5, 30.0, rng.integers(10, 30, 300))
    rare = np.zeros(300)
    rare[np.flatnonzero(later == 30)[:3]] = 1
    require_no_leak(history({"rare": rare}, baseline, later[:, None]))


def test_whoever_stands_at_the_ceiling_is_a_leak():
    rng = np.random.default_rng(1)
    baseline = rng.integers(10, 29, 300).astype(float)
    later = np.where(rng.random(300) < 0.5, 30.0, rng.integers(10, 30, 300))
    with pytest.raises(HistoryError, match="it orders what was measured then"):
        require_no_leak(history({"best": later == 30}, baseline, later[:, None]))


def test_a_trial_of_one_level_is_on_the_scale_of_the_history():
    rng = np.random.default_rng(2)
    levels = rng.choice([0.0, 1.0, 2.0], 300, p=[0.3, 0.6, 0.1])
    require_same_scale(levels, np.zeros(50), "ecog")
    with pytest.raises(HistoryError, match="ecog: looks to be on another scale"):
        require_same_scale(levels, np.full(50, 10.0), "ecog")


def test_long_tails_are_on_one_scale_and_their_units_are_not():
    rng = np.random.default_rng(4)
    for _ in range(40):
        past, now = np.exp(rng.normal(5, 1.6, 500)), np.exp(rng.normal(5, 1.6, 60))
        require_same_scale(past, now, "marker")
        with pytest.raises(HistoryError, match="marker: looks to be on another scale"):
            require_same_scale(past, 1000 * now, "marker")


def test_a_history_of_one_value_has_no_scale():
    require_same_scale(np.full(20, 5.0), np.arange(20.0), "marker")


def test_one_participant_far_out_is_no_leak():
    rng = np.random.default_rng(5)
    baseline = np.round(rng.normal(25, 6, 40))
    outcomes = baseline[:, None] + rng.normal(2, 4, (40, 3))
    outcomes[0] = baseline[0] + [60, 70, 80]
    require_no_leak(history({"rare": np.arange(40) == 0}, baseline, outcomes))
    baseline, outcomes = baseline[1:], outcomes[1:]
    noisy = outcomes[:, 2] - baseline + rng.normal(0, 0.5, 39)
    with pytest.raises(HistoryError, match="correlation with the change, given the baseline"):
        require_no_leak(history({"noisy": noisy}, baseline, outcomes[:, 2:]))
