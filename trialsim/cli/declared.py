"""``trialsim run`` of a declared trial: operating characteristics in every world of the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trialsim.protocol.declared import DeclaredTrial
    from trialsim.study.declared import DeclaredPlan, DeclaredResult
    from trialsim.study.people.registers import Registers
    from trialsim.study.running import Backend
    from trialsim.study.sizing.sizes import Sizes

# Columns of the answer on the terminal; the bundle has all of them.
SHOWN = (
    "rejection_rate", "true_effect", "bias", "coverage", "expected_size", "expected_events",
    "expected_months",
)  # fmt: skip


def run_declared(
    file: Path,
    workers: int,
    scheduler: str | None,
    output: Path,
    replicates: int | None,
    seed: int | None,
    only_plan: bool,
    quiet: bool,
) -> None:
    """Run the trial that a file declares, in every scenario and at every point of its grid."""
    from trialsim.cli.terminal.job import overridden
    from trialsim.errors import InputError
    from trialsim.protocol.declared import read_trial, trial_from_dict

    declared = trial_from_dict(overridden(read_trial(file).to_dict(), replicates, seed))
    try:
        _run(declared, file, workers, scheduler, output, only_plan, quiet)
    except InputError as refusal:
        refusal.file = refusal.file or file
        raise


def _run(
    trial: DeclaredTrial,
    file: Path,
    workers: int,
    scheduler: str | None,
    output: Path,
    only_plan: bool,
    quiet: bool,
) -> None:
    from trialsim.cli.terminal.job import bundle_name
    from trialsim.cli.terminal.progress import progress_bars, stopped
    from trialsim.study import estimate_work, open_backend
    from trialsim.study.bundles import declared_work, kept_blocks
    from trialsim.study.declared import plan_trial
    from trialsim.study.people.registers import Registers
    from trialsim.study.sizing.prepare import prepare_trial

    registers = Registers()
    target = output / bundle_name(trial.name, trial.content_hash())
    with open_backend(workers, scheduler) as backend:
        with progress_bars(quiet) as progress:
            made = prepare_trial(trial, registers, backend, progress=progress, search=not only_plan)
            plan = plan_trial(made.trial, file=file, progress=progress, register_of=registers)
        if only_plan:
            if trial.sizing is not None:
                click.echo(
                    f"Sizes are searched first; this plan is of {made.trial.participants} participants."
                )
            _print_plan(plan)
            click.echo(estimate_work(declared_work(trial, registers), plan.cells, backend.workers).in_words())
            return
        try:
            result = _make_bundle(trial, plan, made.sizes, registers, target, backend, quiet)
        except KeyboardInterrupt:
            raise click.Abort(stopped(kept_blocks(target))) from None
    _print_result(trial, result, target)


def _make_bundle(
    trial: DeclaredTrial,
    plan: DeclaredPlan,
    sizes: Sizes | None,
    registers: Registers,
    target: Path,
    backend: Backend,
    quiet: bool,
) -> DeclaredResult:
    """Run every cell into a folder that appears whole at the target, or not at all."""
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.report import write_trial_report
    from trialsim.study import Checkpoints, ReplicateRecorder, estimate_work, new_bundle, run_cells, seal
    from trialsim.study.bundles import checkpoint_folder, declared_work, trial_facts, write_trial
    from trialsim.study.declared import declared_result
    from trialsim.study.running import checkpoint_key

    work, facts = declared_work(trial, registers), trial_facts(trial)
    with new_bundle(target) as folder, progress_bars(quiet) as progress:
        kept = Checkpoints(checkpoint_folder(folder), checkpoint_key(facts["inputs"], plan.cells))
        estimate = estimate_work(work, plan.cells, backend.workers, kept.names())
        estimate.check_disk(target.parent)
        if not quiet:
            click.echo(f"{plan.in_words}; {estimate.in_words()}", err=True)
        with ReplicateRecorder(folder / "results" / "replicates") as recorder:
            sums = run_cells(work, plan.cells, backend, progress=progress, record=recorder, checkpoints=kept)
        result = declared_result(plan, sums)
        if sizes is not None:
            result = result.with_sizes(sizes.sizes, sizes.savings)
        write_trial(trial, plan, result, folder)
        write_trial_report(trial, plan, result, folder / "report.html")
        seal(folder, facts)
    return result


def _print_plan(plan: DeclaredPlan) -> None:
    import pandas as pd
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame

    rows = [(one.name, one.scenario, one.settings, one.replicates, "") for one in plan.cells]
    rows += [(one.name, one.scenario, one.settings, 0, one.refusal) for one in plan.refused]
    frame = pd.DataFrame(
        {"cell": name, "scenario": scenario, **settings, "replicates": replicates, "refused because": why}
        for name, scenario, settings, replicates, why in rows
    )
    if not plan.refused:
        del frame["refused because"]
    print_frame(frame, Console(), plan.in_words)


def _print_result(trial: DeclaredTrial, result: DeclaredResult, bundle: Path) -> None:
    import pandas as pd
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame
    from trialsim.report.frames import frame_table
    from trialsim.report.sizes import answer, size_tables
    from trialsim.report.trial_tables import headline, notes

    console = Console()
    console.print(f"\n[bold]{trial.title}[/bold]")
    for sentence in answer(trial, result):
        console.print(f"{sentence}.")
    for sized in size_tables(result).values():
        if sized.rows:
            print_frame(pd.DataFrame(list(sized.rows), columns=list(sized.columns)), console, sized.caption)
    table = frame_table(headline(result, SHOWN), "Operating characteristics (± Monte Carlo SE)")
    print_frame(pd.DataFrame(list(table.rows), columns=list(table.columns)), console, table.caption)
    for note in notes(result):
        console.print(f"{note}.")
    if len(result.ledger):
        console.print("The estimand ledger is in the report and in results/ledger.csv.")
    if len(result.failures):
        console.print(f"Failures, by reason: {int(result.failures['count'].sum())} (results/failures.csv).")
    console.print(f"{result.reconciliation}.")
    console.print(f"Report: {bundle / 'report.html'}", soft_wrap=True)
