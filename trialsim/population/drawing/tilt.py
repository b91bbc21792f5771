"""Entropy tilting: the smallest change of weights that brings participants to printed numbers.

Minimise KL(w ‖ d) subject to Σ w g = T. The dual is convex and as small as the number of targets:

    min_λ  ln Σ d_i exp(λ'(g(x_i) − T)) + ½ λ'Ωλ,      w_i ∝ d_i exp(λ'g(x_i))

Ω = 0 meets the targets exactly; Ω = (half-width)²/3 is the variance of a rounded number, and lets targets
that contradict each other in their last digit meet in between. The same solver is raking, entropy
balancing and matching-adjusted comparison (Hainmueller 2012; Signorovitch 2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize

from trialsim.data import Floats, Ints
from trialsim.errors import CardError
from trialsim.notebook import InNotebook
from trialsim.population.cards.targets import Moment

_STEPS = 200
_PRECISION = 1e-12
_TOO_STEEP = 1e4
_LONGEST_LIST = 4
_MOST_EXCHANGES = 4000
_CANDIDATES = 512


@dataclass(frozen=True)
class Tilt(InNotebook):
    """Weights that meet the targets.

    Parameters
    ----------
    weights : ndarray (N,)
        They add up to 1.
    multipliers : ndarray (K,)
        λ of each target.
    moments : tuple of Moment
        The targets.
    """

    weights: Floats
    multipliers: Floats
    moments: tuple[Moment, ...]

    @property
    def effective_size(self) -> float:
        """Kish's effective sample size, 1 / Σ w²."""
        return float(1.0 / (self.weights @ self.weights))

    @property
    def effective_share(self) -> float:
        """Kish's effective sample size as a share of N: 1 means that nothing had to be changed."""
        return self.effective_size / len(self.weights)

    def to_frame(self) -> pd.DataFrame:
        """Return the certificate: one row a target."""
        achieved = [float(self.weights @ moment.g) for moment in self.moments]
        frame = pd.DataFrame(
            {
                "target": [moment.words for moment in self.moments],
                "asked": [moment.value for moment in self.moments],
                "achieved": achieved,
                "tolerance": [moment.tolerance for moment in self.moments],
                "multiplier": self.multipliers,
            }
        )
        frame.insert(3, "error", frame["achieved"] - frame["asked"])
        return frame


def entropy_tilt(moments: Sequence[Moment], base: Floats | None = None, *, soft: bool = False) -> Tilt:
    """Return the weights nearest to `base` that meet every target.

    Parameters
    ----------
    moments : sequence of Moment
        K targets on N participants, at least one.
    base : ndarray (N,), optional
        Weights d to start from, above or at 0; equal if not given.
    soft : bool
        True lets each target miss by as much as its rounding explains.

    Returns
    -------
    Tilt
        Weights (N,) that sum to 1, multipliers, and how near each target is met.

    Raises
    ------
    CardError
        If no weights meet the targets; it names a smallest set of targets that no participants can meet.

    Examples
    --------
    >>> x = np.array([50.0, 60.0, 70.0, 80.0])
    >>> tilt = entropy_tilt([Moment("mean age 62", x, 62.0, 0.5)])
    >>> round(float(tilt.weights @ x), 9), round(tilt.effective_share, 3)
    (62.0, 0.932)
    """
    g = np.column_stack([moment.g for moment in moments]).astype(float)
    targets = np.array([moment.value for moment in moments])
    base = np.full(len(g), 1.0 / len(g)) if base is None else base / base.sum()
    scale = g.std(axis=0)
    scale[scale < 1e-300] = 1.0
    centred = (g - targets) / scale
    softness = np.array([moment.tolerance for moment in moments]) / scale
    penalty = softness**2 / 3 if soft else np.zeros(len(targets))
    multipliers = _minimise(centred, np.log(np.maximum(base, 1e-300)), penalty)
    weights = None if multipliers is None else _weights(centred, base, multipliers)
    if weights is None or multipliers is None or not _meets(centred, weights, multipliers, penalty):
        raise _infeasible(moments, centred)
    return Tilt(weights, multipliers / scale, tuple(moments))


def systematic_resample(weights: ArrayLike, n: int, generator: np.random.Generator) -> Ints:
    """Return n positions such that each occurs ⌊n w⌋ or ⌈n w⌉ times, in random order.

    Parameters
    ----------
    weights : array (N,)
        At least 0; need not sum to 1.
    n : int
        How many positions, at least 0.
    generator : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray of int (n,)
        Positions in the weights.

    Examples
    --------
    >>> np.bincount(systematic_resample(np.array([0.5, 0.3, 0.2]), 10, np.random.default_rng(1))).tolist()
    [5, 3, 2]
    """
    weights = np.asarray(weights, dtype=np.float64)
    points = (np.arange(n) + generator.random()) / n
    ends = np.cumsum(weights) / weights.sum()
    ends[-1] = 1.0
    chosen = np.searchsorted(ends, points, side="right")
    return np.asarray(generator.permutation(chosen), dtype=np.int64)


def balance(chosen: Ints, moments: Sequence[Moment], generator: np.random.Generator) -> Ints:
    """Return positions some of which are exchanged, so that plain means agree with the targets too.

    Resampling rounds weights to whole rows, which moves means a little. Rows are exchanged one at a time,
    the best of random candidates each, until every mean is within half its tolerance.

    Parameters
    ----------
    chosen : ndarray (n,)
        Positions of participants.
    moments : sequence of Moment
        The targets, on the participants that the positions point to.
    generator : Generator
        Source of chance.

    Returns
    -------
    ndarray (n,)
    """
    g = np.column_stack([moment.g for moment in moments])
    targets = np.array([moment.value for moment in moments])
    chosen = chosen.copy()
    tolerance = np.array([moment.tolerance for moment in moments])
    exact = 2 * g.std(axis=0) / len(chosen)
    unit = len(chosen) * np.maximum(np.where(tolerance > 0, tolerance / 2, 0.0), exact) + 1e-300
    miss = (g[chosen] - targets).sum(axis=0) / unit
    for _ in range(_MOST_EXCHANGES):
        if np.abs(miss).max() <= 1:
            break
        leaving = generator.integers(len(chosen), size=_CANDIDATES)
        entering = generator.integers(len(g), size=_CANDIDATES)
        after = miss + (g[entering] - g[chosen[leaving]]) / unit
        best = int(np.argmin((after * after).sum(axis=1)))
        if after[best] @ after[best] < miss @ miss:
            chosen[leaving[best]] = entering[best]
            miss = after[best]
    return chosen


def _weights(centred: Floats, base: Floats, multipliers: Floats) -> Floats:
    exponent = centred @ multipliers
    raw = base * np.exp(exponent - exponent.max())
    return np.asarray(raw / raw.sum())


def _minimise(centred: Floats, log_base: Floats, penalty: Floats) -> Floats | None:
    """Return λ by damped Newton steps, or None if it runs away."""
    point = np.zeros(centred.shape[1])

    def value_at(trial: Floats) -> float:
        exponent = log_base + centred @ trial
        top = exponent.max()
        return float(np.log(np.exp(exponent - top).sum()) + top + 0.5 * trial @ (penalty * trial))

    value = value_at(point)
    for _ in range(_STEPS):
        exponent = log_base + centred @ point
        weights = np.exp(exponent - exponent.max())
        weights /= weights.sum()
        mean = weights @ centred
        gradient = mean + penalty * point
        if np.abs(gradient).max() < _PRECISION:
            return point
        spread = (centred - mean).T @ (weights[:, None] * (centred - mean)) + np.diag(penalty)
        step = np.linalg.lstsq(spread, gradient, rcond=1e-13)[0]
        decrease, size = float(gradient @ step), 1.0
        while size > 1e-9:
            trial = point - size * step
            trial_value = value_at(trial)
            if np.isfinite(trial_value) and trial_value <= value - 1e-4 * size * decrease + 1e-15:
                break
            size /= 2
        if size <= 1e-9:
            return point
        point, value = point - size * step, trial_value
        if np.abs(point).max() > _TOO_STEEP:
            return None
    return point


def _meets(centred: Floats, weights: Floats, multipliers: Floats, penalty: Floats) -> bool:
    return bool(np.abs(weights @ centred + penalty * multipliers).max() < 1e-9)


def _infeasible(moments: Sequence[Moment], centred: Floats) -> CardError:
    """Return the error that names the targets which nobody can meet, by a separating direction."""
    for k, moment in enumerate(moments):
        if centred[:, k].min() > 0 or centred[:, k].max() < 0:
            side = "above" if centred[:, k].min() > 0 else "below"
            end = moment.g.min() if side == "above" else moment.g.max()
            return CardError(
                f"no participants can meet the target “{moment.words}”: all lie {side} it"
                f" (nearest {end:.4g})",
                field=f"targets: {moment.words}",
                value=moment.value,
                mend="mend the target, or the limits of the margin",
            )
    direction = _separating_direction(centred)
    if direction is None:
        return CardError(
            "the targets can only just be met, by a few participants",
            field="targets",
            mend="let the targets be soft, or draw more participants",
        )
    guilty = [moments[k].words for k in np.argsort(-np.abs(direction)) if abs(direction[k]) > 1e-6]
    named = "”, “".join(guilty[:_LONGEST_LIST])
    more = f" and {len(guilty) - _LONGEST_LIST} more" if len(guilty) > _LONGEST_LIST else ""
    return CardError(
        f"these targets contradict each other, no participants can meet them together: “{named}”{more}",
        field="targets",
        mend="mend one of them, or let the targets be soft",
    )


def _separating_direction(centred: Floats) -> Floats | None:
    """Return the sparsest c with c'(g_i − T) ≤ −1 for every participant, or None if there is none."""
    count = centred.shape[1]
    unique = np.unique(np.round(centred, 12), axis=0)
    found = optimize.linprog(
        np.ones(2 * count),
        A_ub=np.hstack([unique, -unique]),
        b_ub=-np.ones(len(unique)),
        bounds=(0, None),
        method="highs",
    )
    return np.asarray(found.x[:count] - found.x[count:]) if found.success and found.x is not None else None
