"""Tables whose model is chosen by their kind, among those that are registered when a file is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class ByKind:
    """Metadata of a field: the table's ``kind`` names its model.

    Parameters
    ----------
    models : callable
        Returns the model of each kind; it is asked when the schema of the whole file is made.
    """

    def __init__(self, models: Callable[[], Mapping[str, type[BaseModel]]]) -> None:
        self.models = models

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices: dict[Any, CoreSchema] = {
            kind: handler.generate_schema(model) for kind, model in self.models().items()
        }
        return core_schema.tagged_union_schema(choices, discriminator="kind")
