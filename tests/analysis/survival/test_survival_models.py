"""Cox, the adjusted log-rank, competing risks and LWYY equal slow, obvious NumPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize

from trialsim.analysis.competing_risks.gray import gray_test_block
from trialsim.analysis.competing_risks.incidence import cumulative_incidence_block
from trialsim.analysis.recurrent_events.rate_ratio import lwyy, lwyy_block
from trialsim.analysis.survival.adjusted_log_rank_test import adjusted_log_rank_block
from trialsim.analysis.survival.block import SurvivalBlock, read_block
from trialsim.analysis.survival.hazards.cox_model import REASONS, cox_block, fit_cox


def simulate(seed: int, participants: int = 70, strata: int = 2, causes: int = 1) -> SurvivalBlock:
    """Return three tied replicates with two covariates."""
    generator = np.random.default_rng(seed)
    shape = (3, participants)
    return read_block(
        np.ceil(generator.exponential(8, shape)),
        generator.integers(0, causes + 1, shape) if causes > 1 else generator.random(shape) < 0.7,
        np.tile(np.arange(participants) % 2, (3, 1)),
        generator.integers(0, strata, shape),
        generator.normal(size=(*shape, 2)),
        causes=causes,
    )


def efron_terms(
    start: np.ndarray, stop: np.ndarray, event: np.ndarray, stratum: np.ndarray, efron: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for each death in turn, who dies (each 1/d) and who is at risk by how much."""
    terms = []
    for s in np.unique(stratum):
        for t in np.unique(stop[(event == 1) & (stratum == s)]):
            dies = (stop == t) & (event == 1) & (stratum == s)
            at_risk = (start < t) & (stop >= t) & (stratum == s)
            for k in range(dies.sum()):
                part = k / dies.sum() if efron else 0.0
                terms.append((dies / dies.sum(), at_risk * (1.0 - part * dies)))
    return terms


def slow_cox(
    terms: list[tuple[np.ndarray, np.ndarray]], X: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return coefficients, inverse information and score residuals by literal sums."""

    def parts(beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        w = np.exp(X @ beta)
        score, information, residual = np.zeros(len(beta)), np.zeros((len(beta),) * 2), np.zeros(X.shape)
        for dies, risk in terms:
            share = w * risk / (w * risk).sum()
            mean = share @ X
            score += dies @ (X - mean)
            information += (X - mean).T @ (share[:, None] * (X - mean))
            residual += (dies - share)[:, None] * (X - mean)
        return score, information, residual

    beta = optimize.root(lambda b: parts(b)[0], np.zeros(X.shape[1]), tol=1e-13).x
    _, information, residual = parts(beta)
    return beta, np.linalg.inv(information), residual


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_equals_the_slow_twin(ties: str) -> None:
    block = simulate(1)
    robust, model = fit_cox(block, ties, "robust"), fit_cox(block, ties, "model")
    for r in range(3):
        terms = efron_terms(
            np.full(70, -1.0), block.time[r], block.event[r], block.stratum[r], ties == "efron"
        )
        X = np.column_stack([block.arm[r], block.covariates[r]]).astype(float)
        beta, inverse, residual = slow_cox(terms, X)
        assert_allclose(robust.coefficients[r], beta, rtol=1e-6)
        assert_allclose(model.covariance[r], inverse, rtol=1e-6, atol=1e-9)
        assert_allclose(robust.covariance[r], inverse @ residual.T @ residual @ inverse, rtol=1e-6, atol=1e-9)


def test_cox_names_a_coefficient_without_end_and_a_collinear_covariate() -> None:
    time = np.array([[1.0, 2, 3, 4, 5, 6, 7, 8]])
    arm = np.array([[0, 0, 0, 0, 1, 1, 1, 1]])
    event = 1 - arm
    separated = cox_block(time, event, arm)
    assert REASONS[separated.status[0]] == "infinite_coefficient"
    assert np.isnan(separated.estimate[0])
    twice = np.stack([arm, 3.0 * arm], axis=2)[:, :, 1:]
    assert REASONS[cox_block(time, np.ones_like(arm), arm, twice).status[0]] == "collinear_covariate"


def slow_outcomes(block: SurvivalBlock, r: int, theta: float) -> np.ndarray:
    """Return the derived outcomes of Ye, Shao and Yi by their definition."""
    time, event, arm, stratum = block.time[r], block.event[r], block.arm[r], block.stratum[r]
    outcome, h = np.zeros(len(time)), np.exp(theta)
    for i in range(len(time)):
        same = stratum == stratum[i]
        for t in np.unique(time[(event == 1) & same]):
            y1, y0 = h * ((time >= t) & (arm == 1) & same).sum(), ((time >= t) & (arm == 0) & same).sum()
            d = ((time == t) & (event == 1) & same).sum()
            w = (y0 if arm[i] else y1) / (y1 + y0)
            own = (time[i] == t) * event[i] - (time[i] >= t) * (h if arm[i] else 1.0) * d / (y1 + y0)
            outcome[i] += w * own
    return outcome


def slow_adjustment(block: SurvivalBlock, r: int, theta: float) -> tuple[float, float, float]:
    """Return the sum of signed outcomes, what covariates take from it, and from n σ²."""
    arm, X, stratum = block.arm[r], block.covariates[r], block.stratum[r]
    outcome = slow_outcomes(block, r, theta)
    within, overall = X.copy(), X.copy()
    moment = np.zeros((2, 2))
    for s in np.unique(stratum):
        here = stratum == s
        overall[here] -= X[here].mean(axis=0)
        moment += here.sum() * np.cov(X[here].T)
        for a in (0, 1):
            cell = here & (arm == a)
            within[cell] -= X[cell].mean(axis=0)
    slopes = [np.linalg.lstsq(within[arm == a], outcome[arm == a], rcond=None)[0] for a in (0, 1)]
    sign = np.where(arm == 1, 1.0, -1.0)
    taken = overall[arm == 1].sum(axis=0) @ slopes[1] - overall[arm == 0].sum(axis=0) @ slopes[0]
    total = slopes[0] + slopes[1]
    return sign @ outcome, taken, arm.mean() * (1 - arm.mean()) * (total @ moment @ total)


def slow_score(block: SurvivalBlock, r: int, theta: float, tie_factor: bool) -> tuple[float, float]:
    score, variance, h = 0.0, 0.0, np.exp(theta)
    for s in np.unique(block.stratum[r]):
        here = block.stratum[r] == s
        time, event, arm = block.time[r][here], block.event[r][here], block.arm[r][here]
        for t in np.unique(time[event == 1]):
            y1, y0 = h * ((time >= t) & (arm == 1)).sum(), ((time >= t) & (arm == 0)).sum()
            d, d1 = ((time == t) & (event == 1)).sum(), ((time == t) & (event == 1) & (arm == 1)).sum()
            p = y1 / (y1 + y0)
            factor = (y1 + y0 - d) / (y1 + y0 - 1) if tie_factor and d > 1 else 1.0
            score, variance = score + d1 - d * p, variance + d * p * (1 - p) * factor
    return score, variance


def test_adjusted_log_rank_equals_the_slow_twin() -> None:
    block = simulate(2)
    estimates = adjusted_log_rank_block(block.time, block.event, block.arm, block.covariates, block.stratum)
    for r in range(3):
        signed, taken, saved = slow_adjustment(block, r, 0.0)
        score, variance = slow_score(block, r, 0.0, tie_factor=True)
        assert_allclose(signed, score, rtol=1e-10)
        assert_allclose(estimates.statistic[r], (score - taken) / np.sqrt(variance - saved), rtol=1e-10)

        unadjusted = optimize.brentq(lambda x, r=r: slow_score(block, r, x, False)[0], -5, 5, xtol=1e-14)
        _, taken, saved = slow_adjustment(block, r, unadjusted)
        root = optimize.brentq(
            lambda x, r=r, c=taken: slow_score(block, r, x, False)[0] - c, -5, 5, xtol=1e-14
        )
        slope = slow_score(block, r, root, tie_factor=False)[1]
        assert_allclose(estimates.estimate[r], root, rtol=1e-8)
        assert_allclose(estimates.standard_error[r], np.sqrt(slope - saved) / slope, rtol=1e-8)


def risks(block: SurvivalBlock, r: int) -> pd.DataFrame:
    """Return for each time of any event and arm: Y, d₁, d₂, and S, F₁ just before."""
    rows = []
    for a in (0, 1):
        of_arm = block.arm[r] == a
        time, event = block.time[r][of_arm], block.event[r][of_arm]
        survival, incidence = 1.0, 0.0
        for t in np.unique(block.time[r][block.event[r] > 0]):
            n, d1, d2 = (
                (time >= t).sum(),
                ((time == t) & (event == 1)).sum(),
                ((time == t) & (event == 2)).sum(),
            )
            rows.append((t, a, n, d1, d2, survival, incidence))
            if n:
                incidence += survival * d1 / n
                survival *= 1 - (d1 + d2) / n
    return pd.DataFrame(rows, columns=["t", "arm", "n", "d1", "d2", "s", "f"])


def slow_gray(block: SurvivalBlock, r: int) -> tuple[float, float]:
    table = risks(block, r)
    wide = {
        name: table.pivot_table(index="t", columns="arm", values=name).to_numpy()
        for name in ["n", "d1", "d2", "s", "f"]
    }
    h = np.where(wide["n"] > 0, wide["n"] / np.where(wide["n"] > 0, wide["s"], 1.0), 0.0)
    actual = h * (1 - wide["f"])
    d1 = wide["d1"].sum(axis=1)
    score = sum(
        wide["d1"][k, 1] - d1[k] * actual[k, 1] / actual[k].sum()
        for k in range(len(d1))
        if actual[k].sum() > 0
    )
    jump = d1 / h.sum(axis=1)
    g = np.concatenate([[1.0], 1 - np.cumsum(jump)])
    pull = h[:, 0] * h[:, 1] / h.sum(axis=1)
    sign = (-1.0, 1.0)
    variance = 0.0
    for k in range(len(d1)):
        # What an event at k does to all later times: they are scaled by its arm's own curve.
        ahead = sum(pull[m] * jump[m] / g[m] for m in range(k + 1, len(d1)))
        for a in (0, 1):
            n, before = wide["n"][k, a], wide["s"][k, a]
            if n == 0:
                continue
            after = before * (1 - (wide["d1"][k, a] + wide["d2"][k, a]) / n)
            left = g[k + 1] / after if after > 0 else 0.0
            other = pull[k] if a == 1 else -pull[k]
            own = other + (1 - left) * sign[a] * ahead
            if d1[k] > 0:
                size = h[k].sum() * before
                ties = 1 - (d1[k] - 1) / (size - 1) if d1[k] > 1 else 1.0
                variance += ties * before * d1[k] / (h[k].sum() * n) * own**2
            d2 = wide["d2"][k, a]
            if d2 > 0 and after > 0:
                ties = 1 - (d2 - 1) / (n - 1) if d2 > 1 else 1.0
                variance += ties * before**2 * d2 / n**2 * (left * ahead) ** 2
    return score, variance


def test_gray_equals_the_slow_twin() -> None:
    block = simulate(3, causes=2, strata=1)
    statistic = gray_test_block(block.time, block.event, block.arm).statistic
    for r in range(3):
        score, variance = slow_gray(block, r)
        assert_allclose(statistic[r], score / np.sqrt(variance), rtol=1e-10)


def slow_incidence(table: pd.DataFrame, at: float) -> tuple[float, float]:
    """Return F₁(at) and its variance from the Aalen–Johansen increments and literal double sums."""
    rows = table[(table.t <= at) & (table.n > 0)]
    final = (rows.s * rows.d1 / rows.n).sum()
    variance = 0.0
    for row in rows.itertuples():
        d, rest = row.d1 + row.d2, final - row.f - row.s * row.d1 / row.n
        variance += rest**2 * d / (row.n * (row.n - d)) if row.n > d else 0.0
        variance += row.s**2 * (row.n - row.d1) * row.d1 / row.n**3 - 2 * rest * row.s * row.d1 / row.n**2
    return final, variance


def test_cumulative_incidence_equals_the_slow_twin() -> None:
    block = simulate(4, causes=2, strata=1)
    estimates = cumulative_incidence_block(block.time, block.event, block.arm, 9.0)
    for r in range(3):
        table = risks(block, r)
        (control, v0), (active, v1) = (slow_incidence(table[table.arm == a], 9.0) for a in (0, 1))
        assert_allclose(estimates.estimate[r], active - control, rtol=1e-11)
        assert_allclose(estimates.standard_error[r], np.sqrt(v0 + v1), rtol=1e-11)


def histories(seed: int, participants: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.DataFrame]:
    """Return event times (1, N, E), follow-up, arm, and the same trial as rows."""
    generator = np.random.default_rng(seed)
    follow_up = generator.integers(5, 20, participants).astype(float)
    times = np.full((1, participants, 5), np.nan)
    rows = []
    for i in range(participants):
        count = min(generator.poisson(2.0), 5)
        seen = np.sort(generator.choice(np.arange(1, follow_up[i] + 1), size=min(count, 4), replace=False))
        times[0, i, : len(seen)] = seen
        starts, stops = [0.0, *seen], [*seen, follow_up[i]]
        rows += [
            (f"p{i}", a, b, int(k < len(seen)), i % 2)
            for k, (a, b) in enumerate(zip(starts, stops, strict=True))
            if b > a
        ]
    frame = pd.DataFrame(rows, columns=["id", "start", "stop", "event", "arm"])
    return times, follow_up[None], np.tile(np.arange(participants) % 2, (1, 1)), frame


def test_lwyy_equals_the_slow_twin_and_both_faces_agree() -> None:
    times, follow_up, arm, frame = histories(5)
    block = lwyy_block(times, follow_up, arm)
    columns = {"participant": "id", "start": "start", "stop": "stop", "event": "event", "arm": "arm"}
    both = lwyy(frame, **columns)
    assert_allclose(both.estimates.estimate, block.estimate, rtol=1e-10)
    assert_allclose(both.estimates.standard_error, block.standard_error, rtol=1e-10)
    assert_allclose(both.estimates.df, block.df, rtol=1e-10)
    single = lwyy(frame, **columns, variance="robust")

    start, stop, event = (frame[name].to_numpy(float) for name in ("start", "stop", "event"))
    terms = efron_terms(start, stop, event, np.zeros(len(frame)), True)
    beta, inverse, residual = slow_cox(terms, frame[["arm"]].to_numpy(float))
    by_person = pd.DataFrame(residual).groupby(frame.id.to_numpy()).sum().to_numpy()
    assert_allclose(single.coefficients, beta, rtol=1e-6)
    assert_allclose(single.covariance, inverse @ by_person.T @ by_person @ inverse, rtol=1e-6)


def test_a_block_gives_named_statuses_and_keeps_the_other_replicates() -> None:
    time = np.tile(np.arange(1.0, 9.0), (3, 1))
    event = np.ones((3, 8), int)
    event[1] = 0
    arm = np.tile([0, 1] * 4, (3, 1))
    arm[2] = 0
    for estimates in (
        cox_block(time, event, arm),
        adjusted_log_rank_block(time, event, arm),
        gray_test_block(time, event, arm),
        cumulative_incidence_block(time, event, arm, 5.0),
    ):
        assert_array_equal(np.asarray(estimates.reasons)[estimates.status], ["ok", "no_events", "arm_empty"])
        assert np.isfinite(estimates.p_value[0])
        assert np.isnan(estimates.p_value[1:]).all()
        assert not estimates.rejects(1.0)[1:].any()


def test_tiny_trials_either_have_finite_numbers_or_a_named_reason() -> None:
    generator = np.random.default_rng(12)
    shape = (2000, 6)
    time, arm = np.ceil(4 * generator.exponential(size=shape)), generator.integers(0, 2, shape)
    event, cause = generator.integers(0, 2, shape), generator.integers(0, 3, shape)
    times = np.where(generator.random((*shape, 2)) < 0.4, generator.random((*shape, 2)), np.nan)
    for estimates in (
        cox_block(time, event, arm, generator.normal(size=shape)),
        adjusted_log_rank_block(time, event, arm, generator.normal(size=shape)),
        gray_test_block(time, cause, arm),
        cumulative_incidence_block(time, cause, arm, 3.0),
        lwyy_block(times, np.ones(shape), arm),
    ):
        ok = estimates.status == 0
        assert 0 < ok.sum() < len(ok)
        for values in (estimates.estimate, estimates.standard_error, estimates.p_value):
            assert np.isfinite(values[ok]).all()
            assert np.isnan(values[~ok]).all()
        assert (estimates.standard_error[ok] > 1e-8).all()
