"""Concentrations after doses in closed form: one and two compartments, infused or absorbed, once or often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.data import Floats
from trialsim.errors import InputError


def absorbed(
    hours: Floats,
    dose: float | Floats,
    absorption: float | Floats,
    elimination: float | Floats,
    volume: float | Floats,
) -> Floats:
    """Return concentrations after one dose that is absorbed: Bateman's function.

        C(t) = D kₐ / (V (kₐ − k)) · (e^(−k t) − e^(−kₐ t)),   and D k t e^(−k t) / V where kₐ = k

    Parameters
    ----------
    hours : ndarray
        Since the dose; 0 before it. All arguments broadcast.
    dose, volume : float or ndarray
        Such as mg and L.
    absorption, elimination : float or ndarray
        kₐ and k, an hour.

    Raises
    ------
    InputError
        A negative dose.

    Examples
    --------
    >>> absorbed(np.array([-1.0, 0.0, 1.0, 24.0]), 320.0, 1.61, 0.088, 32.0).round(3)
    array([0.   , 0.   , 7.573, 1.28 ])
    """
    _require_dose(dose)
    time = np.maximum(hours, 0.0)
    apart = np.asarray(absorption, dtype=np.float64) - elimination
    # (e^(−k t) − e^(−kₐ t)) / (kₐ − k) without cancellation where the two are near.
    ratio = np.where(
        np.abs(apart * time) < 1e-8, time, -np.expm1(-apart * time) / np.where(apart == 0, 1.0, apart)
    )
    return np.asarray(dose * absorption / volume * np.exp(-elimination * time) * ratio)


def repeated(single: Floats, doses: int, every: int) -> Floats:
    """Return concentrations (..., T) under repeated doses, by adding up those after a single one.

    Parameters
    ----------
    single : ndarray (..., T)
        After one dose at the first time, on an even grid.
    doses : int
        How many.
    every : int
        Steps of the grid between them.

    Examples
    --------
    >>> repeated(np.array([8.0, 4.0, 2.0, 1.0, 0.5]), 2, 2)
    array([ 8. ,  4. , 10. ,  5. ,  2.5])
    """
    total = np.zeros_like(single)
    for k in range(doses):
        late = k * every
        if late < single.shape[-1]:
            total[..., late:] += single[..., : single.shape[-1] - late]
    return total


def steady_state(
    hours: Floats,
    every: float,
    dose: float | Floats,
    absorption: float | Floats,
    elimination: float | Floats,
    volume: float | Floats,
) -> Floats:
    """Return concentrations at hours after a dose once doses have come every `every` hours for ever.

        C(t) = D kₐ / (V (kₐ − k)) · (e^(−k t) / (1 − e^(−k τ)) − e^(−kₐ t) / (1 − e^(−kₐ τ)))

    Examples
    --------
    >>> steady_state(np.array([0.0, 12.0]), 12.0, 320.0, 1.61, 0.088, 32.0).round(3)
    array([5.642, 5.642])
    """
    _require_dose(dose)
    left = np.exp(-elimination * hours) / -np.expm1(-elimination * every)
    absorbed_already = np.exp(-absorption * hours) / -np.expm1(-absorption * every)
    return np.asarray(dose * absorption / (volume * (absorption - elimination)) * (left - absorbed_already))


def two_compartments(
    clearance: float | Floats, central: float | Floats, between: float | Floats, peripheral: float | Floats
) -> Floats:
    """Return rates and weights [[λ₁, λ₂], [c₁, c₂]], (2, 2) or (2, 2, M), of the response to a unit.

    C(t) = c₁ e^(−λ₁ t) + c₂ e^(−λ₂ t) after an amount of 1 in the first one, with λ their eigenvalues:
    λ₁ + λ₂ = (CL + Q)/V₁ + Q/V₂,   λ₁ λ₂ = CL Q / (V₁ V₂),   c = (λ − Q/V₂) / (V₁ (λ − λ')).

    Examples
    --------
    >>> rates, weights = two_compartments(285.0, 290.0, 204.0, 995.0)
    >>> rates.round(3), (1000 * weights).round(2)
    (array([1.778, 0.113]), array([3.26, 0.19]))
    """
    back = between / peripheral
    total, product = (clearance + between) / central + back, clearance / central * back
    fast = (total + np.sqrt(total**2 - 4 * product)) / 2
    slow = product / fast
    return np.array(
        [[fast, slow], [(fast - back) / (central * (fast - slow)), (back - slow) / (central * (fast - slow))]]
    )


def absorbed_into_two(hours: Floats, dose: float, absorption: float, response: Floats) -> Floats:
    """Return concentrations after a dose that is absorbed into the first of two compartments.

        C(t) = D kₐ Σ cⱼ (e^(−λⱼ t) − e^(−kₐ t)) / (kₐ − λⱼ)

    An average monoclonal antibody under the skin (Davda et al. 2014, at 70 kg): dose times 0.744, kₐ 0.282 a
    day, CL 0.200 L a day, V 3.61 L, Vp 2.75 L, Q 0.747 L a day.

    Parameters
    ----------
    hours : ndarray
        Since the dose, in the unit of the rates; 0 before.
    dose : float
        Times the share that is absorbed.
    absorption : float
        kₐ, other than the two rates.
    response : ndarray (2, 2)
        From `two_compartments`.

    Examples
    --------
    >>> antibody = two_compartments(0.200, 3.61, 0.747, 2.75)
    >>> absorbed_into_two(np.array([0.0, 7.0, 28.0]), 0.744 * 100.0, 0.282, antibody).round(2)
    array([0.  , 9.31, 5.09])
    """
    _require_dose(dose)
    rates, weights = response
    time = np.maximum(np.asarray(hours, dtype=np.float64), 0.0)[..., None]
    curves = (np.exp(-rates * time) - np.exp(-absorption * time)) / (absorption - rates)
    return np.asarray(dose * absorption * (weights * curves).sum(axis=-1))


def infused(hours: Floats, amount: float, duration: float, response: Floats) -> Floats:
    """Return concentrations during and after an infusion at a constant rate.

    Parameters
    ----------
    hours : ndarray
        Since its start; 0 before.
    amount, duration : float
        Given within so many hours.
    response : ndarray (2, J)
        Rates and weights, from `two_compartments`.

    Examples
    --------
    >>> infused(np.array([0.0, 3.0]), 368.9, 3.0, two_compartments(285.0, 290.0, 204.0, 995.0)).round(4)
    array([0.    , 0.2837])
    """
    _require_dose(amount)
    rates, weights = response
    time = np.asarray(hours)[..., None]
    during = -np.expm1(-rates * np.clip(time, 0.0, duration)) / rates
    after = np.exp(-rates * np.maximum(time - duration, 0.0))
    return np.asarray(amount / duration * (weights * during * after).sum(axis=-1))


def emax(concentration: Floats, largest: float, half: float, hill: float = 1.0) -> Floats:
    """Return the effect of concentrations: E C^h / (C₅₀^h + C^h).

    Examples
    --------
    >>> emax(np.array([0.0, 10.0, 30.0]), 100.0, 10.0)
    array([ 0., 50., 75.])
    """
    power = np.asarray(concentration, dtype=np.float64) ** hill
    return np.asarray(largest * power / (half**hill + power))


def _require_dose(dose: float | Floats | Sequence[float]) -> None:
    if not (np.isfinite(dose).all() and (np.asarray(dose) >= 0).all()):
        raise InputError(
            "must be finite and at least 0", field="dose", mend="give an amount, or 0 for placebo"
        )
