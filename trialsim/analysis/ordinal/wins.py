r"""Win ratio, win odds and net benefit of two arms, by one outcome or by several in order of importance.

Every active participant is compared with every control on the first outcome; a tie goes to the next. With
the shares w of wins, l of losses and t of ties,

.. math:: WR = w / l, \quad WO = (w + t/2) / (l + t/2), \quad NB = w - l

and their variances follow by the delta method from those of the U statistics w and l, estimated by the
sample covariances of each participant's own shares (Bebu and Lachin 2016, Biostatistics 17:178; Brunner,
Vandemeulebroecke, Mütze 2021, Stat. Med. 40:3367). For one outcome the win odds are θ/(1 − θ) with θ the
probabilistic index.

That nothing differs between the arms is tested by the sum over the active of each participant's wins minus
losses against everybody (Finkelstein and Schoenfeld 1999, Stat. Med. 18:1341): exactly in small samples, over
all ways of giving the arms again, and where a measure has no standard error.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.linear.design import read_design
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, half_width, number, p_text
from trialsim.analysis.one_trial.tidy_frame import check_level
from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.log_rank_test import Test
from trialsim.analysis.survival.small_samples.assignments import linear_scores, p_by_assignments
from trialsim.analysis.survival.small_samples.rank_scores import RankTest
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError

_ROWS = 256


@dataclass(frozen=True, repr=False)
class WinResult(Printed):
    """Wins of one trial.

    Parameters
    ----------
    arms : tuple of (str, str)
        Control and active.
    pairs : int
        Comparisons: product of the sizes of the arms.
    by_outcome : DataFrame
        Shares of wins, losses and of what is still tied after each outcome.
    wins, losses, ties : float
        Shares in the end.
    covariance : ndarray (2, 2)
        Of the shares of wins and losses.
    level : float
        Of the intervals.
    z : float
        Of Finkelstein and Schoenfeld, positive where active wins.
    by : RankTest
        P value of no difference by the rule for small samples, and how it was got.
    """

    arms: tuple[str, str]
    pairs: int
    by_outcome: pd.DataFrame
    wins: float
    losses: float
    ties: float
    covariance: Floats
    level: float
    z: float
    by: RankTest

    def to_frame(self) -> pd.DataFrame:
        """Return one row each for win ratio, win odds and net benefit; p values are of no effect.

        The ratios have limits on the log scale, and none where an arm never wins. Their standard errors are
        of the logarithm. In small samples all three have the exact p value; ``test`` says which it is.
        """
        won, lost, half = self.wins, self.losses, self.ties / 2
        ratio = np.array([_over(won), -_over(lost)])
        odds = 0.5 * np.array([1.0, -1.0]) * (_over(won + half) + _over(lost + half))
        rows = [
            ("win ratio", *self._log_ratio(won, lost, ratio)),
            ("win odds", *self._log_ratio(won + half, lost + half, odds)),
            ("net benefit", *self._line(won - lost, np.array([1.0, -1.0]))),
        ]
        names = ["measure", "estimate", "standard_error", "lower", "upper", "statistic", "p_value"]
        frame = pd.DataFrame(rows, columns=names).assign(test="wald")
        if self.by.test != "asymptotic":
            return frame.assign(statistic=np.nan, p_value=self.by.p_value, test=self.by.test)
        lone = frame["p_value"].isna()
        frame.loc[lone, ["statistic", "p_value"]] = self.z, self.by.p_value
        frame.loc[lone, "test"] = "finkelstein_schoenfeld"
        return frame

    def _line(self, value: float, gradient: Floats) -> tuple[float, ...]:
        error = float(np.sqrt(gradient @ self.covariance @ gradient))
        z = value / error if error > 0.0 else np.nan
        width = half_width(self.level) * error
        return value, error, value - width, value + width, z, 2.0 * float(special.ndtr(-abs(z)))

    def _log_ratio(self, above: float, below: float, gradient: Floats) -> tuple[float, ...]:
        if above <= 0.0 or below <= 0.0:
            return (np.inf if below <= 0.0 < above else above, *[np.nan] * 5)
        value, error, lower, upper, z, p = self._line(float(np.log(above / below)), gradient)
        return float(np.exp(value)), error, float(np.exp(lower)), float(np.exp(upper)), z, p

    def _title(self) -> str:
        return f"Wins of {self.arms[1]} over {self.arms[0]}"

    def _facts(self) -> Facts:
        return {
            "pairs": f"{self.pairs}: {self.wins:.2%} won, {self.losses:.2%} lost, {self.ties:.2%} tied",
            "no difference": f"z {number(self.z)}, p {p_text(self.by.p_value)}",
            "p value": f"{self.by.test}: {self.by.reason}",
        }

    def _tables(self) -> Tables:
        return {"By outcome": self.by_outcome, f"Effects, {self.level:.0%} intervals": self.to_frame()}


def _over(value: float) -> float:
    return 1.0 / value if value > 0.0 else np.nan


def win_ratio(
    data: pd.DataFrame,
    *,
    outcomes: Sequence[str],
    arm: str,
    lower_is_better: Sequence[str] = (),
    control: Hashable | None = None,
    active: Hashable | None = None,
    level: float = 0.95,
    test: Test = "automatic",
    seed: int = 1,
) -> WinResult:
    """Compare two arms by wins, on outcomes in order of importance.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcomes : str or sequence of str
        Numeric columns, the most important first; a row without the first is left out, the others must be
        complete.
    arm : str
        Column of the arm.
    lower_is_better : sequence of str
        Those outcomes of which a lower value wins.
    control, active : optional
        Labels in `arm`; the first level, and the only other one, unless given.
    level : float
        Confidence level, in (0, 1).
    test : {"automatic", "asymptotic", "exact", "permutation"}
        Automatic: exact where an arm has fewer than 10 participants, by permutation if the ways are too many.
    seed : int
        Of the 9,999 random ways.

    Returns
    -------
    WinResult

    Raises
    ------
    AnalysisError
        If a column cannot be used, or every pair is tied.

    Examples
    --------
    >>> trial = pd.DataFrame({"arm": ["p"] * 4 + ["d"] * 4, "grade": [1, 2, 2, 3, 2, 3, 4, 4]})
    >>> found = win_ratio(trial, outcomes="grade", arm="arm", control="p")
    >>> found.wins, found.losses, round(float(found.to_frame()["estimate"][1]), 3)
    (0.75, 0.0625, 5.4)
    """
    check_level(level)
    names = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    unknown = [name for name in lower_is_better if name not in names]
    if not names or unknown:
        raise AnalysisError("is not among the outcomes", field="lower_is_better", value=unknown or names)
    design = read_design(
        data, outcome=names[0], arm=arm, covariates=names[1:], control=control, active=active, two_arms=True
    )
    if design.covariates.shape[1] != len(names) - 1 or not np.isnan(design.equal_weight).all():
        raise AnalysisError("must hold numbers", field="outcomes", value=names[1:])
    values = np.column_stack([design.outcome, design.covariates])
    values *= [-1.0 if name in lower_is_better else 1.0 for name in names]
    control_values, active_values = values[design.arm == 0], values[design.arm == 1]
    result = np.zeros((len(active_values), len(control_values)))
    rows = []
    for k, name in enumerate(names):
        tied = result == 0.0
        result = np.where(tied, np.sign(active_values[:, k, None] - control_values[None, :, k]), result)
        rows.append((name, (tied & (result > 0)).mean(), (tied & (result < 0)).mean(), (result == 0).mean()))
    if not result.any():
        raise AnalysisError("constant_outcome: every pair is tied", field=names[0])
    won, lost = (result > 0).astype(np.float64), (result < 0).astype(np.float64)
    covariance = sum(
        np.cov(won.mean(axis), lost.mean(axis)) / won.shape[1 - axis] for axis in (0, 1)
    )  # over controls, then over the active
    z, by = _no_difference(values, design.arm, test, seed)
    return WinResult(
        arms=(design.arms[0], design.arms[1]),
        pairs=result.size,
        by_outcome=pd.DataFrame(rows, columns=["outcome", "wins", "losses", "tied"]),
        wins=float(won.mean()),
        losses=float(lost.mean()),
        ties=float((result == 0).mean()),
        covariance=np.asarray(covariance),
        level=level,
        z=z,
        by=by,
    )


def _no_difference(values: Floats, arm: Ints, test: Test, seed: int) -> tuple[float, RankTest]:
    """Return z of Finkelstein and Schoenfeld, and the p value by the rule for small samples."""
    scores = np.empty((len(values), 1))
    for first in range(0, len(values), _ROWS):
        some = values[first : first + _ROWS]
        result = np.zeros((len(some), len(values)))
        for k in range(values.shape[1]):
            result = np.where(result == 0.0, np.sign(some[:, k, None] - values[None, :, k]), result)
        scores[first : first + _ROWS, 0] = result.sum(axis=1)
    given, nobody = arm.astype(np.int8), np.zeros(len(arm), np.int64)
    at, covariance = linear_scores(scores, given, nobody, 2)
    z = float(at(given[None])[0, 0, 0] / np.sqrt(covariance[0, 0, 0, 0]))

    def distance(assigned: Labels) -> Floats:
        return np.abs(at(assigned)[:, 0, 0])

    everybody = np.ones(len(arm), np.int8)
    p = float(2.0 * special.ndtr(-abs(z)))
    return z, p_by_assignments(distance, p, given, everybody, nobody, test, seed)
