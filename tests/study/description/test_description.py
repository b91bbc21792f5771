"""What simulated trials look like: counts add up, curves are the textbook's, twins tell by their strength."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.protocol.declared import read_trial
from trialsim.study.declared import DeclaredPlan, plan_trial
from trialsim.study.description.course import kaplan_meier_at
from trialsim.study.description.describe import TrialDescription, describe_trials, described_cell
from trialsim.study.description.participants import baseline_table
from trialsim.study.description.twin_fans import twin_fans
from trialsim.study.people.registers import Registers
from trialsim.trial.register import Register

PROTOCOLS = Path(__file__).parents[3] / "protocols"


def described(name: str, **changes: object) -> tuple[DeclaredPlan, TrialDescription]:
    trial = read_trial(PROTOCOLS / f"{name}.toml").model_copy(update=changes)
    registers = Registers()
    plan = plan_trial(trial, register_of=registers)
    return plan, describe_trials(plan, registers)


@pytest.fixture(scope="module")
def copd() -> tuple[DeclaredPlan, TrialDescription]:
    return described("copd_twins", sizing=None, participants=300)


@pytest.fixture(scope="module")
def survival() -> tuple[DeclaredPlan, TrialDescription]:
    return described("survival_delayed_effect")


@pytest.mark.parametrize("name", ["copd", "survival"])
def test_everybody_who_is_randomised_goes_one_way(name: str, request: pytest.FixtureRequest) -> None:
    plan, found = request.getfixturevalue(name)
    cell = described_cell(plan)
    total = 0.0
    for _, part in found.flow.groupby("arm"):
        steps = part.set_index("step")
        ways = steps.drop(index="randomised")
        assert ways["participants"].sum() == pytest.approx(steps.loc["randomised", "participants"])
        assert ways["share"].sum() == pytest.approx(1.0)
        assert (part["low_90"] <= part["participants"] + 1e-9).all()
        total += steps.loc["randomised", "participants"]
    assert total == pytest.approx(cell.participants)


def test_the_declared_share_leaves_in_each_arm(copd: tuple[DeclaredPlan, TrialDescription]) -> None:
    plan, found = copd
    trial = described_cell(plan).trial
    steps = found.flow.set_index(["arm", "step"])
    for arm in trial.arm_names:
        n = steps.loc[(arm, "randomised"), "participants"] * found.trials
        asked = trial.discontinuation[0].cumulative[arm]
        error = 4 * np.sqrt(asked * (1 - asked) / n)
        assert steps.loc[(arm, "worsening"), "share"] == pytest.approx(asked, abs=error)


def test_the_course_of_a_score_is_its_law(copd: tuple[DeclaredPlan, TrialDescription]) -> None:
    """At the first visit few have left: mean and middle 80 % are those of the normal law."""
    plan, found = copd
    outcome = described_cell(plan).trial.outcome
    first = found.course[found.course["arm"] == "placebo"].iloc[0]
    assert first["value"] == pytest.approx(outcome.mean[1], abs=0.03)
    spread = (first["high"] - first["low"]) / (2 * 1.2816)
    assert spread == pytest.approx(outcome.sd[1], rel=0.05)
    assert 0.9 < first["observed"] < 1.0


def test_enrolment_ends_with_all_participants_and_the_planned_events(
    survival: tuple[DeclaredPlan, TrialDescription],
) -> None:
    plan, found = survival
    trial = described_cell(plan).trial
    last = found.enrolment.groupby("counted").tail(1).set_index("counted")
    assert last.loc["participants", "median"] == trial.participants
    assert last.loc["events", "median"] == trial.design.events[-1]
    for _, part in found.enrolment.groupby("counted"):
        assert part["median"].is_monotonic_increasing
        assert (part["low_90"] <= part["high_90"]).all()


def test_the_curve_of_an_exponential_arm_is_its_formula(
    survival: tuple[DeclaredPlan, TrialDescription],
) -> None:
    plan, found = survival
    law = described_cell(plan).trial.outcome.law
    control = found.course[found.course["arm"] == "control"]
    early = control[control["at"].between(1, 15)]
    expected = np.exp(-np.log(2) * early["at"] / law.median)
    assert np.abs(early["value"] - expected).max() < 0.02


def test_kaplan_meier_is_that_of_a_hand_count() -> None:
    """Ties, and a censored person who leaves at a death: at risk 6, 5, 3 (Kaplan and Meier 1958, by hand)."""
    months = np.array([1.0, 2.0, 2.0, 3.0, 3.0, 4.0, np.nan])
    event = np.array([True, True, False, True, False, False, True])
    found = kaplan_meier_at(months, event, np.array([0.5, 1.0, 2.5, 3.0, 4.0, 4.1]))
    survived = [1, 5 / 6, 5 / 6 * 4 / 5, 5 / 6 * 4 / 5 * 2 / 3]
    assert found[:5] == pytest.approx([survived[0], survived[1], survived[2], survived[3], survived[3]])
    assert np.isnan(found[5])


def test_shares_of_an_ordinal_outcome_add_up() -> None:
    plan, found = described("ordinal_recovery")
    shares = described_cell(plan).trial.outcome.shares
    assert found.course.groupby("arm")["value"].sum().to_numpy() == pytest.approx([1.0, 1.0])
    control = found.course[found.course["arm"] == "control"]["value"].to_numpy()
    n = described_cell(plan).participants / 2 * found.trials
    assert np.abs(control - shares).max() < 4 * np.sqrt(0.25 / n)


def test_a_twin_tells_what_its_strength_says(copd: tuple[DeclaredPlan, TrialDescription]) -> None:
    """The 5th and the 95th percentile of the score part; with a useless score they do not."""
    plan, found = copd
    last = found.twins[found.twins["at"] == 24.0].set_index("percentile")
    spread = last["q95"].iloc[2] - last["q05"].iloc[2]
    assert last["q50"].is_monotonic_increasing
    assert last["q50"].loc[95.0] - last["q50"].loc[5.0] > 0.2 * spread
    cell = described_cell(plan)
    register = Registers()(cell.trial)
    assert register is not None
    useless = twin_fans(cell.trial, register.with_useless_scores(np.random.default_rng(1)))
    useless = useless[useless["at"] == 24.0].set_index("percentile")
    assert abs(useless["q50"].loc[95.0] - useless["q50"].loc[5.0]) < 0.1 * spread


def test_table_one_counts_shares_and_missing_values() -> None:
    covariates = np.column_stack([[1.0, 0.0, 1.0, 1.0], [50.0, 60.0, 70.0, np.nan]])
    nothing = np.empty((4, 0))
    people = Register(
        np.array(["sex", "age"]), covariates, nothing, np.zeros((2, 4, 1)), np.empty((4, 0), int)
    )
    table = baseline_table(people).set_index("covariate")
    assert table.loc["sex", "share"] == 0.75
    assert np.isnan(table.loc["sex", "mean"])
    assert table.loc["age", "mean"] == 60.0
    assert table.loc["age", "sd"] == 10.0
    assert table.loc["age", "missing"] == 0.25
    assert twin_fans(None, people).empty  # type: ignore[arg-type]  # no scores: nothing is read of the trial


def test_stages_have_no_flow_but_say_which_cell() -> None:
    plan, found = described("dose_selection")
    assert found.frames() == {}
    assert found.cell == described_cell(plan).name


def test_the_same_plan_is_described_the_same(copd: tuple[DeclaredPlan, TrialDescription]) -> None:
    plan, found = copd
    again = describe_trials(plan, Registers())
    for name, frame in found.frames().items():
        pd.testing.assert_frame_equal(frame, again.frames()[name])
