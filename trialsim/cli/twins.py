"""``trialsim twins``: fit the prognostic model alone, and see whether its twins are honest."""

from __future__ import annotations

from pathlib import Path

import click

from trialsim.cli.options import cache_option, history_option


@click.group()
def twins() -> None:
    """Fit placebo twins to a history, and validate them out of sample."""


@twins.command()
@click.argument("protocol", type=click.Path(path_type=Path))
@history_option
@cache_option
@click.option("--quiet", is_flag=True, help="No progress bars.")
def validate(protocol: Path, history: Path | None, cache: Path, quiet: bool) -> None:
    """Fit the twins of PROTOCOL, and print calibration and the gain beyond the baseline value.

    Everything is out of sample: each participant is predicted by a model that did not see them.
    """
    from rich.console import Console

    from trialsim.cli.progress import progress_bars
    from trialsim.cli.tables import print_frame
    from trialsim.disease import disease_model
    from trialsim.population import read_card
    from trialsim.protocol import cohort_path, read_protocol
    from trialsim.study import (
        calibration_frame,
        check_composition,
        gain_frame,
        generate_history,
        learn,
        load_history,
    )

    asked = read_protocol(protocol)
    card = read_card(cohort_path(asked, protocol))
    disease = disease_model(asked.disease.model, **asked.disease.options)
    check_composition(asked, card, disease, protocol)
    past = generate_history(asked, card, disease) if history is None else load_history(asked, history)
    with progress_bars(quiet) as progress:
        _, calibration, gain = learn(asked, past, cache=cache, progress=progress)
    console = Console()
    console.print(f"History: {past.source}")
    print_frame(calibration_frame(calibration), console, "Calibration, out of sample")
    print_frame(gain_frame(gain), console, "Gain beyond the baseline value, out of sample")
