"""How do the proportions of two arms differ: by score, exact and stratified methods?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.proportions.association import (
        AssociationResult,
        cochran_mantel_haenszel,
        stratified_association,
    )
    from trialsim.analysis.proportions.frame import ProportionsResult, two_proportions
    from trialsim.analysis.proportions.score import score_interval, score_z
    from trialsim.analysis.proportions.stratified import StratifiedResult, mantel_haenszel
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "AssociationResult",
    "ProportionsResult",
    "StratifiedResult",
    "cochran_mantel_haenszel",
    "mantel_haenszel",
    "score_interval",
    "score_z",
    "stratified_association",
    "two_proportions",
]
