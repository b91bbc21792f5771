"""Published numbers of Gray's test and of LWYY.

Gray: 177 stem-cell transplants (month, status 0 censored, 1 relapse, 2 death before relapse; ALL or AML) of
Scrucca, Santucci and Aversa (2010, Bone Marrow Transplant. 45:1388): bmtcrr of the R package casebase. The
expected numbers are cmprsk's, as printed by its users. No participant's row is part of this project: both
tests need a file that the tester brings.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from trialsim.analysis.competing_risks.gray import gray_test
from trialsim.analysis.recurrent_events.rate_ratio import lwyy


@pytest.mark.parametrize(
    ("cause", "chi_square", "p_value"), [(1, 2.8623325, 0.09067592), (2, 0.4481279, 0.50322531)]
)
def test_cmprsk_gray(shared: Callable[[str], Path], cause: int, chi_square: float, p_value: float) -> None:
    result = gray_test(
        pd.read_csv(shared("data/casebase/bmtcrr.csv")),
        time="month", event="status", arm="disease", cause=cause, control="ALL",
    )  # fmt: skip
    assert_allclose(result.chi_square, chi_square, rtol=1e-6)
    assert_allclose(result.p_value, p_value, rtol=0, atol=1e-7)


def test_camis_bladder2_lwyy(shared: Callable[[str], Path]) -> None:
    data = pd.read_csv(shared("data/bladder2/bladder2.csv"))
    result = lwyy(
        data, participant="id", start="start", stop="stop", event="event", arm="rx", control=1,
        covariates=["number", "size"], variance="robust",
    )  # fmt: skip
    printed = np.array(
        [[-0.45979, 0.19996, 0.25801], [0.17164, 0.04733, 0.06131], [-0.04256, 0.06903, 0.07555]]
    )
    assert_allclose(result.coefficients, printed[:, 0], rtol=0, atol=5e-6)
    assert_allclose(np.sqrt(np.diag(result.model_covariance)), printed[:, 1], rtol=0, atol=5e-6)
    assert_allclose(result.standard_errors, printed[:, 2], rtol=0, atol=5e-6)
