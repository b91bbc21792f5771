"""What is the risk difference, risk ratio or odds ratio in the whole population?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.marginal.block import MarginalEstimates, fit_marginal
    from trialsim.analysis.marginal.frame import MarginalResult, g_computation
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["MarginalEstimates", "MarginalResult", "fit_marginal", "g_computation"]
