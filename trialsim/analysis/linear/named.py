"""Tests of several arms, each as one function of a data frame: fit and compare."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from trialsim.analysis.linear.block import Variance as LinearVariance
from trialsim.analysis.linear.frame import ancova
from trialsim.analysis.linear.several_arms import dunnett, joint_test
from trialsim.analysis.one_trial.tidy_frame import Columns
from trialsim.errors import AnalysisError


def every_arm_with_control(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    covariates: Columns = (),
    strata: Columns = (),
    control: Hashable | None = None,
    variance: LinearVariance = "model",
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare every arm with the control by Dunnett's test, adjusted for covariates as in `ancova`."""
    fit = _fit(data, outcome, arm, covariates, strata, control, variance)
    if len(fit.comparisons) == 1:
        raise AnalysisError(
            "has one arm beside the control", field=arm, mend="use ancova, whose p value it is"
        )
    return dunnett(fit, level=level)


def all_arms_at_once(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    covariates: Columns = (),
    strata: Columns = (),
    control: Hashable | None = None,
    variance: LinearVariance = "model",
) -> pd.DataFrame:
    """Test that no arm differs from the control, by one F test adjusted as in `ancova`."""
    found = joint_test(_fit(data, outcome, arm, covariates, strata, control, variance))
    return pd.DataFrame([found], columns=["statistic", "df_numerator", "df_denominator", "p_value"])


def _fit(
    data: pd.DataFrame, outcome: str, arm: str, covariates: Columns, strata: Columns,
    control: Hashable | None, variance: LinearVariance,
) -> Any:  # fmt: skip
    return ancova(
        data,
        outcome=outcome,
        arm=arm,
        covariates=covariates,
        strata=strata,
        control=control,
        variance=variance,
    )
