"""How does treatment change a rate of events, counted over each follow-up?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.counts.block import (
        CountEstimates,
        negative_binomial_block,
        negative_binomial_events_block,
    )
    from trialsim.analysis.counts.frame import (
        NegativeBinomialResult,
        negative_binomial,
        negative_binomial_events,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "CountEstimates",
    "NegativeBinomialResult",
    "negative_binomial",
    "negative_binomial_block",
    "negative_binomial_events",
    "negative_binomial_events_block",
]
