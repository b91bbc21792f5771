"""How does a prior on the prognostic slope enter a linear analysis?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.bayesian.block import (
        BayesianAdjustment,
        bayesian_adjustment,
        bayesian_adjustment_block,
    )
    from trialsim.analysis.bayesian.prior import (
        AdjustmentPrior,
        AdjustmentPriorPart,
        HistoryFit,
        adjustment_prior,
        fit_history,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "AdjustmentPrior",
    "AdjustmentPriorPart",
    "BayesianAdjustment",
    "HistoryFit",
    "adjustment_prior",
    "bayesian_adjustment",
    "bayesian_adjustment_block",
    "fit_history",
]
