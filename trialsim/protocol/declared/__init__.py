"""What whole trial does a file declare: format ``trialsim.protocol/2``, taught by docs/trials.md.

- `read_trial`, `trial_from_dict`: the file as a frozen `DeclaredTrial`, or a refusal.
- `grid_points`: every cell that it asks for, resolved or refused with the reason.
- `Endpoint`, `register_endpoint`, `register_design`: kinds of endpoints and designs, and how to add some.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.protocol.declared.analyses import AnalysisDeclared
    from trialsim.protocol.declared.bounds import Efficacy, Futility
    from trialsim.protocol.declared.conduct import (
        DiscontinuationDeclared,
        IntercurrentDeclared,
        PlannedEnrolment,
        SiteEnrolment,
    )
    from trialsim.protocol.declared.design import (
        BayesianDesign,
        FixedDesign,
        GroupSequentialDesign,
        MultiArmDesign,
        ResizingDesign,
        ResponseAdaptiveDesign,
    )
    from trialsim.protocol.declared.effects import (
        Effect,
        HazardRatio,
        JointEffect,
        OddsRatio,
        RateRatio,
        Shift,
        SlopeChange,
    )
    from trialsim.protocol.declared.endpoints import Endpoint
    from trialsim.protocol.declared.grid import Point, grid_points
    from trialsim.protocol.declared.outcome import (
        BinaryOutcome,
        ContinuousOutcome,
        CountOutcome,
        CureDeclared,
        JointOutcome,
        Law,
        MedianLaw,
        OrdinalOutcome,
        PiecewiseLaw,
        TimeToEventOutcome,
        WeibullDeclared,
    )
    from trialsim.protocol.declared.trial import (
        DeclaredTrial,
        read_trial,
        register_design,
        register_endpoint,
        trial_from_dict,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "AnalysisDeclared",
    "BayesianDesign",
    "BinaryOutcome",
    "ContinuousOutcome",
    "CountOutcome",
    "CureDeclared",
    "DeclaredTrial",
    "DiscontinuationDeclared",
    "Effect",
    "Efficacy",
    "Endpoint",
    "FixedDesign",
    "Futility",
    "GroupSequentialDesign",
    "HazardRatio",
    "IntercurrentDeclared",
    "JointEffect",
    "JointOutcome",
    "Law",
    "MedianLaw",
    "MultiArmDesign",
    "OddsRatio",
    "OrdinalOutcome",
    "PiecewiseLaw",
    "PlannedEnrolment",
    "Point",
    "RateRatio",
    "ResizingDesign",
    "ResponseAdaptiveDesign",
    "Shift",
    "SiteEnrolment",
    "SlopeChange",
    "TimeToEventOutcome",
    "WeibullDeclared",
    "grid_points",
    "read_trial",
    "register_design",
    "register_endpoint",
    "trial_from_dict",
]
