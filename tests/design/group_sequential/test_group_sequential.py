"""What a design promises: its figures, its printout, and bounds at looks as they fell."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.design import (
    BetaSpending,
    HwangShihDeCani,
    OBrienFlemingSpending,
    PocockSpending,
    group_sequential_design,
)
from trialsim.design.group_sequential import (
    FutilityBounds,
    GivenBounds,
    HaybittlePeto,
    SpendingTable,
    WangTsiatis,
)

THIRDS = [1 / 3, 2 / 3, 1.0]


def test_one_look_is_the_fixed_trial() -> None:
    design = group_sequential_design([1.0])
    assert design.upper[0] == pytest.approx(1.959963984540054, abs=1e-10)
    assert design.inflation == pytest.approx(1.0, abs=1e-9)
    assert design.average_sample_number(design.drift) == pytest.approx(1.0, abs=1e-9)


def test_looks_as_planned_leave_the_plan() -> None:
    plan = group_sequential_design(THIRDS, futility=BetaSpending(HwangShihDeCani(-2.0)))
    again = plan.at_observed(THIRDS, final=True)
    np.testing.assert_allclose(again.upper, plan.upper, atol=1e-9)
    np.testing.assert_allclose(again.lower, plan.lower, atol=1e-8)


def test_past_bounds_do_not_move_and_all_alpha_is_spent() -> None:
    plan = group_sequential_design(THIRDS, efficacy=PocockSpending())
    first = plan.at_observed([0.3])
    second = plan.at_observed([0.3, 0.8])
    under = plan.at_observed([0.3, 0.8, 0.93], final=True)
    over = plan.at_observed([0.3, 0.8, 1.2], final=True)
    assert first.information == (0.3, 2 / 3, 1.0)
    assert first.upper[0] == second.upper[0] == under.upper[0] == over.upper[0]
    assert second.upper[1] == pytest.approx(over.upper[1], abs=1e-12)
    for done in (under, over):
        assert done.alpha_spent[-1] == pytest.approx(0.025, abs=1e-12)
    assert under.power_at(plan.drift) < 0.9 < over.power_at(plan.drift)


def test_final_look_at_an_early_stop_spends_what_is_left() -> None:
    plan = group_sequential_design(THIRDS)
    cut_short = plan.at_observed([1 / 3, 0.5], final=True)
    assert cut_short.alpha_spent[-1] == pytest.approx(0.025, abs=1e-12)


def test_haybittle_peto_takes_the_rest_at_other_looks() -> None:
    adapted = group_sequential_design(THIRDS, efficacy=HaybittlePeto()).at_observed(
        [0.4, 0.9, 1.1], final=True
    )
    assert adapted.upper[:2] == (3.0, 3.0)
    assert adapted.alpha_spent[-1] == pytest.approx(0.025, abs=1e-12)


def test_calendar_spending_reads_the_clock_and_keeps_correlations() -> None:
    by_information = group_sequential_design([0.3, 0.7, 1.0])
    by_calendar = group_sequential_design([0.3, 0.7, 1.0], spending_time=[0.5, 0.8, 1.0])
    spent = OBrienFlemingSpending().cumulative(0.025, [0.5, 0.8, 1.0])
    np.testing.assert_allclose(by_calendar.alpha_spent, spent, atol=1e-12)
    assert by_calendar.upper[0] < by_information.upper[0]
    later = by_calendar.at_observed([0.35], spending_time=[0.55])
    assert later.alpha_spent[0] == pytest.approx(OBrienFlemingSpending().cumulative(0.025, [0.55])[0])
    assert later.spending_time == (0.55, 0.8, 1.0)


def test_look_without_spending_has_no_bound() -> None:
    table = SpendingTable((1 / 3, 2 / 3, 1.0), (0.0, 0.3, 1.0))
    design = group_sequential_design(THIRDS, efficacy=table)
    assert design.upper[0] == np.inf
    assert design.alpha_spent.tolist() == pytest.approx([0.0, 0.0075, 0.025], abs=1e-12)


def test_given_bounds_keep_what_they_do_not_spend() -> None:
    design = group_sequential_design(THIRDS, efficacy=GivenBounds((3.0, 3.0, 2.1)))
    assert design.upper == (3.0, 3.0, 2.1)
    assert design.alpha_spent[-1] < 0.025
    assert design.power_at(design.drift) == pytest.approx(0.9, abs=1e-9)


@pytest.mark.parametrize("rule", [WangTsiatis(0.25), HaybittlePeto(), OBrienFlemingSpending()])
def test_binding_futility_spends_all_alpha_with_every_rule(rule: object) -> None:
    design = group_sequential_design(THIRDS, efficacy=rule, futility=FutilityBounds((0.0, 0.5), binding=True))
    assert design.under_null.upper.sum() == pytest.approx(0.025, abs=1e-10)


def test_frame_printout_and_figure_agree() -> None:
    design = group_sequential_design([0.5, 1.0], futility=BetaSpending(HwangShihDeCani(-2.0)))
    frame = design.to_frame()
    assert frame.index.tolist() == [1, 2]
    assert frame["cumulative_power"].iloc[-1] == pytest.approx(0.9)
    assert frame[["stop_upper_h1", "stop_lower_h1"]].to_numpy().sum() == pytest.approx(1.0)
    text = str(design)
    assert "beta spending (Hwang-Shih-DeCani, gamma -2), non-binding" in text
    assert "inflation 1.0377" in text
    figure = design.plot()
    assert [trace.name for trace in figure.data] == ["upper bound", "lower bound"]
    assert list(figure.data[0].y) == pytest.approx(list(design.upper))
