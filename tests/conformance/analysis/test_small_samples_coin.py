"""Permutation tests of survival times as R's coin 1.4-2 does them (R 4.2.2), on 14 made-up participants.

Without strata: coin scores the pooled trial also where it permutes within blocks, and we score each stratum.
coin draws 200,000 assignments for the largest of several statistics: its 99 % interval of p is what is held.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import log_rank, mantel_haenszel, max_combo
from trialsim.analysis.proportions import stratified_association
from trialsim.analysis.survival import k_sample_log_rank

DATA = pd.DataFrame(
    {
        "t": [3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 2, 4, 6, 8],
        "e": [1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0],
        "arm": list("ccacacaaaacccc"),
        "three": ["p"] * 5 + ["q"] * 5 + ["r"] * 4,
    }
)
NAMES = {"time": "t", "event": "e", "arm": "arm", "control": "c"}


def test_coin_1_4_logrank_test_exact() -> None:
    found = log_rank(DATA, **NAMES)
    assert found.test == "exact"
    assert found.p_value == pytest.approx(0.00333000333, abs=5e-12)


@pytest.mark.parametrize(
    ("alternative", "interval"),
    [
        ("two-sided", (0.005193884, 0.006059821)),
        ("less", (0.002959995, 0.003623879)),
        ("greater", (0.9907302, 0.9918063)),
    ],
)
def test_coin_1_4_independence_test_maximum_of_four_fleming_harrington_scores(
    alternative: str, interval: tuple[float, float]
) -> None:
    found = max_combo(DATA, **NAMES, alternative=alternative)
    assert found.test == "exact"
    assert interval[0] <= found.p_value <= interval[1]


TABLES = pd.DataFrame(
    {
        "arm": list("aaabbbaabbbab"),
        "y": [0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0],
        "level": [0, 2, 1, 0, 0, 1, 2, 2, 0, 1, 1, 0, 0],
        "site": [1] * 6 + [2] * 7,
    }
)


def test_mantelhaen_test_exact_of_r_4_2_and_coin_1_4_independence_test_exact_in_blocks() -> None:
    """``mantelhaen.test(exact=TRUE)`` and ``independence_test(~ arm | site, exact("shift"))``."""
    found = mantel_haenszel(TABLES, outcome="y", arm="arm", strata="site")
    assert found.test == "exact"
    assert found.p_value == pytest.approx(0.1142857143, abs=5e-11)
    normal = mantel_haenszel(TABLES, outcome="y", arm="arm", strata="site", test="asymptotic")
    assert normal.p_value == pytest.approx(0.06916390601, abs=5e-11)


def test_coin_1_4_scores_of_levels_in_blocks() -> None:
    found = stratified_association(TABLES, outcome="level", arm="arm", strata="site", scores="columns")
    assert found.chi_square == pytest.approx(2.4700854701, abs=5e-10)
    assert found.test == "exact"
    assert found.p_value == pytest.approx(0.1957142857, abs=5e-11)


def test_coin_1_4_logrank_test_of_three_groups() -> None:
    """Ours draws 9,999 assignments of 252,252."""
    found = k_sample_log_rank(DATA, time="t", event="e", arm="three")
    assert found.test == "permutation"
    assert found.p_value == pytest.approx(0.02036, abs=4 * np.sqrt(0.02 * 0.98 / 9999))
