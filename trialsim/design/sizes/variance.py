"""Asymptotic variance of the treatment effect under each analysis, at any allocation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from trialsim.errors import DesignError

AnalysisName = Literal["unadjusted", "ancova", "prognostic"]
Slopes = Literal["common", "interacted"]
Pair = tuple[float, float]


@dataclass(frozen=True)
class PlanningMoments:
    """What a size rests on: second moments of outcome, baseline and prognostic score, by arm.

    Every pair is (control, active). The outcome is the change from baseline at the last visit.

    Parameters
    ----------
    sd : pair of float
        Standard deviation σ_a of the outcome, above 0.
    baseline_correlation : pair of float
        ρ_a = corr(outcome, baseline), in (-1, 1).
    partial_correlation : pair of float
        r_a = corr(outcome, score | baseline), in (-1, 1).

    Raises
    ------
    DesignError
        If a number is out of range.
    """

    sd: Pair
    baseline_correlation: Pair
    partial_correlation: Pair

    def __post_init__(self) -> None:
        if not all(0 < sd < math.inf for sd in self.sd):
            raise DesignError("must be two numbers above 0", field="sd", value=self.sd)
        for name in ("baseline_correlation", "partial_correlation"):
            if not all(-1 < r < 1 for r in getattr(self, name)):
                raise DesignError("must lie between -1 and 1", field=name, value=getattr(self, name))

    def with_partial(self, control: float, active: float) -> PlanningMoments:
        """Return the same moments with other partial correlations."""
        return PlanningMoments(self.sd, self.baseline_correlation, (control, active))

    def with_inflated_sd(self, factor: float) -> PlanningMoments:
        """Return the same moments with both SDs multiplied by γ; correlations are left alone."""
        return PlanningMoments(
            (self.sd[0] * factor, self.sd[1] * factor), self.baseline_correlation, self.partial_correlation
        )


@dataclass(frozen=True)
class Adjustment:
    """What an analysis leaves of the variance.

    Parameters
    ----------
    residual_variance : pair of float
        κ_a², the outcome's variance in each arm around that arm's own regression.
    slope_gap : float
        Variance of the covariates' contribution to the treatment effect, (ρ1σ1 − ρ0σ0)² for one
        covariate; a sum over orthogonal covariates.
    covariates : int
        Number of adjustment covariates p.
    """

    residual_variance: Pair
    slope_gap: float
    covariates: int


def adjustment(moments: PlanningMoments, analysis: AnalysisName) -> Adjustment:
    """Return what an analysis leaves of the variance.

    The score enters by the part of it that the baseline does not explain, so the two covariates are
    orthogonal and their slope gaps add: (ρ1σ1 − ρ0σ0)² + (r1κ1 − r0κ0)², κ_a the SD left by the
    baseline.

    Parameters
    ----------
    moments : PlanningMoments
        SDs and correlations by arm.
    analysis : {"unadjusted", "ancova", "prognostic"}
        How the trial will be read.

    Returns
    -------
    Adjustment
        Residual variances, slope gap and number of covariates.

    Raises
    ------
    DesignError
        If the analysis has no such name.

    Examples
    --------
    >>> moments = PlanningMoments((1.0, 1.0), (0.6, 0.6), (0.5, 0.5))
    >>> adjustment(moments, "prognostic").residual_variance
    (0.48, 0.48)
    """
    require_name("analysis", analysis, AnalysisName)
    residual = [sd**2 for sd in moments.sd]
    gap, covariates = 0.0, 0
    steps = {"unadjusted": [], "ancova": [moments.baseline_correlation]}.get(
        analysis, [moments.baseline_correlation, moments.partial_correlation]
    )
    for correlation in steps:
        explained = [r * np.sqrt(variance) for r, variance in zip(correlation, residual, strict=True)]
        gap += (explained[1] - explained[0]) ** 2
        residual = [variance * (1 - r**2) for r, variance in zip(correlation, residual, strict=True)]
        covariates += 1
    return Adjustment((float(residual[0]), float(residual[1])), float(gap), covariates)


def asymptotic_variance(left: Adjustment, shares: Pair, slopes: Slopes) -> float:
    """Return V = n Var(τ̂) for shares (π0, π1) of the analysed participants.

    Parameters
    ----------
    left : Adjustment
        What the analysis leaves of the variance.
    shares : pair of float
        (π0, π1), with sum 1.
    slopes : {"common", "interacted"}
        Whether both arms share their slopes.

    Returns
    -------
    float
        ``V_I = κ0²/π0 + κ1²/π1 + gap`` for interacted slopes;
        ``V_C = V_I + (π0 − π1)²/(π0π1) gap`` for a common slope.

    Notes
    -----
    Schuler 2022 (arXiv 2012.09935) in readable form; dropping the gap under-sizes.

    Examples
    --------
    >>> moments = PlanningMoments((1.0, 1.5), (0.5, 0.1), (0.0, 0.0))
    >>> left = adjustment(moments, "ancova")
    >>> round(asymptotic_variance(left, (0.25, 0.75), "interacted"), 4)
    6.0925
    >>> round(asymptotic_variance(left, (0.25, 0.75), "common"), 4)
    6.2558
    """
    require_name("slopes", slopes, Slopes)
    control, active = require_shares("shares", shares)
    interacted = left.residual_variance[0] / control + left.residual_variance[1] / active + left.slope_gap
    if slopes == "interacted":
        return interacted
    return interacted + (control - active) ** 2 / (control * active) * left.slope_gap


def require_name(field: str, value: str, names: Any) -> None:
    """Refuse a word that is none of a literal type's.

    Raises
    ------
    DesignError
        If it is not.
    """
    if value not in get_args(names):
        raise DesignError("is not known", field=field, value=value, mend=f"use one of {get_args(names)}")


def require_shares(field: str, shares: Pair) -> Pair:
    """Return shares of (control, active).

    Raises
    ------
    DesignError
        If they are not two positive numbers with sum 1.
    """
    if not (min(shares) > 0 and math.isclose(sum(shares), 1)):
        raise DesignError(
            "must be two positive shares with sum 1",
            field=field,
            value=shares,
            mend="divide each arm's part by the sum of the ratio",
        )
    return shares
