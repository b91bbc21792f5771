"""What can be made of individual data: a card, its fidelity, and what it gives away?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.population.individual_data.fidelity import fidelity_report, minimum_by_measure
    from trialsim.population.individual_data.fitting import CardFacts, fit_card
    from trialsim.population.individual_data.privacy import (
        MembershipRisk,
        closer_to_training,
        membership_risk,
        nearest_record_distances,
        released_counts,
        unique_key_rates,
    )
    from trialsim.population.individual_data.release import PrivateRelease, private_release
    from trialsim.population.individual_data.vine import VinePopulation, fit_vine
    from trialsim.zcdp import zcdp_budget
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "CardFacts",
    "MembershipRisk",
    "PrivateRelease",
    "VinePopulation",
    "closer_to_training",
    "fidelity_report",
    "fit_card",
    "fit_vine",
    "membership_risk",
    "minimum_by_measure",
    "nearest_record_distances",
    "private_release",
    "released_counts",
    "unique_key_rates",
    "zcdp_budget",
]
