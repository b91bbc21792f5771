"""A trial declared in a file: all of its parts, and whether they go together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, model_serializer, model_validator
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from trialsim.errors import ProtocolError
from trialsim.protocol.declared.analyses import AnalysisDeclared
from trialsim.protocol.declared.conduct import (
    DiscontinuationDeclared,
    Factor,
    IntercurrentDeclared,
    Randomisation,
    TrialArm,
    TrialEnrolment,
)
from trialsim.protocol.declared.consistency.analyses import check_analyses
from trialsim.protocol.declared.consistency.conduct import check_conduct, check_pair, check_unread
from trialsim.protocol.declared.consistency.context import check_context
from trialsim.protocol.declared.consistency.effects import check_effects, check_names
from trialsim.protocol.declared.consistency.parts import check_parts
from trialsim.protocol.declared.consistency.several import check_endpoint_names, check_several
from trialsim.protocol.declared.consistency.unread import is_given
from trialsim.protocol.declared.context import Context
from trialsim.protocol.declared.control_arm import Borrowing, CardSensitivity, Costs, Estimand
from trialsim.protocol.declared.course import Safety
from trialsim.protocol.declared.design import FixedDesign
from trialsim.protocol.declared.design_kinds import Design, DesignKind, add_design, design_kind
from trialsim.protocol.declared.effects import Effect
from trialsim.protocol.declared.endpoints import Endpoint, Outcome, add_endpoint
from trialsim.protocol.declared.history import HistoryDeclared
from trialsim.protocol.declared.paths import without_kinds
from trialsim.protocol.declared.people import Population
from trialsim.protocol.declared.scenarios import Axis, TrialSimulation, World
from trialsim.protocol.declared.several.hypotheses import Dependence, Hypothesis, Multiplicity
from trialsim.protocol.declared.sizing import SizeQuestion
from trialsim.protocol.declared.twins import Twins
from trialsim.protocol.question import Slug, Text
from trialsim.protocol.reading import Strict, check_model, read_toml

_LARGEST_GRID = 2_000
Kind = TypeVar("Kind")
ENDPOINT_POINTS, DESIGN_POINTS = "trialsim.endpoints", "trialsim.designs"


class DeclaredTrial(Strict):
    """A trial, as its user declares it; read it with `read_trial`.

    `participants` is the planned size; designs in stages have their own.
    """

    format: Literal["trialsim.protocol/2"]
    name: Slug
    title: Text
    question: Text
    context_of_use: Text | None = None
    context: Context | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    participants: Annotated[int, Field(ge=4, le=200_000)] | None = None
    estimand: Estimand | None = None
    population: Population | None = None
    arms: Annotated[tuple[TrialArm, ...], Field(min_length=2, max_length=12)]
    endpoints: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    effects: tuple[Effect, ...]
    safety: Safety | None = None
    history: HistoryDeclared | None = None
    twins: Twins | None = None
    sizing: SizeQuestion | None = None
    costs: Costs | None = None
    borrowing: Borrowing | None = None
    card_sensitivity: CardSensitivity | None = None
    strata: tuple[Factor, ...] = ()
    enrolment: TrialEnrolment | None = None
    randomisation: Randomisation | None = None
    discontinuation: tuple[DiscontinuationDeclared, ...] = ()
    intercurrent_events: tuple[IntercurrentDeclared, ...] = ()
    design: Design
    analyses: tuple[AnalysisDeclared, ...] = ()
    simulation: TrialSimulation
    scenarios: Annotated[tuple[World, ...], Field(min_length=1)]
    dependence: tuple[Dependence, ...] = ()
    hypotheses: Annotated[tuple[Hypothesis, ...], Field(max_length=12)] = ()
    multiplicity: Multiplicity | None = None
    grid: tuple[Axis, ...] = ()
    largest_grid: Annotated[int, Field(ge=1, le=100_000)] = _LARGEST_GRID

    @property
    def outcome(self) -> Outcome:
        """The primary endpoint."""
        return self.endpoints[0]

    @property
    def several(self) -> bool:
        """Whether hypotheses are tested together: of several endpoints, populations or arms."""
        return bool(self.hypotheses) or len(self.endpoints) > 1

    @model_validator(mode="after")
    def _check(self) -> DeclaredTrial:
        check_endpoint_names(self)
        if self.several:
            check_several(self)
            check_context(self)
            return self
        check_parts(self)
        check_names(self)
        check_effects(self)
        check_pair(self)
        check_unread(self)
        check_conduct(self)
        check_analyses(self)
        check_context(self)
        return self

    @model_serializer(mode="wrap")
    def _without_several(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what only trials with several hypotheses have: others keep their canonical form."""
        made: dict[str, Any] = handler(self)
        for field in ("dependence", "hypotheses", "multiplicity"):
            if not made.get(field):
                made.pop(field, None)
        return made

    @property
    def in_stages(self) -> bool:
        """Whether the design says how many enter in each stage, and draws arms instead of visits."""
        return design_kind(self.design.kind).in_stages and self.outcome.kind != "time_to_event"

    @property
    def arm_names(self) -> tuple[str, ...]:
        """Names of the arms, the control first."""
        return tuple(arm.name for arm in self.arms)

    def to_dict(self) -> dict[str, Any]:
        """Return the trial with all defaults filled in, as plain JSON types.

        Fields that came later are left out where they say nothing: runs from before keep their hashes.
        """
        found = self.model_dump(mode="json")
        for later in ("context", "safety"):
            if found[later] is None:
                del found[later]
        if isinstance(self.design, FixedDesign) and not is_given(self.design, "multiplicity"):
            del found["design"]["multiplicity"]
        return found

    def content_hash(self) -> str:
        """Return the SHA-256 of the canonical form, which white space and key order do not change."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


def read_trial(path: Path | str) -> DeclaredTrial:
    """Read a trial from a TOML file.

    Parameters
    ----------
    path : Path or str
        The file; docs/trials.md teaches the format.

    Returns
    -------
    DeclaredTrial

    Raises
    ------
    ProtocolError
        The file cannot be read or breaks a rule; every broken rule is named with field, value and mend.

    Examples
    --------
    >>> read_trial("protocols/survival_delayed_effect.toml").name
    'survival_delayed_effect'
    """
    return trial_from_dict(read_toml(path, ProtocolError), file=path)


def trial_from_dict(tables: dict[str, Any], *, file: Path | str | None = None) -> DeclaredTrial:
    """Return the trial of plain tables, such as those of `DeclaredTrial.to_dict`.

    Parameters
    ----------
    tables : dict
        Tables of a trial file, as `tomllib` reads them.
    file : Path or str, optional
        File to be named in refusals.

    Returns
    -------
    DeclaredTrial
        Checked and frozen.

    Raises
    ------
    ProtocolError
        A rule is broken; every broken rule is named with field, value and mend.

    Examples
    --------
    >>> trial = read_trial("protocols/survival_delayed_effect.toml")
    >>> trial_from_dict(trial.to_dict()) == trial
    True
    """
    load_kinds()
    return check_model(tables, DeclaredTrial, ProtocolError, file=file, place=without_kinds)


def register_endpoint(one: Endpoint) -> Endpoint:
    """Add a kind of endpoint for this session; files may name it from then on.

    Parameters
    ----------
    one : Endpoint
        Its name must be free; the same kind may be registered again.

    Returns
    -------
    Endpoint
        What was given.

    Raises
    ------
    DesignError
        Another endpoint has this name.

    Examples
    --------
    >>> from trialsim.protocol.declared.endpoints import endpoint
    >>> register_endpoint(endpoint("score")).kind
    'score'
    """
    add_endpoint(one)
    DeclaredTrial.model_rebuild(force=True)
    return one


def register_design(one: DesignKind) -> DesignKind:
    """Add a kind of design for this session; files may name it from then on.

    Parameters
    ----------
    one : DesignKind
        Its name must be free; the same kind may be registered again.

    Returns
    -------
    DesignKind
        What was given.

    Raises
    ------
    DesignError
        Another design has this name.

    Examples
    --------
    >>> register_design(design_kind("fixed")).kind
    'fixed'
    """
    add_design(one)
    DeclaredTrial.model_rebuild(force=True)
    return one


@cache
def load_kinds() -> None:
    """Register the endpoints and designs of other packages, once: their entry points name them.

    Raises
    ------
    ProtocolError
        A package offers one that cannot be used.
    """
    for point, found in _offered(ENDPOINT_POINTS):
        register_endpoint(_of_kind(found, Endpoint, point))
    for point, found in _offered(DESIGN_POINTS):
        register_design(_of_kind(found, DesignKind, point))


def _offered(group: str) -> Iterator[tuple[str, object]]:
    """Yield where other packages offer something, and what it is."""
    for point in entry_points(group=group):
        where = f"entry point {group}: {point.name}"
        try:
            yield where, point.load()
        except (ImportError, AttributeError) as fault:
            raise ProtocolError(
                f"cannot be imported ({fault})", field=where, value=point.value,
                mend="mend or remove its package",
            ) from None  # fmt: skip


def _of_kind(found: object, kind: type[Kind], where: str) -> Kind:
    if not isinstance(found, kind):
        raise ProtocolError(
            f"is no {kind.__name__}", field=where, value=type(found).__name__, mend="make it one"
        )
    return found
