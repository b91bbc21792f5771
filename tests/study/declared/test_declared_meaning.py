"""What a file declares is what its trials do: levels, bounds, directions, strata, retrieved visits."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from tests.declared_files import SITES, STRATA, staged, tables
from trialsim.analysis.marginal import fit_marginal
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.analysis.survival import cox_block, log_rank_block
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared import engine_of, plan_trial, run_declared_block
from trialsim.study.declared.drawing.worlds import longitudinal_world, survival_world
from trialsim.study.declared.engines.times import TimesByLaw
from trialsim.trial import simulate_survival


def rows(made: dict, scenario: int = 0):
    return run_declared_block(plan_trial(trial_from_dict(made)).cells[scenario], 0, 5).rows


@pytest.mark.parametrize("alpha", [0.025, 0.1])
@pytest.mark.parametrize("kind", ["response", "score", "recurrent", "time_to_event"])
def test_a_fixed_trial_claims_where_its_one_sided_p_is_at_most_alpha(kind: str, alpha: float) -> None:
    made = tables(kind)
    made["design"]["alpha"] = alpha
    name = made["analyses"][0]["kind"]
    found = rows(made)
    better = 1 if made["endpoints"][0].get("direction") == "higher_is_better" else -1
    helps = np.sign(found[f"{name}_estimate"]) == better
    claims = helps & (found[f"{name}_p_value"] / 2 <= alpha)
    assert 0 < claims.mean() < 1
    np.testing.assert_array_equal(found[f"{name}_decision"] == 1, claims)


def test_a_fixed_trial_of_counts_claims_by_the_score_test_and_shows_its_p() -> None:
    made = tables("count")
    found = rows(made)
    cell = plan_trial(trial_from_dict(made)).cells[0]
    sample = engine_of(cell.trial).sample(cell.blocks[0], 5, 0)
    fit = fit_marginal(
        sample.outcomes, sample.people.arm, family="negative_binomial", contrast="log_ratio", test="score"
    )
    assert fit.decision is not None
    helps = fit.decision.z < 0
    claims = helps & (fit.decision.p_value / 2 <= cell.trial.design.alpha)
    assert 0 < claims.mean() < 1
    np.testing.assert_array_equal(found["negative_binomial_decision"] == 1, claims)
    np.testing.assert_allclose(found["negative_binomial_p_value"], fit.decision.p_value, rtol=1e-9)
    assert (abs(found["negative_binomial_p_value"] - fit.p_value) > 1e-6).any()  # not that of Wald's test


def test_where_a_test_stands_in_for_a_fit_its_p_is_in_the_row() -> None:
    """A hazard ratio of .0001 leaves no event on active: no Wald test, and a score test that claims."""
    made = tables("time_to_event", participants=60, analyses=[{"kind": "cox"}, {"kind": "log_rank"}])
    made["design"], made["effects"][0]["value"] = {"kind": "fixed", "month": 14.0}, 0.0001
    found = rows(made)
    failed = found["cox_status"] != "ok"
    assert failed.any()
    claims = found["cox_p_value"] / 2 <= 0.025
    np.testing.assert_array_equal(found["cox_decision"] == 1, claims)
    np.testing.assert_allclose(found["cox_p_value"][failed], found["log_rank_p_value"][failed], rtol=1e-6)


@pytest.mark.parametrize("kind", ["response", "time_to_event"])
def test_given_futility_bounds_stop_trials(kind: str) -> None:
    looks = {"timing": "events", "events": [20, 40]} if kind == "time_to_event" else {
        "timing": "information", "information": [0.5, 1.0]}  # fmt: skip
    design = {"kind": "group_sequential", **looks, "futility": {"rule": "given", "z": [0.7]}}
    made = tables(kind, design=design)
    name = made["analyses"][0]["kind"]
    found = rows(made)
    z = ndtri(1 - found[f"{name}_p_value"] / 2) * np.sign(found[f"{name}_estimate"])
    z = -z if kind == "time_to_event" else z
    stopped = (found[f"{name}_decision"] == -1) & (found[f"{name}_look"] == 1)
    assert 0.1 < stopped.mean() < 0.9
    assert (z[stopped] <= 0.7).all()
    without = rows(tables(kind, design=design | {"futility": None}))
    assert not (without[f"{name}_decision"] == -1).any()


def test_a_delayed_effect_starts_at_its_month() -> None:
    made = tables("time_to_event")
    made["effects"][0]["from_month"] = 6.0
    control, active = survival_world(trial_from_dict(made)).events
    before, after = np.array([2.0, 6.0]), np.array([8.0, 30.0])
    np.testing.assert_allclose(active.survival(before), control.survival(before))
    at = control.survival(np.array([6.0]))
    np.testing.assert_allclose(active.survival(after), at * (control.survival(after) / at) ** 0.6)


def test_a_retrieved_participant_is_seen_with_the_declared_probability() -> None:
    stop = {
        "cause": "stop", "cumulative": {"control": 0.4, "active": 0.4}, "mechanism": "MCAR", "after": "kept",
        "added": 0.0, "observed": 0.5, "source": "t",
    }  # fmt: skip
    trial = trial_from_dict(tables("score", intercurrent_events=[stop]))
    assert [one.observed for one in longitudinal_world(trial).events] == [0.5]
    trials = engine_of(trial).sample(200, 5, 0).outcomes
    struck = trials.cause == 0
    seen = np.isfinite(trials.outcomes[..., -1])
    assert abs(seen[struck].mean() - 0.5) < 4 * np.sqrt(0.25 / struck.sum())
    assert seen[~struck].all()


def test_a_countrys_cap_is_obeyed() -> None:
    made = tables("response", enrolment=SITES, participants=60)
    made["enrolment"]["countries"][0]["cap"] = 50
    with pytest.raises(ProtocolError, match="sites let in 50"):
        plan_trial(trial_from_dict(made))


def test_who_is_not_eligible_takes_a_sites_time() -> None:
    months = []
    for failing in (0.0, 0.5):
        made = tables("response", enrolment=SITES)
        made["enrolment"]["countries"][0]["screen_failure"] = failing
        months.append(rows(made)["risk_difference_months"].mean())
    assert months[1] > 1.3 * months[0]


STRATIFIED = {
    "strata": [STRATA[0] | {"outcome": [0.0, 1.5]}, STRATA[1]],
    "randomisation": {"kind": "permuted_blocks", "block_sizes": [4], "strata": ["sex", "region"]},
    "analyses": [{"kind": kind} for kind in ("log_rank", "stratified_log_rank", "cox", "stratified_cox")],
}


def test_stratified_analyses_compare_within_strata() -> None:
    made = tables("time_to_event", design={"kind": "fixed", "month": 60.0}, **STRATIFIED)
    engine = engine_of(trial_from_dict(made))
    assert isinstance(engine, TimesByLaw)
    assert engine.world is not None
    drawn = simulate_survival(engine.world, 50, partial(stream, 5, engine.streams, 0))
    follow = 60.0 - drawn.entry
    time, event = np.minimum(drawn.time, follow), (drawn.event == 1) & (drawn.time <= follow)
    data = time, event.astype(np.int8), drawn.arm
    found = rows(made)
    for prefix, strata in (("", None), ("stratified_", drawn.stratum)):
        z = log_rank_block(*data, strata=strata).statistic
        of_block = found[f"{prefix}log_rank_estimate"] / found[f"{prefix}log_rank_standard_error"]
        np.testing.assert_allclose(np.abs(of_block), np.abs(z), rtol=1e-9)
        cox = cox_block(*data, strata=strata)
        np.testing.assert_allclose(found[f"{prefix}cox_estimate"], cox.estimate, rtol=1e-9)
    assert (found["log_rank_estimate"] != found["stratified_log_rank_estimate"]).any()


def test_a_subgroups_part_of_a_shift_counts_by_its_share() -> None:
    made = tables("score", strata=STRATA)
    made["effects"][0]["subgroup"] = {"factor": "sex", "level": "m", "value": 1.0}
    works, null = plan_trial(trial_from_dict(made)).cells
    assert works.truths["mmrm"].value == pytest.approx(0.5 + 0.6 * 1.0)
    assert null.truths["mmrm"].value == 0


THREE = {"kind": "multi_arm_multi_stage", "stages": [[20] * 3] * 2, "keep_best": 1}


@pytest.mark.parametrize("kind", ["response", "score"])
def test_stages_of_an_outcome_that_is_worse_when_higher_mirror_the_better_one(kind: str) -> None:
    better = staged(kind, THREE, 3, enrolment=None)
    worse = staged(kind, THREE, 3, enrolment=None)
    if kind == "response":
        worse["endpoints"][0]["probability"] = 0.7
        for effect in worse["effects"]:
            effect["value"] = 0.5
    else:
        for effect in worse["effects"]:
            effect["value"] *= -1
    worse["endpoints"][0]["direction"] = "higher_is_worse"
    one, two = rows(better), rows(worse)
    assert (one["selected_arm_decision"] == 1).any()
    for name in ("decision", "size", "claim_1", "claim_2"):
        np.testing.assert_array_equal(one[f"selected_arm_{name}"], two[f"selected_arm_{name}"])
    np.testing.assert_allclose(one["selected_arm_estimate"], -two["selected_arm_estimate"], atol=1e-12)


def test_every_claim_of_a_null_world_is_a_false_one() -> None:
    made = staged("response", THREE | {"alpha": 0.2}, 3, enrolment=None)
    found = rows(made, scenario=1)
    any_claim = found[["selected_arm_claim_1", "selected_arm_claim_2"]].any(axis=1)
    assert any_claim.any()
    np.testing.assert_array_equal(found["selected_arm_false_claim"].astype(bool), any_claim)
    assert not rows(made)["selected_arm_false_claim"].any()


def test_the_interval_of_a_tally_has_the_level_of_the_test() -> None:
    """At one-sided alpha the interval has the level 1 - 2 alpha: it leaves 0 out where the test rejects."""
    made = tables("response")
    made["design"]["alpha"] = 0.1
    cell = plan_trial(trial_from_dict(made)).cells[1]
    block = run_declared_block(cell, 0, 5)
    one = block.sums.tallies["risk_difference"]
    z = block.rows["risk_difference_estimate"] / block.rows["risk_difference_standard_error"]
    assert one.covered == int((ndtr(-np.abs(z)) > 0.1).sum())


def test_replicates_stop_by_the_precision_of_the_claims() -> None:
    futility = {"rule": "given", "z": [0.7]}
    design = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}
    made = tables("response", design=design | {"futility": futility})
    block = run_declared_block(plan_trial(trial_from_dict(made)).cells[0], 0, 5)
    decision = block.rows["risk_difference_decision"]
    assert (decision == -1).any()
    assert list(block.sums.rejections()) == [(int((decision == 1).sum()), 50)]


def test_levels_that_no_rate_can_hold_are_refused_by_their_field() -> None:
    made = tables("count", strata=[STRATA[0] | {"outcome": [0.0, 1e5]}, STRATA[1]])
    with pytest.raises(ProtocolError) as fault:
        plan_trial(trial_from_dict(made))
    assert fault.value.field == "strata.outcome"


@pytest.mark.parametrize(
    "asked",
    [
        {"covariance": "sp_exp"},
        {"covariance": "ar1h", "covariance_by": "arm"},
        {"errors": "empirical-bias-reduced"},
    ],
    ids=str,
)
def test_a_mixed_model_has_the_covariance_and_errors_that_the_file_asks_for(asked: dict) -> None:
    made = tables("score", analyses=[{"kind": "mmrm"}, {"kind": "mmrm", "name": "other", **asked}])
    found = rows(made)
    cell = plan_trial(trial_from_dict(made)).cells[0]
    sample = engine_of(cell.trial).sample(cell.blocks[0], 5, 0)
    arm = sample.outcomes.arm
    by_arm = {"covariance_by": arm} if "covariance_by" in asked else {}
    times = {"times": [12.0, 24.0]} if asked.get("covariance") == "sp_exp" else {}
    baseline = sample.outcomes.baseline[..., None]
    fit = fit_mmrm_block(sample.outcomes.outcomes, arm, baseline, by_visit=True, **asked | by_arm | times)
    np.testing.assert_allclose(found["other_estimate"], fit.estimate, rtol=1e-9)
    np.testing.assert_allclose(found["other_standard_error"], fit.standard_error, rtol=1e-9)
    assert (abs(found["other_standard_error"] / found["mmrm_standard_error"] - 1) > 1e-6).all()


@pytest.mark.parametrize(
    ("kind", "analysis"),
    [("joint", {"kind": "ancova", "variance": "hc0"}), ("joint", {"kind": "mmrm", "covariance": "ar1"})],
)
def test_a_setting_that_the_outcome_does_not_read_is_refused(kind: str, analysis: dict) -> None:
    with pytest.raises(ProtocolError, match=f"is not read by {analysis['kind']} with a joint outcome"):
        trial_from_dict(tables(kind, analyses=[analysis]))
