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


class Safety(Strict):
    """Harm beside the benefit of several doses: a response of the same disease model.

    `limit` is the largest share of an arm that may have it, `weight` the benefit, on the scale of the
    analysis, that outweighs harm in everybody. A trial chooses, among the arms that it claims and whose share
    is within the limit, the one with the largest benefit − weight · (share − share of the control).
    """

    endpoint: Slug
    limit: Annotated[float, Field(gt=0, lt=1)]
    weight: Annotated[float, Field(ge=0, le=1e9)]
    source: Text


Course = Annotated[ModelCourse | HistoryCourse, Field(discriminator="kind")]
