"""``trialsim export``: runs and protocols in the formats of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.terminal.written import refuse_inside

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("dataset-json", "xport", "parquet")


@click.group()
def export() -> None:
    """Write a run, or a protocol, in the formats of other programs.

    \b
    Examples:
      trialsim export data RUN -o adam            ADaM-like data sets (Dataset-JSON, XPORT, Parquet)
      trialsim export results RUN -o results.json  operating characteristics after the ARS
      trialsim export crate RUN -o crate          the run with RO-Crate metadata beside it
      trialsim export usdm PROTOCOL -o study.json  a digital protocol (USDM 4)

    A protocol comes from a USDM file by trialsim new STUDY.json.
    """


@export.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder to write; it must not exist yet.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="dataset-json",
    show_default=True,
    help="Format of the files: CDISC Dataset-JSON, SAS transport (XPORT), or Parquet.",
)
@click.option(
    "--trial", "trials", metavar="CELL:REPLICATE", multiple=True,
    help="Whose participants to write; may be repeated.  [default: the trials of the first cell at the 5th, "
    "50th and 95th percentile of the estimate]",
)  # fmt: skip
@click.option(
    "--history",
    type=click.Path(path_type=Path),
    help="The history that the simulated people come from, if the run does not hold it itself.",
)
def data(run: Path, output: Path, kind: str, trials: tuple[str, ...], history: Path | None) -> None:
    """Write ADaM-like data sets of the simulated trials of a RUN.

    \b
      trialsim export data reports/example -o adam
      trialsim export data reports/example -o adam --format xport --trial alternative:17 --trial null:3

    ADSL, ADEFF and ADTTE hold the participants of some trials, ADTWIN their placebo twins, ADSIM every trial
    and analysis. define.json says what each variable is. Each file says that its data are synthetic. Where
    the simulated people are participants of a real history, only ADSIM is written, and nobody's values.
    """
    from trialsim.exchange import datasets_of_run, write_datasets
    from trialsim.study.bundles.bundled import manifest_of

    refuse_inside(output, run)
    found = datasets_of_run(run, [_trial(one) for one in trials], history)
    manifest = manifest_of(run)
    write_datasets(
        found, output, kind, {"protocol": str(manifest["protocol"]), "root": str(manifest["root"])}
    )
    if len(found) == 1:
        click.echo(
            "No participants: the design keeps none, or they are people of a history, who are not synthetic."
        )
    for one in found:
        click.echo(f"{one.name:8} {len(one.frame):>9,} rows  {one.label}")
    click.echo(f"wrote {output}")


def _trial(text: str) -> tuple[str, int]:
    from trialsim.errors import InputError

    cell, _, number = text.rpartition(":")
    if not cell or not number.isdecimal():
        raise InputError(
            "names no trial", field="--trial", value=text, mend="write CELL:REPLICATE, such as null:3"
        )
    return cell, int(number)


@export.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path),
    help=".json: a reporting event; .csv or .parquet: the results as a long table (ARD).",
)  # fmt: skip
def results(run: Path, output: Path) -> None:
    """Write the operating characteristics of a RUN after the Analysis Results Standard.

    \b
      trialsim export results reports/example -o results.json
      trialsim export results reports/example -o ard.csv

    Every result names its analysis, method, operation, analysis set and group, and has its Monte Carlo error.
    """
    from trialsim.exchange import analysis_results

    _refuse_ending(output, ".json", ".csv", ".parquet")
    refuse_inside(output, run)
    event, table = analysis_results(run)
    if output.suffix == ".json":
        _write_json(event, output)
        click.echo(f"wrote {len(table)} results to {output}")
    else:
        _write_table(table, output)


@export.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder to write; it must not exist yet.",
)
def crate(run: Path, output: Path) -> None:
    """Write a RUN as a research object (RO-Crate 1.2): the run in a folder, and what made it.

    \b
      trialsim export crate reports/example -o crate

    The run itself stays as it was sealed: trialsim verify crate/example still holds.
    """
    from trialsim.exchange.crate import write_crate

    refuse_inside(output, run)
    click.echo(f"wrote {write_crate(run, output)}")


@export.command()
@click.argument("protocol", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The .json file to write."
)
@click.option(
    "--onto", type=click.Path(path_type=Path), help="The USDM file that the protocol was drafted from."
)
def usdm(protocol: Path, output: Path, onto: Path | None) -> None:
    """Write a PROTOCOL as a USDM 4 study.

    \b
    Examples:
      trialsim export usdm trial.toml -o study.json
      trialsim export usdm trial.toml -o study.json --onto sponsor_study.json

    Arms are marked Synthetic Data (C176263). What USDM has no field for, such as level, power and effects,
    stands in extension attributes. With --onto everything else of that study stays as it is.
    """
    from trialsim.exchange import read_usdm, to_usdm
    from trialsim.protocol.declared import read_trial

    _refuse_ending(output, ".json")
    trial = read_trial(protocol)
    _write_json(to_usdm(trial, None if onto is None else read_usdm(onto)), output)
    click.echo(f"wrote {output}")


def _refuse_ending(output: Path, *endings: str) -> None:
    from trialsim.errors import InputError

    if output.suffix not in endings:
        raise InputError("unknown kind of file", field="--output", value=output.name,
                         mend=f"end it in {' or '.join(endings)}")  # fmt: skip


def _write_json(content: Any, path: Path) -> None:
    from trialsim.protocol.writing import whole_file

    with whole_file(path) as scratch:
        scratch.write_text(
            json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )


def _write_table(table: pd.DataFrame, path: Path) -> None:
    from trialsim.cli.terminal.tables import write_frame

    write_frame(table, path)
    click.echo(f"wrote {len(table)} results to {path}")
