"""Binary, ordinal, count and recurrent-event outcomes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import DesignError
from trialsim.trial.allocation.ratio import Labels


def binary_outcomes(
    arm: ArrayLike, probability: ArrayLike, generator: np.random.Generator, log_odds: Floats | None = None
) -> Bools:
    """Draw binary outcomes.

    Parameters
    ----------
    arm : ndarray of int8 (R, N)
        Position of the arm.
    probability : array (A,)
        Probability of the outcome in each arm, in (0, 1).
    generator : numpy.random.Generator
        Stream ``outcome``.
    log_odds : ndarray (R, N), optional
        Added to the logit, such as a covariate's or a subgroup's effect.

    Returns
    -------
    ndarray of bool (R, N)

    Raises
    ------
    DesignError
        A probability out of range, or an arm without one.

    Examples
    --------
    >>> arm = np.repeat([[0, 1]], 1000, axis=0).astype(np.int8)
    >>> binary_outcomes(arm, [0.2, 0.6], np.random.default_rng(1)).mean(axis=0)
    array([0.183, 0.588])
    """
    arm = np.asarray(arm)
    shares = _by_arm(probability, arm, "probability", 0.0, 1.0)
    uniform = generator.random(arm.shape)
    if log_odds is None:
        return np.asarray(uniform < shares[arm])
    return np.asarray(uniform < expit(logit(shares)[arm] + log_odds))


def ordinal_outcomes(
    arm: ArrayLike, shares: ArrayLike, log_odds_ratio: ArrayLike, generator: np.random.Generator
) -> Ints:
    r"""Draw ordered categories under proportional odds.

    Parameters
    ----------
    arm : ndarray of int8 (R, N)
        Position of the arm.
    shares : array (C,)
        Shares of the categories in the control, above 0 with sum 1.
    log_odds_ratio : array (A,) or (R, N)
        Of a higher category, by arm (0 for the control) or by participant, θ.
    generator : numpy.random.Generator
        Stream ``outcome``.

    Returns
    -------
    ndarray of int (R, N)
        0 to C − 1, with :math:`P(Y > c) = \mathrm{expit}(\mathrm{logit}\,P_0(Y > c) + \theta)`.

    Raises
    ------
    DesignError
        Shares that are not shares, or an arm without an odds ratio.

    Examples
    --------
    >>> arm = np.ones((1, 5), dtype=np.int8)
    >>> ordinal_outcomes(arm, [0.2, 0.5, 0.3], [0.0, 50.0], np.random.default_rng(1))
    array([[2, 2, 2, 2, 2]])
    """
    arm = np.asarray(arm)
    given = checked_shares(shares)
    theta = np.asarray(log_odds_ratio, dtype=np.float64)
    if theta.ndim == 1:
        theta = _by_arm(theta, arm, "log_odds_ratio", -np.inf, np.inf)[arm]
    # A logistic draw is above the cut of category c with the stated probability.
    latent = logit(generator.random(arm.shape)) + theta
    cuts = logit(np.cumsum(given)[:-1])
    return np.searchsorted(cuts, latent, side="left")


def checked_shares(shares: ArrayLike) -> Floats:
    """Return the shares of categories (C,), or refuse them."""
    given = np.asarray(shares, dtype=np.float64)
    if given.ndim != 1 or len(given) < 2 or (given <= 0).any() or abs(given.sum() - 1) > 1e-9:
        raise DesignError("must be above 0 and add up to 1", field="shares", value=given.tolist())
    return given


def count_outcomes(
    arm: ArrayLike,
    rate: ArrayLike,
    exposure: ArrayLike,
    dispersion: float,
    generator: np.random.Generator,
    log_rate: Floats | None = None,
) -> Ints:
    r"""Draw gamma-Poisson (negative binomial) counts.

    Parameters
    ----------
    arm : ndarray of int8 (R, N)
        Position of the arm.
    rate : array (A,)
        Events a month in each arm, above 0.
    exposure : array, broadcast to (R, N)
        Months followed, at least 0.
    dispersion : float
        k, at least 0: :math:`\mathrm{Var} = \mu + k \mu^2`; 0 for Poisson.
    generator : numpy.random.Generator
        Stream ``outcome``.
    log_rate : ndarray (R, N), optional
        Added to the log of the rate, such as a covariate's or a subgroup's effect.

    Returns
    -------
    ndarray of int (R, N)

    Raises
    ------
    DesignError
        Exposures, rates or a dispersion that cannot be.

    Examples
    --------
    >>> arm = np.zeros((2000, 5), dtype=np.int8)
    >>> counts = count_outcomes(arm, [0.5], 6.0, 0.4, np.random.default_rng(1))
    >>> round(counts.mean(), 1), round(counts.var(), 1)
    (np.float64(3.0), np.float64(6.7))
    """
    arm = np.asarray(arm)
    rates = _by_arm(rate, arm, "rate", 0.0, np.inf)
    frailty = draw_frailty(arm.shape, dispersion, generator)
    months = np.broadcast_to(np.asarray(exposure, dtype=np.float64), arm.shape)
    if (months < 0).any() or not np.isfinite(months).all():
        raise DesignError("must be finite and at least 0", field="exposure")
    mean = rates[arm] * months * frailty
    return generator.poisson(mean if log_rate is None else mean * np.exp(log_rate))


def recurrent_events(
    arm: ArrayLike,
    rate: ArrayLike,
    follow_up: ArrayLike,
    dispersion: float,
    generator: np.random.Generator,
    log_rate: Floats | None = None,
    growth: ArrayLike | None = None,
) -> tuple[Ints, Floats]:
    r"""Draw the times of recurrent events of a Poisson process with a gamma frailty.

    Parameters
    ----------
    arm, rate, dispersion, generator, log_rate
        As for `count_outcomes`.
    follow_up : array, broadcast to (R, N)
        Months followed, at least 0.
    growth : array (A,), optional
        Change of the log rate a month in each arm, g: the rate at month t is :math:`\lambda e^{gt}`, so that
        an effect on the slope is a difference in g. 0 unless given.

    Returns
    -------
    participant : ndarray of int (E,)
        Flat position (replicate × N + participant) of each event, ascending.
    month : ndarray (E,)
        Months since randomisation, ascending within a participant.

    Notes
    -----
    Given their number, the events of a Poisson process are independent with the distribution
    :math:`(e^{gt} - 1)/(e^{gT} - 1)` over the follow-up T, uniform at g = 0.

    Examples
    --------
    >>> arm = np.zeros((1, 3), dtype=np.int8)
    >>> who, when = recurrent_events(arm, [1.0], 2.0, 0.0, np.random.default_rng(3))
    >>> who, bool((when < 2).all())
    (array([1, 1]), True)
    """
    arm = np.asarray(arm)
    months = np.broadcast_to(np.asarray(follow_up, dtype=np.float64), arm.shape)
    if growth is None:
        counts = count_outcomes(arm, rate, months, dispersion, generator, log_rate)
        participant = np.repeat(np.arange(arm.size), counts.ravel())
        month = generator.random(len(participant)) * months.ravel()[participant]
    else:
        slope = _by_arm(growth, arm, "growth", -np.inf, np.inf)[arm]
        safe = np.where(slope == 0, 1.0, slope)
        whole = np.where(slope == 0, months, np.expm1(slope * months) / safe)
        counts = count_outcomes(arm, rate, whole, dispersion, generator, log_rate)
        participant = np.repeat(np.arange(arm.size), counts.ravel())
        spent = generator.random(len(participant)) * whole.ravel()[participant]
        steep = slope.ravel()[participant]
        month = np.where(steep == 0, spent, np.log1p(steep * spent) / np.where(steep == 0, 1.0, steep))
    return participant, month[np.lexsort((month, participant))]


def draw_frailty(shape: tuple[int, ...], variance: float, generator: np.random.Generator) -> Floats:
    """Draw gamma frailties with mean 1; all 1 where the variance is 0.

    Parameters
    ----------
    shape : tuple of int
        Of the result.
    variance : float
        Of the frailties, at least 0.
    generator : numpy.random.Generator
        Stream ``outcome``.

    Returns
    -------
    ndarray
        Above 0.

    Raises
    ------
    DesignError
        A variance that is not finite or is below 0.

    Examples
    --------
    >>> draw_frailty((2,), 0.0, np.random.default_rng(1))
    array([1., 1.])
    """
    if not (np.isfinite(variance) and variance >= 0):
        raise DesignError("must be finite and at least 0", field="dispersion", value=variance)
    if variance == 0:
        return np.ones(shape)
    return generator.gamma(1 / variance, variance, size=shape)


def _by_arm(values: ArrayLike, arm: Labels, field: str, low: float, high: float) -> Floats:
    """Return one number for each arm, strictly between two limits."""
    given = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if given.ndim != 1 or len(given) <= int(arm.max(initial=0)):
        raise DesignError(
            f"must hold one number for each of {int(arm.max(initial=0)) + 1} arms",
            field=field,
            value=given.tolist(),
        )
    if not ((given > low) & (given < high)).all():
        raise DesignError(f"must lie between {low:g} and {high:g}", field=field, value=given.tolist())
    return given
