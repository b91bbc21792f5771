"""Probabilistic index for a statistician's own trial: a tidy data frame in, a printed table out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.linear.design import read_design
from trialsim.analysis.linear.result import inference
from trialsim.analysis.one_trial.normal_estimates import raise_for
from trialsim.analysis.one_trial.printed import Facts, Tables, counts_text
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.one_trial.two_arms import TwoArmResult
from trialsim.analysis.ordinal import index_kernel as kernel
from trialsim.analysis.ordinal.index_block import (
    NO_EFFECT,
    IndexVariance,
    SmallSamples,
    probabilistic_index_block,
)
from trialsim.analysis.ordinal.odds_frame import number_categories


@dataclass(frozen=True, repr=False)
class ProbabilisticIndexResult(TwoArmResult):
    """The probability θ that an outcome of one arm is higher than one of the other; see `TwoArmResult`.

    Parameters
    ----------
    outcome : str
        Column of the outcome.
    counts : dict
        Analysed participants of each arm.
    strata : int
        Number of strata.
    silent : int
        Strata that have only one of the arms.
    left_out : int
        Rows without an outcome.
    variance : str
        "robust" or "null".
    level : float
        Of the interval.
    """

    outcome: str
    counts: dict[str, int]
    strata: int
    silent: int
    left_out: int
    variance: str
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row: θ, standard error, df, statistic, limits within [0, 1], and what decides against ½.

        The p value is that of the test that decides, which is named.
        """
        frame = inference(
            (f"{self.arms[1]} above {self.arms[0]}",), self.estimates.estimate,
            np.square(self.estimates.standard_error)[:, None], float(self.estimates.df[0]), self.level,
            "comparison", null=NO_EFFECT,
        )  # fmt: skip
        limits = frame[["lower", "upper"]].clip(0.0, 1.0)
        return frame.assign(
            p_value=self.p_value, lower=limits["lower"], upper=limits["upper"], test=self.decided_by
        )

    def _title(self) -> str:
        stratified = f", {self.strata} strata" if self.strata > 1 else ""
        return f"Probability of a higher {self.outcome}{stratified}; {self.arms[1]} against {self.arms[0]}"

    def _facts(self) -> Facts:
        test = "van Elteren's test" if self.strata > 1 else "Wilcoxon's test"
        return {
            "variance": "robust, by placements" if self.variance == "robust" else f"under no effect: {test}",
            "analysed": f"{counts_text(self.counts)}; {self.left_out} without outcome left out",
        }

    def _tables(self) -> Tables:
        return {f"Index, {self.level:.0%} interval": self.to_frame()}

    def _notes(self) -> Sequence[str]:
        notes = []
        if self.silent:
            notes.append(f"{self.silent} strata with only one of the arms say nothing")
        return [*notes, *super()._notes()]


def probabilistic_index(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    strata: Columns = (),
    control: Hashable | None = None,
    active: Hashable | None = None,
    variance: IndexVariance = "robust",
    small_samples: SmallSamples = "exact",
    level: float = 0.95,
) -> ProbabilisticIndexResult:
    """Estimate the probability that an outcome of the active arm is higher than one of the control.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcome : str
        Column of numbers, or an ordered categorical; rows where it is missing are left out.
    arm : str
        Column of the arm.
    strata : str or sequence of str
        Columns within whose crossing participants are compared.
    control, active : optional
        Labels in `arm`; the first level, and the only other one, unless given.
    variance : {"robust", "null"}
        By placements (Brunner and Munzel), or under no effect (Wilcoxon, van Elteren).
    small_samples : {"exact", "approximate"}
        Whether the p value is exact where an arm has fewer than 10 participants.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    ProbabilisticIndexResult
        Prints the index with its interval and test.

    Raises
    ------
    AnalysisError
        If a column cannot be used, or no test exists.

    Notes
    -----
    Formulas and sources: `trialsim.analysis.ordinal.index_block`, whose block serves
    simulated trials.

    Examples
    --------
    >>> trial = pd.DataFrame({"arm": ["p"] * 4 + ["d"] * 4, "grade": [1, 2, 2, 3, 2, 3, 4, 4]})
    >>> print(probabilistic_index(trial, outcome="grade", arm="arm", control="p"))
    Probability of a higher grade; d against p
      variance  robust, by placements
      analysed  8 (p 4, d 4); 0 without outcome left out
    <BLANKLINE>
    Index, 95% interval
      comparison estimate standard_error  df statistic p_value  lower  upper        test
       d above p   0.8438         0.1421 5.2     2.420  0.2000 0.4831 1.0000 permutation
    """
    check_level(level)
    numbered, _ = number_categories(data, outcome)
    design = read_design(
        numbered, outcome=outcome, arm=arm, strata=strata, control=control, active=active, two_arms=True
    )
    stratum = np.zeros(len(design.outcome), np.int64) if design.strata is None else design.strata
    found = probabilistic_index_block(
        design.outcome[None], design.arm[None], stratum[None], variance=variance, small_samples=small_samples
    )
    if np.isnan(found.estimate[0]):
        raise_for(int(found.status[0]), kernel.REASONS, outcome)
    strata_count = int(stratum.max()) + 1
    with_both = np.intersect1d(stratum[design.arm == 0], stratum[design.arm == 1])
    return ProbabilisticIndexResult(
        estimates=found,
        outcome=outcome,
        arms=(design.arms[0], design.arms[1]),
        counts={name: int(n) for name, n in zip(design.arms, design.counts, strict=True)},
        strata=strata_count,
        silent=strata_count - len(with_both),
        left_out=design.left_out,
        variance=variance,
        level=level,
    )
