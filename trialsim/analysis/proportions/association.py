"""Whether rows and columns go together in any stratum: the generalised Cochran-Mantel-Haenszel tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.linear.block import check_choice
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables
from trialsim.analysis.one_trial.tidy_frame import Columns, as_names, check_roles
from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.log_rank_test import Test
from trialsim.analysis.survival.small_samples.assignments import p_by_assignments
from trialsim.analysis.survival.small_samples.rank_scores import RankTest
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError

Scores = Literal["none", "columns", "both"]
_TITLES: dict[str, str] = {
    "none": "General association",
    "columns": "Row mean scores differ",
    "both": "Nonzero correlation",
}


@dataclass(frozen=True, repr=False)
class AssociationResult(Printed):
    """A Cochran-Mantel-Haenszel test of two columns over strata.

    Parameters
    ----------
    scores : {"none", "columns", "both"}
        What is tested: association, mean scores of the rows, or correlation.
    chi_square, p_value : float
    df : int
    participants, strata : int
        Those with both values, and the strata that they lie in.
    test, reason : str
        How p was found: "asymptotic", "exact" or "permutation", and why so.
    """

    scores: Scores
    chi_square: float
    df: int
    p_value: float
    participants: int
    strata: int
    test: str
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        values = [(_TITLES[self.scores], self.chi_square, self.df, self.p_value)]
        return pd.DataFrame(values, columns=["alternative", "chi_square", "df", "p_value"])

    def _title(self) -> str:
        return "Cochran–Mantel–Haenszel test"

    def _facts(self) -> Facts:
        return {
            "participants": str(self.participants),
            "strata": str(self.strata),
            "p value": f"{self.test}: {self.reason}",
        }

    def _tables(self) -> Tables:
        return {"Test": self.to_frame()}


def stratified_association(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    strata: Columns | None = None,
    scores: Scores = "none",
    test: Test = "automatic",
    seed: int = 1,
) -> AssociationResult:
    """Test whether an outcome of several levels goes with the arm in any stratum.

    Parameters
    ----------
    data : DataFrame
        One row a participant; rows with a missing outcome are left out.
    outcome : str
        Column of the levels, ordered by value; their places are their scores.
    arm : str
        Column of the arm, two levels or more.
    strata : str or sequence of str, optional
        Columns whose crossing makes the strata; one stratum unless given.
    scores : {"none", "columns", "both"}
        General association; mean scores of the arms; correlation of the scores of arm and outcome.
    test : {"automatic", "asymptotic", "exact", "permutation"}
        By the arms given again within strata where an arm has fewer than 10 participants, as in `log_rank`.
    seed : int
        Of random assignments.

    Returns
    -------
    AssociationResult

    Raises
    ------
    AnalysisError
        A column that cannot be used, or one level in every stratum.

    Notes
    -----
    See `cochran_mantel_haenszel`.

    Examples
    --------
    >>> data = pd.DataFrame({"arm": list("aaabbb"), "level": [0, 0, 1, 1, 1, 0]})
    >>> print(stratified_association(data, outcome="level", arm="arm"))
    Cochran–Mantel–Haenszel test
      participants  6
      strata        1
      p value       exact: fewer than 10 participants in an arm
    <BLANKLINE>
    Test
              alternative chi_square df p_value
      General association     0.5556  1  1.0000
    """
    names = as_names(strata)
    check_roles(data, [outcome, arm, *names])
    used = data[data[outcome].notna()]
    for column in (arm, *names):
        if used[column].isna().any():
            raise AnalysisError("has missing values", field=column, mend="drop or complete such rows first")
    stratum = used.groupby(names, sort=True).ngroup().to_numpy() if names else np.zeros(len(used), np.int64)
    levels: list[Ints] = [np.asarray(pd.factorize(used[name], sort=True)[0]) for name in (arm, outcome)]
    for name, codes in zip((arm, outcome), levels, strict=True):
        if not len(codes) or codes.max() < 1:
            raise AnalysisError("has fewer than two levels", field=name)
    places: Ints = np.asarray(stratum, dtype=np.int64)
    chi_square, df, p_value = cochran_mantel_haenszel(levels[0], levels[1], places, scores=scores)
    by = by_assignments(levels[0], levels[1], places, scores, p_value, test, seed)
    return AssociationResult(
        scores, chi_square, df, by.p_value, len(used), len(np.unique(places)), by.test, by.reason
    )


def by_assignments(
    row: Ints, column: Ints, stratum: Ints, scores: Scores, asymptotic: float, test: str, seed: int
) -> RankTest:
    """Return the p value by all or many ways to give the rows again within strata, by the rule of `choose`.

    χ² is a quadratic form of sums of scores over the rows; margins stay, and with them its covariance.

    Examples
    --------
    >>> apart = np.array([0, 0, 0, 1, 1, 1])
    >>> by_assignments(apart, apart, np.zeros(6, int), "none", 0.04, "automatic", 1).p_value
    0.1
    """
    i, j, s = (np.asarray(one, dtype=np.int64) for one in (row, column, stratum))
    by_rows, by_columns = _scores(int(i.max()) + 1, int(j.max()) + 1, scores)
    centred = by_columns[:, j].T.astype(np.float64)
    for k in np.unique(s):
        centred[s == k] -= centred[s == k].mean(axis=0)
    _, spread = _totals(i, j, s, scores)
    inverse = np.linalg.pinv(spread)

    def statistic(assigned: Labels) -> Floats:
        total = np.einsum("hpn,nw->phw", by_rows[:, assigned], centred).reshape(len(assigned), -1)
        return np.asarray(np.einsum("pi,ij,pj->p", total, inverse, total))

    whole = np.ones(len(i), np.int8)
    return p_by_assignments(statistic, asymptotic, i.astype(np.int8), whole, s, test, seed)


def cochran_mantel_haenszel(
    row: Ints, column: Ints, stratum: Ints, *, scores: Scores = "none"
) -> tuple[float, int, float]:
    """Return χ², degrees of freedom and p value of no association of rows with columns in any stratum.

    Parameters
    ----------
    row, column, stratum : array_like of int (n,)
        Levels from 0, such as arm, response and site.
    scores : {"none", "columns", "both"}
        General association; mean scores of the rows, with the column's number as its score; correlation.

    Returns
    -------
    chi_square : float
    df : int
    p_value : float

    Notes
    -----
    Landis, Heyman and Koch 1978, Int. Stat. Rev. 46:237.

    Examples
    --------
    >>> found = cochran_mantel_haenszel([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 0], [0] * 6)
    >>> round(found[0], 4), found[1]
    (0.5556, 1)
    """
    check_choice("scores", scores, ("none", "columns", "both"))
    i, j, s = (np.asarray(one, dtype=np.int64) for one in (row, column, stratum))
    total, spread = _totals(i, j, s, scores)
    df = int(np.linalg.matrix_rank(spread))
    if df == 0:
        raise AnalysisError("has one level in every stratum", field="column")
    chi_square = float(total @ np.linalg.pinv(spread) @ total)
    return chi_square, df, float(special.chdtrc(df, chi_square))


def _scores(height: int, width: int, scores: Scores) -> tuple[Ints, Ints]:
    """Return the scores of rows and of columns, one line a contrast."""
    by_rows = np.arange(height)[None, :] if scores == "both" else np.eye(height, dtype=np.int64)[:-1]
    by_columns = np.eye(width, dtype=np.int64)[:-1] if scores == "none" else np.arange(width)[None, :]
    return by_rows, by_columns


def _totals(i: Ints, j: Ints, s: Ints, scores: Scores) -> tuple[Floats, Floats]:
    """Return the contrasts of the tables, summed over strata, and their covariance given the margins."""
    height, width = int(i.max()) + 1, int(j.max()) + 1
    by_rows, by_columns = _scores(height, width, scores)
    contrast = np.kron(by_rows, by_columns).astype(np.float64)
    total, spread = np.zeros(len(contrast)), np.zeros((len(contrast), len(contrast)))
    for k in np.unique(s):
        table = np.zeros((height, width))
        np.add.at(table, (i[s == k], j[s == k]), 1.0)
        n, rows, columns = table.sum(), table.sum(1), table.sum(0)
        if n < 2:
            continue
        total += contrast @ (table - np.outer(rows, columns) / n).ravel()
        covariance = np.kron(
            np.diag(rows) - np.outer(rows, rows) / n, np.diag(columns) - np.outer(columns, columns) / n
        ) / (n - 1.0)
        spread += contrast @ covariance @ contrast.T
    return total, spread
