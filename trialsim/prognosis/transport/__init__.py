"""Is a trial's population inside the history's range, and what weights bring them together?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.prognosis.transport.applicability import Applicability, judge_applicability
    from trialsim.prognosis.transport.calibration import TransportedCalibration, calibrate_transported
    from trialsim.prognosis.transport.weights import (
        Weights,
        balance_to_table,
        generalisability,
        inverse_odds,
        kish,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Applicability",
    "TransportedCalibration",
    "Weights",
    "balance_to_table",
    "calibrate_transported",
    "generalisability",
    "inverse_odds",
    "judge_applicability",
    "kish",
]
