"""From a TOML file to a cohort card, or to one clear refusal."""

from __future__ import annotations

import tomllib
from itertools import combinations
from pathlib import Path

from pydantic import ValidationError

from trialsim.errors import CardError
from trialsim.population.card import CohortCard, Number
from trialsim.population.dependence import solve_copula

_MENDS = {
    "extra_forbidden": "remove the key, or mend its spelling",
    "missing": "add the key",
    "finite_number": "give a finite number",
    "literal_error": "use one of the values named",
    "union_tag_invalid": "use one of the kinds named",
    "union_tag_not_found": "give the kind of the margin",
    "string_pattern_mismatch": "use lower-case letters, digits and underscores",
}


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
        At the first fault: file, field, value and mend.

    Examples
    --------
    >>> read_card("cohorts/alzheimers_early.toml").n
    854
    """
    path = Path(path)
    card = parse_card(_content(path), path)
    try:
        check_content(card)
        solve_copula(card)
    except CardError as error:
        raise CardError(
            error.problem, file=path, field=error.field, value=error.value, mend=error.mend
        ) from None
    return card


def parse_card(content: dict[str, object], path: Path | None = None) -> CohortCard:
    """Return a card from parsed TOML, or raise `CardError` at its first fault of form."""
    try:
        return CohortCard.model_validate(_frozen(content))
    except ValidationError as error:
        fault = error.errors()[0]
        raise CardError(
            fault["msg"],
            file=path,
            field=_field(fault["loc"], content),
            value=fault["input"] if isinstance(fault["input"], str | int | float) else None,
            mend=_MENDS.get(fault["type"], "mend the value"),
        ) from None


def check_content(card: CohortCard) -> None:
    """Raise `CardError` if names repeat, a pair is unknown, repeated or missing, or a source is."""
    _check_names(card)
    _check_sources(card)
    _check_pairs(card)


def _content(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CardError("the file does not exist", file=path, mend="mend the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CardError(f"cannot be read ({error})", file=path, mend="give a TOML file in UTF-8") from None
    if not text.strip():
        raise CardError("the file is empty", file=path, mend="start from a card made by `trialsim init`")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CardError(f"is not TOML ({error})", file=path, mend="mend the line named") from None


def _frozen(value: object) -> object:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


def _field(location: tuple[int | str, ...], content: dict[str, object]) -> str:
    """Return a field's path, without the union tags that pydantic puts between keys."""
    path, here = "", content
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
            here = here[part] if isinstance(here, list) and part < len(here) else None  # type: ignore[assignment]  # a walk down mixed TOML
        elif isinstance(here, dict) and here.get("kind") == part and part not in here:
            continue
        else:
            path += f".{part}" if path else part
            here = here.get(part) if isinstance(here, dict) else None  # type: ignore[assignment]  # as above
    return path


def _check_names(card: CohortCard) -> None:
    for i, name in enumerate(card.names):
        if name in card.names[:i]:
            raise CardError(
                "two margins have this name",
                field=f"margins[{i}].name",
                value=name,
                mend="rename or drop one",
            )


def _check_sources(card: CohortCard) -> None:
    for i, margin in enumerate(card.margins):
        for field, number in margin.numbers().items():
            _check_source(card, number, f"margins[{i}].{field}")
    for k, entry in enumerate(card.correlations):
        _check_source(card, entry, f"correlations[{k}]")


def _check_source(card: CohortCard, number: Number, field: str) -> None:
    if number.source not in card.sources:
        raise CardError(
            "this source is not on the card",
            field=f"{field}.source",
            value=number.source,
            mend=f"add it under [sources], or use one of {', '.join(card.sources)}",
        )
    if number.evidence == "published" and not card.sources[number.source].read:
        raise CardError(
            f"a number of a source that was not read ({number.source}) cannot be called published",
            field=f"{field}.evidence",
            value=number.evidence,
            mend="call it recalled or assumed, or read the source",
        )


def _check_pairs(card: CohortCard) -> None:
    seen: set[frozenset[str]] = set()
    for k, entry in enumerate(card.correlations):
        for name in entry.between:
            if name not in card.names:
                raise CardError(
                    "no margin has this name",
                    field=f"correlations[{k}].between",
                    value=name,
                    mend=f"use two of {', '.join(card.names)}",
                )
        pair = frozenset(entry.between)
        if len(pair) == 1 or pair in seen:
            raise CardError(
                "this pair is given twice" if pair in seen else "a covariate has no correlation with itself",
                field=f"correlations[{k}].between",
                value=" and ".join(entry.between),
                mend="drop the entry",
            )
        seen.add(pair)
    missing = [pair for pair in combinations(card.names, 2) if frozenset(pair) not in seen]
    if missing and card.unlisted_pairs is None:
        raise CardError(
            f"{len(missing)} pairs have no correlation, first {' and '.join(missing[0])}",
            field="correlations",
            mend='add them, or say unlisted_pairs = "independent"',
        )
