r"""MaxCombo: the largest of several weighted log-rank statistics, with its exact normal p value.

.. math:: Z_k = U_k / \sqrt{V_{kk}}, \qquad Corr(Z_k, Z_l) = V_{kl} / \sqrt{V_{kk} V_{ll}}, \qquad
          p = P(\max_k |Z_k| > \max_k |z_k|)

for Z normal. A singular correlation (the usual four weights: 1 = S + (1 − S)) is a problem of lower
rank and is solved as such. Lin, Lin, Liu, et al. (2020), Stat. Biopharm. Res. 12:187.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from trialsim.analysis.one_trial.normal_estimates import normal_estimates, raise_for
from trialsim.analysis.one_trial.printed import Facts, Tables, number, p_text
from trialsim.analysis.one_trial.tidy_frame import Columns
from trialsim.analysis.one_trial.two_arms import TwoArmResult
from trialsim.analysis.survival.block import Labels, SurvivalBlock, read_block, read_choice, read_probability
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.log_rank_test import REASONS, Test, WeightedScores, weighted_scores
from trialsim.analysis.survival.max_combo_kernel import tail_probabilities
from trialsim.analysis.survival.small_samples.assignments import linear_scores, p_by_assignments
from trialsim.analysis.survival.small_samples.rank_scores import (
    NO_TEST,
    RankTest,
    by_small_samples,
    rank_scores,
)
from trialsim.analysis.survival.weights import FlemingHarrington, Weight
from trialsim.data import STATUS_OK, Bools, Estimates, Floats
from trialsim.errors import AnalysisError

Alternative = Literal["two-sided", "less", "greater"]
ALTERNATIVES = ("two-sided", "less", "greater")

FOUR_WEIGHTS = (
    FlemingHarrington(0, 0),
    FlemingHarrington(0, 1),
    FlemingHarrington(1, 0),
    FlemingHarrington(1, 1),
)


@dataclass(frozen=True)
class _Combination:
    """Standardised scores (R, K), their correlation (R, K, K) and the winning weight (R,)."""

    z: Floats
    correlation: Floats
    best: np.ndarray
    p_value: Floats


def max_combo_block(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    strata: ArrayLike | None = None,
    weights: Sequence[Weight] = FOUR_WEIGHTS,
    alternative: Alternative = "two-sided",
    decide_at: float | None = None,
    test: Test = "asymptotic",
    seed: int = 1,
) -> Estimates:
    """Test every replicate of a block by the MaxCombo test.

    Parameters
    ----------
    time, event, arm, strata : array (R, N)
        As in `log_rank_block`.
    weights : sequence of Weight
        At least one; Fleming–Harrington (0,0), (0,1), (1,0), (1,1) by default.
    alternative : str
        ``"less"`` if fewer events in the active arm are the alternative.
    decide_at : float, optional
        If only the decision at this level matters, p is integrated only where bounds do not decide:
        the largest single test from below, Bonferroni from above. A decided p is the bound that
        decided it, so that `Estimates.rejects` is exact at this level and at no other.
    test, seed
        As in `log_rank_block`.

    Returns
    -------
    Estimates
        One-step log hazard ratio of the winning weight, its standard error and z; the p value of the
        maximum.

    Raises
    ------
    AnalysisError
        If the arrays cannot be read.

    Examples
    --------
    >>> time, arm = [[3, 5, 7, 9, 11, 13, 15, 17]], [[0, 1, 0, 0, 1, 0, 1, 1]]
    >>> max_combo_block(time, [[1] * 8], arm).p_value.round(4)
    array([0.3003])
    """
    block, weights = read_block(time, event, arm, strata), _read_weights(weights)
    scores = weighted_scores(block, weights)
    found = _estimates(scores, _combine(scores, alternative, decide_at))
    if test == "asymptotic":
        return found
    by = [
        _by_assignments(block.one(r), weights, alternative, float(p), test, seed) if ok else NO_TEST
        for r, (p, ok) in enumerate(zip(found.p_value, found.status == STATUS_OK, strict=True))
    ]
    return by_small_samples(found, by, "max_combo", found.statistic)


def _read_weights(weights: Sequence[Weight]) -> tuple[Weight, ...]:
    if not weights:
        raise AnalysisError("must name at least one weight", field="weights", value=list(weights))
    return tuple(weights)


def _combine(scores: WeightedScores, alternative: str, decide_at: float | None) -> _Combination:
    """Standardise the scores, find the winning weight and the p value of the maximum."""
    read_choice("alternative", alternative, ALTERNATIVES)
    ok = scores.status == STATUS_OK
    root = np.sqrt(np.diagonal(scores.variance, axis1=1, axis2=2))
    root = np.where(ok[:, None], root, 1.0)
    z = scores.score / root
    correlation = scores.variance / (root[:, :, None] * root[:, None, :])
    evidence = {"two-sided": np.abs(z), "less": -z, "greater": z}[alternative]
    best = evidence.argmax(axis=1)
    largest = evidence.max(axis=1)
    infinite = np.full_like(largest, np.inf)
    low, high = {
        "two-sided": (-largest, largest),
        "less": (-largest, infinite),
        "greater": (-infinite, largest),
    }[alternative]
    lower = special.ndtr(-largest) * (2.0 if alternative == "two-sided" else 1.0)
    p_value, wanted = _screen(lower, z.shape[1], decide_at)
    tail_probabilities(correlation, low, high, wanted & ok, p_value)
    return _Combination(z, correlation, best, np.where(ok, p_value, np.nan))


def _screen(lower: Floats, K: int, decide_at: float | None) -> tuple[Floats, Bools]:
    """Return the bound that decides each replicate at the level, and which remain undecided."""
    if decide_at is None:
        return np.empty_like(lower), np.ones(len(lower), dtype=bool)
    level = read_probability("decide_at", decide_at)
    upper = np.minimum(K * lower, 1.0)
    return np.where(upper <= level, upper, lower), (lower <= level) & (upper > level)


def _estimates(scores: WeightedScores, combined: _Combination) -> Estimates:
    rows = np.arange(len(combined.best))
    ok = scores.status == STATUS_OK
    information = np.where(ok, scores.information[rows, combined.best], 1.0)
    single = normal_estimates(
        "MaxCombo test",
        scores.score[rows, combined.best] / information,
        np.sqrt(scores.variance[rows, combined.best, combined.best]) / information,
        scores.status,
        REASONS,
    )
    return replace(single, p_value=combined.p_value)


@dataclass(frozen=True, repr=False)
class MaxComboResult(TwoArmResult):
    """A MaxCombo test of one trial: one-step log hazard ratio of the winning weight; see `TwoArmResult`.

    Parameters
    ----------
    weights : tuple of Weight
        K weights.
    z : ndarray (K,)
        Each weighted log-rank statistic, negative where the active arm has fewer events.
    correlation : ndarray (K, K)
        Of the statistics.
    best : int
        Position of the winning weight.
    alternative : str
        Of the p value.
    test, reason : str
        Where the p value is from, ``"asymptotic"``, ``"exact"`` or ``"permutation"``, and why.
    """

    weights: tuple[Weight, ...]
    z: Floats
    correlation: Floats
    best: int
    alternative: str
    test: str
    reason: str

    @property
    def tests(self) -> pd.DataFrame:
        """The test as a table of one row: the winning z and weight, its p value, and which it is."""
        return pd.DataFrame(
            {
                "z": [self.z[self.best]], "weight": [str(self.weights[self.best])],
                "p_value": [self.p_value], "test": [self.test],
            }
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """Return one row a weight: statistic, and the p value it would have alone."""
        tail = {
            "two-sided": 2.0 * special.ndtr(-np.abs(self.z)),
            "less": special.ndtr(self.z),
            "greater": special.ndtr(-self.z),
        }
        return pd.DataFrame(
            {
                "weight": [str(weight) for weight in self.weights],
                "statistic": self.z,
                "p_alone": tail[self.alternative],
            }
        )

    def _title(self) -> str:
        return f"MaxCombo test of {len(self.weights)} weights; {self.compared}"

    def _facts(self) -> Facts:
        return {
            "statistic": (
                f"z {number(self.z[self.best])} ({self.weights[self.best]}), p {p_text(self.p_value)}, "
                f"{self.alternative}"
            ),
            "p value": f"{self.test}: {self.reason}",
        }

    def _tables(self) -> Tables:
        return {"Weighted log-rank tests": self.to_frame()}


def max_combo(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    strata: Columns | None = None,
    control: object = None,
    active: object = None,
    weights: Sequence[Weight] = FOUR_WEIGHTS,
    alternative: Alternative = "two-sided",
    test: Test = "automatic",
    seed: int = 1,
) -> MaxComboResult:
    """Compare two arms by the largest of several weighted log-rank statistics.

    Parameters
    ----------
    data, time, event, arm, strata, control, active
        As in `log_rank`.
    weights : sequence of Weight
        Fleming–Harrington (0,0), (0,1), (1,0), (1,1) by default.
    alternative : str
        ``"two-sided"``, or ``"less"`` if fewer events in the active arm are the alternative.
    test, seed
        As in `log_rank`: in small samples the p value is from all assignments of the arms within strata, or
        from 9,999 random ones, of the largest score over its standard deviation among the assignments.

    Returns
    -------
    MaxComboResult
        Prints the test; ``to_frame()`` gives each weight's z.

    Raises
    ------
    AnalysisError
        If the data cannot be read, or a weight finds no information.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [3, 5, 7, 9, 11, 13, 15, 17], "e": 1, "arm": list("abaababb")})
    >>> print(max_combo(data, time="t", event="e", arm="arm", weights=FOUR_WEIGHTS[:2]))
    MaxCombo test of 2 weights; b minus a
      statistic  z -1.36039 (Fleming–Harrington(0, 1)), p 0.3429, two-sided
      p value    exact: fewer than 10 participants in an arm
    <BLANKLINE>
    Weighted log-rank tests
                        weight statistic p_alone
                      log-rank    -1.345  0.1787
      Fleming–Harrington(0, 1)    -1.360  0.1737
    """
    frame = read_frame(data, time=time, event=event, arm=arm, strata=strata, control=control, active=active)
    chosen = _read_weights(weights)
    scores = weighted_scores(frame.block, chosen)
    raise_for(scores.status[0], REASONS, event)
    combined = _combine(scores, alternative, None)
    by = _by_assignments(frame.block, chosen, alternative, float(combined.p_value[0]), test, seed)
    return MaxComboResult(
        estimates=replace(_estimates(scores, combined), p_value=np.array([by.p_value])),
        weights=chosen,
        z=combined.z[0],
        correlation=combined.correlation[0],
        best=int(combined.best[0]),
        alternative=alternative,
        test=by.test,
        reason=by.reason,
        arms=frame.pair,
    )


def _by_assignments(
    block: SurvivalBlock,
    weights: Sequence[Weight],
    alternative: Alternative,
    asymptotic: float,
    test: Test,
    seed: int,
) -> RankTest:
    """Return the p value by the rule for small samples, of the largest standardised score."""
    arm, event, stratum = block.arm[0], block.event[0], block.stratum[0]
    scores = np.column_stack([rank_scores(block, weight)[0] for weight in weights])
    at, covariance = linear_scores(scores, arm, stratum, 2)
    spread = np.sqrt(np.diagonal(covariance[0, 0]))

    def largest(assigned: Labels) -> Floats:
        z = at(assigned)[:, 0] / spread
        evidence = {"two-sided": np.abs(z), "less": -z, "greater": z}[alternative]
        return np.asarray(evidence.max(axis=1))

    return p_by_assignments(largest, asymptotic, arm, event, stratum, test, seed)
