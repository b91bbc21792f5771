r"""The size at which an analysis has the asked power, by simulation.

Power is close to :math:`Φ(a + b\sqrt n)` in any design whose looks and events scale with n, the participants
or whatever else information is in proportion to (`Scale`). The rule is fixed beforehand:

1. *Bracket.* From a first guess, n is multiplied or divided by 4 until the power lies in (.05, .995).
2. *Approach.* Twice, with a quarter of `trials` and with all of them: each analysis is simulated at its own
   :math:`n ((z_{1-α} + z_{power}) / (z_{1-α} + Φ^{-1}(\hat p)))^2`.
3. *Go on* where the asked power is still far, at most 4 rounds more. Where power does not grow with n, as in
   a trial that is read before all of them have come, there is no size, and the search says so.
4. *Answer.* The line through the probits of the last rounds, weighted by their precision with the slope
   :math:`b = (z_{1-α} + Φ^{-1}(\hat p)) / \sqrt n` of the last one, is solved for the power; its Monte
   Carlo error gives the interval.

Of an equivalence Φ is replaced by the power of its two one-sided tests, see `PowerLaw`. All analyses of one
size are read from the same trials. The chance of the search is apart from that of the trials that report the
answer, so that the size found is not flattered by its own luck.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol as Interface

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.errors import DesignError
from trialsim.study.sizing.power_law import PowerLaw

PILOT = 1_000
ROUNDS = 2
_LOW, _HIGH, _FACTOR = 0.05, 0.995, 4
_SMALLEST = 8
_Z95 = 1.959963984540054
_SURE = 4.0
# An answer further from the last round than by this factor of information is not seen but guessed.
_FAR, _MORE = 1.5, 4

# From a size, the analyses to read there and a number of trials to how many of them each claims.
Claims = Callable[[int, Sequence[str], int], Mapping[str, int]]


class Scale(Interface):
    """What is counted, and how the information grows with it."""

    @property
    def noun(self) -> str:
        """What a size counts."""

    def information(self, size: float) -> float:
        """Return the information of a size, up to a factor."""

    def size_of(self, information: float) -> float:
        """Return the size with so much information; infinite where there is none."""


@dataclass(frozen=True)
class Proportional:
    """Participants of a whole trial: the information is in proportion to them."""

    noun: str = "participants"

    def information(self, size: float) -> float:
        """Return the size."""
        return size

    def size_of(self, information: float) -> float:
        """Return the information."""
        return information


@dataclass(frozen=True)
class FoundSize:
    """A size that was searched for.

    Parameters
    ----------
    analysis : str
        Label of the analysis.
    size : int
        Smallest size, in steps of the allocation ratio, with the asked power.
    exact, lower, upper : float
        The solution before it is rounded up, and its 95 % interval from Monte Carlo error.
    power, power_mcse : float
        In the last round of the search, at the size `searched_at`.
    searched_at : int
        Size of the last round.
    trials : int
        Trials of the last round.
    """

    analysis: str
    size: int
    exact: float
    lower: float
    upper: float
    power: float
    power_mcse: float
    searched_at: int
    trials: int


@dataclass
class _Path:
    """What has been seen of one analysis: sizes, trials and claims, in order."""

    law: PowerLaw
    seen: list[tuple[int, int, int]] = field(default_factory=list)

    def probit(self, position: int = -1) -> tuple[float, float]:
        """Return the probit of the power of a round, kept finite, and its standard error."""
        _, trials, claims = self.seen[position]
        p = (claims + 0.5) / (trials + 1)
        z = self.law.probit(p)
        return z, math.sqrt(p * (1 - p) / trials) / self.law.slope(z)


def search_sizes(
    claims: Claims,
    analyses: Sequence[str],
    *,
    power: float,
    alpha: float,
    guess: int,
    step: int = 2,
    largest: int = 50_000,
    trials: int = 16_000,
    scale: Scale | None = None,
    laws: Mapping[str, PowerLaw] | None = None,
) -> dict[str, FoundSize]:
    r"""Return the size of each analysis.

    Parameters
    ----------
    claims : callable
        Simulates trials of a size and counts the claims of each analysis.
    analyses : sequence of str
        Labels.
    power : float
        Asked, in (0, 1).
    alpha : float
        One-sided level of the design.
    guess : int
        Where the search begins.
    step : int
        Sizes are multiples of it.
    largest : int
        No size above is looked at.
    trials : int
        Of the last round; the relative standard error of a size is about 1 / √trials at a power of .9.
    scale : Scale, optional
        What is counted; participants, with information in proportion to them, if not given.
    laws : mapping of str to PowerLaw, optional
        How the power of an analysis grows; that of one test for those that are not named.

    Returns
    -------
    dict of str to FoundSize

    Raises
    ------
    DesignError
        An analysis does not reach the power at `largest`, or its power does not rise with the size.

    Examples
    --------
    A z test with drift :math:`.25 \sqrt{n}` needs n = 168.1 for a power of .9:

    >>> def claims(n, names, trials):
    ...     return {name: round(trials * float(ndtr(0.25 * n**0.5 - 1.959964))) for name in names}
    >>> found = search_sizes(claims, ["z"], power=0.9, alpha=0.025, guess=40)["z"]
    >>> found.size, round(found.exact, 1)
    (170, 168.1)
    """
    asked = _Question(-float(ndtri(alpha)), power, step, largest, scale or Proportional())
    paths = {name: _Path((laws or {}).get(name) or PowerLaw(asked.z_alpha)) for name in analyses}
    start = {name: _rounded(min(guess, largest), step) for name in analyses}
    for name, size in _bracket(claims, paths, start, asked).items():
        start[name] = size
    for number in (max(trials // 4, PILOT), trials):
        for name in analyses:
            start[name] = _next(name, paths[name], asked)
        _look(claims, paths, start, number)
    for _ in range(_MORE):
        far = {name: _next(name, path, asked) for name, path in paths.items() if _is_far(path, asked)}
        if not far:
            break
        _look(claims, paths, far, trials)
        for name in far:
            _check_growth(name, paths[name], asked)
    return {name: _answer(name, paths[name], asked) for name in analyses}


@dataclass(frozen=True)
class _Question:
    """Critical value and power, and which sizes there are."""

    z_alpha: float
    power: float
    step: int
    largest: int
    scale: Scale


def _rounded(size: float, step: int) -> int:
    return max(_SMALLEST // step, math.ceil(size / step - 1e-9)) * step


def _look(claims: Claims, paths: Mapping[str, _Path], sizes: Mapping[str, int], trials: int) -> None:
    """Simulate each size once for all analyses that want it."""
    for size in sorted(set(sizes.values())):
        names = [name for name, wanted in sizes.items() if wanted == size]
        found = claims(size, names, trials)
        for name in names:
            paths[name].seen.append((size, trials, found[name]))


def _bracket(
    claims: Claims, paths: dict[str, _Path], sizes: dict[str, int], asked: _Question
) -> dict[str, int]:
    step, largest = asked.step, asked.largest
    open_sizes = dict(sizes)
    settled: dict[str, int] = {}
    while open_sizes:
        _look(claims, paths, open_sizes, PILOT)
        following: dict[str, int] = {}
        for name, size in open_sizes.items():
            p = paths[name].seen[-1][2] / PILOT
            if p <= _LOW and size >= largest:
                raise _unreached(name, largest, p, asked)
            if p <= _LOW:
                following[name] = min(_rounded(size * _FACTOR, step), largest)
            elif p >= _HIGH and size > _rounded(_SMALLEST, step) and len(paths[name].seen) < 8:
                following[name] = _rounded(size / _FACTOR, step)
            else:
                settled[name] = size
        open_sizes = following
    return settled


def _next(name: str, path: _Path, asked: _Question) -> int:
    """Return the size at which the power would be the asked one, by the last round's drift."""
    size, trials, had = path.seen[-1]
    z, error = path.probit()
    now = asked.scale.information(size)
    wanted = asked.z_alpha + path.law.probit(asked.power)

    def target(probit: float) -> float:
        drift = max(asked.z_alpha + probit, 0.1)
        factor = min(max((wanted / drift) ** 2, 1 / _FACTOR), _FACTOR)
        return asked.scale.size_of(now * factor)

    if math.isinf(target(z + _SURE * error)):
        raise _unreached(name, size, had / trials, asked)
    return min(
        _rounded(min(target(z), asked.largest), asked.step), max(asked.largest // asked.step, 1) * asked.step
    )


def _is_far(path: _Path, asked: _Question) -> bool:
    """Return whether the asked power lies beyond what the last round can speak of."""
    size, _, _ = path.seen[-1]
    z, error = path.probit()
    drift = asked.z_alpha + z + _Z95 * error
    wanted = asked.z_alpha + path.law.probit(asked.power)
    return size < asked.largest and wanted > math.sqrt(_FAR) * drift


def _check_growth(name: str, path: _Path, asked: _Question) -> None:
    """Refuse where power has risen by less than half of what the larger size promised."""
    (old, _, _), (new, trials, had) = path.seen[-2:]
    (before, error), (after, other) = path.probit(-2), path.probit(-1)
    larger = math.sqrt(asked.scale.information(new) / asked.scale.information(old))
    promised = (asked.z_alpha + before) * (larger - 1)
    if after - before + _SURE * math.hypot(error, other) < promised / 2:
        raise DesignError(
            f"{name} has a power of {had / trials:.3f} with {new:,} {asked.scale.noun}, hardly more than "
            f"with {old:,}: it does not grow with the size",
            field="sizing", value=new,
            mend="let the trial be read when all have come and were followed: enrol faster, or read it later",
        )  # fmt: skip


def _answer(name: str, path: _Path, asked: _Question) -> FoundSize:
    size, trials, had = path.seen[-1]
    z, _ = path.probit()
    if had / trials <= 2 * float(ndtr(-asked.z_alpha)):
        raise _unreached(name, size, had / trials, asked)
    slope = (asked.z_alpha + z) / math.sqrt(asked.scale.information(size))
    wanted = path.law.probit(asked.power)
    # Both last rounds speak of the intercept, each by its precision.
    rounds = [(path.seen[k][0], *path.probit(k)) for k in range(-ROUNDS, 0)]
    weights = np.array([1 / one[2] ** 2 for one in rounds])
    roots = np.array(
        [math.sqrt(asked.scale.information(n)) + (wanted - probit) / slope for n, probit, _ in rounds]
    )
    root = float((weights * roots).sum() / weights.sum())
    spread = 1 / (math.sqrt(weights.sum()) * slope)
    exact = asked.scale.size_of(root**2)
    if exact > asked.largest or _is_far(path, asked):
        raise _unreached(name, asked.largest, had / trials, asked)
    return FoundSize(
        name,
        _rounded(exact, asked.step),
        exact,
        asked.scale.size_of(max(root - _Z95 * spread, 0.0) ** 2),
        asked.scale.size_of((root + _Z95 * spread) ** 2),
        had / trials,
        math.sqrt(had / trials * (1 - had / trials) / trials),
        size,
        trials,
    )


def _unreached(name: str, size: int, power: float, asked: _Question) -> DesignError:
    noun = asked.scale.noun
    mend = "a larger effect, another analysis, or a larger largest_trial"
    if noun == "controls":
        mend = "a larger effect, another analysis, or a larger active arm: controls alone do not reach it"
    return DesignError(
        f"{name} has a power of {power:.3f} with {size:,} {noun}: the asked power is out of reach",
        field="sizing.largest_trial" if noun == "participants" else "sizing.active", value=size,
        mend=f"declare {mend}",
    )  # fmt: skip
