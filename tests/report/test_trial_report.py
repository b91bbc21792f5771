"""The report of a declared trial says what the tables say, with errors, and nothing is drawn twice."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from trialsim.protocol.declared import DeclaredTrial, read_trial
from trialsim.report.frames import frame_table, plain
from trialsim.report.trial_figures import rejection_curves, rejection_dots, stopping_bars
from trialsim.report.trial_page import one_level, render_trial_report
from trialsim.report.trial_tables import sources_table, trial_tables
from trialsim.study import run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.declared import DeclaredPlan, DeclaredResult, declared_result, plan_trial
from trialsim.study.people.registers import Registers

PROTOCOLS = Path(__file__).parents[2] / "protocols"


def found(name: str) -> tuple[DeclaredTrial, DeclaredPlan, DeclaredResult]:
    trial = read_trial(PROTOCOLS / f"{name}.toml")
    few = trial.simulation.model_copy(update={"replicates": 100})
    trial = trial.model_copy(update={"simulation": few})
    plan = plan_trial(trial)
    return trial, plan, declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))


@pytest.fixture(scope="module")
def looks() -> tuple[DeclaredTrial, DeclaredPlan, DeclaredResult]:
    return found("survival_delayed_effect")


@pytest.fixture(scope="module")
def grid() -> tuple[DeclaredTrial, DeclaredPlan, DeclaredResult]:
    return found("recurrent_infections")


def test_a_number_stands_with_two_digits_of_its_error() -> None:
    frame = pd.DataFrame(
        {"x": [0.98765, 12.3, -2.8], "x_mcse": [0.0123, 3.0, 1e-18], "y": [math.nan, 1.0, 2e6]}
    )
    table = frame_table(frame, "caption")
    assert table.columns == ["x", "y"]
    assert [row[0] for row in table.rows] == ["0.988 ± 0.012", "12.3 ± 3.0", "-2.8"]
    assert [row[1] for row in table.rows] == ["", "1", "2,000,000"]
    assert plain(True) == "yes"


def test_every_rate_of_the_table_is_in_the_page(looks) -> None:
    page = render_trial_report(*looks)
    for row in looks[2].operating_characteristics.itertuples():
        assert f"± {row.rejection_rate_mcse:.2g}".rstrip("0") in page
    assert looks[2].reconciliation in page
    assert looks[0].content_hash() in page


def test_dots_show_each_analysis_of_each_cell_with_its_interval(looks) -> None:
    frame = looks[2].operating_characteristics
    drawn = rejection_dots(frame, [], 0.025).figure
    assert sum(len(trace.x) for trace in drawn.data) == len(frame)
    first = drawn.data[0]
    rates = frame[frame["analysis"] == frame["analysis"].iloc[0]]
    assert list(first.x) == list(rates["rejection_rate"])
    assert (first.x - first.error_x.arrayminus >= 0).all()
    assert (first.x + first.error_x.array <= 1).all()


def test_bars_add_up_to_the_share_that_stopped(looks) -> None:
    frame = looks[2].looks
    drawn = stopping_bars(frame, []).figure
    first = frame[frame["analysis"] == frame["analysis"].iloc[0]]
    total = sum(sum(trace.x) for trace in drawn.data)
    assert total == pytest.approx((first["efficacy"] + first["futility"]).sum())


def test_a_bar_of_a_late_look_stands_at_the_cells_that_have_it() -> None:
    shares = {"analysis": "a", "futility": 0.0}
    looks = pd.DataFrame(
        [
            shares | {"cell": "one", "scenario": "one", "look": 1, "efficacy": 0.1},
            shares | {"cell": "two", "scenario": "two", "look": 1, "efficacy": 0.2},
            shares | {"cell": "two", "scenario": "two", "look": 2, "efficacy": 0.3},
        ]
    )
    late = stopping_bars(looks, []).figure.data[1]
    assert dict(zip(late.y, late.x, strict=True)) == {"Two": 0.3}


@pytest.mark.parametrize("looks", [2, 8, 20])
def test_no_two_looks_share_a_colour(looks: int) -> None:
    frame = pd.DataFrame(
        {
            "analysis": "a", "cell": "one", "scenario": "one", "look": range(1, looks + 1),
            "efficacy": 0.5 / looks, "futility": 0.0,
        }
    )  # fmt: skip
    drawn = stopping_bars(frame, []).figure
    assert len({trace.marker.color for trace in drawn.data}) == looks


def test_a_claim_by_a_posterior_probability_has_no_level() -> None:
    trial, plan, result = found("adaptive_allocation")
    assert one_level(plan) is None
    page = render_trial_report(trial, plan, result)
    assert "level is" not in page
    assert "one-sided level" not in page


def test_cells_of_several_levels_have_no_one_level(looks) -> None:
    plan = looks[1]
    assert one_level(plan) == 0.025
    stricter = plan.cells[0].trial.design.model_copy(update={"alpha": 0.01})
    trial = plan.cells[0].trial.model_copy(update={"design": stricter})
    assert one_level(replace(plan, cells=(replace(plan.cells[0], trial=trial), *plan.cells[1:]))) is None


def test_a_path_of_the_file_keeps_its_spelling() -> None:
    assert frame_table(pd.DataFrame({"design.keep_best": [1], "least_size": [2]}), "c").columns == [
        "design.keep_best",
        "least size",
    ]


def test_curves_run_over_the_numeric_axis(grid) -> None:
    trial, _, result = grid
    axes = [axis.field for axis in trial.grid]
    drawn = rejection_curves(result.operating_characteristics, axes[0], axes, 0.025).figure
    assert all(list(trace.x) == list(trial.grid[0].values) for trace in drawn.data)
    assert drawn.layout.xaxis.title.text == axes[0]


def test_axes_scenarios_and_sources_are_told_with_their_reasons(grid) -> None:
    trial, _, result = grid
    tables = trial_tables(trial, result)
    assert [row[0] for row in tables["axes"].rows] == [axis.field for axis in trial.grid]
    assert [row[-1] for row in tables["axes"].rows] == [axis.why for axis in trial.grid]
    assert [row[-1] for row in tables["scenarios"].rows] == [one.why for one in trial.scenarios]
    assert "looks" not in tables
    assert trial.enrolment is not None
    assert trial.enrolment.source in [row[-1] for row in sources_table(trial).rows]
