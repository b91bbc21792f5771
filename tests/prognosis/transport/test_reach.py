"""Subgroups, applicability and transport, on populations whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chi2, norm

from trialsim.data import Covariates
from trialsim.errors import HistoryError
from trialsim.prognosis import (
    balance_to_table,
    calibrate_subgroups,
    generalisability,
    inverse_odds,
    judge_applicability,
)
from trialsim.prognosis.transport import applicability
from trialsim.prognosis.validation import default_subgroups
from trialsim.prognosis.validation.longitudinal import CrossValidation
from trialsim.prognosis.validation.subgroups import concordance


def normal(n, shift=0.0, seed=1, columns=3):
    rng = np.random.default_rng(seed)
    names = tuple(f"x{k}" for k in range(columns))
    return Covariates(names, rng.standard_normal((n, columns)) + shift)


@pytest.fixture
def judged():
    """Return out-of-fold twins of 400 participants: right in the upper half of x, off by 3 in the lower."""
    rng = np.random.default_rng(5)
    n = 400
    x, baseline = rng.standard_normal(n), 20 + rng.standard_normal(n)
    predicted = rng.standard_normal(n)
    noise = rng.standard_normal(n)
    outcome = baseline + predicted + noise + 3.0 * (x < np.median(x))
    outcome[::7] = np.nan
    pit = norm.cdf(outcome - baseline - predicted)
    cv = CrossValidation(
        np.array([12.0]), np.arange(n), np.arange(n) % 5, baseline, outcome[:, None],
        (baseline + predicted)[:, None], np.ones((n, 1)), pit[:, None], np.ones(5), np.ones(5), np.ones(5),
    )  # fmt: skip
    return cv, x


def test_a_subgroup_that_twins_fail_is_seen(judged):
    cv, x = judged
    halves = np.where(x < np.median(x), "low", "high")
    table = calibrate_subgroups(cv, {"x": halves}).set_index("subgroup")
    assert table.loc["low", "bias"] == pytest.approx(3.0, abs=4 * table.loc["low", "bias_se"])
    assert table.loc["high", "bias"] == pytest.approx(0.0, abs=4 * table.loc["high", "bias_se"])
    assert table.loc["low", "coverage_90"] < 0.2
    assert table.loc["high", "coverage_90"] == pytest.approx(0.9, abs=4 * 0.3 / np.sqrt(170))
    assert table.loc["high", "slope"] == pytest.approx(1.0, abs=4 / np.sqrt(170))
    # For a bivariate normal of correlation r, concordance is 1/2 + asin(r) / pi (Kendall).
    expected = 0.5 + np.arcsin(np.sqrt(0.5)) / np.pi
    assert table.loc["high", "concordance"] == pytest.approx(expected, abs=0.08)
    seen = np.isfinite(cv.outcomes[:, 0])
    assert table["participants"].sum() == seen.sum()


def test_small_subgroups_are_not_shown(judged):
    cv, _ = judged
    seen = np.flatnonzero(np.isfinite(cv.outcomes[:, 0]))
    for size, shown in ((10, False), (11, True)):
        labels = np.full(len(cv), "rest", dtype=object)
        labels[seen[:size]] = "few"
        labels[seen[size : size + 12]] = "next"
        table = calibrate_subgroups(cv, {"site": labels}).set_index("subgroup")
        assert table["shown"].to_dict() == {"few": shown, "next": shown, "rest": True}
        for name in ("few", "next"):
            assert np.isnan(table.loc[name, "participants"]) != shown, "no subtraction tells"
            assert np.isnan(table.loc[name, "bias"]) != shown


def test_subgroups_follow_participants_that_were_left_out(judged):
    cv, x = judged
    part = replace(cv, rows=cv.rows + 3)
    labels = np.concatenate([["early"] * 3, np.where(x < 0, "low", "high")])
    table = calibrate_subgroups(part, {"x": labels})
    assert set(table["subgroup"]) == {"low", "high"}
    with pytest.raises(HistoryError, match="no subgroups"):
        calibrate_subgroups(cv, {})
    with pytest.raises(HistoryError, match="x: has 400 labels for the 403 participants"):
        calibrate_subgroups(part, {"x": labels[3:]})


def test_default_subgroups_are_levels_and_halves(simulate_history):
    history = simulate_history(participants=50)
    values = history.covariates.values.copy()
    values[:, 1] = np.arange(50) % 2
    values[:5, 2] = np.nan
    found = default_subgroups(replace(history, covariates=Covariates(history.covariates.names, values)))
    assert set(found) == {"x0", "x1", "x2", "severity at baseline"}
    assert set(found["x1"]) == {"= 0", "= 1"}
    assert set(found["x2"]) == {"missing", "lower half", "upper half"}
    assert (found["severity at baseline"] == "lower half").sum() == 25


def test_concordance_counts_pairs():
    rng = np.random.default_rng(2)
    predicted, observed = rng.integers(0, 5, 40).astype(float), rng.integers(0, 4, 40).astype(float)
    points, total = 0.0, 0
    for i, j in combinations(range(40), 2):
        if observed[i] != observed[j]:
            total += 1
            agree = (predicted[i] - predicted[j]) * (observed[i] - observed[j])
            points += 1.0 if agree > 0 else 0.5 if agree == 0 else 0.0
    assert concordance(predicted, observed) == pytest.approx(points / total)
    assert np.isnan(concordance(predicted, np.ones(40)))


def test_the_same_population_is_inside():
    found = judge_applicability(normal(1500), normal(1500, seed=2))
    assert found.far_share == pytest.approx(0.025, abs=4 * np.sqrt(0.05 / 1500))
    assert found.hull_share == pytest.approx(found.hull_share_history, abs=0.1)
    assert np.abs(found.covariates["standardised_difference"]).max() < 4 * np.sqrt(2 / 1500)
    assert np.abs(found.covariates["outside_range"] - 0.02).max() < 0.02


@pytest.mark.parametrize(("participants", "columns"), [(40, 6), (86, 6), (200, 8)])
def test_the_same_population_is_inside_a_small_history_too(participants, columns, monkeypatch):
    monkeypatch.setattr(applicability, "MOST_IN_HULL", 2)
    shares = []
    for k in range(20):
        history, trial = normal(participants, 0, 10 + k, columns), normal(400, 0, 90 + k, columns)
        shares.append(judge_applicability(history, trial).far_share)
    assert np.mean(shares) == pytest.approx(0.025, abs=4 * np.std(shares) / np.sqrt(20))


def test_a_left_out_distance_is_that_from_the_others():
    x = normal(25, columns=3).values
    centred = x - x.mean(axis=0)
    squared = np.einsum("np,pq,nq->n", centred, np.linalg.inv(np.cov(x, rowvar=False)), centred)
    for i, found in enumerate(applicability._left_out(squared)):
        others = np.delete(x, i, axis=0)
        away = x[i] - others.mean(axis=0)
        assert found == pytest.approx(away @ np.linalg.inv(np.cov(others, rowvar=False)) @ away)


@pytest.mark.parametrize(("participants", "columns"), [(5, 3), (50, 0)])
def test_a_history_that_spans_nothing_judges_nobody(participants, columns):
    with pytest.raises(HistoryError, match="span no range"):
        judge_applicability(normal(participants, columns=columns), normal(50, columns=columns))


def test_a_shifted_population_is_outside():
    shift = 1.5
    found = judge_applicability(normal(2000), normal(2000, shift, seed=2))
    np.testing.assert_allclose(found.covariates["standardised_difference"], shift, atol=0.15)
    from scipy.stats import ncx2

    expected = ncx2.sf(chi2.ppf(0.975, 3), 3, 3 * shift**2)
    assert found.far_share == pytest.approx(expected, abs=0.06)
    assert found.hull_share < found.hull_share_history - 0.2
    with pytest.raises(HistoryError, match="lacks x1"):
        judge_applicability(normal(50), normal(50).select(["x0", "x2"]))
    gone = Covariates(("x0", "x1", "x2"), np.full((5, 3), np.nan))
    with pytest.raises(HistoryError, match="missing for everybody"):
        judge_applicability(normal(50), gone)


def test_balanced_weights_meet_the_table_exactly_and_lie_closest():
    history = normal(300)
    found = balance_to_table(history, {"x0": 0.5, "x2": -0.2}, {"x0": 0.8})
    share = found.weights / 300
    assert share @ history.column("x0") == pytest.approx(0.5, abs=1e-8)
    assert share @ history.column("x0") ** 2 == pytest.approx(0.25 + 0.64, abs=1e-8)
    assert share @ history.column("x2") == pytest.approx(-0.2, abs=1e-8)
    # Closest to equal weights: any other feasible direction has more relative entropy.
    rng = np.random.default_rng(3)
    constraints = np.column_stack(
        [np.ones(300), history.column("x0"), history.column("x0") ** 2, history.column("x2")]
    )
    direction = rng.standard_normal(300)
    direction -= constraints @ np.linalg.lstsq(constraints, direction, rcond=None)[0]
    for size in (1e-4, -1e-4):
        other = share + size * direction * share.min() / np.abs(direction).max() * 1e3
        assert (other > 0).all()
        assert (other * np.log(other)).sum() > (share * np.log(share)).sum()


def test_a_table_outside_the_history_is_refused():
    with pytest.raises(HistoryError, match="lies outside the history's range"):
        balance_to_table(normal(100), {"x0": 9.0})
    with pytest.raises(HistoryError, match="no covariate of the history"):
        balance_to_table(normal(100), {"age": 9.0})
    values = normal(100).values.copy()
    values[0, 0] = np.nan
    with pytest.raises(HistoryError, match="missing values"):
        balance_to_table(Covariates(("x0", "x1", "x2"), values), {"x0": 0.0})


def two_kinds(n=200):
    rng = np.random.default_rng(4)
    sex, age = (np.arange(n) < n // 2) * 1.0, rng.normal(70, 8, n)
    # No woman is old: an old population of women is out of reach though each mean alone is not.
    age[sex == 1] = np.minimum(age[sex == 1], 70.0)
    return Covariates(("female", "age"), np.column_stack([sex, age]))


@pytest.mark.parametrize(
    ("means", "sds", "words"),
    [
        ({}, {}, "nothing to meet"),
        ({"age": 70.0}, {"female": 0.5}, "female: has an SD and no mean"),
        ({"age": float("nan")}, {}, "age: needs a finite mean"),
        ({"age": 70.0}, {"age": -3.0}, "age: needs a finite mean, and an SD of 0 or more"),
        ({"age": 70.0}, {"age": float("nan")}, "age: needs a finite mean, and an SD of 0 or more"),
        ({"female": 0.5, "age": 120.0}, {}, "the mean of age lies outside"),
        ({"female": 0.95, "age": 75.0}, {}, "the means of female, age together"),
        ({"female": 0.6}, {"female": 0.4}, "the SD of female, whose two values"),
        ({"age": 70.0}, {"age": 60.0}, r"its SDs beside its means \(age\)"),
    ],
)
def test_a_table_that_cannot_be_met_says_why(means, sds, words):
    with pytest.raises(HistoryError, match=words):
        balance_to_table(two_kinds(), means, sds)


def test_inverse_odds_carry_means_over():
    """Of two normals a shift apart, the true log odds are linear: weighted means become the trial's."""
    history, trial = normal(20_000), normal(20_000, 0.5, seed=2)
    found = inverse_odds(history, trial)
    weighted = found.weights @ history.values / found.weights.sum()
    error = np.sqrt(1 / found.effective + 1 / 20_000)
    assert (np.abs(weighted - trial.values.mean(axis=0)) < 4.5 * error).all()
    np.testing.assert_allclose(found.coefficients[1:], 0.5, atol=0.06)
    assert found.weights.mean() == pytest.approx(1.0)


def test_populations_apart_have_no_weights():
    with pytest.raises(HistoryError, match="do not overlap"):
        inverse_odds(normal(200), normal(200, 30.0, seed=2))


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_generalisability_is_the_bhattacharyya_coefficient(shift):
    """Of log odds that are normal in both and d SDs apart it is exp(-d^2 / 8); kernels smooth a little."""
    history, trial = normal(4000, columns=1), normal(4000, shift, seed=2, columns=1)
    assert generalisability(history, trial) == pytest.approx(np.exp(-(shift**2) / 8), abs=0.03)
