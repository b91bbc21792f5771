"""The batched g-computation against a slow twin in NumPy, and every status by its name."""

import numpy as np
import pytest
from scipy import optimize, special

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.marginal import fit_marginal
from trialsim.analysis.marginal.block import contrast_of, standardise
from trialsim.analysis.marginal.kernel import REASONS
from trialsim.analysis.marginal.working_model import digamma, trigamma

FAMILIES = ("gaussian", "binomial", "poisson", "negative_binomial")
MEAN = {"gaussian": lambda e: e, "binomial": special.expit, "poisson": np.exp, "negative_binomial": np.exp}


def negative_log_likelihood(beta, D, y, family, theta):
    eta = D @ beta
    mu = MEAN[family](eta)
    if family == "gaussian":
        return ((y - mu) ** 2).sum(), -2 * D.T @ (y - mu)
    if family == "binomial":
        return -(y * eta - np.logaddexp(0, eta)).sum(), -D.T @ (y - mu)
    if family == "poisson":
        return -(y * eta - mu).sum(), -D.T @ (y - mu)
    value = -(y * eta - (y + theta) * np.log(mu + theta)).sum()
    return value, -D.T @ ((y - mu) / (1 + mu / theta))


def slow_working_model(D, y, family, theta):
    fit = optimize.minimize(
        negative_log_likelihood, np.zeros(D.shape[1]), args=(D, y, family, theta), jac=True, method="BFGS",
        options={"gtol": 1e-9},
    )  # fmt: skip
    return optimize.root(lambda b: negative_log_likelihood(b, D, y, family, theta)[1], fit.x, tol=1e-13).x


def slow_standardise(y, arm, x, family, slopes, scheme, z, theta):
    """Return the means of both arms and their covariance by the formulas of the docstring."""
    keep = ~np.isnan(y)
    y, arm, x, z = y[keep], arm[keep], x[keep], z[keep]
    n = len(y)

    def design(a):
        crossed = [a[:, None] * x] if slopes == "interacted" else []
        return np.column_stack([np.ones(n), a, x, *crossed])

    beta = slow_working_model(design(arm), y, family, theta)
    m = np.column_stack([MEAN[family](design(np.full(n, a)) @ beta) for a in (0, 1)])
    groups = z if scheme == "pocock_simon" else np.zeros(n, int)
    for a in (0, 1):
        for g in np.unique(groups):
            inside = (groups == g) & (arm == a)
            m[groups == g, a] += (y[inside] - m[inside, a]).mean()
    pi = np.array([(arm == a).mean() for a in (0, 1)])
    V = np.empty((2, 2))
    C = np.cov(m.T)
    inside = [np.cov(np.column_stack([y, m])[arm == a].T) for a in (0, 1)]
    for a in (0, 1):
        V[a, a] = (
            (inside[a][0, 0] + C[a, a] - 2 * inside[a][0, 1 + a]) / pi[a] + 2 * inside[a][0, 1 + a] - C[a, a]
        )
    V[0, 1] = V[1, 0] = inside[0][0, 2] + inside[1][0, 1] - C[0, 1]
    if scheme == "permuted_blocks":
        for g in np.unique(z):
            R = np.array([(y - m[:, a])[(z == g) & (arm == a)].mean() / pi[a] for a in (0, 1)])
            V -= (z == g).mean() * np.outer(R, R) * (np.diag(pi) - np.outer(pi, pi))
    return m.mean(0), V / n


@pytest.fixture(scope="module")
def block():
    rng = np.random.default_rng(71)
    R, N = 3, 120
    arm = (rng.random((R, N)) < 0.6).astype(int)
    x = rng.normal(size=(R, N, 2))
    z = rng.integers(0, 3, (R, N))
    eta = 0.3 * arm + 0.5 * x[:, :, 0] - 0.2 * x[:, :, 1] * arm + 0.2 * z - 0.3
    outcome = {
        "gaussian": eta + rng.normal(size=(R, N)),
        "binomial": (rng.random((R, N)) < special.expit(eta)).astype(float),
        "poisson": rng.poisson(np.exp(eta)).astype(float),
        "negative_binomial": rng.poisson(np.exp(eta) * rng.gamma(2, 0.5, (R, N))).astype(float),
    }
    gone = rng.random((R, N)) < 0.1
    return {family: np.where(gone, np.nan, y) for family, y in outcome.items()}, arm, x, z


@pytest.mark.parametrize("scheme", ["simple", "permuted_blocks", "pocock_simon"])
@pytest.mark.parametrize("slopes", ["common", "interacted"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kernel_equals_slow_twin(block, family, slopes, scheme):
    outcomes, arm, x, z = block
    theta = 2.0 if family == "negative_binomial" else None
    fast = standardise(
        outcomes[family], arm, 2, x, family=family, slopes=slopes, strata=z, randomisation=scheme, theta=theta
    )
    for r in range(len(arm)):
        means, V = slow_standardise(outcomes[family][r], arm[r], x[r], family, slopes, scheme, z[r], theta)
        np.testing.assert_allclose(fast.means[r], means, rtol=1e-9)
        np.testing.assert_allclose(fast.covariance[r], V, rtol=1e-7)


def test_estimated_theta_maximises_the_likelihood(block):
    outcomes, arm, x, _ = block
    y = outcomes["negative_binomial"]
    fitted = standardise(y, arm, 2, x, family="negative_binomial")
    for r in range(len(arm)):
        keep = ~np.isnan(y[r])
        D, out = np.column_stack([np.ones(keep.sum()), arm[r][keep], x[r][keep]]), y[r][keep]

        def profile(log_theta, D=D, out=out):
            theta = np.exp(log_theta)
            mu = np.exp(D @ slow_working_model(D, out, "negative_binomial", theta))
            terms = (
                special.gammaln(out + theta) - special.gammaln(theta) + theta * np.log(theta / (mu + theta))
            )
            return -(terms + out * np.log(mu / (mu + theta))).sum()

        best = optimize.minimize_scalar(profile, bounds=(-2, 4), method="bounded", options={"xatol": 1e-9})
        assert fitted.theta[r] == pytest.approx(np.exp(best.x), rel=1e-5)


def test_polygammas():
    for x in (1e-3, 0.4, 1.0, 3.7, 11.9, 60.0, 1e6):
        assert digamma(x) == pytest.approx(special.digamma(x), rel=1e-13)
        assert trigamma(x) == pytest.approx(special.polygamma(1, x), rel=1e-12)


def test_unadjusted_difference_is_the_difference_in_means(block):
    outcomes, arm, _, _ = block
    y = outcomes["poisson"]
    effect = fit_marginal(y, arm, family="poisson")
    for r in range(len(arm)):
        one, zero = (y[r][(arm[r] == a) & ~np.isnan(y[r])] for a in (1, 0))
        assert effect.estimate[r] == pytest.approx(one.mean() - zero.mean(), rel=1e-12)
        variance = one.var(ddof=1) / len(one) + zero.var(ddof=1) / len(zero)
        assert effect.standard_error[r] == pytest.approx(np.sqrt(variance), rel=1e-12)


def test_gaussian_is_ancova(block):
    outcomes, arm, x, _ = block
    effect = fit_marginal(outcomes["gaussian"], arm, x, family="gaussian")
    ancova = fit_linear(outcomes["gaussian"], arm, x, variance="hc0")
    np.testing.assert_allclose(effect.estimate, ancova.estimate, rtol=1e-11)
    np.testing.assert_allclose(effect.standard_error, ancova.standard_error, rtol=0.05)


@pytest.mark.parametrize("contrast", ["difference", "ratio", "log_ratio", "odds_ratio", "log_odds_ratio"])
def test_gradients_are_derivatives(contrast):
    at, step = np.array([0.3, 0.6]), 1e-6
    _, gradient, possible = contrast_of(contrast, at[:1], at[1:])
    assert possible.all()
    for k in (0, 1):
        shift = step * np.eye(2)[k]
        up, down = (contrast_of(contrast, moved[:1], moved[1:])[0] for moved in (at + shift, at - shift))
        assert gradient[0, k] == pytest.approx((up - down)[0] / (2 * step), rel=1e-7)


def firth_by_brute_force(D, y):
    def penalised(beta):
        eta = D @ beta
        information = (D * (special.expit(eta) * special.expit(-eta))[:, None]).T @ D
        return -(y * eta - np.logaddexp(0, eta)).sum() - 0.5 * np.linalg.slogdet(information)[1]

    best = np.zeros(D.shape[1])
    for _ in range(8):
        options = {"xatol": 1e-11, "fatol": 1e-14, "maxiter": 10_000}
        best = optimize.minimize(penalised, best, method="Nelder-Mead", options=options).x
    return best


def test_separation_is_penalised_and_said():
    rng = np.random.default_rng(1)
    N = 60
    arm = np.resize([0, 1], N)
    x = rng.normal(size=N)
    y = (x > 0.1).astype(float)
    effect = fit_marginal([y], [arm], x[None, :, None], family="binomial")
    assert REASONS[effect.status[0]] == "penalised_for_separation"
    assert effect.separated[0]
    D = np.column_stack([np.ones(N), arm, x])
    beta = firth_by_brute_force(D, y)
    m = np.column_stack(
        [special.expit(np.column_stack([np.ones(N), np.full(N, a), x]) @ beta) for a in (0, 1)]
    )
    means = [m[:, a].mean() + (y - m[:, a])[arm == a].mean() for a in (0, 1)]
    assert effect.estimate[0] == pytest.approx(means[1] - means[0], abs=1e-6)
    assert np.isfinite(effect.standard_error[0])


def test_penalised_fits_may_reject():
    arm = np.resize([0, 1], 80)
    y = np.where(arm == 1, np.arange(80) % 3 == 1, False).astype(float)
    effect = fit_marginal([y], [arm], family="binomial")
    assert REASONS[effect.status[0]] == "penalised_for_separation"
    assert effect.rejects(0.05)[0]


def test_limit_of_separation_keeps_the_settled_means():
    rng = np.random.default_rng(3)
    N = 200
    arm, site = np.resize([0, 1], N), np.arange(N) % 5 == 0
    y = np.where(site, 0.0, rng.random(N) < 0.4)
    x = site[None, :, None].astype(float)
    effect = fit_marginal([y], [arm], x, family="binomial", separation="limit")
    assert REASONS[effect.status[0]] == "limit_of_separation"
    rest = ~site
    inside = fit_marginal([y[rest]], [arm[rest]], family="binomial")
    assert effect.estimate[0] == pytest.approx(inside.estimate[0] * rest.mean(), abs=2e-3)


def test_every_failure_has_its_name():
    rng = np.random.default_rng(9)
    N = 20
    y = (rng.random((7, N)) < 0.5).astype(float)
    x = rng.normal(size=(7, N, 1))
    arm = np.tile(np.resize([0, 1], N), (7, 1))
    y[1, arm[1] == 1] = np.nan
    y[2, 3:] = np.nan
    x[3, :, 0] = arm[3]
    y[4] = 1.0
    y[5] = np.where(arm[5] == 1, y[5], 0.0)
    y[6] = arm[6]
    x[5:] = rng.normal(size=(2, N, 1))
    status = fit_marginal(y, arm, x, family="binomial", contrast="log_ratio").status
    assert [REASONS[code] for code in status] == [
        "ok", "arm_empty", "too_few_participants", "collinear_covariate", "constant_outcome",
        "mean_out_of_range", "mean_out_of_range",
    ]  # fmt: skip
    alone = fit_marginal(y[6:], arm[6:], family="binomial")
    assert REASONS[alone.status[0]] == "no_residual_variance"
    assert np.isnan(alone.standard_error[0])
    assert alone.decision.z[0] == pytest.approx(np.sqrt(20.0))  # Pearson's chi-square is n
