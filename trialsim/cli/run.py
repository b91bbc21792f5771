"""``trialsim run``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from trialsim.cli.terminal.options import (
    bundle_option,
    cache_option,
    history_option,
    names_the_file,
    scheduler_option,
    workers_option,
)

if TYPE_CHECKING:
    from trialsim.data import DiseaseModel, History
    from trialsim.population import CohortCard
    from trialsim.protocol import Protocol
    from trialsim.study import StudyResult, SupplementaryAnalyses
    from trialsim.study.running import Backend
    from trialsim.study.sized.run import Announce


@click.command()
@click.argument("protocol", type=click.Path(path_type=Path))
@history_option
@workers_option
@scheduler_option
@cache_option
@bundle_option
@click.option(
    "--replicates", type=click.IntRange(100), help="Replicates a scenario, instead of the protocol's."
)
@click.option("--seed", type=click.IntRange(0), help="Master seed, instead of the protocol's.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would run, and run nothing.")
@click.option("--quiet", is_flag=True, help="No progress bars.")
@names_the_file
def run(
    protocol: Path,
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
    """Run the trial in PROTOCOL, a TOML file: sizes, operating characteristics, and what they rest on.

    \b
      trialsim run my-trial/protocols/survival_delayed_effect.toml
      trialsim run my-trial/protocols/depression_estimands.toml --plan

    The file says everything: endpoint, arms, enrolment, randomisation, why people stop, looks and
    adaptation, analyses, scenarios, and a grid whose axes each have a reason. What cannot be is refused
    before anything runs. Where the protocol learns placebo twins and no --history is given, they learn from
    participants that are generated from the protocol's own cohort card, which is optimistic by construction.

    The run bundle holds report.html, every table as Parquet and CSV, every replicate, and a manifest of
    hashes. A run that was stopped or killed goes on from its finished blocks when the same command is given
    again.
    """
    from trialsim.cli.declared import run_declared
    from trialsim.errors import ProtocolError
    from trialsim.protocol.declared import is_declared

    if is_declared(protocol):
        run_declared(protocol, history, workers, scheduler, cache, output, replicates, seed, only_plan, quiet)
        return
    if only_plan:
        raise ProtocolError(
            "is served with format trialsim.protocol/2", field="--plan", value=protocol.name,
            mend="leave it out",
        )  # fmt: skip
    _run_sized(protocol, history, workers, scheduler, cache, output, replicates, seed, quiet)


def _run_sized(
    protocol: Path,
    history: Path | None,
    workers: int,
    scheduler: str | None,
    cache: Path,
    output: Path,
    replicates: int | None,
    seed: int | None,
    quiet: bool,
) -> None:
    """Size the control arm of a protocol of the first format."""
    from trialsim.cli.terminal.answer import print_answer
    from trialsim.cli.terminal.progress import stopped
    from trialsim.study import open_backend
    from trialsim.study.bundles import kept_blocks
    from trialsim.study.running import WorkEstimate

    asked = _read(protocol, history, replicates, seed)
    target = output / asked.bundle_name()

    def announce(estimate: WorkEstimate) -> None:
        estimate.check_disk(output)
        if not quiet:
            click.echo(estimate.in_words(), err=True)

    try:
        with open_backend(workers, scheduler) as backend:
            result, beside = _make_bundle(asked, target, backend, cache, quiet, announce)
    except KeyboardInterrupt:
        raise click.Abort(stopped(kept_blocks(target))) from None
    print_answer(result, beside, target)


class _Asked(NamedTuple):
    protocol: Protocol
    card: CohortCard
    disease: DiseaseModel
    history: History

    def bundle_name(self) -> str:
        from trialsim.cli.terminal.job import bundle_name
        from trialsim.prognosis import history_hash

        hashes = (self.protocol.content_hash(), self.card.content_hash(), history_hash(self.history))
        return bundle_name(self.protocol.name, *hashes)


def _read(path: Path, history: Path | None, replicates: int | None, seed: int | None) -> _Asked:
    """Read what the job is given, or refuse what does not go together."""
    from trialsim.cli.terminal.job import overridden
    from trialsim.disease import score_model
    from trialsim.population import read_card
    from trialsim.protocol import cohort_path, protocol_from_dict, read_protocol
    from trialsim.study import generate_history, load_history, require_detectable
    from trialsim.study.sized import check_composition

    protocol = protocol_from_dict(overridden(read_protocol(path).to_dict(), replicates, seed))
    card = read_card(cohort_path(protocol, path))
    disease = score_model(protocol.disease.model, **protocol.disease.options)
    check_composition(protocol, card, disease, path)
    require_detectable(protocol, card, disease)
    if history is None:
        return _Asked(protocol, card, disease, generate_history(protocol, card, disease))
    return _Asked(protocol, card, disease, load_history(protocol, history, disease, card))


def _make_bundle(
    asked: _Asked, target: Path, backend: Backend, cache: Path, quiet: bool, announce: Announce
) -> tuple[StudyResult, SupplementaryAnalyses]:
    """Run the study into a folder that appears whole at the target, or not at all."""
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.report import write_report
    from trialsim.study import (
        ReplicateRecorder,
        new_bundle,
        run_study,
        seal,
        supplementary_analyses,
        write_inputs,
        write_results,
        write_supplementary,
    )
    from trialsim.study.bundles import checkpoint_folder, run_facts, write_examples

    with new_bundle(target) as folder, progress_bars(quiet) as progress:
        with ReplicateRecorder(folder / "results" / "replicates") as recorder:
            result = run_study(
                *asked,
                backend=backend,
                cache=cache,
                checkpoints=checkpoint_folder(folder),
                progress=progress,
                record=recorder,
                announce=announce,
            )
        beside = supplementary_analyses(result, progress)
        write_inputs(result, asked.history, folder / "inputs")
        write_results(result, folder / "results")
        write_supplementary(beside, folder / "results")
        write_examples(result, folder)
        write_report(result, folder / "report.html", beside)
        seal(folder, run_facts(result))
    return result, beside
