"""How much of a shared prognosis an adjusted comparison may take credit for: the heterogeneity dial."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialsim.design.sizes.asymptotic import asymptotic_size
from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.design.sizes.variance import Pair, require_shares
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

if TYPE_CHECKING:
    import plotly.graph_objects as go

ConservativeArm = Literal["control", "both"]


@dataclass(frozen=True)
class PredictionMoments:
    """What a score predicts in each arm, and how the two predictions agree.

    Every pair is (control, active).

    Parameters
    ----------
    prediction_error : pair of float
        κ_a, root mean squared prediction error in the outcome's unit, above 0.
    explained_sd : pair of float
        s_a, standard deviation of the conditional mean of the outcome given the score, at least 0.
    agreement : float
        c in [-1, 1], correlation of the two conditional means: the dial. 1 says that the score means
        the same under treatment, 0 gives no credit for shared prognosis, -1 is the worst case.

    Raises
    ------
    DesignError
        If a number is out of range.

    Examples
    --------
    >>> moments = PredictionMoments((0.8, 0.8), (0.6, 0.6), 1.0)
    >>> round(moments.variance((0.5, 0.5)), 10), round(moments.general_bound((0.5, 0.5)), 10)
    (2.56, 4.56)
    """

    prediction_error: Pair
    explained_sd: Pair
    agreement: float = 1.0

    def __post_init__(self) -> None:
        if not all(0 < kappa < math.inf for kappa in self.prediction_error):
            raise DesignError(
                "must be two numbers above 0", field="prediction_error", value=self.prediction_error
            )
        if not all(0 <= s < math.inf for s in self.explained_sd):
            raise DesignError(
                "must be two numbers, at least 0", field="explained_sd", value=self.explained_sd
            )
        if not -1 <= self.agreement <= 1:
            raise DesignError(
                "must lie in [-1, 1]",
                field="agreement",
                value=self.agreement,
                mend="1 is the sharp size, 0 gives no credit for shared prognosis",
            )

    @classmethod
    def from_correlation(cls, sd: Pair, correlation: Pair, agreement: float = 1.0) -> PredictionMoments:
        """Return the moments of a linear score, κ_a² = σ_a²(1 − ρ_a²) and s_a = |ρ_a| σ_a."""
        if not all(-1 < rho < 1 for rho in correlation):
            raise DesignError("must be two numbers in (-1, 1)", field="correlation", value=correlation)
        kappa = tuple(s * math.sqrt(1 - rho**2) for s, rho in zip(sd, correlation, strict=True))
        explained = tuple(s * abs(rho) for s, rho in zip(sd, correlation, strict=True))
        return cls((kappa[0], kappa[1]), (explained[0], explained[1]), agreement)

    def with_agreement(self, agreement: float) -> PredictionMoments:
        """Return the same predictions at another setting of the dial."""
        return replace(self, agreement=agreement)

    def variance(self, shares: Pair) -> float:
        """Return V(c) = n Var(τ̂) at shares (π0, π1) of analysed participants.

        ``V(c) = κ0²/π0 + κ1²/π1 + s0² + s1² − 2 c s0 s1``; with c = 1 it is the sharp variance of
        interacted slopes (Schuler 2022, arXiv 2012.09935).
        """
        (k0, k1), (s0, s1) = self.prediction_error, self.explained_sd
        pi0, pi1 = require_shares("shares", shares)
        return k0**2 / pi0 + k1**2 / pi1 + s0**2 + s1**2 - 2 * self.agreement * s0 * s1

    def unadjusted_variance(self, shares: Pair) -> float:
        """Return n Var of the difference of raw means, σ0²/π0 + σ1²/π1 with σ_a² = κ_a² + s_a²."""
        (k0, k1), (s0, s1) = self.prediction_error, self.explained_sd
        pi0, pi1 = require_shares("shares", shares)
        return (k0**2 + s0**2) / pi0 + (k1**2 + s1**2) / pi1

    def general_bound(self, shares: Pair) -> float:
        """Return the bound that holds for any score and any marginal contrast, for a difference of means.

        ``σ0² + σ1² + π0π1(κ0/π0 + κ1/π1)²`` (as in the R package postcard). It exceeds V(c) by
        `slack`: with equal arms at 1:1 and c = 1 by 2σ², which gives the whole saving away.
        """
        (k0, k1), (s0, s1) = self.prediction_error, self.explained_sd
        pi0, pi1 = require_shares("shares", shares)
        return k0**2 + s0**2 + k1**2 + s1**2 + pi0 * pi1 * (k0 / pi0 + k1 / pi1) ** 2

    @property
    def slack(self) -> float:
        """What the general bound adds to V(c): ``2 κ0 κ1 + 2 c s0 s1``."""
        return 2 * math.prod(self.prediction_error) + 2 * self.agreement * math.prod(self.explained_sd)


@dataclass(frozen=True)
class DialSizes(InNotebook):
    """Sizes over settings of the dial: sharp, the user's, and without credit, beside two references."""

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return one row a setting: name, agreement, V = n Var(τ̂), and total size, not rounded."""
        return self.frame.copy()

    def total(self, setting: str) -> float:
        """Return the size of one setting: "sharp", "chosen", "no credit", "general bound", "unadjusted"."""
        return float(self.frame.loc[self.frame["setting"] == setting, "total"].iloc[0])

    def __str__(self) -> str:
        return self.frame.round(3).to_string(index=False)

    def plot(self) -> go.Figure:
        """Draw the total size of every setting."""
        import plotly.graph_objects as go

        figure = go.Figure(go.Bar(x=self.frame["setting"], y=self.frame["total"]))
        figure.update_layout(xaxis_title="heterogeneity dial", yaxis_title="participants to analyse")
        return figure


def dial_sizes(
    moments: PredictionMoments,
    effect: float,
    *,
    allocation: Pair = (0.5, 0.5),
    margin: float = 0.0,
    power: float = 0.9,
    alpha: float = 0.05,
    direction: Direction | None = None,
) -> DialSizes:
    """Return the total size at c = 1, at the moments' own c, and at c = 0, in the normal approximation.

    Parameters
    ----------
    moments : PredictionMoments
        With the user's setting of the dial as `agreement`.
    effect : float
        Assumed effect, other than the margin.
    allocation : pair of float
        Shares (control, active), with sum 1.
    margin : float
        Difference under the null.
    power, alpha : float
        Power, and *two-sided* level.
    direction : {"greater", "less"}, optional
        Side of the claim; as for `MeansQuestion`.

    Returns
    -------
    DialSizes
        A row for each agreement c, with both analyses.

    Raises
    ------
    DesignError
        The effect lies on the wrong side of the margin, or a number is out of range.

    Examples
    --------
    >>> moments = PredictionMoments.from_correlation((1.0, 1.0), (0.5, 0.5), agreement=0.6)
    >>> print(dial_sizes(moments, 0.3))
          setting  agreement  variance   total
            sharp        1.0       3.0 350.247
           chosen        0.6       3.2 373.597
        no credit        0.0       3.5 408.622
    general bound        NaN       5.0 583.746
       unadjusted        NaN       4.0 466.997
    """
    if effect == margin or not math.isfinite(effect - margin):
        raise DesignError("must differ from the margin: no size detects it", field="effect", value=effect)
    refuse_wrong_side(claimed(effect - margin, direction, margin == 0), "effect", effect)
    rows: list[tuple[str, float, float]] = [
        (name, c, moments.with_agreement(c).variance(allocation))
        for name, c in (("sharp", 1.0), ("chosen", moments.agreement), ("no credit", 0.0))
    ]
    rows.append(("general bound", math.nan, moments.general_bound(allocation)))
    rows.append(("unadjusted", math.nan, moments.unadjusted_variance(allocation)))
    frame = pd.DataFrame(rows, columns=["setting", "agreement", "variance"])
    frame["total"] = [
        asymptotic_size(variance, effect - margin, power=power, alpha=alpha) for variance in frame["variance"]
    ]
    return DialSizes(frame)


def detectable_drift(
    controls: float, history: float, *, sd: float = 1.0, correlation: float = 0.0, alpha: float = 0.05
) -> float:
    """Return the smallest drift that the concurrent controls can show at the two-sided level.

    ``z_{1−α/2} √(σ²(1 − ρ²)(1/n0 + 1/N_H))``, in the outcome's unit; a drift of that size is seen in
    half of all trials.

    Parameters
    ----------
    controls, history : float
        Concurrent controls n0 and past participants N_H, above 0.
    sd, correlation : float
        σ, and the correlation ρ of score and outcome.
    alpha : float
        Two-sided level of the comparison.

    Examples
    --------
    >>> round(detectable_drift(100, 1000, correlation=0.5), 6)
    0.178023
    """
    if not (controls > 0 and history > 0 and sd > 0 and -1 < correlation < 1):
        raise DesignError(
            "needs controls, history and SD above 0 and a correlation in (-1, 1)",
            field="controls",
            value=controls,
        )
    return float(ndtri(1 - alpha / 2) * sd * np.sqrt((1 - correlation**2) * (1 / controls + 1 / history)))
