"""Whole longitudinal trials: what each step leaves, and what the analyses make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import stdtrit

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.data import Estimates
from trialsim.design.operating_characteristics import OperatingCharacteristics, Tally, tally
from trialsim.errors import DesignError
from trialsim.protocol import Arm, Dropout
from trialsim.streams import stream
from trialsim.study.designs import (
    LongitudinalPlan,
    ancova_at_last_visit,
    mmrm_at_last_visit,
    simulate_longitudinal_block,
)
from trialsim.study.designs.longitudinal_trials import LongitudinalBlock
from trialsim.trial import permuted_blocks, recruit, site_plan
from trialsim.trial.intercurrent_events import constant_hazard_dropout
from trialsim.trial.outcomes import autoregressive, ramp_shift

VISITS = (0.0, 6.0, 12.0, 24.0)
PLAN = LongitudinalPlan(
    90,
    site_plan(np.linspace(0, 3, 8), rate=2.0, shape=1.65),
    (Arm(name="placebo", role="control", allocation=1), Arm(name="drug", role="active", allocation=2)),
    (3, 6),
    VISITS[1:],
    np.array([20.0, 19.0, 18.0, 17.0]),
    9.0 * autoregressive(4, 0.7),
    ramp_shift(VISITS, -1.5, 24.0),
    (Dropout(cause="any", cumulative={"placebo": 0.2, "drug": 0.3}, source="test"),),
)


def test_a_block_equals_its_steps_one_by_one() -> None:
    found = simulate_longitudinal_block(PLAN, 5, 1, "steps", 3)

    def chance(name: str) -> np.random.Generator:
        return stream(1, "steps", 3, name)

    np.testing.assert_array_equal(found.entry, recruit(PLAN.sites, 5, 90, chance("enrolment")).month)
    arm = permuted_blocks(5, 90, [1, 2], (3, 6), chance("randomisation"))
    np.testing.assert_array_equal(found.arm, arm)
    noise = chance("outcome").standard_normal((5, 90, 4)) @ np.linalg.cholesky(PLAN.covariance).T
    values = PLAN.mean + noise + arm[..., None] * PLAN.effect.shift
    np.testing.assert_allclose(found.baseline, values[..., 0], rtol=1e-12)
    week, _ = constant_hazard_dropout(arm, [[0.2], [0.3]], 24.0, chance("dropout"))
    seen = week[..., None] > np.array(VISITS[1:])
    np.testing.assert_array_equal(np.isfinite(found.outcomes), seen)
    np.testing.assert_allclose(found.outcomes[seen], values[..., 1:][seen], rtol=1e-12)
    design = np.stack([np.ones(arm.shape), arm, found.baseline], axis=-1)
    np.testing.assert_array_equal(
        mmrm_at_last_visit(found).estimate, monotone_block(found.outcomes, design).estimate
    )
    np.testing.assert_array_equal(
        ancova_at_last_visit(found).p_value,
        fit_linear(found.outcomes[..., -1], arm, found.baseline[..., None]).p_value,
    )


def characteristics(
    plan: LongitudinalPlan,
    analysis: Callable[[LongitudinalBlock], Estimates],
    replicates: int,
    seed: int,
    scenario: str,
) -> OperatingCharacteristics:
    """Return what an analysis does in trials of a plan, in blocks of 250."""
    truth, counts = float(plan.effect.shift[-1]), Tally()
    for block in range(replicates // 250):
        found = analysis(simulate_longitudinal_block(plan, 250, seed, scenario, block))
        counts = counts + tally(found, truth, 0.05, stdtrit(found.df, 0.975) * found.standard_error)
    return OperatingCharacteristics(scenario, found.analysis, truth, counts)


@pytest.mark.parametrize("analysis", [mmrm_at_last_visit, ancova_at_last_visit])
def test_estimates_are_unbiased_and_the_error_is_kept(analysis) -> None:  # type: ignore[no-untyped-def]  # an analysis
    found = characteristics(PLAN, analysis, 4000, 2, "effect")
    assert abs(found.bias) < 4 * found.bias_mcse
    assert abs(found.coverage - 0.95) < 4 * found.coverage_mcse + 0.004
    null = replace(PLAN, effect=ramp_shift(VISITS, 0.0, 24.0))
    rate = characteristics(null, analysis, 4000, 2, "null")
    assert abs(rate.rejection_rate - 0.05) < 4 * rate.rejection_rate_mcse + 0.003


def test_ancova_without_dropout_has_its_textbook_variance() -> None:
    complete = replace(PLAN, dropout=())
    found = characteristics(complete, ancova_at_last_visit, 4000, 3, "complete")
    # Residual variance given the baseline over both arms, and the loss by its random imbalance, n - 3 of 90.
    expected = 9.0 * (1 - 0.7**6) * (1 / 30 + 1 / 60) * (1 + 1 / 87)
    assert found.empirical_se**2 == pytest.approx(expected, rel=4 * np.sqrt(2 / 4000))


def test_mmrm_gains_on_ancova_by_what_dropouts_have_shown() -> None:
    one = characteristics(PLAN, mmrm_at_last_visit, 2000, 4, "gain")
    two = characteristics(PLAN, ancova_at_last_visit, 2000, 4, "gain")
    assert one.empirical_se < two.empirical_se


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weeks": (12.0, 6.0, 24.0)}, "weeks"),
        ({"mean": np.zeros(3)}, "mean"),
        ({"effect": ramp_shift(VISITS[1:], 1.0, 24.0)}, "effect"),
        ({"effect": ramp_shift([1.0, 6.0, 12.0, 24.0], 1.0, 24.0)}, "effect"),
        ({"sites": site_plan([0.0], rate=1.0, cap=89)}, "participants"),
        ({"dropout": (Dropout(cause="x", cumulative={"placebo": 0.1}, source="t"),)}, "dropout[0]"),
    ],
)
def test_impossible_plans_are_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(DesignError) as fault:
        replace(PLAN, **changes)  # type: ignore[arg-type]  # wrong on purpose
    assert fault.value.field == field
