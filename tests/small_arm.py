"""A small trial with learnt twins and a sized control arm, learnt once a session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from trialsim.prognosis import Sampler
from trialsim.protocol.declared import DeclaredTrial, read_trial, trial_from_dict
from trialsim.study.control_arm import (
    ControlArm,
    SupplementaryAnalyses,
    control_arm_of,
    supplementary_analyses,
)
from trialsim.study.people.learning import Fits, LearntTwins, learn_twins
from trialsim.study.people.registers import Registers

PROTOCOL = Path(__file__).parent / "data" / "early_alzheimers.toml"


@dataclass(frozen=True)
class SmallArm:
    trial: DeclaredTrial
    folder: Path
    learnt: LearntTwins
    registers: Registers
    arm: ControlArm


def small_trial() -> DeclaredTrial:
    """Return the default protocol with 400 past participants, 500 replicates and a register of 20,000."""
    tables = read_trial(PROTOCOL).to_dict()
    tables["simulation"] |= {"replicates": 500, "block": 250}
    tables["population"]["register"] = 20_000
    tables["history"]["generated"] = 400
    return trial_from_dict(tables)


@pytest.fixture(scope="session")
def small_arm(tmp_path_factory: pytest.TempPathFactory, sampler: Sampler) -> SmallArm:
    """Return the small trial with its twins, people and control arm."""
    trial, folder = small_trial(), PROTOCOL.parent
    cache = tmp_path_factory.mktemp("cache")
    learnt = learn_twins(trial, folder, cache=cache, fits=Fits(sampler=sampler))
    registers = Registers(learnt, folder)
    arm = control_arm_of(trial, learnt, registers, folder)
    assert arm is not None
    return SmallArm(trial, folder, learnt, registers, arm)


@pytest.fixture(scope="session")
def arm(small_arm: SmallArm) -> ControlArm:
    """Return the sized control arm."""
    return small_arm.arm


@pytest.fixture(scope="session")
def beside_arm(arm: ControlArm) -> SupplementaryAnalyses:
    """Return what the small trial asks for beside its sizes."""
    return supplementary_analyses(arm)
