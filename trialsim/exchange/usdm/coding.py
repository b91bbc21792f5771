"""Coded terms of CDISC's controlled terminology, and identifiers that are free in a study."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TERMINOLOGY, TERMINOLOGY_VERSION = "http://www.cdisc.org", "2024-09-27"
SYNTHETIC = ("C176263", "Synthetic Data")


class FreeIds:
    """From a class to an identifier that no object of a study has.

    Parameters
    ----------
    content : object
        The study, as plain JSON types.

    Examples
    --------
    >>> free = FreeIds({"id": "Code_1"})
    >>> free("Code"), free("Code")
    ('Code_2', 'Code_3')
    """

    def __init__(self, content: object = None) -> None:
        self.taken: set[str] = set()
        self.last: dict[str, int] = {}
        left: list[Any] = [content]
        while left:
            one = left.pop()
            if isinstance(one, dict):
                if isinstance(one.get("id"), str):
                    self.taken.add(one["id"])
                left += one.values()
            elif isinstance(one, list):
                left += one

    def __call__(self, kind: str) -> str:
        """Return a new identifier of a class."""
        number = self.last.get(kind, 0) + 1
        while f"{kind}_{number}" in self.taken:
            number += 1
        self.last[kind] = number
        return f"{kind}_{number}"


def coded(ids: Callable[[str], str], code: str, decode: str) -> dict[str, Any]:
    """Return a term as USDM writes it."""
    return {
        "id": ids("Code"), "extensionAttributes": [], "code": code, "codeSystem": TERMINOLOGY,
        "codeSystemVersion": TERMINOLOGY_VERSION, "decode": decode, "instanceType": "Code",
    }  # fmt: skip
