r"""Covariate-adjusted log-rank test and hazard ratio of Ye, Shao and Yi, stratified or not.

.. math:: U_{adj} = U - \frac1n \Big[ \sum_{active} (X - \bar X)'β_1 - \sum_{control} (X - \bar X)'β_0 \Big],
          \qquad σ^2_{adj} = σ^2 - π (1 - π) (β_0 + β_1)' Cov(X) (β_0 + β_1)

with U the log-rank score over n, σ² its variance, β_a the least-squares slopes of the derived outcomes
within arm a, π the share of active, and :math:`z = \sqrt n U_{adj} / σ_{adj}`. With strata all centring is
within strata. The log hazard ratio solves :math:`U_{adj}(θ) = 0`, the slopes taken at the unadjusted root;
its standard error is :math:`σ_{adj}(θ) / (\sqrt n\, σ^2(θ))`. The hazard ratio remains the marginal one.
Ye, Shao and Yi (2024), Biometrika 111:691. Without covariates this is the log-rank test and Breslow's
Cox estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.analysis.one_trial.deciding import always, raise_unless_decided
from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.one_trial.printed import Facts, Tables, number, p_text
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.one_trial.two_arms import TwoArmResult
from trialsim.analysis.survival.adjusted_log_rank_kernel import adjust_replicates
from trialsim.analysis.survival.block import (
    COMMON_REASONS,
    Labels,
    SurvivalBlock,
    centred,
    read_block,
    read_choice,
)
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.log_rank_test import Test, rank_test
from trialsim.analysis.survival.small_samples.assignments import p_by_assignments
from trialsim.analysis.survival.small_samples.rank_scores import (
    NO_TEST,
    TESTS,
    RankTest,
    by_small_samples,
    rank_scores,
)
from trialsim.analysis.survival.sweep import common_status
from trialsim.analysis.survival.weights import LOG_RANK
from trialsim.data import STATUS_OK, Bools, Estimates, Floats

REASONS = (*COMMON_REASONS, "no_information", "infinite_hazard_ratio")


def adjusted_log_rank_block(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    test: Test = "asymptotic",
    seed: int = 1,
) -> Estimates:
    """Test every replicate of a block by the covariate-adjusted log-rank test.

    Parameters
    ----------
    time, event, arm, strata : array (R, N)
        As in `log_rank_block`.
    covariates : array (R, N, P), optional
        Baseline covariates, such as a prognostic score.
    test, seed
        As in `log_rank_block`.

    Returns
    -------
    Estimates
        Log hazard ratio, active over control, with its standard error; `statistic` and `p_value` are
        those of the score test, not of the ratio of the two. The score test decides also where the hazard
        ratio is infinite (`Estimates.decision`). A covariate that those before it determine within an arm of
        a replicate, and a stratum with one arm, are left out.

    Raises
    ------
    AnalysisError
        If the arrays cannot be read.

    Examples
    --------
    >>> time, arm = [[10, 20, 30, 10, 20, 50]], [[1, 1, 1, 0, 0, 0]]
    >>> adjusted_log_rank_block(time, [[1] * 6], arm).statistic.round(6)
    array([0.504219])
    """
    block = read_block(time, event, arm, strata, covariates)
    result, _, status = _adjust(block)
    found = _estimates(result, status)
    if test == "asymptotic":
        return found
    assert found.decision is not None
    # Also where the variance of the score is not above 0, so that there is no z: the score itself is there.
    scored = np.isfinite(result[:, 0]) & (common_status(block.event, block.arm) == STATUS_OK)
    by = [
        _by_assignments(block.one(r), float(p), test, seed) if ok else NO_TEST
        for r, (p, ok) in enumerate(zip(found.decision.p_value, scored, strict=True))
    ]
    return by_small_samples(found, by, "covariate_adjusted_score", result[:, 0])


def _adjust(block: SurvivalBlock) -> tuple[Floats, Bools, Labels]:
    """Return the sums of `adjust_replicates` (R, 5), the covariates used (R, P) and the statuses (R,)."""
    result = np.full((len(block.time), 5), np.nan)
    status = common_status(block.event, block.arm)
    X = centred(block.covariates)
    kept = np.ones((len(X), X.shape[2]), dtype=bool)
    adjust_replicates(
        block.time, block.event, block.arm, block.stratum, block.strata, X, block.order(),
        result, kept, status,
    )  # fmt: skip
    return result, kept, status


def _estimates(result: Floats, status: Labels) -> Estimates:
    tested = result[:, 1] > 0.0
    z = np.where(tested, result[:, 0] / np.sqrt(np.where(tested, result[:, 1], 1.0)), np.nan)
    found = normal_estimates(
        "covariate-adjusted log-rank test", result[:, 2], result[:, 3], status, REASONS, statistic=z
    )
    return always(found, z, "covariate_adjusted_score")


@dataclass(frozen=True, repr=False)
class AdjustedLogRankResult(TwoArmResult):
    """A covariate-adjusted log-rank test of one trial; see `TwoArmResult`.

    The estimate is the log hazard ratio; z and p value are those of the score test.

    Parameters
    ----------
    score, variance : float
        U and σ²: score over n, and n times its variance, both adjusted.
    hazard_ratio_variance : float
        σ² at the estimate.
    participants : int
        Number analysed.
    covariates, left_out : tuple of str
        Adjusted for, and left out because those before them determine them within an arm.
    strata : int
        Number of strata.
    level : float
        Of the interval.
    test, reason : str
        Where the p value is from, ``"asymptotic"``, ``"exact"`` or ``"permutation"``, and why.
    """

    score: float
    variance: float
    hazard_ratio_variance: float
    participants: int
    covariates: tuple[str, ...]
    left_out: tuple[str, ...]
    strata: int
    level: float
    test: str
    reason: str

    @property
    def p_value(self) -> float:
        """Two-sided, of the test that is named in `test`."""
        return float(self.estimates.p_value[0])

    @property
    def z(self) -> float:
        """Score statistic, negative where the active arm has fewer events."""
        return self.statistic

    def to_frame(self) -> pd.DataFrame:
        """Return the log hazard ratio, the hazard ratio and its interval in one row."""
        estimate = self.estimates.estimate[0]
        lower, upper = self.normal_interval(self.level)
        return pd.DataFrame(
            {
                "comparison": [f"{self.arms[1]} - {self.arms[0]}"],
                "estimate": [estimate],
                "standard_error": self.estimates.standard_error,
                "hazard_ratio": [np.exp(estimate)],
                "lower": [np.exp(lower)],
                "upper": [np.exp(upper)],
            }
        )

    def _title(self) -> str:
        return f"Covariate-adjusted log-rank test; {self.compared}"

    def _facts(self) -> Facts:
        adjusted = ", ".join(self.covariates) or "no covariate"
        stratified = f", {self.strata} strata" if self.strata > 1 else ""
        return {
            "adjusted for": f"{adjusted}{stratified}; {self.participants} participants",
            "score test": f"z {number(self.z)}, p {p_text(self.p_value)}",
            "p value": f"{self.test}: {self.reason}",
        }

    def _notes(self) -> Sequence[str]:
        left_out = [f"{name} left out: it cannot be told within an arm" for name in self.left_out]
        return (*super()._notes(), *left_out)

    def _tables(self) -> Tables:
        return {f"Marginal hazard ratio, {self.level:.0%} interval": self.to_frame()}


def adjusted_log_rank(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    covariates: Columns | None = None,
    strata: Columns | None = None,
    control: object = None,
    active: object = None,
    level: float = 0.95,
    test: Test = "automatic",
    seed: int = 1,
) -> AdjustedLogRankResult:
    """Compare two arms by the covariate-adjusted log-rank test, with the marginal hazard ratio.

    Parameters
    ----------
    data, time, event, arm, strata, control, active, level
        As in `log_rank`.
    covariates : str or sequence of str, optional
        Columns adjusted for; labels become an indicator of each level but the first.
    test, seed
        As in `log_rank`, whose p value it is without covariates. With them the statistic of each assignment
        of the arms, or of 9,999 random ones, is the adjusted score, its slopes fitted again.

    Returns
    -------
    AdjustedLogRankResult
        Prints the test and the hazard ratio.

    Raises
    ------
    AnalysisError
        If the data cannot be read, a covariate is collinear (named), or the hazard ratio is infinite.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [10, 20, 30, 10, 20, 50], "e": 1, "arm": list("aaabbb")})
    >>> found = adjusted_log_rank(data, time="t", event="e", arm="arm", control="b")
    >>> round(found.z, 6), round(found.p_value, 6), found.test
    (0.504219, 0.9, 'exact')
    """
    frame = read_frame(
        data, time=time, event=event, arm=arm, strata=strata, covariates=covariates, control=control,
        active=active,
    )  # fmt: skip
    result, kept, status = _adjust(frame.block)
    estimates = _estimates(result, status)
    raise_unless_decided(estimates, arm)
    assert estimates.decision is not None
    by = _by_assignments(frame.block, float(estimates.decision.p_value[0]), test, seed)
    estimates = replace(estimates, p_value=np.array([by.p_value]))
    participants = frame.block.time.shape[1]
    return AdjustedLogRankResult(
        estimates=estimates,
        score=float(result[0, 0]) / participants,
        variance=float(result[0, 1]) / participants,
        hazard_ratio_variance=float(result[0, 4]) / participants,
        participants=participants,
        covariates=tuple(name for name, used in zip(frame.covariates, kept[0], strict=True) if used),
        left_out=tuple(name for name, used in zip(frame.covariates, kept[0], strict=True) if not used),
        strata=frame.block.strata,
        arms=frame.pair,
        level=check_level(level),
        test=by.test,
        reason=by.reason,
    )


def _by_assignments(block: SurvivalBlock, asymptotic: float, test: Test, seed: int) -> RankTest:
    """Return the p value by the rule for small samples: of log-rank scores, or of adjusted ones."""
    read_choice("test", test, TESTS)
    if block.covariates.shape[2] == 0:
        return rank_test(block, rank_scores(block, LOG_RANK)[0], 0, asymptotic, test, seed)

    def adjusted(assigned: Labels) -> Floats:
        shape = assigned.shape
        again = replace(
            block,
            time=np.broadcast_to(block.time, shape).copy(),
            event=np.broadcast_to(block.event, shape).copy(),
            stratum=np.broadcast_to(block.stratum, shape).copy(),
            covariates=np.broadcast_to(block.covariates, (*shape, block.covariates.shape[2])).copy(),
            sorted=np.broadcast_to(block.order(), shape).copy(),
            arm=assigned,
        )
        # The score itself: in small samples the variance that z needs may not be above 0 in every assignment.
        return np.abs(_adjust(again)[0][:, 0])

    return p_by_assignments(adjusted, asymptotic, block.arm[0], block.event[0], block.stratum[0], test, seed)
