"""Joint longitudinal–event trials: simulation against quadrature, nulls, and the joint rank by hand."""

from __future__ import annotations

import dataclasses
import math
import pickle
from functools import partial

import numpy as np
import pytest
from scipy import integrate

from trialsim.errors import DesignError
from trialsim.streams import stream
from trialsim.study import characteristics_of
from trialsim.study.designs import JointPlan, run_joint_block
from trialsim.study.designs.joint_rank import joint_rank_block
from trialsim.trial import JointWorld, PiecewiseHazard, PlannedAccrual, simulate_joint, site_plan
from trialsim.trial.outcomes import JointTrials, joint_truth

WORLD = JointWorld(
    200, PlannedAccrual((20,), (10,)), (6.0, 12.0, 18.0), 18.0, level=1.0, slope=0.1, random_sd=(1.0, 0.08),
    correlation=0.3, residual_sd=0.6, hazard=0.01, association=0.5, slope_association=2.0,
)  # fmt: skip
TREATED = dataclasses.replace(WORLD, slope_effect=-0.08, level_effect=-0.2, hazard_ratio=0.8)
ANALYSES = ("log_rank", "cox", "ancova", "mmrm", "joint_rank")


def trials(world: JointWorld, replicates: int, seed: int = 7) -> JointTrials:
    return simulate_joint(world, replicates, partial(stream, seed, "joint", 0))


MIXED = dataclasses.replace(
    TREATED, subgroup_share=0.4, subgroup_slope_effect=-0.1, subgroup_hazard_ratio=0.5, dropout=None
)


@pytest.mark.parametrize("world", [WORLD, TREATED, MIXED], ids=["null", "treated", "subgroup"])
def test_events_and_markers_have_the_laws_of_the_quadrature(world: JointWorld) -> None:
    found, truth = trials(world, 400), joint_truth(world)
    for a in (0, 1):
        mine = found.arm == a
        count = mine.sum()
        share = found.event[mine].mean()
        assert abs(share - truth.event_share[a]) < 4 * math.sqrt(share * (1 - share) / count)
        months = found.time[mine]
        assert abs(months.mean() - truth.restricted_mean[a]) < 4 * months.std() / math.sqrt(count)
        last = found.marker[..., -1][mine]
        last = last[np.isfinite(last)]
        assert abs(last.mean() - truth.survivor_means[a]) < 4 * last.std() / math.sqrt(len(last))
    expected = {id(WORLD): 0.0, id(TREATED): -0.2 - 0.08 * 18, id(MIXED): -0.2 - (0.08 + 0.4 * 0.1) * 18}
    assert truth.marker_difference == pytest.approx(expected[id(world)])
    estimate = joint_rank_block(found).estimate
    assert abs(estimate.mean() - truth.win_difference) < 4 * estimate.std() / math.sqrt(len(estimate))


def test_only_active_participants_of_the_subgroup_gain_more() -> None:
    plain, mixed = trials(TREATED, 40), trials(MIXED, 40)
    assert mixed.subgroup is not None
    assert plain.subgroup is None
    other = ~(mixed.subgroup & (mixed.arm == 1))
    np.testing.assert_array_equal(plain.time[other], mixed.time[other])
    assert (mixed.time[~other] >= plain.time[~other]).all()
    assert abs(mixed.subgroup.mean() - 0.4) < 4 * math.sqrt(0.24 / mixed.subgroup.size)


def test_survivors_alone_hide_part_of_the_marker_effect() -> None:
    truth = joint_truth(TREATED)
    assert truth.survivor_means[1] - truth.survivor_means[0] > truth.marker_difference + 0.05
    assert joint_truth(WORLD).win_difference == pytest.approx(0.0, abs=1e-12)


def test_quadrature_equals_plain_integrals_without_random_effects() -> None:
    world = dataclasses.replace(TREATED, random_sd=(0.0, 0.0))
    truth = joint_truth(world)
    for a, share in enumerate(truth.event_share):
        slope = 0.1 - 0.08 * a
        hazard = lambda t, a=a, s=slope: (  # noqa: E731 -- an integrand
            0.01 * (0.8 if a else 1.0) * math.exp(0.5 * (1.0 - 0.2 * a + s * t) + 2.0 * s)
        )
        assert share == pytest.approx(1 - math.exp(-integrate.quad(hazard, 0, 18)[0]), rel=1e-9)


def test_win_difference_is_that_of_simulated_pairs() -> None:
    found, truth = trials(TREATED, 400), joint_truth(TREATED)
    estimate = joint_rank_block(found).estimate
    assert abs(estimate.mean() - truth.win_difference) < 4 * estimate.std() / math.sqrt(len(estimate))
    assert truth.win_difference > 0.1


def test_joint_rank_equals_its_slow_twin() -> None:
    leave = PiecewiseHazard((0.03,))
    found = trials(dataclasses.replace(TREATED, participants=24, dropout=leave), 6)
    estimates = joint_rank_block(found, higher_is_worse=True)
    for r in range(6):
        change = found.marker[r] - found.baseline[r][:, None]

        def versus(i: int, j: int, r: int = r, change: np.ndarray = change) -> int:
            ti, tj, di, dj = found.time[r, i], found.time[r, j], found.event[r, i], found.event[r, j]
            if di and ti < tj:
                return -1
            if dj and tj < ti:
                return 1
            both = np.flatnonzero(np.isfinite(change[i]) & np.isfinite(change[j]))
            return 0 if not len(both) else int(np.sign(change[j, both[-1]] - change[i, both[-1]]))

        score = np.array([sum(versus(i, j) for j in range(24) if j != i) for i in range(24)])
        active = found.arm[r] == 1
        n1 = active.sum()
        assert estimates.estimate[r] == pytest.approx(score[active].sum() / (n1 * (24 - n1)))
        variance = n1 * (24 - n1) / (24 * 23) * (score**2).sum()
        assert estimates.statistic[r] == pytest.approx(score[active].sum() / math.sqrt(variance))
        by_pairs = sum(versus(i, j) for i in np.flatnonzero(active) for j in np.flatnonzero(~active))
        assert score[active].sum() == by_pairs


@pytest.mark.parametrize("analysis", ANALYSES)
def test_error_is_kept_although_the_event_follows_the_marker(analysis: str) -> None:
    leave = PiecewiseHazard((0.01,))
    plan = JointPlan(dataclasses.replace(WORLD, dropout=leave), analysis)
    found = characteristics_of(run_joint_block, plan, replicates=3_000, seed=8, scenario="null")
    assert abs(found.rejection_rate - 0.025) < 4 * found.rejection_rate_mcse
    assert found.counts.unreadable.sum() == 0


@pytest.mark.parametrize("analysis", ANALYSES)
def test_every_analysis_finds_an_effect_in_its_direction(analysis: str) -> None:
    found = characteristics_of(
        run_joint_block, JointPlan(TREATED, analysis), replicates=300, seed=9, scenario="p"
    )
    assert found.rejection_rate > 0.3
    harmful = dataclasses.replace(WORLD, slope_effect=0.1, hazard_ratio=1.3)
    wrong = characteristics_of(
        run_joint_block, JointPlan(harmful, analysis), replicates=300, seed=9, scenario="h"
    )
    assert wrong.rejection_rate < 0.01


def test_complete_cases_are_biased_and_the_mixed_model_less() -> None:
    strong = dataclasses.replace(TREATED, association=1.0, hazard=0.008, residual_sd=0.2)
    bias = {}
    for analysis in ("ancova", "mmrm"):
        plan = JointPlan(strong, analysis)
        bias[analysis] = characteristics_of(
            run_joint_block, plan, replicates=1_500, seed=10, scenario="bias"
        ).naive_estimate()
    assert bias["ancova"]["bias"] > 8 * bias["ancova"]["bias_mcse"]
    assert abs(bias["mmrm"]["bias"]) < 0.7 * bias["ancova"]["bias"]
    free = dataclasses.replace(strong, association=0.0, slope_association=0.0)
    plain = characteristics_of(
        run_joint_block, JointPlan(free, "mmrm"), replicates=1_500, seed=10, scenario="free"
    ).naive_estimate()
    assert abs(plain["bias"]) < 4 * plain["bias_mcse"]
    assert abs(plain["coverage"] - 0.95) < 4 * plain["coverage_mcse"]


def test_hazard_ratio_alone_is_estimated_by_cox() -> None:
    alone = dataclasses.replace(WORLD, association=0.0, slope_association=0.0, hazard=0.05, hazard_ratio=0.6)
    found = characteristics_of(
        run_joint_block, JointPlan(alone, "cox"), replicates=1_500, seed=11, scenario="cox"
    ).naive_estimate()
    assert abs(found["bias"]) < 4 * found["bias_mcse"] + 0.01
    assert abs(found["coverage"] - 0.95) < 4 * found["coverage_mcse"] + 0.01


def test_event_ends_the_marker_and_sites_recruit() -> None:
    world = dataclasses.replace(
        TREATED, accrual=site_plan(np.arange(4.0), rate=6.0, shape=2.0), participants=60
    )
    found = trials(world, 30)
    months = np.array(world.months)
    np.testing.assert_array_equal(np.isfinite(found.marker), found.time[..., None] >= months)
    assert (np.diff(found.entry, axis=1) >= 0).all()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"months": (6.0, 20.0)}, "months"),
        ({"months": ()}, "months"),
        ({"hazard": 0.0}, "hazard"),
        ({"hazard_ratio": -1.0}, "hazard_ratio"),
        ({"residual_sd": 0.0}, "residual_sd"),
        ({"random_sd": (1.0, -1.0)}, "random_sd"),
        ({"correlation": 1.0}, "correlation"),
        ({"subgroup_share": 1.0}, "subgroup_share"),
        ({"subgroup_hazard_ratio": 0.0}, "subgroup_hazard_ratio"),
        ({"participants": 2}, "participants"),
        ({"ratio": (1, 1, 1)}, "ratio"),
    ],
)
def test_impossible_worlds_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        dataclasses.replace(WORLD, **change)
    assert caught.value.field == field
    with pytest.raises(DesignError, match="alpha"):
        JointPlan(WORLD, alpha=0.7)
    assert pickle.loads(pickle.dumps(JointPlan(WORLD))) == JointPlan(WORLD)
