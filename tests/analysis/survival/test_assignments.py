"""Exact and permutation p values of MaxCombo, Gray's and K-sample tests against plain enumeration."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import gray_test, log_rank, max_combo
from trialsim.analysis.competing_risks import k_sample_gray_test
from trialsim.analysis.survival import FlemingHarrington, k_sample_log_rank
from trialsim.errors import AnalysisError

NAMES = {"time": "t", "event": "e", "arm": "arm"}
WEIGHTS = (FlemingHarrington(0, 0), FlemingHarrington(0, 1), FlemingHarrington(1, 0))


def small(n: int = 9, active: int = 4, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "t": rng.permutation(np.arange(1.0, n + 1)),
            "e": np.where(rng.random(n) < 0.75, 1, 0),
            "cause": rng.integers(0, 3, n),
            "arm": np.repeat(["a", "b"], [n - active, active]),
        }
    )


def every_labelling(labels: list[str]) -> list[list[str]]:
    return [list(one) for one in sorted(set(permutations(labels)))]


def test_max_combo_equals_enumeration_of_its_standardised_scores() -> None:
    data = small()
    scores = []
    for rows in combinations(range(len(data)), 4):
        arm = np.where(np.isin(np.arange(len(data)), rows), "b", "a")
        again = data.assign(arm=arm)
        scores.append([log_rank(again, **NAMES, weights=w, test="asymptotic").score for w in WEIGHTS])
    table = np.array(scores)
    standardised = table / table.std(axis=0)
    seen = np.array([log_rank(data, **NAMES, weights=w, test="asymptotic").score for w in WEIGHTS])
    own = np.abs(seen / table.std(axis=0)).max()
    expected = (np.abs(standardised).max(axis=1) >= own - 1e-9).mean()
    found = max_combo(data, **NAMES, weights=WEIGHTS)
    assert found.test == "exact"
    assert found.p_value == pytest.approx(expected, abs=1e-12)
    less = (-standardised).max(axis=1) >= (-seen / table.std(axis=0)).max() - 1e-9
    assert max_combo(data, **NAMES, weights=WEIGHTS, alternative="less").p_value == pytest.approx(less.mean())


def test_gray_equals_enumeration_of_its_chi_squares() -> None:
    data = small(8, 3, seed=5)
    columns = {"time": "t", "event": "cause", "arm": "arm", "cause": 1}
    own = gray_test(data, **columns, test="asymptotic").chi_square

    def reaches(labels: list[str]) -> bool:
        try:
            found = gray_test(data.assign(arm=labels), **columns, test="asymptotic")
        except AnalysisError as error:
            if "no_information" not in str(error):
                raise
            return False
        return found.chi_square >= own - 1e-9

    more = [reaches(labels) for labels in every_labelling(list(data.arm))]
    found = gray_test(data, **columns)
    assert (found.test, len(more)) == ("exact", 56)
    assert found.p_value == pytest.approx(np.mean(more), abs=1e-12)
    assert found.tests.p_value[0] == found.p_value
    assert "exact: fewer than 10" in str(found)


def test_two_arms_as_several_are_the_exact_log_rank_test() -> None:
    data = small(12, 5, seed=3)
    assert k_sample_log_rank(data, **NAMES).p_value == pytest.approx(log_rank(data, **NAMES).p_value)
    stratified = data.assign(s=np.tile([0, 1], 6))
    found = k_sample_log_rank(stratified, **NAMES, strata="s")
    own = log_rank(stratified, **NAMES, strata="s")
    assert (found.test, own.test) == ("exact", "exact")
    assert found.p_value == pytest.approx(own.p_value)


def test_three_arms_equal_enumeration() -> None:
    data = small(7, 3, seed=7).assign(arm=list("abcabca"))
    arms = np.array([{"a": 0, "b": 1, "c": 2}[one] for one in data.arm])
    labels = np.array(sorted(set(permutations(arms.tolist()))))

    def scores(assigned: np.ndarray) -> np.ndarray:
        frame = data.assign(arm=np.array(list("abc"))[assigned])
        return k_sample_log_rank(frame, **NAMES, test="asymptotic").score

    table = np.array([scores(one) for one in labels])
    inverse = np.linalg.pinv(np.cov(table.T, bias=True), rcond=1e-10)
    quadratic = np.einsum("pa,ab,pb->p", table, inverse, table)
    own = scores(arms) @ inverse @ scores(arms)
    found = k_sample_log_rank(data, **NAMES)
    assert found.test == "exact"
    assert found.p_value == pytest.approx((quadratic >= own - 1e-9).mean(), abs=1e-12)
    assert found.tests.columns.tolist() == ["chi_square", "df", "p_value", "test"]


def test_permutation_nears_the_exact_p_value() -> None:
    data = small(12, 6, seed=11)
    exact = max_combo(data, **NAMES, test="exact").p_value
    drawn = max_combo(data, **NAMES, test="permutation").p_value
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 9999))
    causes = {"time": "t", "event": "cause", "arm": "arm", "cause": 1}
    three = data.assign(arm=list("abcabcabcabc"))
    by_draws = k_sample_gray_test(three, **causes)
    assert by_draws.test == "permutation"
    assert 0 < by_draws.p_value < 1


def test_the_rule_and_what_is_refused() -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"t": rng.exponential(5, 60), "e": 1, "cause": 1, "arm": list("ab") * 30})
    assert max_combo(data, **NAMES).test == "asymptotic"
    assert gray_test(data, time="t", event="cause", arm="arm", cause=1).test == "asymptotic"
    assert k_sample_log_rank(data, **NAMES).test == "asymptotic"
    with pytest.raises(AnalysisError, match="too many assignments"):
        max_combo(data, **NAMES, test="exact")
    with pytest.raises(AnalysisError, match="must be one of automatic"):
        max_combo(data, **NAMES, test="fisher")
    late = data.assign(start=data.t / 2)
    assert k_sample_log_rank(late, **NAMES, entry="start").reason == "delayed entry"
    with pytest.raises(AnalysisError, match="delayed entry"):
        k_sample_log_rank(late, **NAMES, entry="start", test="permutation")


def test_exact_max_combo_keeps_its_level_where_the_normal_one_does_not() -> None:
    """Six against six without an effect: the exact test rejects at most 5 %."""
    rng = np.random.default_rng(8)
    arm, rejected = np.repeat(["a", "b"], 6), []
    for _ in range(150):
        data = pd.DataFrame({"t": rng.exponential(1, 12), "e": 1, "arm": arm})
        rejected.append(max_combo(data, **NAMES, weights=WEIGHTS[:2]).p_value <= 0.05)
    assert np.mean(rejected) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 150)
