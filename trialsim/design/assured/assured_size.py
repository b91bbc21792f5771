"""Assurance: power averaged over what the history leaves uncertain, and sizes that hold it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from trialsim.data import Floats
from trialsim.design.assured.planning_draws import _LARGEST_TRIAL, PlanningDraws, SizingDraws
from trialsim.design.sizes.variance import Pair
from trialsim.errors import DesignError, require_kind
from trialsim.notebook import InNotebook

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class AssuranceQuestion:
    """What is asked of an assured size.

    Parameters
    ----------
    assurance : float
        Quantile form: asked probability that the power is reached, in (0, 1).
    power : float
        1 − β; the mean form asks for that much power on average.
    alpha : float
        Two-sided level.
    allocation : pair of float
        Shares of (control, active), with sum 1.
    margin : float
        Difference under the null.
    direction : {1, -1}
        Side of the margin on which the effect is a success.
    correlation_discount, sd_inflation : float
        The customary λ and γ (γ on the control SD), for comparison.
    """

    assurance: float = 0.8
    power: float = 0.9
    alpha: float = 0.05
    allocation: Pair = (0.5, 0.5)
    margin: float = 0.0
    direction: int = 1
    correlation_discount: float = 0.9
    sd_inflation: float = 1.1

    def __post_init__(self) -> None:
        for name in ("assurance", "power", "alpha"):
            if not 0 < getattr(self, name) < 1:
                raise DesignError("must lie between 0 and 1", field=name, value=getattr(self, name))
        if min(self.allocation) <= 0 or not math.isclose(sum(self.allocation), 1):
            raise DesignError(
                "must be two positive shares with sum 1", field="allocation", value=self.allocation
            )
        if not math.isfinite(self.margin):
            raise DesignError("must be a finite number", field="margin", value=self.margin)
        if self.direction not in (1, -1):
            raise DesignError("must be 1 or -1", field="direction", value=self.direction)
        if not (0 < self.correlation_discount <= 1 and self.sd_inflation >= 1):
            raise DesignError("needs λ in (0, 1] and γ of at least 1", field="correlation_discount")


def power_draws(total: float, draws: SizingDraws, question: AssuranceQuestion) -> Floats:
    """Return the power of a size under every draw (D,).

    ``Φ(√N (τ − Δ)/√V(θ) − z_{1−α/2})``, in the direction of success only.

    Parameters
    ----------
    total : float
        Participants to analyse in both arms.
    draws : PlanningDraws or ScaleDraws
        What the history leaves uncertain, D draws.
    question : AssuranceQuestion
        Margin, level, allocation and direction of success.

    Returns
    -------
    ndarray (D,)
        Power under each draw, in (0, 1).

    Examples
    --------
    >>> one = np.ones(2)
    >>> draws = PlanningDraws((one, one), (0.5 * one, 0.5 * one), one, np.array([0.3, 0.2]))
    >>> power_draws(350.247, draws, AssuranceQuestion()).round(3)
    array([0.9 , 0.58])
    """
    shift = question.direction * (draws.effect - question.margin)
    standardised = shift * np.sqrt(total / draws.variance(question.allocation))
    return np.asarray(ndtr(standardised - ndtri(1 - question.alpha / 2)))


def assurance(total: float, draws: SizingDraws, question: AssuranceQuestion) -> float:
    """Return the mean power of a size over the draws.

    Parameters
    ----------
    total : float
        Participants to analyse in both arms.
    draws : PlanningDraws or ScaleDraws
        What the history leaves uncertain, D draws.
    question : AssuranceQuestion
        Margin, level, allocation and direction of success.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InputError
        `question` is none, as when arguments are swapped.

    Examples
    --------
    >>> one = np.ones(2)
    >>> sure = PlanningDraws((one, one), (0.5 * one, 0.5 * one), one, 0.3 * one)
    >>> round(assurance(350.247, sure, AssuranceQuestion()), 4)
    0.9
    """
    require_kind("question", question, AssuranceQuestion)
    return float(power_draws(total, draws, question).mean())


def total_for_mean_assurance(draws: SizingDraws, question: AssuranceQuestion) -> float:
    """Return the smallest whole total whose power, averaged over the draws, is at least the asked one.

    Parameters
    ----------
    draws : PlanningDraws or ScaleDraws
        What the history leaves uncertain, D draws.
    question : AssuranceQuestion
        Power that the mean must reach, margin, level, allocation and direction.

    Returns
    -------
    float
        A whole number of participants to analyse in both arms.

    Raises
    ------
    DesignError
        If no size does: draws without an effect in the right direction have no power at any size.

    Examples
    --------
    >>> one = np.ones(2)
    >>> draws = PlanningDraws((one, one), (0.5 * one, 0.5 * one), one, np.array([0.3, 0.2]))
    >>> total = total_for_mean_assurance(draws, AssuranceQuestion())
    >>> total, round(assurance(total, draws, AssuranceQuestion()), 4)
    (606.0, 0.9003)
    """
    if assurance(_LARGEST_TRIAL, draws, question) < question.power:
        right = float(np.mean(question.direction * (draws.effect - question.margin) > 0))
        raise DesignError(
            f"is not reached by any size: the effect is on the right side in {right:.1%} of the draws",
            field="power",
            value=question.power,
            mend="ask for less, or state a prior of the effect that is surer",
        )
    low, high = 2, _LARGEST_TRIAL
    while low < high:
        middle = (low + high) // 2
        if assurance(middle, draws, question) >= question.power:
            high = middle
        else:
            low = middle + 1
    return float(low)


def total_for_quantile_assurance(draws: SizingDraws, question: AssuranceQuestion) -> float:
    """Return the smallest N with P(power(N; θ) ≥ 1 − β) ≥ the asked assurance; infinite if none.

    Each draw needs ``(z_{1−α/2} + z_{1−β})² V(θ)/(τ − Δ)²``; N is a quantile of that.

    Parameters
    ----------
    draws : PlanningDraws or ScaleDraws
        What the history leaves uncertain, D draws.
    question : AssuranceQuestion
        Power, the assurance of reaching it, margin, level, allocation and direction.

    Returns
    -------
    float
        Participants to analyse in both arms, not rounded; infinite where too many draws have no effect.

    Examples
    --------
    >>> one = np.ones(2)
    >>> draws = PlanningDraws((one, one), (0.5 * one, 0.5 * one), one, np.array([0.3, 0.2]))
    >>> round(total_for_quantile_assurance(draws, AssuranceQuestion()), 2)
    788.06
    """
    shift = question.direction * (draws.effect - question.margin)
    z = float(ndtri(1 - question.alpha / 2) + ndtri(question.power))
    variance = draws.variance(question.allocation)
    needed = np.full(len(shift), np.inf)
    right = shift > 0
    needed[right] = z**2 * variance[right] / shift[right] ** 2
    return float(np.sort(needed)[math.ceil(question.assurance * len(needed)) - 1])


@dataclass(frozen=True)
class AssuredSizes(InNotebook):
    """Sizes side by side, and the discount that the posterior implies beside the customary one.

    Parameters
    ----------
    frame : DataFrame
        size, total, assurance (mean power at it), probability (that the power is reached).
    implied_correlation_discount : float
        λ̂: the (1 − assurance) quantile of ρ0 over its median.
    implied_sd_inflation : float
        γ̂: the assurance quantile of σ0 over its median.
    question : AssuranceQuestion
        What was asked.
    """

    frame: pd.DataFrame
    implied_correlation_discount: float
    implied_sd_inflation: float
    question: AssuranceQuestion

    def to_frame(self) -> pd.DataFrame:
        """Return one row a size."""
        return self.frame.copy()

    def total(self, size: str) -> float:
        """Return one size by its name."""
        return float(self.frame.loc[self.frame["size"] == size, "total"].iloc[0])

    def __str__(self) -> str:
        q = self.question
        return (
            f"{self.frame.round(3).to_string(index=False)}\n"
            f"implied discount at assurance {q.assurance:g}: "
            f"λ̂ {self.implied_correlation_discount:.3f}, γ̂ {self.implied_sd_inflation:.3f} "
            f"(customary λ {q.correlation_discount:g}, γ {q.sd_inflation:g})"
        )

    def plot(self) -> go.Figure:
        """Draw the total of every size."""
        import plotly.graph_objects as go

        figure = go.Figure(go.Bar(x=self.frame["size"], y=self.frame["total"]))
        figure.update_layout(yaxis_title="participants to analyse")
        return figure


def assured_sizes(draws: PlanningDraws, question: AssuranceQuestion) -> AssuredSizes:
    """Return sizes without, with customary and with assured discounts, and the worst plausible one.

    The undiscounted size takes every parameter at its median; the discounted one multiplies ρ by λ and
    the control SD by γ; the worst plausible one takes ρ at its 2.5 % and the SDs at their 97.5 % quantile,
    or at their discounted values where those are less favourable.

    Parameters
    ----------
    draws : PlanningDraws
        What the history leaves uncertain, D draws.
    question : AssuranceQuestion
        Power, assurance, level, allocation and the customary discounts.

    Returns
    -------
    AssuredSizes
        A total for each row of the table, infinite where no size does.

    Raises
    ------
    InputError
        `question` is none, as when arguments are swapped.
    DesignError
        No size has the asked power on average over the draws.

    Examples
    --------
    >>> from trialsim.streams import stream
    >>> from trialsim.design.assured.planning_draws import draws_from_history
    >>> draws = draws_from_history(0.5, 1.0, 150, effect=0.3, generator=stream(1, "", 0, "analysis"))
    >>> sizes = assured_sizes(draws, AssuranceQuestion())
    >>> sizes.total("undiscounted") < sizes.total("assured, quantile") < sizes.total("worst plausible")
    True
    """
    require_kind("question", question, AssuranceQuestion)
    median = PlanningDraws(
        _pair(draws.sd, 0.5),
        _pair(draws.correlation, 0.5),
        _two(draws.agreement, 0.5),
        _two(draws.effect, 0.5),
    )
    (sd0, sd1), (rho0, rho1) = median.sd, median.correlation
    scale = question.correlation_discount
    discounted = PlanningDraws(
        (question.sd_inflation * sd0, sd1), (scale * rho0, scale * rho1), median.agreement, median.effect
    )
    high_sd, low_rho = _pair(draws.sd, 0.975), _pair(draws.correlation, 0.025)
    worst = PlanningDraws(
        (np.maximum(high_sd[0], discounted.sd[0]), np.maximum(high_sd[1], discounted.sd[1])),
        (_weaker(low_rho[0], discounted.correlation[0]), _weaker(low_rho[1], discounted.correlation[1])),
        median.agreement,
        median.effect,
    )
    fixed = {"undiscounted": median, "discounted": discounted, "worst plausible": worst}
    frame = compare_assured(draws, fixed, question)
    p = question.assurance
    return AssuredSizes(
        frame,
        float(np.quantile(draws.correlation[0], 1 - p) / rho0[0]) if rho0[0] else math.nan,
        float(np.quantile(draws.sd[0], p) / sd0[0]),
        question,
    )


def compare_assured(
    draws: SizingDraws, fixed: Mapping[str, SizingDraws], question: AssuranceQuestion
) -> pd.DataFrame:
    """Return the rows of `AssuredSizes`: assured sizes between those of fixed parameters.

    Parameters
    ----------
    draws : SizingDraws
        What is uncertain.
    fixed : mapping of str to SizingDraws
        ``undiscounted``, ``discounted`` and ``worst plausible``, each without uncertainty.
    question : AssuranceQuestion
        What is asked.
    """
    totals = {
        "undiscounted": total_for_quantile_assurance(fixed["undiscounted"], question),
        "discounted": total_for_quantile_assurance(fixed["discounted"], question),
        "assured, mean": total_for_mean_assurance(draws, question),
        "assured, quantile": total_for_quantile_assurance(draws, question),
        "worst plausible": total_for_quantile_assurance(fixed["worst plausible"], question),
    }
    rows = []
    for name, total in totals.items():
        power = power_draws(total, draws, question) if math.isfinite(total) else np.full(1, np.nan)
        rows.append((name, total, float(power.mean()), float((power >= question.power).mean())))
    return pd.DataFrame(rows, columns=["size", "total", "assurance", "probability"])


def _pair(arrays: tuple[Floats, Floats], probability: float) -> tuple[Floats, Floats]:
    return _two(arrays[0], probability), _two(arrays[1], probability)


def _two(array: Floats, probability: float) -> Floats:
    """Return a quantile twice: draws come as arrays of at least two."""
    return np.full(2, np.quantile(array, probability))


def _weaker(bound: Floats, discounted: Floats) -> Floats:
    """Return the correlation that explains less; 0 where the bound has the other sign."""
    return np.where(
        bound * discounted > 0, np.sign(discounted) * np.minimum(abs(bound), abs(discounted)), 0.0
    )
