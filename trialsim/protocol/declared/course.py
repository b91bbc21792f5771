"""Where the outcomes of an endpoint come from, if not from a marginal law: a disease model or a history."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trialsim.protocol.question import Slug, Text
from trialsim.protocol.reading import Strict


class ModelCourse(Strict):
    """What happens to people by a disease model.

    `options` are those of its class. `dials` set dials of the model in every arm: what makes it meet a
    published control arm, or a world that differs from the history. `source` says why both.
    """

    kind: Literal["model"]
    model: Slug
    options: dict[str, float] = Field(default_factory=dict)
    dials: dict[Slug, float] = Field(default_factory=dict)
    source: Text | None = None


class HistoryCourse(Strict):
    """The posterior predictive of the prognostic model itself: a placebo arm alone is enough.

    Such a world cannot show a drift that nobody declares, nor what the model got wrong.
    """

    kind: Literal["history"]


Course = Annotated[ModelCourse | HistoryCourse, Field(discriminator="kind")]
