"""How probable is success, over all that the history leaves uncertain?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.assured.assured_size import (
        AssuranceQuestion,
        AssuredSizes,
        assurance,
        assured_sizes,
        power_draws,
        total_for_mean_assurance,
        total_for_quantile_assurance,
    )
    from trialsim.design.assured.planning_draws import PlanningDraws, draws_from_history
    from trialsim.design.assured.scale import ScaleDraws, assured_sizes_on_scale, draws_on_scale
    from trialsim.design.assured.success_rule import NormalSuccessRule
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "AssuranceQuestion",
    "AssuredSizes",
    "NormalSuccessRule",
    "PlanningDraws",
    "ScaleDraws",
    "assurance",
    "assured_sizes",
    "assured_sizes_on_scale",
    "draws_from_history",
    "draws_on_scale",
    "power_draws",
    "total_for_mean_assurance",
    "total_for_quantile_assurance",
]
