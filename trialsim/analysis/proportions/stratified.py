r"""Stratified tables: Mantel–Haenszel estimates, and the Cochran–Mantel–Haenszel test of any size of table.

With a, b events and n1, n0 participants of the active and the control arm, n = n1 + n0, in each stratum:

.. math:: \widehat{RD} = \frac{\sum (a n_0 - b n_1)/n}{\sum n_1 n_0 / n}, \quad
          \widehat{RR} = \frac{\sum a n_0 / n}{\sum b n_1 / n}, \quad
          \widehat{OR} = \frac{\sum a (n_0 - b) / n}{\sum b (n_1 - a) / n}

with the variances of Sato (1989, Biometrics 45:1323), Greenland and Robins (1985, Biometrics 41:55), and
Robins, Breslow and Greenland (1986, Biometrics 42:311). A stratum with one arm says nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special, stats

from trialsim.analysis.linear.block import check_choice
from trialsim.analysis.linear.design import read_design
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, half_width, number, p_text
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.survival.small_samples.rank_scores import choose
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError

Measure = Literal["risk_difference", "risk_ratio", "odds_ratio"]
MEASURES = ("risk_difference", "risk_ratio", "odds_ratio")


@dataclass(frozen=True, repr=False)
class StratifiedResult(Printed):
    """A common effect over strata, and the test of no effect in any.

    Parameters
    ----------
    measure : str
        "risk_difference", "risk_ratio" or "odds_ratio".
    estimate, lower, upper : float
        On the scale of the measure.
    standard_error : float
        Of the difference, or of the log ratio.
    chi_square, p_value : float
        Cochran–Mantel–Haenszel, one degree of freedom, without continuity correction.
    test, reason : str
        How p was found: "asymptotic" or "exact", and why so.
    strata, silent : int
        Strata with both arms, and with one.
    compared : str
        The arms.
    level : float
        Of the interval.
    """

    measure: str
    estimate: float
    lower: float
    upper: float
    standard_error: float
    chi_square: float
    p_value: float
    test: str
    reason: str
    strata: int
    silent: int
    compared: str
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("estimate", "standard_error", "lower", "upper", "chi_square", "p_value")
        return pd.DataFrame({"comparison": [self.compared]} | {name: [getattr(self, name)] for name in names})

    def _title(self) -> str:
        return f"Mantel–Haenszel {self.measure.replace('_', ' ')}; {self.compared}"

    def _facts(self) -> Facts:
        return {
            "strata": f"{self.strata}; {self.silent} with one of the arms left out",
            "test": f"Cochran–Mantel–Haenszel χ² {number(self.chi_square)}, p {p_text(self.p_value)}",
            "p value": f"{self.test}: {self.reason}",
        }

    def _tables(self) -> Tables:
        return {f"Common effect, {self.level:.0%} interval": self.to_frame()}


def mantel_haenszel(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    strata: Columns,
    control: Hashable | None = None,
    active: Hashable | None = None,
    measure: Measure = "risk_difference",
    level: float = 0.95,
    test: Literal["automatic", "asymptotic", "exact"] = "automatic",
) -> StratifiedResult:
    """Estimate a common risk difference, risk ratio or odds ratio over strata.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcome : str
        Column of 0 and 1; rows where it is missing are left out.
    arm : str
        Column of the arm.
    strata : str or sequence of str
        Columns whose crossing makes the strata.
    control, active : optional
        Labels in `arm`; the first level, and the only other one, unless given.
    measure : {"risk_difference", "risk_ratio", "odds_ratio"}
        What is common to the strata.
    level : float
        Confidence level, in (0, 1).
    test : {"automatic", "asymptotic", "exact"}
        Exact where an arm has fewer than 10 participants, or fewer than 10 have the event or lack it.

    Returns
    -------
    StratifiedResult
        The test is one, whatever the measure, and exists where the ratio does not.

    Raises
    ------
    AnalysisError
        If a column cannot be used, no stratum has both arms, or everybody's outcome is the same.

    Examples
    --------
    >>> trial = pd.DataFrame({
    ...     "arm": ["p", "d"] * 8, "site": [1] * 8 + [2] * 8, "cured": [0, 1, 0, 1, 1, 1, 0, 0] * 2})
    >>> found = mantel_haenszel(trial, outcome="cured", arm="arm", strata="site", control="p")
    >>> round(found.estimate, 3), round(found.chi_square, 3)
    (0.5, 3.5)
    """
    check_level(level)
    check_choice("measure", measure, MEASURES)
    design = read_design(
        data, outcome=outcome, arm=arm, strata=strata, control=control, active=active, two_arms=True
    )
    y, stratum = design.outcome, design.strata
    if stratum is None:
        raise AnalysisError("must name a column at least", field="strata")
    if not np.isin(y, (0.0, 1.0)).all():
        raise AnalysisError("must hold 0 and 1", field=outcome)
    K = int(stratum.max()) + 1
    place = 2 * stratum + design.arm
    people = np.bincount(place, minlength=2 * K).reshape(K, 2).astype(np.float64)
    events = np.bincount(place, weights=y, minlength=2 * K).reshape(K, 2)
    both = (people > 0).all(1)
    if not both.any():
        raise AnalysisError("no stratum has participants of both arms", field="strata")
    (n0, n1), (b, a) = people[both].T, events[both].T
    chi_square = _chi_square(a, b, n1, n0)
    if np.isnan(chi_square):
        raise AnalysisError("constant_outcome: is the same for everybody within each stratum", field=outcome)
    value, error = _ESTIMATES[measure](a, b, n1, n0)
    width = half_width(level) * error
    limits = (value - width, value + width)
    if measure != "risk_difference":
        value, limits = np.exp(value), (np.exp(limits[0]), np.exp(limits[1]))
    speaks = np.asarray(both)[stratum]
    chosen, reason = _choose(test, design.arm[speaks], y[speaks])
    p_value = (
        float(special.chdtrc(1.0, chi_square)) if chosen == "asymptotic" else exact_p_value(a, b, n1, n0)
    )
    return StratifiedResult(
        measure, float(value), float(limits[0]), float(limits[1]), float(error), chi_square, p_value, chosen,
        reason, int(both.sum()), int((~both).sum()),
        f"{design.arms[1]} against {design.arms[0]}", level,
    )  # fmt: skip


def _choose(test: str, arm: Ints, y: Floats) -> tuple[str, str]:
    """Return the test and the reason; what is rarer, the event or its absence, counts."""
    check_choice("test", test, ("automatic", "asymptotic", "exact"))
    rarer = y if y.sum() <= len(y) / 2 else 1 - y
    return choose(test, arm.astype(np.int8), rarer.astype(np.int8), True, "")


def exact_p_value(a: Floats, b: Floats, n1: Floats, n0: Floats) -> float:
    """Return the two-sided p value of the events of the active arm, given all margins of every stratum.

    The share of all ways to give the arms again within strata in which the sum of the events lies as far from
    what is expected: a convolution of hypergeometric laws.

    Parameters
    ----------
    a, b, n1, n0 : ndarray (K,)
        Events and participants of the active arm, and of the control arm.

    Examples
    --------
    >>> three = np.array([3.0])
    >>> round(exact_p_value(three, np.array([0.0]), three, three), 6)
    0.1
    """
    law, least = np.ones(1), 0.0
    for events, of_active, of_control in zip(a + b, n1, n0, strict=True):
        low, high = max(0.0, events - of_control), min(events, of_active)
        values = np.arange(low, high + 1)
        law = np.convolve(law, stats.hypergeom.pmf(values, of_active + of_control, of_active, events))
        least += low
    expected = float((n1 * (a + b) / (n1 + n0)).sum())
    away = np.abs(least + np.arange(len(law)) - expected)
    return float(min(law[away >= abs(float(a.sum()) - expected) - 1e-9].sum(), 1.0))


def _chi_square(a: Floats, b: Floats, n1: Floats, n0: Floats) -> float:
    n, events = n1 + n0, a + b
    several = n > 1
    variance = (n1 * n0 * events * (n - events))[several] / (n**2 * (n - 1))[several]
    total = variance.sum()
    return float((a - n1 * events / n).sum() ** 2 / total) if total > 0.0 else float("nan")


def _difference(a: Floats, b: Floats, n1: Floats, n0: Floats) -> tuple[Floats, Floats]:
    n = n1 + n0
    weight = (n1 * n0 / n).sum()
    value = ((a * n0 - b * n1) / n).sum() / weight
    p = (n1**2 * b - n0**2 * a + n1 * n0 * (n0 - n1) / 2.0) / n**2
    q = (a * (n0 - b) + b * (n1 - a)) / (2.0 * n)
    return value, np.sqrt((value * p.sum() + q.sum()) / weight**2)


def _log_risk_ratio(a: Floats, b: Floats, n1: Floats, n0: Floats) -> tuple[Floats, Floats]:
    n = n1 + n0
    above, below = (a * n0 / n).sum(), (b * n1 / n).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = ((n1 * n0 * (a + b) - a * b * n) / n**2).sum() / (above * below)
        return _finite(np.log(above / below)), _finite(np.sqrt(variance))


def _log_odds_ratio(a: Floats, b: Floats, n1: Floats, n0: Floats) -> tuple[Floats, Floats]:
    n, c, d = n1 + n0, n1 - a, n0 - b
    r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
    R, S = r.sum(), s.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (
            (p * r).sum() / (2 * R**2) + (p * s + q * r).sum() / (2 * R * S) + (q * s).sum() / (2 * S**2)
        )
        return _finite(np.log(R / S)), _finite(np.sqrt(variance))


def _finite(value: Floats) -> Floats:
    """Return a number, NaN where it does not exist."""
    return np.where(np.isfinite(value), value, np.nan)


_ESTIMATES = {
    "risk_difference": _difference,
    "risk_ratio": _log_risk_ratio,
    "odds_ratio": _log_odds_ratio,
}
