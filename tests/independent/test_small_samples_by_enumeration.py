"""Exact rank tests, wins and delta variances against obvious computations, SciPy and statsmodels."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from trialsim.analysis import (
    adjusted_log_rank,
    g_computation,
    gray_test,
    log_rank,
    mantel_haenszel,
    max_combo,
    probabilistic_index,
    proportional_odds,
    win_ratio,
)
from trialsim.analysis.competing_risks import k_sample_gray_test
from trialsim.analysis.ordinal import probabilistic_index_block
from trialsim.analysis.proportions import stratified_association, two_proportions
from trialsim.analysis.survival import adjusted_log_rank_block, k_sample_log_rank
from trialsim.streams import stream


def tails(y, arm, statistic):
    """Return twice the smaller tail over all choices of the active arm."""
    observed, n, k = statistic(y, arm), len(y), int(arm.sum())
    found = []
    for chosen in combinations(range(n), k):
        choice = np.zeros(n, int)
        choice[list(chosen)] = 1
        found.append(statistic(y, choice))
    found = np.array(found)
    slack = 1e-9 if np.isfinite(observed) else 0.0
    return min(1.0, 2 * min((found >= observed - slack).mean(), (found <= observed + slack).mean()))


def rank_sum(y, arm):
    return stats.rankdata(y)[arm == 1].sum()


def studentised(y, arm):
    one, zero = y[arm == 1], y[arm == 0]
    above = (one[:, None] > zero).astype(float) + 0.5 * (one[:, None] == zero)
    variance = above.mean(1).var(ddof=1) / len(one) + above.mean(0).var(ddof=1) / len(zero)
    effect = above.mean() - 0.5
    if variance < 1e-12:
        return np.sign(effect) * np.inf if abs(effect) > 1e-12 else 0.0
    return effect / np.sqrt(variance)


@pytest.mark.parametrize("sizes", [(3, 3), (4, 5), (6, 3)])
@pytest.mark.parametrize("levels", [3, 50])
def test_small_samples_have_the_p_value_of_all_choices(sizes, levels):
    chance = stream(20261130, f"small.{sizes}.{levels}", 0, "outcome")
    arm = np.repeat([0, 1], sizes)
    y = chance.integers(0, levels, (12, sum(sizes))).astype(float)
    y = y[(y != y[:, :1]).any(1)]
    arms = np.tile(arm, (len(y), 1))
    null = probabilistic_index_block(y, arms, variance="null")
    np.testing.assert_allclose(null.decision.p_value, [tails(row, arm, rank_sum) for row in y], atol=1e-9)
    robust = probabilistic_index_block(y, arms)
    np.testing.assert_allclose(
        robust.decision.p_value, [tails(row, arm, studentised) for row in y], atol=1e-9
    )


def test_exact_van_elteren_is_that_of_all_choices_within_strata():
    chance = stream(20261130, "small.strata", 0, "outcome")
    strata, arm = np.repeat([0, 1], [5, 4]), np.array([0, 0, 1, 1, 1, 0, 1, 0, 1])
    y = chance.integers(0, 4, (8, 9)).astype(float)

    def van_elteren(values, choice):
        return sum(
            stats.rankdata(values[strata == s])[choice[strata == s] == 1].sum() / ((strata == s).sum() + 1)
            for s in (0, 1)
        )

    choices = [
        np.isin(np.arange(9), one + tuple(5 + k for k in two)).astype(int)
        for one in combinations(range(5), 3)
        for two in combinations(range(4), 2)
    ]
    wanted = []
    for row in y:
        all_of = np.array([van_elteren(row, choice) for choice in choices])
        here = van_elteren(row, arm)
        wanted.append(min(1.0, 2 * min((all_of >= here - 1e-9).mean(), (all_of <= here + 1e-9).mean())))
    found = probabilistic_index_block(y, np.tile(arm, (8, 1)), np.tile(strata, (8, 1)), variance="null")
    np.testing.assert_allclose(found.decision.p_value, wanted, atol=1e-9)


def trial(n=90):
    chance = stream(20261130, "wins", 0, "outcome")
    arm, x = np.resize(["c", "a"], n), chance.normal(size=n)
    grade = chance.integers(0, 4, n) + (arm == "a")
    event = (chance.random(n) < 1 / (1 + np.exp(-0.3 - x - 0.5 * (arm == "a")))).astype(float)
    return pd.DataFrame({"arm": arm, "x": x, "grade": grade, "event": event, "time": chance.random(n)})


def test_win_odds_of_one_outcome_are_those_of_the_index():
    data = trial()
    row = win_ratio(data, outcomes="grade", arm="arm", control="c").to_frame().set_index("measure")
    index = probabilistic_index_block(
        data["grade"].to_numpy(float)[None], (data["arm"] == "a").to_numpy(int)[None]
    )
    theta, error = index.estimate[0], index.standard_error[0]
    assert row.loc["win odds", "estimate"] == pytest.approx(theta / (1 - theta))
    assert row.loc["win odds", "standard_error"] == pytest.approx(error / (theta * (1 - theta)))
    assert row.loc["net benefit", "estimate"] == pytest.approx(2 * theta - 1)
    assert row.loc["net benefit", "standard_error"] == pytest.approx(2 * error)


def test_wins_of_a_hierarchy_are_counted_pair_by_pair():
    data = trial(20)
    found = win_ratio(
        data, outcomes=["event", "grade", "time"], lower_is_better=["event"], arm="arm", control="c"
    )
    won = lost = 0
    for _, one in data[data["arm"] == "a"].iterrows():
        for _, other in data[data["arm"] == "c"].iterrows():
            for name, sign in (("event", -1), ("grade", 1), ("time", 1)):
                if one[name] != other[name]:
                    won += sign * (one[name] - other[name]) > 0
                    lost += sign * (one[name] - other[name]) < 0
                    break
    assert (found.wins * found.pairs, found.losses * found.pairs) == pytest.approx((won, lost))


@pytest.mark.parametrize("variance", ["ge", "sandwich"])
def test_delta_variances_are_those_of_the_statsmodels_fit(variance):
    data = trial()
    found = g_computation(
        data, outcome="event", arm="arm", covariates="x", family="binomial", control="c", variance=variance
    )
    n = len(data)
    X = np.column_stack([np.ones(n), data["arm"] == "a", data["x"]]).astype(float)
    fit = sm.GLM(data["event"], X, family=sm.families.Binomial()).fit(tol=1e-12)
    both = [np.column_stack([np.ones(n), np.full(n, a), data["x"]]) for a in (0.0, 1.0)]
    p = np.column_stack([fit.predict(D) for D in both])
    G = np.stack([((p[:, a] * (1 - p[:, a]))[:, None] * both[a]).mean(0) for a in (0, 1)])
    contrast = np.array([-1.0, 1.0])
    V = np.asarray(fit.cov_params())
    if variance == "ge":
        wanted = contrast @ G @ V @ G.T @ contrast
    else:
        score = (data["event"].to_numpy() - fit.predict(X))[:, None] * X
        influence = p - p.mean(0) + n * score @ V @ G.T
        wanted = np.sum((influence @ contrast) ** 2) / n**2
    assert found.effects[0] == pytest.approx((p @ contrast).mean(), abs=1e-9)
    assert found.effect_covariance[0, 0] == pytest.approx(wanted, rel=1e-6)


def test_ge_and_sandwich_without_covariates_are_the_binomial_variance():
    data = trial()
    shares = data.groupby("arm")["event"].agg(["mean", "size"])
    wanted = (shares["mean"] * (1 - shares["mean"]) / shares["size"]).sum()
    for variance in ("ge", "sandwich"):
        found = g_computation(
            data, outcome="event", arm="arm", family="binomial", control="c", variance=variance
        )
        assert found.effect_covariance[0, 0] == pytest.approx(wanted, rel=1e-9)


def test_mantel_haenszel_ratios_are_those_of_statsmodels():
    data = trial().assign(site=np.resize([1, 2, 3], 90))
    tables = [
        pd.crosstab(part["arm"], 1 - part["event"]).loc[["a", "c"]].to_numpy()
        for _, part in data.groupby("site")
    ]
    peer = sm.stats.StratifiedTable([t.astype(float) for t in tables])
    options = {"outcome": "event", "arm": "arm", "strata": "site", "control": "c"}
    odds = mantel_haenszel(data, measure="odds_ratio", **options)
    assert odds.estimate == pytest.approx(peer.oddsratio_pooled)
    assert odds.standard_error == pytest.approx(peer.logodds_pooled_se)
    assert odds.chi_square == pytest.approx(peer.test_null_odds(correction=False).statistic)
    assert mantel_haenszel(data, measure="risk_ratio", **options).estimate == pytest.approx(
        peer.riskratio_pooled
    )


def test_mantel_haenszel_difference_is_the_weighted_mean_of_the_strata_with_satos_error():
    """Weights n1 n0 / n (Greenland and Robins 1985); variance of Sato (1989), stratum by stratum."""
    data = trial().assign(site=np.resize([1, 2, 3], 90))
    options = {"outcome": "event", "arm": "arm", "strata": "site", "control": "c"}
    found = mantel_haenszel(data, measure="risk_difference", **options)
    weights, differences, p, q = [], [], [], []
    for _, part in data.groupby("site"):
        active, control = (part.loc[part["arm"] == label, "event"] for label in ("a", "c"))
        n1, n0, a, b = len(active), len(control), active.sum(), control.sum()
        n = n1 + n0
        weights.append(n1 * n0 / n)
        differences.append(a / n1 - b / n0)
        p.append((n1**2 * b - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / n**2)
        q.append((a * (n0 - b) + b * (n1 - a)) / (2 * n))
    wanted = np.average(differences, weights=weights)
    assert abs(wanted) > 0.01
    assert found.estimate == pytest.approx(wanted, rel=1e-12)
    assert found.standard_error == pytest.approx(np.sqrt(wanted * sum(p) + sum(q)) / sum(weights), rel=1e-12)


def test_miettinen_nurminens_p_value_is_that_of_pearsons_chi_square_times_n_minus_1_over_n():
    data = trial()
    found = two_proportions(data, outcome="event", arm="arm", control="c")
    table = pd.crosstab(data["arm"], data["event"]).to_numpy()
    n = table.sum()
    chi_square = stats.chi2_contingency(table, correction=False).statistic * (n - 1) / n
    assert found.statistic**2 == pytest.approx(chi_square, rel=1e-9)
    assert found.p_value == pytest.approx(stats.chi2.sf(chi_square, 1), rel=1e-9)
    against = two_proportions(data, outcome="event", arm="arm", control="c", margin=-0.2)
    assert against.p_value == pytest.approx(stats.norm.sf(against.statistic), rel=1e-9)


def test_the_score_test_of_a_small_trial_prints_its_exact_p_value():
    data = pd.DataFrame({"arm": list("cccaaa"), "g": [1, 2, 3, 2, 3, 3]})
    found = proportional_odds(data, outcome="g", arm="arm", control="c", test="score")
    wanted = tails(data["g"].to_numpy(float), np.repeat([0, 1], 3), rank_sum)
    assert (found.decided_by, found.p_value) == ("exact", pytest.approx(wanted))


def net_wins(values: np.ndarray, arm: np.ndarray) -> float:
    """Return wins minus losses of arm 1 over arm 0 on outcomes in order, pair by pair."""
    total = 0
    for one in values[arm == 1]:
        for other in values[arm == 0]:
            differs = np.flatnonzero(one != other)
            total += 0 if not len(differs) else int(np.sign(one[differs[0]] - other[differs[0]]))
    return float(total)


@pytest.mark.parametrize("sizes", [(3, 3), (4, 6)])
def test_wins_of_a_small_trial_have_the_p_value_of_all_ways_to_give_the_arms(sizes):
    chance = stream(20261201, f"wins.{sizes}", 0, "outcome")
    arm = np.repeat([0, 1], sizes)
    for _ in range(4):
        values = chance.integers(0, 3, (sum(sizes), 2)).astype(float)
        data = pd.DataFrame({"first": values[:, 0], "second": values[:, 1], "arm": arm})
        seen = abs(net_wins(values, arm))
        ways = []
        for chosen in combinations(range(len(arm)), sizes[1]):
            again = np.zeros(len(arm), int)
            again[list(chosen)] = 1
            ways.append(abs(net_wins(values, again)) >= seen - 1e-9)
        found = win_ratio(data, outcomes=["first", "second"], arm="arm").to_frame()
        np.testing.assert_allclose(found["p_value"], np.mean(ways), rtol=1e-12)
        assert set(found["test"]) == {"exact"}


def test_an_arm_that_always_wins_is_judged_by_finkelstein_and_schoenfeld():
    """Without a loss there is no ratio; z is the sum of scores ±12 over its spread, by hand."""
    data = pd.DataFrame({"y": np.repeat([0.0, 1.0], 12), "arm": np.repeat([0, 1], 12)})
    found = win_ratio(data, outcomes=["y"], arm="arm").to_frame()
    z = 144 / np.sqrt(12 * 12 / (24 * 23) * 24 * 12**2)
    np.testing.assert_allclose(found["statistic"], z)
    assert set(found["test"]) == {"finkelstein_schoenfeld"}


def adjusted_score(time, event, arm, x) -> float:
    """Return the covariate-adjusted log-rank score by its formula (Ye, Shao and Yi 2024): Σ of both arms."""
    order = np.argsort(time)
    derived, score = np.zeros(len(time)), 0.0
    for k in order:
        if event[k]:
            risk = time >= time[k]
            share = arm[risk].mean()
            score += arm[k] - share
            jump = 1 / risk.sum()
            derived += risk * (np.arange(len(time)) == k) * np.where(arm == 1, 1 - share, share)
            derived -= risk * jump * np.where(arm == 1, 1 - share, share)
    parts = []
    for a in (0, 1):
        rows = arm == a
        centred = x[rows] - x[rows].mean()
        slope = centred @ derived[rows] / (centred @ centred)
        parts.append(slope * (x[rows] - x.mean()).sum())
    return score - parts[1] + parts[0]


def test_the_adjusted_log_rank_test_of_a_small_trial_is_that_of_all_ways_to_give_the_arms():
    chance = stream(20261201, "adjusted", 0, "outcome")
    arm = np.repeat([0, 1], [4, 5])
    x = chance.normal(size=9)
    time, event = chance.exponential(np.exp(0.8 * x)), (chance.random(9) < 0.8).astype(int)
    data = pd.DataFrame({"t": time, "e": event, "arm": arm, "x": x})
    scores = []
    for chosen in combinations(range(9), 5):
        again = np.zeros(9, int)
        again[list(chosen)] = 1
        scores.append(adjusted_score(time, event, again, x))
    seen = abs(adjusted_score(time, event, arm, x))
    found = adjusted_log_rank(data, time="t", event="e", arm="arm", covariates="x")
    assert found.test == "exact"
    assert found.p_value == pytest.approx(np.mean(np.abs(scores) >= seen - 1e-9), rel=1e-12)
    z = adjusted_log_rank_block([time], [event], [arm], [x[:, None]]).decision.z[0]
    asked = adjusted_log_rank(data, time="t", event="e", arm="arm", covariates="x", test="asymptotic")
    assert asked.p_value == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    plain = adjusted_log_rank(data, time="t", event="e", arm="arm")
    assert plain.p_value == log_rank(data, time="t", event="e", arm="arm").p_value


APART = pd.DataFrame(
    {"y": [1.0, 2, 3, 4, 5, 6], "arm": list("aaabbb"), "e": 1, "x": [0.3, -1.0, 0.6, 0.2, -0.7, 0.1]}
).assign(high=[0, 0, 0, 1, 1, 1], one="all")
RANK_TESTS = {
    "log_rank": lambda d: log_rank(d, time="y", event="e", arm="arm").p_value,
    "adjusted_log_rank": lambda d: adjusted_log_rank(d, time="y", event="e", arm="arm").p_value,
    "adjusted, x": lambda d: adjusted_log_rank(d, time="y", event="e", arm="arm", covariates="x").p_value,
    "max_combo": lambda d: max_combo(d, time="y", event="e", arm="arm").p_value,
    "gray": lambda d: gray_test(d, time="y", event="e", arm="arm", cause=1).p_value,
    "k_sample_log_rank": lambda d: k_sample_log_rank(d, time="y", event="e", arm="arm").p_value,
    "k_sample_gray": lambda d: k_sample_gray_test(d, time="y", event="e", arm="arm", cause=1).p_value,
    "probabilistic_index": lambda d: probabilistic_index(d, outcome="y", arm="arm").p_value,
    "van elteren": lambda d: probabilistic_index(d, outcome="y", arm="arm", variance="null").p_value,
    "proportional_odds": lambda d: proportional_odds(d, outcome="y", arm="arm", test="score").p_value,
    "stratified_association": lambda d: stratified_association(d, outcome="high", arm="arm").p_value,
    "mean scores": lambda d: (
        stratified_association(d, outcome="y", arm="arm", strata="one", scores="columns").p_value
    ),
    "win_ratio": lambda d: win_ratio(d, outcomes=["y"], arm="arm").by.p_value,
}


def chi_square_of_scores(level, arm, site):
    """Return the squared excess of the active arm over strata; its spread is fixed."""
    total = 0.0
    for s in np.unique(site):
        rows = site == s
        total += ((level[rows] - level[rows].mean()) * arm[rows]).sum()
    return total**2


@pytest.mark.parametrize("levels", [2, 4])
def test_stratified_tables_have_the_p_value_of_all_ways_to_give_the_arms(levels):
    chance = stream(20261130, f"tables.{levels}", 0, "outcome")
    site, arm = np.repeat([0, 1, 2], [5, 4, 3]), np.array([0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1])
    level = chance.integers(0, levels, 12)
    seen, more, ways = chi_square_of_scores(level, arm, site), 0, 0
    for one in combinations(range(5), 3):
        for two in combinations(range(5, 9), 2):
            for three in combinations(range(9, 12), 2):
                chosen = np.isin(np.arange(12), [*one, *two, *three]).astype(int)
                ways += 1
                more += chi_square_of_scores(level, chosen, site) >= seen - 1e-9
    data = pd.DataFrame({"y": level, "arm": arm, "site": site})
    found = stratified_association(data, outcome="y", arm="arm", strata="site", scores="columns")
    assert found.test == "exact"
    assert found.p_value == pytest.approx(more / ways, abs=1e-12)
    drawn = stratified_association(
        data, outcome="y", arm="arm", strata="site", scores="columns", test="permutation"
    )
    assert drawn.p_value == pytest.approx(more / ways, abs=4 * np.sqrt(0.25 / 9999))
    if levels == 2:
        common = mantel_haenszel(data, outcome="y", arm="arm", strata="site")
        assert common.test == "exact"
        assert common.p_value == pytest.approx(more / ways, abs=1e-12)
        whole = stratified_association(data, outcome="y", arm="arm", strata="site")
        assert whole.p_value == pytest.approx(more / ways, abs=1e-12)


def test_tables_that_are_not_small_have_chi_square_and_rare_events_make_a_trial_small():
    chance = stream(20261130, "tables", 1, "outcome")
    data = pd.DataFrame(
        {"arm": np.tile([0, 1], 40), "site": np.repeat([0, 1], 40), "y": chance.integers(0, 2, 80)}
    )
    names = {"outcome": "y", "arm": "arm", "strata": "site"}
    assert mantel_haenszel(data, **names).test == "asymptotic"
    assert stratified_association(data, **names).test == "asymptotic"
    exact = mantel_haenszel(data, test="exact", **names).p_value
    assert exact == pytest.approx(mantel_haenszel(data, **names).p_value, abs=0.1)
    rare = data.assign(y=(np.arange(80) % 20 == 0).astype(int))
    assert mantel_haenszel(rare, **names).test == "exact"
    assert mantel_haenszel(rare.assign(y=1 - rare["y"]), **names).test == "exact"


@pytest.mark.parametrize("name", RANK_TESTS)
def test_no_rank_test_of_three_against_three_has_a_p_value_below_a_tenth(name):
    """The case of the public: p .0495 where two of the twenty ways are as extreme."""
    assert 0.1 - 1e-9 <= RANK_TESTS[name](APART) <= 0.5
