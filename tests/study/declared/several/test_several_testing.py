"""What trials of several hypotheses claim, against trials of one endpoint, by hand, and in null worlds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from tests.study.declared.several.several_trials import engine, only, tables, trial_of
from trialsim.analysis.multiplicity import hochberg
from trialsim.analysis.survival import log_rank_block
from trialsim.protocol.declared import grid_points, trial_from_dict
from trialsim.study.declared import declared_result, plan_trial, run_declared_block
from trialsim.study.declared import engine as engines
from trialsim.study.declared.several.members import Member

ALPHA = 0.025


def readings(made, replicates=60, block=0):
    return engine(made).read(replicates, 11, block).readings


def test_one_hypothesis_is_the_trial_of_its_endpoint_to_the_last_digit():
    together = only("pfs", discontinuation=None, multiplicity=None)
    alone = {name: table for name, table in together.items() if name not in ("hypotheses", "dependence")}
    one = engines.engine_of(trial_from_dict(alone)).read(80, 11, 0).readings["pfs_log_rank"]
    other = readings(together, 80)["pfs"]
    assert np.array_equal(one.statistic, other.statistic)
    assert np.array_equal(one.estimates.estimate, other.estimates.estimate)
    assert np.array_equal(one.stopping.look, other.stopping.look)
    assert np.array_equal(one.stopping.decision, other.stopping.decision)
    assert np.array_equal(one.stopping.at(one.counted["months"]), other.counted["months"])


def test_the_first_of_several_has_the_statistics_of_its_own_trial():
    assert np.array_equal(readings(only("pfs"))["pfs"].statistic, readings(tables())["pfs"].statistic)


def both(**changes):
    """Return two co-primary endpoints, claimed together at one look, and one that waits for them."""
    made = tables(multiplicity=None, **changes)
    made["hypotheses"] = [
        {
            "name": "both",
            "analyses": ["pfs_log_rank", "response_difference"],
            "weight": 1.0,
            "passes": {"os": 1.0},
        },
        {"name": "os", "analyses": ["os_log_rank"], "planned_events": 250},
    ]
    made["design"] = {"kind": "fixed", "endpoint": "pfs", "events": 300, "alpha": ALPHA}
    return made


def test_co_primary_endpoints_are_claimed_where_each_is_and_open_the_gate():
    found = readings(both(), 300)
    alone = readings(tables(multiplicity=None, design=both()["design"]), 300)
    each = [alone[name].statistic[:, 0] >= -ndtri(ALPHA) for name in ("pfs", "response")]
    claimed = found["both"].stopping.decision == 1
    assert np.array_equal(claimed, each[0] & each[1])
    assert 0 < claimed.sum() < len(claimed)
    gated = found["os"].stopping.decision == 1
    assert np.array_equal(gated, claimed & (alone["os"].statistic[:, 0] >= -ndtri(ALPHA)))
    assert not found["both"].estimated


def test_named_procedures_are_those_of_p_values():
    design = both()["design"]
    plain = [{"name": one["name"], "analyses": one["analyses"]} for one in tables()["hypotheses"]]
    z = {
        name: one.statistic[:, 0]
        for name, one in readings(both() | {"hypotheses": tables()["hypotheses"]}).items()
    }
    from scipy.special import ndtr

    p = np.stack([ndtr(-z[one["name"]]) for one in plain], axis=1)
    sequence = np.logical_and.accumulate(p <= ALPHA, axis=1)
    ordered = np.sort(p, axis=1)
    step_down = np.logical_and.accumulate(ordered <= ALPHA / np.array([3, 2, 1]), axis=1).sum(axis=1)
    for procedure, wanted in (
        ("fixed_sequence", sequence),
        ("holm", p.argsort(axis=1).argsort(axis=1) < step_down[:, None]),
        ("hochberg", hochberg(p) <= ALPHA),
    ):
        made = tables(hypotheses=plain, design=design, multiplicity={"procedure": procedure})
        found = readings(made)
        claims = np.stack([found[one["name"]].stopping.decision == 1 for one in plain], axis=1)
        assert np.array_equal(claims, wanted), procedure


def in_a_population(made):
    made["strata"] = [{"name": "marker", "levels": ["low", "high"], "shares": [0.6, 0.4], "source": "A"}]
    made["hypotheses"].append(
        {
            "name": "pfs_high",
            "analyses": ["pfs_log_rank"],
            "population": {"factor": "marker", "level": "high"},
        }
    )
    made["hypotheses"][0]["passes"] = {"pfs_high": 1.0}
    made["effects"][0]["subgroup"] = {"factor": "marker", "level": "high", "value": 0.6}
    made["randomisation"] |= {"strata": ["marker"]}
    return made


def test_a_population_is_tested_by_those_who_are_in_it():
    made = in_a_population(only("pfs", multiplicity=None))
    one = engine(made)
    drawn = one.draw(40, 11, 0, one.streams)
    months = drawn.looks().month
    member = Member.of(one.trial, one.trial.hypotheses[1], "pfs_log_rank")
    found = member.read(drawn, months)
    trials = drawn.outcomes["pfs"]
    for r in range(40):
        for look in range(3):
            here = (trials.stratum[r] == 1) & (trials.entry[r] <= months[r, look])
            follow = months[r, look] - trials.entry[r, here]
            # As the look sees it: it falls on an event, whose follow-up a difference would round away.
            seen = trials.entry[r, here] + trials.time[r, here] <= months[r, look]
            event = (trials.event[r, here] == 1) & seen
            time = np.where(seen, trials.time[r, here], follow)
            by_hand = log_rank_block(
                time[None], event.astype(np.int8)[None], trials.arm[r, here][None], test="asymptotic"
            )
            assert found.statistic[r, look] == pytest.approx(-by_hand.statistic[0], abs=1e-9)
            assert found.count[r, look] == event.sum()
    assert member.truth().value == pytest.approx(np.log(0.68 * 0.6))


def test_what_works_is_what_has_something_to_claim():
    points = {one.name: one.trial for one in grid_points(trial_of(tables()))}
    assert len(points) == 8
    works = {name: [one.works for one in engines.testing_of(trial).tested] for name, trial in points.items()}
    assert works["alternative"] == [True] * 3
    assert works["null"] == [False] * 3
    assert works["alternative_no_pfs_response"] == [False, True, False]
    harm = tables()
    harm["effects"][1]["value"] = 1.3
    assert [one.works for one in engines.testing_of(trial_of(harm)).tested] == [True, False, True]


def test_several_arms_are_each_compared_with_the_control():
    made = only("pfs", multiplicity={"procedure": "holm"})
    made["arms"].append({"name": "high", "role": "active"})
    made["effects"].append(
        {"endpoint": "pfs", "arm": "high", "kind": "hazard_ratio", "value": 1.0, "source": "A"}
    )
    made["randomisation"]["block_sizes"] = [6]
    made["discontinuation"][0]["cumulative"]["high"] = 0.05
    made["hypotheses"] = [
        {"name": name, "analyses": ["pfs_log_rank"], "arm": name} for name in ("active", "high")
    ]
    found = readings(made, 200)
    power, error = ((found[name].stopping.decision == 1).mean() for name in ("active", "high"))
    assert power > 0.5
    assert error < ALPHA + 4 * np.sqrt(ALPHA * (1 - ALPHA) / 200)


def small_result(made):
    trial = trial_of(made | {"simulation": {"replicates": 250}})
    plan = plan_trial(trial)
    sums = [run_declared_block(cell, 0, trial.seed).sums for cell in plan.cells]
    return declared_result(plan, sums)


def test_tables_tell_of_the_family_and_of_each_hypothesis():
    result = small_result(tables(multiplicity=None))
    family = result.family.set_index("cell")
    assert np.isnan(family.loc["null", "disjunctive_power"])
    assert np.isnan(family.loc["alternative", "family_wise_error"])
    assert family.loc["null", "family_wise_error"] < ALPHA + 4 * np.sqrt(ALPHA * (1 - ALPHA) / 250)
    here = result.operating_characteristics.query("cell == 'alternative'").set_index("analysis")
    claims = here["rejection_rate"]
    assert claims.sum() == pytest.approx(family.loc["alternative", "expected_claims"])
    assert claims.max() <= family.loc["alternative", "disjunctive_power"] + 1e-12
    assert claims.min() >= family.loc["alternative", "conjunctive_power"] - 1e-12
    last = result.hypotheses.query("cell == 'alternative' and look == 3").set_index("hypothesis")["claimed"]
    assert last.to_dict() == pytest.approx(claims.to_dict())
    assert set(here["measure"]) == {"power"}


@pytest.mark.slow
def test_family_wise_error_over_all_partial_nulls_of_the_shipped_protocol():
    trial = trial_of(tables(simulation={"replicates": 4_000}))
    plan = plan_trial(trial)
    for cell in plan.cells:
        sums = [run_declared_block(cell, index, trial.seed).sums for index in range(len(cell.blocks))]
        false = sum(one.stopping["pfs"].sums["false_claim"] for one in sums)
        assert false / 4_000 < ALPHA + 4 * np.sqrt(ALPHA * (1 - ALPHA) / 4_000), cell.name
