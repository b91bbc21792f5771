"""The batched kernel against a slow twin that builds every design matrix and follows the formulas."""

import itertools

import numpy as np
import pytest
from scipy import stats

from trialsim.analysis.linear.block import fit_linear
from trialsim.analysis.linear.kernel import REASONS
from trialsim.errors import AnalysisError

VARIANCES = ("hc0", "hc1", "hc2", "hc3", "hc4", "model")


def slow_fit(y, arm, x, slopes, variance, weights, strata, permuted):
    """Return estimate, variance and df of one trial by the textbook formulas."""
    keep = ~np.isnan(y)
    y, arm, x = y[keep], arm[keep], x[keep]
    w = np.ones(len(y)) if weights is None else weights[keep]
    z = np.zeros(len(y), int) if strata is None else strata[keep]
    centred = x - x.mean(0)
    dummies = np.column_stack([np.ones(len(y))] + [z == level for level in np.unique(z)[1:]])
    D = np.column_stack(
        [arm, dummies, centred] + ([arm[:, None] * centred] if slopes == "interacted" else [])
    )
    bread = np.linalg.inv(D.T @ (w[:, None] * D))
    beta = bread @ D.T @ (w * y)
    r = y - D @ beta
    h = w * np.einsum("ij,jk,ik->i", D, bread, D)
    n, p = D.shape
    if variance == "model":
        return beta[0], (bread * (w * r**2).sum() / (n - p))[0, 0], n - p
    factor = {"hc0": 1, "hc1": n / (n - p), "hc2": 1 / (1 - h), "hc3": 1 / (1 - h) ** 2}
    factor["hc4"] = (1 - h) ** -np.minimum(4, n * h / p)
    v = (bread @ (D.T @ ((w**2 * r**2 * factor[variance])[:, None] * D)) @ bread)[0, 0]
    if slopes == "interacted":
        delta = beta[-x.shape[1] :]
        v += delta @ np.atleast_2d(np.cov(x.T)) @ delta / n
    if permuted:
        pi = arm.mean()
        for level in np.unique(z):
            inside = z == level
            residual = {a: r[inside & (arm == a)] for a in (0, 1)}
            means = [residual[a].mean() if len(residual[a]) else 0.0 for a in (0, 1)]
            v -= inside.mean() * pi * (1 - pi) * (means[1] / pi + means[0] / (1 - pi)) ** 2 / n
    return beta[0], v, n - p


@pytest.fixture(scope="module")
def block():
    rng = np.random.default_rng(20261121)
    R, N, P = 6, 60, 2
    arm = (rng.random((R, N)) < 0.6).astype(int)
    x = 40 + rng.normal(size=(R, N, P)) * [1.0, 30.0]
    strata = rng.integers(0, 4, (R, N))
    y = 0.5 * arm + x[:, :, 0] * (1 + arm) - 0.02 * x[:, :, 1] + strata + rng.normal(size=(R, N))
    y[rng.random((R, N)) < 0.15] = np.nan
    return y, arm, x, rng.uniform(0.3, 3, (R, N)), strata


@pytest.mark.parametrize(
    ("slopes", "variance", "weighted", "stratified"),
    list(itertools.product(("common", "interacted"), VARIANCES, (False, True), (False, True))),
)
def test_kernel_equals_slow_twin(block, slopes, variance, weighted, stratified):
    y, arm, x, weights, strata = block
    fast = fit_linear(
        y, arm, x, slopes=slopes, variance=variance,
        weights=weights if weighted else None, strata=strata if stratified else None,
    )  # fmt: skip
    for r in range(len(y)):
        estimate, v, df = slow_fit(
            y[r], arm[r], x[r], slopes, variance, weights[r] if weighted else None,
            strata[r] if stratified else None, False,
        )  # fmt: skip
        assert fast.estimate[r] == pytest.approx(estimate, rel=1e-10)
        assert fast.standard_error[r] == pytest.approx(np.sqrt(v), rel=1e-10)
        assert fast.df[r] == df
        assert fast.p_value[r] == pytest.approx(2 * stats.t.sf(abs(estimate / np.sqrt(v)), df), rel=1e-9)


@pytest.mark.parametrize("slopes", ["common", "interacted"])
def test_permuted_blocks_equal_slow_twin(block, slopes):
    y, arm, x, _, strata = block
    fast = fit_linear(
        y, arm, x, slopes=slopes, variance="hc0", strata=strata, randomisation="permuted_blocks"
    )
    plain = fit_linear(y, arm, x, slopes=slopes, variance="hc0", strata=strata)
    for r in range(len(y)):
        _, v, _ = slow_fit(y[r], arm[r], x[r], slopes, "hc0", None, strata[r], True)
        assert fast.standard_error[r] == pytest.approx(np.sqrt(v), rel=1e-10)
    assert (fast.standard_error < plain.standard_error).all()


def test_no_covariates_is_the_difference_in_means(block):
    y, arm = block[:2]
    fast = fit_linear(y, arm, variance="model", analysis="unadjusted")
    for r in range(len(y)):
        keep = ~np.isnan(y[r])
        t = stats.ttest_ind(y[r][keep & (arm[r] == 1)], y[r][keep & (arm[r] == 0)])
        assert (fast.statistic[r], fast.p_value[r]) == pytest.approx((t.statistic, t.pvalue), rel=1e-10)


def test_every_failure_has_its_name():
    rng = np.random.default_rng(3)
    N = 12
    y, x = rng.normal(size=(9, N)), rng.normal(size=(9, N, 1))
    arm = np.tile(np.repeat([0, 1], N // 2), (9, 1))
    y[1, arm[1] == 1] = np.nan
    y[2, 7:] = np.nan
    x[3] = 5.0
    x[4, :, 0] = arm[4]
    y[5] = 2.5
    y[6] = np.nan
    y[7] = 3.0 * x[7, :, 0] - arm[7]
    keep = np.isin(np.arange(N), [0, 1, 6, 7])
    y[8, ~keep] = np.nan
    x[8, :, 0] = np.where(np.arange(N) == 6, 1.0, 0.0)
    fit = fit_linear(y, arm, x)
    named = [REASONS[code] for code in fit.status]
    assert named == [
        "ok", "arm_empty", "too_few_participants", "collinear_covariate", "collinear_covariate",
        "constant_outcome", "arm_empty", "no_residual_variance", "full_leverage",
    ]  # fmt: skip
    assert np.isnan(fit.estimate[1:]).all()
    assert np.isnan(fit.p_value[1:]).all()
    assert fit.decision.test.tolist() == [1, 0, 0, 0, 0, 3, 0, 2, 2]
    assert fit.decision.tests == ("none", "t", "score", "no_difference")
    assert fit.rejects(1.0).tolist() == [True, False, False, False, False, True, False, True, True]


def test_no_degree_of_freedom_is_too_few():
    y = np.array([[1.0, 2.0, 4.0, 3.0]])
    x = np.arange(8.0).reshape(1, 4, 2) ** 2
    assert REASONS[fit_linear(y, [[0, 0, 1, 1]], x).status[0]] == "too_few_participants"


def test_lone_participant_of_a_stratum_changes_nothing(block):
    y, arm, x = block[0][:1].copy(), block[1][:1], block[2][:1]
    y[0, 0] = 1.0
    strata = np.zeros(y.shape, int)
    strata[0, 0] = 2
    without = y.copy()
    without[0, 0] = np.nan
    left, right = fit_linear(y, arm, x, strata=strata), fit_linear(without, arm, x)
    assert left.estimate == pytest.approx(right.estimate, rel=1e-10)
    assert left.standard_error == pytest.approx(right.standard_error, rel=1e-10)
    assert left.df == right.df


def test_a_replicate_does_not_depend_on_its_neighbours(block):
    y, arm, x, weights, strata = block
    together = fit_linear(y, arm, x, weights=weights, strata=strata)
    alone = fit_linear(y[3:4], arm[3:4], x[3:4], weights=weights[3:4], strata=strata[3:4])
    assert together.estimate[3] == alone.estimate[0]
    assert together.standard_error[3] == alone.standard_error[0]


def test_one_stratum_of_permuted_blocks_fixes_nothing(block):
    y, arm, x = block[:3]
    one = np.zeros(y.shape, int)
    plain = fit_linear(y, arm, x, strata=one)
    blocks = fit_linear(y, arm, x, strata=one, randomisation="permuted_blocks")
    np.testing.assert_allclose(plain.standard_error, blocks.standard_error, rtol=1e-10)
    np.testing.assert_array_equal(plain.estimate, fit_linear(y, arm, x).estimate)


def test_values_too_large_to_square_are_refused():
    with pytest.raises(AnalysisError, match="too large"):
        fit_linear([[1e200, -1e200, 2e200, 3e200]], [[0, 0, 1, 1]])
