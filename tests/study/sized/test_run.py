"""The main job: its answer is consistent, honest and the same for any number of workers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.study import StudyResult, build_register
from trialsim.study.bundles import answer, sizes_frame
from trialsim.study.running import BlockResult


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_do_not_change_a_byte(small, result: StudyResult, workers: int) -> None:
    rows: list[BlockResult] = []
    again = small.run(workers=workers, record=rows.append)
    pd.testing.assert_frame_equal(
        again.characteristics_frame(), result.characteristics_frame(), check_exact=True
    )
    single: list[BlockResult] = []
    small.run(record=single.append)
    for one, other in zip(rows, single, strict=True):
        assert (one.cell, one.index) == (other.cell, other.index)
        pd.testing.assert_frame_equal(one.rows, other.rows, check_exact=True)


def test_replicates_reconcile(small, result: StudyResult) -> None:
    for cell in result.cells:
        for one in cell.characteristics.values():
            assert one.counts.replicates == cell.cell.replicates == 600
            assert one.counts.fitted + sum(one.counts.failures.values()) == 600
    kinds = {cell.cell.scenario.name for cell in result.cells}
    assert kinds == {scenario.name for scenario in small.protocol.scenarios}


def test_size_is_confirmed_by_simulation(result: StudyResult) -> None:
    for row in sizes_frame(result).itertuples():
        assert abs(row.power_simulated - row.power_formula_at_register) < 4 * row.power_simulated_mcse + 0.01


def test_type_one_error_is_held_in_every_null_scenario(result: StudyResult) -> None:
    errors = result.type_one_errors()
    designs, other_nulls, analyses = 5, 3, 3
    assert len(errors) == (designs + other_nulls) * analyses
    for one in errors:
        assert one.rejection_rate < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 600)


def test_figures_are_ordered_and_never_negative(result: StudyResult) -> None:
    point, discounted, worst = (saving.participants_saved for saving in result.plan.savings)
    assert point >= discounted >= worst >= 0
    correlations = [saving.partial_correlation[0] for saving in result.plan.savings]
    assert correlations == sorted(correlations, reverse=True)
    assert correlations[1] == pytest.approx(0.9 * correlations[0])


def test_support_follows_the_lower_bound(small, result: StudyResult) -> None:
    smallest = small.protocol.sizing.smallest_worthwhile_saving
    assert result.plan.supported == (small.gain.gain_90[0] > smallest)
    assert answer(result)["supported"] == result.plan.supported


def test_a_useless_twin_knows_nothing_and_costs_no_error(result: StudyResult) -> None:
    fact = result.fact("useless_twin")
    assert abs(fact.moments.partial_correlation[0]) < 4 / np.sqrt(fact.participants)
    shifted, plain = result.fact("later_shift_null"), result.fact("null")
    assert shifted.mean_change - plain.mean_change == pytest.approx(0.5, abs=0.02)


def test_unbiased_for_the_truth_of_its_world(result: StudyResult) -> None:
    for cell in result.cells:
        for one in cell.characteristics.values():
            assert abs(one.bias) < 4 * one.bias_mcse


def test_the_twin_sees_no_latent_truth(small) -> None:
    scenario = small.protocol.alternative
    register = build_register(small.protocol, small.card, small.disease, small.prognosis, scenario)
    assert small.disease.latent_baseline not in small.prognosis.names
    again = small.prognosis.predict(
        register.covariates.select(small.protocol.prognosis.covariates),
        register.pool.baseline,
        small.protocol.visits.weeks[-1:],
    )
    np.testing.assert_array_equal(again.score[:, 0], register.pool.score)
