"""How far do means differ at one visit, given the baseline and a prognostic score?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.linear.block import fit_linear
    from trialsim.analysis.linear.frame import ancova, dose_response, prognostic_adjustment, unadjusted
    from trialsim.analysis.linear.result import LinearResult
    from trialsim.analysis.linear.safety import UnsafeStandardErrorWarning, model_based_type_one_error
    from trialsim.analysis.linear.several_arms import dunnett, joint_test
    from trialsim.analysis.linear.twin_weights import fit_twin_weighted
    from trialsim.analysis.linear.within_participants import crossover, paired_t_test, t_test
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "LinearResult",
    "UnsafeStandardErrorWarning",
    "ancova",
    "crossover",
    "dose_response",
    "dunnett",
    "fit_linear",
    "fit_twin_weighted",
    "joint_test",
    "model_based_type_one_error",
    "paired_t_test",
    "prognostic_adjustment",
    "t_test",
    "unadjusted",
]
