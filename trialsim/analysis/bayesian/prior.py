"""Prior of the Bayesian prognostic adjustment: what a placebo history says, mixed with a vague part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialsim.analysis.borrowing.checks import finite, fraction, positive
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook


@dataclass(frozen=True)
class HistoryFit(InNotebook):
    """Least squares of past placebo outcomes on their prognostic score, Y − M̄ = b₀ + b₂(M − M̄).

    Parameters
    ----------
    size : int
        Past participants, N_H, at least 3.
    bias : float
        b₀ = Ȳ − M̄: how far the score misses on average, in units of the outcome.
    slope : float
        b₂: calibration slope, about 1 for a good score.
    residual_variance : float
        s²_H on N_H − 2 degrees of freedom, above 0.
    score_sum_of_squares : float
        Σ(M − M̄)², above 0.
    """

    size: int
    bias: float
    slope: float
    residual_variance: float
    score_sum_of_squares: float

    def __post_init__(self) -> None:
        if self.size < 3:
            raise HistoryError("needs at least 3 past participants", field="size", value=self.size)
        for name in ("bias", "slope"):
            finite(getattr(self, name), name)
        for name in ("residual_variance", "score_sum_of_squares"):
            positive(getattr(self, name), name)


@dataclass(frozen=True)
class AdjustmentPriorPart:
    """One conjugate part: β | σ² ~ N(location, σ² diag(scale)), σ² ~ scaled-inverse-χ²(df, variance).

    β is (bias of the score in the controls, treatment effect, slope of the score).

    Parameters
    ----------
    location, scale : tuple of three floats
        Prior location b and diagonal K, each scale above 0.
    df, variance : float
        Degrees of freedom ν and scale s² of σ², above 0.
    """

    location: tuple[float, float, float]
    scale: tuple[float, float, float]
    df: float
    variance: float

    def __post_init__(self) -> None:
        for i in range(3):
            finite(self.location[i], f"location[{i}]")
            positive(self.scale[i], f"scale[{i}]")
        positive(self.df, "df")
        positive(self.variance, "variance")


@dataclass(frozen=True)
class AdjustmentPrior:
    """Prior ω·informative + (1 − ω)·vague; only the mean of ω's own prior matters.

    Parameters
    ----------
    informative, vague : AdjustmentPriorPart
        What history says, and what is said without it.
    mean_weight : float
        E[ω], in [0, 1]; .5 for every symmetric Beta hyper-prior, which are all the same analysis.
    """

    informative: AdjustmentPriorPart
    vague: AdjustmentPriorPart
    mean_weight: float = 0.5

    def __post_init__(self) -> None:
        fraction(self.mean_weight, "mean_weight")


def fit_history(outcome: ArrayLike, score: ArrayLike) -> HistoryFit:
    """Return the least-squares summary of a placebo history that `adjustment_prior` needs.

    Parameters
    ----------
    outcome, score : array_like (N_H,)
        Past placebo outcomes and their prognostic scores, all finite.

    Returns
    -------
    HistoryFit
        Intercept, slope, residual variance and their precision.

    Raises
    ------
    HistoryError
        If the history is too short, not finite, or its score is constant.

    Examples
    --------
    >>> fit = fit_history([1.0, 2.1, 2.9, 4.2], [1.0, 2.0, 3.0, 4.0])
    >>> round(fit.bias, 6), round(fit.slope, 6)
    (0.05, 1.04)
    """
    y, m = np.asarray(outcome, dtype=float), np.asarray(score, dtype=float)
    if y.ndim != 1 or y.shape != m.shape or len(y) < 3:
        raise HistoryError(
            "outcome and score must be of one length, at least 3", field="history", value=(y.shape, m.shape)
        )
    unusable = np.flatnonzero(~(np.isfinite(y) & np.isfinite(m)))
    if len(unusable):
        raise HistoryError(f"non-finite outcome or score at position {unusable[0]}", field="history")
    centred = m - m.mean()
    square = float(centred @ centred)
    if square <= 0:
        raise HistoryError("the score is constant, so no slope can be learnt", field="score")
    slope = float(centred @ y) / square
    residual = y - y.mean() - slope * centred
    return HistoryFit(
        size=len(y),
        bias=float(y.mean() - m.mean()),
        slope=slope,
        residual_variance=float(residual @ residual) / (len(y) - 2),
        score_sum_of_squares=square,
    )


def adjustment_prior(
    history: HistoryFit,
    *,
    bias_scale: float | None = None,
    effect_scale: float = 100.0,
    vague_scale: float = 100.0,
    vague_df: float = 1.0,
    vague_variance: float = 1.0,
    mean_weight: float = 0.5,
) -> AdjustmentPrior:
    """Return the mixture prior that a history gives.

    The informative part is β | σ² ~ N((b₀, 0, b₂), σ² diag(K₀, K₁, K₂)) with K₂ = 1/Σ(M−M̄)² and
    σ² ~ scaled-inverse-χ²(N_H − 2, s²_H); the vague part is β | σ² ~ N(0, σ²kI).

    Parameters
    ----------
    history : HistoryFit
        Least-squares summary of the past placebo participants.
    bias_scale : float, optional
        K₀, strength on the bias of the score; 1/N_H if not given. Larger borrows less.
    effect_scale : float
        K₁ of the treatment effect, vague by default.
    vague_scale : float
        k. A *large* k makes the vague part lose (Lindley's paradox), so borrowing survives conflict.
    vague_df, vague_variance : float
        ν and σ₀² of the vague part, in squared units of the outcome.
    mean_weight : float
        E[ω], in [0, 1].

    Returns
    -------
    AdjustmentPrior

    Notes
    -----
    The defaults are natural ones, not tuned: under a moderate drift of the outcome against the score
    they do *not* hold the type I error (about .6 at .3 SD, 1:1, n = 200). See arXiv 2012.13112 and
    2310.18027 for the model.

    Examples
    --------
    >>> prior = adjustment_prior(HistoryFit(200, -0.04, 0.98, 0.88, 50.0))
    >>> prior.informative.scale
    (0.005, 100.0, 0.02)
    """
    informative = AdjustmentPriorPart(
        location=(history.bias, 0.0, history.slope),
        scale=(
            1 / history.size if bias_scale is None else bias_scale,
            effect_scale,
            1 / history.score_sum_of_squares,
        ),
        df=history.size - 2,
        variance=history.residual_variance,
    )
    vague = AdjustmentPriorPart(
        (0.0, 0.0, 0.0), (vague_scale, vague_scale, vague_scale), vague_df, vague_variance
    )
    return AdjustmentPrior(informative, vague, mean_weight)
