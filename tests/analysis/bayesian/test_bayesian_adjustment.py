from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from scipy.special import gammaln

from trialsim.analysis.bayesian.block import bayesian_adjustment, bayesian_adjustment_block
from trialsim.analysis.bayesian.prior import (
    AdjustmentPrior,
    AdjustmentPriorPart,
    HistoryFit,
    adjustment_prior,
    fit_history,
)
from trialsim.streams import stream

PRIOR = adjustment_prior(HistoryFit(150, 0.1, 0.9, 0.8, 40.0), vague_scale=5.0)


def block(replicates: int = 4, participants: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = stream(3, "adjustment", 0, "outcome")
    score = generator.normal(0.3, 0.6, (replicates, participants))
    arm = generator.permuted(np.tile(np.arange(participants) % 3 > 0, (replicates, 1)), axis=1).astype(
        np.int8
    )
    return 0.4 * arm + score + generator.normal(0, 0.9, score.shape), arm, score


def plain_part(
    y: np.ndarray, arm: np.ndarray, score: np.ndarray, part: AdjustmentPriorPart
) -> tuple[float, float, float]:
    """Textbook conjugate update with dense matrices: the marginal of y is a multivariate t."""
    V = np.column_stack([np.ones_like(y), arm, score - score.mean()])
    K, b, n = np.diag(part.scale), np.array(part.location), len(y)
    marginal = stats.multivariate_t(V @ b, part.variance * (np.eye(n) + V @ K @ V.T), df=part.df)
    r = y - score.mean() - V @ b
    P = np.linalg.inv(np.linalg.inv(K) + V.T @ V)
    q = r @ np.linalg.solve(np.eye(n) + V @ K @ V.T, r)
    scale2 = (part.df * part.variance + q) / (n + part.df) * P[1, 1]
    return (b + P @ V.T @ r)[1], np.sqrt(scale2), marginal.logpdf(y - score.mean())


def test_the_kernel_equals_the_dense_textbook_update_of_each_replicate() -> None:
    y, arm, score = block()
    y[1, 5] = y[1, 6] = np.nan
    got = bayesian_adjustment_block(y, arm, score, PRIOR)
    for r in range(len(y)):
        seen = ~np.isnan(y[r])
        for k, part in enumerate((PRIOR.informative, PRIOR.vague)):
            location, scale, log_m = plain_part(y[r, seen], arm[r, seen], score[r, seen], part)
            assert got.location[r, k] == pytest.approx(location, rel=1e-11)
            assert got.scale[r, k] == pytest.approx(scale, rel=1e-11)
            assert got.log_marginal[r, k] == pytest.approx(log_m, rel=1e-11)
        odds = np.exp(got.log_marginal[r, 0] - got.log_marginal[r, 1])
        assert got.weight[r] == pytest.approx(odds / (1 + odds), rel=1e-12)


def test_the_posterior_equals_numerical_integration_over_the_residual_variance() -> None:
    y, arm, score = block(1, 12)
    got = bayesian_adjustment_block(y, arm, score, PRIOR)
    V = np.column_stack([np.ones(12), arm[0], score[0] - score[0].mean()])
    centred = y[0] - score[0].mean()
    evidence, above = [], []
    for part in (PRIOR.informative, PRIOR.vague):
        K, b, nu, s2 = np.diag(part.scale), np.array(part.location), part.df, part.variance
        P = np.linalg.inv(np.linalg.inv(K) + V.T @ V)
        mean = (b + P @ V.T @ (centred - V @ b))[1]
        cov = np.eye(12) + V @ K @ V.T
        quadratic = (centred - V @ b) @ np.linalg.solve(cov, centred - V @ b)
        log_det = np.linalg.slogdet(cov)[1]

        def joint(
            u: float, nu: float = nu, s2: float = s2, q: float = quadratic, d: float = log_det
        ) -> float:
            v = np.exp(u)
            log_prior = (
                0.5 * nu * np.log(0.5 * nu * s2) - gammaln(0.5 * nu) - 0.5 * nu * u - 0.5 * nu * s2 / v
            )
            return float(np.exp(log_prior - 6 * (np.log(2 * np.pi) + u) - 0.5 * d - 0.5 * q / v))

        def tail(u: float, mean: float = mean, p: float = P[1, 1]) -> float:
            return float(stats.norm.cdf(mean / np.sqrt(np.exp(u) * p)))

        evidence.append(integrate.quad(joint, -8, 12, epsabs=0, epsrel=1e-12, limit=400)[0])
        above.append(
            integrate.quad(lambda u, f=joint, g=tail: f(u) * g(u), -8, 12, epsabs=0, epsrel=1e-12, limit=400)[
                0
            ]
        )
    assert np.exp(got.log_marginal[0]) == pytest.approx(np.array(evidence), rel=1e-10)
    assert got.probability_above(0.0)[0] == pytest.approx(sum(above) / sum(evidence), rel=1e-10)


def test_the_interval_holds_its_level_and_estimates_read_the_same_posterior() -> None:
    got = bayesian_adjustment_block(*block(), PRIOR)
    lower, upper = got.interval(0.9)
    assert got.probability_below(upper) - got.probability_below(lower) == pytest.approx(0.9, abs=1e-12)
    estimates = got.estimates()
    above = got.probability_above(0.0)
    assert estimates.p_value == pytest.approx(2 * np.minimum(above, 1 - above), rel=1e-9)
    assert 2 * stats.norm.sf(np.abs(estimates.statistic)) == pytest.approx(estimates.p_value, rel=1e-9)
    assert (np.sign(estimates.statistic) == np.sign(above - 0.5)).all()


def test_mean_and_sd_are_those_of_draws_from_the_mixture() -> None:
    y, arm, score = block(1, 12)
    prior = AdjustmentPrior(
        PRIOR.informative, AdjustmentPriorPart((0.0, 2.0, 0.0), (1.0, 0.1, 1.0), 3.0, 1.0)
    )
    got = bayesian_adjustment_block(y, arm, score, prior)
    generator = stream(9, "draws", 0, "analysis")
    part = (generator.random(400_000) > got.weight[0]).astype(int)
    draws = got.location[0][part] + got.scale[0][part] * generator.standard_t(got.df[0][part])
    mean, sd = got.mean()[0], got.sd()[0]
    assert 0.05 < got.weight[0] < 0.95
    assert draws.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(400_000))
    square = (draws - mean) ** 2
    assert square.mean() == pytest.approx(sd**2, abs=4 * square.std() / np.sqrt(400_000))


def test_a_replicate_that_cannot_be_read_comes_back_with_its_reason() -> None:
    y, arm, score = block(3)
    y[0, arm[0] == 0] = np.nan
    y[1, 2] = np.inf
    estimates = bayesian_adjustment_block(y, arm, score, PRIOR).estimates()
    assert estimates.to_frame()["status"].tolist() == [
        "arm_empty",
        "not_finite",
        "ok",
    ]
    assert np.isnan(estimates.p_value[:2]).all()
    assert not estimates.rejects(0.9999)[:2].any()


def test_the_data_frame_face_equals_the_block_face() -> None:
    y, arm, score = block(1)
    data = pd.DataFrame({"y": y[0], "arm": np.where(arm[0], "active", "placebo"), "m": score[0]})
    got = bayesian_adjustment(data, outcome="y", arm="arm", score="m", prior=PRIOR, control="placebo")
    assert got.to_frame()["mean"][0] == bayesian_adjustment_block(y, arm, score, PRIOR).mean()[0]
    assert "active minus placebo" in str(got)
    swapped = bayesian_adjustment(data, outcome="y", arm="arm", score="m", prior=PRIOR)
    assert swapped.active == "placebo"


def test_the_drawn_density_integrates_to_one() -> None:
    y, arm, score = block(1)
    data = pd.DataFrame({"y": y[0], "arm": arm[0], "m": score[0]})
    figure = bayesian_adjustment(data, outcome="y", arm="arm", score="m", prior=PRIOR).plot()
    for curve in figure.data:
        assert np.trapezoid(curve.y, curve.x) == pytest.approx(1, abs=0.01)


def test_history_is_summarised_by_least_squares() -> None:
    generator = stream(3, "adjustment", 0, "history")
    score = generator.normal(0.0, 1.0, 60)
    outcome = 0.3 + 1.2 * score + generator.normal(0, 0.5, 60)
    fit = fit_history(outcome, score)
    X = np.column_stack([np.ones(60), score - score.mean()])
    beta, rss = np.linalg.lstsq(X, outcome - score.mean(), rcond=None)[:2]
    assert [fit.bias, fit.slope] == pytest.approx(beta, rel=1e-10)
    assert fit.residual_variance == pytest.approx(rss[0] / 58, rel=1e-10)


def test_all_weight_on_one_part_is_that_part_alone() -> None:
    y, arm, score = block(2)
    for weight, part in ((0.0, 1), (1.0, 0)):
        prior = AdjustmentPrior(PRIOR.informative, PRIOR.vague, weight)
        got = bayesian_adjustment_block(y, arm, score, prior)
        assert got.mean() == pytest.approx(got.location[:, part], rel=1e-14)
