r"""Deaths after a first event that is progression or death, with both laws as they are declared.

With survival S1 to the first event and S2 to death, a share q of the first events being deaths,
:math:`D(t) = S_2(t) - S_1(t)` are alive after progression, and f2 − q f1 is the density of deaths among
them. The Markov model whose hazard after progression is :math:`h(t) = (f_2(t) - q f_1(t)) / D(t)` has exactly
the two laws. With constant hazards and q = λ2/λ1 it is h = λ2: progression then tells nothing of death
(Fleischer, Gaschler-Markefski and Bluhmki 2009, Stat. Med. 28:2669); a smaller q ties them more. Multistate
models of both endpoints: Meller, Beyersmann and Rufibach 2019, Stat. Med. 38:3391.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats
from trialsim.errors import DesignError
from trialsim.trial.allocation import Labels
from trialsim.trial.outcomes import PiecewiseHazard, SurvivalLaw

_POINTS, _EARLIEST, _LEFT, _LONGEST = 6_000, 1e-6, 1e-9, 1e5
_ROUNDING = 1e-12


@dataclass(frozen=True)
class AfterFirst:
    """The law of death after a first event in one arm and stratum.

    Parameters
    ----------
    months : ndarray (G,)
        Ascending.
    used : ndarray (G,)
        Cumulative hazard of death after progression at these months, from the first of them on.
    """

    months: Floats
    used: Floats

    @classmethod
    def of(
        cls, first: SurvivalLaw, death: SurvivalLaw, ratios: tuple[float, float], share: float
    ) -> AfterFirst:
        """Return the law, or refuse first events that come after death, or too many deaths among them.

        Raises
        ------
        DesignError
            Naming the largest share that the two laws can have.

        Examples
        --------
        >>> found = AfterFirst.of(PiecewiseHazard((0.1,)), PiecewiseHazard((0.05,)), (1.0, 1.0), 0.5)
        >>> at = np.interp([10.0, 20.0], found.months, found.used)
        >>> round(float(at[1] - at[0]), 4)
        0.5
        """
        months = _grid(first, death, ratios)
        alive_1, alive_2 = (
            law.survival(months) ** one for law, one in zip((first, death), ratios, strict=True)
        )
        between = alive_2 - alive_1
        if (between <= 0).any():
            raise DesignError(
                f"comes before its first event by month {months[np.argmax(between <= 0)]:.3g}", field="death",
                mend="let fewer have died than had the first event at every month",
            )  # fmt: skip
        events, deaths = -np.diff(alive_1, prepend=1.0), -np.diff(alive_2, prepend=1.0)
        gained = deaths - share * events
        if (gained < -_ROUNDING).any():
            some = events > _ROUNDING
            raise DesignError(
                "is more than the law of death leaves room for", field="share_of_deaths", value=share,
                mend=f"give at most {max(float((deaths[some] / events[some]).min()), 0.0):.4g}",
            )  # fmt: skip
        low, high = between[:-1], between[1:]
        change = high - low
        flat = np.abs(change) <= 1e-9 * high
        inverse = np.where(flat, 1 / high, (np.log(high) - np.log(low)) / np.where(flat, 1.0, change))
        return cls(months, np.concatenate([[0.0], np.cumsum(np.maximum(gained[1:], 0.0) * inverse)]))

    def death(self, progressed: Floats, exponential: Floats) -> Floats:
        """Return the months of death of those who progressed at some month, from standard exponentials."""
        target = np.interp(progressed, self.months, self.used) + exponential
        found = np.interp(target, self.used, self.months)
        last = (self.used[-1] - self.used[-2]) / (self.months[-1] - self.months[-2])
        beyond = target > self.used[-1]
        far = np.inf if last <= 0 else self.months[-1] + (target - self.used[-1]) / last
        return np.asarray(np.maximum(np.where(beyond, far, found), progressed))


def _grid(first: SurvivalLaw, death: SurvivalLaw, ratios: tuple[float, float]) -> Floats:
    """Return months that go from next to nothing until next to nobody is alive, finer at the beginning."""
    end = 1.0
    while end < _LONGEST and death.survival(np.array([end]))[0] ** ratios[1] > _LEFT:
        end *= 1.5
    months = np.geomspace(_EARLIEST, end, _POINTS)
    starts = [np.asarray(law.starts) for law in (first, death) if isinstance(law, PiecewiseHazard)]
    inner = np.concatenate([np.empty(0), *starts])
    months = np.unique(np.concatenate([months, inner[(inner > _EARLIEST) & (inner < end)]]))
    # Where both survivals are next to 0 their difference is rounding alone.
    alive = [law.survival(months) ** one for law, one in zip((first, death), ratios, strict=True)]
    return np.asarray(months[: max(int((alive[1] > _LEFT).sum()), 2)])


@dataclass(frozen=True)
class IllnessDeathPlan:
    """Deaths of every arm and stratum.

    Parameters
    ----------
    share : float
        Of the first events that are deaths.
    after : tuple of tuple of AfterFirst (A, S)
        By arm and stratum.
    """

    share: float
    after: tuple[tuple[AfterFirst, ...], ...]

    @classmethod
    def of(
        cls,
        first: Sequence[SurvivalLaw],
        death: Sequence[SurvivalLaw],
        ratios: tuple[Floats, Floats],
        share: float,
    ) -> IllnessDeathPlan:
        """Return the plan of laws (A,) and hazard ratios of the strata (A, S) of both endpoints."""
        strata = range(ratios[0].shape[1])
        table = tuple(
            tuple(
                AfterFirst.of(first[a], death[a], (float(ratios[0][a, s]), float(ratios[1][a, s])), share)
                for s in strata
            )
            for a in range(len(first))
        )
        return cls(share, table)

    def deaths(
        self, first: Floats, arm: Labels, stratum: np.ndarray, generator: np.random.Generator
    ) -> Floats:
        """Return the months of death (R, N), never before the first event (R, N)."""
        died = generator.random(first.shape) < self.share
        exponential = generator.standard_exponential(first.shape)
        found = first.copy()
        for a, row in enumerate(self.after):
            for s, law in enumerate(row):
                who = (arm == a) & (stratum == s) & ~died & np.isfinite(first)
                found[who] = law.death(first[who], exponential[who])
        return found
