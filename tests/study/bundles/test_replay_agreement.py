"""How near two sets of rows come: bytes, then 1e-9 with the same decisions, and never decisions alone."""

from __future__ import annotations

import pandas as pd
import pytest

from trialsim.study.bundles.replay import DIFFERENT, IDENTICAL, NEAR, agreement

ROWS = pd.DataFrame(
    {"a_estimate": [0.5, 1.0], "a_p_value": [0.2, 0.01], "a_status": ["ok", "ok"], "n": [9, 8]}
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, IDENTICAL),
        ({"a_estimate": [0.5, 1.0 + 1e-15]}, NEAR),
        ({"a_p_value": [0.2, 0.01 * (1 + 1e-12)]}, NEAR),
        ({"a_p_value": [0.2, 0.0100001]}, DIFFERENT),
        ({"a_estimate": [1.0, 2.0]}, DIFFERENT),
        ({"a_p_value": [0.2, 0.06]}, DIFFERENT),
        ({"a_p_value": [0.04, 0.01]}, DIFFERENT),
        ({"a_status": ["ok", "arm_empty"]}, DIFFERENT),
        ({"n": [9, 7]}, DIFFERENT),
    ],
)
def test_rows_agree_as_far_as_their_decisions_do(change: dict, expected: str) -> None:
    assert agreement(ROWS.assign(**change), ROWS, 0.05) == expected
