r"""Binary, ordinal and count outcomes at visits, with effects as shifts or slopes, in all or in a subgroup.

Every arm's effect is a `VisitEffect` on the scale of the link: log odds of binary and of higher ordinal
categories, log rate of counts. `constant_shift`, `slope_change` and `ramp_shift` make them, and the subgroup
part of each is added for those in it. Visits of a person share a normal intercept (or a gamma frailty of
counts), so that an effect given the person is larger than the effect in the population.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import DesignError
from trialsim.trial.allocation.ratio import Labels
from trialsim.trial.outcomes.discrete import checked_shares, draw_frailty
from trialsim.trial.outcomes.visits import VisitEffect, link_effects


def binary_visits(
    arm: ArrayLike,
    probability: ArrayLike,
    effects: tuple[VisitEffect, ...],
    generator: np.random.Generator,
    *,
    person_sd: float = 0.0,
    subgroup: np.ndarray | None = None,
) -> Bools:
    r"""Draw binary outcomes at visits.

    Parameters
    ----------
    arm : ndarray of int8 (R, N)
        0 for the control, a for ``effects[a - 1]``.
    probability : array (V,)
        Probability at each visit in the control for an intercept of 0, in (0, 1).
    effects : tuple of VisitEffect
        On the log odds, one for each active arm.
    generator : numpy.random.Generator
        Stream ``outcome``.
    person_sd : float
        Standard deviation of a person's intercept, at least 0.
    subgroup : ndarray of bool (R, N), optional
        Who is in the subgroup.

    Returns
    -------
    ndarray of bool (R, N, V)
        :math:`P(Y_{iv} = 1) = \mathrm{expit}(\mathrm{logit}\,p_v + \theta_{av} + b_i)`.

    Raises
    ------
    DesignError
        A probability out of range, a spread below 0, or an effect that does not fit the visits.

    Examples
    --------
    >>> from trialsim.trial.outcomes import slope_change
    >>> arm = np.repeat([[0, 1]], 4000, axis=0).astype(np.int8)
    >>> effect = slope_change([4.0, 8.0], per_month=1.0, month_length=4.0)
    >>> binary_visits(arm, [0.5, 0.5], (effect,), np.random.default_rng(1)).mean(axis=0).round(1)
    array([[0.5, 0.5],
           [0.7, 0.9]])
    """
    arm = np.asarray(arm)
    shares = np.asarray(probability, dtype=np.float64)
    if shares.ndim != 1 or not len(shares) or not ((shares > 0) & (shares < 1)).all():
        raise DesignError("must lie between 0 and 1, one a visit", field="probability", value=shares.tolist())
    predictor = logit(shares) + link_effects(arm, effects, len(shares), subgroup)
    predictor += _intercepts(arm, person_sd, generator)
    return np.asarray(generator.random(predictor.shape) < expit(predictor))


def ordinal_visits(
    arm: ArrayLike,
    shares: ArrayLike,
    course: ArrayLike,
    effects: tuple[VisitEffect, ...],
    generator: np.random.Generator,
    *,
    person_sd: float = 0.0,
    subgroup: np.ndarray | None = None,
) -> Ints:
    r"""Draw ordered categories at visits under proportional odds.

    Parameters
    ----------
    shares : array (C,)
        Shares of the categories in the control where the course is 0.
    course : array (V,)
        Log odds ratio of a higher category in the control at each visit.
    arm, effects, generator, person_sd, subgroup
        As for `binary_visits`; effects act on the log odds of a higher category.

    Returns
    -------
    ndarray of int (R, N, V)
        0 to C − 1.

    Raises
    ------
    DesignError
        A course that is not one finite number a visit.

    Examples
    --------
    >>> from trialsim.trial.outcomes import constant_shift
    >>> arm = np.array([[0, 1]], dtype=np.int8)
    >>> draws = ordinal_visits(arm, [0.2, 0.8], [-50.0], (constant_shift(1, 99.0),), np.random.default_rng(1))
    >>> draws[0, :, 0]
    array([0, 1])
    """
    arm = np.asarray(arm)
    cuts = logit(np.cumsum(checked_shares(shares))[:-1])
    change = np.asarray(course, dtype=np.float64)
    if change.ndim != 1 or not len(change) or not np.isfinite(change).all():
        raise DesignError("must be finite, one number a visit", field="course", value=change.tolist())
    latent = change + link_effects(arm, effects, len(change), subgroup)
    latent += _intercepts(arm, person_sd, generator)
    latent += logit(generator.random(latent.shape))
    return np.searchsorted(cuts, latent, side="left")


def count_visits(
    arm: ArrayLike,
    rate: ArrayLike,
    months: ArrayLike,
    effects: tuple[VisitEffect, ...],
    generator: np.random.Generator,
    *,
    dispersion: float = 0.0,
    subgroup: np.ndarray | None = None,
) -> Ints:
    r"""Draw the counts of the periods that end at each visit.

    Parameters
    ----------
    rate : array (V,)
        Events a month in the control during each period, above 0.
    months : array (V,)
        Months of the visits, ascending from above 0; the first period begins at 0.
    dispersion : float
        Variance of a person's gamma frailty, shared by the periods.
    arm, effects, generator, subgroup
        As for `binary_visits`; effects act on the log rate.

    Returns
    -------
    ndarray of int (R, N, V)

    Raises
    ------
    DesignError
        Rates or months that cannot be.

    Examples
    --------
    >>> from trialsim.trial.outcomes import constant_shift
    >>> arm = np.repeat([[0, 1]], 4000, axis=0).astype(np.int8)
    >>> effect = constant_shift(2, np.log(0.5))
    >>> count_visits(arm, [1.0, 1.0], [2.0, 6.0], (effect,), np.random.default_rng(1)).mean(axis=0).round(0)
    array([[2., 4.],
           [1., 2.]])
    """
    arm = np.asarray(arm)
    rates, ends = np.asarray(rate, dtype=np.float64), np.asarray(months, dtype=np.float64)
    if rates.ndim != 1 or not len(rates) or not (np.isfinite(rates) & (rates > 0)).all():
        raise DesignError("must be finite and above 0, one a visit", field="rate", value=rates.tolist())
    if ends.shape != rates.shape or (np.diff(ends, prepend=0.0) <= 0).any():
        raise DesignError(
            "must ascend from above 0, one a visit: windows must not overlap",
            field="months",
            value=ends.tolist(),
        )
    frailty = draw_frailty(arm.shape, dispersion, generator)[..., None]
    mean = rates * np.diff(ends, prepend=0.0) * np.exp(link_effects(arm, effects, len(rates), subgroup))
    return generator.poisson(mean * frailty)


def _intercepts(arm: Labels, person_sd: float, generator: np.random.Generator) -> Floats | float:
    if not (np.isfinite(person_sd) and person_sd >= 0):
        raise DesignError("must be finite and at least 0", field="person_sd", value=person_sd)
    return 0.0 if person_sd == 0 else person_sd * generator.standard_normal(arm.shape)[..., None]
