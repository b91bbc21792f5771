"""Tables that belong to one endpoint of a trial with several."""

from __future__ import annotations

from typing import Any

from pydantic import model_serializer
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from trialsim.protocol.question import Slug
from trialsim.protocol.reading import Strict


class OfEndpoint(Strict):
    """A table of one endpoint; a trial with one endpoint need not name it, nor does its canonical form."""

    endpoint: Slug | None = None

    @model_serializer(mode="wrap")
    def _without_endpoint(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        made: dict[str, Any] = handler(self)
        if made.get("endpoint") is None:
            made.pop("endpoint", None)
        return made
