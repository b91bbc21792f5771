"""A row that borrows nothing from the history is bit-identical whatever the history says."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from trialsim.analysis.linear import fit_linear
from trialsim.prognosis import fit_prognosis
from trialsim.protocol.declared import trial_from_dict
from trialsim.study import Registers
from trialsim.study.declared import engine_of
from trialsim.study.declared.block import run_recruiting_block

WITHOUT_HISTORY = ("unadjusted_", "ancova_")


@pytest.fixture(scope="module")
def cell(planned):
    return next(one for one in planned if one.scenario == "null")


def rows_with(registers, cell):
    return run_recruiting_block(registers(cell.trial), cell, 1, cell.trial.seed).rows


@pytest.mark.parametrize("drift", [{"level": 0.7}, {"slope": 1.4}])
def test_rows_without_borrowing_do_not_move_when_the_history_drifts(small, sampler, cell, drift) -> None:
    past = small.learnt.history
    change = past.outcomes - past.baseline[:, None]
    drifted = replace(
        past, outcomes=past.baseline[:, None] + drift.get("slope", 1.0) * change + drift.get("level", 0.0)
    )
    other = replace(small.learnt, model=fit_prognosis(drifted, seed=small.trial.seed, sampler=sampler))
    plain, moved = rows_with(small.registers, cell), rows_with(Registers(other, small.folder), cell)
    for name in plain.columns:
        if name == "replicate" or name.startswith(WITHOUT_HISTORY):
            np.testing.assert_array_equal(plain[name].to_numpy(), moved[name].to_numpy(), strict=True)
    assert (plain["prognostic_estimate"] != moved["prognostic_estimate"]).any()


def test_a_scenario_moves_only_what_it_touches(job, planned) -> None:
    """Trials of one size share their chance: a useless score changes no row that does not use it."""
    cells = {one.scenario: one for one in planned}
    for name, useless in [("alternative", "useless_twin"), ("null", "useless_twin_null")]:
        plain, moved = (job.compute((cells[scenario], 0)).rows for scenario in (name, useless))
        for column in plain.columns:
            if column.startswith(WITHOUT_HISTORY):
                np.testing.assert_array_equal(plain[column], moved[column], strict=True)
        assert (plain["prognostic_estimate"] != moved["prognostic_estimate"]).any()


def test_trials_of_different_sizes_are_independent(small, job) -> None:
    one, other = (
        job.compute((next(one for one in small.plan(design).cells if one.scenario == "null"), 0)).rows
        for design in ("ancova", "prognostic")
    )
    correlation = np.corrcoef(one["ancova_estimate"], other["ancova_estimate"])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(one))


def test_estimates_are_unbiased_and_intervals_cover_in_every_world(small, planned, job) -> None:
    for cell in planned:
        sums = job.compute((cell, 0)).sums
        for name, tally in sums.tallies.items():
            n = tally.fitted
            bias, spread = tally.deviation / n, np.sqrt(tally.deviation_2 / n - (tally.deviation / n) ** 2)
            assert abs(bias) < 4 * spread / np.sqrt(n), (cell.name, name)
            assert abs(tally.covered / n - 0.95) < 4 * np.sqrt(0.95 * 0.05 / n), (cell.name, name)


@pytest.mark.parametrize("slopes", ["common", "interacted"])
@pytest.mark.parametrize("variance", ["hc0", "hc3", "model"])
@pytest.mark.filterwarnings("ignore::trialsim.analysis.linear.UnsafeStandardErrorWarning")
def test_slopes_and_variance_reach_the_fit(small, slopes, variance) -> None:
    tables = small.sized().to_dict()
    for one in tables["analyses"]:
        one |= {"slopes": slopes, "variance": variance}
    world = {"scenarios": tables["scenarios"][:1]}
    trial = trial_from_dict(tables | world | {"participants": 100, "discontinuation": []})
    engine = engine_of(trial, small.registers(trial))
    found = engine.read(30, 1, 0).readings
    people = (sample := engine.sample(30, 1, 0)).people
    last, baseline = sample.outcomes.outcomes[..., -1], sample.outcomes.baseline
    score = engine.register.scores[people.rows, -1]
    both = np.stack([baseline, score], axis=-1)
    fit = partial(fit_linear, arm=people.arm, slopes=slopes, variance=variance)
    for name, values, covariates in (
        ("unadjusted", last - baseline, None),
        ("ancova", last, both[..., :1]),
        ("prognostic", last, both),
    ):
        direct = fit(values, covariates=covariates)
        np.testing.assert_array_equal(found[name].estimates.standard_error, direct.standard_error)
        np.testing.assert_array_equal(found[name].estimates.estimate, direct.estimate)


def test_the_twin_sees_no_latent_truth(small) -> None:
    register = small.registers(small.arm.alternative)
    assert "cdr_sb" not in small.learnt.model.names
    names = small.trial.twins.covariates
    people = np.column_stack([register.column(name) for name in names])
    again = small.learnt.model.predict(
        replace(small.learnt.history.covariates, values=people), register.outcomes[0][:, 0],
        small.trial.outcome.weeks,
    )  # fmt: skip
    np.testing.assert_array_equal(again.score, register.scores)
