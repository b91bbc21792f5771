"""How much a release with Gaussian noise may cost in privacy: ρ of zero-concentrated differential privacy."""

from __future__ import annotations

import math

from trialsim.errors import InputError


def zcdp_budget(epsilon: float, delta: float) -> float:
    """Return ρ that guarantees (ε, δ): ρ = (√(ln(1/δ) + ε) − √ln(1/δ))².

    Bun and Steinke 2016, proposition 1.3.

    Parameters
    ----------
    epsilon : float
        ε, above 0.
    delta : float
        δ, in (0, 1).

    Returns
    -------
    float
        ρ of zero-concentrated differential privacy, above 0.

    Raises
    ------
    InputError
        ε or δ out of range.

    Examples
    --------
    >>> round(zcdp_budget(3.0, 1e-6), 11), round(zcdp_budget(1.0, 1e-6), 11)
    (0.14726389008, 0.01746890477)
    """
    if not (0 < epsilon < math.inf and 0 < delta < 1):
        within = 0 < epsilon < math.inf
        raise InputError(
            "the privacy budget needs epsilon above 0 and delta in (0, 1)",
            field="delta" if within else "epsilon",
            value=delta if within else epsilon,
            mend="epsilon 1 to 10 and delta below 1/n are usual",
        )
    level = -math.log(delta)
    return (math.sqrt(level + epsilon) - math.sqrt(level)) ** 2


def zcdp_epsilon(rho: float, delta: float) -> float:
    """Return ε that ρ guarantees at δ: ε = ρ + 2 √(ρ ln(1/δ)).

    Parameters
    ----------
    rho : float
        Sum of the ρ of all releases, at least 0.
    delta : float
        δ, in (0, 1).

    Returns
    -------
    float
        At least 0; the other way round is `zcdp_budget`.

    Raises
    ------
    InputError
        ρ or δ out of range.

    Examples
    --------
    >>> round(zcdp_epsilon(zcdp_budget(3.0, 1e-6), 1e-6), 12)
    3.0
    """
    if not (0 <= rho < math.inf and 0 < delta < 1):
        within = 0 <= rho < math.inf
        raise InputError(
            "the accounting needs rho from 0 and delta in (0, 1)",
            field="delta" if within else "rho", value=delta if within else rho,
            mend="delta below 1/n is usual",
        )  # fmt: skip
    return rho + 2 * math.sqrt(-rho * math.log(delta))
