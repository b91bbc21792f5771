"""``trialsim history from-adam``, ``from-fhir`` and ``from-omop``: a history from others' records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from trialsim.exchange.histories.building import Built
    from trialsim.exchange.histories.records import Source

FILE = click.Path(path_type=Path, dir_okay=False)
DATA = click.Path(path_type=Path)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that every format has."""
    for option in (
        click.option("--force", is_flag=True, help="Overwrite outputs that are there."),
        click.option(
            "--like", type=FILE, metavar="CARD",
            help="Refuse unless time zero, visits and units are those of another history's .card.json.",
        ),
        click.option("--no-dates", is_flag=True, help="Leave calendar dates out; days from day 0 stay."),
        click.option(
            "-o", "--output", type=FILE, default=Path("history.csv"), show_default=True,
            help="CSV of the history; its provenance and data card are written beside it.",
        ),
        click.option(
            "--map", "declaration", type=FILE, required=True,
            help="TOML: which columns, codes, units and windows.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("from-adam")
@click.argument("folder", type=DATA)
@_options
def from_adam(folder: Path, declaration: Path, output: Path, **given: Any) -> None:
    """Make a history of the ADaM data sets in FOLDER: ADSL, and BDS or TTE data sets beside it.

    \b
    Example:
      trialsim history from-adam adam --map map.toml -o placebo.csv
      trialsim new placebo.csv --outcome adas --week week

    Files are Dataset-JSON 1.1, SAS transport files (XPORT 5), CSV or Parquet, one data set each, named as it
    is: adsl.json, adqs.xpt. --map says what to read:

    \b
      keep = [{ from = "ADSL.TRT01P", equals = "Placebo" }, { from = "ADSL.ITTFL", equals = "Y" }]
      site = { from = "ADSL.SITEID" }
      [outcome]
      name = "adas"
      from = "ADQS"                    # AVAL; ADQS.CHG and ADQS.BASE name other columns
      code = "ACTOT"                   # PARAMCD
      where = { ANL01FL = "Y", DTYPE = "" }
      visit = "AVISITN"                # weeks; or [zero] and window, for days
      weeks = [0, 8, 16, 24]           # or week = 24, for one row a participant
      [covariates]
      age = { from = "ADSL.AGE" }
      female = { from = "ADSL.SEX", values = { F = 1, M = 0 } }

    \b
    A time to an event (CNSR = 0 is the event):
      outcome = { name = "death", from = "ADTTE", code = "OS", kind = "time_to_event", unit = "mo",
                  unit_if_missing = "d" }

    Participants are named p0001, p0002, ... and sites site01, ... in the order of the data's identifiers,
    which are in no output. Each value keeps its source, date and unit in OUTPUT's .provenance.csv. Values of
    one visit that contradict each other are shown there, and their cell is left empty unless prefer decides.
    """
    from trialsim.exchange.histories import AdamFolder

    _make(AdamFolder, folder, declaration, output, **given)


@click.command("from-fhir")
@click.argument("folder", type=DATA)
@_options
def from_fhir(folder: Path, declaration: Path, output: Path, **given: Any) -> None:
    """Make a history of the FHIR R4 resources in FOLDER: .json bundles or resources, or .ndjson.

    \b
    Example:
      trialsim history from-fhir fhir --map map.toml -o diabetes.csv
      trialsim new diabetes.csv --outcome hba1c --week week

    Patient, Observation, Condition and MedicationRequest are read. --map says what of them, by system|code:

    \b
      zero = { from = "Condition", code = "http://snomed.info/sct|44054006" }    # day 0: its first record
      keep = [{ from = "MedicationRequest", code = "http://www.nlm.nih.gov/research/umls/rxnorm|6809" }]
      site = { from = "Patient.managingOrganization" }
      [outcome]
      name = "hba1c"
      from = "Observation"
      code = "http://loinc.org|4548-4"
      weeks = [0, 26, 52]
      window = [-28, 28]               # days around each visit; at week 0 they end at day 0
      unit = "%"                       # UCUM; other units are turned into it, or refused
      convert = [{ from = "mmol/mol", times = 0.09148, plus = 2.152 }]    # what UCUM has no law for
      range = [3, 20]                  # plausible
      [covariates]
      age = { from = "Patient.age", unit = "a" }
      female = { from = "Patient.gender", values = { female = 1, male = 0 } }
      glucose = { from = "Observation", code = "http://loinc.org|2345-7", unit = "mmol/L",
                  molar_mass = 180.156, window = [-180, 0], pick = "last" }
      stroke = { from = "Condition", code = "http://snomed.info/sct|230690007", window = [-3650, 0] }

    A condition or medication is 1 for who has a record in the window, and 0 for all others. A time to event:

    \b
      outcome = { name = "death", from = "Patient.deceased", until = { from = "Patient.last_record" },
                  kind = "time_to_event", unit = "mo" }

    Participants are named p0001, p0002, ..., sites site01, ... and files by their number, since files may
    be called like people. Names, addresses and record numbers are never read into anything that is written.
    """
    from trialsim.exchange.histories import FhirFolder

    _make(FhirFolder, folder, declaration, output, **given)


@click.command("from-omop")
@click.argument("source", type=DATA)
@_options
def from_omop(source: Path, declaration: Path, output: Path, **given: Any) -> None:
    """Make a history of SOURCE, an OMOP CDM 5 database: SQLite, or a folder of Parquet or CSV tables.

    \b
    Example:
      trialsim history from-omop cdm.sqlite --map map.toml -o diabetes.csv

    PERSON, MEASUREMENT, OBSERVATION, CONDITION_OCCURRENCE, DRUG_EXPOSURE, OBSERVATION_PERIOD and DEATH are
    read, and nothing is written to SOURCE. --map says what of them, by concept id:

    \b
      zero = { from = "DRUG_EXPOSURE", code = 1503297 }              # day 0: its first record
      keep = [{ from = "CONDITION_OCCURRENCE", code = [201826, 443238] }]
      site = { from = "PERSON.care_site_id" }
      aliases = { "concept 8554" = "%" }         # only where there is no table CONCEPT
      [outcome]
      name = "hba1c"
      from = "MEASUREMENT"
      code = 3004410
      weeks = [0, 26]
      window = [-28, 28]
      unit = "%"
      [covariates]
      age = { from = "PERSON.age", unit = "a" }
      female = { from = "PERSON.gender_concept_id", values = { 8532 = 1, 8507 = 0 } }
      stroke = { from = "CONDITION_OCCURRENCE", code = 443454, window = [-3650, 0] }

    \b
    A time to an event:
      outcome = { name = "death", from = "DEATH", kind = "time_to_event", unit = "mo",
                  until = { from = "OBSERVATION_PERIOD.observation_period_end_date" } }

    Participants are named p0001, p0002, ... and sites site01, .... Source values, which may be record
    numbers, are in no output.
    """
    from trialsim.exchange.histories import OmopSource

    _make(OmopSource, source, declaration, output, **given)


def _make(
    reader: Callable[[Path], Source], folder: Path, declaration: Path, output: Path, like: Path | None,
    no_dates: bool, force: bool,
) -> None:  # fmt: skip
    from trialsim.exchange import histories

    histories.refuse_output(output, folder, force)
    told = histories.read_declaration(declaration)
    if like is not None:
        histories.require_like(histories.about(told), histories.read_card(like), like)
    built = histories.build(reader(folder), told)
    card = histories.data_card(built, told)
    histories.write(built, card, output, dates=not no_dates)
    _say(built, card, output)


def _say(built: Built, card: dict[str, Any], output: Path) -> None:
    import pandas as pd
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame

    console = Console()
    for why, number in card["left_out"].items():
        console.print(f"left out: {number} by {why}", soft_wrap=True, markup=False)
    shown = ("column", "complete", "last_update", "contradictions", "outdated", "implausible", "grade")
    rows = [{name: one[name] for name in shown} | {"gain": _gain(one)} for one in card["columns"]]
    print_frame(pd.DataFrame(rows), console, f"Data card, {card['participants']} participants")
    console.print(f"wrote {output}; beside it its provenance and data card", soft_wrap=True)
    words = (
        f"--event {card['outcome']} --time time"
        if "time" in built.history
        else f"--outcome {card['outcome']}"
    )
    week = " --week week" if "week" in built.history else ""
    console.print(f"Next:  trialsim new {output} {words}{week}", soft_wrap=True)


def _gain(column: dict[str, Any]) -> str:
    """Return what a covariate adds beyond the baseline, with the lower bound that decides."""
    if column["gain"] is None:
        return str(column["gain_says"])
    return f"{column['gain']:.1%} (from {column['gain_90'][0]:.1%}): {column['gain_says']}"
