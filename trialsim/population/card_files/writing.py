"""Cohort cards as TOML files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trialsim.errors import CardError
from trialsim.population.cards.card import CohortCard
from trialsim.protocol.writing import whole_file

_TABLES = ("sources", "margins", "correlations", "targets", "missing")


def write_card(card: CohortCard, path: Path) -> None:
    """Write a card as TOML; the file is complete or absent, and reads back as the same card.

    Parameters
    ----------
    card : CohortCard
        What is written.
    path : Path
        Where, ending in ``.toml``.

    Raises
    ------
    CardError
        The file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from trialsim.population.card_files.reading import read_card
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> with TemporaryDirectory() as folder:
    ...     write_card(card, Path(folder) / "card.toml")
    ...     print(read_card(Path(folder) / "card.toml").content_hash() == card.content_hash())
    True
    """
    with whole_file(path, CardError) as scratch:
        scratch.write_text(card_text(card), encoding="utf-8")


def card_text(card: CohortCard) -> str:
    """Return a card as TOML text."""
    content = _without_defaults(card.model_dump(mode="json"))
    lines = [f"{key} = {_inline(value)}" for key, value in content.items() if key not in _TABLES]
    for key, source in content["sources"].items():
        lines += ["", f"[sources.{key}]", *_pairs(source)]
    for table in _TABLES[1:]:
        for entry in content.get(table, ()):
            lines += ["", f"[[{table}]]", *_pairs(entry)]
    return "\n".join(lines) + "\n"


def _without_defaults(value: Any) -> Any:
    """Leave out what is not given: None and empty lists and tables, and levels that were not joined."""
    if isinstance(value, dict):
        given = {key: inner for key, inner in value.items() if inner not in (None, [], {})}
        return {
            key: _without_defaults(inner) for key, inner in given.items() if (key, inner) != ("joined", False)
        }
    return [_without_defaults(inner) for inner in value] if isinstance(value, list) else value


def _pairs(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {_inline(value)}" for key, value in table.items()]


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)
