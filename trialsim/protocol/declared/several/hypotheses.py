"""Hypotheses of a trial with several endpoints, their graph, and how the endpoints hang together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from trialsim.errors import ProtocolError
from trialsim.protocol.declared.bounds import Efficacy
from trialsim.protocol.question import Slug
from trialsim.protocol.reading import Strict, duplicates, refuse

Events = Annotated[int, Field(ge=1, le=1_000_000)]
Part = Annotated[float, Field(ge=0, le=1)]
_NO_LEVELS = ("given",)


class SubPopulation(Strict):
    """Those at one `level` of a stratification `factor`."""

    factor: Slug
    level: Slug


class Hypothesis(Strict):
    """No benefit in one or several analyses: the hypothesis is claimed where all of them are significant.

    `arm` is the active arm that is compared with the control, in everybody or in a `population`. `weight` is
    its share of alpha at the start; once claimed it `passes` shares of what it has to others. `efficacy`
    spends its alpha over the looks, that of the design if left out. `planned_events` are those at which the
    information of its times to an event is whole, the same for all its endpoints or by endpoint.
    """

    name: Slug
    analyses: Annotated[tuple[Slug, ...], Field(min_length=1, max_length=8)]
    arm: Slug | None = None
    population: SubPopulation | None = None
    weight: Part = 0.0
    passes: dict[Slug, Part] = Field(default_factory=dict)
    efficacy: Efficacy | None = None
    planned_events: Events | dict[Slug, Events] | None = None

    def events_of(self, endpoint: str) -> int | None:
        """Return the planned events of one of its endpoints, None where none are declared."""
        given = self.planned_events
        return given.get(endpoint) if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _check(self) -> Hypothesis:
        if repeated := duplicates(self.analyses):
            raise refuse("an analysis is named twice", repeated, field="analyses", mend="name it once")
        if self.name in self.passes:
            raise refuse(
                "passes alpha to itself, which would create alpha", self.name, field="passes",
                mend="name other hypotheses",
            )  # fmt: skip
        total = sum(self.passes.values())
        if total > 1 + 1e-9:
            raise refuse(
                f"passes on {total:g} of what it has: a cycle that creates alpha", self.passes,
                field="passes",
                mend="let the shares add up to at most 1",
            )  # fmt: skip
        return self


class Multiplicity(Strict):
    """How alpha is shared: by the `graph` of the hypotheses, or by a named procedure in their order.

    ``fixed_sequence`` tests them one after another; ``holm`` and ``hochberg`` give all of them the same share
    (``hochberg`` with one look alone, and for statistics that are independent or positively dependent). The
    trial ends when all hypotheses of `stop_when` are claimed, all there are if left out. With `partial_nulls`
    every scenario of kind alternative is also simulated with each set of its effects taken away.
    """

    procedure: Literal["graph", "fixed_sequence", "holm", "hochberg"] = "graph"
    stop_when: tuple[Slug, ...] = ()
    partial_nulls: bool = False


class Copula(Strict):
    """Two endpoints of a Gaussian copula, by the correlation in the control arm.

    ``latent`` is that of the normal deviates, ``spearman`` of ranks (of endpoints without ties), ``pearson``
    of the outcomes themselves (scores at the last visit, responses and levels). Larger outcomes and later
    events go together where it is above 0.
    """

    kind: Literal["copula"]
    between: tuple[Slug, Slug]
    correlation: Annotated[float, Field(gt=-1, lt=1)]
    measure: Literal["latent", "spearman", "pearson"] = "latent"

    @model_validator(mode="after")
    def _check(self) -> Copula:
        if self.between[0] == self.between[1]:
            raise refuse("names an endpoint twice", self.between, field="between", mend="name two endpoints")
        return self


class IllnessDeath(Strict):
    """A `first` event that is progression or death, and the `death`: never later than it.

    Both endpoints keep their declared laws in every arm. `share_of_deaths` of the first events are deaths, at
    any time; the hazard of death after progression follows from the laws.
    """

    kind: Literal["illness_death"]
    first: Slug
    death: Slug
    share_of_deaths: Annotated[float, Field(gt=0, lt=1)]


Dependence = Annotated[Copula | IllnessDeath, Field(discriminator="kind")]


def shares_of(hypotheses: Sequence[Hypothesis], procedure: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights (m,) and the transitions (m, m) of a procedure.

    Examples
    --------
    >>> two = [Hypothesis(name=name, analyses=(name,)) for name in ("a", "b")]
    >>> [one.tolist() for one in shares_of(two, "fixed_sequence")]
    [[1.0, 0.0], [[0.0, 1.0], [0.0, 0.0]]]
    """
    m, names = len(hypotheses), [one.name for one in hypotheses]
    if procedure == "graph":
        passes = np.array([[one.passes.get(name, 0.0) for name in names] for one in hypotheses])
        return np.array([one.weight for one in hypotheses]), passes.reshape(m, m)
    if procedure == "fixed_sequence":
        return np.eye(m)[0], np.eye(m, k=1)
    if procedure in ("holm", "hochberg"):
        return np.full(m, 1.0 / m), (1.0 - np.eye(m)) / max(m - 1, 1)
    raise ProtocolError(
        "is no procedure", field="multiplicity.procedure", value=procedure,
        mend="use graph, fixed_sequence, holm or hochberg",
    )  # fmt: skip


def spends_at_any_level(efficacy: Efficacy) -> bool:
    """Return whether a rule gives bounds for any level that a graph passes on."""
    return efficacy.rule not in _NO_LEVELS
