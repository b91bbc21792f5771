"""Power of a size, and the size for a power, with small-sample terms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scipy.stats import nct, t

from trialsim.design.sizes.claim import Claim, power_within
from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.design.sizes.variance import (
    Adjustment,
    AnalysisName,
    Pair,
    PlanningMoments,
    Slopes,
    adjustment,
    asymptotic_variance,
    require_name,
    require_shares,
)
from trialsim.errors import DesignError, require_kind
from trialsim.notebook import InNotebook

Variance = Literal["hc0", "hc1", "hc2", "hc3", "model"]


@dataclass(frozen=True)
class SizingQuestion:
    """What is asked of a size.

    Parameters
    ----------
    effect : float
        Assumed effect τ; its sign does not matter, and it is 0 only within limits.
    power : float
        Asked power, in (0, 1).
    alpha : float
        Two-sided significance level.
    allocation : pair of float
        Shares of (control, active) at randomisation, with sum 1.
    dropout : pair of float
        Share of each arm without the outcome, in [0, 1).
    slopes : {"common", "interacted"}
        Estimator that the trial will use.
    variance : {"hc0", "hc1", "hc2", "hc3", "model"}
        Standard error that the trial will use.
    largest_trial : int
        Total size at which the search gives up.
    direction : {"greater", "less"}, optional
        Side of the claim; that of the assumed effect if left out.
    limits : pair of float, optional
        Limits of equivalence of the effect: two one-sided t tests, each at alpha/2.
    """

    effect: float
    power: float = 0.9
    alpha: float = 0.05
    allocation: Pair = (0.5, 0.5)
    dropout: Pair = (0.0, 0.0)
    slopes: Slopes = "common"
    variance: Variance = "hc3"
    largest_trial: int = 50_000
    direction: Direction | None = None
    limits: Pair | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.effect):
            raise DesignError(
                "must be a number", field="effect", value=self.effect, mend="give the effect in points"
            )
        if self.effect == 0 and self.limits is None:
            raise DesignError(
                "must not be 0", field="effect", value=0, mend="assume an effect; no size detects none"
            )
        if not (0 < self.alpha < 1 and self.alpha < self.power < 1):
            raise DesignError(
                "must lie between alpha and 1", field="power", value=self.power, mend="ask for 0.8 or 0.9"
            )
        require_shares("allocation", self.allocation)
        require_name("slopes", self.slopes, Slopes)
        require_name("variance", self.variance, Variance)
        if not all(0 <= lost < 1 for lost in self.dropout):
            raise DesignError(
                "must be in [0, 1)", field="dropout", value=self.dropout,
                mend="give the share of each arm that is lost",
            )  # fmt: skip
        if self.limits is not None:
            self.claim.refuse_outside(self.effect, "effect", self.effect)
        claimed(0.0, self.direction, True)

    @property
    def claim(self) -> Claim:
        """What is claimed of the effect."""
        return Claim(() if self.limits is None else self.limits, self.direction)

    @property
    def distance(self) -> float:
        """Assumed effect, above 0 on the side of the claim; the distance from the nearer limit."""
        return min(self.claim.distances(self.effect))


@dataclass(frozen=True)
class Size(InNotebook):
    """Randomised participants in each arm, and the power that the formula gives them."""

    controls: int
    active: int
    power: float

    @property
    def total(self) -> int:
        """Randomised participants in both arms."""
        return self.controls + self.active


def power_of_size(
    controls: float, active: float, moments: PlanningMoments, analysis: AnalysisName, question: SizingQuestion
) -> float:
    """Return the power of a two-sided t test with given numbers of randomised participants.

    Parameters
    ----------
    controls, active : float
        Randomised participants in each arm.
    moments : PlanningMoments
        What the size rests on.
    analysis : {"unadjusted", "ancova", "prognostic"}
        How the trial will be read.
    question : SizingQuestion
        Effect, alpha, dropout, slopes and standard error; its `power` and `allocation` are not used.

    Returns
    -------
    float
        In (0, 1), counting rejections in the right direction only.

    Notes
    -----
    With m_a = n_a (1 − d_a) analysed, V the asymptotic variance at the analysed shares, and p covariates,

    ``Var(τ̂) = V/m + slope term``, ``ncp = |τ| / √Var``, ``df = m − 2 − p`` (common) or ``m − 2 − 2p``;

    the slope term is the price of estimated slopes for normal covariates, E[(x̄1 − x̄0)' S⁻¹ (x̄1 − x̄0)].
    The critical value is scaled by √(E[SE²]/Var), which is above 1 for HC3 (its weights 1/(1 − h)²
    exceed what the residuals lost) and off 1 for a model-based error under unequal variances. Within limits
    it is the power of two one-sided tests, see `power_within`.

    Examples
    --------
    >>> moments = PlanningMoments((1.0, 1.0), (0.5, 0.5), (0.0, 0.0))
    >>> question = SizingQuestion(effect=0.3, variance="model")
    >>> round(power_of_size(176, 176, moments, "ancova", question), 3)
    0.899
    """
    require_kind("moments", moments, PlanningMoments)
    require_kind("question", question, SizingQuestion)
    observed = (controls * (1 - question.dropout[0]), active * (1 - question.dropout[1]))
    left = adjustment(moments, analysis)
    slopes_fitted = left.covariates * (1 if question.slopes == "common" else 2)
    df = sum(observed) - 2 - slopes_fitted
    if df < 1 or min(observed) < 2 + left.covariates + 1:
        return 0.0
    shares = (observed[0] / sum(observed), observed[1] / sum(observed))
    variance = asymptotic_variance(left, shares, question.slopes) / sum(observed) + _slope_term(
        left, observed, question.slopes
    )
    scale = math.sqrt(_expected_squared_error(left, observed, variance, question) / variance)
    if question.limits is not None:
        ends = [(limit - question.effect) / math.sqrt(variance) for limit in question.limits]
        return power_within(ends[0], ends[1], question.alpha / 2, df, scale)
    critical = float(t.ppf(1 - question.alpha / 2, df)) * scale
    return float(nct.sf(critical, df, question.distance / math.sqrt(variance)))


def _slope_term(left: Adjustment, observed: Pair, slopes: Slopes) -> float:
    """Return what estimated slopes add to Var(τ̂) for normally distributed covariates."""
    p, total = left.covariates, sum(observed)
    if p == 0:
        return 0.0
    if slopes == "common":
        pooled = sum(v * n for v, n in zip(left.residual_variance, observed, strict=True)) / total
        return pooled * (1 / observed[0] + 1 / observed[1]) * p / (total - p - 3)
    own = zip(left.residual_variance, observed, observed[::-1], strict=True)
    return sum(v * p * (other / total) / (n * (n - p - 2)) for v, n, other in own)


def _expected_squared_error(
    left: Adjustment, observed: Pair, variance: float, question: SizingQuestion
) -> float:
    """Return E[SE²] of the standard error that the trial will use."""
    total, p = sum(observed), left.covariates
    if question.variance == "model":
        shares = (observed[0] / total, observed[1] / total)
        gap = left.slope_gap * (shares[0] * shares[1] if question.slopes == "common" else 0.0)
        pooled = sum(v * s for v, s in zip(left.residual_variance, shares, strict=True)) + gap
        model = pooled * (1 / observed[0] + 1 / observed[1]) * (1 + p / max(total - p - 3, 1))
        return model + (left.slope_gap / total if question.slopes == "interacted" else 0.0)
    # Mean leverage in an arm is 1/n_a + p/n; a residual keeps 1 - h of its variance, and HCk gives
    # it the weight 1, n/(n-p), 1/(1-h), 1/(1-h)^2.
    lift = {"hc0": -1.0, "hc1": -1.0, "hc2": 0.0, "hc3": 1.0}[question.variance]
    inflation = 0.0
    for v, n in zip(left.residual_variance, observed, strict=True):
        leverage = 1 / n + p / total if question.slopes == "common" else (1 + p) / n
        inflation += lift * leverage * v / n
    if question.variance == "hc1":
        columns = 2 + p * (1 if question.slopes == "common" else 2)
        inflation += variance * columns / total
    return variance + inflation


def size_for_power(moments: PlanningMoments, analysis: AnalysisName, question: SizingQuestion) -> Size:
    """Return the smallest trial at the asked allocation that reaches the asked power.

    Parameters
    ----------
    moments : PlanningMoments
        What the size rests on.
    analysis : {"unadjusted", "ancova", "prognostic"}
        How the trial will be read.
    question : SizingQuestion
        Effect, power, level, allocation, dropout, slopes and standard error.

    Returns
    -------
    Size
        Randomised participants in each arm, whole numbers, and their power.

    Raises
    ------
    DesignError
        No trial up to `SizingQuestion.largest_trial` reaches the power.

    Examples
    --------
    >>> moments, question = PlanningMoments((1, 1), (0, 0), (0.5, 0.5)), SizingQuestion(0.3, variance="model")
    >>> size_for_power(moments, "unadjusted", question).total
    470
    >>> size_for_power(moments, "prognostic", question).total
    356
    """
    require_kind("moments", moments, PlanningMoments)
    require_kind("question", question, SizingQuestion)
    refuse_wrong_side(question.distance, "effect", question.effect)
    smaller = min(question.allocation)

    def arms(smaller_arm: int) -> tuple[int, int]:
        # The larger arm is rounded up, so that a ratio such as 2:1 is met exactly.
        controls, active = (math.ceil(smaller_arm * share / smaller - 1e-9) for share in question.allocation)
        return controls, active

    def enough(smaller_arm: int) -> bool:
        return power_of_size(*arms(smaller_arm), moments, analysis, question) >= question.power

    found = _smallest(enough, 2, math.floor(question.largest_trial * smaller))
    if found is None:
        raise DesignError(
            f"no trial of up to {question.largest_trial} participants reaches a power of "
            f"{question.power:g} with the {analysis} analysis",
            field="sizing.largest_trial",
            value=question.largest_trial,
            mend="assume a larger effect, or ask for less power",
        )
    controls, active = arms(found)
    return Size(controls, active, power_of_size(controls, active, moments, analysis, question))


def size(
    effect: float,
    sd: float,
    *,
    baseline_correlation: float = 0.0,
    partial_correlation: float = 0.0,
    power: float = 0.9,
    alpha: float = 0.05,
    allocation: Pair = (0.5, 0.5),
    dropout: Pair = (0.0, 0.0),
    slopes: Slopes = "common",
    variance: Variance = "hc3",
) -> Size:
    """Return the size of a two-arm trial of means: the everyday question, its arms alike, in one call.

    The trial is read without covariates if both correlations are 0, by ANCOVA on the baseline if only that
    one is given, and with the prognostic score beside the baseline if `partial_correlation` is given.
    `size_for_power` asks the same with arms that differ.

    Parameters
    ----------
    effect : float
        Assumed difference of the mean change, in points of the outcome, not 0.
    sd : float
        SD of the change in either arm, in points, above 0.
    baseline_correlation : float
        Of change and baseline, in (−1, 1).
    partial_correlation : float
        Of change and prognostic score given the baseline, in (−1, 1).
    power : float
        In (alpha, 1).
    alpha : float
        Two-sided level, in (0, 1).
    allocation : pair of float
        Shares of (control, active), with sum 1.
    dropout : pair of float
        Share of each arm without the outcome, in [0, 1).
    slopes : {"common", "interacted"}
        Estimator that the trial will use.
    variance : {"hc0", "hc1", "hc2", "hc3", "model"}
        Standard error that the trial will use.

    Returns
    -------
    Size
        Randomised participants in each arm, and the power that the formula gives them.

    Raises
    ------
    DesignError
        A number out of range, or no trial reaches the power.

    Notes
    -----
    The formula is that of `power_of_size`; roughly ``n = (z_{1−α/2} + z_{power})² σ² (1 − ρ²)(1 − r²) /
    (π₀ π₁ τ²)`` for baseline correlation ρ, partial correlation r and shares π.

    Examples
    --------
    >>> size(0.3, 1.0).total
    472
    >>> size(0.3, 1.0, baseline_correlation=0.4, partial_correlation=0.3).total
    364
    """
    analysis: AnalysisName = "ancova" if baseline_correlation else "unadjusted"
    moments = PlanningMoments((sd, sd), (baseline_correlation,) * 2, (partial_correlation,) * 2)
    question = SizingQuestion(effect, power, alpha, allocation, dropout, slopes, variance)
    return size_for_power(moments, "prognostic" if partial_correlation else analysis, question)


def controls_for_power(
    active: int, moments: PlanningMoments, analysis: AnalysisName, question: SizingQuestion
) -> Size | None:
    """Return the smallest control arm that reaches the asked power beside a fixed active arm.

    Parameters
    ----------
    active : int
        Randomised active participants, at least 1.
    moments : PlanningMoments
        What the size rests on.
    analysis : {"unadjusted", "ancova", "prognostic"}
        How the trial will be read.
    question : SizingQuestion
        As for `size_for_power`; its allocation is not used.

    Returns
    -------
    Size or None
        None where no control arm does: the active arm is too small.

    Raises
    ------
    InputError
        `moments` or `question` is of another kind, as when arguments are swapped.
    DesignError
        The effect lies on the wrong side of the claim.

    Examples
    --------
    >>> moments = PlanningMoments((1.0, 1.0), (0.0, 0.0), (0.5, 0.5))
    >>> question = SizingQuestion(effect=0.3, variance="model")
    >>> controls_for_power(235, moments, "prognostic", question).controls
    142
    """
    require_kind("moments", moments, PlanningMoments)
    require_kind("question", question, SizingQuestion)
    refuse_wrong_side(question.distance, "effect", question.effect)

    def enough(controls: int) -> bool:
        return power_of_size(controls, active, moments, analysis, question) >= question.power

    controls = _smallest(enough, 2, question.largest_trial)
    if controls is None:
        return None
    return Size(controls, active, power_of_size(controls, active, moments, analysis, question))


def _smallest(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """Return the smallest whole number in [low, high] that is enough, or None."""
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return low
