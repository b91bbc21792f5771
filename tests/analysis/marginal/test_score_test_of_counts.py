"""The robust score test of overdispersed counts keeps a level that Wald's test of the rate ratio does not."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from trialsim.analysis.marginal import fit_marginal

R, N = 8_000, 120
CRITICAL = norm.ppf(0.95)


def counts(ratio: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return counts (R, N) of two arms with a score that tells of them."""
    rng = np.random.default_rng(11)
    score, arm = rng.standard_normal((R, N)), np.zeros((R, N), np.int8)
    arm[:, N // 2 :] = 1
    mean = 1.2 * np.exp(0.6 * score - 0.18) * rng.gamma(2.0, 0.5, (R, N)) * np.where(arm == 1, ratio, 1.0)
    return rng.poisson(mean).astype(float), arm, score[..., None]


def decided(test: str, ratio: float = 1.0) -> np.ndarray:
    found = fit_marginal(*counts(ratio), family="negative_binomial", contrast="log_ratio", test=test)
    assert found.decision is not None
    assert found.decision.counts()[test] >= 0.999 * R
    return found.decision.z


def test_both_sides_keep_the_level() -> None:
    wald, score = decided("wald"), decided("score")
    error = np.sqrt(0.1 * 0.9 / R)
    assert (np.abs(wald) > CRITICAL).mean() > 0.1 + 4 * error, "else Wald's test would do"
    assert (np.abs(score) > CRITICAL).mean() < 0.1 + 4 * error
    # The same question, weighted by the model instead of by the marginal means.
    assert np.corrcoef(wald, score)[0, 1] > 0.95


def test_estimates_are_the_same_and_power_hardly_less() -> None:
    made = counts(0.6)
    one, two = (
        fit_marginal(*made, family="negative_binomial", contrast="log_ratio", test=test)
        for test in ("wald", "score")
    )
    np.testing.assert_array_equal(one.estimate, two.estimate)
    np.testing.assert_array_equal(one.standard_error, two.standard_error)
    powers = [(-found.decision.z > CRITICAL).mean() for found in (one, two)]
    assert powers[0] - 0.03 < powers[1] <= powers[0]
