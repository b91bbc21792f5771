"""Savings beyond baseline ANCOVA: they agree with the plan, carry intervals, and follow the prices."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from trialsim.design import PlanningMoments, PrognosticGain, SizingQuestion, plan_control_arm
from trialsim.design.control_arm import Prices, SavingsTable, savings_table
from trialsim.errors import DesignError

MOMENTS = PlanningMoments((2.2, 2.2), (0.2, 0.2), (0.0, 0.0))
PRICES = Prices(30_000, 40_000, month=100_000)


def months(n: int) -> float:
    return n / 20


def plan(
    partial: float = 0.4, question: SizingQuestion | None = None, ends: tuple[float, float] = (0.25, 0.55)
):
    return plan_control_arm(
        MOMENTS,
        PrognosticGain(partial, ends[0], {}, 0.15, 0.05, partial_correlation_upper=ends[1]),
        SizingQuestion(0.5) if question is None else question,
        correlation_discount=0.9,
        sd_inflation=1.1,
        smallest_worthwhile_saving=0.02,
    )


def table(months: Callable[[int], float] = months) -> SavingsTable:
    return savings_table(plan().savings, months, PRICES)


def test_point_values_are_the_plans() -> None:
    got, planned = table(), plan()
    for saving in planned.savings:
        assert got.value(saving.figure, "participants") == saving.participants_saved
        assert got.value(saving.figure, "controls", "active arm fixed") == saving.controls_saved
        assert got.value(saving.figure, "months") == pytest.approx(saving.participants_saved / 20)


def test_cost_is_participants_and_months_at_the_users_prices() -> None:
    uneven = plan(question=SizingQuestion(0.5, allocation=(1 / 3, 2 / 3)))
    saving = uneven.saving("undiscounted")
    got = savings_table(uneven.savings, months, PRICES)
    controls = saving.ancova.controls - saving.prognostic.controls
    active = saving.ancova.active - saving.prognostic.active
    expected = 30_000 * controls + 40_000 * active + 100_000 * (controls + active) / 20
    assert got.value("undiscounted", "cost") == pytest.approx(expected)
    assert "cost" in str(got)
    assert got.plot("cost").data


def test_intervals_hold_the_value_and_come_from_those_of_the_correlation() -> None:
    frame = table().to_frame()
    bound = frame["figure"] == "worst_plausible"
    assert frame.loc[bound, ["lower", "upper"]].isna().all(axis=None)
    frame = frame[~bound]
    assert (frame["lower"] <= frame["value"]).all()
    assert (frame["value"] <= frame["upper"]).all()
    narrow = savings_table(plan(ends=(0.399, 0.401)).savings, months, PRICES).to_frame()[~bound]
    wide = frame["upper"] - frame["lower"]
    assert (narrow["upper"] - narrow["lower"] < wide).all()


def test_a_score_that_may_be_useless_may_save_nothing() -> None:
    frame = savings_table(plan(ends=(-0.2, 0.6)).savings, months, PRICES).to_frame()
    ranged = frame[(frame["gain"] == "participants") & (frame["figure"] != "worst_plausible")]
    assert (ranged["lower"] == 0).all()


def test_the_plans_interval_and_the_tables_are_one() -> None:
    gain = PrognosticGain(0.4, 0.25, {}, 0.15, 0.05, 0.9, partial_correlation_upper=0.52)
    planned = plan_control_arm(
        MOMENTS,
        gain,
        SizingQuestion(0.5),
        correlation_discount=0.9,
        sd_inflation=1.1,
        smallest_worthwhile_saving=0.02,
    )
    frame = savings_table(planned.savings, months, PRICES).to_frame().set_index(["figure", "way", "gain"])
    for saving in planned.savings[:2]:
        row = frame.loc[(saving.figure, "fixed allocation", "participants")]
        assert saving.interval == (row["lower"], row["upper"])
        assert saving.ends is not None
        fixed = frame.loc[(saving.figure, "active arm fixed", "controls")]
        assert [end.controls_saved for end in saving.ends] == [fixed["lower"], fixed["upper"]]
    assert planned.saving("worst_plausible").interval is None
    ends = planned.saving("discounted").ends
    assert ends is not None
    assert ends[0].partial_correlation == pytest.approx((0.225, 0.2025))
    assert ends[1].partial_correlation == pytest.approx((0.468, 0.4212))
    assert ends[0].ancova == planned.saving("discounted").ancova


def test_a_useless_score_saves_nothing_either_way() -> None:
    saving = plan(partial=0.0).saving("undiscounted")
    assert saving.prognostic.total > saving.ancova.total
    assert saving.participants_saved == saving.controls_saved == 0
    assert saving.chosen == saving.ancova == saving.chosen_active_fixed


@pytest.mark.parametrize(
    "call",
    [
        lambda: Prices(-1, 0),
        lambda: Prices(math.inf, 0),
        lambda: table(months=lambda n: -1.0),
        lambda: table().value("undiscounted", "happiness"),
        lambda: table().plot("happiness"),
    ],
)
def test_impossible_savings_are_refused(call) -> None:
    with pytest.raises(DesignError):
        call()
