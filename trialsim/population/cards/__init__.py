"""What does a cohort card say: margins, associations, criteria, sources?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.population.cards.card import CohortCard
    from trialsim.population.cards.criteria import LinearCriterion
    from trialsim.population.cards.missing import MissingValues, make_missing
    from trialsim.population.cards.provenance import Correlation, Number, Source
    from trialsim.population.cards.targets import Moment, Target
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "CohortCard",
    "Correlation",
    "LinearCriterion",
    "MissingValues",
    "Moment",
    "Number",
    "Source",
    "Target",
    "make_missing",
]
