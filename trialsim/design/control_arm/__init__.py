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
    from trialsim.design.control_arm.alternatives import Prices, SavingsTable, savings_table
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
    from trialsim.design.control_arm.score_gain import PrognosticEvents, prognostic_events
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "FIGURES",
    "Allocation",
    "AllocationTable",
    "ControlArmPlan",
    "FigureName",
    "Prices",
    "PrognosticEvents",
    "PrognosticGain",
    "Saving",
    "SavingsTable",
    "ScaleSizing",
    "cheapest_allocation",
    "compare_allocations",
    "equal_cost_allocation",
    "plan_control_arm",
    "prognostic_events",
    "savings_frame",
    "savings_table",
    "scale_controls",
    "scale_power",
    "scale_savings",
    "scale_size",
    "thin_arms",
]
