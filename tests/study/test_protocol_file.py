"""A protocol file to its answer in one call, `ts.run`."""

import re
from pathlib import Path

import pandas as pd
import pytest

import trialsim as ts
from trialsim.errors import HistoryError, InputError, ProtocolError
from trialsim.protocol.declared import read_trial
from trialsim.study import run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.declared import DeclaredResult, declared_result, plan_trial
from trialsim.study.people.registers import Registers

PROTOCOLS = Path(__file__).parents[2] / "protocols"


def small(name: str, folder: Path) -> Path:
    text = (PROTOCOLS / name).read_text(encoding="utf-8")
    path = folder / name
    path.write_text(
        re.sub(r"replicates = \d+\nblock = \d+", "replicates = 100\nblock = 50", text), encoding="utf-8"
    )
    return path


def test_a_declared_trial_is_what_its_steps_make_of_it(tmp_path: Path) -> None:
    path = small("survival_delayed_effect.toml", tmp_path)
    found = ts.run(path)
    trial, registers = read_trial(path), Registers()
    plan = plan_trial(trial, file=path, register_of=registers)
    steps = declared_result(plan, run_cells(declared_work(trial, registers), plan.cells))
    assert isinstance(found, DeclaredResult)
    assert sum(cell.replicates for cell in plan.cells) == 100 * len(plan.cells)
    for name, frame in found.frames().items():
        pd.testing.assert_frame_equal(frame, steps.frames()[name])


def test_a_declared_trial_names_its_history_itself() -> None:
    with pytest.raises(ProtocolError) as refused:
        ts.run(PROTOCOLS / "survival_delayed_effect.toml", history="past.csv")
    assert refused.value.field == "history"


def test_a_history_that_is_not_there_is_refused_before_anything_is_fitted(tmp_path: Path) -> None:
    with pytest.raises(HistoryError):
        ts.run(PROTOCOLS / "alzheimers_phase2.toml", history=tmp_path / "past.csv")


def test_a_protocol_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.toml"):
        ts.run(tmp_path / "nothing.toml")
