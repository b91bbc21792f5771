"""``trialsim schema``: what a protocol or a card may hold, for editors and for readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pydantic import BaseModel

TITLES = {"protocol": "The protocol file, field by field", "card": "The cohort card, field by field"}
FOLDERS = {"protocol": "protocols", "card": "cohorts"}


@click.command()
@click.argument("kind", type=click.Choice(["protocol", "card", "output"]), default="protocol")
@click.option(
    "--markdown", is_flag=True, help="Print a page of every field instead, with units and examples."
)
@click.option("--json", "_as_json", is_flag=True, help="Print the JSON Schema; this is the default.")
def schema(kind: str, markdown: bool, _as_json: bool) -> None:
    """Print the JSON Schema of a protocol (format trialsim.protocol/2), of a cohort card, or of --json.

    \b
    Examples:
      trialsim schema > protocol.schema.json
      trialsim schema card > card.schema.json
      trialsim schema output                       what each command prints with --json
      trialsim schema --markdown > fields.md

    An editor that knows the schema completes field names, explains them, and marks wrong values while you
    type.
    """
    import json

    from trialsim.cli.terminal.as_json import OUTPUT_SCHEMA
    from trialsim.errors import InputError
    from trialsim.protocol.fields import described_schema

    if markdown and kind == "output":
        raise InputError("is of files", field="--markdown", mend="read docs/commands.md for the output")
    if markdown:
        click.echo(reference_page(kind))
    else:
        shown = OUTPUT_SCHEMA if kind == "output" else described_schema(_model(kind))
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))


def reference_page(kind: str) -> str:
    """Return the page of every field of a protocol or a card, with examples from the shipped files."""
    import json
    import tomllib

    from trialsim.cli.init import example_folder
    from trialsim.protocol.fields import fields_page, used_in

    model = _model(kind)
    files = sorted(example_folder(FOLDERS[kind]).glob("*.toml"))
    read = (json.dumps(tomllib.loads(file.read_text(encoding="utf-8"))) for file in files)
    return fields_page(model, TITLES[kind], used_in(map(model.model_validate_json, read)))


def _model(kind: str) -> type[BaseModel]:
    from trialsim.population import CohortCard
    from trialsim.protocol.declared import DeclaredTrial
    from trialsim.protocol.declared.trial import load_kinds

    load_kinds()
    models: dict[str, type[BaseModel]] = {"protocol": DeclaredTrial, "card": CohortCard}
    return models[kind]
