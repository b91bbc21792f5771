"""Ties: near ties as R's survival has them, and tied events in the variance of Gray's test.

The right values are those of R 4.2.2 with survival 3.5-3 and cmprsk 2.2-11, run on the same data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from trialsim.analysis import (
    adjusted_log_rank,
    cox,
    cumulative_incidence,
    fine_gray,
    gray_test,
    kaplan_meier,
    log_rank,
    lwyy,
    max_combo,
    milestone_survival,
    restricted_mean_survival,
)
from trialsim.analysis.competing_risks import fine_gray_block, gray_test_block
from trialsim.analysis.recurrent_events import lwyy_block
from trialsim.analysis.survival import (
    adjusted_log_rank_block,
    cox_block,
    log_rank_block,
    max_combo_block,
    milestone_survival_block,
    restricted_mean_survival_block,
)
from trialsim.analysis.survival.time_order import merge_near_ties

COLUMNS = {"time": "t", "event": "e", "arm": "arm"}
NEAR = pd.DataFrame(
    {
        "t": [0.1 + 0.2, 0.3, 1.1 + 2.2, 3.3, 0.5, 0.7, 0.6, 0.9],
        "e": [1, 1, 1, 1, 1, 1, 0, 1],
        "c": [1, 1, 1, 2, 2, 1, 0, 1],
        "arm": [0, 1, 0, 1, 0, 1, 1, 0],
        "x": [1.0, 2.0, 3.0, 2.5, 0.5, 0.1, 4.0, 2.2],
    }
)
ROUNDED = NEAR.assign(t=NEAR.t.round(9))


def test_r_survdiff_3_5_near_ties_chi_square_0032() -> None:
    assert_allclose(log_rank(NEAR.assign(e=1), **COLUMNS).chi_square, 0.0032, rtol=0, atol=5e-5)


def test_r_coxph_3_5_near_ties_log_hazard_ratio_03397() -> None:
    assert_allclose(cox(NEAR.assign(e=1), **COLUMNS).coefficients, 0.03397, rtol=0, atol=5e-6)


@pytest.mark.parametrize(
    "read",
    [
        lambda d: log_rank(d, **COLUMNS).to_frame().drop(columns="arm").to_numpy(),
        lambda d: cox(d, **COLUMNS, covariates="x").coefficients,
        lambda d: adjusted_log_rank(d, **COLUMNS, covariates="x").z,
        lambda d: kaplan_meier(d, **COLUMNS).at([0.3, 0.5, 3.3]).drop(columns="arm").to_numpy(),
        lambda d: restricted_mean_survival(d, **COLUMNS, tau=3.3).means,
        lambda d: milestone_survival(d, **COLUMNS, at=0.3).survival,
        lambda d: max_combo(d, **COLUMNS).z,
        lambda d: gray_test(d, time="t", event="c", arm="arm", cause=1).chi_square,
        lambda d: fine_gray(d, time="t", event="c", arm="arm", cause=1).coefficients,
        lambda d: (
            cumulative_incidence(d, time="t", event="c", arm="arm", cause=1)
            .at([0.3, 3.3])
            .drop(columns="arm")
            .to_numpy()
        ),
    ],
)
def test_every_reader_of_times_ties_near_ties(read: Callable[[pd.DataFrame], np.ndarray]) -> None:
    assert_allclose(read(NEAR), read(ROUNDED), rtol=1e-12)


def test_every_block_ties_near_ties() -> None:
    arm, e, c = (NEAR[name].to_numpy()[None] for name in ("arm", "e", "c"))
    x = NEAR.x.to_numpy()[None, :, None]
    for read in (
        lambda t: log_rank_block(t, e, arm).statistic,
        lambda t: max_combo_block(t, e, arm).p_value,
        lambda t: cox_block(t, e, arm, x).estimate,
        lambda t: adjusted_log_rank_block(t, e, arm, x).statistic,
        lambda t: restricted_mean_survival_block(t, e, arm, tau=3.3).estimate,
        lambda t: milestone_survival_block(t, e, arm, at=0.3).estimate,
        lambda t: gray_test_block(t, c, arm).statistic,
        lambda t: fine_gray_block(t, c, arm).estimate,
    ):
        assert_allclose(read(NEAR.t.to_numpy()[None]), read(ROUNDED.t.to_numpy()[None]), rtol=1e-12)


def test_ends_and_starts_of_recurrent_events_tie_near_ties() -> None:
    rows = pd.DataFrame(
        {
            "id": [1, 1, 2, 3, 3, 4],
            "start": [0, 0.3, 0, 0, 0.1 + 0.2, 0],
            "stop": [0.1 + 0.2, 0.9, 0.8, 0.3, 0.7, 0.6],
            "e": [1, 0, 1, 1, 1, 0],
            "arm": list("aabbba"),
        }
    )
    exact = rows.assign(start=rows.start.round(9), stop=rows.stop.round(9))
    columns = {"participant": "id", "start": "start", "stop": "stop", "event": "e", "arm": "arm"}
    assert_allclose(lwyy(rows, **columns).coefficients, lwyy(exact, **columns).coefficients, rtol=1e-12)
    times = np.array([[[0.1 + 0.2], [0.8], [0.3], [np.nan], [0.5], [0.3]]])
    end, arm = np.full((1, 6), 0.9), [[0, 1, 1, 0, 0, 1]]
    assert_allclose(lwyy_block(times, end, arm).estimate, lwyy_block(times.round(9), end, arm).estimate)


def test_chains_of_near_ties_are_one_time_and_the_unit_changes_nothing() -> None:
    chain = np.array([[1.0, 1.0 + 1e-9, 1.0 + 2e-9, 2.0, 2.1, np.nan]])
    for unit in (1e-12, 1.0, 1e9):
        assert (merge_near_ties(chain * unit)[0, :3] == unit).all()
        assert merge_near_ties(chain * unit)[0, 3] == 2.0 * unit
    apart = np.array([[1.0, 1.0 + 1e-6]])
    assert merge_near_ties(apart) is apart


def heavy_ties() -> pd.DataFrame:
    """Return 18 participants on three times, without a competing event."""
    return pd.DataFrame(
        {"t": [1] * 6 + [2] * 5 + [3] * 7, "e": [1] * 15 + [0] * 3, "arm": list("aababbaabbabababab")}
    )


def test_r_survdiff_3_5_of_heavy_ties_is_26336_and_r_cmprsk_2_2_gray_26533() -> None:
    """Two tests, two numbers: Gray's is not the log-rank test, even without a competing event.

    Their scores are equal. The log-rank variance is hypergeometric; Gray's estimates the variance of an
    integral of curves. Without the factor for ties his chi-square would be .16463.
    """
    data = heavy_ties()
    gray = gray_test(data, **COLUMNS, cause=1, test="asymptotic")
    log_rank_test = log_rank(data, **COLUMNS, test="asymptotic")
    assert_allclose(gray.chi_square, 0.26533273481, rtol=1e-10)
    assert_allclose(gray.p_value, 0.606479938039, rtol=1e-10)
    assert_allclose(log_rank_test.chi_square, 0.2633649537, rtol=1e-9)
    n = np.array([(data.t >= t).sum() for t in (1, 2, 3)])
    n1 = np.array([((data.t >= t) & (data.arm == "b")).sum() for t in (1, 2, 3)])
    d = np.array([((data.t == t) & (data.e == 1)).sum() for t in (1, 2, 3)])
    d1 = np.array([((data.t == t) & (data.e == 1) & (data.arm == "b")).sum() for t in (1, 2, 3)])
    score, share = (d1 - d * n1 / n).sum(), n1 / n
    assert_allclose(gray.score, score, rtol=1e-12)
    by_hand = score**2 / (d * share * (1 - share) * (n - d) / (n - 1)).sum()
    assert_allclose(log_rank_test.chi_square, by_hand, rtol=1e-12)


@pytest.mark.parametrize(
    ("case", "cause", "chi_square", "p_value"),
    [
        ("J_gray_1_heavyties", 1, 0.808354215792, 0.368607275054),
        ("J_gray_1_heavyties", 2, 0.203912750090, 0.651580952123),
        ("J_gray_1_nocensties", 1, 8.426179365927, 0.00369856671442),
        ("J_gray_1_nocensties", 2, 0.486730317159, 0.48538947174162),
    ],
)
def test_r_cmprsk_2_2_cuminc_on_tied_times(
    shared: Callable, case: str, cause: int, chi_square: float, p_value: float
) -> None:
    data = pd.read_csv(shared(f"cases/{case}.csv"))
    found = gray_test(data, time="t", event="cause", arm="arm", cause=cause)
    assert_allclose([found.chi_square, found.p_value], [chi_square, p_value], rtol=1e-10)
