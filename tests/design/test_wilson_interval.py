"""The interval of a rejection rate."""

from __future__ import annotations

import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from trialsim.design.operating_characteristics import wilson_interval


@pytest.mark.parametrize("n", [20, 997, 1_000_000])
def test_wilsons_interval_is_that_of_scipy_and_statsmodels(n: int) -> None:
    for k in (0, 1, n // 40, n // 2, n - 1, n):
        assert wilson_interval(k, n) == tuple(map(float, proportion_confint(k, n, method="wilson")))
        assert wilson_interval(k, n) == pytest.approx(
            tuple(stats.binomtest(k, n).proportion_ci(method="wilson")), abs=1e-12
        )
