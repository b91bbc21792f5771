"""What can go wrong, as one tree of errors that name the place, the value and the mend."""

from __future__ import annotations

from pathlib import Path

_LONGEST_SHOWN_VALUE = 80
_LONGEST_MESSAGE = 3_500


def one_line(text: str) -> str:
    """Return a message without line breaks and control characters, and no longer than a person reads.

    Names of columns and files stand in messages; a terminal must not be told by them what to do.

    Examples
    --------
    >>> one_line(f"column 'a{chr(27)}[31m' is{chr(10)}not there")
    "column 'a?[31m' is not there"
    """
    words = " ".join(text.split())
    words = "".join(letter if letter.isprintable() else "?" for letter in words)
    return words if len(words) <= _LONGEST_MESSAGE else f"{words[: _LONGEST_MESSAGE - 1]}…"


class TrialsimError(Exception):
    """Anything that trialsim refuses to do; the command line shows its one line, and exits with 2."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class InputError(TrialsimError):
    """Something that the user gave cannot be used.

    Parameters
    ----------
    problem : str
        What is wrong, as a sentence without its final full stop.
    file : Path or str, optional
        The file at fault.
    field : str, optional
        The field, as a path such as ``dropout[0].cumulative``, or a column.
    value : object, optional
        The offending value. Never give a participant's value here: name the row by its position.
    mend : str, optional
        What the user can do about it.

    Examples
    --------
    >>> print(InputError("must be above 0", file="p.toml", field="arms[0].allocation", value=0,
    ...                  mend="give the allocation as a positive number"))
    p.toml: arms[0].allocation: must be above 0. Got 0. Mend: give the allocation as a positive number.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: Path | str | None = None,
        field: str | None = None,
        value: object = None,
        mend: str | None = None,
    ) -> None:
        self.problem, self.file, self.field, self.value, self.mend = problem, file, field, value, mend
        super().__init__(problem)

    def __str__(self) -> str:
        where = "".join(f"{part}: " for part in (self.file, self.field) if part is not None)
        got = "" if self.value is None else f" Got {shorten(self.value)}."
        mend = "" if self.mend is None else f" Mend: {self.mend.rstrip('.')}."
        problem = self.problem if self.problem.endswith("?") else f"{self.problem.rstrip('.')}."
        return one_line(f"{where}{problem}{got}{mend}")


class ProtocolError(InputError):
    """A protocol file cannot be read, or asks for something impossible."""


class CardError(InputError):
    """A cohort card cannot be read, or its numbers cannot hold together."""


class HistoryError(InputError):
    """A history of past placebo participants cannot be used to learn from."""


class DesignError(InputError):
    """No trial of the asked kind exists, such as a power that no size reaches."""


class AnalysisError(InputError):
    """A data set cannot be analysed as asked."""


class QualificationError(InputError):
    """A published number does not come out on this machine."""


class BundleError(InputError):
    """A run bundle cannot be written, or does not prove what it claims."""


class FitError(TrialsimError):
    """A prognostic model did not pass its fit gate, so no twin is issued."""


class WorkError(TrialsimError):
    """The processes or machines that compute blocks failed; what they had finished is kept."""


class TrialsimWarning(UserWarning):
    """Something that a statistician should know about a result that is given all the same."""


def require_kind(field: str, value: object, *kinds: type) -> None:
    """Refuse an argument of another kind, as when two arguments are swapped.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
        What was given.
    *kinds : type
        What it may be.

    Raises
    ------
    InputError
        The value is none of them.

    Examples
    --------
    >>> require_kind("participants", "twelve", int)
    Traceback (most recent call last):
        ...
    trialsim.errors.InputError: participants: must be of kind int. Got 'twelve'. Mend: look at the order of
    the arguments, or name them.
    """
    if not isinstance(value, kinds):
        raise InputError(
            f"must be of kind {' or '.join(kind.__name__ for kind in kinds)}",
            field=field,
            value=value,
            mend="look at the order of the arguments, or name them",
        )


def shorten(value: object) -> str:
    """Return a value as text that fits on a line, quoted if it is text.

    Examples
    --------
    >>> shorten("a" * 100)[-3:]
    '...'
    """
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN_VALUE else text[: _LONGEST_SHOWN_VALUE - 3] + "..."
