"""From a protocol file to its answer, whichever format it has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trialsim.disease import score_model
from trialsim.population import read_card
from trialsim.progress import Progress, silent
from trialsim.protocol import cohort_path, read_protocol
from trialsim.protocol.declared import is_declared, read_trial
from trialsim.study.bundles.of_declared_trial import declared_work
from trialsim.study.control_arm import control_arm_of
from trialsim.study.control_arm import supplementary_analyses as supplementary_of_arm
from trialsim.study.control_arm.feasibility import require_detectable as require_detectable_trial
from trialsim.study.declared import DeclaredResult, declared_result, plan_trial
from trialsim.study.people.asked import best_single, twin_tables, twins_asked
from trialsim.study.people.modelled.evidence import evidence_of
from trialsim.study.people.registers import Registers
from trialsim.study.running.opening import open_backend
from trialsim.study.running.simulation import run_cells
from trialsim.study.sized.feasibility import require_detectable
from trialsim.study.sized.history import check_composition, load_history
from trialsim.study.sized.run import run_study
from trialsim.study.sizing.prepare import prepare_trial

if TYPE_CHECKING:
    from trialsim.study.sized.result import StudyResult


def run(
    path: Path | str,
    *,
    history: Path | str | None = None,
    workers: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
) -> StudyResult | DeclaredResult:
    """Run a protocol file, and return what it finds; nothing is written.

    Parameters
    ----------
    path : Path or str
        Protocol, in any format that trialsim reads (docs/protocol.md, docs/trials.md).
    history : Path or str, optional
        CSV or Parquet file of past placebo participants, in the place of the one that the protocol names.
    workers : int
        Processes for the simulation, from 1; the numbers do not depend on it.
    cache : Path, optional
        Folder of fitted posteriors.
    progress : callable
        Called with stage, steps done and steps in all.

    Returns
    -------
    StudyResult or DeclaredResult
        The sized control arm, or the operating characteristics of a declared trial.

    Raises
    ------
    InputError
        The file, its card or its history cannot be used, or no trial detects the effect.

    Examples
    --------
    >>> run("protocols/survival_delayed_effect.toml", history="past.csv")
    Traceback (most recent call last):
        ...
    trialsim.errors.ProtocolError: history: is not read by this protocol. Got 'past.csv'. Mend: add [twins]
    with source = "learned", or leave it out.
    """
    path = Path(path)
    if is_declared(path):
        trial = read_trial(path)
        given = None if history is None else Path(history)
        require_detectable_trial(trial, path.parent, path)
        learnt = twins_asked(trial, path.parent, given, cache=cache, progress=progress)
        registers = Registers(learnt, path.parent)
        arm = control_arm_of(trial, learnt, registers, path.parent)
        with open_backend(workers, None) as backend:
            made = prepare_trial(
                trial, registers, backend, best_single=best_single(learnt), progress=progress,
                strengths=None if arm is None else arm.strengths(),
            )  # fmt: skip
            plan = plan_trial(
                made.trial, file=path, progress=progress, register_of=registers,
                at_its_size=made.at_its_size,
            )  # fmt: skip
            sums = run_cells(declared_work(trial, registers), plan.cells, backend, progress=progress)
            result = declared_result(plan, sums).with_evidence(evidence_of(trial, path.parent))
            if made.sizes is not None:
                result = result.with_sizes(made.sizes.sizes, made.sizes.savings)
            if arm is not None:
                result = result.with_tables(supplementary_of_arm(arm, progress).frames())
            return result if learnt is None else result.with_twins(twin_tables(made.trial, learnt, registers))
    protocol = read_protocol(path)
    card = read_card(cohort_path(protocol, path))
    disease = score_model(protocol.disease.model, **protocol.disease.options)
    check_composition(protocol, card, disease, path)
    require_detectable(protocol, card, disease)
    past = None if history is None else load_history(protocol, Path(history), disease, card)
    return run_study(protocol, card, disease, past, workers=workers, cache=cache, progress=progress)
