"""Sizes and savings on the binary, count and survival scales, beyond baseline adjustment."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from trialsim.design.control_arm.plan import FIGURES, FigureName, Saving
from trialsim.design.sizes.asymptotic import asymptotic_controls, asymptotic_size
from trialsim.design.sizes.claim import Claim, limits_of
from trialsim.design.sizes.direction import Direction
from trialsim.design.sizes.outcome_scale import OutcomeScale
from trialsim.design.sizes.size_for_mean import Size
from trialsim.design.sizes.variance import (
    Adjustment,
    AnalysisName,
    Pair,
    asymptotic_variance,
    require_name,
    require_shares,
)
from trialsim.errors import DesignError, require_kind

_LEAST_INFORMATION = 5.0


@dataclass(frozen=True)
class ScaleSizing:
    """What is asked of a size on a working scale; a two-sided Wald test in the normal approximation.

    Parameters
    ----------
    scale : OutcomeScale
        `BinaryScale`, `CountScale` or `SurvivalScale`: control level, effect and follow-up.
    baseline_correlation : float
        ρ_b in [0, 1) of baseline covariates and outcome among controls.
    allocation : pair of float
        Shares of (control, active) at randomisation, with sum 1.
    dropout : pair of float
        Share of each arm without the outcome; for survival give `SurvivalScale.loss` instead.
    power, alpha : float
        Power, and two-sided level.
    direction : {"greater", "less"}, optional
        Side of the claim; that of the assumed effect if left out, and against a margin that of no effect.
    margin : float, optional
        Effect under the null, a value of `OutcomeScale.contrast`: of non-inferiority, or of a gain.
    limits : pair of float, optional
        Of equivalence, of the contrast: two one-sided tests, each at alpha/2.

    Raises
    ------
    DesignError
        A number out of range, or an effect that is not what is to be claimed.

    Examples
    --------
    A hazard ratio of 1 against 1.3 needs Schoenfeld's 610.6 events:

    >>> from trialsim.design import SurvivalScale
    >>> question = ScaleSizing(SurvivalScale(12, 1.0, accrual=18, duration=30), margin=1.3)
    >>> round(scale_size(question, "unadjusted").total * question.scale.event_probability(), 1)
    611.9
    """

    scale: OutcomeScale
    baseline_correlation: float = 0.0
    allocation: Pair = (0.5, 0.5)
    dropout: Pair = (0.0, 0.0)
    power: float = 0.9
    alpha: float = 0.05
    direction: Direction | None = None
    margin: float | None = None
    limits: Pair | None = None

    def __post_init__(self) -> None:
        _check_correlation("baseline_correlation", self.baseline_correlation)
        require_shares("allocation", self.allocation)
        if not all(0 <= lost < 1 for lost in self.dropout):
            raise DesignError("must lie in [0, 1)", field="dropout", value=self.dropout)
        if not (0 < self.alpha < self.power < 1):
            raise DesignError("must lie between alpha and 1", field="power", value=self.power)
        told = self.scale.effect if self.scale.unit == "risk" else math.exp(self.scale.effect)
        self.claim.refuse_outside(self.scale.effect, self.scale.contrast.replace(" ", "_"), told)

    @property
    def claim(self) -> Claim:
        """What is claimed of the effect on the working scale."""
        null = limits_of(self.margin, self.limits)
        named = "margin" if self.limits is None else "limits"
        return Claim(tuple(self.scale.working(one, named) for one in null), self.direction)

    @property
    def reach(self) -> float:
        """Distance on the working scale that one one-sided test needs for the same power and error."""
        return self.claim.reach(self.scale.effect, self.alpha, self.power)

    def left(
        self, analysis: AnalysisName, partial: float = 0.0, variance_inflation: float = 1.0
    ) -> Adjustment:
        """Return what an analysis leaves of the working scale's variance, for `asymptotic_size` and others.

        Parameters
        ----------
        analysis : {"unadjusted", "ancova", "prognostic"}
            Nothing, the baseline, or baseline and score in the model.
        partial : float
            r of score and outcome given the baseline: together they explain 1 − (1 − ρ_b²)(1 − r²).
        variance_inflation : float
            γ²; multiplies what is left.
        """
        require_name("analysis", analysis, AnalysisName)
        if not 0 < variance_inflation < math.inf:
            raise DesignError("must be above 0", field="variance_inflation", value=variance_inflation)
        share = {
            "unadjusted": 0.0,
            "ancova": self.baseline_correlation**2,
            "prognostic": 1 - (1 - self.baseline_correlation**2) * (1 - partial**2),
        }[analysis]
        control, active = (
            variance_inflation * self.scale.residual_variance(math.sqrt(share), arm) for arm in (False, True)
        )
        gap = variance_inflation * self.scale.slope_gap(math.sqrt(share))
        return Adjustment((control, active), gap, 0 if share == 0 else 1)


def scale_size(
    question: ScaleSizing, analysis: AnalysisName, partial: float = 0.0, *, variance_inflation: float = 1.0
) -> Size:
    """Return the randomised participants that reach the power, each arm rounded up.

    Parameters
    ----------
    question : ScaleSizing
        What is asked.
    analysis : {"unadjusted", "ancova", "prognostic"}
        How the trial will be read.
    partial : float
        Correlation of score and outcome given the baseline, in [0, 1).
    variance_inflation : float
        γ², at least 1.

    Returns
    -------
    Size
        Whole numbers of randomised participants, and their power.

    Notes
    -----
    ``N = (z_{1−α/2} + z_{1−β})² (v0/π0 + v1/π1)/θ²`` with v_a what the analysis leaves of the unit
    variance (1/(p(1 − p)), 1/μ + k, 1/P(event)), at the shares π_a that are analysed, and θ the distance of
    the effect from the margin, if there is one (`Claim.reach` of limits of equivalence).

    Examples
    --------
    >>> from trialsim.design import BinaryScale, SurvivalScale
    >>> question = ScaleSizing(BinaryScale(0.3, risk_difference=0.15))
    >>> scale_size(question, "unadjusted").total, scale_size(question, "prognostic", 0.4).total
    (444, 366)
    >>> survival = SurvivalScale(12, 0.7, accrual=18, duration=30)
    >>> scale_size(ScaleSizing(survival), "unadjusted").total
    534
    """
    require_kind("question", question, ScaleSizing)
    _check_correlation("partial", partial)
    left = question.left(analysis, partial, variance_inflation)
    kept = [share * (1 - lost) for share, lost in zip(question.allocation, question.dropout, strict=True)]
    variance = asymptotic_variance(left, (kept[0] / sum(kept), kept[1] / sum(kept)), "interacted")
    analysed = asymptotic_size(variance, question.reach, power=question.power, alpha=question.alpha)
    randomised = analysed / sum(kept)
    controls, active = (math.ceil(randomised * share - 1e-9) for share in question.allocation)
    return Size(controls, active, _power(question, left, controls, active))


def scale_controls(
    active: int,
    question: ScaleSizing,
    analysis: AnalysisName,
    partial: float = 0.0,
    *,
    variance_inflation: float = 1.0,
) -> Size | None:
    """Return the fewest randomised controls beside a fixed active arm; None where no number does.

    Parameters
    ----------
    active : int
        Randomised active participants, at least 1.
    question : ScaleSizing
        Scale, power, level and dropout; its allocation is not used.
    analysis : {"unadjusted", "ancova", "prognostic"}
        How the trial will be read.
    partial : float
        Partial correlation of score and outcome on the working scale, in (−1, 1).
    variance_inflation : float
        γ², at least 1; multiplies the variance of both arms.

    Returns
    -------
    Size or None
        Randomised participants in each arm and their power.

    Raises
    ------
    InputError
        `question` is none, as when arguments are swapped.
    DesignError
        An active arm without anybody.

    Examples
    --------
    >>> from trialsim.design import BinaryScale
    >>> question = ScaleSizing(BinaryScale(0.3, risk_difference=0.15))
    >>> size = scale_controls(222, question, "prognostic", 0.4)
    >>> size.controls, round(size.power, 3)
    (160, 0.9)
    """
    require_kind("question", question, ScaleSizing)
    left = question.left(analysis, partial, variance_inflation)
    analysed = asymptotic_controls(
        active * (1 - question.dropout[1]),
        left,
        question.reach,
        power=question.power,
        alpha=question.alpha,
    )
    if math.isinf(analysed):
        return None
    controls = math.ceil(analysed / (1 - question.dropout[0]) - 1e-9)
    return Size(controls, active, _power(question, left, controls, active))


def scale_power(
    question: ScaleSizing,
    arms: Pair,
    analysis: AnalysisName,
    partial: float = 0.0,
    *,
    variance_inflation: float = 1.0,
) -> float:
    """Return the power of randomised arms, which need not be whole.

    Parameters
    ----------
    question : ScaleSizing
        Scale, level and dropout; its allocation and its power are not used.
    arms : pair of float
        Controls and active participants, above 0.
    analysis, partial, variance_inflation
        As in `scale_size`.

    Returns
    -------
    float
        In (0, 1).

    Examples
    --------
    >>> from trialsim.design import BinaryScale
    >>> question = ScaleSizing(BinaryScale(0.3, risk_difference=0.15))
    >>> size = scale_size(question, "unadjusted")
    >>> scale_power(question, (size.controls, size.active), "unadjusted") == size.power
    True
    """
    require_kind("question", question, ScaleSizing)
    return _power(question, question.left(analysis, partial, variance_inflation), *arms)


def thin_arms(question: ScaleSizing, size: Size) -> str | None:
    """Return why a size is too small for its own formula, in words; None where it is not.

    The estimate on the working scale is taken as normal, which needs some information in either arm: about
    5 in ``n_a/u_a`` with u_a the arm's unit variance, that is n p(1 − p) for responders, and the events of a
    survival trial.

    Parameters
    ----------
    question : ScaleSizing
        Scale and dropout.
    size : Size
        Randomised participants in each arm.

    Returns
    -------
    str or None
        The reason, as a part of a sentence.

    Examples
    --------
    >>> from trialsim.design import BinaryScale
    >>> question = ScaleSizing(BinaryScale(0.3, odds_ratio=20.0))
    >>> thin_arms(question, scale_size(question, "prognostic", 0.5))
    'an arm holds information of only 1.5, below 5: the normal approximation does not hold there'
    >>> thin_arms(question, Size(60, 60, 0.99)) is None
    True
    """
    counts = zip((size.controls, size.active), question.dropout, (False, True), strict=True)
    held = min(n * (1 - lost) / question.scale.unit_variance(arm) for n, lost, arm in counts)
    if held >= _LEAST_INFORMATION:
        return None
    return (
        f"an arm holds information of only {held:.1f}, below {_LEAST_INFORMATION:g}: the normal "
        "approximation does not hold there"
    )


def scale_savings(
    question: ScaleSizing,
    partial: float,
    interval: Pair | None = None,
    *,
    partial_lower: float = 0.0,
    correlation_discount: float = 0.9,
    sd_inflation: float = 1.0,
) -> tuple[Saving, ...]:
    """Return what a score saves beyond baseline adjustment, in three figures, for `savings_table`.

    Parameters
    ----------
    question : ScaleSizing
        What is asked.
    partial : float
        r of score and outcome given the baseline, out of sample; below 0 it counts as 0.
    interval : pair of float, optional
        Its 95 % interval; without it figures carry no interval.
    partial_lower : float
        Lower 95 % bound for the worst plausible figure where no interval is given.
    correlation_discount, sd_inflation : float
        λ in (0, 1] on r and γ ≥ 1 on the working scale's SD, for the discounted and the worst figure.

    Returns
    -------
    tuple of Saving
        Undiscounted, discounted, worst plausible (the smaller of λr and the lower bound).

    Raises
    ------
    DesignError
        A discount, an inflation or an interval that cannot be.

    Examples
    --------
    >>> from trialsim.design import CountScale
    >>> question = ScaleSizing(CountScale(0.8, 0.7, exposure=2, dispersion=0.5))
    >>> [one.participants_saved for one in scale_savings(question, 0.4, (0.25, 0.52))]
    [58, 48, 22]
    """
    if not (0 < correlation_discount <= 1 and sd_inflation >= 1):
        raise DesignError("needs λ in (0, 1] and γ of at least 1", field="correlation_discount")
    if interval is not None and not interval[0] <= interval[1]:
        raise DesignError("must be a lower and an upper end", field="interval", value=interval)
    point = max(partial, 0.0)
    low, high = (max(end, 0.0) for end in ((partial_lower, point) if interval is None else interval))
    worst = min(low, correlation_discount * point)
    scales: dict[FigureName, tuple[float, float]] = {
        "undiscounted": (1.0, 1.0),
        "discounted": (correlation_discount, sd_inflation**2),
    }
    found = []
    for figure in FIGURES:
        if figure == "worst_plausible":
            found.append(_saving(question, figure, worst, sd_inflation**2))
            continue
        factor, inflation = scales[figure]
        one = _saving(question, figure, factor * point, inflation)
        if interval is not None:
            ends = [_saving(question, figure, factor * end, inflation) for end in (low, high)]
            one = replace(one, ends=(ends[0], ends[1]))
        found.append(one)
    return tuple(found)


def _saving(question: ScaleSizing, figure: FigureName, partial: float, inflation: float) -> Saving:
    ancova = scale_size(question, "ancova", variance_inflation=inflation)
    if partial == 0:
        # Beside an active arm that was rounded up a control may be spared; that is no saving of a score.
        return Saving(figure, (0.0, 0.0), ancova, ancova, ancova)
    return Saving(
        figure,
        (partial, partial),
        ancova,
        scale_size(question, "prognostic", partial, variance_inflation=inflation),
        scale_controls(ancova.active, question, "prognostic", partial, variance_inflation=inflation),
    )


def _power(question: ScaleSizing, left: Adjustment, controls: float, active: float) -> float:
    (v0, v1), (d0, d1) = left.residual_variance, question.dropout
    n0, n1 = controls * (1 - d0), active * (1 - d1)
    spread = math.sqrt(v0 / n0 + v1 / n1 + left.slope_gap / (n0 + n1))
    return question.claim.power(question.scale.effect, spread, question.alpha)


def _check_correlation(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise DesignError(
            "must lie in [0, 1)",
            field=name,
            value=value,
            mend="orient the score so that it rises with the outcome",
        )
