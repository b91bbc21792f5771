"""Tipping-point analysis: how bad imputed outcomes must have been for the conclusion to change.

The estimate is linear and its variance quadratic in the shift (`trialsim.analysis.imputation.shift_law`),
so the whole curve, its roots and the two-dimensional surface need no further imputation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from trialsim.analysis.imputation.result import ImputationResult
from trialsim.analysis.imputation.shift_law import ShiftLaw, critical_value, two_sided
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, p_text
from trialsim.data import Floats
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    import plotly.graph_objects as go

_GRID = 4_001
_WIDEST = 1e4


@dataclass(frozen=True, repr=False)
class TippingPoint(Printed):
    """Where the conclusion changes as the imputed outcomes of one arm are shifted.

    Parameters
    ----------
    law : ShiftLaw
        Effect as a function of the shift.
    comparison : str
        Such as ``"DRUG - PLACEBO"``.
    visit : str
        Label of the visit.
    arms : tuple of (str, str)
        Labels of control and active.
    shifted : int
        Arm that is shifted: 0 control, 1 active.
    alpha : float
        Two-sided level.
    roots : tuple of float
        Every shift at which p equals alpha, ascending.
    """

    law: ShiftLaw
    comparison: str
    visit: str
    arms: tuple[str, str]
    shifted: int
    alpha: float
    roots: tuple[float, ...]

    @property
    def delta(self) -> float:
        """The root nearest to 0; NaN if no shift changes the conclusion."""
        return min(self.roots, key=abs) if self.roots else float("nan")

    @property
    def significant(self) -> bool:
        """Whether p is at most alpha without a shift."""
        return bool(self.law.p_value() <= self.alpha)

    def to_frame(self, deltas: ArrayLike | None = None) -> pd.DataFrame:
        """Return estimate, standard error, df, p value and limits at the given shifts.

        Without shifts, from 0 to one and a half times the tipping point (or 3 standard errors' worth).
        """
        values = self._default_deltas() if deltas is None else np.asarray(deltas, dtype=np.float64)
        control, active = (values, 0.0) if self.shifted == 0 else (0.0, values)
        estimate, error, df = self.law.at(control, active)
        half = critical_value(1.0 - self.alpha, df) * error
        return pd.DataFrame(
            {
                "delta": values,
                "estimate": estimate,
                "standard_error": error,
                "df": df,
                "p_value": two_sided(estimate / error, df),
                "lower": estimate - half,
                "upper": estimate + half,
            }
        )

    def surface(self, control: ArrayLike, active: ArrayLike) -> pd.DataFrame:
        """Return the p value of every pair of shifts, one row a shift of control."""
        rows, columns = np.asarray(control, dtype=np.float64), np.asarray(active, dtype=np.float64)
        return pd.DataFrame(
            self.law.p_value(rows[:, None], columns[None, :]),
            index=pd.Index(rows, name=f"shift of {self.arms[0]}"),
            columns=pd.Index(columns, name=f"shift of {self.arms[1]}"),
        )

    def _title(self) -> str:
        return f"Tipping point of {self.comparison} at visit {self.visit}"

    def _facts(self) -> Facts:
        estimate, error, _ = self.law.at()
        arm, slope = self.arms[self.shifted], self.law.slopes[self.shifted]
        found = "no shift changes the conclusion"
        if self.roots:
            change = "is lost" if self.significant else "is gained"
            found = f"significance at {self.alpha:g} {change} at a shift of {self.delta:.5g}"
        return {
            "shifted": f"imputed outcomes of {arm}; a unit moves the effect by {slope:.6g}",
            "unshifted": f"{estimate:.5g} (SE {error:.5g}), p {p_text(float(self.law.p_value()))}",
            "tipping": found,
        }

    def _tables(self) -> Tables:
        return {}

    def plot(self) -> go.Figure:
        """Return a plotly figure of the effect and its limits against the shift, the tipping point marked."""
        import plotly.graph_objects as graph

        rows = self.to_frame()
        figure = graph.Figure()
        for name, dash in (("lower", "dot"), ("estimate", "solid"), ("upper", "dot")):
            figure.add_trace(graph.Scatter(x=rows["delta"], y=rows[name], name=name, line={"dash": dash}))
        figure.add_hline(y=0.0)
        if self.roots:
            figure.add_vline(x=self.delta, line_dash="dash", annotation_text=f"{self.delta:.3g}")
        return figure.update_layout(
            title=f"Tipping point at visit {self.visit}",
            xaxis_title=f"shift of the imputed outcomes of {self.arms[self.shifted]}",
            yaxis_title=self.comparison,
        )

    def _default_deltas(self) -> Floats:
        end = 1.5 * self.delta if self.roots else 3.0 * _unit(self.law, self.shifted)
        return np.linspace(0.0, end, 61)


def tipping_point(
    result: ImputationResult, *, visit: object = None, shift: object = None, alpha: float = 0.05
) -> TippingPoint:
    """Find the shift of one arm's imputed outcomes at which the conclusion changes.

    Parameters
    ----------
    result : ImputationResult
        Of `reference_based_imputation`, by either method.
    visit : object, optional
        Label of the visit; the last one unless given.
    shift : object, optional
        Label of the arm whose imputed outcomes are shifted; the active arm unless given.
    alpha : float
        Two-sided level, in (0, 1).

    Returns
    -------
    TippingPoint

    Raises
    ------
    AnalysisError
        If the visit or arm is unknown, alpha no probability, or nothing was imputed there.

    Examples
    --------
    >>> from trialsim.analysis.imputation.frame import reference_based_imputation
    >>> rng = np.random.default_rng(2)
    >>> rows = [(i, i % 2, week, rng.normal() - i % 2) for i in range(80) for week in (4, 8)
    ...         if week == 4 or i % 5]
    >>> data = pd.DataFrame(rows, columns=["id", "arm", "week", "change"])
    >>> found = reference_based_imputation(data, outcome="change", arm="arm", visit="week",
    ...                                    participant="id", strategy="MAR")
    >>> tipping = tipping_point(found, shift=1)
    >>> bool(np.isclose(tipping.to_frame([tipping.delta])["p_value"][0], 0.05))
    True
    """
    if visit is not None and str(visit) not in result.visits:
        raise AnalysisError(
            "is no visit of the result",
            field="visit",
            value=visit,
            mend=f"use one of {', '.join(result.visits)}",
        )
    if shift is not None and str(shift) not in result.arms:
        raise AnalysisError(
            "is no arm of the result", field="shift", value=shift, mend=f"use {' or '.join(result.arms)}"
        )
    if not 0.0 < alpha < 1.0:
        raise AnalysisError("must be between 0 and 1", field="alpha", value=alpha)
    position = result.position(visit)
    shifted = 1 if shift is None else result.arms.index(str(shift))
    if result.imputed[position, shifted] == 0:
        raise AnalysisError(
            f"arm {result.arms[shifted]} has no imputed outcome at visit {result.visits[position]} to shift"
        )
    law = result.shifts[position]
    return TippingPoint(
        law,
        f"{result.arms[1]} - {result.arms[0]}",
        result.visits[position],
        result.arms,
        shifted,
        alpha,
        find_roots(law, shifted, alpha),
    )


def find_roots(law: ShiftLaw, shifted: int, alpha: float) -> tuple[float, ...]:
    """Return every shift of one arm at which p equals alpha, ascending."""
    unit = _unit(law, shifted)
    grid = unit * np.sinh(np.linspace(-np.arcsinh(_WIDEST), np.arcsinh(_WIDEST), _GRID))

    def excess(delta: ArrayLike) -> Floats:
        estimate, error, df = law.at(*((delta, 0.0) if shifted == 0 else (0.0, delta)))
        return np.asarray(np.abs(estimate) - critical_value(1.0 - alpha, df) * error)

    values = excess(grid)
    crossings = np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1]))
    return tuple(
        float(brentq(lambda delta: float(excess(delta)), grid[k], grid[k + 1], xtol=1e-13 * unit, rtol=1e-14))
        for k in crossings
    )


def _unit(law: ShiftLaw, shifted: int) -> float:
    """Return the shift that moves the effect by one standard error."""
    return float(law.at()[1] / abs(law.slopes[shifted]))
