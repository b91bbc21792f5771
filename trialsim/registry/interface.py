"""What an estimator is: a name, what it reads and estimates, and how it reads frames and simulated trials."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pandas as pd

from trialsim.errors import AnalysisError
from trialsim.registry.block_reader import Reader, imported

OptionKind = Literal[
    "column", "columns", "label", "labels", "choice", "flag", "integer", "number", "text",
    "weight", "weights", "object",
]  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_COLUMNS = {"Columns", "Sequence[str]"}


@dataclass(frozen=True)
class Option:
    """One option of an estimator.

    Parameters
    ----------
    name : str
        As the function calls it.
    kind : str
        ``column`` or ``columns`` of the data, ``label`` or ``labels`` in a column, one of ``choices``,
        ``flag``, ``integer``, ``number``, ``text``, ``weight`` or ``weights`` of a log-rank test, or any
        other ``object``.
    required : bool
        Whether there is no default.
    default : object
        Its default; None where it is required.
    choices : tuple of str
        Of a choice.
    """

    name: str
    kind: OptionKind
    required: bool
    default: Any = None
    choices: tuple[str, ...] = ()

    def checked(self, value: object) -> object:
        """Return a value of this option, or refuse it.

        Raises
        ------
        AnalysisError
            The value is none of the choices, or no number.
        """
        if self.kind == "choice" and value not in self.choices:
            raise AnalysisError(
                "is no choice", field=self.name, value=value, mend=f"use one of {', '.join(self.choices)}"
            )
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
        if self.kind in ("integer", "number") and value is not None and not numeric:
            try:
                return float(value)  # type: ignore[arg-type]  # numbers of NumPy too
            except (TypeError, ValueError):
                raise AnalysisError("must be a number", field=self.name, value=value) from None
        return value


@dataclass(frozen=True)
class Estimator:
    """One analysis under its name.

    Parameters
    ----------
    name : str
        Small letters, digits and underscores; on the command line with hyphens.
    function : callable or str or None
        ``function(data, *, ...) -> result``, or ``"module:function"``, which is imported on first use. The
        options are its keyword arguments, their kinds and choices its annotations: a ``str`` without a
        default is a column, `Columns` are several, a ``Literal`` is a choice. None where it reads simulated
        trials alone.
    reads : str
        What a row is and what the outcome is, in words.
    estimand : str
        What is estimated, in words.
    scale : str
        Scale of the estimate, such as ``log hazard ratio``.
    example : str
        Options of a worked command line, such as ``--outcome change --arm arm``.
    renamed : tuple of (str, str)
        Options that have another name here than in the function, and that of the function. None may be
        called ``method``, which names the estimator.
    readers : tuple of Reader
        How it reads simulated trials, one for each kind of endpoint that it serves.

    Examples
    --------
    >>> def spread(data: pd.DataFrame, *, outcome: str, quantile: float = 0.5) -> pd.DataFrame:
    ...     return data[[outcome]].quantile([quantile])
    >>> one = Estimator("spread", spread, "a row a participant", "a quantile", "outcome", "--outcome y")
    >>> [(option.name, option.kind) for option in one.options.values()]
    [('outcome', 'column'), ('quantile', 'number')]
    >>> one.frame(pd.DataFrame({"y": [1.0, 2.0, 4.0]}), outcome="y")["y"].tolist()
    [2.0]
    """

    name: str
    function: Callable[..., Any] | str | None
    reads: str
    estimand: str
    scale: str
    example: str = ""
    renamed: tuple[tuple[str, str], ...] = ()
    readers: tuple[Reader, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise AnalysisError(
                "must be small letters, digits and underscores", field="name", value=self.name
            )
        for field in ("reads", "estimand", "scale"):
            if not getattr(self, field).strip():
                raise AnalysisError("must be said in words", field=field)
        if self.function is None and not self.readers:
            raise AnalysisError(
                "reads neither a data frame nor simulated trials", field="function", value=self.name,
                mend="give function or readers",
            )  # fmt: skip
        endpoints = [one.endpoint for one in self.readers]
        if len(set(endpoints)) < len(endpoints):
            raise AnalysisError("must be one an endpoint", field="readers", value=endpoints)

    @property
    def reads_frames(self) -> bool:
        """Whether it reads one trial from a data frame."""
        return self.function is not None

    @cached_property
    def call(self) -> Callable[..., Any]:
        """The function that reads a data frame, imported."""
        if self.function is None:
            raise AnalysisError(
                "reads simulated trials alone", field="method", value=self.name,
                mend="name it in [[analyses]] of a protocol, or use another method here",
            )  # fmt: skip
        return imported(self.function)

    @cached_property
    def options(self) -> dict[str, Option]:
        """Options by name, in the order of the function."""
        signature = inspect.signature(self.call)
        hints = get_type_hints(inspect.unwrap(self.call))
        here = {called: name for name, called in self.renamed}
        found = [
            _option(here.get(name, name), parameter, hints.get(name, object), str(parameter.annotation))
            for name, parameter in signature.parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        ]
        if any(one.name == "method" for one in found):
            raise AnalysisError(
                "is the estimator's own name", field=f"{self.name}: method", mend="rename this option"
            )
        return {one.name: one for one in found}

    @property
    def adjusts(self) -> bool:
        """Whether it takes covariates or a prognostic score."""
        return "covariates" in self.options or "score" in self.options

    @property
    def what(self) -> str:
        """What its function does, in one line."""
        return (inspect.getdoc(self.call) or self.estimand).split("\n", 1)[0]

    def frame(self, data: pd.DataFrame, **options: Any) -> Any:
        """Read one trial.

        Parameters
        ----------
        data : DataFrame
            A row a participant, a visit or an episode, as `reads` says.
        **options
            Of `options`.

        Returns
        -------
        result
            As the function returns it.

        Raises
        ------
        AnalysisError
            An option is unknown, missing or out of range, or the data cannot be read.
        """
        self.check(options)
        called = dict(self.renamed)
        checked = {called.get(name, name): self.options[name].checked(one) for name, one in options.items()}
        return self.call(data, **checked)

    def check(self, options: Mapping[str, object]) -> None:
        """Refuse options that are unknown, and required ones that are missing."""
        if unknown := [name for name in options if name not in self.options]:
            raise AnalysisError(
                f"is no option of {self.name}",
                field=unknown[0],
                mend=f"use some of {', '.join(self.options)}",
            )
        if absent := [one.name for one in self.options.values() if one.required and one.name not in options]:
            raise AnalysisError(
                f"is needed by {self.name}", field=absent[0], mend=f"it reads {self.reads}: give {absent[0]}"
            )


def _option(name: str, parameter: inspect.Parameter, hint: Any, written: str) -> Option:
    required = parameter.default is inspect.Parameter.empty
    default = None if required else parameter.default
    kind, choices = _kind(hint, default, written)
    return Option(name, kind, required, default, choices)


def _kind(hint: Any, default: object, written: str) -> tuple[OptionKind, tuple[str, ...]]:
    """Return kind and choices from an annotation, as evaluated and as written."""
    parts = [one for one in _parts(hint) if one is not type(None)]
    if written.removesuffix(" | None") in _COLUMNS:
        return "columns", ()
    if len(parts) == 1 and get_origin(parts[0]) is Literal:
        return "choice", tuple(str(one) for one in get_args(parts[0]))
    if written in ("Weight", "Sequence[Weight]"):
        return ("weight" if written == "Weight" else "weights"), ()
    if "Sequence[object]" in written:
        return "labels", ()
    simple: dict[Any, OptionKind] = {bool: "flag", int: "integer", float: "number"}
    if len(parts) == 1 and parts[0] in simple:
        return simple[parts[0]], ()
    if parts == [str]:
        return ("text" if isinstance(default, str) else "column"), ()
    return ("label" if set(parts) <= {object, Hashable} else "object"), ()


def _parts(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
