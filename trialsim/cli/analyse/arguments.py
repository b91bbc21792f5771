"""Options of an estimator on the command line: from words to values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    from trialsim.registry import Estimator, Option

WEIGHTS = "0,1 for Fleming-Harrington's rho and gamma, magirr-burman:DELAY, early-zero:PERIOD, peto-peto"


@dataclass
class Words:
    """The command line without its own options: positional words, and every ``--name`` with its words."""

    positional: list[str] = field(default_factory=list)
    named: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, words: Sequence[str]) -> Words:
        """Split words; ``--name=value`` and ``--name value`` are one, a flag stands alone."""
        found, rest = cls(), list(words)
        while rest:
            word = rest.pop(0)
            if not word.startswith("--") or word == "--":
                found.positional.append(word)
                continue
            name, sign, value = word[2:].partition("=")
            if not sign:
                value = rest.pop(0) if rest and not rest[0].startswith("--") else ""
            found.named.setdefault(name.replace("-", "_"), []).append(value)
        return found


def flag(name: str) -> str:
    """Return an option as it is typed."""
    return f"--{name.replace('_', '-')}"


def columns_of(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return column names of words: each a name, or several with commas; a column may have a comma itself."""
    found: list[str] = []
    for word in words:
        found += [word] if word in known else [part.strip() for part in word.split(",") if part.strip()]
    return found


def value_of(option: Option, words: Sequence[str], known: Sequence[str]) -> Any:
    """Return the value of an option that names no label.

    Raises
    ------
    AnalysisError
        The words are no value of its kind.
    """
    typed = flag(option.name)
    if option.kind == "columns":
        return columns_of(words, known)
    if option.kind == "weights":
        return tuple(_weight(part, typed) for word in words for part in word.split())
    if option.kind == "object":
        raise AnalysisError(
            "cannot be given on the command line", field=typed, mend="use ts.analyse in Python"
        )
    if len(words) > 1:
        raise AnalysisError("is given twice", field=typed, mend="give it once")
    word = words[0]
    if option.kind == "flag":
        return _truth(word, typed)
    if not word:
        raise AnalysisError("has no value", field=typed, mend=f"write {typed} VALUE")
    if option.kind == "choice":
        if (chosen := _chosen(word, option.choices)) is None:
            raise AnalysisError(
                "is no choice", field=typed, value=word, mend=f"use one of {', '.join(option.choices)}"
            )
        return chosen
    if option.kind in ("integer", "number"):
        return _number(word, typed, whole=option.kind == "integer")
    if option.kind == "weight":
        return _weight(word, typed)
    if option.kind in ("column", "label", "labels", "text"):
        return word
    raise AnalysisError("has no value that can be typed", field=typed, mend="use ts.analyse in Python")


def _chosen(word: str, choices: Sequence[str]) -> str | None:
    same = [one for one in choices if one.replace("-", "_").lower() == word.replace("-", "_").lower()]
    return same[0] if same else None


def _truth(word: str, typed: str) -> bool:
    if word.lower() in ("", "true", "yes", "on"):
        return True
    if word.lower() in ("false", "no", "off"):
        return False
    raise AnalysisError("is neither true nor false", field=typed, value=word, mend="write true or false")


def _number(word: str, typed: str, *, whole: bool) -> float | int:
    try:
        return int(word) if whole else float(word)
    except ValueError:
        kind = "whole number" if whole else "number"
        raise AnalysisError(f"is no {kind}", field=typed, value=word, mend=f"give a {kind}") from None


def _weight(word: str, typed: str) -> Any:
    from trialsim.analysis.survival.weights import (
        AtRisk,
        EarlyZero,
        FlemingHarrington,
        MagirrBurman,
        PetoPeto,
    )

    known = {
        "fleming_harrington": FlemingHarrington, "magirr_burman": MagirrBurman, "early_zero": EarlyZero,
        "at_risk": AtRisk, "peto_peto": PetoPeto,
    }  # fmt: skip
    name, sign, numbers = word.rpartition(":")
    if not sign and word.replace("-", "_") in known:
        name, numbers = word, ""
    kind = known.get(name.replace("-", "_") or "fleming_harrington")
    try:
        if kind is None:
            raise ValueError
        return kind(*[float(one) for one in numbers.split(",") if one])
    except (ValueError, TypeError):
        raise AnalysisError("is no weight", field=typed, value=word, mend=f"write {WEIGHTS}") from None


def check_named(one: Estimator, named: Sequence[str]) -> None:
    """Refuse options that the method does not have, and required ones that are missing."""
    if unknown := [name for name in named if name not in one.options]:
        raise AnalysisError(
            f"is no option of {one.name}", field=flag(unknown[0]),
            mend=f"use some of {', '.join(flag(name) for name in one.options)}",
        )  # fmt: skip
    absent = [name for name, option in one.options.items() if option.required and name not in named]
    if absent:
        raise AnalysisError(
            f"is needed by {one.name}, which reads {one.reads}", field=flag(absent[0]),
            mend=f"give it, as in: {example_of(one)}",
        )  # fmt: skip


def example_of(one: Estimator) -> str:
    """Return a worked command line of a method."""
    return f"trialsim analyse DATA.csv --method {one.name.replace('_', '-')} {one.example}".rstrip()
