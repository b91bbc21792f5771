"""A bundle of the small study, written as `trialsim run` writes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.small_study import Job, SmallStudy
from trialsim.study import ReplicateRecorder, new_bundle, run_cells, seal
from trialsim.study.bundles import trial_facts, write_inputs, write_tables
from trialsim.study.bundles.alone.sealing import BLOCKS
from trialsim.study.bundles.of_declared_trial import plan_examples, write_beside
from trialsim.study.bundles.people import write_people
from trialsim.study.declared import DeclaredPlan, DeclaredResult, declared_result
from trialsim.study.description.describe import describe_trials

CELLS = 4


def plan_of(small: SmallStudy) -> DeclaredPlan:
    """Return the first cells of the small study: the alternative, the null, and two of its drifts."""
    plan = small.plan()
    return replace(plan, planned=CELLS, cells=plan.cells[:CELLS])


def write_bundle(small: SmallStudy, target: Path) -> tuple[DeclaredResult, dict[str, Any]]:
    """Simulate the small study into a bundle, and return its result and its manifest."""
    trial, plan = small.sized(), plan_of(small)
    with new_bundle(target) as folder:
        write_inputs(trial, plan, folder)
        with ReplicateRecorder(folder / "results" / "replicates", folder / BLOCKS) as recorder:
            sums = run_cells(Job(trial.seed, 6, small.registers), plan.cells, record=recorder)
        result = declared_result(plan, sums)
        write_tables(result, folder)
        write_beside(describe_trials(plan, small.registers), plan_examples(plan, folder), folder)
        write_people(trial, small.learnt, small.folder, folder)
        manifest = seal(folder, trial_facts(trial, small.learnt, small.folder))
    return result, manifest
