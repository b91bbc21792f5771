"""The worst drift and the tipping drift, looked for between declared steps as well as at them."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats
from trialsim.design.borrowing.control_question import ControlQuestion
from trialsim.design.borrowing.question import BorrowingCharacteristics, BorrowingMethod

# Drift is felt in units of the SD of controls less history: half of it is a step that misses no peak.
_OWN_STEP, _OWN_STEPS = 0.5, 24
# What a peak between two steps of half an SD may rise above the higher of them, as a share of its
# height above the nominal level; three times what a normal curve of that SD would.
_RISE = 0.1
_BETWEEN = 9
_DIGITS = 4


def over_drifts(
    method: BorrowingMethod,
    question: ControlQuestion,
    controls: int,
    drifts: Floats,
    *,
    threshold: float | None = None,
) -> BorrowingCharacteristics:
    """Return a method's characteristics at drifts, and where its type I error peaks between them.

    Parameters
    ----------
    method : BorrowingMethod
        An integrated method is refined; a simulated one keeps the drifts as they are, since between them
        there is more noise than change.
    question : ControlQuestion
        Its declared drifts are not used.
    controls : int
        Randomised controls.
    drifts : ndarray (D,)
        In the question's unit; the range that they span is looked at.
    threshold : float, optional
        Peaks that cannot reach it are left unrefined; by default those that cannot be the largest.

    Returns
    -------
    BorrowingCharacteristics
        At ascending drifts, those given among them.

    Notes
    -----
    Where the steps are wider than half the SD of controls less history, steps of that size are put between
    them, up to 12 such SD from 0. Around every step that is higher than its neighbours, and could hide a
    peak above the threshold, nine drifts are looked at, and the vertex of the parabola through the highest
    three of them.

    Examples
    --------
    >>> from trialsim.design import BorrowingQuestion
    >>> from trialsim.design.borrowing import RobustMap
    >>> question = BorrowingQuestion(0.13, 1250, 5000)
    >>> steps = np.linspace(0, 1, 21)
    >>> method = RobustMap(vague_weight=0.7)
    >>> declared = method.characteristics(question, 1000, steps).worst()[0]
    >>> bool(over_drifts(method, question, 1000, steps).worst()[0] > declared + 0.001)
    True
    """
    d = np.unique(np.asarray(drifts, dtype=float))
    own = _own_steps(question, controls, d)
    found = method.characteristics(question, controls, d)
    if found.error > 0 or len(d) < 2:
        return found
    if len(own):
        found = _joined(found, method.characteristics(question, controls, own))
    between = _brackets(found, question.alpha, found.worst()[0] if threshold is None else threshold)
    if not len(between):
        return found
    found = _joined(found, method.characteristics(question, controls, between))
    top = _vertex(found)
    return found if top is None else _joined(found, method.characteristics(question, controls, top))


def folded(question: ControlQuestion) -> Floats:
    """Return the declared drifts to look at: their sizes alone where both sides are alike."""
    drifts = np.asarray(question.drifts, dtype=float)
    if not question.symmetric:
        return np.unique(drifts)
    spans = drifts.min() < 0 < drifts.max()
    return np.unique(np.append(np.abs(drifts), 0.0) if spans else np.abs(drifts))


def _own_steps(question: ControlQuestion, controls: int, drifts: Floats) -> Floats:
    """Return steps of the question's own size where the drifts (D,) lie further apart."""
    step = _OWN_STEP * np.sqrt(question.arm_variances(controls)[0] + question.history_variance) / question.sd
    if len(drifts) < 2 or np.diff(drifts).max() <= step:
        return np.empty(0)
    own = np.round(step * np.arange(-_OWN_STEPS, _OWN_STEPS + 1), _DIGITS)
    return np.setdiff1d(own[(own > drifts[0]) & (own < drifts[-1])], drifts)


def _brackets(found: BorrowingCharacteristics, alpha: float, threshold: float) -> Floats:
    """Return drifts on both sides of every step that could hide a peak above the threshold."""
    level, d = found.type_one_error, found.drift
    above = np.maximum(level - alpha, 0.0)
    high = level + _RISE * above >= threshold
    # A level that does not move with drift has no peak; below 1e-9 it is rounding.
    moves = np.ptp(level) > 1e-9
    left = np.append(-np.inf, level[:-1])
    right = np.append(level[1:], -np.inf)
    peaks = np.flatnonzero(high & moves & (level >= left) & (level >= right))
    ends = zip(np.maximum(peaks - 1, 0), np.minimum(peaks + 1, len(d) - 1), strict=True)
    grids = [np.linspace(d[low], d[high], _BETWEEN + 2) for low, high in ends]
    return np.setdiff1d(np.round(np.concatenate([np.empty(0), *grids]), _DIGITS), d)


def _vertex(found: BorrowingCharacteristics) -> Floats | None:
    """Return the drift (1,) where a parabola through the highest drift and its neighbours peaks."""
    at = int(np.argmax(found.type_one_error))
    if not 0 < at < len(found.drift) - 1:
        return None
    three = slice(at - 1, at + 2)
    second, first, _ = np.polyfit(found.drift[three] - found.drift[at], found.type_one_error[three], 2)
    if not second < 0:
        return None
    top = np.round(found.drift[at] - first / (2 * second), _DIGITS)
    inside = found.drift[at - 1] < top < found.drift[at + 1] and top != found.drift[at]
    return np.array([top]) if inside else None


def _joined(one: BorrowingCharacteristics, other: BorrowingCharacteristics) -> BorrowingCharacteristics:
    drift = np.concatenate([one.drift, other.drift])
    order = np.argsort(drift, kind="stable")
    level, power, bias, effective = (
        np.concatenate([getattr(one, name), getattr(other, name)])[order]
        for name in ("type_one_error", "power", "bias", "effective_controls")
    )
    return BorrowingCharacteristics(drift[order], level, power, bias, effective)
