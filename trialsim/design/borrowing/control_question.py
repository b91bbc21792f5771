"""What a question about a control arm that borrows offers to every method, on any scale."""

from __future__ import annotations

import math
from typing import Protocol

from trialsim.design.sizes.variance import Pair
from trialsim.errors import DesignError


class ControlQuestion(Protocol):
    """What every question about a control arm that borrows offers, whatever the outcome's scale.

    Variances, effect and drift stand on the working scale: the outcome itself for a continuous one
    (`BorrowingQuestion`), log odds, log rate or log hazard otherwise (`ScaleBorrowingQuestion`).
    """

    @property
    def active(self) -> int:
        """Randomised active participants."""
        ...

    @property
    def history(self) -> int:
        """Past placebo participants, or events."""
        ...

    @property
    def effect(self) -> float:
        """Size of the assumed effect, above 0."""
        ...

    @property
    def sd(self) -> float:
        """Unit of drift and of the priors' settings."""
        ...

    @property
    def correlation(self) -> float:
        """Correlation of score and outcome."""
        ...

    @property
    def power(self) -> float:
        """Asked power at no drift."""
        ...

    @property
    def alpha(self) -> float:
        """Two-sided nominal level."""
        ...

    @property
    def type_one_cap(self) -> float:
        """Largest type I error at any declared drift."""
        ...

    @property
    def drifts(self) -> tuple[float, ...]:
        """Declared drifts, in `sd`."""
        ...

    @property
    def dropout(self) -> Pair:
        """Share without the outcome in (control, active)."""
        ...

    @property
    def orientation(self) -> int:
        """1 if a drift above 0 makes an active arm look better, -1 if worse."""
        ...

    @property
    def symmetric(self) -> bool:
        """Whether a drift and its opposite have one type I error."""
        ...

    @property
    def drift_unit(self) -> str:
        """Unit of drift, in words."""
        ...

    @property
    def residual_variance(self) -> float:
        """Variance of one control's part, left by the score, at no drift."""
        ...

    @property
    def history_variance(self) -> float:
        """Sampling variance of what the history says of the controls."""
        ...

    @property
    def critical(self) -> float:
        """Two-sided critical value of a z test."""
        ...

    def analysed_controls(self, controls: float) -> float:
        """Return the controls with an outcome."""
        ...

    def arm_variances(self, controls: float, drift: float = 0.0, treated: bool = True) -> Pair:
        """Return the variances (v0, v1) of both arms' estimates; v1 without effect if not `treated`."""
        ...

    def detectable(self, controls: float) -> float:
        """Return the drift, in `sd`, that the concurrent controls show in half of all trials."""
        ...

    def with_drifts(self, drifts: tuple[float, ...]) -> ControlQuestion:
        """Return the same question over other declared drifts."""
        ...

    def describe(self) -> str:
        """Return what is assumed, in words."""
        ...


class _Checked(Protocol):
    """What `check_borrowing` reads."""

    @property
    def active(self) -> int: ...
    @property
    def history(self) -> int: ...
    @property
    def replicates(self) -> int: ...
    @property
    def correlation(self) -> float: ...
    @property
    def power(self) -> float: ...
    @property
    def alpha(self) -> float: ...
    @property
    def type_one_cap(self) -> float: ...
    @property
    def drifts(self) -> tuple[float, ...]: ...
    @property
    def dropout(self) -> Pair: ...


def check_borrowing(question: _Checked) -> None:
    """Refuse what no question about borrowing may ask.

    Raises
    ------
    DesignError
        If a number is out of range.
    """
    for name, least in (("active", 2), ("history", 10), ("replicates", 200)):
        if not getattr(question, name) >= least:
            raise DesignError(f"must be at least {least}", field=name, value=getattr(question, name))
    if not 0 <= question.correlation < 1:
        raise DesignError(
            "must lie in [0, 1)",
            field="correlation",
            value=question.correlation,
            mend="orient the score so that it rises with the outcome",
        )
    if not (0 < question.alpha < 0.5 and question.alpha < question.power < 1):
        raise DesignError("must lie between alpha and 1", field="power", value=question.power)
    if not question.alpha <= question.type_one_cap < 1:
        raise DesignError(
            "must be at least alpha, which a trial without borrowing has",
            field="type_one_cap",
            value=question.type_one_cap,
            mend="allow .05 for no inflation, .075 for some",
        )
    if not question.drifts or not all(math.isfinite(d) for d in question.drifts):
        raise DesignError("must be finite drifts", field="drifts", value=question.drifts)
    if not all(0 <= lost < 1 for lost in question.dropout):
        raise DesignError("must lie in [0, 1)", field="dropout", value=question.dropout)
