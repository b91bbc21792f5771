"""Weights that make outside controls and a treated arm alike: by a propensity score, or by exact balance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from trialsim.data import Floats
from trialsim.errors import AnalysisError
from trialsim.tilting import solve_tilt

Kind = Literal["att", "ate", "overlap", "entropy"]
_STEPS, _TOLERANCE = 100, 1e-10
# A probability of the own arm beyond it: the covariates separate the two groups.
_PARTED = 1e-6
Numbers = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Weighted:
    """Weights of N participants, and the equations that they solve.

    Parameters
    ----------
    weights : ndarray (N,)
        Above 0; they add up to the number of participants in each arm.
    theta : ndarray (K,)
        What was estimated to get them.
    equations : callable
        ``equations(theta) -> (N, K)``, whose sums over participants are 0 at the estimate.
    raw : callable
        ``raw(theta) -> (N,)``: the weights before they are scaled.
    """

    weights: Floats
    theta: Floats
    equations: Callable[[Numbers], Numbers]
    raw: Callable[[Numbers], Numbers]


def _by_propensity(
    formula: Callable[[Numbers, Numbers], Numbers],
) -> Callable[[Floats, Floats, list[str]], Weighted]:
    def weigh_by(treated: Floats, x: Floats, names: list[str]) -> Weighted:
        z = np.column_stack([np.ones(len(x)), x])
        theta = _logistic(z, treated, names)

        def raw(at: Numbers) -> Numbers:
            return formula(z @ at, treated)

        return _scaled(treated, theta, lambda at: z * (treated - _expit(z @ at))[:, None], raw)

    return weigh_by


def _expit(value: Numbers) -> Numbers:
    """Return the logistic function, also of complex numbers."""
    return 1.0 / (1.0 + np.exp(-value))


def _entropy(treated: Floats, x: Floats, names: list[str]) -> Weighted:
    """Return weights of the controls that are as even as exact balance allows (Hainmueller 2012)."""
    here = treated == 1.0
    centre = x[here].mean(axis=0)
    tilt = solve_tilt(x[~here] - centre)
    if tilt is None:
        raise AnalysisError(
            "cannot be balanced: no weighted mean of the outside controls is that of the treated arm",
            field=names[int(_gaps(treated, x).argmax())],
            mend="leave out the covariate, choose controls that are more alike, or use overlap",
        )
    theta = np.concatenate([centre, tilt])
    P = x.shape[1]

    def raw(at: Numbers) -> Numbers:
        return np.where(here, 1.0, np.exp((x - at[:P]) @ at[P:]))

    def equations(at: Numbers) -> Numbers:
        gap = x - at[:P]
        return np.concatenate([gap * treated[:, None], gap * ((1.0 - treated) * raw(at))[:, None]], axis=1)

    return _scaled(treated, theta, equations, raw)


# From the log odds of being in the treated arm, and being there, to the weight.
WEIGHTS: dict[str, tuple[str, Callable[[Floats, Floats, list[str]], Weighted]]] = {
    "att": (
        "those treated, by the odds of the propensity",
        _by_propensity(lambda eta, a: np.where(a == 1.0, 1.0, np.exp(eta))),
    ),
    "ate": (
        "both groups together, by the inverse propensity",
        _by_propensity(lambda eta, a: np.where(a == 1.0, 1.0 + np.exp(-eta), 1.0 + np.exp(eta))),
    ),
    "overlap": (
        "those who could be in either group, by overlap weights",
        _by_propensity(lambda eta, a: np.where(a == 1.0, 1.0 - _expit(eta), _expit(eta))),
    ),
    "entropy": ("those treated, by exact balance of means (entropy balancing)", _entropy),
}


def weigh(treated: Floats, x: Floats, kind: Kind, names: list[str]) -> Weighted:
    """Return the weights of a kind.

    Parameters
    ----------
    treated : ndarray (N,)
        1 in the treated arm, 0 for outside controls.
    x : ndarray (N, P)
        Covariates, without a constant.
    kind : {"att", "ate", "overlap", "entropy"}
        Whose effect is estimated, and how: `WEIGHTS` says it in words. e is the propensity, by logistic
        regression: controls of ``att`` weigh e/(1−e), arms of ``ate`` 1/e and 1/(1−e), of ``overlap`` 1−e and
        e. ``entropy`` finds the weights of the controls that are nearest to equal and have the treated arm's
        means exactly.
    names : list of str
        Of the covariates, for refusals.

    Returns
    -------
    Weighted

    Raises
    ------
    AnalysisError
        Nothing balances the groups: the covariates separate them, or no weighted mean of the controls is
        that of those treated; the covariate that is farthest off is named.

    Source: Li, Morgan and Zaslavsky (2018) for ``overlap``; Hainmueller (2012) for ``entropy``.

    Examples
    --------
    >>> treated, x = np.array([1.0, 1, 0, 0, 0]), np.array([[1.0], [0], [1], [0], [0]])
    >>> weigh(treated, x, "entropy", ["x"]).weights.round(3)
    array([1.  , 1.  , 1.5 , 0.75, 0.75])
    """
    if kind not in WEIGHTS:
        raise AnalysisError(f"must be one of {', '.join(WEIGHTS)}", field="weights", value=kind)
    return WEIGHTS[kind][1](treated, x, names)


def _scaled(
    treated: Floats, theta: Floats, equations: Callable[[Numbers], Numbers], raw: Callable[[Numbers], Numbers]
) -> Weighted:
    weights = np.asarray(raw(theta), dtype=np.float64)
    for arm in (0.0, 1.0):
        here = treated == arm
        weights[here] *= here.sum() / weights[here].sum()
    return Weighted(weights, theta, equations, raw)


def _logistic(z: Floats, y: Floats, names: list[str]) -> Floats:
    """Return maximum likelihood coefficients of a logistic regression, or refuse groups that are parted."""
    b = np.zeros(z.shape[1])
    spread = np.where(z.std(axis=0) > 0, z.std(axis=0), 1.0)
    for _ in range(_STEPS):
        p = expit(z @ b)
        step = np.linalg.lstsq((z * (p * (1 - p))[:, None]).T @ z, z.T @ (y - p), rcond=None)[0]
        b = b + step / max(1.0, float(np.abs(step * spread).max()) / 4.0)
        if np.abs(step * spread).max() < _TOLERANCE:
            break
    own = np.where(y == 1.0, expit(z @ b), expit(-(z @ b)))
    if (
        not np.isfinite(b).all()
        or own.min() > 1.0 - _PARTED
        or np.abs(z.T @ (y - expit(z @ b))).max() > 1e-6 * len(y)
    ):
        raise _unbalanced(y, z[:, 1:], names, "it separates the treated arm from the outside controls")
    return b


def _gaps(treated: Floats, x: Floats) -> Floats:
    """Return by how many standard deviations the groups differ in each covariate."""
    gaps = np.abs(x[treated == 1.0].mean(axis=0) - x[treated == 0.0].mean(axis=0))
    return np.asarray(gaps / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0))


def _unbalanced(treated: Floats, x: Floats, names: list[str], why: str) -> AnalysisError:
    return AnalysisError(
        f"cannot be balanced: {why}",
        field=names[int(_gaps(treated, x).argmax())],
        mend="leave out the covariate that tells who is in the trial, or choose controls that are more alike",
    )
