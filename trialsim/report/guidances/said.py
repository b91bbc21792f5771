"""What an answer is made of: sentences in which each number knows where in the bundle it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from string import Formatter
from typing import Any

Place = tuple[str, int | None, str]


class Words(str):
    """Text that stands as it was given: the user's own, or the name of something."""

    __slots__ = ()


@dataclass(frozen=True)
class Number:
    """A number of the bundle, as it is printed.

    Parameters
    ----------
    text : str
        As printed, with its error or interval.
    value : float
        With all digits.
    file : str
        Within the bundle: a table, such as ``results/looks.csv``, or the declared trial.
    row : int or None
        Of the table, from 0; None of the declared trial.
    place : str
        Column of the table, or path in the declared trial.
    basis : {"simulated", "estimated", "by formula", "counted", "described", "one trial", "declared"}
        What it rests on. A simulated number has its Monte Carlo standard error, or an interval.
    error : float, optional
        Standard error, in the column `error_place`.
    error_place : str
        Column of the error.
    ends : tuple of (str, float)
        Columns and values of the ends of an interval.
    """

    text: str
    value: float
    file: str
    row: int | None
    place: str
    basis: str
    error: float | None = None
    error_place: str = ""
    ends: tuple[tuple[str, float], ...] = ()

    @property
    def stands(self) -> str:
        """Where it stands, in words."""
        row = "" if self.row is None else f", row {self.row + 1}"
        return f"{self.file}{row}, {self.place}"

    def to_dict(self) -> dict[str, Any]:
        """Return the number as plain JSON types."""
        found: dict[str, Any] = {"text": self.text, "value": self.value, "file": self.file}
        found |= {} if self.row is None else {"row": self.row}
        found |= {"place": self.place, "basis": self.basis}
        found |= {} if self.error is None else {"error": self.error, "error_place": self.error_place}
        return found | ({"ends": dict(self.ends)} if self.ends else {})


Part = str | Number
Sentence = tuple[Part, ...]


def say(text: str, **values: Number | str) -> Sentence:
    """Return a sentence with numbers and words put in its places.

    Parameters
    ----------
    text : str
        Our own words, with a ``{name}`` for each value. No digit of a result stands in it.
    **values : Number or str
        Text becomes `Words`.

    Examples
    --------
    >>> say("The trial is called {name}.", name="small")
    ('The trial is called ', 'small', '.')
    """
    parts: list[Part] = []
    for literal, name, _, _ in Formatter().parse(text):
        if literal:
            parts.append(literal)
        if name:
            given = values[name]
            parts.append(given if isinstance(given, Number) else Words(given))
    return tuple(parts)


@dataclass(frozen=True)
class CitedTable:
    """A table of an answer, each of its numbers cited.

    Parameters
    ----------
    caption : str
        What it shows.
    columns : tuple of str
        Headings.
    rows : tuple of tuple
        `Number`, `Words`, or empty text where a table of the bundle has nothing.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Part, ...], ...]


@dataclass(frozen=True)
class Answer:
    """What a run answers to an item.

    Parameters
    ----------
    sentences : tuple of Sentence
        In reading order.
    tables : tuple of CitedTable
        After the sentences.
    lacking : tuple of Blocked
        Parts of the item that are not answered.
    """

    sentences: tuple[Sentence, ...]
    tables: tuple[CitedTable, ...] = ()
    lacking: tuple[Blocked, ...] = ()

    def __add__(self, other: Answer) -> Answer:
        """Return both answers, one after the other."""
        return Answer(
            self.sentences + other.sentences, self.tables + other.tables, self.lacking + other.lacking
        )

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Every number, in reading order."""
        cells = [row for table in self.tables for row in table.rows]
        return tuple(part for line in (*self.sentences, *cells) for part in line if isinstance(part, Number))


@dataclass(frozen=True)
class Blocked:
    """Why a run does not answer an item, and which field of the protocol would.

    Parameters
    ----------
    reason : str
        What is missing, without a full stop.
    field : str
        Of the protocol.
    mend : str
        What to do with it.
    """

    reason: str
    field: str
    mend: str = "add"

    def in_words(self) -> str:
        """Return the reason with its mend.

        Examples
        --------
        >>> Blocked("the protocol states no estimand", "estimand").in_words()
        'blocked: the protocol states no estimand; add [estimand]'
        """
        return f"blocked: {self.reason}; {self.mend} [{self.field}]"


Found = Answer | Blocked


def answered(*sentences: Sentence, tables: Sequence[CitedTable] = ()) -> Answer:
    """Return an answer of some sentences and tables."""
    return Answer(tuple(sentences), tuple(tables))


def both(*found: Found) -> Found:
    """Return all answers as one, with the parts that are blocked; the first of these where all are."""
    answers = [one for one in found if isinstance(one, Answer)]
    blocked = tuple(one for one in found if isinstance(one, Blocked))
    if not answers:
        return blocked[0]
    first, *others = answers
    for other in others:
        first = first + other
    return replace(first, lacking=first.lacking + blocked)


def lacks(found: Found) -> tuple[Blocked, ...]:
    """Return what of an item is blocked."""
    return (found,) if isinstance(found, Blocked) else found.lacking


@dataclass(frozen=True)
class Item:
    """One thing that a guidance asks for.

    Parameters
    ----------
    name : str
        Its id within the guidance.
    asks : str
        What it asks, in our own words.
    answer : callable
        From a run to what it answers, or why it does not.
    """

    name: str
    asks: str
    answer: Callable[[Any], Found]


@dataclass(frozen=True)
class Guidance:
    """What one guidance asks of a report.

    Parameters
    ----------
    key : str
        As ``--of`` names it.
    title, status : str
        What it is called, and how final it is.
    short : str
        What it is called where there is little room.
    read : str
        How its items were read: in its text, or in a summary.
    items : tuple of Item
        In its order.
    """

    key: str
    title: str
    status: str
    read: str
    items: tuple[Item, ...]
    short: str


def numbers_in(found: Sequence[Found]) -> Iterator[Number]:
    """Yield every number of some answers."""
    for one in found:
        if isinstance(one, Answer):
            yield from one.numbers
