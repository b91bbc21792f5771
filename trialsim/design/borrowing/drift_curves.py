"""What borrowing risks and gains over drift: curves by setting, sweet spot, and tipping drift."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trialsim.design.borrowing.control_question import ControlQuestion
from trialsim.design.borrowing.question import (
    BorrowingCharacteristics,
    BorrowingMethod,
    NoBorrowing,
)
from trialsim.design.borrowing.worst_drift import folded, over_drifts
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.progress import Progress, counted, silent

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LARGEST_DRIFT = 2.0
_TIPPING_STEP = 0.05
_TOLERANCE = 1e-9
# Two searches of one peak, over different steps, agree to less.
_PEAK_TOLERANCE = 1e-5
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
NOT_DEFENSIBLE = "borrowing is not defensible"


@dataclass(frozen=True)
class TippingDrift(InNotebook):
    """Where the type I error leaves its cap, beside what the concurrent controls can see.

    Parameters
    ----------
    tipping : float
        Smallest absolute drift with a type I error above the cap; infinite if none up to 2.
    detectable : float
        Drift that the concurrent controls show in half of all trials.
    unit : str
        Unit of both: SD of a continuous outcome, or the working scale's.
    """

    tipping: float
    detectable: float
    unit: str = "SD"

    @property
    def defensible(self) -> bool:
        """Whether a harmful drift would be seen: the tipping drift is not below the detectable one."""
        return self.tipping >= self.detectable

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        seen = f"the concurrent controls can detect a drift of {self.detectable:.3f} {self.unit}"
        if math.isinf(self.tipping):
            return f"no drift up to {_LARGEST_DRIFT:g} {self.unit} breaks the cap; {seen}"
        spot = f"the type I error leaves its cap at a drift of {self.tipping:.3f} {self.unit}"
        return f"{spot}; {seen}" + ("" if self.defensible else f": {NOT_DEFENSIBLE}")


def tipping_drift(method: BorrowingMethod, question: ControlQuestion, controls: int) -> TippingDrift:
    """Return the tipping drift of a method with so many controls, and the smallest detectable drift.

    The cap is looked for at steps of .05, on both sides where they differ, and of an integrated method at
    the peaks between them too, then halved down between two of them. A simulated method keeps the steps and
    is interpolated.

    Parameters
    ----------
    method : BorrowingMethod
        Borrows, at one setting.
    question : ControlQuestion
        Effect, arms, history and the cap on the type I error.
    controls : int
        Concurrent controls, above 0.

    Returns
    -------
    TippingDrift
        Both drifts, on the scale of the question's drift.

    Examples
    --------
    >>> from trialsim.design import BorrowingQuestion
    >>> from trialsim.design.borrowing import PowerPrior
    >>> question = BorrowingQuestion(0.4, 100, 1000, correlation=0.5)
    >>> edge = tipping_drift(PowerPrior(weight=1.0), question, 100)
    >>> round(edge.tipping, 3), round(edge.detectable, 3), edge.defensible
    (0.046, 0.178, False)
    """
    signs = (1,) if question.symmetric else (1, -1)
    tipping = min(_tipping(method, question, controls, sign) for sign in signs)
    return TippingDrift(tipping, question.detectable(controls), question.drift_unit)


def _tipping(method: BorrowingMethod, question: ControlQuestion, controls: int, sign: int) -> float:
    """Return the tipping drift on one side, as a size; infinite if none."""
    steps = np.linspace(0.0, _LARGEST_DRIFT, round(_LARGEST_DRIFT / _TIPPING_STEP) + 1)
    cap = question.type_one_cap
    found = over_drifts(method, question, controls, sign * steps, threshold=cap)
    order = np.argsort(np.abs(found.drift))
    size, level = np.abs(found.drift)[order], found.type_one_error[order]
    over = np.flatnonzero(level > cap + (_TOLERANCE if found.error > 0 else _PEAK_TOLERANCE))
    if not len(over):
        return math.inf
    first = int(over[0])
    if first == 0:
        return 0.0
    low, high = float(size[first - 1]), float(size[first])
    if found.error > 0:
        share = (cap - level[first - 1]) / (level[first] - level[first - 1])
        return low + float(share) * (high - low)
    while high - low > 1e-4:
        middle = 0.5 * (low + high)
        broken = method.characteristics(question, controls, np.array([sign * middle])).type_one_error[0] > cap
        low, high = (low, middle) if broken else (middle, high)
    return high


@dataclass(frozen=True)
class DriftMap(InNotebook):
    """Curves over drift by method and setting, at one number of controls.

    Parameters
    ----------
    frame : DataFrame
        method, setting, drift, type_one_error, power, bias, effective_controls, error, power_error.
    question : ControlQuestion
        What was asked.
    controls : int
        Randomised controls.
    peaks : tuple of (float, float)
        Of every curve in its order, the largest type I error and the drift where it is: between the
        declared drifts too, if the method is integrated.
    """

    frame: pd.DataFrame
    question: ControlQuestion
    controls: int
    peaks: tuple[tuple[float, float], ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a method, setting and drift; drift and bias in the question's units."""
        return self.frame.copy()

    def worst(self) -> pd.DataFrame:
        """Return one row a method and setting: largest type I error, where, power at no drift, and errors."""
        rows = []
        for ((method, setting), part), peak in zip(self._curves(), self.peaks, strict=True):
            still = int(np.abs(part["drift"].to_numpy()).argmin())
            noise = part["error"].max(), part["power_error"].max()
            rows.append((method, setting, *peak, part["power"].iloc[still], *noise))
        names = [
            *("method", "setting", "worst_type_one_error", "at_drift", "power_no_drift"),
            *("error", "power_error"),
        ]
        return pd.DataFrame(rows, columns=names)

    def sweet_spots(self) -> pd.DataFrame:
        """Return, by method and setting, the drifts around 0 where borrowing gains and keeps the cap.

        A sweet spot is the stretch of declared drifts that holds 0, with type I error at most the cap and
        power at least that of the same trial without borrowing; NaN where there is none.
        """
        plain = NoBorrowing().characteristics(self.question, self.controls, np.zeros(1)).power[0]
        rows = []
        for (method, setting), part in self._curves():
            part = part.sort_values("drift")
            good = (part["type_one_error"] <= self.question.type_one_cap + _TOLERANCE) & (
                part["power"] >= plain - _TOLERANCE
            )
            rows.append((method, setting, *_stretch(part["drift"].to_numpy(), good.to_numpy())))
        return pd.DataFrame(rows, columns=["method", "setting", "from_drift", "to_drift"])

    def averaged(self, drift_sd: float) -> pd.DataFrame:
        """Return type I error and power averaged over drift ~ N(0, drift_sd²) on the declared drifts.

        Weights are normal densities at the declared drifts, which should be even and reach 2 drift_sd.
        """
        if not drift_sd > 0:
            raise DesignError("must be above 0", field="drift_sd", value=drift_sd)
        rows = []
        for (method, setting), part in self._curves():
            weight = np.exp(-0.5 * (part["drift"].to_numpy() / drift_sd) ** 2)
            weight /= weight.sum()
            rows.append((method, setting, weight @ part["type_one_error"], weight @ part["power"]))
        return pd.DataFrame(rows, columns=["method", "setting", "type_one_error", "power"])

    def __str__(self) -> str:
        worst = self.worst().round(4).to_string(index=False)
        warning = ""
        if (self.worst()["worst_type_one_error"] > self.question.type_one_cap + _TOLERANCE).any():
            warning = "\nWarning: some of these settings break the cap under a declared drift."
        return f"{self.controls} controls, {self.question.active} active\n{worst}{warning}"

    def plot(self, quantity: str = "type_one_error") -> go.Figure:
        """Draw a quantity over drift, one line a method and setting, with the cap where it applies."""
        import plotly.graph_objects as go
        from plotly.colors import qualitative, sample_colorscale

        if quantity not in self.frame.columns[3:]:
            raise DesignError("is no curve of the map", field="quantity", value=quantity)
        figure, curves = go.Figure(), self._curves()
        colours = list(qualitative.Plotly)
        if len(curves) > len(colours):
            # Settings come from most to least borrowing: an ordered scale tells them apart.
            colours = sample_colorscale("Viridis", np.linspace(0.0, 0.95, len(curves)).tolist())
            figure.update_layout(legend={"orientation": "h", "yanchor": "top", "y": -0.2})
        dashes = {method: _DASHES[place % len(_DASHES)] for place, method in enumerate(_methods(curves))}
        for ((method, setting), part), colour in zip(curves, colours, strict=False):
            figure.add_scatter(
                x=part["drift"],
                y=part[quantity],
                name=f"{method}, {setting}",
                mode="lines+markers",
                line={"color": colour, "dash": dashes[method]},
            )
        if quantity == "type_one_error":
            figure.add_hline(y=self.question.type_one_cap, line_dash="dash", annotation_text="cap")
        figure.update_layout(
            xaxis_title=f"drift ({self.question.drift_unit})",
            yaxis_title=quantity.replace("type_one", "type I").replace("_", " "),
        )
        return figure

    def _curves(self) -> list[tuple[tuple[str, str], pd.DataFrame]]:
        return [
            ((str(method), str(setting)), part)
            for (method, setting), part in self.frame.groupby(["method", "setting"], sort=False)
        ]


def drift_map(
    methods: Sequence[BorrowingMethod],
    question: ControlQuestion,
    controls: int,
    *,
    all_settings: bool = False,
    progress: Progress = silent,
) -> DriftMap:
    """Return level, power, bias and effective controls over the declared drifts.

    Parameters
    ----------
    methods : sequence of BorrowingMethod
        At the settings to show.
    question : ControlQuestion
        With the declared drifts.
    controls : int
        Randomised controls, at least 2.
    all_settings : bool
        Show every candidate setting of each method: drift × weight.
    progress : callable, optional
        Called with (stage, settings done, settings in all).

    Returns
    -------
    DriftMap
        A row for each method, setting and drift.

    Raises
    ------
    DesignError
        Fewer than 2 controls.

    Examples
    --------
    >>> from trialsim.design import BorrowingQuestion
    >>> from trialsim.design.borrowing import RobustMap
    >>> question = BorrowingQuestion(0.4, 100, 1000, correlation=0.5, drifts=(-0.3, 0.0, 0.3))
    >>> worst = drift_map([NoBorrowing(), RobustMap()], question, 60).worst()
    >>> worst[["method", "worst_type_one_error", "power_no_drift"]].round(3)
                      method  worst_type_one_error  power_no_drift
    0  prognostic adjustment                 0.050           0.807
    1             robust MAP                 0.184           0.964
    """
    if controls < 2:
        raise DesignError("must be at least 2", field="controls", value=controls)
    shown = [one for method in methods for one in (method.candidates() if all_settings else (method,))]
    found = [
        one.characteristics(question, controls, np.asarray(question.drifts))
        for one in counted(shown, "drift curves", progress)
    ]
    peaks = tuple(
        curve.worst() if curve.error > 0 else over_drifts(one, question, controls, folded(question)).worst()
        for one, curve in zip(shown, found, strict=True)
    )
    parts = [_frame(one, curve) for one, curve in zip(shown, found, strict=True)]
    return DriftMap(pd.concat(parts, ignore_index=True), question, controls, peaks)


def _methods(curves: list[tuple[tuple[str, str], pd.DataFrame]]) -> list[str]:
    return list(dict.fromkeys(method for (method, _), _ in curves))


def _frame(method: BorrowingMethod, found: BorrowingCharacteristics) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "method": method.name,
            "setting": method.setting,
            "drift": found.drift,
            "type_one_error": found.type_one_error,
            "power": found.power,
            "bias": found.bias,
            "effective_controls": found.effective_controls,
            "error": found.error,
            "power_error": found.power_error,
        }
    )


def _stretch(drift: np.ndarray, good: np.ndarray) -> tuple[float, float]:
    """Return the ends of the run of good drifts that holds the drift nearest 0."""
    at = int(np.argmin(np.abs(drift)))
    if not good[at]:
        return math.nan, math.nan
    low = high = at
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(good) - 1 and good[high + 1]:
        high += 1
    return float(drift[low]), float(drift[high])
