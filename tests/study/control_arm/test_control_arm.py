"""A control arm sized by formula: its answer is consistent and honest, and what stands beside it agrees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from tests.declared_files import tables as declared_tables
from tests.small_study import SmallStudy, small_trial
from trialsim.cli.terminal.control_arm import _at_history
from trialsim.data import Covariates
from trialsim.design import PlanningMoments
from trialsim.design.borrowing import NoBorrowing
from trialsim.errors import ProtocolError
from trialsim.population import draw_eligible
from trialsim.protocol.declared import trial_from_dict
from trialsim.protocol.declared.control_arm import Costs
from trialsim.report.arm_figures import arm_figures
from trialsim.report.arm_tables import arm_tables
from trialsim.study.control_arm import (
    ControlArm,
    card_sensitivity,
    control_arm_of,
    facts_of_world,
    sizes_at_the_model,
    supplementary_analyses,
    time_and_cost,
)
from trialsim.study.control_arm.cards_varied import _eligible, _row, _World
from trialsim.study.control_arm.feasibility import _alternative, require_an_effect, require_detectable
from trialsim.study.control_arm.months_and_money import EnrolmentTimes, screen_failure
from trialsim.study.control_arm.plan import _plan
from trialsim.study.declared import engine_of
from trialsim.study.people.modelled.composition import compose
from trialsim.study.people.registers import Registers
from trialsim.study.sizing.resized import at_size
from trialsim.study.sizing.sizes import weakened

COSTS = Costs(
    currency="EUR", control=30_000.0, active=40_000.0, site_month=2_000.0, month=50_000.0, screening=1_000.0,
    source="made up",
)  # fmt: skip


def value(frame: pd.DataFrame, figure: str, way: str, gain: str) -> pd.Series:
    (_, row), *rest = frame[(frame.figure == figure) & (frame.way == way) & (frame.gain == gain)].iterrows()
    assert not rest
    return row


def test_figures_are_ordered_and_never_negative(arm: ControlArm) -> None:
    point, discounted, worst = (saving.participants_saved for saving in arm.plan.savings)
    assert point >= discounted >= worst >= 0
    correlations = [saving.partial_correlation[0] for saving in arm.plan.savings]
    assert correlations == sorted(correlations, reverse=True)
    assert correlations[1] == pytest.approx(0.9 * correlations[0])


def test_support_follows_the_lower_bound(arm: ControlArm) -> None:
    assert arm.plan.supported == (arm.gain.gain_90[0] > arm.trial.sizing.smallest_worthwhile_saving)


def test_bounds_of_the_history_reach_the_plan(arm: ControlArm) -> None:
    gain, planned = arm.gain, arm.plan.gain
    assert planned.partial_correlation_lower == gain.partial_correlation_95[0]
    assert planned.partial_correlation_upper == gain.partial_correlation_95[1]
    assert planned.gain_lower == gain.gain_90[0]
    control, active = arm.truth.moments.partial_correlation
    assert planned.active_to_control == pytest.approx(min(active / control, 1.0))
    drifting = {"faster_decline", "faster_decline_null", "milder_population", "later_shift_null"}
    assert set(planned.drift_partial_correlations) == drifting
    for name, r in planned.drift_partial_correlations.items():
        weaker = gain.partial_correlation * arm.facts[name].moments.partial_correlation[0] / control
        assert r == pytest.approx(weaker)


def test_a_register_has_the_same_facts_on_any_number_of_cores(small: SmallStudy) -> None:
    register = small.registers(small.arm.alternative)
    facts = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"):
            facts.append(facts_of_world("alternative", register))
    assert facts[1:] == facts[:1] * 2


def test_worlds_drift_as_declared(arm: ControlArm) -> None:
    plain, faster = arm.facts["null"], arm.facts["faster_decline_null"]
    # The placebo response, the same in both, is about -0.34 points at week 78.
    assert 1.3 < (faster.mean_change + 0.34) / (plain.mean_change + 0.34) < 1.6
    assert arm.facts["milder_population"].baseline_mean < plain.baseline_mean - 0.3
    assert arm.facts["later_shift_null"].mean_change - plain.mean_change == pytest.approx(0.5, abs=0.02)
    useless = arm.facts["useless_twin"]
    assert abs(useless.moments.partial_correlation[0]) < 4 / np.sqrt(useless.participants)
    assert arm.facts["null"].true_effect == 0


@pytest.mark.parametrize("design", ["unadjusted", "ancova", "prognostic"])
def test_a_size_by_formula_has_the_formulas_power_in_simulation(small: SmallStudy, design: str) -> None:
    arm = small.arm
    size = arm.plan.sizes[design]
    trial = at_size(arm.alternative, 2 * round(size.total / 2))
    found = engine_of(trial, small.registers(trial)).read(1000, trial.seed, 0)
    p = found.readings[design].estimates.p_value
    power = (p <= 0.05).mean()
    assert power == pytest.approx(arm.formula_power[design], abs=4 * np.sqrt(0.9 * 0.1 / 1000) + 0.01)


def test_a_weaker_score_tells_the_share_that_is_asked_and_keeps_its_spread(small: SmallStudy) -> None:
    register = small.registers(small.arm.alternative)
    own = facts_of_world("own", register).moments.partial_correlation[0]
    for factor in (0.9, 0.5, 0.0):
        weaker = facts_of_world("weaker", weakened(register, factor, 1, True))
        error = 4 / np.sqrt(len(register))
        assert weaker.moments.partial_correlation[0] == pytest.approx(factor * own, abs=error)
    assert weakened(register, 1.0, 1, True) is register
    spread = weakened(register, 0.5, 1, True).scores[:, -1].std()
    assert spread == pytest.approx(register.scores[:, -1].std(), rel=0.02)


def test_strengths_follow_the_figures(arm: ControlArm) -> None:
    found = arm.strengths()
    assert list(found) == ["as declared", "discounted", "worst plausible"]
    assert found["as declared"] == 1.0
    assert found["discounted"] == pytest.approx(0.9)
    assert 0 <= found["worst plausible"] <= found["discounted"]


def test_participants_and_intervals_are_the_plans(arm: ControlArm, beside) -> None:
    for saving in arm.plan.savings:
        row = value(beside.savings, saving.figure, "fixed allocation", "participants")
        assert row["value"] == saving.participants_saved
        if saving.interval is None:
            assert np.isnan(row["lower"])
        else:
            assert (row["lower"], row["upper"]) == saving.interval
        fixed = value(beside.savings, saving.figure, "active arm fixed", "controls")
        assert fixed["value"] == saving.controls_saved


def test_a_useless_score_saves_nothing_and_keeps_the_interval_of_what_it_might(arm: ControlArm) -> None:
    """As with the CDISC pilot's placebo arm: a negative correlation, and an interval that reaches above 0."""
    gain = replace(arm.gain, partial_correlation=-0.1, partial_correlation_95=(-0.3, 0.3))
    plan = _plan(arm.trial, arm.scenario, arm.facts, gain)
    useless = replace(arm, plan=plan, learnt=replace(arm.learnt, gain=gain))
    frame = time_and_cost(useless)
    for saving in useless.plan.savings[:2]:
        row = value(frame, saving.figure, "fixed allocation", "participants")
        assert row["value"] == 0
        assert (row["lower"], row["upper"]) == saving.interval
        assert row["upper"] > 0
    assert (frame["value"] == 0).all()


def test_months_saved_are_a_difference_of_the_same_futures(small: SmallStudy, beside) -> None:
    arm = small.arm
    saving = arm.plan.saving("discounted")
    times = EnrolmentTimes(arm.trial, max(one.ancova.total for one in arm.plan.savings))
    saved = times.full(saving.ancova.total) - times.full(saving.prognostic.total)
    assert (saved >= 0).all()
    row = value(beside.savings, "discounted", "fixed allocation", "months")
    assert row["value"] == pytest.approx(saved.mean())
    assert row["error"] == pytest.approx(saved.std(ddof=1) / np.sqrt(len(saved)))
    # Another stream, one model: within 4 Monte Carlo errors of the trials that are simulated.
    trial = at_size(arm.alternative, 2 * round(saving.ancova.total / 2))
    months = engine_of(trial, small.registers(trial)).sample(500, 7, 0).people.entry[:, -1]
    own = times.full(trial.participants)
    error = np.hypot(own.std() / np.sqrt(len(own)), months.std() / np.sqrt(500))
    assert times.mean(trial.participants) == pytest.approx(months.mean(), abs=4 * error)


def test_money_adds_up(arm: ControlArm) -> None:
    frame = time_and_cost(replace(arm, trial=arm.trial.model_copy(update={"costs": COSTS})))
    saving = arm.plan.saving("undiscounted")
    months = value(frame, "undiscounted", "fixed allocation", "months")["value"]
    card = compose(arm.alternative, arm.folder).card
    criteria = arm.trial.population.eligibility
    failing = draw_eligible(card, 20_000, np.random.default_rng(1), criteria).screen_failure_rate
    assert screen_failure(arm) == pytest.approx(failing, abs=4 * np.sqrt(2 * failing / 20_000))
    screened = 1_000 / (1 - screen_failure(arm))
    controls, active = (
        getattr(saving.ancova, name) - getattr(saving.prognostic, name) for name in ("controls", "active")
    )
    by_hand = controls * (30_000 + screened) + active * (40_000 + screened)
    by_hand += months * (50_000 + 80 * 2_000)
    assert value(frame, "undiscounted", "fixed allocation", "cost")["value"] == pytest.approx(by_hand)


def test_without_borrowing_the_frontier_is_the_plan(arm: ControlArm, beside) -> None:
    fixed = arm.plan.saving("discounted").active_fixed
    assert beside.borrowing.frontier.plain_controls == pytest.approx(fixed.controls, abs=1)
    plain = NoBorrowing().characteristics(beside.borrowing.question, fixed.controls, np.zeros(1))
    assert plain.power[0] == pytest.approx(fixed.power, abs=1e-9)


def test_declared_drifts_are_those_of_the_worlds(beside) -> None:
    sd = beside.borrowing.question.sd
    assert "milder_population" not in beside.borrowing.declared, "the score follows shifted covariates"
    # Half a point worse in both arms, but for the ends of the scale: the trial's controls look worse.
    assert beside.borrowing.declared["later_shift_null"] == pytest.approx(-0.5 / sd, rel=0.05)


def test_the_cards_own_world_is_the_plan(arm: ControlArm, beside) -> None:
    own, saving = beside.card.frame.iloc[0], arm.plan.saving("discounted")
    assert own["draw"] == -1
    assert (own["ancova"], own["prognostic"]) == (saving.ancova.total, saving.prognostic.total)
    assert own["effect"] == pytest.approx(arm.plan.question.effect)
    assert 0 < beside.card.errors["saved"] < 10
    spread = beside.card.frame["partial_correlation"]
    assert spread.max() - spread.min() > 0.05


@pytest.mark.slow
def test_the_error_of_a_world_is_what_other_participants_make_of_it(arm: ControlArm) -> None:
    """Worlds over other seeds differ by about the error that halves give: within a factor of 2."""
    found = []
    for seed in range(12):
        other = replace(
            arm,
            trial=arm.trial.model_copy(update={"seed": seed}),
            alternative=arm.alternative.model_copy(update={"seed": seed}),
        )
        one = card_sensitivity(other, participants=3000, draws=1)
        assert one is not None
        found.append((one.frame["effect"].iloc[1], one.errors["effect"]))
    # The draw itself differs by seed as well, so the errors are a lower bound of the spread.
    values, errors = (np.array(column) for column in zip(*found, strict=True))
    assert np.sqrt((errors**2).mean()) < 2 * values.std(ddof=1)


def test_a_world_moves_the_plan_by_how_it_differs_from_the_cards(arm: ControlArm) -> None:
    plan, moments = arm.plan, PlanningMoments((2.0, 1.8), (0.1, 0.0), (0.4, 0.38))
    card = _World(-1.0, moments)
    own = _row(arm, -1, card, card)
    stronger = _row(arm, 0, card, _World(-2.0, moments))
    assert stronger["effect"] == pytest.approx(2 * plan.question.effect)
    assert stronger["ancova"] < 0.3 * own["ancova"]
    wider = _row(arm, 0, card, _World(-1.0, replace(moments, sd=(4.0, 3.6))))
    assert wider["sd"] == pytest.approx(2 * plan.moments.sd[0])
    weaker = _row(arm, 0, card, _World(-1.0, replace(moments, partial_correlation=(0.2, 0.19))))
    assert weaker["partial_correlation"] == pytest.approx(own["partial_correlation"] / 2)
    assert weaker["saved"] < own["saved"]
    known = _row(arm, 0, card, _World(-1.0, replace(moments, baseline_correlation=(0.6, 0.5))))
    assert known["ancova"] < own["ancova"]


def test_candidates_who_are_not_eligible_have_no_part_in_a_world(arm: ControlArm) -> None:
    people = Covariates(("age", "mmse"), np.array([[49.9, 25], [50, 20], [90, 30], [90.1, 25], [60, 19]]))
    kept = _eligible(arm.trial.population.eligibility, people)
    assert kept.tolist() == [False, True, True, False, False]


def test_tables_are_the_same_bytes_again_and_figures_are_drawn(arm: ControlArm, beside) -> None:
    again = supplementary_analyses(arm).frames()
    for name, frame in beside.frames().items():
        pd.testing.assert_frame_equal(frame, again[name], check_exact=True)
    for name, table in arm_tables(beside).items():
        assert table.rows, name
        for row in table.rows:
            assert len(row) == len(table.columns), name
            assert "nan" not in " ".join(row).lower().split(), name
    drawn = {"savings", "sensitivity", "pit", "coverage", "drift", "frontier"}
    assert set(arm_figures(beside)) == drawn


def test_a_disease_model_gets_the_spread_of_a_real_history_and_its_own_size_stands_beside(
    small: SmallStudy, arm: ControlArm
) -> None:
    real = replace(arm.history, generated=False)
    wide = replace(real, outcomes=real.baseline[:, None] + 1.5 * (real.outcomes - real.baseline[:, None]))
    sizes = {}
    for name, history in (("own", real), ("wide", wide)):
        facts = replace(arm.learnt.facts, generated=False)
        learnt = replace(arm.learnt, history=history, facts=facts)
        registers = Registers(learnt, small.folder)
        found = control_arm_of(arm.trial, learnt, registers, small.folder)
        assert found.plan.moments.sd[0] == pytest.approx(found.summary.sd_change[-1], rel=1e-9)
        # The effect is what it was: nobody's difference between arms moves.
        assert found.truth.true_effect == pytest.approx(arm.truth.true_effect, rel=1e-9)
        assert sizes_at_the_model(found)["unadjusted"].total == arm.plan.sizes["unadjusted"].total
        sizes[name] = found.plan.sizes["unadjusted"].total
        drifted = next(iter(set(found.facts) - {found.scenario}))
        assert found.facts[drifted].moments.sd[0] == pytest.approx(found.plan.moments.sd[0], rel=0.35)
    assert sizes["wide"] / sizes["own"] == pytest.approx(1.5**2, rel=0.06)
    assert sizes_at_the_model(arm) == {}


def test_people_of_a_history_have_its_spread_and_the_size_of_the_twins_model_stands_beside(
    small: SmallStudy, arm: ControlArm
) -> None:
    tables = small.trial.to_dict() | {"card_sensitivity": None, "history": {"file": "past.csv"}}
    tables["population"] = {"kind": "history", "register": 20_000}
    tables["endpoints"][0] |= {"course": {"kind": "history"}, "source": None}
    tables["effects"] = [{"arm": "active", "kind": "shift", "value": -0.5, "source": "made up"}]
    tables["scenarios"] = [one for one in tables["scenarios"] if not one.get("drift")]
    trial = trial_from_dict(tables)
    real = replace(arm.history, generated=False)
    wide = replace(real, outcomes=real.baseline[:, None] + 1.3 * (real.outcomes - real.baseline[:, None]))
    learnt = replace(arm.learnt, history=wide, facts=replace(arm.learnt.facts, generated=False))
    found = control_arm_of(trial, learnt, Registers(learnt, small.folder), small.folder)
    assert found.plan.moments.sd[0] == pytest.approx(found.summary.sd_change[-1], rel=0.03)
    model, needed = found.at_the_model, found.plan.sizes["unadjusted"].total
    assert 1.2 < found.plan.moments.sd[0] / model.sd[0] < 1.5
    at_model = sizes_at_the_model(found)["unadjusted"].total
    assert needed / at_model == pytest.approx((found.plan.moments.sd[0] / model.sd[0]) ** 2, rel=0.03)
    assert f"The twins' model alone has an SD of {model.sd[0]:.3g} and would ask for" in _at_history(found)


def test_no_effect_has_a_size_against_a_margin_only() -> None:
    """People of any kind: before anything is learnt or drawn."""
    made = declared_tables("response", sizing={"power": 0.8}, simulation={"replicates": 100, "block": 500})
    made["effects"][0]["value"] = 1.0
    with pytest.raises(ProtocolError, match="no size detects no effect") as refusal:
        require_an_effect(trial_from_dict(made))
    assert refusal.value.value == 1.0
    at_margin = {"null": -0.1} | made["analyses"][0]
    require_an_effect(trial_from_dict(made | {"analyses": [at_margin]}))
    world = next(one for one in made["scenarios"] if one["kind"] == "alternative")
    moved = world | {"set": {f"effects.{made['effects'][0]['arm']}.value": 1.5}}
    others = [one for one in made["scenarios"] if one is not world]
    require_an_effect(trial_from_dict(made | {"scenarios": [moved, *others]}))


def test_an_effect_that_no_size_detects_is_refused_before_the_fit(small: SmallStudy, arm: ControlArm) -> None:
    require_detectable(small.trial, small.folder)
    tables = small.trial.to_dict()
    tables["effects"][0]["value"] = 0.01
    with pytest.raises(ProtocolError, match="no trial of up to 50,000 participants") as refusal:
        require_detectable(trial_from_dict(tables), small.folder)
    assert refusal.value.field == "effects.active.value"
    tables["effects"][0]["value"] = 0.0
    with pytest.raises(ProtocolError, match="is nothing in every arm, and no size detects no effect"):
        require_detectable(trial_from_dict(tables), small.folder)
    effect, moments = _alternative(small.trial, small.folder)
    assert effect == pytest.approx(arm.plan.question.effect, rel=0.03)
    assert moments.sd == pytest.approx(arm.plan.moments.sd, rel=0.03)


@pytest.mark.parametrize(
    ("tables", "field"),
    [
        ({"borrowing": {}, "sizing": None, "participants": 100}, "borrowing"),
        ({"costs": COSTS.model_dump(), "twins": None, "history": None}, "costs"),
        ({"card_sensitivity": {}, "design": {"kind": "group_sequential", "timing": "information",
          "information": [0.5, 1.0], "efficacy": {"rule": "pocock"}}}, "card_sensitivity"),
    ],
)  # fmt: skip
def test_what_belongs_to_sizes_by_formula_is_refused_without_them(tables, field: str) -> None:
    declared = small_trial().to_dict()
    if tables.get("twins", True) is None:
        declared["analyses"] = [{"kind": "ancova"}]
        declared["scenarios"] = [one for one in declared["scenarios"] if one["twins"] == "as_declared"]
    with pytest.raises(ProtocolError, match="is served with sizes by formula, which need") as refusal:
        trial_from_dict(declared | {"borrowing": None, "card_sensitivity": None} | tables)
    assert refusal.value.field == field


def test_some_analyses_of_the_trial_can_be_sized_alone() -> None:
    trial = small_trial()
    alone = at_size(trial, 100, trial.analyses[:1])
    assert [one.label for one in alone.analyses] == ["unadjusted"]
    assert (alone.borrowing, alone.card_sensitivity, alone.sizing.power) == (None, None, 0.9)
