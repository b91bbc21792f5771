"""Columns that bend: restricted cubic splines of covariates, and products of two.

With knots k_1 < ... < k_4 at quantiles .05, .35, .65 and .95 of the history, a spline adds to x

    s_j = [c_j - c_3 (k_4 - k_j)/(k_4 - k_3) + c_4 (k_3 - k_j)/(k_4 - k_3)] / (k_4 - k_1)^2
    c_m = max(x - k_m, 0)^3

for j = 1, 2: cubic between the knots, a straight line beyond them (Stone and Koo 1985; Harrell, Regression
Modeling Strategies, 2nd ed., 2.4.5). Each s_j enters without its straight line in the history, so that the
prior of the curve does not loosen that of the line. A product is that of deviations from the history's means.
A missing covariate counts as the mean: it has the curve's value there, and no product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats

KNOT_SHARES = (0.05, 0.35, 0.65, 0.95)
_CURVES = len(KNOT_SHARES) - 2
_STEPS_AN_SD = 100
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Shapes:
    """Splines and interactions as a history taught them; used for any participants.

    Parameters
    ----------
    splines : tuple of str
        Columns that have a spline, S of them.
    interactions : tuple of pairs of str
        Pairs of columns, I of them.
    knots : ndarray (S, 4)
        In units of the columns.
    lines : ndarray (S, 2, 2)
        Intercept and slope of each curve's straight line in the history.
    centres : ndarray (I, 2)
        Means of the columns of each pair.
    """

    splines: tuple[str, ...]
    interactions: Pairs
    knots: Floats
    lines: Floats
    centres: Floats

    @classmethod
    def learn(
        cls, names: tuple[str, ...], values: Floats, splines: tuple[str, ...], interactions: Pairs
    ) -> tuple[Shapes, Floats]:
        """Learn from columns (N, P), NaN where missing; return the shapes and the columns filled with means.

        Examples
        --------
        >>> x = np.linspace(0, 1, 50)[:, None]
        >>> shapes, filled = Shapes.learn(("age",), x, ("age",), ())
        >>> shapes.labels
        ("age'", "age''")
        >>> bool(np.abs(shapes.columns(("age",), filled).mean(axis=0)).max() < 1e-12)
        True
        """
        mean = np.array([np.nanmean(column) for column in values.T])
        filled = np.where(np.isnan(values), mean, values)
        place = [names.index(name) for name in splines]
        knots = np.array([knots_of(values[:, k]) for k in place]).reshape(-1, len(KNOT_SHARES))
        lines = np.array(
            [
                _straight_lines(filled[:, k], curves(filled[:, k], own))
                for k, own in zip(place, knots, strict=True)
            ]
        ).reshape(-1, _CURVES, 2)
        pairs = [[names.index(one), names.index(other)] for one, other in interactions]
        centres = mean[np.array(pairs, dtype=np.int64).reshape(-1, 2)]
        return cls(splines, interactions, knots, lines, centres), filled

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the 2 S + I columns."""
        curved = [name + "'" * (j + 1) for name in self.splines for j in range(_CURVES)]
        return (*curved, *(f"{one} x {other}" for one, other in self.interactions))

    def columns(self, names: tuple[str, ...], filled: Floats) -> Floats:
        """Return the 2 S + I columns of participants, with missing values filled by the history's means."""
        parts = [np.empty((len(filled), 0))]
        for name, knots, lines in zip(self.splines, self.knots, self.lines, strict=True):
            x = filled[:, names.index(name)]
            parts.append(curves(x, knots) - lines[:, 0] - x[:, None] * lines[:, 1])
        for (one, other), (centre, its) in zip(self.interactions, self.centres, strict=True):
            product = (filled[:, names.index(one)] - centre) * (filled[:, names.index(other)] - its)
            parts.append(product[:, None])
        return np.column_stack(parts)


def knots_of(values: Floats) -> Floats:
    """Return the four knots of a column: quantiles of those that are not missing.

    They are rounded to a hundredth of the standard deviation, so that none is some participant's value.
    """
    mean, step = np.nanmean(values), np.nanstd(values) / _STEPS_AN_SD or 1.0
    return np.asarray(mean + step * np.round((np.nanquantile(values, KNOT_SHARES) - mean) / step))


def curves(x: Floats, knots: Floats) -> Floats:
    """Return the two curved columns (N, 2) of a restricted cubic spline; 0 where knots coincide.

    A fold of a cross-validation can lack a rare value: its curve is then flat and teaches nothing.
    """
    if (np.diff(knots) <= 0).any():
        return np.zeros((len(x), _CURVES))
    first, third, last = knots[0], knots[2], knots[3]
    cubes = np.maximum(x[:, None] - knots, 0.0) ** 3
    back = (cubes[:, 2:3] * (last - knots[:2]) - cubes[:, 3:4] * (third - knots[:2])) / (last - third)
    return np.asarray((cubes[:, :2] - back) / (last - first) ** 2)


def _straight_lines(x: Floats, curved: Floats) -> Floats:
    """Return intercept and slope (2, 2) of the least-squares line of each curve on x."""
    deviation = x - x.mean()
    slope = deviation @ curved / (deviation @ deviation)
    return np.column_stack([curved.mean(axis=0) - slope * x.mean(), slope])
