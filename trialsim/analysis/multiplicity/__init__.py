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
    from trialsim.analysis.multiplicity.groups import GroupTest, closed_test_of_groups
    from trialsim.analysis.multiplicity.over_looks import claims_over_looks
    from trialsim.analysis.multiplicity.power import GraphPower, graph_power
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ClaimsResult",
    "Graph",
    "GraphPower",
    "GroupTest",
    "bonferroni_holm_graph",
    "claims_over_looks",
    "closed_test_of_groups",
    "fixed_sequence",
    "graph_power",
    "hochberg",
    "holm",
    "several_hypotheses",
]
