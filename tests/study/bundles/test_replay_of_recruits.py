"""A replayed trial shows whom it recruited from the register, with their scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trialsim.protocol.declared import read_trial, trial_from_dict
from trialsim.study.bundles.replay_declared import _participants
from trialsim.study.declared import engine_of, plan_trial
from trialsim.study.people.registers import Registers

FILE = Path(__file__).parents[3] / "protocols" / "copd_twins.toml"


def test_a_trial_shows_the_registers_people_with_their_scores() -> None:
    trial = trial_from_dict(read_trial(FILE).to_dict() | {"participants": 60, "sizing": None})
    registers = Registers(None, FILE.parent)
    cell = plan_trial(trial, register_of=registers).cells[0]
    register = registers(cell.trial)
    table = _participants(engine_of(cell.trial, register), cell, trial.seed, 0, 3)
    assert table is not None
    assert len(table) == 60
    np.testing.assert_array_equal(table["score"], register.scores[table["register_row"], -1])
    np.testing.assert_array_equal(table["baseline"], register.outcomes[0][table["register_row"], 0])
