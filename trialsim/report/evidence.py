"""What the numbers of a trial rest on, counted by the label of their source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from trialsim.protocol.declared import DeclaredTrial

CITED = "cited"
# What `trialsim new` writes where no file can say a number.
PLACEHOLDER = "a placeholder"
# A source that begins with one of these says so; every other one names where the number stands.
LABELS = ("published", "computed", "recalled", "assumed")


def evidence_counts(trial: DeclaredTrial) -> dict[str, int]:
    """Return how many sources carry each label, the most common first.

    Parameters
    ----------
    trial : DeclaredTrial
        As declared: every table that holds numbers has a ``source``.

    Returns
    -------
    dict of str to int
        ``assumed``, ``recalled``, ``computed`` and ``published`` are what a source says of itself in its
        first word; ``placeholder`` is a number that nobody has set yet; ``cited`` is a source that names
        where the number stands and says no more.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> evidence_counts(read_trial("protocols/copd_twins.toml"))
    {'assumed': 5}
    """
    found = Counter(_label(str(table["source"])) for _, table in tables_with_source(trial.to_dict()))
    return dict(found.most_common())


def _label(source: str) -> str:
    if source.lower().startswith(PLACEHOLDER):
        return "placeholder"
    first = source.split(maxsplit=1)[0].strip(":,.").lower() if source.split() else ""
    return first if first in LABELS else CITED


def tables_with_source(value: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each table that names its source, with its path in the file."""
    if isinstance(value, dict):
        if "source" in value:
            yield where, value
        for key, inner in value.items():
            yield from tables_with_source(inner, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from tables_with_source(inner, f"{where}[{position}]")
