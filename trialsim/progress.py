"""How a long computation says where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Protocol, TypeVar

One = TypeVar("One", covariant=True)
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Ignore progress."""


class Countable(Sized, Iterable[One], Protocol[One]):
    """What can be counted before it is gone through."""


def counted(items: Countable[One], stage: str, progress: Progress) -> Iterator[One]:
    """Yield each item, and tell before each how many are done.

    Examples
    --------
    >>> for name in counted(["a", "b"], "methods", lambda *told: print(*told)):
    ...     print(name)
    methods 0 2
    a
    methods 1 2
    b
    methods 2 2
    """
    total = len(items)
    for done, item in enumerate(items):
        progress(stage, done, total)
        yield item
    progress(stage, total, total)
