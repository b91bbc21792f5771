"""Rules for futility bounds, and both bounds found together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from trialsim.design.group_sequential.crossing import Floats, Walk, crossings, walk
from trialsim.design.group_sequential.near_line import probability_root
from trialsim.design.group_sequential.spending import (
    EfficacyRule,
    GivenBounds,
    HaybittlePeto,
    SpendingFunction,
    WangTsiatis,
    increments,
)
from trialsim.errors import DesignError


@dataclass(frozen=True)
class BetaSpending:
    """Futility bounds that spend the type II error under the design's drift.

    Parameters
    ----------
    spending : SpendingFunction
        How the type II error is spent.
    binding : bool
        Whether the efficacy bounds may rely on stopping for futility. Non-binding bounds keep the
        type I error even if futility is overruled.

    Examples
    --------
    >>> from trialsim.design.group_sequential.spending import HwangShihDeCani
    >>> BetaSpending(HwangShihDeCani(-2)).label
    'beta spending (Hwang-Shih-DeCani, gamma -2), non-binding'
    """

    spending: SpendingFunction
    binding: bool = False

    @property
    def label(self) -> str:
        """Name for a printout."""
        return f"beta spending ({self.spending.label}), {_binding(self.binding)}"


@dataclass(frozen=True)
class NullSpending:
    """Futility bounds that spend 1 − α under the null, so that they do not rest on a drift.

    Parameters
    ----------
    spending : SpendingFunction
        How 1 − α is spent.
    binding : bool
        As for `BetaSpending`. With non-binding bounds, what is spent in total is 1 minus the
        probability of crossing an efficacy bound while futility is obeyed, a little above 1 − α.

    Examples
    --------
    >>> from trialsim.design.group_sequential.spending import HwangShihDeCani
    >>> NullSpending(HwangShihDeCani(-2)).label
    'null spending (Hwang-Shih-DeCani, gamma -2), non-binding'
    """

    spending: SpendingFunction
    binding: bool = False

    @property
    def label(self) -> str:
        """Name for a printout."""
        return f"null spending ({self.spending.label}), {_binding(self.binding)}"


@dataclass(frozen=True)
class FutilityBounds:
    """Futility bounds given by hand for the looks before the last.

    Parameters
    ----------
    z : tuple of float
        Lower bounds on the z scale, one for each interim look; -inf where a look has none.
    binding : bool
        As for `BetaSpending`.

    Examples
    --------
    >>> FutilityBounds((0.0, 0.0), binding=True).label
    'given futility bounds, binding'
    """

    z: tuple[float, ...]
    binding: bool = False

    @property
    def label(self) -> str:
        """Name for a printout."""
        return f"given futility bounds, {_binding(self.binding)}"


FutilityRule = BetaSpending | NullSpending | FutilityBounds


def _binding(binding: bool) -> str:
    return "binding" if binding else "non-binding"


@dataclass(frozen=True)
class BoundaryProblem:
    """What bounds are asked for.

    Parameters
    ----------
    time, spending_time : ndarray (K,)
        Information at each look, and the time at which spending functions are read.
    efficacy : EfficacyRule
        Rule for upper bounds.
    futility : FutilityRule or None
        Rule for lower bounds.
    alpha : float
        Type I error of one side.
    beta : float
        Type II error.
    sides : int
        2 for bounds that mirror each other.
    largest_drift : float
        Largest drift that probabilities will be asked for.
    """

    time: Floats
    spending_time: Floats
    efficacy: EfficacyRule
    futility: FutilityRule | None
    alpha: float
    beta: float
    sides: int = 1
    largest_drift: float = 6.0

    def path(self, drift: float) -> Walk:
        """Return bounds and densities if the alternative is a drift.

        Examples
        --------
        >>> from trialsim.design.group_sequential.spending import HaybittlePeto
        >>> looks = np.array([0.5, 1.0])
        >>> BoundaryProblem(looks, looks, HaybittlePeto(), None, 0.025, 0.1).path(3.0).upper.round(5)
        array([3.     , 1.96729])
        """
        if self.futility is None:
            return self._solve(None, None, 0.0)
        lower, spending, lower_drift = self._futility(self.futility, drift)
        if self.futility.binding:
            return self._solve(lower, spending, lower_drift)
        if isinstance(self.futility, NullSpending):
            return self._meeting(lower, self.futility.spending)
        return self._walk(self._kept_upper, lower, spending, lower_drift)

    @cached_property
    def _kept_upper(self) -> Floats:
        """Upper bounds found as if there were no lower ones."""
        return self._solve(None, None, 0.0).upper

    def _meeting(self, lower: Floats, spending: SpendingFunction) -> Walk:
        """Return the lower bounds that spend all that the kept upper bounds leave under the null."""
        total, gap, before = 1 - self.alpha, 0.0, math.nan
        while True:
            steps = increments(spending, total, self.spending_time)
            path = self._walk(self._kept_upper, lower, steps, 0.0)
            last, gap = gap, 1 - float(crossings(path).upper.sum()) - total
            if abs(gap) < 1e-13:
                return path
            # Aitken's step once two gaps are known; what is left depends on the total almost linearly.
            step = gap if math.isnan(before) or gap == last else gap * before / (last - gap)
            total, before = total + step, step

    @property
    def rests_on_drift(self) -> bool:
        """Whether the bounds change with the drift of the alternative."""
        return isinstance(self.futility, BetaSpending)

    def _futility(self, rule: FutilityRule, drift: float) -> tuple[Floats, Floats | None, float]:
        """Return lower bounds (NaN where to be found), what they spend, and under which drift."""
        looks = len(self.time)
        if isinstance(rule, FutilityBounds):
            if len(rule.z) != looks - 1:
                raise DesignError(
                    f"must hold one bound for each of {looks - 1} interim looks",
                    field="futility.z",
                    value=rule.z,
                )
            return np.array((*rule.z, np.inf)), None, 0.0
        null = isinstance(rule, NullSpending)
        total = 1 - self.alpha if null else self.beta
        lower = np.full(looks, np.nan)
        lower[-1] = np.inf
        return lower, increments(rule.spending, total, self.spending_time), 0.0 if null else drift

    def _solve(self, lower: Floats | None, spending: Floats | None, lower_drift: float) -> Walk:
        """Return the walk whose upper bounds meet the rule and the error."""
        looks = len(self.time)

        def attempt(upper: Floats, steps: Floats | None = None) -> Walk:
            return self._walk(upper, lower, spending, lower_drift, steps)

        def crossed(upper: Floats) -> float:
            return float(crossings(attempt(upper)).upper.sum())

        match self.efficacy:
            case WangTsiatis() as rule:
                shape = rule.shape(self.time)
                # Each look alone crosses less often than all; futility lets bounds come lower.
                one, every = (-ndtri(level) / shape.min() for level in (self.alpha, self.alpha / looks))
                # Between one look's bound and the union bound, nearer for flat shapes.
                start = one + min(0.12 + 2.5 * rule.delta**2, 0.95) * (every - one)
                constant = probability_root(
                    lambda c: crossed(c * shape), self.alpha, start, -1.08 * float(shape.min())
                )
                if constant is None:
                    # Each look alone crosses less often than all; futility lets bounds come lower.
                    least = one * (1.0 if lower is None else 0.3)
                    constant = brentq(
                        lambda c: math.log(crossed(c * shape) / self.alpha), least - 1e-9, every + 0.01,
                        xtol=1e-10,
                    )  # fmt: skip
                return attempt(constant * shape)
            case HaybittlePeto(z=z):
                upper = np.full(looks, z)
                upper[-1] = np.inf
                left = self.alpha - crossed(upper)
                if left <= 0:
                    raise DesignError(
                        "spends the whole error before the last look",
                        field="efficacy.z",
                        value=z,
                        mend="give a stricter interim bound",
                    )
                upper[-1] = np.nan
                return attempt(upper, np.full(looks, left))
            case GivenBounds(z=bounds):
                upper = np.array(bounds, dtype=np.float64)
                if len(upper) != looks or np.isnan(upper).any():
                    raise DesignError(f"must hold {looks} bounds", field="efficacy.z", value=bounds)
                if crossed(upper) > self.alpha * (1 + 1e-6):
                    raise DesignError(
                        f"spend {crossed(upper):.6g}, more than the {self.alpha:g} that there is",
                        field="efficacy.z",
                        value=bounds,
                        mend="raise the bounds",
                    )
                return attempt(upper)
            case rule:
                return attempt(np.full(looks, np.nan), increments(rule, self.alpha, self.spending_time))

    def _walk(
        self,
        upper: Floats,
        lower: Floats | None,
        spending: Floats | None,
        lower_drift: float,
        steps: Floats | None = None,
    ) -> Walk:
        return walk(
            self.time,
            upper,
            lower,
            upper_spending=steps,
            lower_spending=spending,
            lower_drift=lower_drift,
            symmetric=self.sides == 2,
            drifts=(0.0, self.largest_drift),
        )
