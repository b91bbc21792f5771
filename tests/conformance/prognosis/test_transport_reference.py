"""Transport weights against published and reference numbers.

- tilt_small_means, tilt_small_mean_sd: project reference, entropy tilt of twelve participants.
- roche_maic: Roche MAIC 0.3.0 vignette; zepid_rct: zEpid stored values, effective sizes of inverse odds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.data import Covariates
from trialsim.prognosis import balance_to_table, inverse_odds
from trialsim.prognosis.transport import kish

TWELVE = Covariates(
    ("x1", "x2"),
    np.array(
        [[52.8, 0], [48.1, 0], [57.8, 0], [63.8, 0], [70.2, 1], [61, 0], [55, 0], [52.9, 1], [66.7, 0],
         [74.7, 1], [62.5, 0], [48.9, 1]]
    ),
)  # fmt: skip


def test_tilt_small_means():
    found = balance_to_table(TWELVE, {"x1": 58.0, "x2": 0.5})
    expected = [
        0.0720027386487, 0.0818419586104, 0.0628306216778, 0.0533529167393, 0.0948080802213,
        0.0575834465857, 0.0678126702052, 0.151914787587, 0.0492986611483, 0.0838659092845,
        0.0552769863846, 0.169411222908,
    ]  # fmt: skip
    np.testing.assert_allclose(found.weights / 12, expected, rtol=1e-8)
    np.testing.assert_allclose(found.coefficients, [-0.0272523188227, 0.749340832466], rtol=1e-8)
    assert found.effective == pytest.approx(10.0122786548, rel=1e-8)


def test_tilt_small_mean_sd():
    found = balance_to_table(TWELVE, {"x1": 60.0, "x2": 0.45}, {"x1": 8.5})
    np.testing.assert_allclose(
        found.coefficients, [0.168114271913, -0.00137471333155, 0.602695403824], rtol=1e-6
    )
    assert found.effective == pytest.approx(11.2569340807, rel=1e-7)


def test_zepid_inverse_odds_effective_size(shared):
    frame = pd.read_csv(shared("data/zepid_rct/generalize_rct.csv"))
    columns = Covariates(("l", "w2"), np.column_stack([frame["L"], frame["W"] ** 2]).astype(float))
    studied = (frame["S"] == 1).to_numpy()
    found = inverse_odds(columns.take(studied), columns.take(~studied))
    assert studied.sum() == 486
    assert found.effective == pytest.approx(234.9, abs=0.1)


def test_roche_maic_effective_size(shared):
    frame = pd.read_csv(shared("data/maic_roche/adsl.csv"))
    target = pd.read_csv(shared("data/maic_roche/aggregate_data.csv")).iloc[0]
    lower = {name.lower(): name for name in target.index}
    columns = Covariates(
        ("age", "male", "smoke", "ecog0"),
        np.column_stack(
            [frame["AGE"], frame["SEX"] == "Male", frame["SMOKE"], frame["ECOG0"]]
        ).astype(float),
    )  # fmt: skip
    found = balance_to_table(
        columns,
        {
            "age": target[lower["age.mean"]],
            "male": target[lower["prop.male"]],
            "smoke": target[lower["prop.smoke"]],
            "ecog0": target[lower["prop.ecog0"]],
        },
        {"age": target[lower["age.sd"]]},
    )
    assert found.effective == pytest.approx(157.07119692, rel=1e-6)
    assert found.largest == pytest.approx(6.3056296509, rel=1e-5)
    assert kish(found.weights) == found.effective
