"""Noise that hides whether any one person is among the data, and its accounting."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from trialsim.errors import AnalysisError
from trialsim.zcdp import zcdp_epsilon

# Sums are counted in steps of 2^-40 of the scaled columns: 8 million people fit into 63 bits.
STEP_BITS = 40


@dataclass(frozen=True)
class Noise:
    """What a question says of noise (Gaussian mechanism under zero-concentrated differential privacy).

    Parameters
    ----------
    bounds : tuple of (str, float, float)
        Lower and upper bound of each covariate, and of a Gaussian outcome, known without the data: values
        beyond are moved there.
    rho : float
        What one round costs, ρ > 0.
    rounds : int
        Of the model: 1 of a Gaussian one, 2 to 25 of a logistic one.
    delta : float
        δ at which ε is told, in (0, 1).
    """

    bounds: tuple[tuple[str, float, float], ...]
    rho: float
    rounds: int
    delta: float

    @property
    def of(self) -> dict[str, tuple[float, float]]:
        """Middle and half width of each column."""
        return {name: ((low + high) / 2, (high - low) / 2) for name, low, high in self.bounds}

    def spent(self, rounds: int) -> str:
        """Return in words what some rounds cost."""
        rho = rounds * self.rho
        return f"rho {rho:.4g}, epsilon {zcdp_epsilon(rho, self.delta):.3g} at delta {self.delta:g}"

    def check(self, columns: Sequence[str]) -> None:
        """Raise unless every number is in its range and every column has a bound."""
        for field, good, range_ in (
            ("rho", 0 < self.rho < math.inf, "above 0"),
            (
                "rounds",
                isinstance(self.rounds, int) and 1 <= self.rounds <= 25,
                "a whole number from 1 to 25",
            ),
            ("delta", 0 < self.delta < 1, "between 0 and 1"),
        ):
            if not good:
                raise AnalysisError(f"must be {range_}", field=f"noise.{field}", value=getattr(self, field))
        finite = all(
            math.isfinite(low) and math.isfinite(high) and low < high for _, low, high in self.bounds
        )
        if not finite or sorted(name for name, _, _ in self.bounds) != sorted(columns):
            raise ValueError("bounds")


def sensitivity(family: str, covariates: int, site_effects: bool) -> float:
    """Return by how much one person can move all sums together (Δ₂, add or remove one).

    With ‖x‖² ≤ m, m the constant, the covariates in [-1, 1] and one for the site, a person adds x r to the
    score, the upper triangle of v x x′ to the information and one number more::

        Δ² = m r² + v² (m² + m)/2 + 1,   r = v = 1 (Gaussian, and y² ≤ 1);  r = 1, v = 1/4 (logistic, and 1)

    Parameters
    ----------
    family : {"gaussian", "logistic"}
    covariates : int
    site_effects : bool

    Returns
    -------
    float
        In units of scaled columns.

    Examples
    --------
    >>> round(sensitivity("gaussian", 1, False) ** 2, 9), round(sensitivity("logistic", 1, False) ** 2, 9)
    (6.0, 3.1875)
    """
    m = 1 + covariates + site_effects
    most = 1.0 if family == "gaussian" else 0.25
    return math.sqrt(m + most**2 * (m * m + m) / 2 + 1)


def noise_sd(delta_2: float, rho: float) -> float:
    """Return σ = Δ₂ / √(2ρ)."""
    return delta_2 / math.sqrt(2 * rho)


def discrete_gaussian(sigma_2: Fraction, below: Callable[[int], int] = secrets.randbelow) -> int:
    """Return a whole number with probability in proportion to exp(-k² / (2σ²)), exactly.

    Integers alone: floating-point noise has gaps that tell the sum (Mironov 2012). Canonne, Kamath and
    Steinke 2020, algorithms 1 to 3: a discrete Laplace number is taken with probability
    exp(-(|k| - σ²/t)² / (2σ²)), t = ⌊σ⌋ + 1.

    Parameters
    ----------
    sigma_2 : Fraction
        σ², above 0.
    below : callable
        From n to a random whole number in [0, n); that of the operating system unless given.

    Returns
    -------
    int

    Examples
    --------
    >>> import random
    >>> generator = random.Random(1)
    >>> [discrete_gaussian(Fraction(100), generator.randrange) for _ in range(5)]
    [2, 7, -6, 3, 0]
    """
    t = math.isqrt(math.floor(sigma_2)) + 1
    while True:
        k = _discrete_laplace(t, below)
        excess = abs(k) - sigma_2 / t
        if _happens(excess * excess / (2 * sigma_2), below):
            return k


def _discrete_laplace(t: int, below: Callable[[int], int]) -> int:
    """Return a whole number with probability in proportion to exp(-|k| / t)."""
    while True:
        u = below(t)
        if not _happens(Fraction(u, t), below):
            continue
        v = 0
        while _happens(Fraction(1), below):
            v += 1
        negative = below(2) == 1
        if not (negative and u + t * v == 0):
            return -(u + t * v) if negative else u + t * v


def _happens(gamma: Fraction, below: Callable[[int], int]) -> bool:
    """Return True with probability exp(-γ)."""
    while gamma > 1:
        if not _at_most_one(Fraction(1), below):
            return False
        gamma -= 1
    return _at_most_one(gamma, below)


def _at_most_one(gamma: Fraction, below: Callable[[int], int]) -> bool:
    """Return True with probability exp(-γ), 0 ≤ γ ≤ 1, by von Neumann's series."""
    k = 1
    while below(gamma.denominator * k) < gamma.numerator:
        k += 1
    return k % 2 == 1
