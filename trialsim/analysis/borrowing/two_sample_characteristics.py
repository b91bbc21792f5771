"""Operating characteristics of a two-arm trial that borrows, by enumeration or quadrature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln, ndtr, ndtri, xlog1py, xlogy

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.checks import counts, finite, finite_array, inside_unit, positive
from trialsim.analysis.borrowing.mixture_difference import difference_probabilities
from trialsim.analysis.borrowing.normal_mixture import NormalMixture, normal_difference_below
from trialsim.analysis.one_trial.printed import Printed, Tables
from trialsim.data import Bools, Estimates, Floats
from trialsim.errors import AnalysisError, DesignError

if TYPE_CHECKING:
    import plotly.graph_objects as go

REASONS = ("ok",)


@dataclass(frozen=True)
class DecisionRule:
    """Succeed if P(θ_treatment − θ_control > margin | data) > confidence.

    Parameters
    ----------
    confidence : float
        In (0, 1).
    margin : float
        On the scale of the parameter.
    """

    confidence: float = 0.95
    margin: float = 0.0

    def __post_init__(self) -> None:
        inside_unit(self.confidence, "confidence")
        finite(self.margin, "margin")


@dataclass(frozen=True)
class BinaryBorrowingDesign:
    """A two-arm trial with a binary outcome and a prior in either arm, enumerated exactly.

    Parameters
    ----------
    treatment_prior, control_prior : BetaMixture
        Priors of the response probabilities.
    treatment_n, control_n : int
        Participants, at least 1.
    rule : DecisionRule
        When the trial succeeds.

    Examples
    --------
    >>> history = BetaMixture([0.48, 0.32, 0.2], [2.5, 14.6, 1], [19.1, 120.2, 1])
    >>> design = BinaryBorrowingDesign(BetaMixture(1, 0.5, 1), history, 24, 6)
    >>> round(design.rejection_probability(0.5, 0.25), 6)
    0.646818
    """

    treatment_prior: BetaMixture
    control_prior: BetaMixture
    treatment_n: int
    control_n: int
    rule: DecisionRule = field(default_factory=DecisionRule)

    def __post_init__(self) -> None:
        for name in ("treatment_n", "control_n"):
            if getattr(self, name) < 1 or int(getattr(self, name)) != getattr(self, name):
                raise AnalysisError("must be a whole number, at least 1", field=name)

    @cached_property
    def probabilities(self) -> Floats:
        """P(θ_t − θ_c > margin | r_t, r_c) of every outcome (n_t + 1, n_c + 1)."""
        treatment = [self.treatment_prior.posterior(r, self.treatment_n) for r in range(self.treatment_n + 1)]
        control = [self.control_prior.posterior(r, self.control_n) for r in range(self.control_n + 1)]
        return difference_probabilities(treatment, control, self.rule.margin)

    @property
    def decisions(self) -> Bools:
        """Whether the trial succeeds at every outcome (n_t + 1, n_c + 1)."""
        return np.asarray(self.probabilities > self.rule.confidence)

    def rejection_probability(self, treatment_rate: float, control_rate: float) -> float:
        """Return the probability of success at two true rates in [0, 1]."""
        mass_t = _binomial_mass(self.treatment_n, treatment_rate)
        mass_c = _binomial_mass(self.control_n, control_rate)
        return float(mass_t @ self.decisions @ mass_c)

    def difference_for_power(self, control_rate: float, power: float) -> float:
        """Return the smallest true difference in rates with that probability of success.

        Raises
        ------
        DesignError
            If not even a treatment rate of 1 reaches the power.
        """
        inside_unit(power, "power")

        def excess(rate: float) -> float:
            return self.rejection_probability(rate, control_rate) - power

        if excess(1.0) < 0:
            raise DesignError("no treatment rate reaches it", field="power", value=power)
        if excess(control_rate) >= 0:
            return 0.0
        return float(brentq(excess, control_rate, 1.0, xtol=1e-12)) - control_rate

    def bias_and_mse(self, treatment_rate: float, control_rate: float) -> tuple[float, float]:
        """Return bias and mean squared error of the posterior mean difference."""
        mass_t = _binomial_mass(self.treatment_n, treatment_rate)
        mass_c = _binomial_mass(self.control_n, control_rate)
        t = _posterior_moments(self.treatment_prior, np.arange(self.treatment_n + 1), self.treatment_n)[0]
        c = _posterior_moments(self.control_prior, np.arange(self.control_n + 1), self.control_n)[0]
        error = t[:, None] - c - (treatment_rate - control_rate)
        return float(mass_t @ error @ mass_c), float(mass_t @ error**2 @ mass_c)

    def estimates(self, r_t: NDArray[np.integer], r_c: NDArray[np.integer]) -> Estimates:
        """Return the analysis of R simulated trials from their responders (R,) in either arm.

        The estimate is the posterior mean difference, the standard error the posterior SD, p is
        2 min(P, 1 − P) of P(θ_t > θ_c + margin).
        """
        counts(r_t, np.full(len(r_t), self.treatment_n))
        counts(r_c, np.full(len(r_c), self.control_n))
        t, vt = _posterior_moments(self.treatment_prior, np.arange(self.treatment_n + 1), self.treatment_n)
        c, vc = _posterior_moments(self.control_prior, np.arange(self.control_n + 1), self.control_n)
        above = self.probabilities[r_t, r_c]
        return Estimates(
            analysis="beta mixture borrowing",
            estimate=t[r_t] - c[r_c],
            standard_error=np.sqrt(vt[r_t] + vc[r_c]),
            df=np.full(len(above), np.inf),
            statistic=np.asarray(ndtri(np.clip(above, 0, 1))),
            p_value=np.clip(2 * np.minimum(above, 1 - above), 0, 1),
            status=np.zeros(len(above), dtype=np.int8),
            reasons=REASONS,
        )


def borrowing_table(
    designs: dict[str, BinaryBorrowingDesign],
    *,
    control_rate: float,
    difference: float,
    drifts: Sequence[float],
) -> BorrowingTable:
    """Return type I error, power, bias and MSE of designs side by side, over a drift of the controls.

    Parameters
    ----------
    designs : dict
        By name, such as ``{"no borrowing": …, "robust MAP": …}``.
    control_rate : float
        Control rate without drift, in (0, 1): what history says.
    difference : float
        True difference for the power.
    drifts : sequence of float
        Shifts of both arms' rates against history; control_rate + drift must stay in [0, 1].

    Returns
    -------
    BorrowingTable
        A row for each design and drift.

    Examples
    --------
    >>> uniform = BetaMixture(1, 1, 1)
    >>> designs = {"none": BinaryBorrowingDesign(uniform, uniform, 24, 12),
    ...            "history": BinaryBorrowingDesign(uniform, BetaMixture(1, 26, 76), 24, 12)}
    >>> table = borrowing_table(designs, control_rate=0.25, difference=0.35, drifts=[0, 0.1, 0.2])
    >>> print(table.worst().round(3))
        design  type1_no_drift  type1_worst  power_no_drift
    0     none           0.039        0.046           0.630
    1  history           0.043        0.549           0.967
    """
    rows = []
    for name, design in designs.items():
        for drift in drifts:
            rate = control_rate + drift
            bias, mse = design.bias_and_mse(rate, rate)
            rows.append(
                {
                    "design": name,
                    "drift": drift,
                    "type1": design.rejection_probability(rate, rate),
                    "power": design.rejection_probability(min(rate + difference, 1.0), rate),
                    "bias": bias,
                    "mse": mse,
                }
            )
    return BorrowingTable(pd.DataFrame(rows))


@dataclass(frozen=True, repr=False)
class BorrowingTable(Printed):
    """Exact operating characteristics of designs over drifts: one row a design and drift."""

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return design, drift, type1, power, bias and MSE at the null."""
        return self.frame.copy()

    def worst(self) -> pd.DataFrame:
        """Return one row a design: type I error without drift and at its worst, and power without drift."""
        rows = []
        for name, part in self.frame.groupby("design", sort=False):
            still = part.iloc[int(part["drift"].abs().argmin())]
            rows.append((name, still["type1"], part["type1"].max(), still["power"]))
        return pd.DataFrame(rows, columns=["design", "type1_no_drift", "type1_worst", "power_no_drift"])

    def _title(self) -> str:
        return "Borrowing over the drift of the control rate"

    def _tables(self) -> Tables:
        return {"Operating characteristics": self.frame}

    def plot(self) -> go.Figure:
        """Draw the type I error of every design against drift."""
        import plotly.graph_objects as go

        figure = go.Figure()
        for name, part in self.frame.groupby("design", sort=False):
            figure.add_scatter(x=part["drift"], y=part["type1"], name=str(name), mode="lines+markers")
        figure.update_layout(xaxis_title="drift of the control rate", yaxis_title="type I error")
        return figure


@dataclass(frozen=True)
class NormalBorrowingDesign:
    """A two-arm trial with a normal outcome of known SD and a normal mixture prior in either arm.

    Parameters
    ----------
    treatment_prior, control_prior : NormalMixture
        Priors of the means.
    treatment_se, control_se : float
        Standard errors of the arm means.
    rule : DecisionRule
        When the trial succeeds.

    Examples
    --------
    >>> flat = NormalMixture(1, 0, 1e4)
    >>> design = NormalBorrowingDesign(flat, flat, 0.2, 0.2, DecisionRule(0.975))
    >>> round(design.rejection_probability(0.0, 0.0), 4)
    0.025
    """

    treatment_prior: NormalMixture
    control_prior: NormalMixture
    treatment_se: float
    control_se: float
    rule: DecisionRule = field(default_factory=DecisionRule)
    nodes: int = 61

    def __post_init__(self) -> None:
        positive(self.treatment_se, "treatment_se")
        positive(self.control_se, "control_se")

    def critical_estimate(self, control_estimate: float) -> float:
        """Return the treatment mean above which the trial succeeds, given the control mean."""
        control = self.control_prior.posterior(control_estimate, self.control_se)

        def excess(estimate: float) -> float:
            treatment = self.treatment_prior.posterior(estimate, self.treatment_se)
            return 1 - normal_difference_below(treatment, control, self.rule.margin) - self.rule.confidence

        spread = 12 * (np.hypot(self.treatment_se, self.control_se) + control.sd())
        centre = control.mean() + self.rule.margin
        lower, upper = centre - spread, centre + spread
        while excess(lower) > 0:
            lower -= spread
        while excess(upper) < 0:
            upper += spread
        return float(brentq(excess, lower, upper, xtol=1e-12 * spread))

    def rejection_probability(self, treatment_mean: float, control_mean: float) -> float:
        """Return the probability of success at two true means, by Gauss-Hermite over the control mean."""
        z, w = hermegauss(self.nodes)
        estimates = control_mean + self.control_se * z
        critical = np.array([self.critical_estimate(float(y)) for y in estimates])
        return float(w @ ndtr((treatment_mean - critical) / self.treatment_se) / w.sum())


def normal_borrowing_estimates(
    treatment: tuple[Floats, float],
    control: tuple[Floats, float],
    treatment_prior: NormalMixture,
    control_prior: NormalMixture,
) -> Estimates:
    """Return the analysis of R simulated trials from estimates (R,) and standard errors of both arms.

    Parameters
    ----------
    treatment, control : pair of array (R,) and float
        Estimates of each arm's mean, and their standard error.
    treatment_prior, control_prior : NormalMixture
        Priors of the two means.

    Returns
    -------
    Estimates
        R posterior means, SDs and two-sided posterior tail probabilities of the difference.

    Examples
    --------
    >>> flat = NormalMixture(1, 0, 1e6)
    >>> treatment, control = (np.array([0.5]), 0.1), (np.array([0.2]), 0.1)
    >>> normal_borrowing_estimates(treatment, control, flat, flat).statistic.round(3)
    array([2.121])
    """
    (w_t, m_t, v_t), (w_c, m_c, v_c) = (
        _normal_posteriors(prior, finite_array(y, name), positive(se, f"{name} standard error"))
        for prior, (y, se), name in (
            (treatment_prior, treatment, "treatment"),
            (control_prior, control, "control"),
        )
    )
    difference = m_t[:, :, None] - m_c[:, None, :]
    spread = np.sqrt(v_t[:, None] + v_c)
    weights = w_t[:, :, None] * w_c[:, None, :]
    above = (weights * ndtr(difference / spread)).sum(axis=(1, 2))
    below = (weights * ndtr(-difference / spread)).sum(axis=(1, 2))
    estimate = (weights * difference).sum(axis=(1, 2))
    square = (weights * (spread**2 + (difference - estimate[:, None, None]) ** 2)).sum(axis=(1, 2))
    tail = np.minimum(above, below)
    return Estimates(
        analysis="normal mixture borrowing",
        estimate=estimate,
        standard_error=np.sqrt(square),
        df=np.full(len(estimate), np.inf),
        statistic=np.where(above >= below, -ndtri(tail), ndtri(tail)),
        p_value=np.minimum(2 * tail, 1.0),
        status=np.zeros(len(estimate), dtype=np.int8),
        reasons=REASONS,
    )


def _posterior_moments(prior: BetaMixture, r: NDArray[np.integer], n: int) -> tuple[Floats, Floats]:
    weights = prior.posterior_weights(r, n)
    a, total = prior.a + r[:, None], prior.a + prior.b + n
    means = a / total
    mean = (weights * means).sum(axis=1)
    variance = (weights * (means * (1 - means) / (total + 1) + (means - mean[:, None]) ** 2)).sum(axis=1)
    return mean, variance


def _normal_posteriors(prior: NormalMixture, y: Floats, se: float) -> tuple[Floats, Floats, Floats]:
    weights = prior.posterior_weights(y, np.full(len(y), se))
    precision = prior.s**-2.0 + se**-2.0
    means = (prior.m * prior.s**-2.0 + y[:, None] * se**-2.0) / precision
    return weights, means, 1 / precision


def _binomial_mass(n: int, rate: float) -> Floats:
    if not 0 <= rate <= 1:
        raise AnalysisError("must be in [0, 1]", field="rate", value=rate)
    r = np.arange(n + 1)
    choose = gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1)
    return np.asarray(np.exp(choose + xlogy(r, rate) + xlog1py(n - r, -rate)))
