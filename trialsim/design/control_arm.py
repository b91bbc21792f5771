"""The answer: how many controls each analysis needs, and what prognostic adjustment saves beyond ANCOVA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from trialsim.design.size import (
    Size,
    SizingQuestion,
    controls_for_power,
    power_of_size,
    size_for_power,
)
from trialsim.design.variance import AnalysisName, Pair, PlanningMoments

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
class Saving:
    """One of the three figures: what prognostic adjustment saves beyond baseline ANCOVA.

    `ancova` and `prognostic` hold the asked power at the asked allocation; `active_fixed` keeps the
    active arm of `ancova` and removes controls only (None where that cannot reach the power).
    A score that explains nothing costs a degree of freedom, so `prognostic` may exceed `ancova`: nobody
    would then adjust for it, and the saving is 0, never below.

    `interval` holds the participants saved at both ends of the history's 95 % interval of the partial
    correlation, with the same discounts; None for the worst plausible figure, which is a bound itself.
    """

    figure: FigureName
    partial_correlation: Pair
    ancova: Size
    prognostic: Size
    active_fixed: Size | None
    interval: tuple[int, int] | None = None

    @property
    def participants_saved(self) -> int:
        """Participants saved at fixed allocation."""
        return max(0, self.ancova.total - self.prognostic.total)

    @property
    def share_saved(self) -> float:
        """Participants saved at fixed allocation, as a share of baseline ANCOVA's."""
        return self.participants_saved / self.ancova.total

    @property
    def controls_saved(self) -> int:
        """Controls saved with the active arm fixed; 0 where that is infeasible."""
        if self.active_fixed is None:
            return 0
        return max(0, self.ancova.controls - self.active_fixed.controls)

    @property
    def share_of_controls_saved(self) -> float:
        """Controls saved with the active arm fixed, as a share of baseline ANCOVA's controls."""
        return self.controls_saved / self.ancova.controls


@dataclass(frozen=True)
class ControlArmPlan:
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
    """

    sizes: dict[str, Size]
    savings: tuple[Saving, ...]
    supported: bool
    reason: str
    moments: PlanningMoments
    question: SizingQuestion
    gain: PrognosticGain

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

    def to_frame(self) -> pd.DataFrame:
        """Return one row a figure: sizes of both analyses and both ways to save."""
        rows = []
        for saving in self.savings:
            fixed = saving.active_fixed
            rows.append(
                {
                    "figure": saving.figure,
                    "partial_correlation": saving.partial_correlation[0],
                    "ancova_total": saving.ancova.total,
                    "ancova_controls": saving.ancova.controls,
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
        No trial within the allowed size reaches the power.

    Notes
    -----
    The worst plausible correlation is the smallest of the lower 95 % bound, of every declared history
    drift, and of the discounted value; never below 0. A score whose correlation is negative in the
    history gets none: r = 0.
    """
    point = max(gain.partial_correlation, 0.0)
    discounted = correlation_discount * point
    worst = max(
        0.0, min([gain.partial_correlation_lower, discounted, *gain.drift_partial_correlations.values()])
    )
    ratio, inflated = gain.active_to_control, moments.with_inflated_sd(sd_inflation)
    upper = gain.partial_correlation_upper
    bounds = None if upper is None else (max(gain.partial_correlation_lower, 0.0), max(upper, 0.0))
    savings = (
        _saving("undiscounted", point, moments, ratio, question, bounds),
        _saving(
            "discounted",
            discounted,
            inflated,
            ratio,
            question,
            None if bounds is None else (correlation_discount * bounds[0], correlation_discount * bounds[1]),
        ),
        _saving("worst_plausible", worst, inflated, ratio, question),
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
    )


def _saving(
    figure: FigureName,
    partial: float,
    moments: PlanningMoments,
    ratio: float,
    question: SizingQuestion,
    bounds: Pair | None = None,
) -> Saving:
    pair = (partial, partial * ratio)
    with_score = moments.with_partial(*pair)
    ancova = size_for_power(with_score, "ancova", question)
    prognostic = size_for_power(with_score, "prognostic", question)
    fixed = controls_for_power(ancova.active, with_score, "prognostic", question)
    interval = None
    if bounds is not None:
        low, high = (_saving(figure, bound, moments, ratio, question).participants_saved for bound in bounds)
        interval = (low, high)
    return Saving(figure, pair, ancova, prognostic, fixed, interval)


def _support(gain: PrognosticGain, smallest: float) -> tuple[bool, str]:
    bound = f"the lower 90 % bound of the out-of-sample gain is {gain.gain_lower:.1%}"
    if gain.gain_lower > smallest:
        return True, f"{bound}, above the smallest worthwhile saving of {smallest:.1%}"
    return False, f"{bound}, not above the smallest worthwhile saving of {smallest:.1%}"
