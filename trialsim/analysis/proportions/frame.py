"""Two proportions of a statistician's own trial: score, exact and unconditional tests by name."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special, stats

from trialsim.analysis.linear.block import check_choice
from trialsim.analysis.linear.design import read_design
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables
from trialsim.analysis.one_trial.tidy_frame import check_level
from trialsim.analysis.proportions.score import ScoreMethod, score_interval, score_z
from trialsim.errors import AnalysisError

Method = Literal["miettinen_nurminen", "farrington_manning", "fisher", "barnard", "boschloo"]
METHODS = ("miettinen_nurminen", "farrington_manning", "fisher", "barnard", "boschloo")


@dataclass(frozen=True, repr=False)
class ProportionsResult(Printed):
    """Two proportions of one trial, their difference and its test.

    Parameters
    ----------
    arms : tuple of (str, str)
        Control and active.
    events, sizes : tuple of (int, int)
        Of control and active.
    difference, lower, upper : float
        Active minus control, with the limits of a score interval.
    statistic : float
        z of a score test; the odds ratio of Fisher's, the statistic of the unconditional tests.
    p_value : float
        Two-sided, or one-sided against a margin.
    method : str
        The test.
    margin : float
        Difference under the null.
    level : float
        Of the interval.
    """

    arms: tuple[str, str]
    events: tuple[int, int]
    sizes: tuple[int, int]
    difference: float
    lower: float
    upper: float
    statistic: float
    p_value: float
    method: str
    margin: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row: difference with its limits, statistic and p value."""
        return pd.DataFrame(
            {
                "comparison": [f"{self.arms[1]} - {self.arms[0]}"],
                "estimate": [self.difference],
                "lower": [self.lower],
                "upper": [self.upper],
                "statistic": [self.statistic],
                "p_value": [self.p_value],
                "test": [self.method],
            }
        )

    def _title(self) -> str:
        return f"Difference of proportions; {self.arms[1]} minus {self.arms[0]}"

    def _facts(self) -> Facts:
        null = "no difference, two-sided" if self.margin == 0.0 else f"{self.margin:g}, one-sided"
        return {
            "events": ", ".join(
                f"{arm} {x} of {n}" for arm, x, n in zip(self.arms, self.events, self.sizes, strict=True)
            ),
            "null": null,
        }

    def _tables(self) -> Tables:
        return {f"Difference, {self.level:.0%} score interval": self.to_frame()}


def two_proportions(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    control: Hashable | None = None,
    active: Hashable | None = None,
    method: Method = "miettinen_nurminen",
    margin: float = 0.0,
    level: float = 0.95,
) -> ProportionsResult:
    """Compare the proportions of two arms by a named test.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcome : str
        Column of 0 and 1; rows where it is missing are left out.
    arm : str
        Column of the arm.
    control, active : optional
        Labels in `arm`; the first level, and the only other one, unless given.
    method : {"miettinen_nurminen", "farrington_manning", "fisher", "barnard", "boschloo"}
        Score tests; Fisher's exact test; unconditional exact tests of Barnard (1945, pooled variance) and of
        Boschloo (1970). The interval is that of the score test; Miettinen and Nurminen's for exact tests.
    margin : float
        Difference under the null, in (−1, 1). Where it is not 0 the test is one-sided, against a larger
        difference: non-inferiority of a good event has a margin below 0. For score tests alone.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    ProportionsResult

    Raises
    ------
    AnalysisError
        If a column cannot be used, or the margin or its test is not possible.

    Examples
    --------
    >>> cured = [1] * 8 + [0] * 12 + [1] * 16 + [0] * 4
    >>> trial = pd.DataFrame({"arm": ["p"] * 20 + ["d"] * 20, "cured": cured})
    >>> found = two_proportions(trial, outcome="cured", arm="arm", control="p", method="fisher")
    >>> round(found.p_value, 4)
    0.0225
    """
    check_level(level)
    check_choice("method", method, METHODS)
    if not -1.0 < margin < 1.0:
        raise AnalysisError("must be in (-1, 1)", field="margin", value=margin)
    exact = method in ("fisher", "barnard", "boschloo")
    if exact and margin != 0.0:
        raise AnalysisError(
            "is served by the score tests alone", field="margin", value=margin, mend="use farrington_manning"
        )
    design = read_design(data, outcome=outcome, arm=arm, control=control, active=active, two_arms=True)
    if not np.isin(design.outcome, (0.0, 1.0)).all():
        raise AnalysisError("must hold 0 and 1", field=outcome)
    n0, n1 = (int(n) for n in design.counts)
    x0, x1 = (int(x) for x in np.bincount(design.arm, weights=design.outcome, minlength=2))
    form: ScoreMethod = "farrington_manning" if method == "farrington_manning" else "miettinen_nurminen"
    lower, upper = score_interval(x1, n1, x0, n0, level=level, method=form)
    if exact:
        statistic, p_value = _exact(method, [[x1, x0], [n1 - x1, n0 - x0]])
    else:
        statistic = float(score_z(x1, n1, x0, n0, difference=margin, method=form))
        statistic = 0.0 if np.isnan(statistic) else statistic
        tail = float(special.ndtr(-abs(statistic)))
        p_value = 2.0 * tail if margin == 0.0 else float(special.ndtr(-statistic))
    return ProportionsResult(
        arms=(design.arms[0], design.arms[1]), events=(x0, x1), sizes=(n0, n1),
        difference=x1 / n1 - x0 / n0, lower=lower, upper=upper, statistic=statistic, p_value=p_value,
        method=method, margin=margin, level=level,
    )  # fmt: skip


def _exact(method: str, table: list[list[int]]) -> tuple[float, float]:
    """Return statistic and two-sided p value; columns are the arms, rows events and none."""
    if sum(table[0]) == 0 or sum(table[1]) == 0:
        return 0.0, 1.0
    tests: dict[str, Any] = {
        "fisher": stats.fisher_exact, "barnard": stats.barnard_exact, "boschloo": stats.boschloo_exact
    }  # fmt: skip
    found = tests[method](table)
    return float(found.statistic), float(min(found.pvalue, 1.0))
