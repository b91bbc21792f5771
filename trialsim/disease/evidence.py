"""Numbers that say where they come from: the parameters of disease models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

Evidence = Literal["published", "computed", "recalled", "assumed"]
LABELS: tuple[Evidence, ...] = ("published", "computed", "recalled", "assumed")


class Parameter(float):
    """A number of a model with its unit, its evidence and its source; it calculates like any number.

    Parameters
    ----------
    value : float
        The number.
    unit : str
        Such as ``"a year"``; ``"1"`` if it has none.
    evidence : str
        ``published`` (read in the source), ``computed`` (from it, by us), ``recalled`` (not read), or
        ``assumed``.
    source : str
        What a reader can look up, or why it is assumed.

    Examples
    --------
    >>> rate = Parameter(1.21, "a year", "published", "IMPACT, Lipson et al. 2018")
    >>> 2 * rate, rate.evidence
    (2.42, 'published')
    """

    unit: str
    evidence: Evidence
    source: str

    def __new__(cls, value: float, unit: str, evidence: Evidence, source: str) -> Self:
        """Make the number; see the class."""
        made = super().__new__(cls, value)
        made.unit, made.evidence, made.source = unit, evidence, source
        return made

    def __getnewargs__(self) -> tuple[float, str, Evidence, str]:  # type: ignore[override]  # of our __new__
        return float(self), self.unit, self.evidence, self.source


class Table(tuple[float, ...]):
    """Numbers of one kind and one source, such as the points of a score; each counts as one number.

    Examples
    --------
    >>> Table((0, 1, 2), "points", "published", "a paper")[1]
    1
    """

    unit: str
    evidence: Evidence
    source: str

    def __new__(cls, values: Iterable[float], unit: str, evidence: Evidence, source: str) -> Self:
        """Make the table; see `Parameter`."""
        made = super().__new__(cls, values)
        made.unit, made.evidence, made.source = unit, evidence, source
        return made

    def __getnewargs__(self) -> tuple[tuple[float, ...], str, Evidence, str]:
        return tuple(self), self.unit, self.evidence, self.source


Parameters = Mapping[str, Parameter | Table]


def parameters_in(names: Mapping[str, Any]) -> dict[str, Parameter | Table]:
    """Return the parameters among the names of a module, in their order.

    Parameters
    ----------
    names : mapping of str to object
        The module's ``globals()``, or ``vars`` of it.

    Returns
    -------
    dict of str to Parameter or Table
        By the names in small letters.

    Examples
    --------
    >>> parameters_in({"RATE": Parameter(1.0, "a year", "assumed", "example"), "other": 2})
    {'rate': 1.0}
    """
    return {name.lower(): value for name, value in names.items() if isinstance(value, Parameter | Table)}


def evidence_counts(parameters: Parameters) -> dict[Evidence, int]:
    """Return how many numbers have each label.

    Examples
    --------
    >>> rate = Parameter(1.0, "a year", "assumed", "example")
    >>> evidence_counts({"rate": rate, "points": Table((0, 1), "1", "published", "a paper")})
    {'published': 2, 'computed': 0, 'recalled': 0, 'assumed': 1}
    """
    found = dict.fromkeys(LABELS, 0)
    for one in parameters.values():
        found[one.evidence] += len(one) if isinstance(one, Table) else 1
    return found
