"""A bench value as the prior of a dial, against a table of interactions as another programmer read it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from trialsim.disease.pharmacology.bench_prior import BIAS, ERROR, bench_prior
from trialsim.errors import InputError


def test_what_a_bench_value_is_worth_in_16_drug_interactions() -> None:
    """75 % within twofold, a geometric mean fold error of 1.63; an interval of about threefold."""
    within = norm.cdf(np.log(2), BIAS, ERROR) - norm.cdf(-np.log(2), BIAS, ERROR)
    assert within == pytest.approx(0.75, abs=0.04)
    draws = np.abs(norm.rvs(BIAS, ERROR, 400_000, random_state=np.random.default_rng(1)))
    assert np.exp(draws.mean()) == pytest.approx(1.63, abs=0.07)
    low, high = bench_prior(1.0).interval()
    assert (1 / low, high) == pytest.approx((3.0, 3.3), abs=0.15)


def test_an_update_against_the_joint_normal_distribution() -> None:
    """Dial, bias and clinical estimate as one normal vector, conditioned by its covariance matrix."""
    prior, estimate, error = bench_prior(0.5, bias=0.1, error=0.6, drugs=9), np.log(0.9), 0.2
    of_bias = 0.36 / 9
    covariance = np.array([
        [0.36 + of_bias, of_bias, 0.36 + of_bias], [of_bias, of_bias, of_bias],
        [0.36 + of_bias, of_bias, 0.36 + of_bias + error**2],
    ])  # fmt: skip
    mean = np.array([np.log(0.5) + 0.1, 0.1, np.log(0.5) + 0.1])
    gain = covariance[:2, 2] / covariance[2, 2]
    after = mean[:2] + gain * (estimate - mean[2])
    left = covariance[:2, :2] - np.outer(gain, covariance[2, :2])
    found = prior.updated(estimate, error)
    assert (found.mean, found.bias) == pytest.approx(tuple(after))
    assert (found.sd, found.bias_sd) == pytest.approx(tuple(np.sqrt(np.diag(left))))


def test_much_clinical_data_leave_nothing_of_the_bench() -> None:
    found = bench_prior(0.5).updated(0.0, 1e-6)
    assert (found.mean, found.sd) == pytest.approx((0.0, 1e-6), abs=1e-8)
    draws = bench_prior(0.5).draw(200_000, np.random.default_rng(2))
    assert np.median(draws) == pytest.approx(0.5 * np.exp(BIAS), rel=0.01)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"predicted": 0.0}, "predicted"), ({"error": 0.0}, "error"), ({"drugs": 1.0}, "drugs")],
)
def test_impossible_numbers_are_refused(given: dict[str, float], field: str) -> None:
    with pytest.raises(InputError) as refused:
        bench_prior(**({"predicted": 1.0} | given))
    assert refused.value.field == field
    with pytest.raises(InputError, match="must lie between"):
        bench_prior(1.0).updated(0.0, -0.1)
