r"""Gray's test of equal cumulative incidence of one cause among competing ones, in two arms.

.. math:: U = \sum \Big( d_{1} - d \, R_1 / (R_0 + R_1) \Big), \qquad R_r = Y_r (1 - F_r(t-)) / S_r(t-)

over the times of the cause of interest: a log-rank score whose risk sets keep those who had another
event, in the measure in which they would still be observed. The variance is estimated under the null. It has
the factor 1 − (d − 1)/(n − 1) for d tied events, and equals that of Gray's own program, R's cmprsk, which
takes the curves just after an event and not just before. Without competing events the score is the log-rank
test's; the variance differs from it a little, because it scales each arm's risk set by the arm's own curve.
Gray (1988), Ann. Stat. 16:1141. The estimate is the one-step log subdistribution hazard ratio
:math:`U / \sum d R_0 R_1 / R^2`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.analysis.competing_risks.kernel import gray_replicates
from trialsim.analysis.one_trial.normal_estimates import normal_estimates, raise_for
from trialsim.analysis.one_trial.printed import Facts, Tables, number, p_text
from trialsim.analysis.one_trial.several_arms import quadratic_forms
from trialsim.analysis.one_trial.tidy_frame import Columns
from trialsim.analysis.one_trial.two_arms import TwoArmResult
from trialsim.analysis.survival.block import COMMON_REASONS, Labels, SurvivalBlock, read_block
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.log_rank_test import Test
from trialsim.analysis.survival.small_samples.assignments import p_by_assignments
from trialsim.analysis.survival.small_samples.rank_scores import NO_TEST, RankTest, by_small_samples
from trialsim.analysis.survival.sweep import common_status
from trialsim.data import STATUS_OK, Estimates, Floats

NO_INFORMATION = len(COMMON_REASONS)
REASONS = (*COMMON_REASONS, "no_information")


def gray_test_block(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    strata: ArrayLike | None = None,
    test: Test = "asymptotic",
    seed: int = 1,
) -> Estimates:
    """Test every replicate of a block for equal cumulative incidence of the cause of interest.

    Parameters
    ----------
    time, arm : array (R, N)
        As in `log_rank_block`.
    event : array (R, N)
        0 for censored, 1 for the cause of interest, 2 for any other cause.
    strata : array of int (R, N), optional
        Strata from 0: scores and variances are added over them.
    test, seed
        As in `log_rank_block`.

    Returns
    -------
    Estimates
        One-step log subdistribution hazard ratio, active over control, and Gray's z.

    Raises
    ------
    AnalysisError
        If the arrays cannot be read.

    Examples
    --------
    >>> time, arm = [[1, 2, 3, 4, 5, 6, 7, 8]], [[0, 1, 0, 1, 0, 1, 0, 1]]
    >>> gray_test_block(time, [[1, 2, 1, 1, 2, 0, 1, 0]], arm).statistic.round(3)
    array([-1.145])
    """
    block = read_block(time, event, arm, strata, causes=2)
    found = _estimates(gray_scores(block))
    if test == "asymptotic":
        return found
    by = [
        gray_by_assignments(block.one(r), 2, float(p), test, seed) if ok else NO_TEST
        for r, (p, ok) in enumerate(zip(found.p_value, found.status == STATUS_OK, strict=True))
    ]
    return by_small_samples(found, by, "gray", found.statistic)


@dataclass(frozen=True)
class GrayScores:
    """Gray's scores of A arms in each replicate.

    Parameters
    ----------
    score : ndarray (R, A)
        Observed minus expected events of the cause, by arm.
    variance : ndarray (R, A, A)
        Covariance of the scores under the null.
    pairs : ndarray (R, A, A)
        Σ d R_a R_b/R², the information about a log subdistribution hazard ratio of two arms.
    status : ndarray of int8 (R,)
        Position in `REASONS`.
    """

    score: Floats
    variance: Floats
    pairs: Floats
    status: Labels


def gray_scores(block: SurvivalBlock, arms: int = 2) -> GrayScores:
    """Return Gray's scores of every replicate of a block."""
    replicates = len(block.time)
    score = np.zeros((replicates, arms))
    variance, pairs = np.zeros((replicates, arms, arms)), np.zeros((replicates, arms, arms))
    status = common_status(block.event, block.arm)
    gray_replicates(
        block.time, block.event, block.arm, arms, block.stratum, block.strata, block.order(),
        score, variance, pairs, status,
    )  # fmt: skip
    nothing = (np.diagonal(variance, axis1=1, axis2=2) <= 0).all(axis=1)
    status[(status == STATUS_OK) & nothing] = NO_INFORMATION
    return GrayScores(score, variance, pairs, status)


def _estimates(scores: GrayScores) -> Estimates:
    ok = scores.status == STATUS_OK
    information = np.where(ok, scores.pairs[:, 0, 1], 1.0)
    error = np.sqrt(np.where(ok, scores.variance[:, 1, 1], 1.0)) / information
    return normal_estimates("Gray's test", scores.score[:, 1] / information, error, scores.status, REASONS)


@dataclass(frozen=True, repr=False)
class GrayResult(TwoArmResult):
    """Gray's test of one trial: the one-step log subdistribution hazard ratio; see `TwoArmResult`.

    Parameters
    ----------
    score, variance : float
        Of the active arm.
    events : DataFrame
        Participants, events of the cause, of other causes, and censored, by arm.
    cause : str
        The cause of interest.
    test, reason : str
        Where the p value is from, ``"asymptotic"``, ``"exact"`` or ``"permutation"``, and why.
    """

    score: float
    variance: float
    events: pd.DataFrame
    cause: str
    test: str
    reason: str

    @property
    def tests(self) -> pd.DataFrame:
        """The test as a table of one row: chi-square, z, p value, and which it is."""
        return pd.DataFrame(
            {
                "chi_square": [self.chi_square], "df": [1.0], "z": [self.statistic],
                "p_value": [self.p_value], "test": [self.test],
            }
        )  # fmt: skip

    @property
    def chi_square(self) -> float:
        """Square of z, with one degree of freedom."""
        return self.statistic**2

    def to_frame(self) -> pd.DataFrame:
        """Return one row an arm: participants and events by kind."""
        return self.events

    def _title(self) -> str:
        return f"Gray's test of cause {self.cause}; {self.compared}"

    def _facts(self) -> Facts:
        return {
            "statistic": (
                f"chi-square {number(self.chi_square)} on 1 df, "
                f"z {number(self.statistic)}, p {p_text(self.p_value)}"
            ),
            "p value": f"{self.test}: {self.reason}",
        }

    def _tables(self) -> Tables:
        return {"Events": self.events}


def gray_test(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    cause: object,
    censored: object = 0,
    strata: Columns | None = None,
    control: object = None,
    active: object = None,
    test: Test = "automatic",
    seed: int = 1,
) -> GrayResult:
    """Test whether two arms have the same cumulative incidence of one cause among competing ones.

    Parameters
    ----------
    data, time, arm, strata, control, active
        As in `log_rank`.
    event : str
        Column that names the cause of each event.
    cause, censored : object
        Labels in `event` of the cause of interest and of censoring; all others compete.
    test, seed
        As in `log_rank`: with fewer than 10 participants in an arm or 10 events of the cause the p value is
        from all assignments of the arms within strata, or from 9,999 random ones, each with its own
        chi-square.

    Returns
    -------
    GrayResult
        Prints the test.

    Raises
    ------
    AnalysisError
        If the data cannot be read, or hold no information about the arms.

    Examples
    --------
    >>> data = pd.DataFrame({
    ...     "t": range(1, 9), "arm": list("abababab"),
    ...     "e": ["relapse", "death", "relapse", "relapse", "death", "none", "relapse", "none"],
    ... })
    >>> test = gray_test(data, time="t", event="e", arm="arm", cause="relapse", censored="none")
    >>> round(test.chi_square, 3)
    1.312
    """
    frame = read_frame(
        data, time=time, event=event, arm=arm, strata=strata, control=control, active=active,
        codes=(censored, cause),
    )  # fmt: skip
    scores = gray_scores(frame.block)
    raise_for(scores.status[0], REASONS, event)
    estimates = _estimates(scores)
    by = gray_by_assignments(frame.block, 2, float(estimates.p_value[0]), test, seed)
    return GrayResult(
        estimates=replace(estimates, p_value=np.array([by.p_value])),
        score=float(scores.score[0, 1]),
        variance=float(scores.variance[0, 1, 1]),
        events=count_events(frame.block, frame.pair),
        arms=frame.pair,
        cause=str(cause),
        test=by.test,
        reason=by.reason,
    )


def gray_by_assignments(
    block: SurvivalBlock, arms: int, asymptotic: float, test: Test, seed: int
) -> RankTest:
    """Return the p value of one trial by the rule for small samples; each assignment has its own variance."""

    def chi_squares(assigned: Labels) -> Floats:
        shape = assigned.shape
        again = SurvivalBlock(
            np.broadcast_to(block.time, shape).copy(),
            np.broadcast_to(block.event, shape).copy(),
            np.ascontiguousarray(assigned),
            np.broadcast_to(block.stratum, shape).copy(),
            block.strata,
            np.empty((*shape, 0)),
            sorted=np.broadcast_to(block.order(), shape).copy(),
        )
        found = gray_scores(again, arms)
        return quadratic_forms(found.score, found.variance)

    arm, event = block.arm[0], (block.event[0] == 1).astype(np.int8)
    return p_by_assignments(chi_squares, asymptotic, arm, event, block.stratum[0], test, seed)


def count_events(block: SurvivalBlock, arms: tuple[str, ...]) -> pd.DataFrame:
    """Return participants and events by kind of each arm of one replicate."""
    counts = np.zeros((len(arms), 3), np.int64)
    np.add.at(counts, (block.arm[0], block.event[0]), 1)
    return pd.DataFrame(
        {
            "arm": arms,
            "participants": counts.sum(axis=1),
            "cause": counts[:, 1],
            "other": counts[:, 2],
            "censored": counts[:, 0],
        }
    )
