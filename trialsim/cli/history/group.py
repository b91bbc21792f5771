"""``trialsim history``: past participants from where they are."""

from __future__ import annotations

import click

from trialsim.cli.history.from_data import from_adam, from_fhir, from_omop
from trialsim.cli.history.from_km import from_km


@click.group()
def history() -> None:
    """Make a history of past participants from where they are.

    \b
      trialsim history from-km curve.csv --at-risk numbers.csv    a published Kaplan-Meier figure
      trialsim history from-adam adam --map map.toml              ADaM: Dataset-JSON, XPORT, CSV, Parquet
      trialsim history from-fhir fhir --map map.toml              FHIR R4: bundles or NDJSON
      trialsim history from-omop cdm.sqlite --map map.toml        OMOP CDM 5: SQLite, Parquet, CSV

    Each writes a file that trialsim new and trialsim run --history read.
    """


history.add_command(from_km)
history.add_command(from_adam)
history.add_command(from_fhir)
history.add_command(from_omop)
