"""The answer: how many controls each analysis needs, and what prognostic adjustment saves beyond ANCOVA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from trialsim.design.sizes.size_for_mean import (
    Size,
    SizingQuestion,
    controls_for_power,
    power_of_size,
    size_for_power,
)
from trialsim.design.sizes.variance import AnalysisName, Pair, PlanningMoments
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

FigureName = Literal["undiscounted", "discounted", "worst_plausible"]
FIGURES: tuple[FigureName, ...] = ("undiscounted", "discounted", "worst_plausible")


@dataclass(frozen=True)
class PrognosticGain:
    """What the history says of the score, beyond the baseline value.

    Parameters
    ----------
    partial_correlation : float
        Out-of-sample correlation of score and outcome given the baseline.
    partial_correlation_lower : float
        Its lower 95 % bound.
    drift_partial_correlations : dict of str to float
        The same correlation in the control arm under each declared history drift.
    gain : float
        Share of participants saved out of sample.
    gain_lower : float
        Lower 90 % bound of the gain; decides whether a saving is supported.
    active_to_control : float
        Ratio of the active arm's partial correlation to the control arm's, from the trial's model.
    partial_correlation_upper : float, optional
        Upper 95 % bound of the partial correlation; without it savings carry no interval.
    """

    partial_correlation: float
    partial_correlation_lower: float
    drift_partial_correlations: dict[str, float]
    gain: float
    gain_lower: float
    active_to_control: float = 1.0
    partial_correlation_upper: float | None = None


@dataclass(frozen=True)
class Saving(InNotebook):
    """One of the three figures: what prognostic adjustment saves beyond baseline ANCOVA.

    `ancova` and `prognostic` hold the asked power at the asked allocation; `active_fixed` keeps the
    active arm of `ancova` and removes controls only (None where that cannot reach the power).
    A score that explains nothing costs a degree of freedom, so `prognostic` may exceed `ancova`: nobody
    would then adjust for it, and the saving is 0, never below.

    `ends` holds the same saving at both ends of the history's 95 % interval of the partial correlation,
    with the same discounts; None for the worst plausible figure, which is a bound itself.
    """

    figure: FigureName
    partial_correlation: Pair
    ancova: Size
    prognostic: Size
    active_fixed: Size | None
    ends: tuple[Saving, Saving] | None = None

    @property
    def interval(self) -> tuple[int, int] | None:
        """Participants saved at both ends of the correlation's 95 % interval."""
        if self.ends is None:
            return None
        low, high = (end.participants_saved for end in self.ends)
        return low, high

    @property
    def chosen(self) -> Size:
        """Size at the asked allocation of the analysis that needs fewer participants."""
        return self.prognostic if self.prognostic.total < self.ancova.total else self.ancova

    @property
    def chosen_active_fixed(self) -> Size | None:
        """Size with the active arm fixed of the analysis that needs fewer controls; None if infeasible."""
        if self.active_fixed is None or self.active_fixed.controls < self.ancova.controls:
            return self.active_fixed
        return self.ancova

    @property
    def participants_saved(self) -> int:
        """Participants saved at fixed allocation."""
        return self.ancova.total - self.chosen.total

    @property
    def share_saved(self) -> float:
        """Participants saved at fixed allocation, as a share of baseline ANCOVA's."""
        return self.participants_saved / self.ancova.total

    @property
    def controls_saved(self) -> int:
        """Controls saved with the active arm fixed; 0 where that is infeasible."""
        fixed = self.chosen_active_fixed
        return 0 if fixed is None else self.ancova.controls - fixed.controls

    @property
    def share_of_controls_saved(self) -> float:
        """Controls saved with the active arm fixed, as a share of baseline ANCOVA's controls."""
        return self.controls_saved / self.ancova.controls


@dataclass(frozen=True)
class ControlArmPlan(InNotebook):
    """The sized control arm, and what its saving rests on.

    Parameters
    ----------
    sizes : dict of str to Size
        Size of each analysis at the undiscounted moments.
    savings : tuple of Saving
        Undiscounted, discounted, worst plausible.
    supported : bool
        Whether the lower 90 % bound of the out-of-sample gain exceeds the smallest worthwhile saving.
    reason : str
        Why, in a sentence.
    moments : PlanningMoments
        What the undiscounted sizes rest on.
    question : SizingQuestion
        What was asked.
    gain : PrognosticGain
        What the history says.
    correlation_discount, sd_inflation : float
        λ and γ of the discounted figure.
    """

    sizes: dict[str, Size]
    savings: tuple[Saving, ...]
    supported: bool
    reason: str
    moments: PlanningMoments
    question: SizingQuestion
    gain: PrognosticGain
    correlation_discount: float = 1.0
    sd_inflation: float = 1.0

    def designs(self) -> dict[str, Size]:
        """Return every design that the plan proposes, by name; ``active_fixed`` only where feasible."""
        designs = {**self.sizes, "discounted": self.saving("discounted").prognostic}
        fixed = self.saving("undiscounted").active_fixed
        return designs if fixed is None else {**designs, "active_fixed": fixed}

    def power_at(self, truth: PlanningMoments) -> dict[str, float]:
        """Return the formula's power of every design at other moments, such as those of the register."""
        return {
            name: power_of_size(size.controls, size.active, truth, _analysis_of(name), self.question)
            for name, size in self.designs().items()
        }

    def saving(self, figure: FigureName) -> Saving:
        """Return one of the three figures."""
        return next(saving for saving in self.savings if saving.figure == figure)

    def ends(self, figure: FigureName, bounds: Pair) -> tuple[Saving, Saving] | None:
        """Return a figure's saving at both bounds of the partial correlation; see `saving_ends`."""
        return saving_ends(
            figure,
            bounds,
            self.moments,
            self.gain.active_to_control,
            self.question,
            correlation_discount=self.correlation_discount,
            sd_inflation=self.sd_inflation,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a figure: sizes of both analyses and both ways to save."""
        return savings_frame(self.savings)


def savings_frame(found: Sequence[Saving], analysis: str = "ancova") -> pd.DataFrame:
    """Return one row a figure: sizes of both analyses and both ways to save, on any scale.

    Parameters
    ----------
    found : sequence of Saving
        The figures.
    analysis : str
        Name of the analysis that adjusts for the baseline alone, in the columns of its sizes: "ancova", or
        `OutcomeScale.analysis` such as "Cox regression".

    Returns
    -------
    DataFrame
        Indexed by position; sizes in whole participants, savings as shares.

    Examples
    --------
    >>> moments = PlanningMoments((6.0, 6.0), (0.3, 0.3), (0.0, 0.0))
    >>> gain = PrognosticGain(0.5, 0.4, {}, gain=0.25, gain_lower=0.16)
    >>> plan = plan_control_arm(moments, gain, SizingQuestion(effect=2.0), correlation_discount=0.9,
    ...                         sd_inflation=1.0, smallest_worthwhile_saving=0.05)
    >>> savings_frame(plan.savings).columns[:3].tolist()
    ['figure', 'partial_correlation', 'ancova_total']
    """
    name = analysis.lower().replace(" ", "_")
    rows = []
    for saving in found:
        fixed = saving.active_fixed
        rows.append(
            {
                "figure": saving.figure,
                "partial_correlation": saving.partial_correlation[0],
                f"{name}_total": saving.ancova.total,
                f"{name}_controls": saving.ancova.controls,
                "prognostic_total": saving.prognostic.total,
                "prognostic_controls": saving.prognostic.controls,
                "participants_saved": saving.participants_saved,
                "share_saved": saving.share_saved,
                "participants_saved_low": None if saving.interval is None else saving.interval[0],
                "participants_saved_high": None if saving.interval is None else saving.interval[1],
                "active_fixed_controls": None if fixed is None else fixed.controls,
                "controls_saved_active_fixed": None if fixed is None else saving.controls_saved,
                "share_of_controls_saved": None if fixed is None else saving.share_of_controls_saved,
                "total_active_fixed": None if fixed is None else fixed.total,
            }
        )
    return pd.DataFrame(rows)


def _analysis_of(design: str) -> AnalysisName:
    """Return the analysis that reads a design."""
    return "unadjusted" if design == "unadjusted" else "ancova" if design == "ancova" else "prognostic"


def plan_control_arm(
    moments: PlanningMoments,
    gain: PrognosticGain,
    question: SizingQuestion,
    *,
    correlation_discount: float,
    sd_inflation: float,
    smallest_worthwhile_saving: float,
) -> ControlArmPlan:
    """Size every analysis, and state the saving beyond baseline ANCOVA in three figures.

    Parameters
    ----------
    moments : PlanningMoments
        SDs and baseline correlations; the partial correlations come from `gain`.
    gain : PrognosticGain
        What the history says of the score.
    question : SizingQuestion
        What is asked.
    correlation_discount : float
        λ in (0, 1]; multiplies the partial correlation for the discounted figure.
    sd_inflation : float
        γ ≥ 1; multiplies the SD of every analysis alike, for the discounted and the worst figure.
    smallest_worthwhile_saving : float
        Share of participants below which a saving is not supported.

    Returns
    -------
    ControlArmPlan

    Raises
    ------
    DesignError
        No trial within the allowed size reaches the power, or a discount is out of range.

    Notes
    -----
    The worst plausible correlation is the smallest of the lower 95 % bound, of every declared history
    drift, and of the discounted value; never below 0. A score whose correlation is negative in the
    history gets none: r = 0.

    Examples
    --------
    >>> moments = PlanningMoments((6.0, 6.0), (0.3, 0.3), (0.0, 0.0))
    >>> gain = PrognosticGain(0.5, 0.4, {}, gain=0.25, gain_lower=0.16)
    >>> plan = plan_control_arm(moments, gain, SizingQuestion(effect=2.0), correlation_discount=0.9,
    ...                         sd_inflation=1.0, smallest_worthwhile_saving=0.05)
    >>> [(one.figure, one.ancova.total, one.prognostic.total) for one in plan.savings]
    [('undiscounted', 350, 266), ('discounted', 350, 282), ('worst_plausible', 350, 296)]
    """
    if not (0 < correlation_discount <= 1 and sd_inflation >= 1):
        raise DesignError("needs λ in (0, 1] and γ of at least 1", field="correlation_discount")
    point = max(gain.partial_correlation, 0.0)
    discounted = correlation_discount * point
    worst = max(
        0.0, min([gain.partial_correlation_lower, discounted, *gain.drift_partial_correlations.values()])
    )
    ratio, inflated = gain.active_to_control, moments.with_inflated_sd(sd_inflation)
    savings: tuple[Saving, ...] = (
        _saving("undiscounted", point, moments, ratio, question),
        _saving("discounted", discounted, inflated, ratio, question),
        _saving("worst_plausible", worst, inflated, ratio, question),
    )
    if gain.partial_correlation_upper is not None:
        bounds = (gain.partial_correlation_lower, gain.partial_correlation_upper)
        discounts = {"correlation_discount": correlation_discount, "sd_inflation": sd_inflation}
        savings = tuple(
            replace(one, ends=saving_ends(one.figure, bounds, moments, ratio, question, **discounts))
            for one in savings
        )
    undiscounted = moments.with_partial(*savings[0].partial_correlation)
    supported, reason = _support(gain, smallest_worthwhile_saving)
    return ControlArmPlan(
        sizes={
            "unadjusted": size_for_power(undiscounted, "unadjusted", question),
            "ancova": savings[0].ancova,
            "prognostic": savings[0].prognostic,
        },
        savings=savings,
        supported=supported,
        reason=reason,
        moments=undiscounted,
        question=question,
        gain=gain,
        correlation_discount=correlation_discount,
        sd_inflation=sd_inflation,
    )


def saving_ends(
    figure: FigureName,
    bounds: Pair,
    moments: PlanningMoments,
    active_to_control: float,
    question: SizingQuestion,
    *,
    correlation_discount: float,
    sd_inflation: float,
) -> tuple[Saving, Saving] | None:
    """Return a figure's saving at both ends of an interval of the partial correlation.

    This is what every interval of a saving means: the saving rises with the correlation, so its ends are
    those of the correlation, each with the figure's own discounts. A correlation below 0 saves nothing.

    Parameters
    ----------
    figure : {"undiscounted", "discounted", "worst_plausible"}
        The worst plausible figure is a bound itself and has no ends: None.
    bounds : pair of float
        Lower and upper end of the control arm's partial correlation, below 1.
    moments, active_to_control, question
        As in `plan_control_arm`.
    correlation_discount, sd_inflation : float
        λ and γ, for the discounted figure.

    Examples
    --------
    >>> moments = PlanningMoments((2.2, 2.2), (0.2, 0.2), (0.0, 0.0))
    >>> ends = saving_ends("discounted", (0.2, 0.5), moments, 1.0, SizingQuestion(0.5),
    ...                    correlation_discount=0.9, sd_inflation=1.1)
    >>> [end.participants_saved for end in ends]
    [28, 188]
    """
    if figure == "worst_plausible":
        return None
    discounted = figure == "discounted"
    scale = correlation_discount if discounted else 1.0
    inflated = moments.with_inflated_sd(sd_inflation if discounted else 1.0)
    low, high = (
        _saving(figure, scale * max(bound, 0.0), inflated, active_to_control, question) for bound in bounds
    )
    return low, high


def _saving(
    figure: FigureName, partial: float, moments: PlanningMoments, ratio: float, question: SizingQuestion
) -> Saving:
    pair = (partial, partial * ratio)
    with_score = moments.with_partial(*pair)
    ancova = size_for_power(with_score, "ancova", question)
    fixed = controls_for_power(ancova.active, with_score, "prognostic", question)
    if partial == 0 and fixed is not None and fixed.controls < ancova.controls:
        # Beside an active arm that was rounded up a control may be spared; that is no saving of a score.
        fixed = ancova
    return Saving(figure, pair, ancova, size_for_power(with_score, "prognostic", question), fixed)


def _support(gain: PrognosticGain, smallest: float) -> tuple[bool, str]:
    bound = f"the lower 90 % bound of the out-of-sample gain is {gain.gain_lower:.1%}"
    if gain.gain_lower > smallest:
        return True, f"{bound}, above the smallest worthwhile saving of {smallest:.1%}"
    return False, f"{bound}, not above the smallest worthwhile saving of {smallest:.1%}"
