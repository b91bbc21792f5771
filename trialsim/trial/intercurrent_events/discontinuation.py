r"""Discontinuation by cause that depends on outcomes, with cumulative rates that are hit exactly.

Among those still on treatment before visit j, cause c strikes with probability

.. math:: p_{jc} = \frac{e^{\eta_{jc}}}{1 + \sum_d e^{\eta_{jd}}}, \qquad
          \eta_{jc} = a_{jc} + \beta_c y_0 + \rho_c y_{j-1} + \kappa_c y_j

with all of β, ρ, κ 0 completely at random (MCAR), κ = 0 at random given what was seen (MAR), and κ ≠ 0
not at random (MNAR): it looks at a value that is never observed. The intercepts of each arm and visit
solve :math:`E[p_{jc}] =` the wanted increment of the cumulative incidence of c, over a calibration sample;
the equations are the gradient of a concave function, so that Newton's method always finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import DesignError

_STEPS = 200
_GRADIENT = 1e-13


@dataclass(frozen=True)
class DiscontinuationCause:
    """One reason to stop treatment.

    Parameters
    ----------
    name : str
        Such as ``"lack of efficacy"``.
    cumulative : array (A,) or (A, V)
        Share of each arm that it takes by the last visit, spread as constant competing hazards over
        the weeks; or by each visit, not falling.
    baseline, previous, current : float
        Log odds for one point of the outcome at baseline (β), at the visit before (ρ), and at the visit
        that is missed (κ).

    Examples
    --------
    >>> DiscontinuationCause("adverse event", (0.05, 0.12)).mechanism
    'MCAR'
    """

    name: str
    cumulative: ArrayLike
    baseline: float = 0.0
    previous: float = 0.0
    current: float = 0.0

    @property
    def mechanism(self) -> str:
        """MCAR, MAR or MNAR."""
        if self.current:
            return "MNAR"
        return "MAR" if self.baseline or self.previous else "MCAR"


@dataclass(frozen=True)
class Discontinuation:
    """Calibrated discontinuation; made by `calibrate_discontinuation`.

    Parameters
    ----------
    causes : tuple of DiscontinuationCause
        C of them.
    intercepts : ndarray (A, V, C)
        a; −inf where a cause takes nobody.
    """

    causes: tuple[DiscontinuationCause, ...]
    intercepts: Floats

    def probabilities(self, arm: int, visit: int, paths: Floats) -> Floats:
        """Return the probability of each cause (..., C) before a visit, for those still on treatment.

        `paths` (..., 1 + V) starts with the baseline.
        """
        eta = self.intercepts[arm, visit] + _dependence(self.causes, paths, visit)
        return np.asarray(np.exp(eta - _log_total(eta)[..., None]))

    def draw(self, arm: int, paths: Floats, uniform: Floats) -> tuple[Ints, Ints]:
        """Return when and why each participant stops in an arm.

        Parameters
        ----------
        arm : int
            Position of the arm whose rates apply to everyone.
        paths : ndarray (..., 1 + V)
            Outcomes on treatment, the baseline first.
        uniform : ndarray (..., V)
            Uniform numbers; the same ones in two arms couple the two potential events.

        Returns
        -------
        visit : ndarray of int (...)
            First visit after stopping, from 0; V for completers.
        cause : ndarray of int (...)
            Position of the cause, −1 for completers.
        """
        visits = uniform.shape[-1]
        when = np.full(uniform.shape[:-1], visits, dtype=np.int64)
        why = np.full(uniform.shape[:-1], -1, dtype=np.int64)
        if when.size and all(cause.mechanism == "MCAR" for cause in self.causes):
            # Nobody's path matters: the first visit whose chance says so, from the last one back.
            for j in reversed(range(visits)):
                edges = np.cumsum(self.probabilities(arm, j, paths.reshape(-1, 1 + visits)[:1])[0])
                stopped = uniform[..., j] < edges[-1]
                when[stopped] = j
                why[stopped] = np.searchsorted(edges, uniform[..., j][stopped], side="right")
            return when, why
        for j in range(visits):
            on = when == visits
            edges = np.cumsum(self.probabilities(arm, j, paths[on]), axis=-1)
            cause = (uniform[on][:, j, None] >= edges).sum(axis=-1)
            stopped = cause < len(self.causes)
            when[on] = np.where(stopped, j, visits)
            why[on] = np.where(stopped, cause, -1)
        return when, why


def calibrate_discontinuation(
    causes: Sequence[DiscontinuationCause], weeks: ArrayLike, paths: Sequence[Floats]
) -> Discontinuation:
    """Solve the intercepts so that every cause meets its cumulative rates.

    Parameters
    ----------
    causes : sequence of DiscontinuationCause
        The causes.
    weeks : array (V,)
        Post-baseline visits, ascending.
    paths : sequence of ndarray (M, 1 + V)
        For each arm a large sample of outcomes on treatment, the baseline first.

    Returns
    -------
    Discontinuation
        Its expected cumulative rates over the sample are the wanted ones to rounding; over fresh
        participants they differ by the sample's own error, of the order of 1/√M.

    Raises
    ------
    DesignError
        Rates that fall, are not shares, or together take a whole arm; an arm without rates.

    Examples
    --------
    >>> sample = np.random.default_rng(1).standard_normal((5000, 3)).cumsum(axis=1)
    >>> sick = DiscontinuationCause("lack of efficacy", (0.2,), previous=0.8)
    >>> found = calibrate_discontinuation([sick], [12.0, 24.0], [sample])
    >>> leaves = found.probabilities(0, 0, sample)[:, 0].mean()
    >>> bool(abs(leaves - (1 - 0.8**0.5)) < 1e-12)  # by the first visit, at a constant hazard
    True
    """
    when = np.asarray(weeks, dtype=np.float64)
    if when.ndim != 1 or not len(when) or (when <= 0).any() or (np.diff(when) <= 0).any():
        raise DesignError("must ascend from above 0", field="weeks", value=when.tolist())
    if not causes:
        raise DesignError("must hold at least one cause", field="causes")
    targets = _targets(causes, when, len(paths))
    intercepts = np.full((len(paths), len(when), len(causes)), -np.inf)
    for arm, sample in enumerate(paths):
        if sample.ndim != 2 or sample.shape[1] != 1 + len(when) or not np.isfinite(sample).all():
            raise DesignError("must be finite, one column a visit and the baseline", field=f"paths[{arm}]")
        on = np.full(len(sample), 1 / len(sample))
        for j in range(len(when)):
            eta = _dependence(causes, sample, j)
            before = targets[arm, j - 1] if j else 0.0
            intercepts[arm, j] = _solve(targets[arm, j] - before, on, eta)
            linear = intercepts[arm, j] + eta
            on = on * np.exp(-_log_total(linear))
    return Discontinuation(tuple(causes), intercepts)


def intermittent_gaps(
    shape: tuple[int, ...], probability: ArrayLike, generator: np.random.Generator
) -> Bools:
    """Draw visits (R, N, V) that are missed by chance although the participant is still in the study.

    Parameters
    ----------
    shape : tuple of int
        (R, N, V).
    probability : float or array (V,)
        Of missing each visit, in [0, 1).
    generator : numpy.random.Generator
        Stream ``dropout``.

    Returns
    -------
    ndarray of bool (R, N, V)
        True where a visit is missed.

    Raises
    ------
    DesignError
        A probability outside of [0, 1).

    Examples
    --------
    >>> intermittent_gaps((1, 1, 3), [0.0, 0.999, 0.0], np.random.default_rng(1))
    array([[[False,  True, False]]])
    """
    given = np.asarray(probability, dtype=np.float64)
    if not ((given >= 0) & (given < 1)).all():
        raise DesignError("must be in [0, 1)", field="probability", value=given.tolist())
    if not given.any():
        return np.zeros(shape, dtype=bool)
    return np.asarray(generator.random(shape) < given)


def _targets(causes: Sequence[DiscontinuationCause], weeks: Floats, arms: int) -> Floats:
    """Return the wanted cumulative incidence (A, V, C)."""
    tables = []
    for position, cause in enumerate(causes):
        table = np.asarray(cause.cumulative, dtype=np.float64)
        if table.shape not in ((arms,), (arms, len(weeks))):
            raise DesignError(
                f"must hold one share for each of {arms} arms, or one for each arm and visit",
                field=f"causes[{position}].cumulative",
                value=table.tolist(),
            )
        if not ((table >= 0) & (table < 1)).all() or (table.ndim == 2 and (np.diff(table) < 0).any()):
            raise DesignError(
                "must be shares in [0, 1) that do not fall",
                field=f"causes[{position}].cumulative",
                value=table.tolist(),
            )
        tables.append(table)
    last = np.stack([table if table.ndim == 1 else table[:, -1] for table in tables], axis=-1)
    total = last.sum(axis=-1)
    if (total >= 1).any():
        arm = int(np.argmax(total >= 1))
        raise DesignError(
            f"together take all of arm {arm}", field="causes", value=float(total[arm]),
            mend="make the shares of an arm add up to less than 1",
        )  # fmt: skip
    share = weeks / weeks[-1]
    out = np.empty((arms, len(weeks), len(causes)))
    for c, table in enumerate(tables):
        if table.ndim == 2:
            out[:, :, c] = table
            continue
        for arm in range(arms):
            part = -np.expm1(share * np.log1p(-total[arm])) / total[arm] if total[arm] else 0.0
            out[arm, :, c] = table[arm] * part
    return out


def _dependence(causes: Sequence[DiscontinuationCause], paths: Floats, visit: int) -> Floats:
    """Return η without its intercept (..., C)."""
    return np.stack(
        [
            cause.baseline * paths[..., 0]
            + cause.previous * paths[..., visit]
            + cause.current * paths[..., visit + 1]
            for cause in causes
        ],
        axis=-1,
    )


def _log_total(eta: Floats) -> Floats:
    """Return log(1 + Σ exp η) over the causes, without overflow."""
    largest = np.maximum(eta.max(axis=-1), 0.0)
    total = np.exp(-largest)
    for c in range(eta.shape[-1]):
        total += np.exp(eta[..., c] - largest)
    return np.asarray(largest + np.log(total))


# Sums, not BLAS products: those depend on the number of threads in their last digits.
def _solve(wanted: Floats, on: Floats, eta: Floats) -> Floats:
    """Return intercepts (C,) at which Σ on·p = wanted, by damped Newton on a concave function."""
    active = wanted > 0
    out = np.full(len(wanted), -np.inf)
    if not active.any():
        return out
    q, x = wanted[active], eta[:, active]
    left = on.sum() - q.sum()
    a = np.log(q / left) - (on[:, None] * x).sum(axis=0) / on.sum()

    def value(a: Floats) -> float:
        return float((q * a).sum() - (on * _log_total(a + x)).sum())

    best = value(a)
    for _ in range(_STEPS):
        linear = a + x
        p = np.exp(linear - _log_total(linear)[:, None])
        weighted = p * on[:, None]
        expected = weighted.sum(axis=0)
        gradient = q - expected
        if np.abs(gradient).max() < _GRADIENT:
            break
        curvature = np.diag(expected) - (weighted[:, :, None] * p[:, None, :]).sum(axis=0)
        try:
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError:
            raise _unsolved(q) from None
        scale = 1.0
        while value(a + scale * step) < best - 1e-15 and scale > 1e-12:
            scale /= 2
        a = a + scale * step
        best = value(a)
    else:
        raise _unsolved(q)
    out[active] = a
    return out


def _unsolved(wanted: Floats) -> DesignError:
    return DesignError("have no intercepts that meet them", field="causes", value=wanted.tolist())
