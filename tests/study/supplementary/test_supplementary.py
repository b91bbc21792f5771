"""What stands beside the answer agrees with it, and moves nothing in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.data import Covariates
from trialsim.design import PlanningMoments
from trialsim.design.borrowing import NoBorrowing
from trialsim.errors import DesignError
from trialsim.protocol import Costs, protocol_from_dict
from trialsim.streams import stream
from trialsim.study import (
    StudyResult,
    plan_from,
    require_detectable,
    supplementary_analyses,
    write_supplementary,
)
from trialsim.study.supplementary import card_sensitivity, time_and_cost
from trialsim.study.supplementary.cards_varied import _eligible, _row, _World
from trialsim.study.supplementary.months_and_money import STREAM, EnrolmentTimes
from trialsim.trial.enrolment import enrol

COSTS = Costs(
    currency="EUR", control=30_000.0, active=40_000.0, site_month=2_000.0, month=50_000.0, screening=1_000.0,
    source="made up",
)  # fmt: skip


def value(frame: pd.DataFrame, figure: str, way: str, gain: str) -> pd.Series:
    (_, row), *rest = frame[(frame.figure == figure) & (frame.way == way) & (frame.gain == gain)].iterrows()
    assert not rest
    return row


def test_participants_and_intervals_are_the_plans(result: StudyResult, beside) -> None:
    for saving in result.plan.savings:
        row = value(beside.savings, saving.figure, "fixed allocation", "participants")
        assert row["value"] == saving.participants_saved
        if saving.interval is None:
            assert np.isnan(row["lower"])
        else:
            assert (row["lower"], row["upper"]) == saving.interval
        fixed = value(beside.savings, saving.figure, "active arm fixed", "controls")
        assert fixed["value"] == saving.controls_saved


def test_a_useless_score_saves_nothing_and_keeps_the_interval_of_what_it_might(result: StudyResult) -> None:
    """As with the CDISC pilot's placebo arm: a negative correlation, and an interval that reaches above 0."""
    gain = replace(result.gain, partial_correlation=-0.1, partial_correlation_95=(-0.3, 0.3))
    facts = {fact.scenario: fact for fact in result.facts}
    useless = replace(result, gain=gain, plan=plan_from(result.protocol, facts, gain))
    frame = time_and_cost(useless)
    for saving in useless.plan.savings[:2]:
        row = value(frame, saving.figure, "fixed allocation", "participants")
        assert row["value"] == 0
        assert (row["lower"], row["upper"]) == saving.interval
        assert row["upper"] > 0
    assert (frame["value"] == 0).all()


def test_months_agree_with_the_enrolment_of_the_simulated_trials(result: StudyResult) -> None:
    """Two streams, one model: within 4 Monte Carlo errors of the simulated designs."""
    times = EnrolmentTimes.of(result.protocol, 400)
    for cell in result.cells:
        if cell.cell.size.total <= 400:
            own = times.month[:, cell.cell.size.total - 1]
            error = np.hypot(own.std() / np.sqrt(len(own)), cell.conduct.mean_months_mcse)
            assert times.mean(cell.cell.size.total) == pytest.approx(cell.conduct.mean_months, abs=4 * error)


def test_months_saved_are_a_difference_of_the_same_futures(result: StudyResult, beside) -> None:
    saving = result.plan.saving("discounted")
    most = max(one.ancova.total for one in result.plan.savings)
    month = enrol(2000, most, result.protocol.enrolment, stream(result.protocol.seed, STREAM, 0, "enrolment"))
    saved = month[:, saving.ancova.total - 1] - month[:, saving.prognostic.total - 1]
    row = value(beside.savings, "discounted", "fixed allocation", "months")
    assert row["value"] == pytest.approx(saved.mean())
    assert row["error"] == pytest.approx(saved.std(ddof=1) / np.sqrt(2000))


def test_money_adds_up(result: StudyResult) -> None:
    priced = replace(result, protocol=result.protocol.model_copy(update={"costs": COSTS}))
    frame = time_and_cost(priced)
    saving = result.plan.saving("undiscounted")
    months = value(frame, "undiscounted", "fixed allocation", "months")["value"]
    screened = 1_000 / (1 - result.fact("alternative").screen_failure_rate)
    controls, active = (
        getattr(saving.ancova, arm) - getattr(saving.prognostic, arm) for arm in ("controls", "active")
    )
    by_hand = controls * (30_000 + screened) + active * (40_000 + screened)
    by_hand += months * (50_000 + result.protocol.enrolment.sites * 2_000)
    assert value(frame, "undiscounted", "fixed allocation", "cost")["value"] == pytest.approx(by_hand)


def test_prices_belong_to_the_protocol_and_leave_no_trace_where_there_are_none(result: StudyResult) -> None:
    assert "costs" not in result.protocol.to_dict()
    priced = protocol_from_dict(result.protocol.to_dict() | {"costs": COSTS.model_dump()})
    assert priced.costs == COSTS
    assert priced.content_hash() != result.protocol.content_hash()
    assert protocol_from_dict(priced.to_dict()).content_hash() == priced.content_hash()


def test_without_borrowing_the_frontier_is_the_plan(result: StudyResult, beside) -> None:
    fixed = result.plan.saving("discounted").active_fixed
    assert fixed is not None
    assert beside.borrowing.frontier.plain_controls == pytest.approx(fixed.controls, abs=1)
    plain = NoBorrowing().characteristics(beside.borrowing.question, fixed.controls, np.zeros(1))
    assert plain.power[0] == pytest.approx(fixed.power, abs=1e-9)


def test_declared_drifts_are_those_of_the_worlds(result: StudyResult, beside) -> None:
    sd = beside.borrowing.question.sd
    assert "milder_population" not in beside.borrowing.declared, "the score follows shifted covariates"
    # Half a point worse in both arms, but for the ends of the scale: the trial's controls look worse.
    assert beside.borrowing.declared["later_shift_null"] == pytest.approx(-0.5 / sd, rel=0.05)


def test_the_cards_own_world_is_the_plan(result: StudyResult, beside) -> None:
    assert beside.card is not None
    own = beside.card.frame.iloc[0]
    saving = result.plan.saving("discounted")
    assert own["draw"] == -1
    assert (own["ancova"], own["prognostic"]) == (saving.ancova.total, saving.prognostic.total)
    assert own["effect"] == pytest.approx(result.plan.question.effect)
    assert 0 < beside.card.errors["saved"] < 10
    spread = beside.card.frame["partial_correlation"]
    assert spread.max() - spread.min() > 0.05


@pytest.mark.slow
def test_the_error_of_a_world_is_what_other_participants_make_of_it(result: StudyResult) -> None:
    """Worlds over other seeds differ by about the error that halves give: within a factor of 2."""
    found = []
    for seed in range(12):
        other = replace(result, protocol=result.protocol.model_copy(update={"seed": seed}))
        one = card_sensitivity(other, participants=3000, draws=1)
        assert one is not None
        found.append((one.frame["effect"].iloc[1], one.errors["effect"]))
    # The draw itself differs by seed as well, so the errors are a lower bound of the spread.
    values, errors = (np.array(column) for column in zip(*found, strict=True))
    assert np.sqrt((errors**2).mean()) < 2 * values.std(ddof=1)


def test_a_card_that_leaves_nothing_open_has_no_sensitivity(result: StudyResult) -> None:
    names = result.card.names
    known = {frozenset(one.between): one for one in result.card.correlations}
    closed = tuple(
        known[frozenset((a, b))].model_copy(update={"evidence": "computed"})
        for i, a in enumerate(names)
        for b in names[i + 1 :]
        if frozenset((a, b)) in known
    )
    pairs = len(names) * (len(names) - 1) // 2
    card = result.card.model_copy(update={"correlations": closed})
    found = card_sensitivity(replace(result, card=card), participants=1000, draws=2)
    assert (found is None) == (len(closed) == pairs)


def test_tables_are_the_same_bytes_again(result: StudyResult, beside, tmp_path: Path) -> None:
    write_supplementary(beside, tmp_path / "a")
    write_supplementary(supplementary_analyses(result), tmp_path / "b")
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    said = json.loads((tmp_path / "a" / "supplementary.json").read_text())
    assert said["borrowing_frontier"]["prognostic adjustment"]["defensible"]


def test_an_effect_that_no_size_detects_is_refused_before_the_fit(small) -> None:
    require_detectable(small.protocol, small.card, small.disease)
    tables = small.protocol.to_dict()
    tables["effect"]["value"] = 0.01
    with pytest.raises(DesignError, match="no trial of up to 50,000 participants") as refusal:
        require_detectable(protocol_from_dict(tables), small.card, small.disease)
    assert refusal.value.field == "effect.value"
    assert "0.021 points at week 78" in str(refusal.value)


def test_what_is_refused_early_is_refused_by_the_plan_as_well(small, result: StudyResult) -> None:
    """The sample's effect is the register's, within the margin that the refusal leaves."""
    from trialsim.study.sized.feasibility import _alternative

    effect, moments = _alternative(small.protocol, small.card, small.disease)
    assert effect == pytest.approx(result.plan.question.effect, rel=0.03)
    assert moments.sd == pytest.approx(result.plan.moments.sd, rel=0.03)


def test_a_world_moves_the_plan_by_how_it_differs_from_the_cards(result: StudyResult) -> None:
    plan, moments = result.plan, PlanningMoments((2.0, 1.8), (0.1, 0.0), (0.4, 0.38))
    card = _World(-1.0, moments)
    own = _row(result, -1, card, card)
    stronger = _row(result, 0, card, _World(-2.0, moments))
    assert stronger["effect"] == pytest.approx(2 * plan.question.effect)
    assert stronger["ancova"] < 0.3 * own["ancova"]
    wider = _row(result, 0, card, _World(-1.0, replace(moments, sd=(4.0, 3.6))))
    assert wider["sd"] == pytest.approx(2 * plan.moments.sd[0])
    weaker = _row(result, 0, card, _World(-1.0, replace(moments, partial_correlation=(0.2, 0.19))))
    assert weaker["partial_correlation"] == pytest.approx(own["partial_correlation"] / 2)
    assert weaker["saved"] < own["saved"]
    known = _row(result, 0, card, _World(-1.0, replace(moments, baseline_correlation=(0.6, 0.5))))
    assert known["ancova"] < own["ancova"]


def test_candidates_who_are_not_eligible_have_no_part_in_a_world(small) -> None:
    people = Covariates(("age", "mmse"), np.array([[49.9, 25], [50, 20], [90, 30], [90.1, 25], [60, 19]]))
    assert _eligible(small.protocol, people).tolist() == [False, True, True, False, False]
