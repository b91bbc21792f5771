"""Which of several hypotheses may be claimed, the family-wise error kept?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.multiplicity.frame import ClaimsResult, several_hypotheses
    from trialsim.analysis.multiplicity.graphs import (
        Graph,
        bonferroni_holm_graph,
        fixed_sequence,
        hochberg,
        holm,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ClaimsResult",
    "Graph",
    "bonferroni_holm_graph",
    "fixed_sequence",
    "hochberg",
    "holm",
    "several_hypotheses",
]
