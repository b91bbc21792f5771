"""Odds ratio of an ordinal outcome for a statistician's own trial: a tidy data frame in, a table out."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.linear.design import read_design
from trialsim.analysis.linear.refused import refuse_undecided
from trialsim.analysis.one_trial.printed import Facts, Tables, number, p_text
from trialsim.analysis.one_trial.ratios import RatioResult
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.ordinal.odds_block import (
    OddsTest,
    OddsVariance,
    check_test,
    fit_odds,
    odds_estimates,
)
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError


@dataclass(frozen=True, repr=False)
class ProportionalOddsResult(RatioResult):
    """A proportional odds regression of one trial: log odds ratios; see `RatioResult` for the other fields.

    Parameters
    ----------
    categories : DataFrame
        Participants of each arm in each category.
    test : str
        "wald" or "score", whence the p value of the arm comes.
    variance : str
        "model" or "robust".
    left_out : int
        Rows without an outcome.
    """

    ratio = "odds_ratio"

    categories: pd.DataFrame
    test: str
    variance: str
    left_out: int

    def _title(self) -> str:
        return f"Proportional odds of a higher category; {self.compared}"

    def _facts(self) -> Facts:
        return {
            f"{self.decided_by} test": f"z {number(self.statistic)}, p {p_text(self.p_value)}",
            "variance": f"{self.variance}; {self.level:.0%} intervals",
            "left out": f"{self.left_out} without outcome",
        }

    def _tables(self) -> Tables:
        return {"Categories": self.categories, "Coefficients (Wald)": self.to_frame()}


def proportional_odds(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    covariates: Columns = (),
    strata: Columns = (),
    control: Hashable | None = None,
    active: Hashable | None = None,
    test: OddsTest = "wald",
    variance: OddsVariance = "model",
    level: float = 0.95,
) -> ProportionalOddsResult:
    """Estimate the odds ratio of a higher category between two arms.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcome : str
        Column of the category: numbers, or an ordered categorical; rows where it is missing are left out.
    arm : str
        Column of the arm.
    covariates : str or sequence of str
        Baseline columns: numbers enter as they are, text, booleans and categories as factors.
    strata : str or sequence of str
        Factors of the randomisation, whatever their type; main effects of the model.
    control, active : optional
        Labels in `arm`; the first level, and the only other one, unless given.
    test : {"wald", "score"}
        Of the arm; the score test without covariates is Wilcoxon's.
    variance : {"model", "robust"}
        Inverse observed information, or sandwich.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    ProportionalOddsResult
        Prints the categories by arm and the coefficients; `to_frame` gives one row a coefficient.

    Raises
    ------
    AnalysisError
        If a column cannot be used, a covariate is collinear (named), or a coefficient is infinite.

    Notes
    -----
    Formulas and sources: `trialsim.analysis.ordinal.odds_block`, whose block serves simulated trials.

    Examples
    --------
    >>> trial = pd.DataFrame({"arm": ["p"] * 5 + ["d"] * 5, "grade": [0, 1, 1, 2, 0, 1, 2, 2, 2, 1]})
    >>> fit = proportional_odds(trial, outcome="grade", arm="arm", control="p")
    >>> fit.to_frame()[["term", "estimate", "odds_ratio"]].round(4)
         term  estimate  odds_ratio
    0  arm[d]    2.2443      9.4334
    """
    check_level(level)
    numbered, labels = number_categories(data, outcome)
    design = read_design(
        numbered, outcome=outcome, arm=arm, covariates=covariates, strata=strata, control=control,
        active=active, two_arms=True,
    )  # fmt: skip
    check_test(test, variance)
    arm_codes = design.arm[None].astype(np.int8)
    fits = fit_odds(design.outcome[None], arm_codes, 2, design.covariates[None], variance=variance)
    found = odds_estimates(fits, arm_codes, design.covariates[None], test=test)
    names = (f"{arm}[{design.arms[1]}]", *design.columns)
    refuse_undecided(found, fits.dependent[0], names, outcome)
    return ProportionalOddsResult(
        estimates=found,
        names=names,
        coefficients=fits.coefficients[0],
        covariance=fits.covariance[0],
        arms=(design.arms[0], design.arms[1]),
        level=level,
        categories=_count(design.outcome, design.arm, design.arms, labels),
        test=test,
        variance=variance,
        left_out=design.left_out,
    )  # fmt: skip


def number_categories(data: pd.DataFrame, outcome: str) -> tuple[pd.DataFrame, dict[float, str]]:
    """Return the data with an ordered categorical as numbers from 0, and the label of each number."""
    if not isinstance(data, pd.DataFrame) or outcome not in data.columns:
        return data, {}
    column = data[outcome]
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return data, {}
    if not column.cat.ordered:
        raise AnalysisError(
            "is a category without order", field=outcome, mend="make it an ordered categorical, or numbers"
        )
    codes = column.cat.codes.to_numpy().astype(np.float64)
    codes[codes < 0] = np.nan
    labels = {float(code): str(label) for code, label in enumerate(column.cat.categories)}
    return data.assign(**{outcome: codes}), labels


def _count(outcome: Floats, arm: Ints, arms: tuple[str, ...], labels: dict[float, str]) -> pd.DataFrame:
    """Return the participants of each arm in each category."""
    levels, codes = np.unique(outcome, return_inverse=True)
    counts = {
        name: np.bincount(codes[arm == position], minlength=len(levels)) for position, name in enumerate(arms)
    }
    return pd.DataFrame({"category": [labels.get(value, number(value)) for value in levels], **counts})
