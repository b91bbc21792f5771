"""Looks, re-estimated sizes, arms and gaps of declared trials, each computed again beside the block."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.declared_files import staged, tables
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.design import OBrienFlemingSpending, group_sequential_design
from trialsim.design.group_sequential import adapted_bounds
from trialsim.protocol.declared import trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared import declared_result, engine_of, plan_trial, run_declared_block
from trialsim.study.declared.drawing.people import People
from trialsim.study.declared.drawing.worlds import visit_effect
from trialsim.study.declared.engines.stages import Stages
from trialsim.study.declared.sample import Sample
from trialsim.study.declared.staged import run_staged
from trialsim.trial import ClosedTest, simulate_staged
from trialsim.trial.interim import closed_test_rule, resize_blinded, thompson_rule


def rows(made: dict):
    return run_declared_block(plan_trial(trial_from_dict(made)).cells[0], 0, 5).rows


def sample_of(made: dict) -> tuple[Sample, People]:
    sample = engine_of(trial_from_dict(made)).sample(50, 5, 0)
    return sample, sample.people


def z_by(sample: Sample, months: np.ndarray) -> np.ndarray:
    """Return z of what is known by months (R, K) from the risk difference's normal law."""
    analysis = sample.trial.analyses[0]
    looks = [sample.read(analysis, sample.known <= month[:, None]) for month in months.T]
    return np.stack([one.estimate / one.standard_error for one in looks], axis=1)


def test_an_outcome_is_known_its_months_after_entry() -> None:
    made = tables("response")
    entry = sample_of(made)[1].entry
    np.testing.assert_allclose(rows(made)["risk_difference_months"], entry.max(axis=1) + 2.0)
    visits = tables("score")
    entry = sample_of(visits)[1].entry
    np.testing.assert_allclose(rows(visits)["mmrm_months"], entry.max(axis=1) + 24 * 7 / (365.25 / 12))


def test_the_estimate_is_that_of_the_look_that_stopped_the_trial() -> None:
    design = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0],
              "efficacy": {"rule": "pocock"}, "alpha": 0.2}  # fmt: skip
    made = tables("response", design=design)
    sample, _ = sample_of(made)
    months = np.sort(sample.known, axis=1)[:, [29, 59]]
    analysis = sample.trial.analyses[0]
    estimates = np.stack(
        [sample.read(analysis, sample.known <= month[:, None]).estimate for month in months.T], axis=1
    )
    found = rows(made)
    look = found["risk_difference_look"].to_numpy() - 1
    assert set(look) == {0, 1}
    np.testing.assert_array_equal(found["risk_difference_estimate"], estimates[np.arange(50), look])


def test_bounds_by_the_calendar_follow_who_is_known_by_then() -> None:
    months = np.tile([4.0, 7.0, 12.0], (50, 1))
    design = {"kind": "group_sequential", "timing": "calendar", "months": months[0].tolist(), "alpha": 0.2}
    made = tables("response", design=design)
    sample, _ = sample_of(made)
    seen = np.stack([(sample.known <= month[:, None]).sum(axis=1) for month in months.T], axis=1) / 60
    assert np.unique(seen[:, 1]).size > 3
    upper, _ = adapted_bounds(seen, OBrienFlemingSpending(), 0.2)
    claims = z_by(sample, months) >= upper
    found = rows(made)
    np.testing.assert_array_equal(found["risk_difference_decision"] == 1, claims.any(axis=1))
    first = np.where(claims.any(axis=1), claims.argmax(axis=1), 2)
    np.testing.assert_array_equal(found["risk_difference_look"], first + 1)
    assert set(first[claims.any(axis=1)]) > {2}


def test_a_blinded_size_rests_on_the_first_half_alone() -> None:
    design = {
        "kind": "sample_size_reestimation", "method": "blinded", "largest": 160, "effect": 0.25,
        "power": 0.8,
    }  # fmt: skip
    made = tables("response", design=design)
    made["endpoints"][0]["months"] = 0.0
    sample, _ = sample_of(made)
    asked = resize_blinded(0.25, 0.025, 0.8, 30, 80)(np.var(sample.values()[:, :30], axis=1, ddof=1))
    assert np.unique(asked).size > 2
    np.testing.assert_array_equal(rows(made)["risk_difference_size"], 2 * asked)


def test_an_interval_of_a_resized_survival_trial_has_the_level_of_its_test() -> None:
    """At any alpha the standard error that an interval stands for is that of the same events."""
    design = {
        "kind": "sample_size_reestimation", "method": "blinded", "largest": 90, "events": 40, "month": 5.0,
        "end_month": 18.0,
    }  # fmt: skip
    one, two = (rows(tables("time_to_event", design=design | {"alpha": alpha})) for alpha in (0.025, 0.1))
    np.testing.assert_allclose(one["log_rank_standard_error"], two["log_rank_standard_error"])
    assert one["log_rank_standard_error"].mean() == pytest.approx(2 / np.sqrt(40), rel=0.1)
    raised = {
        "kind": "sample_size_reestimation", "method": "unblinded", "largest": 60, "interim_events": 20,
        "events": 40, "largest_events": 40,
    }  # fmt: skip
    one, two = (rows(tables("time_to_event", design=raised | {"alpha": alpha})) for alpha in (0.025, 0.1))
    np.testing.assert_allclose(one["log_rank_standard_error"], two["log_rank_standard_error"])
    assert one["log_rank_standard_error"].mean() == pytest.approx(2 / np.sqrt(40), rel=0.1)


def test_arms_of_a_closed_test_are_dropped_at_the_declared_futility_bound() -> None:
    design = {"kind": "multi_arm_multi_stage", "stages": [[20] * 3] * 2, "futility_z": [1.0]}
    made = staged("score", design, 3, enrolment=None)
    cell = plan_trial(trial_from_dict(made)).cells[0]
    upper = group_sequential_design([0.5, 1.0]).upper
    rule = closed_test_rule(ClosedTest(upper, (60.0, 60.0)), sd=1.0, futility=1.0)
    expected = simulate_staged(
        "normal", [0.0, 0.5, 0.5], np.full((2, 3), 20), rule, 50, stream(5, cell.streams, 0, "outcome"),
        sd=1.0,
    )  # fmt: skip
    found = rows(made)
    np.testing.assert_array_equal(found["selected_arm_decision"], expected.decision)
    assert (expected.decision == -1).any()


def test_adaptive_allocation_stops_at_the_declared_futility() -> None:
    design = {
        "kind": "response_adaptive", "first": 10, "batch": 20, "batches": 3, "claim": 0.99, "futility": 0.5,
    }  # fmt: skip
    made = staged("response", design, 3, enrolment=None)
    cell = plan_trial(trial_from_dict(made)).cells[0]
    p = 0.3 / 0.7 * 2 / (1 + 0.3 / 0.7 * 2)
    rule = thompson_rule(20, stream(5, cell.streams, 0, "randomisation"), claim=0.99, futility=0.5)
    expected = simulate_staged(
        "binary", [0.3, p, p], np.array([[10] * 3, *([[7] * 3] * 3)]), rule, 50,
        stream(5, cell.streams, 0, "outcome"),
    )  # fmt: skip
    assert (expected.decision == -1).any()
    np.testing.assert_array_equal(rows(made)["selected_arm_decision"], expected.decision)


def test_an_arms_row_has_the_mean_and_the_error_of_its_trials() -> None:
    design = {"kind": "response_adaptive", "first": 10, "batch": 20, "batches": 3, "claim": 0.95}
    made = staged("response", design, 3, enrolment=None, simulation={"replicates": 100, "block": 100})
    plan = plan_trial(trial_from_dict(made))
    arms = declared_result(plan, [run_declared_block(cell, 0, 5).sums for cell in plan.cells]).arms
    engine = engine_of(plan.cells[0].trial)
    assert isinstance(engine, Stages)
    assert engine.world is not None
    chance = partial(stream, 5, engine.streams, 0)
    last = run_staged(engine.world, None, engine.participants, 100, chance).states[-1]
    off = last.mean - engine.world.means
    for a, row in arms[arms["scenario"] == "works"].reset_index().iterrows():
        assert row["participants"] == pytest.approx(last.n[:, a].mean())
        assert row["participants_mcse"] == pytest.approx(last.n[:, a].std() / np.sqrt(99), abs=1e-9)
        assert row["open_at_end"] == pytest.approx(last.open[:, a].mean())
        assert row["bias_of_mean"] == pytest.approx(off[:, a].mean())
        assert row["bias_of_mean_mcse"] == pytest.approx(off[:, a].std() / np.sqrt(99))


def test_visits_with_gaps_are_read_by_the_likelihood_of_what_was_seen() -> None:
    made = tables("score")
    made["endpoints"][0]["gaps"] = 0.2
    trials = sample_of(made)[0].outcomes
    assert (np.isnan(trials.outcomes[..., 0]) & np.isfinite(trials.outcomes[..., 1])).any()
    expected = fit_mmrm_block(trials.outcomes, trials.arm, trials.baseline[..., None], by_visit=True)
    np.testing.assert_allclose(rows(made)["mmrm_estimate"], expected.estimate)


@pytest.mark.parametrize(
    ("effect", "shift"),
    [
        ({"kind": "shift", "value": 2.0}, [0.0, 2.0, 2.0]),
        ({"kind": "shift", "value": 2.0, "full_by_week": 24.0}, [0.0, 1.0, 2.0]),
        ({"kind": "slope_change", "per_month": 0.5}, [0.0, 0.5 * 84 / 30.4375, 0.5 * 168 / 30.4375]),
    ],
)
def test_an_effect_reaches_its_visits_as_declared(effect: dict, shift: list[float]) -> None:
    made = tables("score", effects=[{"arm": "active", "source": "t", **effect}])
    np.testing.assert_allclose(visit_effect(trial_from_dict(made), 1).shift, shift)
