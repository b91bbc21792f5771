"""The score test that several arms are alike, of any analysis with scores by arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, number, p_text
from trialsim.data import Floats


def chi_square_tail(chi_square: float, degrees: int) -> float:
    """Return the asymptotic p value of a chi-square."""
    return float(special.chdtrc(degrees, chi_square))


def quadratic_forms(scores: Floats, covariances: Floats) -> Floats:
    """Return U'V⁻U of many scores (P, A), for covariances (P, A, A) or one (A, A)."""
    inverse = np.linalg.pinv(covariances, rcond=1e-10, hermitian=True)
    return np.asarray(np.einsum("...a,...ab,...b->...", scores, inverse, scores))


def quadratic_form(score: Floats, covariance: Floats) -> tuple[float, int]:
    """Return U'V⁻U and the rank of V, for scores (A,) that sum to 0.

    Examples
    --------
    >>> chi_square, rank = quadratic_form(np.array([1.0, -1.0]), np.array([[2.0, -2.0], [-2.0, 2.0]]))
    >>> round(chi_square, 9), rank
    (0.5, 1)
    """
    values, vectors = np.linalg.eigh(covariance)
    informed = values > 1e-10 * max(values[-1], 0.0)
    along = vectors[:, informed].T @ score
    return float((along**2 / values[informed]).sum()), int(informed.sum())


@dataclass(frozen=True, repr=False)
class SeveralArmsTest(Printed):
    """A test that several arms are alike.

    Parameters
    ----------
    title : str
        What was tested.
    arms : tuple of str
        Labels, the control first.
    score, covariance : ndarray (A,), (A, A)
        Observed minus expected events of each arm, and their covariance under the null.
    chi_square : float
        Score' covariance⁻ score.
    degrees : int
        Degrees of freedom: the rank of the covariance, one less than the arms that say something.
    table : DataFrame
        One row an arm.
    p_value : float
        Of the test that decides.
    test, reason : str
        Where the p value is from, ``"asymptotic"``, ``"exact"`` or ``"permutation"``, and why.
    """

    title: str
    arms: tuple[str, ...]
    score: Floats
    covariance: Floats
    chi_square: float
    degrees: int
    table: pd.DataFrame
    p_value: float
    test: str
    reason: str

    @property
    def tests(self) -> pd.DataFrame:
        """The test as a table of one row: chi-square, degrees of freedom, p value, and which it is."""
        return pd.DataFrame(
            {
                "chi_square": [self.chi_square], "df": [float(self.degrees)], "p_value": [self.p_value],
                "test": [self.test],
            }
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """Return one row an arm."""
        return self.table

    def _title(self) -> str:
        return f"{self.title}; {len(self.arms)} arms"

    def _facts(self) -> Facts:
        value = f"chi-square {number(self.chi_square)} on {self.degrees} df"
        return {"statistic": f"{value}, p {p_text(self.p_value)}", "p value": f"{self.test}: {self.reason}"}

    def _tables(self) -> Tables:
        return {"Events": self.table}
