"""What a linear model says of one trial: a table of effects that prints like a statistician's output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special, stats

from trialsim.analysis.one_trial.deciding import StandsIn
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, counts_text
from trialsim.data import Floats

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, repr=False)
class LinearResult(Printed):
    """Effects, least-squares means and coefficients of a linear model of one trial.

    Parameters
    ----------
    title : str
        Name of the analysis.
    model : str
        The model in one line.
    variance : str
        Kind of the covariance, such as ``"HC3"``.
    counts : dict
        Analysed participants of each arm, control first.
    left_out : int
        Rows without an outcome.
    df : float
        Analysed participants minus columns.
    level : float
        Confidence level, in (0, 1).
    comparisons : tuple of str
        What each effect compares, such as ``"high - placebo"``.
    effects, effect_covariance : ndarray (A-1,), (A-1, A-1)
        Arm minus control, in the outcome's unit.
    arm_means, arm_mean_covariance : ndarray (A,), (A, A)
        Least-squares means, given the covariates.
    mean_weights : str
        "equal" or "observed" weights over the levels of factors.
    coefficient_names : tuple of str
        Columns of the design; numeric covariates enter as they are, interactions centred.
    coefficients, coefficient_covariance : ndarray (K,), (K, K)
        All columns of the model.
    residual_sd, r_squared : float
        Root of RSS/df, and share of variance explained, of the (weighted) fit.
    notes : tuple of str
        What a reader should know besides.
    instead : StandsIn, optional
        The test that decides where data too extreme leave no estimate; every number of the model is then NaN.
    """

    title: str
    model: str
    variance: str
    counts: dict[str, int]
    left_out: int
    df: float
    level: float
    comparisons: tuple[str, ...]
    effects: Floats
    effect_covariance: Floats
    arm_means: Floats
    arm_mean_covariance: Floats
    mean_weights: str
    coefficient_names: tuple[str, ...]
    coefficients: Floats
    coefficient_covariance: Floats
    residual_sd: float
    r_squared: float
    notes: tuple[str, ...] = ()
    instead: StandsIn | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return one row a comparison: estimate, error, df, statistic, p value, limits."""
        frame = inference(
            self.comparisons, self.effects, self.effect_covariance, self.df, self.level, "comparison"
        )
        return frame if self.instead is None else self.instead.on(frame)

    @property
    def status(self) -> str:
        """``"ok"``, or why the effect cannot be estimated."""
        return "ok" if self.instead is None else self.instead.status

    @property
    def decided_by(self) -> str:
        """The test of the p value: ``"t"``, or the one that stands in."""
        return "t" if self.instead is None else self.instead.test

    def means_frame(self) -> pd.DataFrame:
        """Return one row an arm: least-squares mean, standard error, confidence limits, participants."""
        frame = inference(
            tuple(self.counts), self.arm_means, self.arm_mean_covariance, self.df, self.level, "arm"
        )
        frame.insert(1, "participants", list(self.counts.values()))
        return frame.drop(columns=["statistic", "p_value"])

    def coefficients_frame(self) -> pd.DataFrame:
        """Return one row a coefficient of the model."""
        return inference(
            self.coefficient_names,
            self.coefficients,
            self.coefficient_covariance,
            self.df,
            self.level,
            "term",
        )

    def _title(self) -> str:
        return self.title

    def _facts(self) -> Facts:
        return {
            "model": self.model,
            "variance": f"{self.variance}, Student's t",
            "analysed": f"{counts_text(self.counts)}; {self.left_out} without outcome left out",
            "residual": f"SD {self.residual_sd:.4g}, R² {self.r_squared:.3f}",
        }

    def _tables(self) -> Tables:
        tables = {f"Effects, {self.level:.0%} intervals": self.to_frame()}
        if len(self.arm_means):
            weighting = "equal weights" if self.mean_weights == "equal" else "observed shares"
            title = f"Least-squares means (numeric covariates at their mean, {weighting} of factor levels)"
            tables[title] = self.means_frame()
        return tables

    def _notes(self) -> Sequence[str]:
        return self.notes if self.instead is None else (self.instead.note, *self.notes)

    def plot(self) -> go.Figure:
        """Return a plotly figure of the effects with their confidence intervals."""
        return forest(self.to_frame(), self.title)


def inference(
    names: tuple[str, ...],
    estimate: Floats,
    covariance: Floats,
    df: float,
    level: float,
    label: str,
    *,
    null: float = 0.0,
) -> pd.DataFrame:
    """Return estimates with Student's t tests against `null` and confidence limits; infinite df is normal."""
    error = np.sqrt(np.diagonal(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):  # arms without spread have an error of 0
        statistic = (estimate - null) / error
    quantile = stats.t.ppf(0.5 + level / 2.0, df)
    p_value = 2.0 * (
        special.ndtr(-np.abs(statistic)) if np.isinf(df) else special.stdtr(df, -np.abs(statistic))
    )
    return pd.DataFrame(
        {
            label: names,
            "estimate": estimate,
            "standard_error": error,
            "df": df,
            "statistic": statistic,
            "p_value": p_value,
            "lower": estimate - quantile * error,
            "upper": estimate + quantile * error,
        }
    )


def forest(frame: pd.DataFrame, title: str, *, null: float = 0.0) -> Any:
    """Return a plotly forest plot of the rows of an `inference` frame, with a line at no effect."""
    import plotly.graph_objects as go  # costs half a second that simulation workers need not pay

    figure = go.Figure(
        go.Scatter(
            x=frame["estimate"],
            y=frame.iloc[:, 0],
            mode="markers",
            error_x={
                "type": "data",
                "symmetric": False,
                "array": frame["upper"] - frame["estimate"],
                "arrayminus": frame["estimate"] - frame["lower"],
            },
        )
    )
    figure.add_vline(x=null, line_dash="dot")
    figure.update_layout(title=title, xaxis_title="estimate and confidence interval", yaxis_title="")
    return figure
