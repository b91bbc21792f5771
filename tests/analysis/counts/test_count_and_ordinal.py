"""Kernels of counts and ordered categories against slow twins; frames against blocks; failures by name."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

from trialsim.analysis import (
    negative_binomial,
    negative_binomial_events,
    probabilistic_index,
    proportional_odds,
)
from trialsim.analysis.counts import negative_binomial_block, negative_binomial_events_block
from trialsim.analysis.counts.block import fit_counts
from trialsim.analysis.ordinal import probabilistic_index_block, proportional_odds_block
from trialsim.analysis.recurrent_events import lwyy_block

R, N = 6, 90


@pytest.fixture(scope="module")
def block():
    rng = np.random.default_rng(12)
    arm = rng.permuted(np.resize([0, 1], (R, N)), axis=1)
    x = rng.normal(size=(R, N, 2))
    exposure = rng.uniform(0.3, 2.0, (R, N))
    mean = exposure * np.exp(0.8 - 0.4 * arm + 0.3 * x[:, :, 0])
    count = rng.poisson(mean * rng.gamma(2.0, 0.5, (R, N))).astype(float)
    grade = np.searchsorted([-1.0, 0.2, 1.4], 0.5 * arm + x[:, :, 1] + rng.logistic(size=(R, N))).astype(
        float
    )
    for values in (count, grade):
        values[rng.random((R, N)) < 0.1] = np.nan
    strata = rng.integers(0, 3, (R, N))
    return arm, x, exposure, count, grade, strata


def slow_counts(y, exposure, arm, x):
    """Return log rate ratio, robust error and k by a general maximiser of the log-likelihood."""
    seen = ~np.isnan(y)
    y, t, D = y[seen], exposure[seen], np.column_stack([np.ones(len(y)), arm, x])[seen]

    def loss(free):
        k = np.exp(free[-1])
        mu = t * np.exp(D @ free[:-1])
        return -stats.nbinom.logpmf(y, 1 / k, 1 / (1 + k * mu)).sum()

    start = np.r_[np.log(y.sum() / t.sum()), np.zeros(D.shape[1] - 1), -1.0]
    found = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-7}).x
    k, mu = np.exp(found[-1]), t * np.exp(D @ found[:-1])
    bread = np.linalg.inv(D.T @ (D * (mu / (1 + k * mu))[:, None]))
    scores = D * ((y - mu) / (1 + k * mu))[:, None]
    return found[1], np.sqrt((bread @ scores.T @ scores @ bread)[1, 1]), k


def test_counts_equal_their_slow_twin(block):
    arm, x, exposure, count, _, _ = block
    fast = negative_binomial_block(count, exposure, arm, x)
    for r in range(R):
        slow = slow_counts(count[r], exposure[r], arm[r], x[r])
        np.testing.assert_allclose(
            [fast.estimate[r], fast.standard_error[r], fast.dispersion[r]], slow, rtol=2e-4
        )


def test_the_sandwich_of_small_samples_equals_literal_sums(block):
    """Leverage is taken from each residual; what the variance owes to each says how many there are."""
    arm, x, exposure, count, _, _ = block
    found = negative_binomial_block(count, exposure, arm, x, variance="corrected")
    plain = negative_binomial_block(count, exposure, arm, x)
    fits = fit_counts(count, exposure, arm, 2, x)
    assert (found.standard_error > plain.standard_error).all()
    assert np.isinf(plain.df).all()
    for r in range(R):
        seen = ~np.isnan(count[r])
        y, t, k = count[r][seen], exposure[r][seen], fits.dispersion[r]
        D = np.column_stack([np.ones(len(y)), arm[r][seen], x[r][seen] - x[r][seen].mean(axis=0)])
        mu = t * np.exp(D @ fits.coefficients[r])
        each = np.einsum("i,ij,ik->ijk", mu / (1 + k * mu), D, D)
        total = each.sum(axis=0)
        scores = D * ((y - mu) / (1 + k * mu))[:, None]
        moves = np.stack([np.linalg.solve(total - a, u) for a, u in zip(each, scores, strict=True)])
        owed = np.stack([np.linalg.inv(total - a)[1, 1] - np.linalg.inv(total)[1, 1] for a in each])
        df = owed.sum() ** 2 / (owed**2).sum()
        error = np.sqrt((moves[:, 1] ** 2).sum())
        np.testing.assert_allclose([found.standard_error[r], found.df[r]], [error, df], rtol=1e-6)
        p_value = 2 * stats.t.sf(abs(found.estimate[r]) / error, df)
        np.testing.assert_allclose(found.p_value[r], p_value, rtol=1e-5)


def test_a_participant_who_alone_tells_a_coefficient_leaves_the_score_to_decide():
    y, arm = [1, 2, 0, 3, 1, 4], [0, 0, 0, 1, 1, 1]
    alone = np.array([0, 0, 0, 0, 0, 1.0])[None, :, None]
    found = negative_binomial_block([y], np.ones((1, 6)), [arm], alone, variance="corrected")
    assert found.to_frame()["status"].tolist() == ["no_residual_variance"]
    assert found.decision.counts()["score"] == 1
    plain = negative_binomial_block([y], np.ones((1, 6)), [arm], alone)
    assert plain.fitted.all()


def test_a_printed_result_names_its_corrected_variance(block):
    arm, x, exposure, count, _, _ = (one[0] for one in block)
    data = pd.DataFrame({"y": count, "arm": arm, "t": exposure, "x": x[:, 0]})
    fit = negative_binomial(data, outcome="y", arm="arm", exposure="t", covariates="x", variance="corrected")
    assert f"corrected for small samples, Student's t with {fit.df[0]:.1f} df" in str(fit)
    half = stats.t.ppf(0.975, fit.df) * fit.standard_errors
    np.testing.assert_allclose(np.log(fit.to_frame()["upper"]), fit.coefficients + half, rtol=1e-9)
    np.testing.assert_allclose(fit.to_frame()["p_value"][0], fit.p_value, rtol=1e-9)


def slow_odds(y, arm, x):
    """Return log odds ratio, model and robust error by a general maximiser and differences of its score."""
    seen = ~np.isnan(y)
    c, D = y[seen].astype(int), np.column_stack([arm, x])[seen]
    cuts = c.max()

    def each(free):
        edges = np.r_[-np.inf, np.cumsum(np.r_[free[0], np.exp(free[1:cuts])]), np.inf]
        eta = D @ free[cuts:]
        return np.log(special.expit(edges[c + 1] - eta) - special.expit(edges[c] - eta))

    start = np.r_[-1.0, np.zeros(cuts - 1 + D.shape[1])]
    best = optimize.minimize(lambda free: -each(free).sum(), start, method="BFGS", options={"gtol": 1e-8}).x
    step = 1e-4 * np.eye(len(best))
    scores = np.stack([(each(best + h) - each(best - h)) / 2e-4 for h in step], axis=1)

    def total(free):
        return each(free).sum()

    information = -np.array(
        [[(total(best + g + h) - total(best + g - h) - total(best - g + h) + total(best - g - h)) / 4e-8
          for g in step] for h in step]
    )  # fmt: skip
    bread = np.linalg.inv(information)
    robust = bread @ scores.T @ scores @ bread
    return best[cuts], np.sqrt(bread[cuts, cuts]), np.sqrt(robust[cuts, cuts])


@pytest.mark.parametrize("covariates", [0, 2])
def test_odds_equal_their_slow_twin(block, covariates):
    arm, x, _, _, grade, _ = block
    x = x[:, :, :covariates]
    model, robust = (proportional_odds_block(grade, arm, x, variance=v) for v in ("model", "robust"))
    for r in range(R):
        estimate, by_model, by_sandwich = slow_odds(grade[r], arm[r], x[r])
        np.testing.assert_allclose(model.estimate[r], estimate, rtol=1e-4)
        np.testing.assert_allclose(model.standard_error[r], by_model, rtol=1e-4)
        np.testing.assert_allclose(robust.standard_error[r], by_sandwich, rtol=1e-4)


def slow_index(y, arm, strata):
    """Return θ, its robust error and degrees of freedom from every pair of participants."""
    pieces, weights, total = [], 0.0, 0.0
    for s in np.unique(strata):
        inside = (strata == s) & ~np.isnan(y)
        one, zero = y[inside & (arm == 1)], y[inside & (arm == 0)]
        if not len(one) or not len(zero):
            continue
        wins = (one[:, None] > zero) + 0.5 * (one[:, None] == zero)
        n1, n0 = wins.shape
        q = n1 * n0 / (n1 + n0 + 1)
        weights, total = weights + q, total + q * wins.mean()
        pieces += [(q**2 * wins.mean(1).var(ddof=1) / n1, n1 - 1)]
        pieces += [(q**2 * wins.mean(0).var(ddof=1) / n0, n0 - 1)]
    variance = sum(v for v, _ in pieces)
    df = variance**2 / sum(v**2 / d for v, d in pieces)
    return total / weights, np.sqrt(variance) / weights, df


@pytest.mark.parametrize("stratified", [False, True])
def test_robust_index_equals_its_slow_twin(block, stratified):
    arm, _, _, _, grade, strata = block
    fast = probabilistic_index_block(grade, arm, strata if stratified else None)
    for r in range(R):
        slow = slow_index(grade[r], arm[r], strata[r] if stratified else np.zeros(N))
        np.testing.assert_allclose([fast.estimate[r], fast.standard_error[r], fast.df[r]], slow, rtol=1e-10)


def test_null_variance_is_that_of_van_elteren(block):
    arm, _, _, _, grade, strata = block
    fast = probabilistic_index_block(grade, arm, strata, variance="null")
    for r in range(R):
        above, variance = 0.0, 0.0
        for s in range(3):
            inside = (strata[r] == s) & ~np.isnan(grade[r])
            ranks, active = stats.rankdata(grade[r, inside]), arm[r, inside] == 1
            n, n1 = len(ranks), active.sum()
            above += (ranks[active].sum() - n1 * (n + 1) / 2) / (n + 1)
            variance += n1 * (n - n1) / n * ranks.var(ddof=1) / (n + 1) ** 2
        assert fast.statistic[r] == pytest.approx(above / np.sqrt(variance), rel=1e-10)


def frame_of(block, r=0):
    arm, x, exposure, count, grade, strata = (values[r] for values in block)
    return pd.DataFrame(
        {"arm": np.where(arm, "v", "p"), "x": x[:, 0], "z": x[:, 1], "t": exposure, "n": count, "g": grade,
         "site": strata}
    )  # fmt: skip


def test_frames_say_what_blocks_say(block):
    arm, x, exposure, count, grade, strata = (values[:1] for values in block)
    data = frame_of(block)
    pairs = [
        (
            negative_binomial(data, outcome="n", arm="arm", exposure="t", covariates=["x", "z"]).estimates,
            negative_binomial_block(count, exposure, arm, x),
        ),
        (
            proportional_odds(data, outcome="g", arm="arm", covariates=["x", "z"]).estimates,
            proportional_odds_block(grade, arm, x),
        ),
        (
            probabilistic_index(data, outcome="g", arm="arm", strata="site").estimates,
            probabilistic_index_block(grade, arm, strata),
        ),
    ]
    for frame, block_face in pairs:
        for field in ("estimate", "standard_error", "df", "p_value"):
            np.testing.assert_allclose(getattr(frame, field), getattr(block_face, field), rtol=1e-9)


def test_ordered_categorical_reads_as_its_numbers(block):
    data = frame_of(block)
    words = pd.Categorical.from_codes(
        data["g"].fillna(-1).astype(int), ["none", "mild", "moderate", "severe"], ordered=True
    )
    by_word = proportional_odds(data.assign(g=words), outcome="g", arm="arm")
    by_number = proportional_odds(data, outcome="g", arm="arm")
    assert by_word.to_frame().equals(by_number.to_frame())
    assert by_word.categories["category"].tolist() == ["none", "mild", "moderate", "severe"]


def test_third_arm_is_left_out(block):
    data = frame_of(block)
    other = data.iloc[:20].assign(arm="q", site=7)
    assert other["g"].isna().any()
    both = pd.concat([data, other])
    for analysis, outcome in (
        (negative_binomial, "n"),
        (proportional_odds, "g"),
        (probabilistic_index, "g"),
    ):
        options = {"outcome": outcome, "arm": "arm", "control": "p", "strata": "site"}
        alone, named = analysis(data, **options), analysis(both, active="v", **options)
        assert str(alone) == str(named)
        assert alone.to_frame().equals(named.to_frame())


def test_events_are_counted_with_their_follow_up():
    rng = np.random.default_rng(2)
    times = np.sort(rng.uniform(0, 12, (3, 60, 8)), axis=2)
    times[times > np.cumsum(rng.exponential(3, times.shape), 2)] = np.nan
    follow_up = np.full((3, 60), 12.0)
    arm = np.resize([0, 1], (3, 60))
    by_count = negative_binomial_block(np.isfinite(times).sum(2), follow_up, arm)
    by_event = negative_binomial_events_block(times, follow_up, arm)
    np.testing.assert_array_equal(by_event.estimate, by_count.estimate)
    np.testing.assert_allclose(lwyy_block(times, follow_up, arm).estimate, by_event.estimate, atol=1e-3)


def test_histories_are_counted_by_participant():
    data = pd.DataFrame(
        {"id": [1, 1, 1, 2, 2, 3, 4, 4, 5, 6, 6], "from": [0, 1, 4, 0, 3, 0, 0, 6, 0, 0, 2],
         "to": [1, 4, 8, 3, 8, 8, 6, 9, 4, 2, 7], "event": [1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1],
         "arm": list("pppppvvvvpp"), "x": [1, 1, 1, 2, 2, 0, 1, 1, 3, 2, 2]}
    )  # fmt: skip
    columns = {"participant": "id", "start": "from", "stop": "to", "event": "event", "arm": "arm"}
    fit = negative_binomial_events(data, **columns, covariates="x")
    per = data.groupby("id").agg(n=("event", "sum"), t=("to", "max"), arm=("arm", "first"), x=("x", "first"))
    peer = negative_binomial(per, outcome="n", arm="arm", exposure="t", covariates="x")
    np.testing.assert_allclose(fit.coefficients, peer.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, peer.covariance, rtol=1e-9)
    assert fit.exposure["events"].tolist() == [5, 2]


def test_counts_that_vary_little_are_poisson_and_say_so(block):
    arm = block[0]
    even = np.resize([2.0, 3.0, 2.0, 2.0], (R, N))
    free, poisson = (
        negative_binomial_block(even, np.ones((R, N)), arm, dispersion=k, variance="model")
        for k in (None, 0.0)
    )
    np.testing.assert_array_equal(free.dispersion, 0.0)
    np.testing.assert_array_equal(free.estimate, poisson.estimate)
    assert (free.to_frame()["dispersion"] == 0.0).all()
    data = pd.DataFrame({"y": even[0], "arm": arm[0]})
    assert "at its limit of 0" in str(negative_binomial(data, outcome="y", arm="arm"))
    assert "at its limit" not in str(negative_binomial(data, outcome="y", arm="arm", dispersion=0.0))


def test_three_arms_share_one_dispersion(block):
    _, _, exposure, count, _, _ = block
    three = np.resize([0, 1, 2], (R, N))
    fits = fit_counts(count, exposure, three, 3)
    swapped = fit_counts(count, exposure, np.array([0, 2, 1])[three], 3)
    np.testing.assert_allclose(fits.coefficients[:, 1], swapped.coefficients[:, 2], rtol=1e-8)
    np.testing.assert_allclose(fits.dispersion, swapped.dispersion, rtol=1e-8)


@pytest.mark.parametrize(
    ("y", "arm", "x", "reason"),
    [
        ([0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1], None, "no_events"),
        ([1, 2, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1], None, "infinite_coefficient"),
        ([1, 2, 0, 3, 1, 0], [0] * 6, None, "arm_empty"),
        ([1, 2, 0, 3, 1, 0], [0] * 5 + [1], None, "too_few_participants"),
        ([1, 2, 0, 3, 1, 0], [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1], "collinear_covariate"),
        ([2, 2, 2, 5, 5, 5], [0, 0, 0, 1, 1, 1], None, "no_residual_variance"),
        ([1, 2, 0, 3, 0, 0], [0, 1, 0, 1, 0, 1], [1, 1, 0, 1, 0, 0], "infinite_coefficient"),
    ],
)
def test_failed_counts_are_named(y, arm, x, reason):
    columns = None if x is None else np.array(x, dtype=float)[None, :, None]
    found = negative_binomial_block([y], np.ones((1, 6)), [arm], columns)
    assert found.to_frame()["status"].tolist() == [reason]
    assert np.isnan([found.estimate, found.standard_error, found.p_value, found.dispersion]).all()
    by = {
        "infinite_coefficient": "score", "no_residual_variance": "score", "no_events": "no_difference"
    }.get(reason, "none")  # fmt: skip
    by = "unadjusted_score" if reason == "infinite_coefficient" and x is not None else by
    assert found.decision.counts()[by] == 1


@pytest.mark.parametrize(
    ("y", "arm", "x", "reason"),
    [
        ([1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], None, "constant_outcome"),
        ([0, 1, 0, 2, 2, 2], [0, 0, 0, 1, 1, 1], None, "infinite_coefficient"),
        ([1, 2, 0, 3, 1, 0], [0] * 6, None, "arm_empty"),
        ([0, 1, 2, 3, 4, 5], [0, 1, 0, 1, 0, 1], None, "too_few_participants"),
        ([1, 2, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1], "collinear_covariate"),
    ],
)
def test_failed_odds_are_named(y, arm, x, reason):
    columns = None if x is None else np.array(x, dtype=float)[None, :, None]
    for test in ("wald", "score"):
        found = proportional_odds_block([y], [arm], columns, test=test)
        assert found.to_frame()["status"].tolist() == [reason]
        assert np.isnan([found.estimate, found.standard_error, found.statistic, found.p_value]).all()


@pytest.mark.parametrize(
    ("y", "arm", "strata", "reason"),
    [
        ([1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], None, "constant_outcome"),
        ([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1], None, "no_residual_variance"),
        ([1, 2, 3, 4, 5, 6], [0] * 6, None, "arm_empty"),
        ([1, 2, 3, 4, 5, 6], [0] * 5 + [1], None, "too_few_participants"),
        ([1, 2, 3, 4, 5, 2], [0, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 1], "ok"),
        ([1, 2, 3, 4, 5, 2], [0, 1, 0, 1, 0, 1], [0, 0, 0, 0, 1, 1], "stratum_too_small"),
        ([1, 2, 3, 4, 5, 2], [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1], "no_stratum_with_both_arms"),
    ],
)
def test_failed_index_is_named(y, arm, strata, reason):
    found = probabilistic_index_block([y], [arm], None if strata is None else [strata])
    assert found.to_frame()["status"].tolist() == [reason]
    exists = reason in ("ok", "no_residual_variance", "stratum_too_small")
    assert np.isfinite(found.estimate).all() == exists
    assert found.fitted.all() == (reason == "ok")
    assert found.decision.counts()["none"] == (reason in ("arm_empty", "no_stratum_with_both_arms"))
