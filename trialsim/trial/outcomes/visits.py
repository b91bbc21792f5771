"""Continuous outcomes at visits: multivariate normal, with effects as shifts, slopes or by subgroup."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import DesignError
from trialsim.trial.allocation.ratio import Labels
from trialsim.trial.outcomes.covariances import covariance_factor

WEEKS_PER_MONTH = 365.25 / 84


@dataclass(frozen=True)
class VisitEffect:
    """What an arm adds to the mean at each visit, relative to the control.

    Parameters
    ----------
    shift : ndarray (V,)
        Points at each visit, for everybody.
    subgroup : ndarray (V,), optional
        Points on top for participants in the subgroup.

    Examples
    --------
    >>> VisitEffect(np.array([0.0, -1.0, -2.0])).shift[-1]
    np.float64(-2.0)
    """

    shift: Floats
    subgroup: Floats | None = None


def ramp_shift(weeks: ArrayLike, points: float, full_by_week: float) -> VisitEffect:
    """Return an effect that grows linearly to `points` at a week and stays there.

    Parameters
    ----------
    weeks : array (V,)
        Weeks of the visits.
    points : float
        Full effect, in points of the outcome.
    full_by_week : float
        Week from which it is full, above 0.

    Returns
    -------
    VisitEffect
        Without a part for a subgroup.

    Raises
    ------
    DesignError
        A week that is not above 0.

    Examples
    --------
    >>> ramp_shift([6.0, 12.0, 24.0], -2.0, 12.0).shift
    array([-1., -2., -2.])
    """
    if not full_by_week > 0:
        raise DesignError("must be above 0", field="full_by_week", value=full_by_week)
    return VisitEffect(points * np.minimum(np.asarray(weeks, dtype=np.float64) / full_by_week, 1.0))


def normal_outcomes(
    arm: ArrayLike,
    mean: ArrayLike,
    covariance: ArrayLike,
    effects: tuple[VisitEffect, ...],
    generator: np.random.Generator,
    subgroup: np.ndarray | None = None,
) -> Floats:
    """Draw outcomes at visits, including a baseline if the first entry stands for it.

    Parameters
    ----------
    arm : ndarray of int8 (R, N)
        0 for the control, a for ``effects[a - 1]``.
    mean : array (V,)
        Means of the control.
    covariance : array (V, V)
        Covariance between visits, positive definite.
    effects : tuple of VisitEffect
        One for each active arm.
    generator : numpy.random.Generator
        Stream ``outcome``.
    subgroup : ndarray of bool (R, N), optional
        Who is in the subgroup; needed where an effect has one.

    Returns
    -------
    ndarray (R, N, V)

    Raises
    ------
    DesignError
        An arm without effect, an effect of another length, or a covariance that is not one.

    Examples
    --------
    >>> arm = np.array([[0, 1]], dtype=np.int8)
    >>> draws = normal_outcomes(arm, [0.0], [[1.0]], (VisitEffect([100.0]),), np.random.default_rng(1))
    >>> draws[0, :, 0].round(1)
    array([  0.3, 100.8])
    """
    arm = np.asarray(arm)
    centre = np.asarray(mean, dtype=np.float64)
    factor = covariance_factor(covariance, len(centre))
    shift, extra = _effect_tables(arm, effects, len(centre))
    outcomes = np.empty((*arm.shape, len(centre)))
    _draw_visits(generator, arm, centre + shift, factor, outcomes)
    return _add_subgroup(outcomes, arm, extra, subgroup)


def _add_subgroup(outcomes: Floats, arm: Labels, extra: Floats, subgroup: np.ndarray | None) -> Floats:
    if extra.any():
        if subgroup is None:
            raise DesignError("is needed where an effect depends on it", field="subgroup")
        outcomes += np.where(subgroup[..., None], extra[arm], 0.0)
    return outcomes


def _effect_tables(arm: Labels, effects: tuple[VisitEffect, ...], visits: int) -> tuple[Floats, Floats]:
    """Return what each arm adds at each visit (A, V): for everybody, and in the subgroup."""
    if int(arm.max(initial=0)) > len(effects):
        raise DesignError(f"must hold one effect for each of {int(arm.max())} active arms", field="effects")
    by_arm = np.zeros((len(effects) + 1, visits))
    extra = np.zeros_like(by_arm)
    for a, effect in enumerate(effects, start=1):
        for name, table in (("shift", by_arm), ("subgroup", extra)):
            points = getattr(effect, name)
            if points is None:
                continue
            if np.shape(points) != (visits,) or not np.isfinite(points).all():
                raise DesignError(
                    f"must hold {visits} finite numbers, one a visit", field=f"effects[{a - 1}].{name}"
                )
            table[a] = points
    return by_arm, extra


@njit(cache=True)
def _draw_visits(
    generator: np.random.Generator, arm: Labels, mean: Floats, factor: Floats, outcomes: Floats
) -> None:
    """Fill outcomes (R, N, V) with mean + L z: the draws and their order are those of standard_normal."""
    replicates, participants, visits = outcomes.shape
    z = np.empty(visits)
    for r in range(replicates):
        for i in range(participants):
            a = arm[r, i]
            for j in range(visits):
                z[j] = generator.standard_normal()
            for j in range(visits):
                total = mean[a, j]
                for k in range(j + 1):
                    total += factor[j, k] * z[k]
                outcomes[r, i, j] = total
