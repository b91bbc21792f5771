"""What whole trial does a file declare: format ``trialsim.protocol/2``, taught by docs/trials.md.

- `read_trial`, `trial_from_dict`: the file as a frozen `DeclaredTrial`, or a refusal.
- `grid_points`: every cell that it asks for, resolved or refused with the reason.
- `DESIGNS_OF`, `ANALYSES_OF`, `EFFECTS_OF`: what is served with which outcome.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.protocol.declared.analyses import ANALYSES_OF, AnalysisDeclared
    from trialsim.protocol.declared.bounds import Efficacy, Futility
    from trialsim.protocol.declared.conduct import (
        DiscontinuationDeclared,
        IntercurrentDeclared,
        PlannedEnrolment,
        SiteEnrolment,
    )
    from trialsim.protocol.declared.design import (
        DESIGNS_OF,
        BayesianDesign,
        FixedDesign,
        GroupSequentialDesign,
        MultiArmDesign,
        ResizingDesign,
        ResponseAdaptiveDesign,
    )
    from trialsim.protocol.declared.effects import (
        EFFECTS_OF,
        Effect,
        HazardRatio,
        JointEffect,
        OddsRatio,
        RateRatio,
        Shift,
        SlopeChange,
    )
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
    from trialsim.protocol.declared.trial import DeclaredTrial, is_declared, read_trial, trial_from_dict
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ANALYSES_OF",
    "DESIGNS_OF",
    "EFFECTS_OF",
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
    "is_declared",
    "read_trial",
    "trial_from_dict",
]
