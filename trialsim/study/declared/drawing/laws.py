"""The laws of declared times: to the event in each arm, and to leaving the trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import (
    CureDeclared,
    DeclaredTrial,
    HazardRatio,
    Law,
    MedianLaw,
    PiecewiseLaw,
    WeibullDeclared,
)
from trialsim.trial import CureLaw, PiecewiseHazard, WeibullLaw
from trialsim.trial.outcomes import SurvivalLaw


@dataclass(frozen=True)
class ProportionalLaw:
    """A law whose hazard is multiplied by a ratio: :math:`S(t) = S_0(t)^h`."""

    law: SurvivalLaw
    ratio: float

    def time_of(self, exponential: Floats, hazard_ratio: Floats | float = 1.0) -> Floats:
        """Return the times at which standard exponentials are used up."""
        return self.law.time_of(exponential, self.ratio * hazard_ratio)

    def survival(self, months: ArrayLike) -> Floats:
        """Return the probability of no event by each month."""
        return np.asarray(self.law.survival(months) ** self.ratio)


def survival_law(law: Law) -> SurvivalLaw:
    """Return a declared law."""
    if isinstance(law, PiecewiseLaw):
        return PiecewiseHazard(tuple(law.hazards), tuple(law.starts))
    if isinstance(law, MedianLaw):
        return PiecewiseHazard((math.log(2) / law.median,))
    if isinstance(law, CureDeclared):
        return CureLaw(law.cured, survival_law(law.uncured))
    if isinstance(law, WeibullDeclared):
        return WeibullLaw(law.scale, law.shape)
    assert_never(law)


def treated_law(law: SurvivalLaw, effect: HazardRatio) -> SurvivalLaw:
    """Return the law under a hazard ratio, from the start or from a month on."""
    if isinstance(law, PiecewiseHazard):
        if effect.from_month:
            return law.times(PiecewiseHazard((1.0, effect.value), (0.0, effect.from_month)))
        return law.times(PiecewiseHazard((effect.value,)))
    if effect.from_month:
        raise ProtocolError(
            "a delayed effect is served with hazards that are constant in pieces",
            field=f"effects.{effect.arm}.from_month",
            value=effect.from_month,
            mend="give endpoints.law as piecewise or median",
        )
    if isinstance(law, WeibullLaw):
        return WeibullLaw(law.scale * effect.value ** (-1 / law.shape), law.shape)
    return ProportionalLaw(law, effect.value)


def dropout_law(
    trial: DeclaredTrial, arm: str, extra: Sequence[PiecewiseHazard] = ()
) -> PiecewiseHazard | None:
    """Return the law of leaving an arm: dropout at a constant hazard, and further causes; None for nobody."""
    pieces = list(extra)
    share = math.fsum(cause.cumulative[arm] for cause in trial.discontinuation)
    if share:
        month = max(cause.by_month or 0.0 for cause in trial.discontinuation)
        pieces.append(PiecewiseHazard((-math.log1p(-share) / month,)))
    return _sum_of(pieces) if pieces else None


def piecewise_law(law: Law, name: str) -> PiecewiseHazard:
    """Return the law of a competing cause, refused where its hazard is not constant in pieces."""
    made = survival_law(law)
    if not isinstance(made, PiecewiseHazard):
        raise ProtocolError(
            "competing causes are served with hazards that are constant in pieces",
            field=f"endpoints.competing.{name}.law",
            value=law.kind,
            mend="use piecewise or median",
        )
    return made


def _sum_of(laws: Sequence[PiecewiseHazard]) -> PiecewiseHazard:
    starts = np.unique(np.concatenate([law.starts for law in laws]))
    hazards = sum(law.at(starts) for law in laws)
    return PiecewiseHazard(tuple(np.asarray(hazards).tolist()), tuple(starts.tolist()))
