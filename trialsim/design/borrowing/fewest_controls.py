"""The search for the fewest controls: over the settings that a method lists, then between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from trialsim.design.borrowing.control_question import ControlQuestion
from trialsim.design.borrowing.normal import NormalBorrowing
from trialsim.design.borrowing.question import BorrowingMethod
from trialsim.design.borrowing.worst_drift import folded, over_drifts

FEWEST_CONTROLS = 5
TOLERANCE = 1e-9
_SCAN_POINTS = 6
_PARTS = 32


def fewest_of_method(
    method: BorrowingMethod, question: ControlQuestion, most: int
) -> tuple[int | None, BorrowingMethod]:
    """Return the fewest controls up to `most` of any setting of a method, and that setting.

    Where no setting is feasible the number is None, and the setting the listed one that comes nearest.

    The settings that `candidates` list are searched one by one. Between the best of them and its neighbours
    (or, where none is feasible, those of the one that comes nearest) an integrated method is then searched
    for a setting that needs fewer: for every number of controls the calmest setting that has the power is
    asked for the cap.
    """
    candidates = method.candidates()
    best: tuple[int, int] | None = None
    for place, candidate in enumerate(candidates):
        # A calmer prior that needs as many controls is preferred: it risks less for the same size.
        limit = most if best is None else best[0]
        controls = _fewest(candidate, question, limit)
        if controls is not None:
            best = (controls, place)
    at = _nearest(candidates, question, most) if best is None else best[1]
    controls = None if best is None else best[0]
    finer = _fewest_between(settings_between(candidates, at), question, controls or most + 1)
    return (controls, candidates[at]) if finer is None else finer


def settings_between(candidates: Sequence[BorrowingMethod], at: int) -> list[BorrowingMethod]:
    """Return settings from the bolder neighbour of one candidate to its calmer one; none if simulated."""
    near = candidates[max(at - 1, 0) : at + 2]
    settings: list[BorrowingMethod] = []
    for bold, calm in pairwise(near):
        if isinstance(bold, NormalBorrowing) and isinstance(calm, NormalBorrowing):
            settings += [bold, *(bold.between(calm, part / _PARTS) for part in range(1, _PARTS))]
    return [*settings, near[-1]] if settings else []


def fewest_for_power(method: BorrowingMethod, question: ControlQuestion, most: int) -> int | None:
    """Return the fewest controls up to `most` with the power at no drift, or None."""

    def enough(controls: int) -> bool:
        return has_power(method, question, controls)

    if most < FEWEST_CONTROLS or not enough(most):
        return None
    if enough(FEWEST_CONTROLS):
        return FEWEST_CONTROLS
    return first_that(enough, FEWEST_CONTROLS, most)


def has_power(method: BorrowingMethod, question: ControlQuestion, controls: int) -> bool:
    """Return whether a method has the asked power at no drift."""
    found = method.characteristics(question, controls, np.zeros(1))
    return bool(found.power[0] >= question.power - TOLERANCE)


def keeps_cap(method: BorrowingMethod, question: ControlQuestion, controls: int) -> bool:
    """Return whether a method keeps the cap over the declared drifts, and between them if integrated."""
    drifts, cap = folded(question), question.type_one_cap
    # A few drifts show most failures; only what passes them is looked at in full.
    few = method.characteristics(question, controls, drifts[:: max(1, len(drifts) // 8)])
    return few.keeps(cap) and over_drifts(method, question, controls, drifts, threshold=cap).keeps(cap)


def first_that(holds: Callable[[int], bool], fails: int, high: int) -> int:
    """Return the smallest number in (fails, high] where the predicate holds, if it holds from there on."""
    while high - fails > 1:
        middle = (fails + high) // 2
        fails, high = (fails, middle) if holds(middle) else (middle, high)
    return high


def _nearest(candidates: Sequence[BorrowingMethod], question: ControlQuestion, most: int) -> int:
    """Return the place of the candidate with the power and the least type I error, else with most power."""
    scored = []
    for place, candidate in enumerate(candidates):
        power = candidate.characteristics(question, most, np.zeros(1)).power[0]
        worst = candidate.characteristics(question, most, folded(question)).worst()[0]
        short = max(question.power - power, 0.0)
        scored.append((short > TOLERANCE, worst if short <= TOLERANCE else short, place))
    return min(scored)[2]


def _fewest(method: BorrowingMethod, question: ControlQuestion, most: int) -> int | None:
    """Return the fewest controls up to `most` that reach the power and keep the cap, or None."""
    start = fewest_for_power(method, question, most)
    if start is None:
        return None
    below = None
    for controls in np.unique(np.linspace(start, most, _SCAN_POINTS).round().astype(int)):
        if keeps_cap(method, question, int(controls)):
            if below is None:
                return int(controls)
            return first_that(lambda n: keeps_cap(method, question, n), below, int(controls))
        below = int(controls)
    return None


def _fewest_between(
    settings: Sequence[BorrowingMethod], question: ControlQuestion, known: int
) -> tuple[int, BorrowingMethod] | None:
    """Return the fewest controls below `known` of settings from bold to calm; None if there are none."""
    if not settings:
        return None
    least = fewest_for_power(settings[0], question, known - 1)
    if least is None:
        return None
    found: dict[int, BorrowingMethod] = {}

    def feasible(controls: int) -> bool:
        if not has_power(settings[0], question, controls):
            return False
        short = first_that(lambda place: not has_power(settings[place], question, controls), 0, len(settings))
        calmest = settings[short - 1]
        if keeps_cap(calmest, question, controls):
            found[controls] = calmest
        return controls in found

    controls = first_that(feasible, least - 1, known)
    return (controls, found[controls]) if controls in found else None
