"""Arms, and why participants leave them, as simulated trials with visits take them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trialsim.protocol.question import Fraction, Slug, Text
from trialsim.protocol.reading import Strict


class Arm(Strict):
    """A treatment arm; `allocation` is its share of the allocation ratio, such as 2 in 2:1."""

    name: Slug
    role: Literal["control", "active"]
    allocation: Annotated[float, Field(gt=0, le=100)]


class Dropout(Strict):
    """One cause of dropout: the share of each arm that it takes by the last visit."""

    cause: Text
    cumulative: dict[str, Fraction]
    source: Text
