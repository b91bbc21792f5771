"""Sizes of binary and count trials on the marginal scale, by integrating over the prognostic score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, ndtri

from trialsim.data import Floats
from trialsim.design.sizes.claim import Claim
from trialsim.design.sizes.direction import Direction, claimed
from trialsim.design.sizes.variance import Pair, require_shares
from trialsim.errors import DesignError, require_kind

Outcome = Literal["binary", "count"]
Contrast = Literal["difference", "log_ratio", "log_odds_ratio"]
_NODES = 81
# Squares of a count's mean are integrated to 1e-9 up to here; one SD of the score is then a ratio of 148.
_STEEPEST_COUNT = 5.0


@dataclass(frozen=True)
class MarginalQuestion:
    """A comparison of two marginal means with a prognostic score in the working model.

    Y(a) given the score M has mean ``g⁻¹(b_a + γ_a M)``, g the logit for binary outcomes and the log for
    counts; the intercepts are solved so that the marginal means are those asked for.

    Parameters
    ----------
    outcome : {"binary", "count"}
        Bernoulli, or Poisson with an extra variance of `dispersion` × mean².
    means : pair of float
        Marginal means of (control, active): risks in (0, 1), or expected counts above 0.
    slopes : pair of float
        γ_a: change of the linear predictor for one SD of the score, in (control, active); for counts
        within ±5.
    contrast : {"difference", "log_ratio", "log_odds_ratio"}
        What is estimated; the log odds ratio for binary outcomes only.
    dispersion : float
        1/θ of a negative binomial count, at least 0.
    score : array_like (P,), optional
        Scores of a sample, standardised here; standard normal if not given.
    power, alpha : float
        Power, and two-sided level.
    direction : {"greater", "less"}, optional
        Side of the claim; that of the assumed effect if left out.
    claim : Claim, optional
        In place of the side: a margin or limits on the scale of the contrast, with their side.

    Raises
    ------
    DesignError
        If a number is out of range, arms to be shown different have equal means, or the contrast does not
        fit.
    """

    outcome: Outcome
    means: Pair
    slopes: Pair
    contrast: Contrast = "difference"
    dispersion: float = 0.0
    score: ArrayLike | None = None
    power: float = 0.9
    alpha: float = 0.05
    direction: Direction | None = None
    claim: Claim | None = None

    def __post_init__(self) -> None:
        top = 1.0 if self.outcome == "binary" else math.inf
        if self.outcome not in ("binary", "count"):
            raise DesignError("must be binary or count", field="outcome", value=self.outcome)
        if not all(0 < mean < top for mean in self.means):
            raise DesignError(f"must lie between 0 and {top:g}", field="means", value=self.means)
        if self.means[0] == self.means[1] and not self.claimed.null:
            raise DesignError("must differ between the arms: no size detects it", field="means")
        if self.contrast not in ("difference", "log_ratio", "log_odds_ratio") or (
            self.outcome == "count" and self.contrast == "log_odds_ratio"
        ):
            raise DesignError("does not fit the outcome", field="contrast", value=self.contrast)
        if not all(math.isfinite(slope) for slope in self.slopes):
            raise DesignError("must be finite", field="slopes", value=self.slopes)
        if self.outcome == "count" and max(map(abs, self.slopes)) > _STEEPEST_COUNT:
            raise DesignError(
                f"must lie within ±{_STEEPEST_COUNT:g} for a count",
                field="slopes",
                value=self.slopes,
                mend="give the change of the log rate for one SD of the score",
            )
        if not 0 <= self.dispersion < math.inf or (self.outcome == "binary" and self.dispersion):
            raise DesignError(
                "must be at least 0, and 0 for a binary outcome", field="dispersion", value=self.dispersion
            )
        if not self.alpha < self.power < 1:
            raise DesignError("must lie between alpha and 1", field="power", value=self.power)
        claimed(0.0, self.direction, True)

    @property
    def claimed(self) -> Claim:
        """What is claimed of the contrast."""
        return Claim((), self.direction) if self.claim is None else self.claim


@dataclass(frozen=True)
class MarginalVariance:
    """Parts of n Var of a marginal contrast, by arm (control, active).

    Parameters
    ----------
    effect : float
        Contrast r(Ψ1, Ψ0).
    gradient : pair of float
        r'_a = ∂r/∂Ψ_a.
    residual : pair of float
        κ_a², mean conditional variance of the outcome given the score.
    explained : pair of float
        s_a², variance of the conditional means.
    shared : float
        Var(r'_1 μ_1(M) + r'_0 μ_0(M)).
    """

    effect: float
    gradient: Pair
    residual: Pair
    explained: Pair
    shared: float

    def adjusted(self, controls: float, active: float) -> float:
        """Return Var of the g-computation estimate with so many analysed in each arm.

        ``r0'² κ0²/n0 + r1'² κ1²/n1 + Var(r1'μ1(M) + r0'μ0(M))/(n0 + n1)``.
        """
        (g0, g1), (k0, k1) = self.gradient, self.residual
        return g0**2 * k0 / controls + g1**2 * k1 / active + self.shared / (controls + active)

    def unadjusted(self, controls: float, active: float) -> float:
        """Return Var of the contrast of raw means."""
        (g0, g1), (k0, k1), (s0, s1) = self.gradient, self.residual, self.explained
        return g0**2 * (k0 + s0) / controls + g1**2 * (k1 + s1) / active

    @property
    def correlation(self) -> Pair:
        """Correlation of score-based prediction and outcome in each arm, s_a/√(s_a² + κ_a²)."""
        both = zip(self.explained, self.residual, strict=True)
        control, active = (math.sqrt(s / (s + k)) for s, k in both)
        return control, active


def marginal_variance(question: MarginalQuestion) -> MarginalVariance:
    """Return the parts of the influence-function variance of g-computation, by quadrature over the score.

    Examples
    --------
    >>> question = MarginalQuestion("binary", (0.3, 0.45), (1.0, 1.0))
    >>> parts = marginal_variance(question)
    >>> round(parts.adjusted(100, 100) / parts.unadjusted(100, 100), 4)
    0.8363
    """
    score, mass = _score_law(question.score)
    predictions = [_predictions(question, arm, score, mass) for arm in (0, 1)]
    gradient, effect = _contrast(question.contrast, question.means)
    residual, explained = [], []
    for mean, mu in zip(question.means, predictions, strict=True):
        conditional = mu * (1 - mu) if question.outcome == "binary" else mu + question.dispersion * mu**2
        residual.append(float(mass @ conditional))
        explained.append(float(mass @ (mu - mean) ** 2))
    joint = gradient[0] * predictions[0] + gradient[1] * predictions[1]
    shared = float(mass @ (joint - mass @ joint) ** 2)
    return MarginalVariance(
        effect, gradient, (residual[0], residual[1]), (explained[0], explained[1]), shared
    )


def marginal_size(
    question: MarginalQuestion, allocation: Pair = (0.5, 0.5), *, adjusted: bool = True
) -> Pair:
    """Return analysed (controls, active) that reach the power, not rounded.

    Parameters
    ----------
    question : MarginalQuestion
        Family, rates, score, power and level.
    allocation : pair of float
        Shares of (control, active), with sum 1.
    adjusted : bool
        Whether the score is in the model.

    Returns
    -------
    pair of float
        (controls, active).

    Raises
    ------
    InputError
        `question` is none, as when arguments are swapped.
    DesignError
        Shares that do not sum to 1.

    Examples
    --------
    >>> question = MarginalQuestion("binary", (0.3, 0.45), (1.0, 1.0))
    >>> [round(n, 1) for n in marginal_size(question)]
    [178.7, 178.7]
    """
    require_kind("question", question, MarginalQuestion)
    parts = marginal_variance(question)
    variance = parts.adjusted if adjusted else parts.unadjusted
    total = variance(*require_shares("allocation", allocation)) * _precision(question, parts)
    return allocation[0] * total, allocation[1] * total


def marginal_controls(active: float, question: MarginalQuestion) -> float:
    """Return the analysed controls beside a fixed active arm, solved numerically; infinite where none do.

    Parameters
    ----------
    active : float
        Active participants to analyse, above 0.
    question : MarginalQuestion
        Family, rates, score, power and level.

    Returns
    -------
    float
        Not rounded; infinite where the active arm alone is too small.

    Raises
    ------
    InputError
        `question` is none, as when arguments are swapped.
    DesignError
        An active arm that is not above 0.

    Examples
    --------
    >>> question = MarginalQuestion("binary", (0.3, 0.45), (1.0, 1.0))
    >>> n = marginal_size(question, adjusted=False)[1]
    >>> round(1 - marginal_controls(n, question) / n, 4)
    0.2969
    """
    require_kind("question", question, MarginalQuestion)
    if not active > 0:
        raise DesignError("must be above 0", field="active", value=active)
    parts = marginal_variance(question)
    target = 1 / _precision(question, parts)
    g1, k1 = parts.gradient[1], parts.residual[1]
    if g1**2 * k1 / active >= target:
        return math.inf
    high = active
    while parts.adjusted(high, active) > target:
        high *= 2
        if high > 1e12:
            return math.inf
    return float(brentq(lambda n: parts.adjusted(n, active) - target, 1e-9, high, xtol=1e-9, rtol=1e-13))


def marginal_power(controls: float, active: float, question: MarginalQuestion, *, adjusted: bool) -> float:
    """Return the power of the Wald test of the marginal contrast, in the right direction.

    Parameters
    ----------
    controls, active : float
        Participants to analyse in each arm, above 0.
    question : MarginalQuestion
        Family, rates, score and level.
    adjusted : bool
        Whether the score is in the model.

    Returns
    -------
    float
        In (0, 1).

    Raises
    ------
    InputError
        `question` is none, as when arguments are swapped.

    Examples
    --------
    >>> question = MarginalQuestion("binary", (0.3, 0.45), (1.0, 1.0))
    >>> round(marginal_power(180, 180, question, adjusted=True), 3)
    0.902
    """
    require_kind("question", question, MarginalQuestion)
    parts = marginal_variance(question)
    variance = (parts.adjusted if adjusted else parts.unadjusted)(controls, active)
    return question.claimed.power(parts.effect, math.sqrt(variance), question.alpha)


def _score_law(score: ArrayLike | None) -> tuple[Floats, Floats]:
    if score is None:
        nodes, weights = hermegauss(_NODES)
        return nodes, weights / weights.sum()
    sample = np.asarray(score, dtype=float)
    if sample.ndim != 1 or len(sample) < 2 or not np.isfinite(sample).all() or sample.std() == 0:
        raise DesignError("must be a list of at least 2 finite scores that differ", field="score")
    return (sample - sample.mean()) / sample.std(), np.full(len(sample), 1 / len(sample))


def _predictions(question: MarginalQuestion, arm: int, score: Floats, mass: Floats) -> Floats:
    """Return conditional means over the score whose average is the arm's marginal mean."""
    mean, linear = question.means[arm], question.slopes[arm] * score
    if question.outcome == "count":
        return np.asarray(mean * np.exp(linear) / (mass @ np.exp(linear)))
    reach = 50.0 + float(np.abs(linear).max())
    intercept = brentq(lambda b: float(mass @ expit(b + linear)) - mean, -reach, reach, xtol=1e-14)
    return np.asarray(expit(intercept + linear))


def _contrast(contrast: Contrast, means: Pair) -> tuple[Pair, float]:
    control, active = means
    if contrast == "difference":
        return (-1.0, 1.0), active - control
    if contrast == "log_ratio":
        return (-1 / control, 1 / active), math.log(active / control)
    if contrast != "log_odds_ratio":
        raise DesignError("is no contrast", field="contrast", value=contrast)
    odds = math.log(active / (1 - active)) - math.log(control / (1 - control))
    return (-1 / (control * (1 - control)), 1 / (active * (1 - active))), odds


def _precision(question: MarginalQuestion, parts: MarginalVariance) -> float:
    """Return 1/Var that the power needs."""
    claim = question.claimed
    claim.refuse_outside(parts.effect, "means[1]", question.means[1])
    z = float(ndtri(1 - question.alpha / 2) + ndtri(question.power))
    return (z / claim.reach(parts.effect, question.alpha, question.power)) ** 2
