"""Which distribution has the printed mean, spread, quartiles and limits?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.population.laws.bounded import (
        LogitNormalLaw,
        MaximumEntropyLaw,
        QuartileLaw,
        match_quartiles,
        solve_logit_normal,
        solve_maximum_entropy,
    )
    from trialsim.population.laws.counts import count_law
    from trialsim.population.laws.laws import (
        BetaLaw,
        GammaLaw,
        Law,
        LognormalLaw,
        NominalLaw,
        NormalLaw,
        StepLaw,
        TruncatedNormalLaw,
    )
    from trialsim.population.laws.tabulated import TabulatedLaw
    from trialsim.population.laws.truncated import solve_truncated_normal
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "BetaLaw",
    "GammaLaw",
    "Law",
    "LogitNormalLaw",
    "LognormalLaw",
    "MaximumEntropyLaw",
    "NominalLaw",
    "NormalLaw",
    "QuartileLaw",
    "StepLaw",
    "TabulatedLaw",
    "TruncatedNormalLaw",
    "count_law",
    "match_quartiles",
    "solve_logit_normal",
    "solve_maximum_entropy",
    "solve_truncated_normal",
]
