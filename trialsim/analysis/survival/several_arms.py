r"""Log-rank tests of several arms at once: plain, stratified and weighted.

.. math:: \chi^2 = U' V^- U, \quad U_a = \sum w (d_a - d\,n_a/n), \quad
          V_{ab} = \sum w^2 \, d \frac{n - d}{n - 1} \frac{n_a}{n} \Big( δ_{ab} - \frac{n_b}{n} \Big)

on the rank of V degrees of freedom. Fleming and Harrington (1991), Counting Processes and Survival Analysis,
chapter 7; R's survdiff.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialsim.analysis.one_trial.several_arms import (
    SeveralArmsTest,
    chi_square_tail,
    quadratic_form,
    quadratic_forms,
)
from trialsim.analysis.one_trial.tidy_frame import Columns
from trialsim.analysis.survival.block import SurvivalBlock
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.log_rank_test import Test
from trialsim.analysis.survival.risk_table import risk_tables
from trialsim.analysis.survival.small_samples.assignments import linear_scores, p_by_assignments
from trialsim.analysis.survival.small_samples.rank_scores import RankTest, rank_scores
from trialsim.analysis.survival.weights import LOG_RANK, Weight
from trialsim.errors import AnalysisError


def k_sample_log_rank(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    strata: Columns | None = None,
    entry: str | None = None,
    control: object = None,
    weights: Weight = LOG_RANK,
    test: Test = "automatic",
    seed: int = 1,
) -> SeveralArmsTest:
    """Test that several arms have the same hazard, by a (weighted, stratified) log-rank test.

    Parameters
    ----------
    data, time, event, arm, strata, entry, control, weights
        As in `log_rank`; every level of `arm` is an arm.
    test, seed
        As in `log_rank`. By assignments the covariance of the scores is that over the assignments. Delayed
        entry leaves the asymptotic test alone.

    Returns
    -------
    SeveralArmsTest
        Prints the chi-square; ``to_frame()`` gives observed and expected events.

    Raises
    ------
    AnalysisError
        If the data cannot be read, or hold no information about the arms.

    Examples
    --------
    >>> data = pd.DataFrame({"t": range(1, 13), "e": 1, "arm": list("aababcbcbacc")})
    >>> print(k_sample_log_rank(data, time="t", event="e", arm="arm"))
    Log-rank test; 3 arms
      statistic  chi-square 3.62813 on 2 df, p 0.1183
      p value    permutation: fewer than 10 participants in an arm; 9999 random assignments
    <BLANKLINE>
    Events
      arm participants events observed expected
        a            4      4   4.0000   2.2461
        b            4      4   4.0000   2.8744
        c            4      4   4.0000   6.8795
    """
    frame = read_frame(
        data, time=time, event=event, arm=arm, strata=strata, control=control, entry=entry, several=True
    )
    arms = len(frame.arms)
    score, covariance, observed = np.zeros(arms), np.zeros((arms, arms)), np.zeros(arms)
    for table in risk_tables(frame.block, 0, arms):
        w = table.weights([weights])
        one, spread = table.scores(w)
        score, covariance = score + one[0], covariance + spread[0, 0]
        observed += w[:, 0] @ table.events
    chi_square, degrees = quadratic_form(score, covariance)
    if degrees == 0:
        raise AnalysisError("no_information: the trial cannot be analysed", field=event)
    by = _by_assignments(frame.block, arms, weights, chi_square_tail(chi_square, degrees), test, seed)
    position = frame.block.arm[0]
    table_of_arms = pd.DataFrame(
        {
            "arm": frame.arms,
            "participants": np.bincount(position, minlength=arms),
            "events": np.bincount(position, weights=frame.block.event[0], minlength=arms).astype(np.int64),
            "observed": observed,
            "expected": observed - score,
        }
    )
    name = str(weights)
    stratified = f", {frame.block.strata} strata" if frame.block.strata > 1 else ""
    title = f"{name[0].upper()}{name[1:]} test{stratified}"
    return SeveralArmsTest(
        title, frame.arms, score, covariance, chi_square, degrees, table_of_arms,
        by.p_value, by.test, by.reason,
    )  # fmt: skip


def _by_assignments(
    block: SurvivalBlock, arms: int, weight: Weight, asymptotic: float, test: Test, seed: int
) -> RankTest:
    """Return the p value by the rule for small samples, of the scores standardised over the assignments."""
    arm, event, stratum = block.arm[0], block.event[0], block.stratum[0]
    if block.entry is not None:
        if test in ("exact", "permutation"):
            raise AnalysisError(
                "does not go with delayed entry: who is at risk depends on the arms", field="test", value=test
            )
        return RankTest(asymptotic, "asymptotic", "delayed entry")
    at, covariance = linear_scores(rank_scores(block, weight)[0][:, None], arm, stratum, arms)
    spread = covariance[:, :, 0, 0]
    return p_by_assignments(
        lambda assigned: quadratic_forms(at(assigned)[:, :, 0], spread),
        asymptotic, arm, event, stratum, test, seed,
    )  # fmt: skip
