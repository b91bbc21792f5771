"""How many controls by formula, and what does that rest on: drift, months, money, and the card?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.control_arm.cards_varied import CardSensitivity, card_sensitivity
    from trialsim.study.control_arm.facts import WorldFacts, facts_of_world
    from trialsim.study.control_arm.months_and_money import time_and_cost
    from trialsim.study.control_arm.plan import ControlArm, control_arm_of, sizes_at_the_model
    from trialsim.study.control_arm.risk_over_drift import BorrowingRisk, borrowing_risk
    from trialsim.study.control_arm.together import SupplementaryAnalyses, supplementary_analyses
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "BorrowingRisk",
    "CardSensitivity",
    "ControlArm",
    "SupplementaryAnalyses",
    "WorldFacts",
    "borrowing_risk",
    "card_sensitivity",
    "control_arm_of",
    "facts_of_world",
    "sizes_at_the_model",
    "supplementary_analyses",
    "time_and_cost",
]
