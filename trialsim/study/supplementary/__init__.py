"""What does the answer rest on: drift, months, money, and the card?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.supplementary.cards_varied import CardSensitivity, card_sensitivity
    from trialsim.study.supplementary.fidelity_of_decision import decision_fidelity
    from trialsim.study.supplementary.months_and_money import time_and_cost
    from trialsim.study.supplementary.risk_over_drift import BorrowingRisk, borrowing_risk
    from trialsim.study.supplementary.together import (
        SupplementaryAnalyses,
        supplementary_analyses,
        write_supplementary,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "BorrowingRisk",
    "CardSensitivity",
    "SupplementaryAnalyses",
    "borrowing_risk",
    "card_sensitivity",
    "decision_fidelity",
    "supplementary_analyses",
    "time_and_cost",
    "write_supplementary",
]
