"""What a disease model is: people in, and what would happen to each of them out.

One method draws: `DiseaseModel.draw`. It is a function of people, *dials* and named streams of chance. A dial
is a number of the model that a treatment may change, such as a rate. Called twice with the same chance and
other dials it gives the same people with the same luck under two treatments: potential outcomes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Evidence, Parameters, evidence_counts
from trialsim.errors import InputError

Kind = Literal["score", "response", "level", "count", "recurrent", "time_to_event"]
Chance = Callable[[str], np.random.Generator]
Dials = Mapping[str, float | Floats]


@dataclass(frozen=True)
class Input:
    """A covariate that a model needs of everybody.

    Parameters
    ----------
    name : str
        As cohort cards call it.
    unit : str
        Unit; ``"0 or 1"`` of a yes or no.
    low, high : float
        The range in which the model makes sense.
    source : str
        Why this range.
    open_low, open_high : bool
        Whether an end does not belong to the range.
    """

    name: str
    unit: str
    low: float
    high: float
    source: str
    open_low: bool = False
    open_high: bool = False

    @property
    def range(self) -> str:
        """The range as text: square brackets where an end belongs to it."""
        ends = "(" if self.open_low else "[", ")" if self.open_high else "]"
        return f"{ends[0]}{self.low:.4g}, {self.high:.4g}{ends[1]}"


@dataclass(frozen=True)
class Dial:
    """A number of the model that a treatment may change.

    Parameters
    ----------
    name : str
        Name in protocols.
    operation : str
        ``multiply`` (1 changes nothing) or ``add`` (0 changes nothing).
    low, high : float
        What a treatment may multiply by, or add.
    unit : str
        Of what is added; ``"ratio"`` of what is multiplied by.
    says : str
        What it moves, for a reader of the protocol.
    """

    name: str
    operation: Literal["multiply", "add"]
    low: float
    high: float
    unit: str
    says: str

    @property
    def idle(self) -> float:
        """The value that changes nothing."""
        return 1.0 if self.operation == "multiply" else 0.0

    def join(self, first: float | Floats, second: float | Floats) -> float | Floats:
        """Return what two settings do together."""
        return first * second if self.operation == "multiply" else first + second


@dataclass(frozen=True)
class Endpoint:
    """An outcome that a model gives.

    Parameters
    ----------
    name, unit : str
        Name in protocols, and unit.
    kind : str
        As `endpoints.kind` of a protocol.
    higher_is_worse : bool
        Direction.
    horizon_weeks : float
        How long the model's sources followed people: beyond it the model only goes on.
    lower, upper : float
        Ends of a score's scale.
    levels : tuple of str
        Of ordered levels, from least to most.
    """

    name: str
    kind: Kind
    unit: str
    higher_is_worse: bool
    horizon_weeks: float
    lower: float = -np.inf
    upper: float = np.inf
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Realised:
    """What would happen to M people under one treatment.

    Parameters
    ----------
    outcomes : ndarray (M, K)
        A score at every week asked for, a response (0 or 1), the position of a level, a count, the months to
        an event (infinite if it never comes), or the months of recurrent events in ascending order, NaN
        beyond the last.
    ends : ndarray (M,), optional
        Month in which something else ends what can be seen of a person, such as death; infinite for nobody.
        None if nothing does. Outcomes are those before it.
    """

    outcomes: Floats
    ends: Floats | None = None


class DiseaseModel(ABC):
    """A disease model; one class a model, in one file of at most 200 lines.

    Class attributes say what it is: `name` in protocols, `title`, `parameters` with their evidence, the
    `inputs` that it needs of people, the `dials` that a treatment may change, the `endpoints` that it gives,
    and `sources`. Options of ``__init__`` are numbers with defaults, which protocols may set.
    """

    name: str
    title: str
    parameters: Parameters
    inputs: tuple[Input, ...]
    dials: tuple[Dial, ...]
    endpoints: tuple[Endpoint, ...]
    sources: tuple[str, ...]

    @abstractmethod
    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw what happens to people.

        Parameters
        ----------
        people : Covariates
            M people with at least the `inputs`.
        endpoint : str
            One of `endpoints`.
        dials : mapping of str to float or ndarray
            Settings that differ from doing nothing; an array has one a person (M,). The chance that is used
            up must not depend on them.
        weeks : ndarray (K,)
            Weeks of the visits of a score, from 0 on; else the end of follow-up alone.
        chance : callable
            From the component ``disease`` (what people are) or ``outcome`` (what happens to them) to a fresh
            generator, the same at every call.

        Raises
        ------
        InputError
            A covariate is missing or out of range, or a dial is unknown, or out of range.
        """

    def endpoint_named(self, name: str) -> Endpoint:
        """Return an endpoint, or raise `InputError` that lists them."""
        for one in self.endpoints:
            if one.name == name:
                return one
        raise InputError(
            f"is no endpoint of the disease model {self.name}", field="endpoints.name", value=name,
            mend=f"use {' or '.join(one.name for one in self.endpoints)}",
        )  # fmt: skip

    def evidence(self) -> dict[Evidence, int]:
        """Return how many of its numbers are published, computed, recalled and assumed."""
        return evidence_counts(self.parameters)
