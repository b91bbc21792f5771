"""The bounds of declared group-sequential trials stand in the result, at the looks as they fell."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tests.declared_files import staged, tables
from trialsim.cli.commands import commands
from trialsim.design import group_sequential_design
from trialsim.design.group_sequential import bounds_table, expected_sizes
from trialsim.protocol.declared import trial_from_dict
from trialsim.report.trial_page import render_trial_report
from trialsim.report.trial_tables import trial_tables
from trialsim.study import run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.declared import DeclaredPlan, DeclaredResult, declared_result, plan_trial
from trialsim.study.declared.look_bounds import NO_BOUNDS, ON_AVERAGE, PLANNED
from trialsim.study.people.registers import Registers

BY_EVENTS = {"kind": "group_sequential", "timing": "events", "events": [20, 40]}
BY_SHARES = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}
SPENDING = {"efficacy": {"rule": "lan_demets_obf"}}
BY_MONTHS = {"kind": "group_sequential", "timing": "calendar", "months": [5.0, 9.0], **SPENDING}


def run(made: dict) -> tuple[DeclaredPlan, DeclaredResult]:
    trial = trial_from_dict(made)
    plan = plan_trial(trial)
    return plan, declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))


@pytest.fixture(scope="module")
def survival() -> tuple[DeclaredPlan, DeclaredResult]:
    return run(tables("time_to_event", design=BY_EVENTS | SPENDING))


def test_bounds_by_events_are_those_of_the_design(survival) -> None:
    """rpact 4: two looks of O'Brien-Fleming-like spending at .025 have z 2.9626 and 1.9686."""
    frame = survival[1].bounds
    assert list(frame["scenario"]) == ["works", "works", "null", "null"]
    works = frame[frame["scenario"] == "works"]
    assert works["z_upper"].to_numpy() == pytest.approx([2.9626, 1.9686], abs=1e-4)
    assert works["nominal_p"].to_numpy() == pytest.approx([0.001525, 0.024500], abs=1e-6)
    assert works["alpha_spent"].to_numpy() == pytest.approx([0.001525, 0.025], abs=1e-6)
    assert works["z_lower"].isna().all()
    assert list(works["information"]) == [0.5, 1.0]
    assert list(works["events"]) == [20, 40]
    assert set(works["bounds_are"]) == {PLANNED}
    ratios = [math.exp(-z * 2 / math.sqrt(d)) for z, d in ((2.962588, 20), (1.968596, 40))]
    assert works["hazard_ratio_at_bound"].to_numpy() == pytest.approx(ratios, rel=1e-5)


def test_months_of_a_look_are_over_all_trials_were_it_held(survival) -> None:
    plan, result = survival
    works = result.bounds[result.bounds["scenario"] == "works"].set_index("look")
    looks = result.looks[result.looks["scenario"] == "works"].set_index("look")
    row = result.operating_characteristics.iloc[0]
    assert looks.loc[1, "efficacy"] > 0
    assert works.loc[1, "month"] < row["expected_months"] < works.loc[2, "month"]
    assert (works["month_mcse"] > 0).all()
    assert plan.cells[0].trial.design.looks == 2


def test_expected_size_without_half_and_with_the_effect_is_that_of_the_design(survival) -> None:
    works = survival[1].expected_sizes.query("scenario == 'works'").set_index("effect")
    design = group_sequential_design([0.5, 1.0])
    for name, share in (("H0", 0.0), ("half", 0.5), ("H1", 1.0)):
        stops = design.stopping(share * design.drift).stopped[0]
        assert works.loc[name, "events"] == pytest.approx(40 - 20 * stops)
    assert works.loc["H0", "power"] == pytest.approx(0.025, abs=1e-6)
    assert works.loc["H1", "power"] == pytest.approx(0.9, abs=1e-6)


def test_report_shows_bounds_once_where_scenarios_share_them(survival) -> None:
    plan, result = survival
    shown = trial_tables(plan.cells[0].trial, result)
    assert len(shown["expected_sizes"].rows) == 3
    assert "2.963" in {cell for row in shown["bounds"].rows for cell in row}
    page = render_trial_report(plan.cells[0].trial, plan, result)
    assert "Bounds of each look" in page
    assert "Expected size by formula" in page


def test_bounds_by_shares_of_participants() -> None:
    futility = {"futility": {"rule": "hwang_shih_decani", "gamma": -2.0, "binding": True}}
    _, result = run(tables("response", design=BY_SHARES | SPENDING | futility))
    works = result.bounds[result.bounds["scenario"] == "works"]
    assert list(works["participants"]) == [30, 60]
    assert works["z_lower"].iloc[1] == works["z_upper"].iloc[1]
    assert works["z_lower"].iloc[0] < works["z_upper"].iloc[0]
    assert "hazard_ratio_at_bound" not in works
    sizes = result.expected_sizes.query("scenario == 'works'").set_index("effect")["participants"]
    assert (sizes.loc["H0"] < 60) & (sizes.loc["H1"] < 60)


def test_bounds_by_the_calendar_are_at_the_information_that_came() -> None:
    """Spending of what came: alpha(t) = 2 - 2 Phi(z_{1 - alpha/2}/sqrt(t)) at the mean share of outcomes."""
    from scipy.stats import norm

    _, result = run(tables("response", design=BY_MONTHS))
    works = result.bounds[result.bounds["scenario"] == "works"]
    first = works.iloc[0]
    assert first["information"] == pytest.approx(first["participants"] / 60)
    spent = 2 * norm.sf(norm.isf(0.0125) / math.sqrt(first["information"]))
    assert first["alpha_spent"] == pytest.approx(spent, rel=1e-6)
    assert first["z_upper"] == pytest.approx(norm.isf(spent), rel=1e-6)
    assert list(works["month"]) == [5.0, 9.0]
    assert set(works["bounds_are"]) == {ON_AVERAGE}


def test_a_look_before_anything_came_has_no_bounds_and_breaks_nothing() -> None:
    _, result = run(tables("response", design=BY_MONTHS | {"months": [0.5, 9.0]}))
    assert set(result.bounds["bounds_are"]) == {NO_BOUNDS}
    assert result.bounds["z_upper"].isna().all()
    assert result.expected_sizes.empty


def test_other_designs_have_no_bounds() -> None:
    _, result = run(tables("response"))
    assert result.bounds.empty
    assert "bounds" not in result.frames()


def test_the_command_prints_the_same_table() -> None:
    said = CliRunner().invoke(
        commands, ["design", "bounds", "--looks", "0.5,1", "--hazard-ratio", "0.7"], catch_exceptions=False
    )
    assert said.exit_code == 0
    table = bounds_table(group_sequential_design([0.5, 1.0]), hazard_ratio=0.7)
    for column in ("z", "hazard_ratio_at_z"):
        for value in table[column]:
            assert f"{value:.4g}" in said.output


def test_the_tables_of_the_design_room_agree_with_its_methods() -> None:
    design = group_sequential_design([0.5, 1.0])
    table = bounds_table(design, effect=3.0, size=100.0)
    at_bound = 3.0 * np.array(design.upper) / np.sqrt(design.information) / design.drift
    pd.testing.assert_series_equal(table["effect_at_z"], pd.Series(at_bound, name="effect_at_z"))
    assert table["size"].iloc[-1] == pytest.approx(100 * design.inflation)
    sizes = expected_sizes(design, 100.0).set_index("effect")["size"]
    assert sizes["H1"] == pytest.approx(100 * 0.876726, abs=1e-3)


ARMS = {"kind": "multi_arm_multi_stage", "stages": [[30, 30, 30], [30, 30, 30]]}


def of_arms(**design: object) -> tuple[DeclaredPlan, DeclaredResult]:
    return run(staged("response", ARMS | design, arms=3))


def test_bounds_of_several_arms_are_those_of_their_closed_test() -> None:
    """rpact 4: two looks of O'Brien-Fleming-like spending at .025, here of each intersection of arms."""
    plan, result = of_arms(futility_z=[0.0])
    works = result.bounds[result.bounds["scenario"] == "works"]
    assert works["z_upper"].to_numpy() == pytest.approx([2.9626, 1.9686], abs=1e-4)
    assert works["alpha_spent"].to_numpy() == pytest.approx([0.001525, 0.025], abs=1e-6)
    assert works["z_lower"].tolist()[0] == 0.0
    assert np.isnan(works["z_lower"].iloc[1])
    assert list(works["participants"]) == [90, 180]
    # Dunnett: with a largest z of best_arm_z the probability of no more is 1 - alpha spent at the first look.
    from scipy.stats import multivariate_normal

    z = works["best_arm_z"].iloc[0]
    below = multivariate_normal.cdf([z, z], cov=[[1.0, 0.5], [0.5, 1.0]], abseps=1e-9)
    assert 1 - below == pytest.approx(works["nominal_p"].iloc[0], abs=1e-6)
    page = render_trial_report(plan.cells[0].trial, plan, result)
    assert "of each intersection of arms" in page
    assert "bounds" in result.frames()


def test_bounds_of_several_arms_one_by_one() -> None:
    _, result = of_arms(multiplicity="bonferroni")
    works = result.bounds[result.bounds["scenario"] == "works"]
    design = group_sequential_design([0.5, 1.0], alpha=0.0125)
    assert works["z_upper"].to_numpy() == pytest.approx(design.upper)
    assert works["best_arm_z"].to_numpy() == pytest.approx(design.upper)
    _, plain = of_arms(multiplicity="none")
    assert plain.bounds["z_upper"].iloc[1] == pytest.approx(1.9686, abs=1e-4)


def test_bounds_of_times_to_an_event_in_several_arms_have_events_and_months() -> None:
    design = {"kind": "multi_arm_multi_stage", "events": [30, 60], "keep_best": 1}
    made = staged("time_to_event", design, arms=3)
    made |= {"participants": 120, "randomisation": {"kind": "permuted_blocks", "block_sizes": [3]}}
    made["analyses"] = [{"kind": "log_rank"}]
    _, result = run(made)
    works = result.bounds[result.bounds["scenario"] == "works"]
    assert works["z_upper"].to_numpy() == pytest.approx([2.9626, 1.9686], abs=1e-4)
    assert works["events"].iloc[0] == 30
    assert works["month"].iloc[0] < works["month"].iloc[1]


def test_the_arm_that_reaches_its_first_bound_is_claimed_there() -> None:
    """The share of trials that stop at the first look without an effect is the alpha spent there."""
    made = staged("response", ARMS, arms=3) | {"simulation": {"replicates": 20_000, "block": 5_000}}
    _, result = run(made)
    first = result.looks.query("scenario == 'null' and look == 1")["efficacy"].iloc[0]
    spent = result.bounds.query("scenario == 'null' and look == 1")["alpha_spent"].iloc[0]
    assert abs(first - spent) < 4 * math.sqrt(spent / 20_000) + 0.002  # proportions of 30 are no normal law
