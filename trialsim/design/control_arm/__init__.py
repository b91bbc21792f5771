"""How many participants, months and how much money does a prognostic score save?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.control_arm.allocation import (
        Allocation,
        AllocationTable,
        cheapest_allocation,
        compare_allocations,
        equal_cost_allocation,
    )
    from trialsim.design.control_arm.alternatives import (
        Alternative,
        AlternativesTable,
        Prices,
        SavingsTable,
        ScaleAlternative,
        compare_alternatives,
        savings,
        savings_table,
    )
    from trialsim.design.control_arm.on_scales import (
        ScaleSizing,
        scale_controls,
        scale_power,
        scale_savings,
        scale_size,
        thin_arms,
    )
    from trialsim.design.control_arm.plan import (
        FIGURES,
        ControlArmPlan,
        FigureName,
        PrognosticGain,
        Saving,
        plan_control_arm,
        savings_frame,
    )
    from trialsim.design.control_arm.score_gain import (
        PrognosticEvents,
        martingale_correlation,
        martingale_residuals,
        prognostic_events,
        weighted_variance_factor,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "FIGURES",
    "Allocation",
    "AllocationTable",
    "Alternative",
    "AlternativesTable",
    "ControlArmPlan",
    "FigureName",
    "Prices",
    "PrognosticEvents",
    "PrognosticGain",
    "Saving",
    "SavingsTable",
    "ScaleAlternative",
    "ScaleSizing",
    "cheapest_allocation",
    "compare_allocations",
    "compare_alternatives",
    "equal_cost_allocation",
    "martingale_correlation",
    "martingale_residuals",
    "plan_control_arm",
    "prognostic_events",
    "savings",
    "savings_frame",
    "savings_table",
    "scale_controls",
    "scale_power",
    "scale_savings",
    "scale_size",
    "thin_arms",
    "weighted_variance_factor",
]
