"""``trialsim schema``: the JSON Schema of a protocol or a card, for editors that complete and check."""

from __future__ import annotations

import click


@click.command()
@click.argument("kind", type=click.Choice(["protocol", "card"]), default="protocol")
def schema(kind: str) -> None:
    """Print the JSON Schema of a protocol (format trialsim.protocol/2) or of a cohort card.

    \b
      trialsim schema > protocol.schema.json
      trialsim schema card > card.schema.json

    An editor that is told of the schema completes field names and marks wrong values while you type.
    """
    import json

    from pydantic import BaseModel

    from trialsim.population import CohortCard
    from trialsim.protocol.declared import DeclaredTrial
    from trialsim.protocol.declared.trial import load_kinds

    load_kinds()
    models: dict[str, type[BaseModel]] = {"protocol": DeclaredTrial, "card": CohortCard}
    click.echo(json.dumps(models[kind].model_json_schema(), indent=1, ensure_ascii=False))
