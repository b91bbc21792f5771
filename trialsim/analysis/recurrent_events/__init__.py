"""How does treatment change the rate of an event that can happen again?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.recurrent_events.rate_ratio import RateRatioResult, lwyy, lwyy_block
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["RateRatioResult", "lwyy", "lwyy_block"]
