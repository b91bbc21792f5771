"""A row that borrows nothing from the history is bit-identical whatever the history says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.prognosis import fit_prognosis
from trialsim.study import Cell, StudyResult, build_register
from trialsim.study.sized.blocks import run_block

WITHOUT_HISTORY = ("enrolment_months", "controls_analysed", "active_analysed", "unadjusted_", "ancova_")


@pytest.fixture(scope="module")
def cell(result: StudyResult) -> Cell:
    return result.cell("null", "prognostic").cell


def rows_with(small, prognosis, cell: Cell):
    register = build_register(small.protocol, small.card, small.disease, prognosis, cell.scenario)
    truth = register.facts.true_effect
    return run_block(register.pool, small.protocol, small.disease, truth, cell, 1).rows


@pytest.mark.parametrize("drift", [{"level": 0.7}, {"slope": 1.4}])
def test_rows_without_borrowing_do_not_move_when_the_history_drifts(small, sampler, cell, drift) -> None:
    past = small.history
    change = past.outcomes - past.baseline[:, None]
    drifted = replace(
        past, outcomes=past.baseline[:, None] + drift.get("slope", 1.0) * change + drift.get("level", 0.0)
    )
    other = fit_prognosis(drifted, seed=small.protocol.seed, sampler=sampler)
    plain, moved = rows_with(small, small.prognosis, cell), rows_with(small, other, cell)
    for name in plain.columns:
        one, two = plain[name].to_numpy(), moved[name].to_numpy()
        if name == "replicate" or name.startswith(WITHOUT_HISTORY):
            np.testing.assert_array_equal(one, two, strict=True)
    assert (plain["prognostic_estimate"] != moved["prognostic_estimate"]).any()


def test_rows_without_borrowing_do_not_see_the_score(small, cell) -> None:
    register = build_register(small.protocol, small.card, small.disease, small.prognosis, cell.scenario)
    pool = register.pool
    shuffled = replace(pool, score=pool.score[::-1].copy(), score_sd=pool.score_sd[::-1].copy())
    one, two = (
        run_block(each, small.protocol, small.disease, 0.0, cell, 0).rows for each in (pool, shuffled)
    )
    same = [name for name in one.columns if (one[name] == two[name]).all()]
    assert same == [name for name in one.columns if not name.startswith("prognostic_")] + [
        "prognostic_df",
        "prognostic_status",
    ]


def test_a_scenario_moves_only_what_it_touches(job, result: StudyResult) -> None:
    """Trials of one size share their chance: a useless score changes no row that does not use it."""
    pairs = [("alternative", "useless_twin"), ("null", "useless_twin_null")]
    for name, useless in pairs:
        plain, moved = (
            job.compute((result.cell(scenario, "prognostic").cell, 0)).rows for scenario in (name, useless)
        )
        for column in plain.columns:
            if column.startswith(WITHOUT_HISTORY):
                np.testing.assert_array_equal(plain[column], moved[column], strict=True)
        assert (plain["prognostic_estimate"] != moved["prognostic_estimate"]).any()


def test_trials_of_different_sizes_are_independent(job, result: StudyResult) -> None:
    one, other = (
        job.compute((result.cell("null", design).cell, 0)).rows for design in ("ancova", "prognostic")
    )
    correlation = np.corrcoef(one["ancova_estimate"], other["ancova_estimate"])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(one))
