from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from trialsim.analysis.borrowing.commensurate_prior import (
    CommensuratePrior,
    commensurate_binomial,
    commensurate_exponential,
    commensurate_normal,
    pooled_exponential,
)
from trialsim.errors import AnalysisError

PRIOR = CommensuratePrior(0.8, 0.05)


def dense(
    log_internal: object, log_external: object, prior: CommensuratePrior, centre: float, half: float
) -> tuple[np.ndarray, np.ndarray]:
    """Marginal of α_int from a plain sum over both log-scale parameters."""
    alpha = np.linspace(centre - half, centre + half, 1201)
    kernel = (prior.rate + 0.5 * (alpha[:, None] - alpha) ** 2) ** -(prior.shape + 0.5)
    inner = kernel @ np.exp(log_external(alpha))  # type: ignore[operator]  # a function
    mass = np.exp(log_internal(alpha)) * inner  # type: ignore[operator]  # a function
    return alpha, mass / mass.sum()


def moments(x: np.ndarray, mass: np.ndarray) -> list[float]:
    mean = float(mass @ x)
    return [mean, float(np.sqrt(mass @ (x - mean) ** 2))]


def test_exponential_hazards_equal_a_dense_grid_over_both_log_hazards() -> None:
    alpha, mass = dense(
        lambda a: 8 * a - 60 * np.exp(a) + 24,
        lambda a: 30 * a - 140 * np.exp(a) + 76,
        PRIOR,
        -1.8,
        3.5,
    )
    got = commensurate_exponential((8, 60), (30, 140), (10, 100), PRIOR)
    assert [x[0] for x in got.log_control_hazard()] == pytest.approx(moments(alpha, mass), rel=1e-6)
    beta = got.log_hazard_ratio()
    assert beta[0][0] == pytest.approx(np.log(10 / 100) - 1 / 20 - 1 / 1200 - mass @ alpha, abs=2e-4)
    prior = got.control_prior()
    assert prior.mean() == pytest.approx(mass @ np.exp(alpha), rel=1e-6)


def test_normal_and_binomial_controls_equal_a_dense_grid() -> None:
    alpha, mass = dense(
        lambda a: -0.5 * ((a - 0.4) / 0.3) ** 2, lambda a: -0.5 * (a / 0.1) ** 2, PRIOR, 0.2, 3.0
    )
    got = commensurate_normal((0.4, 0.3), (0.0, 0.1), PRIOR)
    assert [got.mean(), got.sd()] == pytest.approx(moments(alpha, mass), rel=1e-6)
    alpha, mass = dense(
        lambda a: 6 * a - 20 * np.logaddexp(0, a) + 12,
        lambda a: 30 * a - 60 * np.logaddexp(0, a) + 41,
        PRIOR,
        -0.5,
        6.0,
    )
    eta, got_mass = commensurate_binomial((6, 20), (30, 60), PRIOR)
    assert moments(expit(eta), got_mass) == pytest.approx(moments(expit(alpha), mass), rel=1e-5)


def test_probabilities_and_quantiles_of_the_ratio_agree_with_draws() -> None:
    from trialsim.streams import stream

    generator = stream(5, "commensurate", 0, "analysis")
    got = commensurate_exponential((8, 60), (30, 140), (10, 100), PRIOR)
    node = generator.choice(len(got.difference), size=200_000, p=got.mass[0])
    control = generator.gamma(38, 1 / got.rate[0][node])
    ratio = generator.gamma(10, 1 / 100, 200_000) / control
    mean, sd = (float(x[0]) for x in got.hazard_ratio())
    assert ratio.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(200_000))
    assert ratio.std() == pytest.approx(sd, rel=0.02)
    below = float(got.probability_below(np.log(0.6))[0])
    assert (ratio < 0.6).mean() == pytest.approx(below, abs=4 * 0.5 / np.sqrt(200_000))
    assert got.probability_below(got.quantile(0.05))[0] == pytest.approx(0.05, abs=1e-10)


def test_borrowing_runs_from_none_to_full_as_the_prior_precision_grows() -> None:
    data = ((8, 60), (30, 140), (10, 100))
    full, none = pooled_exponential(*data), pooled_exponential(data[0], None, data[2])
    eager = commensurate_exponential(*data, CommensuratePrior(50, 1e-6))
    timid = commensurate_exponential(*data, CommensuratePrior(0.001, 1e4))
    assert eager.log_hazard_ratio()[1] == pytest.approx(full.log_hazard_ratio()[1], rel=1e-3)
    assert timid.log_hazard_ratio()[1] == pytest.approx(none.log_hazard_ratio()[1], rel=1e-3)
    with pytest.raises(AnalysisError, match="external"):
        none.log_external_hazard()


def test_a_block_equals_its_trials_one_by_one() -> None:
    d, t = np.array([8.0, 12.0]), np.array([60.0, 90.0])
    block = commensurate_exponential((d, t), (30, 140), (10, 100), PRIOR)
    for k in range(2):
        alone = commensurate_exponential((d[k], t[k]), (30, 140), (10, 100), PRIOR)
        assert block.log_hazard_ratio()[0][k] == pytest.approx(alone.log_hazard_ratio()[0][0], rel=1e-6)
    assert len(block.to_frame()) == 2
