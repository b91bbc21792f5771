"""How an estimator reads simulated trials: thousands at once, of one kind of endpoint."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, Literal

from trialsim.data import Estimates
from trialsim.errors import AnalysisError

# Which side a larger estimate speaks for: as the outcome's direction says, or one side whatever that is.
Larger = Literal["as_outcome", "better", "worse"]
Value = float | str


@dataclass(frozen=True)
class Truth:
    """A true value, and its Monte Carlo error where it comes from a sample.

    Parameters
    ----------
    value : float or None
        None where an analysis estimates no single number in this world.
    mcse : float
        0 for a closed form.
    note : str
        Why there is no value; empty if there is one.
    """

    value: float | None
    mcse: float = 0.0
    note: str = ""


NO_ESTIMATE = Truth(None, note="a test, not an estimate")


@dataclass(frozen=True)
class Setting:
    """A number or a choice that a file gives to an analysis, as the reader's function calls it.

    Parameters
    ----------
    name : str
        Such as ``tau``.
    least, most : float
        Limits; a finite `least` of ``above`` is left out itself.
    above : bool
        Whether the number must lie above `least`.
    default : float or str, optional
        None where the file must give it.
    choices : tuple of str
        Where it is a choice and no number.
    """

    name: str
    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    default: Value | None = None
    choices: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of a value."""
        return {"enum": list(self.choices)} if self.choices else {"type": "number"}

    def fault(self, value: object) -> str | None:
        """Return what is wrong with a value; None where nothing is.

        Examples
        --------
        >>> Setting("tau", 0.0, above=True).fault(0.0)
        'must be a number above 0'
        """
        if self.choices:
            return None if value in self.choices else f"must be {' or '.join(self.choices)}"
        limits = [f"above {self.least:g}" if self.above else f"at least {self.least:g}"]
        limits = [] if math.isinf(self.least) else limits
        limits += [] if math.isinf(self.most) else [f"at most {self.most:g}"]
        right = False
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            right = self.least <= value <= self.most and not (self.above and value == self.least)
        return None if right else " ".join(["must be a number", " and ".join(limits)]).strip()


@dataclass(frozen=True)
class Reader:
    """How an estimator reads blocks of simulated trials with one kind of endpoint.

    Parameters
    ----------
    endpoint : str
        Kind of endpoint, such as ``score`` or ``time_to_event``.
    function : callable or str
        ``block(seen, *, ...) -> Estimates``, or ``"module:function"``, which is imported on first use. `seen`
        is the noun of `trialsim.registry.seen` for this endpoint; its keyword arguments are the `settings`.
    truth : callable or str or None
        What is estimated: the name of a truth that the endpoint's law knows, such as ``risk_difference``, or
        ``truth(law, asked) -> Truth``, where `asked` is the declared analysis. None for a test.
    larger : {"as_outcome", "better", "worse"}
        What a larger estimate means for the active arm.
    adjusts : bool
        Whether it takes covariates and a prognostic score.
    without_adjust : str
        The estimator that it is without any, where it makes no sense then; empty where it needs none.
    settings : tuple of Setting
        Numbers and choices that a file gives.
    needs, without : tuple of str
        Fields of the endpoint that must be given, or must be 0; ``strata`` is that of the trial.
    designs : tuple of str
        Kinds of designs that can use it; empty for all that serve the endpoint.
    because : str
        Why it is served by those designs alone, as a refusal says it.
    looks : callable or str, optional
        ``looks(seen) -> (list of Estimates, statistic (R, K))``: all looks in one pass, where that is faster
        than `function` at each of them and the same.
    """

    endpoint: str
    function: Callable[..., Estimates] | str
    truth: Callable[[Any, Any], Truth] | str | None
    larger: Larger = "as_outcome"
    adjusts: bool = False
    without_adjust: str = ""
    settings: tuple[Setting, ...] = ()
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    designs: tuple[str, ...] = ()
    because: str = ""
    looks: Callable[..., Any] | str | None = None

    @property
    def of_a_ratio(self) -> bool:
        """Whether the estimate is the logarithm of a ratio."""
        return isinstance(self.truth, str) and self.truth.startswith("log_")

    def sign(self, of_outcome: float) -> float:
        """Return 1 where a larger estimate favours the active arm, else −1; of the outcome's own sign."""
        return {"as_outcome": of_outcome, "better": 1.0, "worse": -1.0}[self.larger]

    def block(self, seen: Any, settings: Mapping[str, Value] | None = None) -> Estimates:
        """Read R trials as a look sees them.

        Parameters
        ----------
        seen : Seen
            The noun of this endpoint.
        settings : mapping of str to float or str, optional
            Those of `settings`.

        Returns
        -------
        Estimates
        """
        return self._call(seen, **(settings or {}))

    def every_look(self, seen: Any) -> Any:
        """Return estimates and statistic of every look at once, by `looks`."""
        return self._every_look(seen)

    def true_value(self, law: Any, asked: Any) -> Truth:
        """Return what it estimates under a law of its endpoint.

        Raises
        ------
        AnalysisError
            The law knows no such truth.
        """
        if self.truth is None:
            return NO_ESTIMATE
        if callable(self.truth):
            return self.truth(law, asked)
        if not hasattr(law, self.truth):
            raise AnalysisError(
                f"is nothing that the law of a {self.endpoint} outcome knows", field="truth", value=self.truth
            )
        found = getattr(law, self.truth)(asked)
        return found if isinstance(found, Truth) else Truth(found)

    @cached_property
    def _call(self) -> Callable[..., Any]:
        return imported(self.function)

    @cached_property
    def _every_look(self) -> Callable[..., Any]:
        assert self.looks is not None
        return imported(self.looks)


def imported(function: Callable[..., Any] | str) -> Callable[..., Any]:
    """Return a function that is given itself, or as ``"module:function"``."""
    if not isinstance(function, str):
        return function
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)
