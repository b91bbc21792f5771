"""Fields that a trial file gives and nothing reads: refused, since their user believes that they act."""

from __future__ import annotations

from collections.abc import Iterator

from trialsim.protocol.declared.conduct import DiscontinuationDeclared
from trialsim.protocol.declared.design import (
    BayesianDesign,
    FixedDesign,
    GroupSequentialDesign,
    MultiArmDesign,
    ResizingDesign,
)
from trialsim.protocol.declared.design_kinds import Design
from trialsim.protocol.reading import Strict


def unread_of_design(design: Design, outcome: str) -> list[str]:
    """Return the fields of a design that are given, and that it does not read with this kind of outcome.

    Examples
    --------
    >>> unread_of_design(FixedDesign(kind="fixed", month=6.0), "response")
    ['month']
    """
    return [name for name in _not_read(design, outcome == "time_to_event") if is_given(design, name)]


def _not_read(design: Design, survival: bool) -> Iterator[str]:
    if isinstance(design, FixedDesign):
        if not survival:
            yield from ("events", "month", "latest_month")
        elif design.month is not None:
            yield "latest_month"
    if isinstance(design, GroupSequentialDesign):
        if design.timing != "calendar":
            yield from ("planned_events", "spend_by")
        elif not survival:
            yield "planned_events"
        if design.timing == "calendar" or not survival:
            yield "latest_month"
    if isinstance(design, ResizingDesign):
        if design.method == "blinded":
            yield from ("zone", "test")
        elif not survival:
            yield "test"
        if not survival:
            yield "latest_month"
    if isinstance(design, MultiArmDesign) and not survival:
        yield "latest_month"
    if isinstance(design, BayesianDesign) and design.rule == "posterior":
        yield "stop_above"


def unread_of_cause(cause: DiscontinuationDeclared) -> list[str]:
    """Return the fields of a cause that are given, where its outcome has no visits to read them."""
    return [name for name in ("strategy", "after") if is_given(cause, name)]


def is_given(table: Strict, name: str) -> bool:
    """Return whether a field differs from its default."""
    return bool(getattr(table, name) != type(table).model_fields[name].default)
