"""Draws of what the history leaves uncertain, which sizes are assured over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import chdtri, ndtri

from trialsim.data import Floats
from trialsim.design.sizes.variance import Pair
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

_LARGEST_TRIAL = 10_000_000


class SizingDraws(Protocol):
    """Draws of an effect, and of the variance that a size rests on; see `PlanningDraws`, `ScaleDraws`."""

    @property
    def effect(self) -> Floats:
        """Effect (D,)."""
        ...

    def variance(self, shares: Pair) -> Floats:
        """Return n Var of the estimated effect (D,)."""
        ...


@dataclass(frozen=True)
class PlanningDraws(InNotebook):
    """Posterior draws of what a size rests on; every array is (D,).

    Parameters
    ----------
    sd, correlation : pair of ndarray (D,)
        σ_a above 0 and ρ_a in (−1, 1), score and outcome, in (control, active).
    agreement : ndarray (D,)
        The heterogeneity dial c in [−1, 1]; 1 is the sharp variance.
    effect : ndarray (D,)
        τ, in the outcome's unit.
    """

    sd: tuple[Floats, Floats]
    correlation: tuple[Floats, Floats]
    agreement: Floats
    effect: Floats

    def __post_init__(self) -> None:
        arrays = [*self.sd, *self.correlation, self.agreement, self.effect]
        if len({array.shape for array in arrays}) != 1 or arrays[0].ndim != 1 or len(arrays[0]) < 2:
            raise DesignError("must be arrays of one length, at least 2", field="draws")
        if not all(np.isfinite(array).all() for array in arrays):
            raise DesignError("must be finite", field="draws")
        if not all((sd > 0).all() for sd in self.sd):
            raise DesignError("must be above 0", field="sd")
        if not all((np.abs(rho) < 1).all() for rho in self.correlation):
            raise DesignError("must lie in (-1, 1)", field="correlation")
        if (np.abs(self.agreement) > 1).any():
            raise DesignError("must lie in [-1, 1]", field="agreement")

    def variance(self, shares: Pair) -> Floats:
        """Return V(c) = n Var(τ̂) of every draw (D,); see `PredictionMoments.variance`."""
        explained = [rho * sd for rho, sd in zip(self.correlation, self.sd, strict=True)]
        residual = [sd**2 - s**2 for sd, s in zip(self.sd, explained, strict=True)]
        shared = explained[0] ** 2 + explained[1] ** 2 - 2 * self.agreement * explained[0] * explained[1]
        return np.asarray(residual[0] / shares[0] + residual[1] / shares[1] + shared)


def draws_from_history(
    correlation: float,
    sd: float,
    pairs: int,
    *,
    effect: float,
    generator: np.random.Generator,
    effect_sd: float = 0.0,
    sd_ratio: float = 1.0,
    sd_ratio_log_sd: float = 0.0,
    agreement: Pair = (1.0, 1.0),
    draws: int = 4000,
) -> PlanningDraws:
    """Return draws given a history of score-outcome pairs, and stated priors for what it cannot tell.

    ``atanh ρ0 ~ N(atanh r, 1/(n_H − 3))`` and ``σ0² ~ (n_H − 1) s²/χ²_{n_H−1}`` come from the history.
    The treated arm has none: ρ1 = ρ0, σ1 = σ0 × ratio with ln ratio ~ N(ln sd_ratio, sd_ratio_log_sd²),
    and the dial c uniform between two bounds; τ ~ N(effect, effect_sd²).

    Parameters
    ----------
    correlation, sd : float
        Out-of-sample r and s of the history's controls.
    pairs : int
        n_H, at least 5.
    effect, effect_sd : float
        Prior of the effect.
    generator : numpy.random.Generator
        Pairs the draws of one parameter with those of another.
    sd_ratio, sd_ratio_log_sd : float
        Prior of σ1/σ0.
    agreement : pair of float
        Bounds of c.
    draws : int
        D.

    Returns
    -------
    PlanningDraws
        D draws of correlations, SDs and effect.

    Raises
    ------
    DesignError
        A number out of range.

    Examples
    --------
    >>> from trialsim.streams import stream
    >>> got = draws_from_history(0.5, 1.0, 200, effect=0.3, generator=stream(1, "", 0, "analysis"))
    >>> bool(0.48 < got.correlation[0].mean() < 0.51)
    True
    """
    if pairs < 5:
        raise DesignError("must be at least 5", field="pairs", value=pairs)
    if not -1 < correlation < 1 or not 0 < sd < math.inf:
        raise DesignError(
            "needs a correlation in (-1, 1) and an SD above 0", field="correlation", value=correlation
        )
    if effect_sd < 0 or sd_ratio <= 0 or sd_ratio_log_sd < 0 or not -1 <= agreement[0] <= agreement[1] <= 1:
        raise DesignError(
            "needs SDs of at least 0, a ratio above 0 and bounds of c in [-1, 1]",
            field="prior",
            value=(effect_sd, sd_ratio, sd_ratio_log_sd, agreement),
        )
    if draws < 100:
        raise DesignError("must be at least 100", field="draws", value=draws)
    # A Latin hypercube: every margin is met almost exactly, and only the pairing is left to chance.
    uniform = (generator.permuted(np.tile(np.arange(draws), (5, 1)), axis=1) + 0.5) / draws
    z = ndtri(uniform[:3])
    rho = np.tanh(np.arctanh(correlation) + z[0] / math.sqrt(pairs - 3))
    control_sd = sd * np.sqrt((pairs - 1) / chdtri(pairs - 1, uniform[3]))
    ratio = np.exp(math.log(sd_ratio) + sd_ratio_log_sd * z[1])
    return PlanningDraws(
        (control_sd, control_sd * ratio),
        (rho, rho),
        agreement[0] + (agreement[1] - agreement[0]) * uniform[4],
        effect + effect_sd * z[2],
    )
