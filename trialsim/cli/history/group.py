"""``trialsim history``: past participants from where they are."""

from __future__ import annotations

import click

from trialsim.cli.history.from_data import from_adam, from_fhir, from_omop
from trialsim.cli.history.from_km import from_km
from trialsim.cli.history.gauntlet import gauntlet


@click.group()
def history() -> None:
    """Make a history of past participants from where they are, and ask whether to borrow from it.

    \b
      trialsim history from-km curve.csv --at-risk numbers.csv    a published Kaplan-Meier figure
      trialsim history from-adam adam --map map.toml              ADaM: Dataset-JSON, XPORT, CSV, Parquet
      trialsim history from-fhir fhir --map map.toml              FHIR R4: bundles or NDJSON
      trialsim history from-omop cdm.sqlite --map map.toml        OMOP CDM 5: SQLite, Parquet, CSV

      trialsim history gauntlet trials                            may these past trials be borrowed from?

    Each from-... writes a file that trialsim new and trialsim run --history read.
    """


history.add_command(from_km)
history.add_command(from_adam)
history.add_command(from_fhir)
history.add_command(from_omop)
history.add_command(gauntlet)
