"""Events of people who differ: frailties, counts and times, with the same luck in every arm.

Every function uses up chance in an amount that does not depend on rates, or uses the same numbers first. So a
person whose rate a treatment lowers has the same events later, and fewer of them within follow-up.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.special import gammaincinv

from trialsim.data import Floats
from trialsim.errors import InputError

# One a day for a year, and more: each event is kept with its time.
MOST_EVENTS = 400
_MOST_COUNT = 100_000


def gamma_frailty(variance: float, people: int, generator: np.random.Generator) -> Floats:
    """Return frailties (M,) of mean 1 and a variance; 1 for everybody where it is 0.

    Examples
    --------
    >>> z = gamma_frailty(0.8, 100_000, np.random.default_rng(1))
    >>> round(float(z.mean()), 2), round(float(z.var()), 1)
    (1.0, 0.8)
    """
    uniform = generator.random(people)
    if not variance:
        return np.ones(people)
    return np.asarray(variance * gammaincinv(1 / variance, uniform), dtype=np.float64)


def recurrent_times(rate: Floats, until: float | Floats, generator: np.random.Generator) -> Floats:
    """Return times (M, K) of events of a Poisson process, ascending, NaN beyond the last.

    Parameters
    ----------
    rate : ndarray (M,)
        Events a unit of time, at least 0.
    until : float or ndarray (M,)
        End of follow-up in that unit.
    generator : Generator
        Fresh for every arm.

    Raises
    ------
    InputError
        Somebody has more than 400 events.

    Examples
    --------
    >>> rates = np.full(50_000, 0.2)
    >>> control = recurrent_times(rates, 12.0, np.random.default_rng(1))
    >>> active = recurrent_times(rates / 2, 12.0, np.random.default_rng(1))
    >>> bool((active[:, 0] >= control[:, 0])[~np.isnan(active[:, 0])].all())
    True
    """
    used = np.zeros(len(rate))
    columns: list[Floats] = []
    with np.errstate(divide="ignore"):
        while True:
            used = used + generator.standard_exponential(len(rate))
            when = used / rate
            seen = when <= until
            if not seen.any():
                break
            if len(columns) == MOST_EVENTS:
                raise InputError(
                    f"somebody has more than {MOST_EVENTS} events", field="endpoints.months",
                    mend="give a shorter follow-up, or lower rates",
                )  # fmt: skip
            columns.append(np.where(seen, when, np.nan))
    return np.column_stack(columns) if columns else np.full((len(rate), 1), np.nan)


def negative_binomial_counts(mean: Floats, dispersion: Floats, generator: np.random.Generator) -> Floats:
    """Return counts (M,) with Var = μ + d μ², the same quantile of everybody's law in every arm.

    Parameters
    ----------
    mean, dispersion : ndarray (M,)
        μ at least 0, d above 0.
    generator : Generator
        Fresh for every arm.

    Examples
    --------
    >>> mean, dispersion = np.full(100_000, 2.0), np.full(100_000, 0.5)
    >>> counts = negative_binomial_counts(mean, dispersion, np.random.default_rng(1))
    >>> round(float(counts.mean()), 1), round(float(counts.var()), 1)
    (2.0, 4.0)
    """
    return _negative_binomial_quantiles(generator.random(len(mean)), mean, dispersion)


@njit(cache=True)
def _negative_binomial_quantiles(uniform: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Return quantiles (M,) by adding up p₀ = (1 + d μ)^(−1/d), pₖ₊₁ = pₖ r (k + 1/d)/(k + 1)."""
    counts = np.empty(len(uniform))
    for i in range(len(uniform)):
        size = 1.0 / dispersion[i]
        ratio = mean[i] / (size + mean[i])
        probability = (1.0 - ratio) ** size
        cumulative, k = probability, 0
        # Beyond the last digit of a double the sum stands still.
        while cumulative < uniform[i] and k < _MOST_COUNT:
            probability *= ratio * (k + size) / (k + 1)
            cumulative += probability
            k += 1
        counts[i] = k
    return counts


def exponential_times(hazard: Floats, generator: np.random.Generator) -> Floats:
    """Return times (M,) to an event at constant hazards (M,); infinite at a hazard of 0.

    Examples
    --------
    >>> exponential_times(np.zeros(2), np.random.default_rng(1))
    array([inf, inf])
    """
    with np.errstate(divide="ignore"):
        return np.asarray(generator.standard_exponential(len(hazard)) / hazard)
