"""Which estimator answers to a name, what does it read, and what does it estimate?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.registry.by_method import analyse
    from trialsim.analysis.registry.interface import Estimator, Option
    from trialsim.analysis.registry.registered import ENTRY_POINTS, estimator, estimators, register
    from trialsim.analysis.registry.results import listing_of, tables_of
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ENTRY_POINTS",
    "Estimator",
    "Option",
    "analyse",
    "estimator",
    "estimators",
    "listing_of",
    "register",
    "tables_of",
]
