"""The table of savings says the interval of each saving, not its value twice."""

from __future__ import annotations

from types import SimpleNamespace

from trialsim.design import PlanningMoments, PrognosticGain, SizingQuestion, plan_control_arm
from trialsim.report.arm_tables import savings_table


def test_each_saving_stands_with_both_ends_of_its_interval() -> None:
    plan = plan_control_arm(
        PlanningMoments((2.0, 2.0), (0.3, 0.3), (0.0, 0.0)),
        PrognosticGain(0.4, 0.3, {}, 0.16, 0.05, 1.0, 0.5),
        SizingQuestion(effect=0.8),
        correlation_discount=0.9,
        sd_inflation=1.0,
        smallest_worthwhile_saving=0.02,
    )
    table = savings_table(SimpleNamespace(plan=plan))  # type: ignore[arg-type]  # only the plan is read
    column = table.columns.index("95 % interval")
    for saving, row in zip(plan.savings, table.rows, strict=True):
        if saving.figure == "worst_plausible":
            assert row[column] == "–"
            continue
        low, high = saving.ends[0].participants_saved, saving.ends[1].participants_saved
        assert low < saving.participants_saved < high
        assert row[column] == f"{low} to {high}"
