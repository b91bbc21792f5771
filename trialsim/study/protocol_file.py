"""From a protocol file to its answer."""

from __future__ import annotations

from pathlib import Path

from trialsim.progress import Progress, silent
from trialsim.protocol.declared import read_trial
from trialsim.study.bundles.of_declared_trial import declared_work
from trialsim.study.control_arm import control_arm_of, supplementary_analyses
from trialsim.study.control_arm.feasibility import require_detectable
from trialsim.study.declared import DeclaredResult, declared_result, plan_trial
from trialsim.study.people.asked import best_single, twin_tables, twins_asked
from trialsim.study.people.modelled.evidence import evidence_of
from trialsim.study.people.registers import Registers
from trialsim.study.running.opening import open_backend
from trialsim.study.running.simulation import run_cells
from trialsim.study.sizing.prepare import prepare_trial


def run(
    path: Path | str,
    *,
    history: Path | str | None = None,
    workers: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
) -> DeclaredResult:
    """Run a protocol file, and return what it finds; nothing is written.

    Parameters
    ----------
    path : Path or str
        Protocol (docs/trials.md).
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
    DeclaredResult
        Operating characteristics in every world, and sizes and what they save where they are asked for.

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
    trial = read_trial(path)
    given = None if history is None else Path(history)
    require_detectable(trial, path.parent, path)
    learnt = twins_asked(trial, path.parent, given, cache=cache, progress=progress)
    registers = Registers(learnt, path.parent)
    arm = control_arm_of(trial, learnt, registers, path.parent)
    with open_backend(workers, None) as backend:
        made = prepare_trial(
            trial, registers, backend, best_single=best_single(learnt), progress=progress,
            strengths=None if arm is None else arm.strengths(),
        )  # fmt: skip
        plan = plan_trial(
            made.trial, file=path, progress=progress, register_of=registers, at_its_size=made.at_its_size
        )
        sums = run_cells(declared_work(trial, registers), plan.cells, backend, progress=progress)
        result = declared_result(plan, sums).with_evidence(evidence_of(trial, path.parent))
        if made.sizes is not None:
            result = result.with_sizes(made.sizes.sizes, made.sizes.savings)
        if arm is not None:
            result = result.with_tables(supplementary_analyses(arm, progress).frames())
        return result if learnt is None else result.with_twins(twin_tables(made.trial, learnt, registers))
