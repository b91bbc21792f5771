"""From a TOML file to a cohort card, or to one refusal that names every fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from trialsim.errors import CardError
from trialsim.population.cards.card import CohortCard
from trialsim.population.cards.margins import KINDS
from trialsim.population.drawing.copula import solve_copula
from trialsim.protocol.reading import check_model, read_toml

_TAG = re.compile(rf"(margins\[\d+\])\.({'|'.join(KINDS)})\b")
_SHOWN = 5


def read_card(path: Path | str) -> CohortCard:
    """Read a cohort card and prove that its numbers can hold together.

    Parameters
    ----------
    path : Path or str
        TOML file.

    Returns
    -------
    CohortCard
        With margins that exist and correlations that can be had.

    Raises
    ------
    CardError
        The first fault with file, field, value and mend, the others listed behind it.

    Examples
    --------
    >>> read_card("cohorts/alzheimers_early.toml").n
    854
    """
    path = Path(path)
    card = parse_card(read_toml(path, CardError), path)
    try:
        check_content(card)
        solve_copula(card)
    except CardError as error:
        raise CardError(
            error.problem, file=path, field=error.field, value=error.value, mend=error.mend
        ) from None
    return card


def parse_card(content: dict[str, object], path: Path | None = None) -> CohortCard:
    """Return a card from parsed TOML, or raise `CardError` with every fault of form or margin."""
    try:
        return check_model(content, CohortCard, CardError, file=path)
    except CardError as error:
        error.problem = _TAG.sub(r"\1", error.problem)
        error.field = _TAG.sub(r"\1", error.field or "")
        raise


def check_content(card: CohortCard) -> None:
    """Raise `CardError` with every repeated name, unknown source and unknown, repeated or missing pair."""
    faults = [*_name_faults(card), *_source_faults(card), *_pair_faults(card), *_reference_faults(card)]
    if not faults:
        return
    first, others = faults[0], faults[1:]
    if others:
        listed = "; ".join(f"{other.field}: {other.problem}" for other in others[:_SHOWN])
        first.problem += f" (and {len(others)} more: {listed})"
    raise first


def _name_faults(card: CohortCard) -> Iterator[CardError]:
    for i, name in enumerate(card.names):
        if name in card.names[:i]:
            yield CardError(
                "two margins have this name",
                field=f"margins[{i}].name",
                value=name,
                mend="rename or drop one",
            )


def _source_faults(card: CohortCard) -> Iterator[CardError]:
    for field, number in card.numbers().items():
        if number.source not in card.sources:
            yield CardError(
                "this source is not on the card",
                field=f"{field}.source",
                value=number.source,
                mend=f"add it under [sources], or use one of {', '.join(card.sources)}",
            )
        elif number.evidence == "published" and not card.sources[number.source].read:
            yield CardError(
                f"a number of a source that was not read ({number.source}) cannot be called published",
                field=f"{field}.evidence",
                value=number.evidence,
                mend="call it recalled or assumed, or read the source",
            )


def _pair_faults(card: CohortCard) -> Iterator[CardError]:
    seen: set[frozenset[str]] = set()
    nominal = {margin.name for margin in card.margins if margin.kind == "nominal"}
    for k, entry in enumerate(card.correlations):
        field = f"correlations[{k}].between"
        for name in entry.between:
            if name not in card.names:
                yield CardError(
                    "no margin has this name",
                    field=field,
                    value=name,
                    mend=f"use two of {', '.join(card.names)}",
                )
            elif name in nominal:
                yield CardError(
                    "categories without an order have no correlation",
                    field=field,
                    value=name,
                    mend="give the other covariate's mean in each category, as group_means",
                )
        pair = frozenset(entry.between)
        if len(pair) == 1 or pair in seen:
            yield CardError(
                "this pair is given twice" if pair in seen else "a covariate has no correlation with itself",
                field=field,
                value=" and ".join(entry.between),
                mend="drop the entry",
            )
        seen.add(pair)
    ordered = [name for name in card.names if name not in nominal]
    missing = [pair for pair in combinations(ordered, 2) if frozenset(pair) not in seen]
    if missing and card.unlisted_pairs is None:
        yield CardError(
            f"{len(missing)} pairs have no correlation, first {' and '.join(missing[0])}",
            field="correlations",
            mend='add them, or say unlisted_pairs = "independent"',
        )


def _reference_faults(card: CohortCard) -> Iterator[CardError]:
    """Yield targets, missing values and group means that name a covariate which is not there."""
    named: list[tuple[str, str]] = []
    for k, target in enumerate(card.targets):
        named += [(f"targets[{k}].covariate", target.covariate)] if target.covariate else []
        named += [(f"targets[{k}].where[{w}].covariate", one.covariate) for w, one in enumerate(target.where)]
    for k, entry in enumerate(card.missing):
        named.append((f"missing[{k}].covariate", entry.covariate))
        named += [(f"missing[{k}].depends_on", name) for name in entry.depends_on]
    for i, margin in enumerate(card.margins):
        for g, group in enumerate(getattr(margin, "group_means", ())):
            named.append((f"margins[{i}].group_means[{g}].of", group.of))
    for field, name in named:
        if name not in card.names:
            yield CardError(
                "the card has no such covariate",
                field=field,
                value=name,
                mend=f"use one of {', '.join(card.names)}",
            )
