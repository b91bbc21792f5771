"""Calendar looks at trials with visits: one trial against the analysis of what is seen, and the error."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from scipy import stats

from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.design import BetaSpending, HwangShihDeCani, PocockSpending, group_sequential_design
from trialsim.errors import DesignError
from trialsim.protocol import Arm, Dropout
from trialsim.study import characteristics_of
from trialsim.study.designs import (
    LongitudinalLooksPlan,
    LongitudinalPlan,
    run_longitudinal_looks_block,
    simulate_longitudinal_block,
)
from trialsim.trial import site_plan
from trialsim.trial.outcomes import autoregressive, ramp_shift

VISITS = [0.0, 8.0, 16.0, 24.0]
ARMS = (
    Arm(name="placebo", role="control", allocation=1),
    Arm(name="drug", role="active", allocation=1),
)


def trial(points: float) -> LongitudinalPlan:
    return LongitudinalPlan(
        100, site_plan(np.array([0.0, 1.0, 2.0]), rate=4.0, shape=2.0), ARMS, (4,), tuple(VISITS[1:]),
        np.zeros(4), autoregressive(4, 0.6), ramp_shift(VISITS, points, 24.0),
        (Dropout(cause="any", cumulative={"placebo": 0.15, "drug": 0.15}, source="test"),),
    )  # fmt: skip


NULL = LongitudinalLooksPlan(trial(0.0), (10.5, 13.0), 22.0, efficacy=PocockSpending())


def run(plan: LongitudinalLooksPlan, replicates: int, scenario: str):
    return characteristics_of(
        run_longitudinal_looks_block, plan, replicates=replicates, seed=13, scenario=scenario
    )


def test_one_trial_equals_its_slow_twin() -> None:
    plan = dataclasses.replace(NULL, trial=trial(0.5), least=2)
    block = run_longitudinal_looks_block(plan, 8, 13, "twin", 0)
    whole = simulate_longitudinal_block(plan.trial, 8, 13, "twin", 0)
    design = group_sequential_design([0.3, 0.7, 1.0], efficacy=PocockSpending())
    for r in range(8):
        end = whole.entry[r, -1] + 24.0 * 84 / 365.25
        z, information = [], []
        for k, month in enumerate((10.5, 13.0, end)):
            month = min(month, end)
            assert block.counted["months"][r, k] == pytest.approx(month)
            y = whole.outcomes[r].copy()
            for v, week in enumerate(plan.trial.weeks):
                y[whole.entry[r] + week * 84 / 365.25 > month + 1e-12, v] = np.nan
            seen = np.isfinite(y[:, 0])
            X = np.column_stack([np.ones(100), whole.arm[r], whole.baseline[r]])
            fit = monotone_block(y[None, seen], X[None, seen])
            z.append(stats.norm.isf(stats.t.sf(fit.statistic[0], fit.df[0])))
            information.append(fit.standard_error[0] ** -2 / 22.0)
            assert block.counted["completers"][r, k] == np.isfinite(y[:, -1]).sum()
        np.testing.assert_allclose(block.statistic[r], z, rtol=1e-6)
        if np.all(np.diff(information) > 1e-3):
            upper = design.at_observed(information, final=True).upper
            crossed = np.array(z) >= np.array(upper)
            assert block.stopping.look[r] == (crossed.argmax() if crossed.any() else 2)


@pytest.mark.parametrize("analysis", ["mmrm", "ancova"])
def test_type_one_error_is_kept(analysis: str) -> None:
    found = run(dataclasses.replace(NULL, analysis=analysis), 4_000, f"null {analysis}")
    assert abs(found.rejection_rate - 0.025) < 4 * found.rejection_rate_mcse


def test_power_direction_and_futility() -> None:
    treated = dataclasses.replace(NULL, trial=trial(0.7))
    up = run(treated, 400, "power")
    assert up.rejection_rate > 0.7
    assert up.mean("months")[0] < up.counts.most["months"]
    down = dataclasses.replace(NULL, trial=trial(-0.7), higher_is_better=False)
    assert run(down, 400, "power").rejection_rate > 0.7
    assert run(dataclasses.replace(treated, higher_is_better=False), 400, "power").rejection_rate < 0.02
    futile = dataclasses.replace(NULL, futility=BetaSpending(HwangShihDeCani(-2.0)), effect=0.7)
    assert run(futile, 400, "futile").looks()["futility"].sum() > 0.4


def test_a_mixed_model_with_very_few_completers_rejects_too_often() -> None:
    # Why there is a least number of completers: a look with about seven an arm.
    early = dataclasses.replace(NULL, months=(8.0,), least=2, alpha=0.025, efficacy=HwangShihDeCani(30.0))
    found = run(early, 3_000, "early")
    assert found.rejection_rate > 0.03


def test_looks_with_few_completers_are_not_read() -> None:
    soon = dataclasses.replace(NULL, months=(8.0, 13.0), least=15)
    block = run_longitudinal_looks_block(soon, 60, 13, "few", 0)
    read = np.isfinite(block.statistic[:, 0])
    assert 0 < read.mean() < 1
    assert (block.counted["completers"][read, 0] >= 30).all()


def test_looks_before_any_visit_are_counted_as_unreadable() -> None:
    early = dataclasses.replace(NULL, months=(0.5, 11.0))
    found = run(early, 100, "early")
    assert found.counts.unreadable[0] == 100
    assert found.looks().loc[1, "efficacy"] == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"months": (11.0, 8.0)}, "months"),
        ({"planned_information": 0.0}, "planned_information"),
        ({"analysis": "t_test"}, "analysis"),
        ({"alpha": 0.6}, "alpha"),
        ({"futility": BetaSpending(PocockSpending())}, "effect"),
    ],
)
def test_impossible_plans_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        dataclasses.replace(NULL, **change)
    assert caught.value.field == field
    assert len(pickle.dumps(NULL)) > 0
