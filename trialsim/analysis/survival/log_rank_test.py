r"""Log-rank tests of two arms: plain, stratified and weighted.

.. math:: z = U_w / \sqrt{V_{ww}}, \qquad U_w = \sum w (d_1 - d\,n_1/n), \qquad
          V_{ww} = \sum w^2 \, d \, p (1 - p) \frac{n - d}{n - 1}, \quad p = n_1 / n

summed over distinct event times and strata. The estimate is the one-step log hazard ratio
:math:`U_w / \sum w v`, whose standard error :math:`\sqrt{V_{ww}} / \sum w v` gives the same z.
Fleming and Harrington (1991), Counting Processes and Survival Analysis, chapter 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.analysis.one_trial.normal_estimates import normal_estimates, raise_for
from trialsim.analysis.one_trial.printed import Facts, Tables, number, p_text
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.one_trial.two_arms import TwoArmResult
from trialsim.analysis.survival.block import COMMON_REASONS, Labels, SurvivalBlock, read_block, read_choice
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.risk_table import risk_tables
from trialsim.analysis.survival.small_samples.rank_scores import (
    MOST_COUNTED,
    TESTS,
    RankTest,
    by_small_samples,
    choose,
    countable,
    rank_p_value,
    rank_scores,
)
from trialsim.analysis.survival.sweep import common_status, sweep
from trialsim.analysis.survival.weights import LOG_RANK, Weight, encode
from trialsim.data import STATUS_OK, Estimates, Floats
from trialsim.errors import AnalysisError

Test = Literal["automatic", "asymptotic", "exact", "permutation"]
NO_INFORMATION = len(COMMON_REASONS)
REASONS = (*COMMON_REASONS, "no_information")


@dataclass(frozen=True)
class WeightedScores:
    """Weighted log-rank scores of each replicate, for K weights.

    Parameters
    ----------
    score, information : ndarray (R, K)
        Σ w (d₁ − e) and Σ w v.
    variance : ndarray (R, K, K)
        Covariance of the scores.
    observed : ndarray (R, K, 2)
        Weighted events of control and active.
    status : ndarray of int8 (R,)
        Position in `REASONS`.
    """

    score: Floats
    variance: Floats
    information: Floats
    observed: Floats
    status: Labels


def weighted_scores(block: SurvivalBlock, weights: Sequence[Weight]) -> WeightedScores:
    """Return every weighted log-rank score of a block from one sort and one sweep."""
    if block.entry is not None:
        return _delayed_scores(block, weights)
    replicates, K = len(block.time), len(weights)
    score, information = np.zeros((replicates, K)), np.zeros((replicates, K))
    variance, observed = np.zeros((replicates, K, K)), np.zeros((replicates, K, 2))
    sweep(
        block.time, block.event, block.arm, block.stratum, block.strata, block.order(),
        *encode(weights), score, variance, information, observed,
    )  # fmt: skip
    return WeightedScores(score, variance, information, observed, score_status(block, variance))


def _delayed_scores(block: SurvivalBlock, weights: Sequence[Weight]) -> WeightedScores:
    """Return the scores of a block with delayed entry, from the table of each stratum."""
    replicates, K = len(block.time), len(weights)
    score, information = np.zeros((replicates, K)), np.zeros((replicates, K))
    variance, observed = np.zeros((replicates, K, K)), np.zeros((replicates, K, 2))
    for r in range(replicates):
        for table in risk_tables(block, r, 2):
            w = table.weights(weights)
            score[r] += table.scores(w)[0][:, 1]
            variance[r] += table.scores(w)[1][:, :, 1, 1]
            information[r] += table.scores(np.sqrt(w))[1].diagonal()[1, 1]
            observed[r] += w.T @ table.events
    return WeightedScores(score, variance, information, observed, score_status(block, variance))


def score_status(block: SurvivalBlock, variance: Floats) -> Labels:
    """Return the status (R,) of scores with these covariances (R, K, K)."""
    status = common_status(block.event, block.arm)
    nothing = (np.diagonal(variance, axis1=1, axis2=2) <= 0).any(axis=1)
    status[(status == STATUS_OK) & nothing] = NO_INFORMATION
    return status


def log_rank_block(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    strata: ArrayLike | None = None,
    weights: Weight = LOG_RANK,
    test: Test = "asymptotic",
    seed: int = 1,
    entry: ArrayLike | None = None,
) -> Estimates:
    """Test every replicate of a block by a (weighted, stratified) log-rank test.

    Parameters
    ----------
    time : array (R, N)
        Time to event or censoring, at least 0.
    event : array (R, N)
        1 for an event, 0 for censored.
    arm : array (R, N)
        1 for active, 0 for control.
    strata : array of int (R, N), optional
        Strata from 0.
    weights : Weight
        Such as ``FlemingHarrington(0, 1)``; unweighted by default.
    test : str
        ``"asymptotic"`` (normal), ``"exact"`` (all assignments of the arms within strata), ``"permutation"``
        (9,999 random ones), or ``"automatic"``: asymptotic with at least 10 participants in each arm and 10
        events, else exact, else permutation.
    seed : int
        Of the random assignments' named stream.
    entry : array (R, N), optional
        Delayed entry (left truncation): a participant is at risk after it.

    Returns
    -------
    Estimates
        One-step log hazard ratio, active over control, the log-rank z, and the p value of the test.

    Raises
    ------
    AnalysisError
        If the arrays cannot be read.

    Examples
    --------
    >>> log_rank_block([[10, 20, 30, 10, 20, 50]], [[1] * 6], [[1, 1, 1, 0, 0, 0]]).p_value.round(6)
    array([0.614107])
    """
    block = read_block(time, event, arm, strata, entry=entry)
    estimates = _estimates(weighted_scores(block, [weights]), f"{weights} test")
    found, by = small_samples(block, weights, estimates, test, seed)
    return found if test == "asymptotic" else by_small_samples(found, by, "log_rank", found.statistic)


def small_samples(
    block: SurvivalBlock, weights: Weight, estimates: Estimates, test: str, seed: int
) -> tuple[Estimates, list[RankTest]]:
    """Return estimates with the p values of the asked test, and how each replicate got its own."""
    read_choice("test", test, TESTS)
    if test == "asymptotic":
        return estimates, [RankTest(p, test, "as asked") for p in estimates.p_value]
    if block.entry is not None:
        if test != "automatic":
            raise AnalysisError(
                "needs everybody to be at risk from the start", field="test", value=test,
                mend="use asymptotic with delayed entry",
            )  # fmt: skip
        return estimates, [RankTest(p, "asymptotic", "delayed entry") for p in estimates.p_value]
    scores = rank_scores(block, weights)
    tests = []
    for r in range(len(estimates)):
        asymptotic = float(estimates.p_value[r])
        found = rank_test(block, scores[r], r, asymptotic, test, seed)
        failed = estimates.status[r] != STATUS_OK
        tests.append(RankTest(asymptotic, "asymptotic", found.reason) if failed else found)
    return replace(estimates, p_value=np.array([found.p_value for found in tests])), tests


def rank_test(
    block: SurvivalBlock, scores: Floats, replicate: int, asymptotic: float, test: str, seed: int
) -> RankTest:
    """Return the p value of one replicate with rank scores (N,), by the rule for small samples."""
    arm, stratum = block.arm[replicate], block.stratum[replicate]
    chosen, reason = choose(test, arm, block.event[replicate], countable(arm, stratum), MOST_COUNTED)
    if chosen == "asymptotic":
        return RankTest(asymptotic, chosen, reason)
    return rank_p_value(scores, arm, stratum, chosen, reason, seed, replicate)


def _estimates(scores: WeightedScores, analysis: str) -> Estimates:
    ok = scores.status == STATUS_OK
    information = np.where(ok, scores.information[:, 0], 1.0)
    estimate = scores.score[:, 0] / information
    standard_error = np.sqrt(scores.variance[:, 0, 0]) / information
    return normal_estimates(analysis, estimate, standard_error, scores.status, REASONS)


@dataclass(frozen=True, repr=False)
class LogRankResult(TwoArmResult):
    """A (weighted, stratified) log-rank test of one trial: the one-step log hazard ratio; see `TwoArmResult`.

    Parameters
    ----------
    score, variance : float
        Weighted observed minus expected events of the active arm, and its variance.
    observed, expected : ndarray (2,)
        Weighted events of control and active.
    participants, events : ndarray of int (2,)
        Of control and active.
    weights : Weight
        The weight.
    strata : int
        Number of strata.
    level : float
        Of the interval.
    test, reason : str
        Where the p value is from, ``"asymptotic"``, ``"exact"`` or ``"permutation"``, and why.
    """

    score: float
    variance: float
    observed: Floats
    expected: Floats
    participants: np.ndarray
    events: np.ndarray
    weights: Weight
    strata: int
    level: float
    test: str
    reason: str

    @property
    def z(self) -> float:
        """Test statistic, negative where the active arm has fewer events than expected."""
        return self.statistic

    @property
    def chi_square(self) -> float:
        """Square of z, with one degree of freedom."""
        return self.z**2

    @property
    def tests(self) -> pd.DataFrame:
        """The test as a table of one row: chi-square, z, p value, and which it is."""
        return pd.DataFrame(
            {
                "chi_square": [self.chi_square], "df": [1.0], "z": [self.z], "p_value": [self.p_value],
                "test": [self.test],
            }
        )  # fmt: skip

    @property
    def interval(self) -> tuple[float, float]:
        """Confidence interval of the one-step log hazard ratio."""
        return self.normal_interval(self.level)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an arm: participants, events, observed and expected."""
        return pd.DataFrame(
            {
                "arm": self.arms,
                "participants": self.participants,
                "events": self.events,
                "observed": self.observed,
                "expected": self.expected,
            }
        )

    def _title(self) -> str:
        stratified = f", {self.strata} strata" if self.strata > 1 else ""
        name = str(self.weights)
        return f"{name[0].upper()}{name[1:]} test{stratified}; {self.compared}"

    def _facts(self) -> Facts:
        low, high = np.exp(self.interval)
        return {
            "statistic": (
                f"chi-square {number(self.chi_square)} on 1 df, z {number(self.z)}, p {p_text(self.p_value)}"
            ),
            "p value": f"{self.test}: {self.reason}",
            "hazard ratio (one step)": (
                f"{number(float(np.exp(self.estimates.estimate[0])))}, "
                f"{self.level:.0%} interval {number(low)} to {number(high)}"
            ),
        }

    def _tables(self) -> Tables:
        return {"Events": self.to_frame()}


def log_rank(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    strata: Columns | None = None,
    entry: str | None = None,
    control: object = None,
    active: object = None,
    weights: Weight = LOG_RANK,
    level: float = 0.95,
    test: Test = "automatic",
    seed: int = 1,
) -> LogRankResult:
    """Compare two arms by a (weighted, stratified) log-rank test.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    time, event, arm : str
        Columns: time to event or censoring, 1 for an event and 0 for censored, and the arm.
    strata : str or sequence of str, optional
        Columns whose crossing stratifies the test.
    entry : str, optional
        Column of delayed entry (left truncation): a participant is at risk after it.
    control, active : object, optional
        Labels in `arm`; the first level, and the only other one, unless given.
    weights : Weight
        `FlemingHarrington`, `MagirrBurman`, `EarlyZero`, `AtRisk` or `PetoPeto`.
    level : float
        Of the confidence interval.
    test, seed
        As in `log_rank_block`, but automatic: small samples get an exact p value, and the result says why. An
        exact p value needs arms that are censored alike.

    Returns
    -------
    LogRankResult
        Prints the test; ``to_frame()`` gives observed and expected events.

    Raises
    ------
    AnalysisError
        If the data cannot be read, or hold no information about the arms.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [10, 20, 30, 10, 20, 50], "e": 1, "arm": list("aaabbb")})
    >>> print(log_rank(data, time="t", event="e", arm="arm", control="b"))
    Log-rank test; a minus b
      statistic                chi-square 0.254237 on 1 df, z 0.504219, p 0.9000
      p value                  exact: fewer than 10 participants in an arm
      hazard ratio (one step)  1.66275, 95% interval 0.230379 to 12.0009
    <BLANKLINE>
    Events
      arm participants events observed expected
        b            3      3   3.0000   3.5000
        a            3      3   3.0000   2.5000
    """
    frame = read_frame(
        data, time=time, event=event, arm=arm, strata=strata, control=control, active=active, entry=entry
    )
    block = frame.block
    scores = weighted_scores(block, [weights])
    raise_for(scores.status[0], REASONS, event)
    found, tests = small_samples(block, weights, _estimates(scores, f"{weights} test"), test, seed)
    observed = scores.observed[0, 0]
    difference = scores.score[0, 0]
    return LogRankResult(
        estimates=found,
        score=float(difference),
        variance=float(scores.variance[0, 0, 0]),
        observed=observed,
        expected=observed + np.array([difference, -difference]),
        participants=np.bincount(block.arm[0], minlength=2),
        events=np.bincount(block.arm[0], weights=block.event[0], minlength=2).astype(np.int64),
        arms=frame.pair,
        weights=weights,
        strata=block.strata,
        level=check_level(level),
        test=tests[0].test,
        reason=tests[0].reason,
    )
