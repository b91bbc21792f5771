"""Does treatment move participants to better levels of an ordered outcome?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.ordinal.index_block import probabilistic_index_block
    from trialsim.analysis.ordinal.index_frame import ProbabilisticIndexResult, probabilistic_index
    from trialsim.analysis.ordinal.odds_block import proportional_odds_block
    from trialsim.analysis.ordinal.odds_frame import ProportionalOddsResult, proportional_odds
    from trialsim.analysis.ordinal.wins import WinResult, win_ratio
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ProbabilisticIndexResult",
    "ProportionalOddsResult",
    "WinResult",
    "probabilistic_index",
    "probabilistic_index_block",
    "proportional_odds",
    "proportional_odds_block",
    "win_ratio",
]
