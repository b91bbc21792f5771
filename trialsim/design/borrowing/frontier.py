"""How few concurrent controls each method needs, under a cap on the type I error over declared drifts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trialsim.design.borrowing.control_question import ControlQuestion
from trialsim.design.borrowing.drift_curves import NOT_DEFENSIBLE, tipping_drift
from trialsim.design.borrowing.exact_bayesian import ExactBayesian
from trialsim.design.borrowing.fewest_controls import (
    FEWEST_CONTROLS,
    TOLERANCE,
    fewest_for_power,
    fewest_of_method,
)
from trialsim.design.borrowing.normal import (
    Commensurate,
    PowerPrior,
    RobustMap,
    SelfAdapting,
)
from trialsim.design.borrowing.question import (
    BorrowingCharacteristics,
    BorrowingMethod,
    BorrowingQuestion,
    NoBorrowing,
)
from trialsim.design.borrowing.twin_informed import TwinInformedPrior
from trialsim.design.borrowing.worst_drift import folded, over_drifts
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.progress import Progress, counted, silent

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class FrontierPoint:
    """The fewest controls of one method, or the best that it can do.

    Parameters
    ----------
    method, setting : str
        What is used, and how its prior is set.
    feasible : bool
        Whether some setting and number of controls meet power and cap; the other fields then describe
        the fewest controls, else the setting that comes nearest at the most controls looked at.
    controls : int
        Randomised controls.
    power, worst_power : float
        Power at no drift, and the smallest over the declared drifts.
    worst_type_one_error, at_drift : float
        Largest over the range of the declared drifts, and where; of a simulated method, at the declared
        drifts themselves.
    error, power_error : float
        Monte Carlo standard errors of the type I error and of the power; 0 where integrated.
    effective_controls : float
        Controls that borrowing is worth at no drift.
    tipping, detectable : float
        Drifts in the question's unit; see `TippingDrift`.
    verdict : str
        What follows, in words.
    prior : BorrowingMethod
        The method at that setting.
    """

    method: str
    setting: str
    feasible: bool
    controls: int
    power: float
    worst_power: float
    worst_type_one_error: float
    at_drift: float
    error: float
    effective_controls: float
    tipping: float
    detectable: float
    verdict: str
    prior: BorrowingMethod
    power_error: float = 0.0


@dataclass(frozen=True)
class ControlFrontier(InNotebook):
    """The frontier: one point a method, beside prognostic adjustment without borrowing.

    Parameters
    ----------
    points : tuple of FrontierPoint
        In the order of the methods.
    question : ControlQuestion
        What was asked.
    plain_controls : int or None
        Controls of prognostic adjustment; None where the active arm alone is too small.
    """

    points: tuple[FrontierPoint, ...]
    question: ControlQuestion
    plain_controls: int | None

    def point(self, method: str) -> FrontierPoint:
        """Return the point of one method by its name."""
        for point in self.points:
            if point.method == method:
                return point
        raise DesignError("is not on the frontier", field="method", value=method)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a method, with the controls saved beside prognostic adjustment."""
        frame = pd.DataFrame([vars(point) for point in self.points]).drop(columns="prior")
        plain = math.nan if self.plain_controls is None else float(self.plain_controls)
        saved = np.where(frame["feasible"], plain - frame["controls"], np.nan)
        frame.insert(4, "controls_saved", saved)
        return frame

    def __str__(self) -> str:
        q = self.question
        head = (
            f"Fewest controls beside {q.active} active for power {q.power:g} ({q.describe()}),\n"
            f"two-sided alpha {q.alpha:g}, type I error at most "
            f"{q.type_one_cap:g} over drifts of {min(q.drifts):g} to {max(q.drifts):g} {q.drift_unit}"
        )
        lines = [
            f"{point.method}: "
            + (f"{point.controls} controls ({point.setting}), " if point.feasible else "none feasible; ")
            + point.verdict
            for point in self.points
        ]
        return "\n".join([head, *lines])

    def plot(self) -> go.Figure:
        """Draw the fewest controls of each method; methods without a feasible setting are named at 0."""
        import plotly.graph_objects as go

        shown = [point.controls if point.feasible else 0 for point in self.points]
        text = [str(p.controls) if p.feasible else "none feasible" for p in self.points]
        figure = go.Figure(go.Bar(x=[p.method for p in self.points], y=shown, text=text))
        if self.plain_controls is not None:
            figure.add_hline(y=self.plain_controls, line_dash="dash", annotation_text="without borrowing")
        figure.update_layout(yaxis_title="concurrent controls")
        return figure


def weighted_adjustment(variance_factor: float = 1.0) -> NoBorrowing:
    """Return weighted adjustment with a setting that says what gain is assumed; none unless given.

    Parameters
    ----------
    variance_factor : float
        What weighting by the twins' own certainty leaves of the variance: ``1/(E[v] E[1/v])`` over the
        variances v that they state, where these are true (arXiv 2309.14256).

    Returns
    -------
    NoBorrowing
        Under the name "weighted adjustment".

    Examples
    --------
    >>> weighted_adjustment().setting, weighted_adjustment(0.9).setting
    ('no gain by weighting assumed', 'weighting leaves 0.9 of the variance')
    """
    gain = f"weighting leaves {variance_factor:g} of the variance"
    setting = "no gain by weighting assumed" if variance_factor == 1 else gain
    return NoBorrowing("weighted adjustment", variance_factor, setting)


def default_methods(weighted_variance_factor: float = 1.0) -> tuple[BorrowingMethod, ...]:
    """Return every method of the frontier at its first setting.

    Parameters
    ----------
    weighted_variance_factor : float
        What weighting by the twins' own certainty leaves of the variance; 1, no gain, unless given.
        See `weighted_adjustment`.

    Returns
    -------
    tuple of BorrowingMethod
        The one without borrowing stands first.

    Examples
    --------
    >>> [method.name for method in default_methods()][:3]
    ['prognostic adjustment', 'weighted adjustment', 'exact Bayesian adjustment']
    """
    return (
        NoBorrowing(),
        weighted_adjustment(weighted_variance_factor),
        ExactBayesian(),
        RobustMap(),
        Commensurate(),
        PowerPrior(),
        SelfAdapting(),
        TwinInformedPrior(),
    )


def methods_for(
    question: ControlQuestion, weighted_variance_factor: float = 1.0
) -> tuple[BorrowingMethod, ...]:
    """Return the methods of the frontier that a question's scale has.

    The exact Bayesian mixture is that of a linear model: on the binary, count and survival scales it is
    left out, and so is weighting by the twins' certainty, whose formula is for least squares.

    Parameters
    ----------
    question : ControlQuestion
        On any scale.
    weighted_variance_factor : float
        As in `default_methods`.

    Returns
    -------
    tuple of BorrowingMethod
        The one without borrowing stands first.

    Examples
    --------
    >>> from trialsim.design import BinaryScale
    >>> from trialsim.design.borrowing import ScaleBorrowingQuestion
    >>> [method.name for method in methods_for(ScaleBorrowingQuestion(BinaryScale(0.3, 2.0), 150, 400))]
    ['prognostic adjustment', 'robust MAP', 'commensurate prior', 'power prior', ...]
    """
    every = default_methods(weighted_variance_factor)
    if isinstance(question, BorrowingQuestion):
        return every
    left_out = (ExactBayesian().name, "weighted adjustment")
    return tuple(
        replace(method, unit=question.drift_unit) if isinstance(method, SelfAdapting) else method
        for method in every
        if method.name not in left_out
    )


def control_frontier(
    question: ControlQuestion,
    methods: Sequence[BorrowingMethod] | None = None,
    *,
    most_controls: int | None = None,
    progress: Progress = silent,
) -> ControlFrontier:
    """Return the fewest concurrent controls of every method, each at its best setting.

    Parameters
    ----------
    question : ControlQuestion
        Active arm, history, power, cap and declared drifts.
    methods : sequence of BorrowingMethod, optional
        `methods_for` the question if not given. Every candidate setting of each is looked at, and settings
        between the best of them and its neighbours.
    most_controls : int, optional
        Where the search ends; by default what prognostic adjustment needs, since more would save
        nothing, or four times the active arm where that is infeasible.
    progress : callable, optional
        Called with (stage, methods done, methods in all).

    Returns
    -------
    ControlFrontier

    Raises
    ------
    DesignError
        No method is given, or a number of controls that is too small.

    Notes
    -----
    Power at no drift rises with the controls, so the fewest that reach it are found by halving. From
    there upward the type I error is looked at on a grid and the first crossing of the cap halved down.
    Between grid points it is taken to fall with more controls. Type I error is looked at over the range
    that the declared drifts span, between them too (see `over_drifts`), and over absolute drifts where
    neither method nor variance tells one side of the history from the other. A simulated method is looked
    at in its listed settings and at the declared drifts only, and must keep the cap with its one-sided 95 %
    Monte Carlo limit; more replicates narrow that.

    Examples
    --------
    >>> question = BorrowingQuestion(0.4, 120, 1000, correlation=0.5)
    >>> print(control_frontier(question, [NoBorrowing(), PowerPrior(), RobustMap()]))
    Fewest controls beside 120 active ...
    """
    chosen = methods_for(question) if methods is None else tuple(methods)
    if not chosen:
        raise DesignError("must name at least one method", field="methods")
    if most_controls is not None and most_controls < FEWEST_CONTROLS:
        raise DesignError(f"must be at least {FEWEST_CONTROLS}", field="most_controls", value=most_controls)
    ceiling = 4 * question.active if most_controls is None else most_controls
    plain = fewest_for_power(NoBorrowing(), question, ceiling)
    most = ceiling if plain is None or most_controls is not None else plain
    points = (_point(method, question, most) for method in counted(chosen, "fewest controls", progress))
    return ControlFrontier(tuple(points), question, plain)


def _point(method: BorrowingMethod, question: ControlQuestion, most: int) -> FrontierPoint:
    """Return the point of the fewest controls, or, if no setting is feasible, of that nearest the cap."""
    controls, setting = fewest_of_method(method, question, most)
    return _describe(setting, question, controls or most, feasible=controls is not None)


def _describe(
    method: BorrowingMethod, question: ControlQuestion, controls: int, *, feasible: bool
) -> FrontierPoint:
    over = over_drifts(method, question, controls, folded(question))
    declared = method.characteristics(question, controls, np.asarray(question.drifts))
    still = method.characteristics(question, controls, np.zeros(1))
    worst, at = over.worst()
    edge = tipping_drift(method, question, controls)
    return FrontierPoint(
        method=method.name,
        setting=method.setting,
        feasible=feasible,
        controls=controls,
        power=float(still.power[0]),
        worst_power=float(declared.power.min()),
        worst_type_one_error=worst,
        at_drift=at,
        error=over.error,
        effective_controls=float(still.effective_controls[0]),
        tipping=edge.tipping,
        detectable=edge.detectable,
        verdict=_verdict(feasible, still, over, edge.defensible, question),
        prior=method,
        power_error=still.power_error,
    )


def _verdict(
    feasible: bool,
    still: BorrowingCharacteristics,
    over: BorrowingCharacteristics,
    defensible: bool,
    question: ControlQuestion,
) -> str:
    (worst, at), power = over.worst(), float(still.power[0])
    simulated = over.error > 0
    noise, power_noise = (f" ± {one:.4f}" if simulated else "" for one in (over.error, still.power_error))
    found = (
        f"power {power:.3f}{power_noise}, worst type I error {_told(worst, question)}{noise} at a drift of "
        f"{at:g} {question.drift_unit}" + (", looked for at the declared drifts only" if simulated else "")
    )
    if not feasible:
        missed = []
        if power < question.power - TOLERANCE:
            missed.append("the power")
        if not over.keeps(question.type_one_cap):
            missed.append("the cap")
        why = " and ".join(missed) or "the cap at fewer controls"
        return f"best that can be had misses {why}: {found}"
    return found if defensible else f"{found}; {NOT_DEFENSIBLE}"


def _told(level: float, question: ControlQuestion) -> str:
    """Return a type I error with as many digits as tell it from a cap that it breaks."""
    broken = level > question.type_one_cap + TOLERANCE
    for digits in range(4, 9):
        told = f"{level:.{digits}f}"
        if not broken or float(told) > question.type_one_cap:
            break
    return told
