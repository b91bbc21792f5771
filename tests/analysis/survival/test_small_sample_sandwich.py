"""The corrected sandwich of LWYY and Cox: closed form, literal sums, the jackknife, and what is refused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from trialsim.analysis.recurrent_events import lwyy, lwyy_block
from trialsim.analysis.survival import cox, cox_block
from trialsim.analysis.survival.hazards import cox_arms
from trialsim.errors import AnalysisError
from trialsim.streams import stream


def histories(seed: int, shape: tuple[int, int], most: int = 8) -> tuple[np.ndarray, ...]:
    """Return event times (R, N, E), follow-up, arm and a skewed covariate that tells of the rate."""
    rng = stream(20261201, "sandwich", seed, "outcome")
    arm, x = (rng.random(shape) < 0.5) * 1, rng.lognormal(size=shape)
    rate = 1.5 * x**0.5 * rng.gamma(2.0, 0.5, shape)
    follow_up = rng.uniform(0.5, 1.5, shape)
    times = np.cumsum(rng.exponential(size=(*shape, most)), axis=2) / rate[:, :, None]
    follow_up = np.minimum(follow_up, times[:, :, -1])
    return np.where(times <= follow_up[:, :, None], times, np.nan), follow_up, arm, x


def test_two_arms_watched_for_one_time_have_a_closed_form() -> None:
    """Leverage is (1 − x̄)/n₁ and x̄/n₀, x̄ the active arm's share of the events."""
    rng = stream(20261201, "sandwich", 0, "outcome")
    counts, arm = rng.poisson(1.5, 30), np.repeat([0, 1], [18, 12])
    times = np.full((1, 30, counts.max()), np.nan)
    for i, count in enumerate(counts):
        times[0, i, :count] = np.sort(rng.random(count))
    found = lwyy_block(times, np.ones((1, 30)), arm[None])

    share = counts[arm == 1].sum() / counts.sum()
    variance, owed = 0.0, np.empty(30)
    for a, other in ((1, 1 - share), (0, share)):
        y = counts[arm == a]
        leverage = other / len(y)
        variance += (((y - y.mean()) / y.sum()) ** 2).sum() / (1 - leverage) ** 2
        owed[arm == a] = leverage / (1 - leverage)
    assert_allclose(found.estimate, np.log(counts[arm == 1].mean() / counts[arm == 0].mean()), rtol=1e-9)
    assert_allclose(found.standard_error, np.sqrt(variance), rtol=1e-9)
    assert_allclose(found.df, owed.sum() ** 2 / (owed**2).sum(), rtol=1e-9)
    assert_allclose(found.p_value, 2 * stats.t.sf(abs(found.statistic), found.df), rtol=1e-9)


def literal(times: np.ndarray, follow_up: np.ndarray, X: np.ndarray, beta: np.ndarray, entry: np.ndarray):
    """Return the sandwich and the degrees of freedom from integrals written out, Breslow's ties."""
    n, K = X.shape
    w = np.exp(X @ beta)
    happened = np.unique(times[np.isfinite(times)])
    U, A = np.zeros((n, K)), np.zeros((n, K, K))
    for t in happened:
        at_risk = (entry < t) & (t <= follow_up)
        events = (times == t).sum(axis=1)
        mean = (w * at_risk) @ X / (w @ at_risk)
        step = events.sum() / (w @ at_risk)
        for i in range(n):
            d = X[i] - mean
            U[i] += d * (events[i] - at_risk[i] * w[i] * step)
            A[i] += at_risk[i] * w[i] * step * np.outer(d, d)
    total = A.sum(axis=0)
    V, owed = np.zeros((K, K)), np.empty((n, K))
    for i in range(n):
        leverage = A[i] @ np.linalg.inv(total)
        d = np.linalg.inv(total) @ np.linalg.inv(np.eye(K) - leverage) @ U[i]
        V += np.outer(d, d)
        owed[i] = np.diag(np.linalg.inv(total - A[i]) - np.linalg.inv(total))
    return V, owed.sum(axis=0) ** 2 / (owed**2).sum(axis=0)


def test_lwyy_equals_the_literal_sums() -> None:
    times, follow_up, arm, x = histories(1, (1, 40))
    rows = pd.DataFrame(
        [
            (i, a, b, e, arm[0, i], x[0, i])
            for i in range(40)
            for a, b, e in spells(times[0, i], follow_up[0, i])
        ],
        columns=["id", "from", "to", "event", "arm", "x"],
    )
    names = {"participant": "id", "start": "from", "stop": "to", "event": "event", "arm": "arm"}
    fit = lwyy(rows, **names, covariates="x", ties="breslow")
    X = np.column_stack([arm[0], x[0]]).astype(float)
    V, df = literal(times[0], follow_up[0], X - X.mean(axis=0), fit.coefficients, np.zeros(40))
    assert_allclose(fit.covariance, V, rtol=1e-6)
    assert_allclose(fit.df, df, rtol=1e-6)
    half = stats.t.ppf(0.975, df) * np.sqrt(np.diag(V))
    assert_allclose(np.log(fit.to_frame()["upper"]), fit.coefficients + half, rtol=1e-6)
    assert "corrected for small samples" in str(fit)


def spells(times: np.ndarray, end: float) -> list[tuple[float, float, int]]:
    """Return the rows of one participant."""
    seen = [0.0, *times[np.isfinite(times)]]
    made = [(a, b, 1) for a, b in pairwise(seen)]
    return [*made, (seen[-1], end, 0)] if end > seen[-1] else made


@pytest.mark.parametrize("delayed", [False, True])
def test_cox_equals_the_literal_sums_with_ties_and_delayed_entry(delayed: bool) -> None:
    rng = stream(20261201, "sandwich", 2, "outcome")
    n = 50
    data = pd.DataFrame(
        {
            "t": np.ceil(10 * rng.exponential(size=n)) + 3, "e": rng.integers(0, 2, n),
            "arm": np.tile([0, 1], n // 2), "x": rng.lognormal(size=n), "entry": rng.integers(0, 4, n),
        }
    )  # fmt: skip
    told = {"entry": "entry"} if delayed else {}
    fit = cox(
        data, time="t", event="e", arm="arm", covariates="x", ties="breslow", variance="corrected", **told
    )
    X = data[["arm", "x"]].to_numpy(float)
    times = np.where(data.e == 1, data.t, np.nan)[:, None]
    entry = data.entry.to_numpy(float) if delayed else np.full(n, -1.0)
    V, df = literal(times, data.t.to_numpy(float), X - X.mean(axis=0), fit.coefficients, entry)
    assert_allclose(fit.covariance, V, rtol=1e-6)
    assert_allclose(fit.df, df, rtol=1e-6)
    assert f"corrected variance (Student's t with {df[0]:.1f} df)" in str(fit)


def test_it_is_nearly_the_jackknife_and_the_plain_sandwich_is_smaller() -> None:
    times, follow_up, arm, x = histories(3, (1, 80))
    x = np.log(x)
    left = [np.delete(np.arange(80), i) for i in range(80)]
    again = lwyy_block(times[0, left], follow_up[0, left], arm[0, left], x[0, left][:, :, None])
    whole = lwyy_block(times, follow_up, arm, x[:, :, None])
    plain = lwyy_block(times, follow_up, arm, x[:, :, None], variance="robust")
    jackknife = np.sqrt(((again.estimate - whole.estimate) ** 2).sum())
    assert plain.standard_error[0] < whole.standard_error[0] < jackknife
    assert jackknife - whole.standard_error[0] < 0.6 * (jackknife - plain.standard_error[0])
    assert np.isinf(plain.df[0])


def test_where_the_rest_cannot_tell_arm_from_covariate_the_score_decides_or_nothing() -> None:
    """Two participants have all the events, so that each of them is the whole of one combination."""
    times = np.array([[[0.61, 0.63, 0.73], [np.nan] * 3, [0.21, 0.32, 0.55]]])
    found = lwyy_block(times, [[1.0, 0.15, 1.0]], [[1, 0, 1]], np.array([[[2.5], [-1.5], [0.1]]]))
    assert found.reasons[found.status[0]] == "no_variance"
    assert np.isnan([found.estimate, found.standard_error, found.df]).all()
    assert found.decision is not None
    assert np.isnan(found.decision.z[0]) or abs(found.decision.z[0]) < 1


def test_rounding_is_no_variance_of_a_score() -> None:
    """Two of five are watched while events come; arm and covariates say the same of them."""
    nan = np.nan
    times = [[[nan] * 3, [nan] * 3, [0.48, 0.54, 0.61], [0.46, 0.5, 0.57], [nan] * 3]]
    rng = stream(20261201, "sandwich", 4, "outcome")
    x = rng.normal(size=(400, 5, 3)).round(1)
    found = lwyy_block(
        np.repeat(times, 400, axis=0), np.tile([0.15, 0.15, 1, 1, 0.15], (400, 1)),
        np.tile([1, 1, 0, 0, 1], (400, 1)), x,
    )  # fmt: skip
    assert found.decision is not None
    assert not (np.abs(found.decision.z) > 5).any()


def test_where_it_is_not_served_it_is_refused() -> None:
    data = pd.DataFrame({"t": range(1, 13), "e": 1, "arm": list("aababcbcbacc")})
    with pytest.raises(AnalysisError, match=r"not served with several arms.*use robust or model"):
        cox_arms.cox_several_arms(data, time="t", event="e", arm="arm", variance="corrected")
    with pytest.raises(AnalysisError, match="does not exist with exact ties"):
        cox_block(np.arange(1.0, 7)[None], np.ones((1, 6)), [[0, 1] * 3], ties="exact", variance="corrected")
    with pytest.raises(AnalysisError, match="variance"):
        lwyy_block(np.ones((1, 4, 1)), np.full((1, 4), 2.0), [[0, 1] * 2], variance="model")
