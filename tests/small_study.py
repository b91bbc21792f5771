"""A small study of the default protocol, learnt once a session and simulated by every test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from trialsim.prognosis import Sampler
from trialsim.protocol.declared import DeclaredTrial, read_trial, trial_from_dict
from trialsim.study import (
    ControlArm,
    LearntTwins,
    Registers,
    SupplementaryAnalyses,
    control_arm_of,
    learn_twins,
    plan_trial,
    run_cells,
    supplementary_analyses,
)
from trialsim.study.declared import (
    DeclaredCell,
    DeclaredPlan,
    DeclaredResult,
    DeclaredSums,
    DeclaredWork,
    declared_result,
)
from trialsim.study.people.asked import twin_tables
from trialsim.study.people.learning import Fits
from trialsim.study.running.work import BlockResult
from trialsim.study.sizing.prepare import Prepared, prepare_trial

PROTOCOL = Path(__file__).parents[1] / "protocols" / "alzheimers_phase2.toml"
REPLICATES = 600


class Job(DeclaredWork):
    """The work of the small study, which also computes a block in this process."""

    def compute(self, task: tuple[DeclaredCell, int]) -> BlockResult[DeclaredSums]:
        return self.call(task).compute()  # type: ignore[no-any-return]  # a call returns what its function does


@dataclass(frozen=True)
class SmallStudy:
    trial: DeclaredTrial
    folder: Path
    learnt: LearntTwins
    registers: Registers
    arm: ControlArm
    cache: Path

    def sized(self, design: str = "prognostic") -> DeclaredTrial:
        """Return the trial at the size that a design has by formula, with the analyses of the file."""
        tables = self.trial.to_dict() | {"participants": 2 * round(self.arm.plan.designs()[design].total / 2)}
        return trial_from_dict(tables | {"sizing": None, "borrowing": None, "card_sensitivity": None})

    def plan(self, design: str = "prognostic") -> DeclaredPlan:
        """Return the plan of that trial."""
        return plan_trial(self.sized(design), register_of=self.registers)


def small_trial() -> DeclaredTrial:
    """Return the default protocol with 400 past participants, 600 replicates and a register of 20,000."""
    tables = read_trial(PROTOCOL).to_dict()
    tables["simulation"] |= {"replicates": REPLICATES, "block": 250}
    tables["sizing"] |= {"trials": 1000}
    tables["population"]["register"] = 20_000
    tables["history"]["generated"] = 400
    return trial_from_dict(tables)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, sampler: Sampler) -> SmallStudy:
    """Return the small study with its twins, people and control arm."""
    trial, folder = small_trial(), PROTOCOL.parent
    cache = tmp_path_factory.mktemp("cache")
    learnt = learn_twins(trial, folder, cache=cache, fits=Fits(sampler=sampler))
    registers = Registers(learnt, folder)
    arm = control_arm_of(trial, learnt, registers, folder)
    assert arm is not None
    return SmallStudy(trial, folder, learnt, registers, arm, cache)


@pytest.fixture(scope="session")
def arm(small: SmallStudy) -> ControlArm:
    """Return the control arm, sized by formula."""
    return small.arm


@pytest.fixture(scope="session")
def beside(arm: ControlArm) -> SupplementaryAnalyses:
    """Return what the small study asks for beside its sizes."""
    return supplementary_analyses(arm)


@pytest.fixture(scope="session")
def job(small: SmallStudy) -> Job:
    """Return what the blocks of the small study share."""
    return Job(small.trial.seed, 6, small.registers)


@pytest.fixture(scope="session")
def planned(small: SmallStudy) -> tuple[DeclaredCell, ...]:
    """Return the cells of the small study: one for each scenario, at the size of prognostic adjustment."""
    return small.plan().cells


@pytest.fixture(scope="session")
def prepared(small: SmallStudy) -> Prepared:
    """Return the small study at the sizes that a search finds."""
    return prepare_trial(small.trial, small.registers, best_single="faq", strengths=small.arm.strengths())


@dataclass(frozen=True)
class Answered:
    trial: DeclaredTrial
    plan: DeclaredPlan
    result: DeclaredResult
    beside: SupplementaryAnalyses


@pytest.fixture(scope="session")
def answered(small: SmallStudy, prepared: Prepared, beside: SupplementaryAnalyses) -> Answered:
    """Return the whole answer of the small study, as its report has it."""
    assert prepared.sizes is not None
    plan = plan_trial(prepared.trial, register_of=small.registers)
    sums = run_cells(Job(small.trial.seed, 6, small.registers), plan.cells)
    result = declared_result(plan, sums).with_sizes(prepared.sizes.sizes, prepared.sizes.savings)
    result = result.with_twins(twin_tables(prepared.trial, small.learnt, small.registers))
    return Answered(small.trial, plan, result.with_tables(beside.frames()), beside)
