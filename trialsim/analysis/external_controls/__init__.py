"""What does a treated arm do beside patients from outside the trial, weighted to be like one another?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.external_controls.block import (
        WeightedEstimates,
        external_controls_survival_block,
    )
    from trialsim.analysis.external_controls.frame import external_controls
    from trialsim.analysis.external_controls.result import ExternalControlsResult
    from trialsim.analysis.external_controls.survival_frame import external_controls_survival
    from trialsim.analysis.external_controls.survival_result import ExternalSurvivalResult
    from trialsim.analysis.external_controls.weights import WEIGHTS, Weighted, weigh
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "WEIGHTS",
    "ExternalControlsResult",
    "ExternalSurvivalResult",
    "Weighted",
    "WeightedEstimates",
    "external_controls",
    "external_controls_survival",
    "external_controls_survival_block",
    "weigh",
]
