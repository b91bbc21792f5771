"""Exact Bayesian prognostic adjustment: a prior from history, a two-t mixture as posterior of the effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from trialsim.analysis.bayesian.kernel import OK, REASONS, adjust_block
from trialsim.analysis.bayesian.prior import AdjustmentPrior
from trialsim.analysis.bayesian.student_mixture import StudentMixture
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables
from trialsim.analysis.one_trial.tidy_frame import (
    check_roles,
    control_first,
    levels_of,
    read_numbers,
    read_outcome,
    refuse_missing,
)
from trialsim.data import Floats, for_kernel
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    import plotly.graph_objects as go


def bayesian_adjustment_block(
    outcome: Floats, arm: NDArray[np.integer], score: Floats, prior: AdjustmentPrior
) -> StudentMixture:
    """Return the exact posterior of the treatment effect of every replicate trial.

    With V = [1, A, M − M̄], y^c = y − M̄ and a prior part (b, K, ν, s²)::

        r = y^c − Vb    P = (K⁻¹ + V'V)⁻¹    b_n = b + P V'r    q = r'r − (V'r)'P(V'r)
        ln m = lnΓ((n+ν)/2) − lnΓ(ν/2) − (n/2) ln(νπs²) − ½ ln|I + K V'V| − ((n+ν)/2) ln(1 + q/(νs²))
        τ | part ~ t_{n+ν}(b_n[A], ((νs²+q)/(n+ν)) P_AA),    ω* ∝ E[ω] m_I

    Parameters
    ----------
    outcome : ndarray (R, N)
        Outcomes; NaN where missing (those participants are left out, so M̄ is theirs no longer).
    arm : ndarray of int (R, N) or (N,)
        0 for control, 1 for active.
    score : ndarray (R, N) or (N,)
        Prognostic scores in units of the outcome.
    prior : AdjustmentPrior
        Of `adjustment_prior`.

    Returns
    -------
    StudentMixture
        With R replicates; ``.estimates()`` gives `trialsim.data.Estimates`. A replicate without an
        outcome in one arm, or with an infinite value, has a status and NaN.

    Raises
    ------
    AnalysisError
        If the shapes do not fit or an arm is neither 0 nor 1.

    Examples
    --------
    >>> from trialsim.analysis.bayesian.prior import HistoryFit, adjustment_prior
    >>> prior = adjustment_prior(HistoryFit(200, 0.0, 1.0, 1.0, 50.0))
    >>> y, a, m = np.array([[0.1, 1.2, -0.3, 0.9]]), np.array([0, 1, 0, 1]), np.array([0.2, 0.1, -0.2, 0.0])
    >>> bayesian_adjustment_block(y, a, m, prior).mean().round(3)
    array([1.001])
    """
    y = for_kernel(outcome, dtype=float)
    if y.ndim != 2:
        raise AnalysisError("must have the axes replicate and participant", field="outcome", value=y.shape)
    arms, scores = _like(arm, y, "arm"), _like(score, y, "score")
    if not np.isin(arms, (0, 1)).all():
        raise AnalysisError("must be 0 (control) or 1 (active)", field="arm")
    parts = (prior.informative, prior.vague)
    df = np.array([part.df for part in parts])
    location, scale, log_m = (np.full((len(y), 2), np.nan) for _ in range(3))
    observed, status = np.zeros(len(y), dtype=np.int64), np.full(len(y), OK, dtype=np.int8)
    adjust_block(
        y,
        for_kernel(arms, dtype=np.int8),
        for_kernel(scores, dtype=float),
        np.array([part.location for part in parts]),
        np.array([part.scale for part in parts]),
        df,
        np.array([part.variance for part in parts]),
        location,
        scale,
        log_m,
        observed,
        status,
    )
    weight = _posterior_weight(prior.mean_weight, log_m)
    return StudentMixture(weight, location, scale, observed[:, None] + df, log_m, observed, status, REASONS)


@dataclass(frozen=True, repr=False)
class BayesianAdjustment(Printed):
    """Exact Bayesian prognostic adjustment of one trial; prints as a statistician's output.

    Parameters
    ----------
    posterior : StudentMixture
        Of one replicate.
    prior : AdjustmentPrior
        That went in.
    outcome, arm, score, control, active : str
        Names of the columns and of the two arms.
    left_out : int
        Participants left out because their outcome is missing.
    """

    posterior: StudentMixture
    prior: AdjustmentPrior
    outcome: str
    arm: str
    score: str
    control: str
    active: str
    left_out: int

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return the mixture and its two parts, one row each."""
        return pd.concat(
            [
                _row("mixture", 1.0, self.posterior, level),
                _row("informative", float(self.posterior.weight[0]), _alone(self.posterior, 0), level),
                _row("vague", float(1 - self.posterior.weight[0]), _alone(self.posterior, 1), level),
            ],
            ignore_index=True,
        )

    def _title(self) -> str:
        return f"Bayesian prognostic adjustment of {self.outcome}; {self.active} minus {self.control}"

    def _facts(self) -> Facts:
        return {
            "analysed": f"{int(self.posterior.observed[0])}; {self.left_out} without outcome left out",
            "score": self.score,
            "history": f"prior weight {self.prior.mean_weight:g}, "
            f"posterior weight {self.posterior.weight[0]:.4f}",
        }

    def _tables(self) -> Tables:
        return {"Posterior of the effect, 95% intervals": self.to_frame()}

    def _notes(self) -> Sequence[str]:
        return ("type I error is not controlled under drift of the outcome against the score",)

    def plot(self) -> go.Figure:
        """Draw the posterior density of the effect and of its two parts."""
        import plotly.graph_objects as go

        lower, upper = (float(end[0]) for end in self.posterior.interval(0.9999))
        effect = np.linspace(lower, upper, 401)
        figure = go.Figure()
        for label, part in (
            ("mixture", self.posterior),
            ("informative part", _alone(self.posterior, 0)),
            ("vague part", _alone(self.posterior, 1)),
        ):
            below = np.array([part.probability_below(value)[0] for value in effect])
            figure.add_scatter(x=effect, y=np.gradient(below, effect), name=label, mode="lines")
        figure.update_layout(xaxis_title=f"{self.active} minus {self.control}", yaxis_title="density")
        return figure


def bayesian_adjustment(
    data: pd.DataFrame, *, outcome: str, arm: str, score: str, prior: AdjustmentPrior, control: object = None
) -> BayesianAdjustment:
    """Adjust one trial for a prognostic score with a prior from history; see `bayesian_adjustment_block`.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcome, arm, score : str
        Columns. A missing outcome leaves the participant out; a score must be there.
    prior : AdjustmentPrior
        Of `adjustment_prior`.
    control : object, optional
        Label of the control arm; the first in sorted order if not given.

    Returns
    -------
    BayesianAdjustment
        Posterior of the effect, the weights of the parts, and the effective sample size.

    Raises
    ------
    AnalysisError
        If a column is not there, the arms are not two, an arm has no outcome, or a value is not finite.

    Examples
    --------
    >>> data = pd.DataFrame({"y": [0.1, 1.2, -0.3, 0.9], "arm": ["c", "t"] * 2, "m": [0.2, 0.1, -0.2, 0.0]})
    >>> from trialsim.analysis.bayesian.prior import HistoryFit, adjustment_prior
    >>> prior = adjustment_prior(HistoryFit(200, 0.0, 1.0, 1.0, 50.0))
    >>> print(bayesian_adjustment(data, outcome="y", arm="arm", score="m", prior=prior))
        Bayesian prognostic adjustment of y; t minus c
      analysed  4; 0 without outcome left out
      score     m
      history   prior weight 0.5, posterior weight 0.9407
    <BLANKLINE>
    Posterior of the effect, 95% intervals
        component weight   mean     sd   lower  upper probability_above_0
          mixture 1.0000 1.0014 0.6995 -0.3782 2.3753              0.9241
      informative 0.9407 0.9960 0.7054 -0.3879 2.3799              0.9213
            vague 0.0593 1.0883 0.5933 -0.0930 2.2697              0.9680
    Note: type I error is not controlled under drift of the outcome against the score
    """
    check_roles(data, [outcome, arm, score])
    y = read_outcome(data, outcome)
    refuse_missing(data, arm)
    control, *others = control_first(levels_of(data[arm]), control, arm)
    if len(others) > 1:
        raise AnalysisError(
            f"has {1 + len(others)} arms", field=arm, mend="compare two arms at a time: take out the others"
        )
    rows = np.flatnonzero(~np.isnan(y))
    m = np.zeros(len(y))
    m[rows] = read_numbers(data.iloc[rows], score, rows)
    indicator = (data[arm] == others[0]).to_numpy().astype(np.int8)
    posterior = bayesian_adjustment_block(y[None], indicator[None], m[None], prior)
    if posterior.status[0] != OK:
        raise AnalysisError(f"{REASONS[posterior.status[0]]}: the trial cannot be analysed", field=outcome)
    return BayesianAdjustment(
        posterior, prior, outcome, arm, score, str(control), str(others[0]), len(y) - len(rows)
    )


def _posterior_weight(mean_weight: float, log_m: Floats) -> Floats:
    readable = ~np.isnan(log_m[:, 0])
    weight = np.full(len(log_m), np.nan)
    if mean_weight in (0.0, 1.0):
        weight[readable] = mean_weight
        return weight
    log_bayes_factor = log_m[readable, 0] - log_m[readable, 1]
    log_odds = np.log(mean_weight) - np.log1p(-mean_weight) + log_bayes_factor
    weight[readable] = expit(log_odds)
    return weight


def _like(values: ArrayLike, outcomes: Floats, field: str) -> NDArray[np.generic]:
    array = np.asarray(values)
    if array.shape not in (outcomes.shape, outcomes.shape[1:]):
        raise AnalysisError(
            f"must have the shape of the outcomes, {outcomes.shape}", field=field, value=array.shape
        )
    return np.broadcast_to(array, outcomes.shape)


def _alone(posterior: StudentMixture, part: int) -> StudentMixture:
    columns = [part, part]
    return StudentMixture(
        np.ones(len(posterior)),
        posterior.location[:, columns],
        posterior.scale[:, columns],
        posterior.df[:, columns],
        posterior.log_marginal[:, columns],
        posterior.observed,
        posterior.status,
        posterior.reasons,
    )


def _row(component: str, weight: float, posterior: StudentMixture, level: float) -> pd.DataFrame:
    frame = posterior.to_frame(level).drop(columns=["replicate", "weight_informative", "status"])
    frame.insert(0, "component", component)
    frame.insert(1, "weight", weight)
    return frame
