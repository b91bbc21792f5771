"""What a mixed model for repeated measures says of one trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from trialsim.analysis.one_trial.printed import Facts, Printed, Tables
from trialsim.analysis.repeated_measures.general.families import ByGroup, Spatial
from trialsim.analysis.repeated_measures.joint_test import joint_test
from trialsim.analysis.repeated_measures.methods import TITLES
from trialsim.analysis.repeated_measures.model import FittedModel, reference_coding
from trialsim.analysis.repeated_measures.newton import STATUSES
from trialsim.data import Estimates, Floats
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, repr=False)
class MmrmResult(Printed):
    """A fitted mixed model for repeated measures.

    Parameters
    ----------
    model : FittedModel
    level : float
        Confidence level of the intervals.

    Attributes
    ----------
    contrasts : DataFrame
        Arm minus control at each visit.
    ls_means : DataFrame
        Least squares means of each arm at each visit.
    coefficients : DataFrame
        Coefficients with the first visit, the control and the first level of factors as reference.
    covariance : DataFrame
        Σ, visit by visit.
    minus_two_log_likelihood, aic, bic : float
        Restricted for REML, with the covariance parameters counted as the R package mmrm does.
    """

    model: FittedModel
    level: float
    _table: Floats = field(repr=False)
    _variance: Floats = field(repr=False)
    _sigma: Floats = field(repr=False)
    _deviance: float = field(repr=False)

    @property
    def participants(self) -> int:
        """Participants with at least one outcome."""
        return len(self.model.trial.arm)

    @property
    def observations(self) -> int:
        """Observed outcomes."""
        return int((~np.isnan(self.model.trial.outcome)).sum())

    @property
    def minus_two_log_likelihood(self) -> float:
        """-2 times the log-likelihood, restricted for REML."""
        scaled = 2.0 * self.model.log_scale() if self.model.method.restricted else 0.0
        return self._deviance + scaled

    @property
    def aic(self) -> float:
        """Akaike's criterion, counting the covariance parameters."""
        return self.minus_two_log_likelihood + 2.0 * self.model.parameters

    @property
    def bic(self) -> float:
        """Schwarz's criterion, counting the covariance parameters and the participants."""
        penalty = self.model.parameters * np.log(self.participants)
        return self.minus_two_log_likelihood + float(penalty)

    @cached_property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the visits given the covariates (V, V); a block for each group where there are some.

        In space it is that of the parameters: a variance and the correlation at distance 1.
        """
        visits = pd.Index(self.model.trial.visits, name="visit")
        family = self.model.family
        if isinstance(family, Spatial):
            variance, rho = family.natural(self.model.general_fit.theta)
            return pd.DataFrame({"variance": [variance], "correlation at distance 1": [rho]})
        if isinstance(family, ByGroup):
            first = [int(np.flatnonzero(family.group == g)[0]) for g in range(family.groups)]
            blocks = [pd.DataFrame(self._sigma[i], index=visits, columns=visits) for i in first]
            return pd.concat(blocks, keys=self.model.group_labels, names=["group"])
        return pd.DataFrame(self._sigma, index=visits, columns=visits)

    @cached_property
    def contrasts(self) -> pd.DataFrame:
        """Arm minus control at each visit."""
        trial = self.model.trial
        visits = [trial.visits[k] for k in self.model.effect_visits]
        size = (len(trial.arms) - 1) * len(visits)
        frame = self._judged(self._table[:size], np.ones(size, bool))
        frame.insert(0, "visit", visits * (len(trial.arms) - 1))
        frame.insert(0, "control", [trial.arms[0]] * size)
        frame.insert(0, "arm", [arm for arm in trial.arms[1:] for _ in visits])
        return frame

    @cached_property
    def ls_means(self) -> pd.DataFrame:
        """LS means: numbers at their mean over the analysed records, factor levels weighted equally.

        A visit-matched number is at its mean over the records of the visit.
        """
        trial = self.model.trial
        size = len(trial.arms) * len(trial.visits)
        table = self._table[-size:].copy()
        table[:, 0] += np.tile(self.model.shift, len(trial.arms))
        constant = any(not term.matched for term in self.model.terms.design.terms[len(trial.arms) :])
        between = np.repeat(np.arange(len(trial.arms)) > 0, len(trial.visits)) | constant
        frame = self._judged(table, between).drop(columns=["statistic", "p_value"])
        frame.insert(0, "visit", list(trial.visits) * len(trial.arms))
        frame.insert(0, "arm", [arm for arm in trial.arms for _ in trial.visits])
        return frame

    @cached_property
    def coefficients(self) -> pd.DataFrame:
        """Coefficients, the references being the first visit, the control, and first levels."""
        rows = reference_coding(self.model)
        table = self.model.judge(np.array([row.weights for row in rows])).table
        table[:, 0] += [row.shift for row in rows]
        frame = self._judged(table, np.array([row.between for row in rows]))
        frame.insert(0, "term", [row.name for row in rows])
        return frame

    def to_frame(self) -> pd.DataFrame:
        """Return the effects, arm minus control, one row an arm and visit."""
        return self.contrasts.copy()

    def estimates(self, arm: object = None, visit: object = None) -> Estimates:
        """Return one effect as `Estimates` of a single replicate; default the first arm, last visit.

        Raises
        ------
        AnalysisError
            If there is no such arm or visit.
        """
        trial = self.model.trial
        chosen = {"arm": trial.arms[1] if arm is None else arm}
        chosen["visit"] = trial.visits[-1] if visit is None else visit
        for name, known in (("arm", trial.arms[1:]), ("visit", trial.visits)):
            if chosen[name] not in known:
                raise AnalysisError("is not in the fit", field=name, value=chosen[name])
        rows = (self.contrasts["arm"] == chosen["arm"]) & (self.contrasts["visit"] == chosen["visit"])
        row = self.contrasts[rows]

        def number(name: str) -> Floats:
            return row[name].to_numpy(np.float64)

        return Estimates(
            self._name(),
            number("estimate"),
            number("standard_error"),
            number("df"),
            number("statistic"),
            number("p_value"),
            np.zeros(1, np.int8),
            STATUSES,
        )

    def joint_test(self, effect: str = "arm") -> pd.Series:
        """Test that no arm differs from control: by an F test with the degrees of freedom of the fit.

        Parameters
        ----------
        effect : {"arm", "arm:visit"}
            ``"arm"``: at no visit; ``"arm:visit"``: by the same amount at every visit.

        Returns
        -------
        Series
            numerator_df, denominator_df, f, p_value.
        """
        weights = self.model.effect_weights()
        if effect == "arm:visit":
            blocks = weights.reshape(len(self.model.trial.arms) - 1, -1, weights.shape[1])
            weights = (blocks[:, 1:] - blocks[:, :1]).reshape(-1, weights.shape[1])
        elif effect != "arm":
            raise AnalysisError("must be 'arm' or 'arm:visit'", field="effect", value=effect)
        return self.f_test(weights, between=effect == "arm")

    def f_test(self, weights: Floats, *, between: bool = True) -> pd.Series:
        """Test that linear functions of the coefficients are 0.

        Satterthwaite fits use the test of Fai and Cornelius, Kenward-Roger fits that of Kenward and Roger,
        and others their own degrees of freedom; see `trialsim.analysis.repeated_measures.joint_test`.

        Parameters
        ----------
        weights : ndarray (k, p)
            In the columns of `model.terms.design`; as `FittedModel.effect_weights` has them.
        between : bool
            Whether one of them involves a column that does not vary within participants.

        Returns
        -------
        Series
            numerator_df, denominator_df, f, p_value.
        """
        return joint_test(self.model, self._variance, weights, self.observations, self.participants, between)

    def _judged(self, table: Floats, between: np.ndarray) -> pd.DataFrame:
        """Return estimates with standard errors, df, intervals, statistics and two-sided p."""
        method = self.model.method
        design = self.model.terms.design
        error = np.sqrt(table[:, method.variance_column])
        options = [
            method.degrees_of_freedom(
                table[:, 2],
                self.observations,
                self.participants,
                design.columns,
                design.constant_terms,
                between=flag,
            )
            for flag in (True, False)
        ]
        df = np.where(between, *options)
        normal = np.isinf(df)
        tail = 0.5 + self.level / 2.0
        statistic = table[:, 0] / error
        finite = np.where(normal, 1.0, df)
        quantile = np.where(normal, ndtri(tail), stdtrit(finite, tail))
        p_value = 2.0 * np.where(normal, ndtr(-np.abs(statistic)), stdtr(finite, -np.abs(statistic)))
        return pd.DataFrame(
            {
                "estimate": table[:, 0],
                "standard_error": error,
                "df": df,
                "lower": table[:, 0] - quantile * error,
                "upper": table[:, 0] + quantile * error,
                "statistic": statistic,
                "p_value": p_value,
            }
        )

    def _name(self) -> str:
        method = self.model.method
        return f"MMRM ({method.likelihood.upper()}, {self.model.covariance}, {method.df})"

    def _title(self) -> str:
        return f"Mixed model for repeated measures of {self.model.outcome}"

    def _facts(self) -> Facts:
        model = self.model
        left_out = f", {model.trial.left_out} without any left out" if model.trial.left_out else ""
        covariates = [
            column.name + (" × visit" if model.by_visit(column.name) else "")
            for column in model.trial.covariates
        ]
        return {
            "method": f"{model.method.likelihood.upper()}, covariance {model.covariance}, "
            f"df {TITLES[model.method.df]}"
            + ("" if model.errors == "model" else f", {model.errors.replace('-', ' ')} standard errors"),
            "participants": f"{self.participants} with an outcome{left_out}",
            "observations": f"{self.observations}",
            "mean": " + ".join(["visit", "arm × visit", *covariates]),
            "fit": f"-2 log-likelihood {self.minus_two_log_likelihood:.4f}, "
            f"AIC {self.aic:.4f}, BIC {self.bic:.4f}",
        }

    def _tables(self) -> Tables:
        means = (
            "LS means: numbers at their mean over the analysed records (visit-matched ones at that of "
            "the visit), factor levels weighted equally"
        )
        return {
            f"Effect: arm minus {self.model.trial.arms[0]}, {100 * self.level:g}% intervals": (
                self.contrasts.drop(columns="control")
            ),
            means: self.ls_means,
            "Covariance": self.covariance.reset_index(),
        }

    def plot(self) -> go.Figure:
        """Return a plotly figure: LS means of the arms over the visits, and the effects, with intervals."""
        from plotly.subplots import make_subplots

        control = self.model.trial.arms[0]
        figure = make_subplots(
            cols=2, subplot_titles=("LS means", f"Difference from {control}"), horizontal_spacing=0.1
        )
        for column, frame in ((1, self.ls_means), (2, self.contrasts)):
            for arm, rows in frame.groupby("arm", sort=False):
                figure.add_trace(_line(str(arm), rows, column), row=1, col=column)
        figure.add_hline(y=0.0, line_dash="dot", line_color="grey", row=1, col=2)
        figure.update_layout(template="plotly_white", yaxis_title=self.model.outcome)
        figure.update_xaxes(title="visit")
        return figure


def _line(arm: str, rows: pd.DataFrame, column: int) -> Any:
    """Return one arm's estimates and intervals over the visits."""
    import plotly.graph_objects as go

    reach = (rows["upper"] - rows["estimate"]).to_numpy()
    return go.Scatter(
        x=[str(visit) for visit in rows["visit"]],
        y=rows["estimate"],
        error_y={"type": "data", "array": reach},
        mode="lines+markers",
        name=arm if column == 1 else f"{arm} − control",
    )
