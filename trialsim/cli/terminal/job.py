"""What the commands that make a run bundle share: what a command line changes, and the bundle's name."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

# A search for sizes with fewer trials would only bracket.
FEWEST_OF_SEARCH = 1_000


def overridden(tables: dict[str, Any], replicates: int | None, seed: int | None) -> dict[str, Any]:
    """Return the tables of a file with what the command line changes; their hash changes with it.

    Examples
    --------
    >>> overridden({"simulation": {"precision": 0.01}, "seed": 1}, 500, None)
    {'simulation': {'precision': None, 'replicates': 500}, 'seed': 1}
    """
    changed = dict(tables)
    if replicates is not None:
        changed["simulation"] = tables["simulation"] | {"replicates": replicates, "precision": None}
        if "trials" in (tables.get("sizing") or {}):
            changed["sizing"] = tables["sizing"] | {"trials": max(replicates, FEWEST_OF_SEARCH)}
    if seed is not None:
        changed["seed"] = seed
    return changed


def bundle_name(name: str, *content_hashes: str) -> str:
    """Return the name of a run bundle, which another input or another version of the program changes."""
    text = "\n".join((version("trialsim"), *content_hashes))
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
