"""Borrowing through a mixture of normals for the control mean, with level and power by quadrature."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, log_expit, logit, ndtr

from trialsim.analysis.borrowing import CommensuratePrior, sam_weight_normal
from trialsim.data import Floats
from trialsim.design.borrowing.control_posterior import control_posterior
from trialsim.design.borrowing.control_question import ControlQuestion
from trialsim.design.borrowing.question import BorrowingCharacteristics, BorrowingMethod
from trialsim.design.sizes.variance import Pair
from trialsim.errors import DesignError

_NODES_PER_SD = 8
_TAIL_SDS = 8.0
_LOG_PRECISION_NODES = 121
VAGUE_WEIGHTS = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)


@dataclass(frozen=True)
class NormalBorrowing(ABC):
    """A prior of the control mean, centred on what the history says; base of the methods below."""

    name: str

    @property
    @abstractmethod
    def setting(self) -> str:
        """Setting of the prior, in words."""

    @abstractmethod
    def candidates(self) -> tuple[BorrowingMethod, ...]:
        """Return settings to choose from, from most to least borrowing."""

    @abstractmethod
    def between(self, other: NormalBorrowing, share: float) -> NormalBorrowing:
        """Return the setting so far on the way to another of the same method, to three digits."""

    @abstractmethod
    def components(self, question: ControlQuestion) -> tuple[Floats, Floats]:
        """Return log weights (K,) and variances (K,) of the prior of the control mean."""

    def log_weights(
        self, question: ControlQuestion, estimate: Floats, standard_error: float | Floats
    ) -> Floats:
        """Return log prior weights (K,) or, where the data set them, (G, K)."""
        del estimate, standard_error
        return self.components(question)[0]

    def characteristics(
        self, question: ControlQuestion, controls: int, drifts: Floats
    ) -> BorrowingCharacteristics:
        """Return level, power, bias and effective controls, averaged over the history's own error.

        With v0, v1, v_H the variances of the arms' and the history's means, u the controls' estimate
        and y the active arm's, both counted from the history's::

            u ~ N(d, v0 + v_H),   y | u ~ N(d + τ + b(u − d), v1 + v_H(1 − b)),   b = v_H/(v0 + v_H)

        The trial rejects if P(θ1 ≤ θ0 | u, y) is outside [α/2, 1 − α/2]; the critical y is solved at
        each node of u once for all drifts of one pair of variances, and u is integrated by the
        trapezoidal rule. Where drift and effect move the variances, each drift and hypothesis has its own.
        """
        d = np.asarray(drifts, dtype=float)
        found = np.empty((4, len(d)))
        for (null, alternative), at in _same_variances(question, controls, d).items():
            level, power, bias, worth = self._integrated(question, controls, d[at], null)
            if alternative != null:
                power = self._integrated(question, controls, d[at], alternative)[1]
            found[:, at] = level, power, bias, worth
        return BorrowingCharacteristics(d, *found)

    def _integrated(
        self, question: ControlQuestion, controls: int, drifts: Floats, variances: Pair
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Return level, power, bias and effective controls at drifts (D,), all with one pair of variances."""
        d = drifts * question.sd * question.orientation
        v0, v1 = variances
        vh = question.history_variance
        spread = math.sqrt(v0 + vh)
        half = max(float(np.abs(d).max()), question.sd * 1e-9) + _TAIL_SDS * spread
        se = math.sqrt(v0)
        nodes = math.ceil(half / (se / _NODES_PER_SD))
        u = np.linspace(-half, half, 2 * nodes + 1)
        log_weight = self.log_weights(question, u, se)
        posterior = control_posterior(u, se**2, log_weight, self.components(question)[1]).pruned()
        upper = posterior.critical_estimates(v1, question.alpha / 2)
        # The prior is symmetric about the history's mean, and so is the grid.
        lower = -upper[::-1]
        density = np.exp(-0.5 * ((u - d[:, None]) / spread) ** 2)
        density /= density.sum(axis=1, keepdims=True)
        b = vh / (v0 + vh)
        centre, sd = d[:, None] + b * (u - d[:, None]), math.sqrt(v1 + vh * (1 - b))
        level = ndtr((centre - upper) / sd) + ndtr((lower - centre) / sd)
        power = ndtr((centre + question.effect - upper) / sd)
        mean, variance = posterior.moments()
        return (
            np.asarray((density * level).sum(axis=1)),
            np.asarray((density * power).sum(axis=1)),
            d - density @ mean,
            question.analysed_controls(controls) * (v0 / (density @ variance) - 1),
        )


@dataclass(frozen=True)
class PowerPrior(NormalBorrowing):
    """The history's likelihood raised to a fixed power a₀.

    Parameters
    ----------
    weight : float
        a₀ in (0, 1].

    Examples
    --------
    >>> from trialsim.design import BorrowingQuestion
    >>> question = BorrowingQuestion(0.4, 100, 1000, correlation=0.5)
    >>> got = PowerPrior(weight=1.0).characteristics(question, 100, np.array([0.0, 0.3]))
    >>> got.type_one_error.round(3)
    array([0.05 , 0.854])
    """

    name: str = "power prior"
    weight: float = 0.5

    def __post_init__(self) -> None:
        require_unit("weight", self.weight)

    @property
    def setting(self) -> str:
        """Setting of the prior, in words."""
        return f"a0 = {self.weight:g}"

    def candidates(self) -> tuple[BorrowingMethod, ...]:
        """Return powers from 1 down to .005."""
        return tuple(replace(self, weight=a) for a in (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005))

    def between(self, other: NormalBorrowing, share: float) -> PowerPrior:
        """Return a power between two, even on the log scale."""
        return replace(self, weight=_geometric(self, other, "weight", share))

    def components(self, question: ControlQuestion) -> tuple[Floats, Floats]:
        """Return one normal of variance v_H/a₀."""
        return np.zeros(1), np.array([question.history_variance / self.weight])


@dataclass(frozen=True)
class RobustMap(NormalBorrowing):
    """Meta-analytic-predictive prior beside a vague part worth one participant.

    Parameters
    ----------
    vague_weight : float
        Weight of the vague part, in (0, 1].
    between_sd : float
        Between-trial SD of what the score misses on average, in SD of the outcome or the working scale's
        unit.
    """

    name: str = "robust MAP"
    vague_weight: float = 0.2
    between_sd: float = 0.05

    def __post_init__(self) -> None:
        require_unit("vague_weight", self.vague_weight)
        require_not_negative("between_sd", self.between_sd)

    @property
    def held_weight(self) -> float:
        """Weight of the vague part."""
        return self.vague_weight

    @property
    def setting(self) -> str:
        """Setting of the prior, in words."""
        return f"vague weight {self.held_weight:g}, between-trial SD {self.between_sd:g}"

    def candidates(self) -> tuple[BorrowingMethod, ...]:
        """Return weights of the vague part from .02 up to .999."""
        return tuple(replace(self, vague_weight=w) for w in VAGUE_WEIGHTS)

    def between(self, other: NormalBorrowing, share: float) -> RobustMap:
        """Return a weight of the vague part between two, even in log odds."""
        ends = [float(one.held_weight) for one in (self, other) if isinstance(one, RobustMap)]
        weight = float(expit((1 - share) * logit(ends[0]) + share * logit(ends[1])))
        rounded = _digits(weight) if weight < 0.5 else 1 - _digits(1 - weight)
        return replace(self, vague_weight=round(rounded, 9))

    def informative_variance(self, question: ControlQuestion) -> float:
        """Return the variance of the informative part."""
        return question.history_variance + (self.between_sd * question.sd) ** 2

    def components(self, question: ControlQuestion) -> tuple[Floats, Floats]:
        """Return the informative and the vague part."""
        with np.errstate(divide="ignore"):
            log_weight = np.log([1 - self.held_weight, self.held_weight])
        return log_weight, np.array([self.informative_variance(question), question.residual_variance])


@dataclass(frozen=True)
class Commensurate(NormalBorrowing):
    """Concurrent and past control means differ by Δ | τ ~ N(0, 1/τ), τ ~ Gamma(shape, rate).

    Parameters
    ----------
    shape, rate : float
        τ is a precision in units of 1/SD² of the outcome, or of the working scale; a large shape/rate
        borrows much.
    """

    name: str = "commensurate prior"
    shape: float = 1.0
    rate: float = 0.01

    def __post_init__(self) -> None:
        CommensuratePrior(self.shape, self.rate)

    @property
    def setting(self) -> str:
        """Setting of the prior, in words."""
        return f"precision Gamma({self.shape:g}, {self.rate:g})"

    def candidates(self) -> tuple[BorrowingMethod, ...]:
        """Return rates from .001 up to 3 with the same shape."""
        rates = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
        return tuple(replace(self, rate=rate) for rate in rates)

    def between(self, other: NormalBorrowing, share: float) -> Commensurate:
        """Return a rate between two, even on the log scale."""
        return replace(self, rate=_geometric(self, other, "rate", share))

    def components(self, question: ControlQuestion) -> tuple[Floats, Floats]:
        """Return normals over nodes of ln τ; the prior is their mixture.

        The posterior tilts the weights by the square root of the precision, so nodes reach down to where
        that factor leaves nothing, even for a shape near 0.
        """
        centre = math.log((self.shape + 0.5) / self.rate)
        log_precision = np.linspace(
            centre - 24 / min(self.shape + 0.5, 2.0), centre + 6, _LOG_PRECISION_NODES
        )
        log_weight = self.shape * log_precision - self.rate * np.exp(log_precision)
        return log_weight, question.history_variance + question.sd**2 * np.exp(-log_precision)


@dataclass(frozen=True)
class SelfAdapting(RobustMap):
    """Self-adapting mixture: the concurrent controls set the weight of history, w = R/(1 + R).

    ``R = odds × L(θ_h)/max L(θ_h ± δ)`` (Yang et al. 2023, Biometrics 79:2857).

    Parameters
    ----------
    difference : float
        δ, a difference of control means that matters, in SD of the outcome or the working scale's unit.
    prior_odds : float
        Prior odds of no conflict, above 0; smaller borrows less.
    unit : str
        Unit of δ, in words.
    """

    name: str = "self-adapting mixture"
    difference: float = 0.2
    prior_odds: float = 1.0
    unit: str = "SD"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("difference", "prior_odds"):
            if not 0 < getattr(self, name) < math.inf:
                raise DesignError("must be above 0", field=name, value=getattr(self, name))

    @property
    def setting(self) -> str:
        """Setting of the prior, in words."""
        return f"δ {self.difference:g} {self.unit}, prior odds {self.prior_odds:g}"

    def candidates(self) -> tuple[BorrowingMethod, ...]:
        """Return prior odds from 1 down to 1e-8: in a large trial the data multiply them by as much."""
        odds = (1.0, 0.3, 0.1, 0.05, 0.02, 0.01, 1e-3, 1e-5, 1e-8)
        return tuple(replace(self, prior_odds=o) for o in odds)

    def between(self, other: NormalBorrowing, share: float) -> SelfAdapting:
        """Return prior odds between two, even on the log scale."""
        return replace(self, prior_odds=_geometric(self, other, "prior_odds", share))

    def log_weights(
        self, question: ControlQuestion, estimate: Floats, standard_error: float | Floats
    ) -> Floats:
        """Return log weights (G, 2) that the estimates (G,) set."""
        delta = self.difference * question.sd
        weight = sam_weight_normal(0.0, estimate, standard_error, delta, self.prior_odds)
        with np.errstate(divide="ignore"):
            log_odds = np.log(weight) - np.log1p(-weight)
        return np.column_stack([log_expit(log_odds), log_expit(-log_odds)])


def _same_variances(
    question: ControlQuestion, controls: int, drifts: Floats
) -> dict[tuple[Pair, Pair], list[int]]:
    """Return positions of the drifts by their variances without and with effect."""
    groups: dict[tuple[Pair, Pair], list[int]] = {}
    for position, drift in enumerate(drifts):
        key = (
            question.arm_variances(controls, float(drift), treated=False),
            question.arm_variances(controls, float(drift)),
        )
        groups.setdefault(key, []).append(position)
    return groups


def _geometric(one: NormalBorrowing, other: NormalBorrowing, name: str, share: float) -> float:
    low, high = (math.log(getattr(prior, name)) for prior in (one, other))
    return _digits(math.exp((1 - share) * low + share * high))


def _digits(value: float) -> float:
    """Return a setting as it is printed: three digits."""
    return float(f"{value:.3g}")


def require_unit(name: str, value: float) -> None:
    """Refuse what is not in (0, 1]."""
    if not 0 < value <= 1:
        raise DesignError("must lie in (0, 1]", field=name, value=value)


def require_not_negative(name: str, value: float) -> None:
    """Refuse what is not a finite number of at least 0."""
    if not 0 <= value < math.inf:
        raise DesignError("must be at least 0", field=name, value=value)
