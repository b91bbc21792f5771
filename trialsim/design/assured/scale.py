"""Power averaged over what the history leaves uncertain, on the binary, count and survival scales."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from trialsim.data import Floats
from trialsim.design.assured.assured_size import AssuranceQuestion, AssuredSizes, compare_assured
from trialsim.design.sizes.outcome_scale import OutcomeScale, SurvivalScale
from trialsim.design.sizes.variance import Pair
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook


@dataclass(frozen=True)
class ScaleDraws(InNotebook):
    """Draws of what a size rests on, on the working scale; every array is (D,).

    Parameters
    ----------
    scale : OutcomeScale
        What is assumed before anything is uncertain.
    level : ndarray (D,)
        Control level minus the assumed one.
    effect : ndarray (D,)
        Active minus control.
    correlation : ndarray (D,)
        ρ in [0, 1) of score and outcome among controls.
    inflation : float
        γ² on both arms' variances.
    """

    scale: OutcomeScale
    level: Floats
    effect: Floats
    correlation: Floats
    inflation: float = 1.0

    def residual(self, treated: bool) -> Floats:
        """Return what the score leaves of an arm's unit variance (D,).

        Raises
        ------
        DesignError
            If some draws cannot be: the history leaves the correlation or the level too uncertain.
        """
        # An arm at any level has the variance of controls that drifted there.
        drift = self.level + self.effect if treated else self.level
        pairs = zip(self.correlation, drift, strict=True)
        try:
            left = [self.scale.residual_variance(float(rho), drift=float(d)) for rho, d in pairs]
        except DesignError as refusal:
            raise DesignError(
                f"is left so uncertain by the history that a draw of it {refusal.problem}",
                field="correlation",
                value=refusal.value,
                mend="give a larger history, a smaller correlation, or no assurance",
            ) from None
        return self.inflation * np.array(left)

    def variance(self, shares: Pair) -> Floats:
        """Return n Var of the effect on the working scale (D,)."""
        return np.asarray(self.residual(False) / shares[0] + self.residual(True) / shares[1])


def draws_on_scale(
    scale: OutcomeScale,
    history: int,
    *,
    generator: np.random.Generator,
    correlation: float = 0.0,
    effect_sd: float = 0.0,
    level_sd: float = 0.0,
    draws: int = 2000,
) -> ScaleDraws:
    """Return draws given a history, and a stated prior of the effect.

    ``level ~ N(0, u0/N_H + level_sd²)`` with u0 the unit variance of controls,
    ``atanh ρ ~ N(atanh r, 1/(N_H − 3))`` cut at 0, ``θ ~ N(assumed effect, effect_sd²)``.

    Parameters
    ----------
    scale : OutcomeScale
        Assumed control level, effect and follow-up.
    history : int
        Past placebo participants N_H, at least 5; for `SurvivalScale` past events.
    generator : numpy.random.Generator
        Pairs the draws of one parameter with those of another.
    correlation : float
        Out-of-sample r among past controls, in [0, 1).
    effect_sd : float
        Prior SD of the effect on the working scale.
    level_sd : float
        SD of the control level between trials, in the working scale's unit.
    draws : int
        D.

    Returns
    -------
    ScaleDraws
        D draws of correlation, effect and control level.

    Raises
    ------
    DesignError
        A number out of range.

    Examples
    --------
    >>> from trialsim.design import BinaryScale
    >>> from trialsim.streams import stream
    >>> got = draws_on_scale(BinaryScale(0.3, 2.0), 200, generator=stream(1, "", 0, "analysis"))
    >>> round(float(got.level.std()), 2)
    0.15
    """
    if history < 5:
        raise DesignError("must be at least 5", field="history", value=history)
    if not 0 <= correlation < 1:
        raise DesignError("must lie in [0, 1)", field="correlation", value=correlation)
    if effect_sd < 0 or level_sd < 0:
        raise DesignError("must be at least 0", field="effect_sd", value=(effect_sd, level_sd))
    if draws < 100:
        raise DesignError("must be at least 100", field="draws", value=draws)
    # A Latin hypercube: every margin is met almost exactly, and only the pairing is left to chance.
    z = ndtri((generator.permuted(np.tile(np.arange(draws), (3, 1)), axis=1) + 0.5) / draws)
    unit = 1.0 if isinstance(scale, SurvivalScale) else scale.unit_variance()
    rho = np.zeros(draws)
    if correlation > 0:
        rho = np.maximum(np.tanh(np.arctanh(correlation) + z[2] / math.sqrt(history - 3)), 0.0)
    return ScaleDraws(
        scale, math.sqrt(unit / history + level_sd**2) * z[0], scale.effect + effect_sd * z[1], rho
    )


def assured_sizes_on_scale(draws: ScaleDraws, question: AssuranceQuestion) -> AssuredSizes:
    """Return sizes without, with customary and with assured discounts, and the worst plausible one.

    The undiscounted size takes every parameter at its median; the discounted one multiplies ρ by λ and
    the working scale's SD by γ in both arms; the worst plausible one takes ρ at its 2.5 % quantile or λ
    times its median, whichever is smaller, the control level at its median or the end of its 95 % range
    that needs most participants, and γ too. The direction of success is that of the assumed effect, seen
    from the margin.

    Parameters
    ----------
    draws : ScaleDraws
        What the history leaves uncertain, D draws.
    question : AssuranceQuestion
        Power, assurance, level, allocation and customary discounts; its margin is one of the working scale.

    Returns
    -------
    AssuredSizes
        A total for each row of the table, infinite where no size does.

    Raises
    ------
    DesignError
        Risks, which have no assurance, or no size has the asked power on average over the draws.

    Examples
    --------
    >>> from trialsim.design import BinaryScale
    >>> from trialsim.streams import stream
    >>> draws = draws_on_scale(BinaryScale(0.3, 2.0), 200, correlation=0.3, effect_sd=0.1,
    ...                        generator=stream(1, "", 0, "analysis"))
    >>> sizes = assured_sizes_on_scale(draws, AssuranceQuestion())
    >>> sizes.total("undiscounted") < sizes.total("assured, quantile") < sizes.total("worst plausible") * 2
    True
    """
    if draws.scale.slope_gap(0.5) > 0:
        raise DesignError("has no assurance", field="contrast", value=draws.scale.contrast,
                          mend="use the odds ratio")  # fmt: skip
    asked = replace(question, direction=1 if draws.scale.effect > question.margin else -1)

    scale, inflation = asked.correlation_discount, asked.sd_inflation**2
    middle = float(np.median(draws.correlation))
    weakest = min(float(np.quantile(draws.correlation, 0.025)), scale * middle)

    def at(level: float, correlation: float, inflation: float = 1.0) -> ScaleDraws:
        # Draws come as arrays of at least two.
        return ScaleDraws(
            draws.scale,
            np.full(2, np.quantile(draws.level, level)),
            np.full(2, np.median(draws.effect)),
            np.full(2, correlation),
            inflation,
        )

    ends = [at(level, weakest, inflation) for level in (0.025, 0.5, 0.975)]
    fixed = {
        "undiscounted": at(0.5, middle),
        "discounted": at(0.5, scale * middle, inflation),
        "worst plausible": max(ends, key=lambda end: float(end.variance(asked.allocation)[0])),
    }
    rho, unit = draws.correlation, draws.residual(False)
    p = asked.assurance
    return AssuredSizes(
        compare_assured(draws, fixed, asked),
        float(np.quantile(rho, 1 - p) / middle) if middle else math.nan,
        math.sqrt(float(np.quantile(unit, p) / np.median(unit))),
        asked,
    )
