"""Cells of declared trials for tests, and the world of the engine that some of them are."""

from __future__ import annotations

import numpy as np

from trialsim.protocol.declared import trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared import DeclaredCell, plan_trial, run_declared_block
from trialsim.trial import PiecewiseHazard, PlannedAccrual, SurvivalWorld, permuted_blocks

LAWS = (PiecewiseHazard((np.log(2) / 12,)), PiecewiseHazard((np.log(2) / 12 * 0.6,)))
EVENTS = (20, 40)


def first_cell(made: dict) -> DeclaredCell:
    return plan_trial(trial_from_dict(made)).cells[0]


def rows(made: dict, index: int = 0):
    return run_declared_block(first_cell(made), index, 5).rows


def arms_of(cell: DeclaredCell, size: int) -> np.ndarray:
    generator = stream(5, cell.streams, 0, "randomisation")
    return permuted_blocks(50, size, [1.0, 1.0], [4], generator)


def survival_world() -> SurvivalWorld:
    leave = PiecewiseHazard((-np.log1p(-0.05) / 12,))
    return SurvivalWorld(60, PlannedAccrual((10.0,), (6.0,)), LAWS, (leave, leave))


LOST = [
    {
        "cause": "lost", "cumulative": {"control": 0.05, "active": 0.05}, "by_month": 12.0,
        "mechanism": "MCAR", "source": "test",
    }
]  # fmt: skip


def same_as_the_plan(found, expected, name: str, counted: tuple[str, ...]) -> None:
    np.testing.assert_array_equal(found[f"{name}_decision"], expected.stopping.decision)
    np.testing.assert_array_equal(found[f"{name}_look"], expected.stopping.look + 1)
    for key in counted:
        values = np.asarray(expected.counted[key])
        at_stop = values if values.ndim == 1 else expected.stopping.at(values)
        np.testing.assert_array_equal(found[f"{name}_{key}"], at_stop)
    if expected.estimate is not None:
        np.testing.assert_array_equal(found[f"{name}_estimate"], expected.estimate.value)
