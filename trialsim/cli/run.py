"""``trialsim run``: the main job."""

from __future__ import annotations

from pathlib import Path

import click

from trialsim.cli.options import (
    bundle_option,
    cache_option,
    history_option,
    names_the_file,
    scheduler_option,
    workers_option,
)


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
    quiet: bool,
) -> None:
    """Size the control arm of the trial in PROTOCOL, a TOML file, and say what the saving rests on.

    Without --history the prognostic model learns from placebo participants that are generated from the
    protocol's own cohort card, which is optimistic by construction. The run bundle holds report.html,
    every table as Parquet and CSV, and a manifest of hashes.

    A run that was stopped or killed goes on from its finished blocks when the same command is given again.
    """
    from trialsim.cli.answer import print_answer
    from trialsim.cli.job import bundle_name, overridden
    from trialsim.cli.progress import progress_bars, stopped
    from trialsim.disease import disease_model
    from trialsim.population import read_card
    from trialsim.prognosis import history_hash
    from trialsim.protocol import cohort_path, protocol_from_dict, read_protocol
    from trialsim.report import write_report
    from trialsim.study import (
        ReplicateRecorder,
        WorkEstimate,
        check_composition,
        checkpoint_folder,
        generate_history,
        kept_blocks,
        load_history,
        new_bundle,
        open_backend,
        require_detectable,
        run_facts,
        run_study,
        seal,
        supplementary_analyses,
        write_examples,
        write_inputs,
        write_results,
        write_supplementary,
    )

    asked = protocol_from_dict(overridden(read_protocol(protocol).to_dict(), replicates, seed))
    card = read_card(cohort_path(asked, protocol))
    disease = disease_model(asked.disease.model, **asked.disease.options)
    check_composition(asked, card, disease, protocol)
    require_detectable(asked, card, disease)
    past = (
        generate_history(asked, card, disease) if history is None else load_history(asked, history, disease)
    )
    target = output / bundle_name(asked.name, asked.content_hash(), card.content_hash(), history_hash(past))

    def announce(estimate: WorkEstimate) -> None:
        estimate.check_disk(output)
        if not quiet:
            click.echo(estimate.in_words(), err=True)

    try:
        with (
            open_backend(workers, scheduler) as backend,
            new_bundle(target) as folder,
            progress_bars(quiet) as progress,
        ):
            with ReplicateRecorder(folder / "results" / "replicates") as recorder:
                result = run_study(
                    asked,
                    card,
                    disease,
                    past,
                    backend=backend,
                    cache=cache,
                    checkpoints=checkpoint_folder(folder),
                    progress=progress,
                    record=recorder,
                    announce=announce,
                )
            beside = supplementary_analyses(result, progress)
            write_inputs(result, past, folder / "inputs")
            write_results(result, folder / "results")
            write_supplementary(beside, folder / "results")
            write_examples(result, folder)
            write_report(result, folder / "report.html", beside)
            seal(folder, run_facts(result))
    except KeyboardInterrupt:
        raise click.Abort(stopped(kept_blocks(target))) from None
    print_answer(result, beside, target)
