"""Fine and Gray's regression: a dense slow twin, its limits, invariances, faults and statuses."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from trialsim.analysis import fine_gray
from trialsim.analysis.competing_risks import fine_gray_block
from trialsim.analysis.survival import cox_block
from trialsim.errors import AnalysisError

R, N = 4, 70


def draw(seed, ties):
    rng = np.random.default_rng(seed)
    arm = rng.permuted(np.resize([0, 1], (R, N)), axis=1)
    x = rng.normal(size=(R, N, 1))
    time = rng.exponential(8, (R, N)) + 0.05
    event = rng.choice([0, 1, 2], (R, N), p=[0.3, 0.4, 0.3])
    return (np.ceil(time) if ties else time), event, arm, x


def left_limit(time, event, at):
    """Return the Kaplan–Meier of censoring just before a time."""
    lost = np.unique(time[(event == 0) & (time < at)])
    return np.prod([1 - ((time == t) & (event == 0)).sum() / (time >= t).sum() for t in lost])


def slow_fine_gray(time, event, group, X):
    """Return coefficients and the sandwich of Fine and Gray (1999) by dense sums over everybody."""
    n, K = X.shape
    G = np.array([[left_limit(time[group == g], event[group == g], t) for t in time] for g in group])
    own = np.array([G[i, i] for i in range(n)])
    weight = np.where(time[:, None] >= time, 1.0, np.where(event[:, None] == 2, G / own[:, None], 0.0))
    causes = np.flatnonzero(event == 1)

    def parts(beta):
        risk = weight[:, causes] * np.exp(X @ beta)[:, None]
        return risk.sum(0), (X.T @ risk / risk.sum(0)).T, risk

    def score(beta):
        return (X[causes] - parts(beta)[1]).sum(0)

    beta = optimize.fsolve(score, np.zeros(K), xtol=1e-13)
    s0, mean, risk = parts(beta)
    information = np.einsum("ip,iq,ij->pq", X, X, risk / s0) - mean.T @ mean
    residual = -np.einsum("ij,ijp->ip", risk / s0, X[:, None] - mean[None])
    residual[causes] += X[causes] - mean
    for g in np.unique(group):
        inside = group == g
        for u in np.unique(time[inside & (event == 0)]):
            size = (inside & (time >= u)).sum()
            earlier, later = inside & (time < u) & (event == 2), time[causes] >= u
            moved = np.einsum(
                "ij,ijp->p", (risk / s0)[earlier][:, later], (X[:, None] - mean[None])[earlier][:, later]
            )
            lost = inside & (time == u) & (event == 0)
            residual[lost] += moved / size
            residual[inside & (time >= u)] -= moved / size * lost.sum() / size
    bread = np.linalg.inv(information)
    return beta, bread @ residual.T @ residual @ bread


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("censoring", ["pooled", "by_arm"])
def test_fine_gray_equals_the_slow_twin(ties, censoring):
    time, event, arm, x = draw(3, ties)
    fast = fine_gray_block(time, event, arm, x, censoring)
    for r in range(R):
        group = arm[r] if censoring == "by_arm" else np.zeros(N, int)
        beta, covariance = slow_fine_gray(
            time[r], event[r], group, np.column_stack([arm[r], x[r]]).astype(float)
        )
        assert fast.estimate[r] == pytest.approx(beta[0], rel=1e-8)
        assert fast.standard_error[r] == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-8)


def test_without_another_cause_it_is_cox_with_its_sandwich():
    time, event, arm, x = draw(5, True)
    alone = np.where(event == 2, 0, event)
    ours, cox = fine_gray_block(time, alone, arm, x), cox_block(time, alone, arm, x, ties="breslow")
    np.testing.assert_allclose(ours.estimate, cox.estimate, rtol=1e-7)
    np.testing.assert_allclose(ours.standard_error, cox.standard_error, rtol=1e-7)


def test_without_censoring_others_stay_at_risk_for_ever():
    time, event, arm, x = draw(6, True)
    event = np.where(event == 0, 2, event)
    for_ever = np.where(event == 2, time.max() + 1.0, time)
    ours = fine_gray_block(time, event, arm, x)
    cox = cox_block(for_ever, event == 1, arm, x, ties="breslow")
    np.testing.assert_allclose(ours.estimate, cox.estimate, rtol=1e-7)
    np.testing.assert_allclose(ours.standard_error, cox.standard_error, rtol=1e-7)


def frame_of(time, event, arm, x):
    cause = np.array(["none", "relapse", "death"])[event[0]]
    return pd.DataFrame({"t": time[0], "e": cause, "arm": np.where(arm[0], "v", "p"), "x": x[0, :, 0]})


COLUMNS = {"time": "t", "event": "e", "arm": "arm", "cause": "relapse", "censored": "none"}


def test_the_frame_says_what_the_block_says_in_any_order_and_unit():
    block = draw(7, True)
    ours, data = fine_gray_block(*block), frame_of(*block)
    fit = fine_gray(data, **COLUMNS, covariates="x")
    assert fit.estimates.estimate[0] == pytest.approx(ours.estimate[0], rel=1e-9)
    assert fit.estimates.standard_error[0] == pytest.approx(ours.standard_error[0], rel=1e-9)
    assert (
        fine_gray(data.sample(frac=1, random_state=1), **COLUMNS, covariates="x")
        .to_frame()
        .equals(fit.to_frame())
    )
    years = fine_gray(data.assign(t=data["t"] / 365.25), **COLUMNS, covariates="x")
    np.testing.assert_allclose(years.coefficients, fit.coefficients, rtol=1e-12)
    swapped = fine_gray(data, **COLUMNS, covariates="x", control="v")
    assert swapped.coefficients[0] == pytest.approx(-fit.coefficients[0], rel=1e-9)
    assert fit.events["cause"].sum() == (data["e"] == "relapse").sum()
    assert "Fine–Gray regression of cause relapse; v minus p" in str(fit)


@pytest.mark.parametrize(
    ("event", "arm", "x", "reason"),
    [
        ([2, 2, 0, 2, 0, 2], [0, 1, 0, 1, 0, 1], None, "no_events"),
        ([1, 2, 0, 2, 1, 1], [0] * 6, None, "arm_empty"),
        ([1, 2, 1, 2, 1, 2], [0, 1, 0, 1, 0, 1], None, "infinite_coefficient"),
        ([1, 1, 0, 1, 1, 2], [0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1], "collinear_covariate"),
        ([1, 1, 2, 2, 2, 2], [0, 1, 0, 1, 0, 1], [1, 1, 0, 0, 0, 0], "infinite_coefficient"),
    ],
)
def test_failures_are_named(event, arm, x, reason):
    columns = None if x is None else np.array(x, dtype=float)[None, :, None]
    found = fine_gray_block([[1, 2, 3, 4, 5, 6]], [event], [arm], columns)
    assert found.to_frame()["status"].tolist() == [reason]
    assert np.isnan([found.estimate, found.standard_error, found.p_value]).all()


def test_faults_are_refused():
    time, event, arm, x = draw(8, False)
    with pytest.raises(AnalysisError, match="censoring: must be one of pooled, by_arm"):
        fine_gray_block(time, event, arm, censoring="none")
    with pytest.raises(AnalysisError, match="event: must be one of 0 to 2"):
        fine_gray_block(time, event + 1, arm)
    data = frame_of(time, event, arm, x)
    separated = fine_gray(data[(data["e"] != "relapse") | (data["arm"] == "v")], **COLUMNS)
    assert separated.status == "infinite_coefficient"
    assert separated.decided_by == "score"
    assert separated.statistic > 2
