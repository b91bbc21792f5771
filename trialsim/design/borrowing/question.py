"""What is asked of a control arm that borrows, and what a method answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.data import Floats
from trialsim.design.borrowing.control_question import ControlQuestion, check_borrowing
from trialsim.design.sizes.heterogeneity import detectable_drift
from trialsim.design.sizes.variance import Pair
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

_MONTE_CARLO_MARGIN = 1.645
DECLARED_DRIFTS = tuple(round(0.05 * step, 2) for step in range(-20, 21))


@dataclass(frozen=True)
class BorrowingQuestion:
    """A two-arm trial with a fixed active arm, a history, and drifts that are declared in advance.

    Parameters
    ----------
    effect : float
        Assumed effect in the outcome's unit, above 0: orient the outcome so that more is better.
    active : int
        Randomised active participants, at least 2.
    history : int
        Past placebo participants N_H that the score's mean error rests on, at least 10.
    sd : float
        SD of the outcome in both arms, above 0.
    correlation : float
        ρ in [0, 1) of score and outcome, in both arms; 0 for borrowing without a score.
    power : float
        Asked power at no drift.
    alpha : float
        Two-sided nominal level.
    type_one_cap : float
        Largest two-sided type I error that is allowed at any declared drift, at least `alpha`.
    drifts : tuple of float
        Declared drifts, in SD: shifts of the trial's outcomes against what the history says of them.
        Above 0 they make an active arm look better than it is.
    dropout : pair of float
        Share without the outcome in (control, active).
    replicates : int
        Trials of each cell that cannot be integrated and is simulated.
    seed : int
        Of the simulation; all cells share their random numbers.

    Raises
    ------
    DesignError
        If a number is out of range.
    """

    effect: float
    active: int
    history: int
    sd: float = 1.0
    correlation: float = 0.0
    power: float = 0.9
    alpha: float = 0.05
    type_one_cap: float = 0.075
    drifts: tuple[float, ...] = DECLARED_DRIFTS
    dropout: Pair = (0.0, 0.0)
    replicates: int = 4000
    seed: int = 20261121

    def __post_init__(self) -> None:
        for name, mend in (("effect", "orient the outcome so that more is better"), ("sd", None)):
            if not 0 < getattr(self, name) < math.inf:
                raise DesignError("must be above 0", field=name, value=getattr(self, name), mend=mend)
        check_borrowing(self)

    @property
    def orientation(self) -> int:
        """1: more is better, so a drift above 0 makes an active arm look better."""
        return 1

    @property
    def symmetric(self) -> bool:
        """True: drift leaves the variances alone, and every prior is symmetric about the history."""
        return True

    @property
    def drift_unit(self) -> str:
        """Unit of drift."""
        return "SD"

    @property
    def residual_variance(self) -> float:
        """Variance that the score leaves, σ²(1 − ρ²)."""
        return self.sd**2 * (1 - self.correlation**2)

    @property
    def history_variance(self) -> float:
        """Sampling variance of the score's mean error in the history, σ²(1 − ρ²)/N_H."""
        return self.residual_variance / self.history

    def analysed_controls(self, controls: float) -> float:
        """Return the controls with an outcome."""
        return controls * (1 - self.dropout[0])

    def arm_variances(self, controls: float, drift: float = 0.0, treated: bool = True) -> Pair:
        """Return the variances (v0, v1) of the score-adjusted arm means, after dropout."""
        del drift, treated
        return (
            self.residual_variance / (controls * (1 - self.dropout[0])),
            self.residual_variance / (self.active * (1 - self.dropout[1])),
        )

    @property
    def critical(self) -> float:
        """Two-sided critical value of a z test."""
        return float(ndtri(1 - self.alpha / 2))

    def detectable(self, controls: float) -> float:
        """Return the drift, in SD, that the concurrent controls show in half of all trials."""
        return detectable_drift(
            self.analysed_controls(controls), self.history, correlation=self.correlation, alpha=self.alpha
        )

    def with_drifts(self, drifts: tuple[float, ...]) -> BorrowingQuestion:
        """Return the same question over other declared drifts."""
        return replace(self, drifts=drifts)

    def describe(self) -> str:
        """Return what is assumed, in words."""
        return (
            f"effect {self.effect:g}, SD {self.sd:g}, correlation {self.correlation:g}, "
            f"history of {self.history}"
        )


@dataclass(frozen=True)
class BorrowingCharacteristics(InNotebook):
    """What a method does at each drift.

    Parameters
    ----------
    drift : ndarray (D,)
        In the question's unit of drift: SD of a continuous outcome.
    type_one_error : ndarray (D,)
        Two-sided rejection without an effect.
    power : ndarray (D,)
        Rejection in the right direction with the assumed effect.
    bias : ndarray (D,)
        Of the estimated effect, in the outcome's unit or the working scale's; above 0 towards benefit.
    effective_controls : ndarray (D,)
        Controls that borrowing is worth, n0 (V_without/V_with − 1) with V the mean posterior variance;
        below 0 where conflict makes the answer less certain than the concurrent controls alone.
    error : float
        Largest Monte Carlo standard error of a type I error; 0 where integrated.
    power_error : float
        The same of a power.
    """

    drift: Floats
    type_one_error: Floats
    power: Floats
    bias: Floats
    effective_controls: Floats
    error: float = 0.0
    power_error: float = 0.0

    def worst(self) -> tuple[float, float]:
        """Return the largest type I error, and the drift where it is."""
        at = int(np.argmax(self.type_one_error))
        return float(self.type_one_error[at]), float(self.drift[at])

    def keeps(self, cap: float) -> bool:
        """Return whether the type I error stays under a cap at every drift.

        A simulated one must stay there with its one-sided 95 % Monte Carlo limit: the least of many noisy
        estimates is too good to be true.
        """
        return self.worst()[0] + _MONTE_CARLO_MARGIN * self.error <= cap + 1e-9


class BorrowingMethod(Protocol):
    """One way to use a history in place of controls, at one setting of its prior."""

    @property
    def name(self) -> str:
        """Name of the method."""
        ...

    @property
    def setting(self) -> str:
        """Setting of its prior, in words."""
        ...

    def candidates(self) -> tuple[BorrowingMethod, ...]:
        """Return settings to choose from, from most to least borrowing."""
        ...

    def characteristics(
        self, question: ControlQuestion, controls: int, drifts: Floats
    ) -> BorrowingCharacteristics:
        """Return what the method does with so many randomised controls at drifts (D,) in SD."""
        ...


@dataclass(frozen=True)
class NoBorrowing:
    """Prognostic adjustment, or its weighted form: the history only explains variance.

    Randomisation protects the comparison: drift never moves the level, and the power only where it moves
    the outcome's variance.

    Parameters
    ----------
    name : str
        Name of the method.
    variance_factor : float
        What weighting leaves of the variance, in (0, 1]; see `weighted_adjustment`.

    Examples
    --------
    >>> question = BorrowingQuestion(0.4, 100, 1000, correlation=0.5)
    >>> NoBorrowing().characteristics(question, 100, np.array([0.0, 0.3])).power.round(3)
    array([0.904, 0.904])
    """

    name: str = "prognostic adjustment"
    variance_factor: float = 1.0
    setting: str = field(default="no borrowing")

    def __post_init__(self) -> None:
        if not 0 < self.variance_factor <= 1:
            raise DesignError("must lie in (0, 1]", field="variance_factor", value=self.variance_factor)

    def candidates(self) -> tuple[BorrowingMethod, ...]:
        """Return itself: there is nothing to choose."""
        return (self,)

    def characteristics(
        self, question: ControlQuestion, controls: int, drifts: Floats
    ) -> BorrowingCharacteristics:
        """Return level and power of the two-sided z test."""
        d = np.asarray(drifts, dtype=float)
        variance = np.array([sum(question.arm_variances(controls, one)) for one in d])
        spread = np.sqrt(self.variance_factor * variance)
        power = ndtr(question.effect / spread - question.critical)
        flat = np.ones(len(d))
        return BorrowingCharacteristics(d, question.alpha * flat, power, 0 * flat, 0 * flat)
