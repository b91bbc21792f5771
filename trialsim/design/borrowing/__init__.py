"""How many controls can a history replace, and what does drift then do to the type I error?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.borrowing.control_question import ControlQuestion
    from trialsim.design.borrowing.drift_curves import DriftMap, TippingDrift, drift_map, tipping_drift
    from trialsim.design.borrowing.exact_bayesian import ExactBayesian
    from trialsim.design.borrowing.frontier import (
        ControlFrontier,
        FrontierPoint,
        control_frontier,
        default_methods,
        methods_for,
        weighted_adjustment,
    )
    from trialsim.design.borrowing.normal import Commensurate, PowerPrior, RobustMap, SelfAdapting
    from trialsim.design.borrowing.question import (
        DECLARED_DRIFTS,
        BorrowingCharacteristics,
        BorrowingMethod,
        BorrowingQuestion,
        NoBorrowing,
    )
    from trialsim.design.borrowing.safe_prior import SafePriors, safe_priors
    from trialsim.design.borrowing.scale import (
        DECLARED_LOG_DRIFTS,
        ScaleBorrowingQuestion,
        check_frontier,
        simulated_characteristics,
    )
    from trialsim.design.borrowing.twin_informed import TwinInformedPrior, vague_weight_from_calibration
    from trialsim.design.borrowing.twins_as_controls import (
        CalibrationEvidence,
        CalibrationLimits,
        VirtualControls,
        calibration_failures,
        virtual_controls,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "DECLARED_DRIFTS",
    "DECLARED_LOG_DRIFTS",
    "BorrowingCharacteristics",
    "BorrowingMethod",
    "BorrowingQuestion",
    "CalibrationEvidence",
    "CalibrationLimits",
    "Commensurate",
    "ControlFrontier",
    "ControlQuestion",
    "DriftMap",
    "ExactBayesian",
    "FrontierPoint",
    "NoBorrowing",
    "PowerPrior",
    "RobustMap",
    "SafePriors",
    "ScaleBorrowingQuestion",
    "SelfAdapting",
    "TippingDrift",
    "TwinInformedPrior",
    "VirtualControls",
    "calibration_failures",
    "check_frontier",
    "control_frontier",
    "default_methods",
    "drift_map",
    "methods_for",
    "safe_priors",
    "simulated_characteristics",
    "tipping_drift",
    "vague_weight_from_calibration",
    "virtual_controls",
    "weighted_adjustment",
]
