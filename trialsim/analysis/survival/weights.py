"""Weights of log-rank tests, all read from the pooled data of a stratum up to each event time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.survival import sweep as kernel
from trialsim.analysis.survival.block import read_positive
from trialsim.analysis.survival.time_order import reaches
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class FlemingHarrington:
    r"""Weight :math:`S(t-)^{\rho} (1 - S(t-))^{\gamma}`, S the pooled Kaplan–Meier estimate.

    Parameters
    ----------
    rho, gamma : float
        At least 0. (0, 0) is the log-rank test; (0, 1) weighs late events, (1, 0) early ones.
    """

    rho: float = 0.0
    gamma: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("rho", self.rho), ("gamma", self.gamma)):
            if not (np.isfinite(value) and value >= 0):
                raise AnalysisError("must be finite and at least 0", field=name, value=value)

    def __str__(self) -> str:
        return f"Fleming–Harrington({self.rho:g}, {self.gamma:g})" if self.rho or self.gamma else "log-rank"


@dataclass(frozen=True)
class MagirrBurman:
    r"""Modestly weighted: :math:`\min(w_{max}, 1 / \max(S(t-), S(delay-)))`.

    S(delay−) is the pooled Kaplan–Meier just before the last event time up to the delay, as in simtrial.

    Parameters
    ----------
    delay : float
        Time until which weights grow, above 0, in the unit of time.
    w_max : float
        Largest weight, at least 1; infinite for no bound.

    References
    ----------
    Magirr and Burman (2019), Stat. Med. 38:3782.
    """

    delay: float
    w_max: float = np.inf

    def __post_init__(self) -> None:
        read_positive("delay", self.delay)
        if not self.w_max >= 1:
            raise AnalysisError("must be at least 1", field="w_max", value=self.w_max)

    def __str__(self) -> str:
        return f"Magirr–Burman(delay {self.delay:g}, w_max {self.w_max:g})"


@dataclass(frozen=True)
class EarlyZero:
    """Weight 0 before `period`, 1 from then on.

    Parameters
    ----------
    period : float
        Above 0, in the unit of time.
    """

    period: float

    def __post_init__(self) -> None:
        read_positive("period", self.period)

    def __str__(self) -> str:
        return f"early-zero({self.period:g})"


@dataclass(frozen=True)
class AtRisk:
    """Number at risk to a power: 1 for Gehan's Wilcoxon test, 0.5 for Tarone–Ware.

    Parameters
    ----------
    power : float
        Above 0.
    """

    power: float = 1.0

    def __post_init__(self) -> None:
        read_positive("power", self.power)

    def __str__(self) -> str:
        return {1.0: "Gehan–Wilcoxon", 0.5: "Tarone–Ware"}.get(self.power, f"at-risk({self.power:g})")


@dataclass(frozen=True)
class PetoPeto:
    """Peto–Peto's survival estimate, the product of 1 − d/(n+1) up to and including each event time."""

    def __str__(self) -> str:
        return "Peto–Peto"


Weight = FlemingHarrington | MagirrBurman | EarlyZero | AtRisk | PetoPeto

LOG_RANK = FlemingHarrington(0.0, 0.0)


def encode(weights: Sequence[Weight]) -> tuple[Ints, Floats, Floats]:
    """Return kind and two parameters of each weight (K,), as the kernel reads them."""
    rows = [_row(weight) for weight in weights]
    kinds, first, second = zip(*rows, strict=True)
    return np.array(kinds, np.int64), np.array(first, float), np.array(second, float)


def _row(weight: Weight) -> tuple[int, float, float]:
    match weight:
        case FlemingHarrington(rho, gamma):
            return kernel.FLEMING_HARRINGTON, rho, gamma
        case MagirrBurman(delay, w_max):
            return kernel.MAGIRR_BURMAN, reaches(delay), w_max
        case EarlyZero(period):
            return kernel.EARLY_ZERO, period / reaches(1.0), 0.0
        case AtRisk(power):
            return kernel.AT_RISK, power, 0.0
        case PetoPeto():
            return kernel.PETO, 0.0, 0.0
        case _:
            raise AnalysisError(
                "is not a weight",
                field="weights",
                value=weight,
                mend="use FlemingHarrington, MagirrBurman, EarlyZero, AtRisk or PetoPeto",
            )
