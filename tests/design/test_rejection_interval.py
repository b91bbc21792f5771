"""The interval of a rejection rate is Wilson's, worked out by hand."""

from __future__ import annotations

import math

import pytest

from trialsim.design import OperatingCharacteristics
from trialsim.design.operating_characteristics import Tally


@pytest.mark.parametrize(("rejected", "trials"), [(0, 50), (7, 200), (90, 100), (100, 100)])
def test_the_interval_of_a_rate_is_wilsons(rejected: int, trials: int) -> None:
    z, p = 1.959963984540054, rejected / trials
    centre = (p + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * math.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    one = OperatingCharacteristics("null", "ancova", 0.0, Tally(replicates=trials, rejected=rejected))
    assert one.rejection_interval == pytest.approx((centre - half, centre + half), abs=1e-12)
    assert one.rejection_rate_mcse > 0
