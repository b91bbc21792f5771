"""``trialsim run`` of a declared trial: operating characteristics in every world of the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from trialsim.cli.terminal.as_json import Collected
    from trialsim.protocol.declared import DeclaredTrial
    from trialsim.study.bundles.log import Event
    from trialsim.study.control_arm import ControlArm, SupplementaryAnalyses
    from trialsim.study.declared import DeclaredPlan, DeclaredResult
    from trialsim.study.people.learning import LearntTwins
    from trialsim.study.people.registers import Registers
    from trialsim.study.running import Backend
    from trialsim.study.sizing.prepare import Prepared

# Columns of the answer on the terminal; the bundle has all of them.
SHOWN = (
    "rejection_rate", "true_effect", "bias", "coverage", "expected_size", "expected_events",
    "expected_months",
)  # fmt: skip


class _Asked(NamedTuple):
    """A trial as its file and the command line ask for it, with its twins and whom it recruits from."""

    trial: DeclaredTrial
    file: Path
    learnt: LearntTwins | None
    registers: Registers
    happened: tuple[Event, ...]

    def facts(self) -> dict[str, Any]:
        from trialsim.study.bundles.of_declared_trial import trial_facts

        return trial_facts(self.trial, self.learnt, self.file.parent)

    def target(self, output: Path) -> Path:
        from trialsim.cli.terminal.job import bundle_name

        return output / bundle_name(self.trial.name, *self.facts()["inputs"].values())


def run_declared(
    file: Path,
    history: Path | None,
    workers: int,
    scheduler: str | None,
    cache: Path,
    output: Path,
    replicates: int | None,
    seed: int | None,
    only_plan: bool,
    quiet: bool,
) -> None:
    """Run the trial that a file declares, in every scenario and at every point of its grid."""
    from trialsim.cli.terminal.job import overridden
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.errors import InputError
    from trialsim.protocol.declared import read_trial, trial_from_dict
    from trialsim.study.bundles.log import HISTORY_OPENED, PROTOCOL_FROZEN, Event, now
    from trialsim.study.control_arm.feasibility import require_an_effect, require_detectable
    from trialsim.study.people.asked import twins_asked
    from trialsim.study.people.registers import Registers

    trial = trial_from_dict(overridden(read_trial(file).to_dict(), replicates, seed))
    try:
        require_an_effect(trial, file)
        if only_plan and trial.twins is not None and trial.twins.source != "assumed":
            _print_worlds(trial, file, history)
            return
        require_detectable(trial, file.parent, file)
        happened = [Event(now(), PROTOCOL_FROZEN, trial.content_hash())]
        opened = now()
        with progress_bars(quiet) as progress:
            learnt = twins_asked(trial, file.parent, history, cache=cache, progress=progress)
        if learnt is not None:
            happened.append(Event(opened, HISTORY_OPENED, learnt.facts.content_hash))
        asked = _Asked(trial, file, learnt, Registers(learnt, file.parent), tuple(happened))
        _run(asked, workers, scheduler, output, only_plan, quiet)
    except InputError as refusal:
        refusal.file = refusal.file or file
        raise


def _run(
    asked: _Asked, workers: int, scheduler: str | None, output: Path, only_plan: bool, quiet: bool
) -> None:
    from trialsim.cli.terminal.as_json import collected
    from trialsim.cli.terminal.progress import progress_bars, stopped
    from trialsim.study import estimate_work, open_backend
    from trialsim.study.bundles import declared_work, kept_blocks
    from trialsim.study.control_arm import control_arm_of
    from trialsim.study.declared import plan_trial
    from trialsim.study.people.asked import best_single
    from trialsim.study.sizing.prepare import prepare_trial

    trial, registers, target = asked.trial, asked.registers, asked.target(output)
    arm = control_arm_of(trial, asked.learnt, registers, asked.file.parent)
    with open_backend(workers, scheduler) as backend:
        with progress_bars(quiet) as progress:
            made = prepare_trial(
                trial, registers, backend, best_single=best_single(asked.learnt), progress=progress,
                search=not only_plan, strengths=None if arm is None else arm.strengths(),
            )  # fmt: skip
            plan = plan_trial(
                made.trial, file=asked.file, progress=progress, register_of=registers,
                at_its_size=made.at_its_size,
            )  # fmt: skip
        if only_plan:
            if trial.sizing is not None:
                click.echo(
                    f"Sizes are searched first; this plan is of {made.trial.participants} participants."
                )
            _print_plan(plan)
            click.echo(estimate_work(declared_work(trial, registers), plan.cells, backend.workers).in_words())
            return
        try:
            result, beside, sealed = _make_bundle(asked, made, plan, arm, target, backend, quiet)
        except KeyboardInterrupt:
            raise click.Abort(stopped(kept_blocks(target))) from None
    if (found := collected()) is not None:
        found.facts |= {"bundle": str(target), "report": str(target / "report.html")}
        found.facts |= {name: sealed[name] for name in ("root", "seal")}
        _collect(found, trial, result)
        return
    _print_result(trial, result, beside, target)
    click.echo(f"Root: {sealed['root']}")
    click.echo(f"Seal: {sealed['seal']} (trialsim verify {target} --expect ROOT_OR_SEAL)")


def _make_bundle(
    asked: _Asked,
    made: Prepared,
    plan: DeclaredPlan,
    arm: ControlArm | None,
    target: Path,
    backend: Backend,
    quiet: bool,
) -> tuple[DeclaredResult, SupplementaryAnalyses | None, dict[str, Any]]:
    """Run every cell into a folder that appears whole at the target, or not at all."""
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.report import write_trial_report
    from trialsim.report.sizes import answer_facts
    from trialsim.study import Checkpoints, ReplicateRecorder, estimate_work, new_bundle, run_cells, seal
    from trialsim.study.bundles import checkpoint_folder, declared_work, write_inputs, write_tables
    from trialsim.study.bundles.alone.counting import PLAN
    from trialsim.study.bundles.alone.files import file_sha256
    from trialsim.study.bundles.alone.sealing import BLOCKS, PLACE_OF_ROOT
    from trialsim.study.bundles.bundle import write_json
    from trialsim.study.bundles.log import PLAN_FROZEN, run_log
    from trialsim.study.bundles.of_declared_trial import plan_examples, write_beside
    from trialsim.study.bundles.people import write_people
    from trialsim.study.control_arm import supplementary_analyses
    from trialsim.study.declared import declared_result
    from trialsim.study.description.describe import describe_trials
    from trialsim.study.people.asked import twin_tables
    from trialsim.study.people.modelled.evidence import evidence_of
    from trialsim.study.running import checkpoint_key

    trial, facts = asked.trial, asked.facts()
    work = declared_work(trial, asked.registers)
    with new_bundle(target) as folder, progress_bars(quiet) as progress:
        kept = Checkpoints(checkpoint_folder(folder), checkpoint_key(facts["inputs"], plan.cells))
        estimate = estimate_work(work, plan.cells, backend.workers, kept.names())
        estimate.check_disk(target.parent)
        if not quiet:
            click.echo(f"{plan.in_words}; {estimate.in_words()}", err=True)
        log = run_log(folder, asked.happened)
        write_inputs(trial, plan, folder)
        log.add(PLAN_FROZEN, file_sha256(folder / PLAN, PLAN))
        with ReplicateRecorder(folder / "results" / "replicates", folder / BLOCKS) as recorder:
            record = log.around(recorder)
            sums = run_cells(work, plan.cells, backend, progress=progress, record=record, checkpoints=kept)
        log.close(folder)
        result = declared_result(plan, sums)
        if made.sizes is not None:
            result = result.with_sizes(made.sizes.sizes, made.sizes.savings)
        if asked.learnt is not None:
            result = result.with_twins(twin_tables(made.trial, asked.learnt, asked.registers))
        beside = None if arm is None else supplementary_analyses(arm, progress)
        if beside is not None:
            result = result.with_tables(beside.frames())
        result = result.with_evidence(evidence_of(trial, asked.file.parent))
        write_tables(result, folder)
        if trial.sizing is not None:
            write_json(answer_facts(trial, result, beside), folder / "results" / "answer.json")
        described, examples = describe_trials(plan, asked.registers), plan_examples(plan, folder)
        write_beside(described, examples, folder)
        write_people(trial, asked.learnt, asked.file.parent, folder)
        page = folder / "report.html"
        write_trial_report(
            trial, plan, result, page, beside, described=described, examples=examples, root=PLACE_OF_ROOT
        )
        sealed = seal(folder, facts)
    return result, beside, sealed


def _print_worlds(trial: DeclaredTrial, file: Path, history: Path | None) -> None:
    """Say what a protocol that learns its twins would run, and from whom, without learning them."""
    import pandas as pd
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame
    from trialsim.protocol.declared import grid_points
    from trialsim.study.people.history import learnt_covariates, read_declared_history
    from trialsim.study.sizing.prepare import prepare_trial

    made = prepare_trial(trial, lambda _: None, search=False).trial
    points = grid_points(made, file=file)
    frame = pd.DataFrame({"cell": one.name, "refused because": one.refusal} for one in points)
    if not frame["refused because"].astype(bool).any():
        del frame["refused because"]
    refused = sum(one.trial is None for one in points)
    counted = f"{len(points)} cells planned = {len(points) - refused} run + {refused} refused"
    print_frame(frame, Console(markup=False), counted)
    assert trial.twins is not None
    named = None if trial.history is None else trial.history.file
    if history is None and named is None and trial.history is not None:
        whom = f"{trial.history.generated:,} generated participants"
    else:
        people = len(read_declared_history(trial, file.parent, history))
        whom = f"{people:,} participants of {Path(history or named or '').name}"
    told = ", ".join(learnt_covariates(trial))
    click.echo(
        f"Twins are {trial.twins.source} first, of {whom}: {told}; eleven fits, the whole and ten folds. "
        f"Then sizes, if they are asked for, and "
        f"{made.simulation.replicates or 'as many as the precision needs'} replicates a cell of "
        f"{', '.join(one.label for one in made.analyses)}."
    )


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
    print_frame(frame, Console(markup=False), plan.in_words)


def _failed(result: DeclaredResult) -> str:
    """Return how many fits gave no estimate, each counted once, and how many trials no test decided."""
    fits = int(result.operating_characteristics["trials"].sum())
    untested = int(result.decided_by.loc[result.decided_by["test"] == "none", "count"].sum())
    return (
        f"Fits without an estimate: {int(result.failures['count'].sum())} of {fits} (results/failures.csv); "
        f"without any test: {untested} (results/decided_by.csv)."
    )


def _collect(found: Collected, trial: DeclaredTrial, result: DeclaredResult) -> None:
    """Collect the answer and the tables of numbers that a bundle holds in results/, for ``--json``."""
    from trialsim.report.sizes import answer

    found.said += [f"{sentence}." for sentence in answer(trial, result)]
    for name, frame in result.frames().items():
        if len(frame):
            found.add_table(name, frame)


def _print_result(
    trial: DeclaredTrial, result: DeclaredResult, beside: SupplementaryAnalyses | None, bundle: Path
) -> None:
    import pandas as pd
    from rich.console import Console

    from trialsim.cli.terminal.control_arm import print_control_arm
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.report.arm_tables import two_formulas
    from trialsim.report.frames import frame_table
    from trialsim.report.sizes import answer, size_tables
    from trialsim.report.trial_tables import evidence_in_words, headline, notes, trial_tables

    console = Console(markup=False)
    console.print(f"\n{trial.title}", style="bold")
    for sentence in answer(trial, result):
        console.print(f"{sentence}.")
    for name, sized in size_tables(result).items():
        # The report has the savings beyond each rival: on a screen they hide those beyond the best.
        if sized.rows and name != "savings_beyond_each":
            print_frame(pd.DataFrame(list(sized.rows), columns=list(sized.columns)), console, sized.caption)
    if beside is not None:
        print_control_arm(beside, console)
        if why := two_formulas(beside.arm, result.sizes):
            console.print(f"{why}.")
    table = frame_table(headline(result, SHOWN), "Operating characteristics (± Monte Carlo SE)")
    print_frame(pd.DataFrame(list(table.rows), columns=list(table.columns)), console, table.caption)
    for note in (*notes(result), *evidence_in_words(result)):
        console.print(f"{note}.")
    if len(result.ledger):
        console.print("The estimand ledger is in the report and in results/ledger.csv.")
    tables = trial_tables(trial, result)
    for name in ("family", "hypotheses", "bounds", "expected_sizes", "arms"):
        if name in tables:
            one = tables[name]
            print_frame(pd.DataFrame(list(one.rows), columns=list(one.columns)), console, one.caption)
    if len(result.failures):
        console.print(_failed(result))
    console.print(f"{result.reconciliation}.")
    console.print(f"Report: {bundle / 'report.html'}", soft_wrap=True)
