"""Group-sequential designs: bounds, power, size relative to a fixed trial, and bounds at observed looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from trialsim.design.group_sequential.bounds_figure import bounds_figure
from trialsim.design.group_sequential.crossing import Crossings, Floats, Walk, crossings, walk
from trialsim.design.group_sequential.drift_search import drift_for_power
from trialsim.design.group_sequential.futility import BoundaryProblem, FutilityRule
from trialsim.design.group_sequential.looks import NEAREST_LOOKS, check_errors, checked_times
from trialsim.design.group_sequential.spending import EfficacyRule, OBrienFlemingSpending, WangTsiatis
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class GroupSequentialDesign(InNotebook):
    """Bounds of a trial that is read more than once; made by `group_sequential_design`.

    Parameters
    ----------
    information : tuple of float
        Information at each look; 1 is the planned maximum.
    spending_time : tuple of float
        Time at which spending functions were read: information, or calendar time over its maximum.
    upper, lower : tuple of float
        Bounds on the z scale; -inf where there is no lower bound. With a futility rule the last
        lower bound is the last upper one.
    alpha : float
        Type I error over both sides.
    power : float
        Planned power, reached at `drift` with the planned information.
    sides : int
        1, or 2 for bounds that mirror each other.
    drift : float
        Mean of z at information 1 under the alternative.
    efficacy : EfficacyRule
        Rule of the upper bounds.
    futility : FutilityRule or None
        Rule of the lower bounds.
    path : Walk, optional
        Densities between the bounds from which stopping probabilities are read, good for drifts from 0
        to `drift`; walked again where left out.
    """

    information: tuple[float, ...]
    spending_time: tuple[float, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    alpha: float
    power: float
    sides: int
    drift: float
    efficacy: EfficacyRule
    futility: FutilityRule | None
    path: Walk | None = field(default=None, repr=False, compare=False)

    def stopping(self, drift: float) -> Crossings:
        """Return the probabilities of stopping at each look under a drift.

        Parameters
        ----------
        drift : float
            Mean of z at information 1: effect times √(planned maximum information).

        Examples
        --------
        >>> design = group_sequential_design([0.5, 1.0])
        >>> design.stopping(design.drift).upper.round(4)
        array([0.2525, 0.6475])
        """
        path = self.path
        if path is None or not 0.0 <= drift <= self.drift:
            reach = (min(drift, 0.0), max(drift, 0.0))
            path = walk(np.array(self.information), np.array(self.upper), np.array(self.lower), drifts=reach)
        return crossings(path, drift)

    @cached_property
    def under_null(self) -> Crossings:
        """Stopping probabilities without an effect, both bounds obeyed."""
        return self.stopping(0.0)

    @cached_property
    def under_alternative(self) -> Crossings:
        """Stopping probabilities under `drift`."""
        return self.stopping(self.drift)

    def power_at(self, drift: float) -> float:
        """Return the probability of crossing an upper bound under a drift.

        Rejections in the wrong direction are not counted, as in rpact and gsDesign.

        Examples
        --------
        >>> design = group_sequential_design([0.5, 1.0])
        >>> round(design.power_at(design.drift), 6), round(design.power_at(0.0), 6)
        (0.9, 0.025)
        """
        return float(self.stopping(drift).upper.sum())

    def _rejections(self, stops: Crossings) -> Floats:
        return stops.stopped if self.sides == 2 else stops.upper

    @cached_property
    def alpha_spent(self) -> Floats:
        """Type I error spent by each look (K,); binding futility counts, non-binding does not."""
        obeyed = self.futility is None or self.futility.binding
        if obeyed:
            return np.cumsum(self._rejections(self.under_null))
        return np.cumsum(crossings(walk(np.array(self.information), np.array(self.upper))).upper)

    @cached_property
    def beta_spent(self) -> Floats:
        """Type II error spent by each look (K,), under `drift`."""
        if self.futility is None:
            missed = np.zeros(len(self.information))
            missed[-1] = 1 - self.under_alternative.upper.sum()
            return missed
        return np.cumsum(self.under_alternative.lower)

    @property
    def nominal_p(self) -> Floats:
        """Nominal p value at each upper bound (K,), over both sides if there are two."""
        return np.asarray(self.sides * ndtr(-np.array(self.upper)))

    @property
    def fixed_drift(self) -> float:
        """Drift for which a trial with one look has the same power: z_{1−α} + z_{1−β}."""
        return float(ndtri(self.power) - ndtri(self.alpha / self.sides))

    @property
    def inflation(self) -> float:
        """Maximum size relative to a trial with one look: (drift / fixed drift)²."""
        return (self.drift / self.fixed_drift) ** 2

    def expected_information(self, drift: float) -> float:
        """Return the expected information when the trial stops, relative to the planned maximum.

        Examples
        --------
        >>> design = group_sequential_design([0.5, 1.0])
        >>> round(design.expected_information(design.drift), 4)
        0.8737
        """
        early = self.stopping(drift).stopped[:-1]
        last = self.information[-1]
        return float(last - np.sum(early * (last - np.array(self.information[:-1]))))

    def average_sample_number(self, drift: float) -> float:
        """Return the expected size relative to a trial with one look.

        Examples
        --------
        >>> design = group_sequential_design([0.5, 1.0])
        >>> round(design.average_sample_number(design.drift), 6)
        0.876726
        """
        return self.inflation * self.expected_information(drift)

    def at_observed(
        self,
        observed: Sequence[float],
        *,
        final: bool = False,
        spending_time: Sequence[float] | None = None,
    ) -> GroupSequentialDesign:
        """Return the design with the information that the looks really had.

        Parameters
        ----------
        observed : sequence of float
            Information at the looks so far, relative to the planned maximum; may exceed 1 at the last.
        final : bool
            The last of `observed` is the final look, whatever its information: what is left of alpha
            is spent there. If it is not, the planned looks that have not been held are kept.
        spending_time : sequence of float, optional
            Where spending functions are read at the observed looks; their information if left out.
            Needed where the plan spends by calendar.

        Returns
        -------
        GroupSequentialDesign
            Bounds found again from the observed information; `drift` is kept, and `power_at(drift)`
            is the power that the looks now give. Bounds of past looks do not change, because
            spending looks only back.

        Raises
        ------
        DesignError
            The efficacy rule is a shape with one constant, which cannot be adapted to other looks;
            looks out of order; no look left; a calendar plan without the calendar.

        Examples
        --------
        >>> plan = group_sequential_design([1 / 3, 2 / 3, 1.0])
        >>> over = plan.at_observed([0.4, 0.7, 1.1], final=True)
        >>> [round(z, 4) for z in over.upper], round(float(over.alpha_spent[-1]), 6)
        ([3.3569, 2.4445, 2.0117], 0.025)
        """
        if isinstance(self.efficacy, WangTsiatis):
            raise DesignError(
                "has no bounds for other looks than the planned ones",
                field="efficacy",
                value=self.efficacy.label,
                mend="plan with a spending function",
            )
        if spending_time is None and self.spending_time != self.information:
            raise DesignError(
                "is needed, because the plan spends by calendar",
                field="spending_time",
                mend="give calendar time over its planned maximum for each observed look",
            )
        seen = np.asarray(observed if spending_time is None else spending_time, dtype=np.float64)
        if len(seen) != len(observed):
            raise DesignError("must hold one time for each look", field="spending_time", value=len(seen))
        planned = list(zip(self.information, self.spending_time, strict=True))
        coming = [] if final else planned[min(len(observed), len(planned) - 1) :]
        ahead = [pair for pair in coming if pair[0] > observed[-1] + NEAREST_LOOKS]
        if not final and not ahead:
            raise DesignError(
                "leaves no look ahead", field="observed", value=observed[-1], mend="call it the final look"
            )
        information = checked_times([*observed, *(t for t, _ in ahead)], "observed", last=None)
        clock = np.minimum([*seen, *(s for _, s in ahead)], 1.0)
        clock[-1] = 1.0
        problem = replace(self._problem(), time=information, spending_time=clock)
        return _design(problem, problem.path(self.drift), self.drift, self.power, "observed")

    def _problem(self) -> BoundaryProblem:
        return BoundaryProblem(
            np.array(self.information),
            np.array(self.spending_time),
            self.efficacy,
            self.futility,
            self.alpha / self.sides,
            1 - self.power,
            self.sides,
            2 * self.drift,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each look.

        Examples
        --------
        >>> group_sequential_design([0.5, 1.0]).to_frame()[["information", "upper_z", "alpha_spent"]].round(4)
              information  upper_z  alpha_spent
        look
        1             0.5   2.9626       0.0015
        2             1.0   1.9686       0.0250
        """
        null, alternative = self.under_null, self.under_alternative
        return pd.DataFrame(
            {
                "information": self.information,
                "spending_time": self.spending_time,
                "upper_z": self.upper,
                "lower_z": self.lower,
                "nominal_p": self.nominal_p,
                "alpha_spent": self.alpha_spent,
                "beta_spent": self.beta_spent,
                "stop_upper_h0": null.upper,
                "stop_lower_h0": null.lower,
                "stop_upper_h1": alternative.upper,
                "stop_lower_h1": alternative.lower,
                "cumulative_power": np.cumsum(alternative.upper),
            },
            index=pd.RangeIndex(1, len(self.information) + 1, name="look"),
        )

    def __str__(self) -> str:
        futility = "none" if self.futility is None else self.futility.label
        sizes = ", ".join(
            f"{self.average_sample_number(share * self.drift):.4f} ({name})"
            for share, name in ((0.0, "H0"), (0.5, "halfway"), (1.0, "H1"))
        )
        lines = [
            f"Group-sequential design with {len(self.information)} looks, {self.sides}-sided, "
            f"alpha {self.alpha:g}, power {self.power:g}",
            f"Efficacy: {self.efficacy.label}. Futility: {futility}.",
            f"Drift {self.drift:.4f}; inflation {self.inflation:.4f}; "
            f"expected size relative to one look: {sizes}",
            self.to_frame().drop(columns="spending_time").to_string(float_format="{:.4f}".format),
        ]
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return the bounds over information as a plotly figure; a side without a finite one is left out.

        Examples
        --------
        >>> len(group_sequential_design([0.5, 1.0]).plot().data)
        1
        """
        return bounds_figure(self.information, self.upper, self.lower, self.efficacy.label)


def group_sequential_design(
    information: Sequence[float],
    *,
    efficacy: EfficacyRule | None = None,
    futility: FutilityRule | None = None,
    alpha: float = 0.025,
    power: float = 0.9,
    sides: int = 1,
    spending_time: Sequence[float] | None = None,
) -> GroupSequentialDesign:
    """Return the bounds for looks at given information, and the drift that gives the power.

    Parameters
    ----------
    information : sequence of float, K of them
        Information at each look relative to the maximum: ascending, ending with 1.
    efficacy : EfficacyRule, optional
        `OBrienFlemingSpending` (if left out), `PocockSpending`, `HwangShihDeCani`, `PowerSpending`,
        `ExponentialSpending`, `SpendingTable`, `WangTsiatis`, `HaybittlePeto`, `GivenBounds`.
    futility : FutilityRule, optional
        `BetaSpending`, `NullSpending`, `FutilityBounds`; one-sided designs only.
    alpha : float
        Type I error over both sides, in (0, 0.5).
    power : float
        In (alpha, 1).
    sides : {1, 2}
        Sides of the test.
    spending_time : sequence of float, optional
        Where spending functions are read; `information` if left out. Give calendar time over its
        maximum for calendar spending: correlations still follow `information`.

    Returns
    -------
    GroupSequentialDesign

    Raises
    ------
    DesignError
        Looks out of order, errors out of range, more spent than there is, bounds that cross.

    Notes
    -----
    Bounds are solved from the first look to the last (`crossing.walk`); with beta spending the
    drift is the one at which the last bounds meet (Pampallona, Tsiatis & Kim 2001).

    Examples
    --------
    >>> from trialsim.design.group_sequential.futility import BetaSpending
    >>> from trialsim.design.group_sequential.spending import HwangShihDeCani
    >>> design = group_sequential_design([0.5, 1.0], futility=BetaSpending(HwangShihDeCani(-2)))
    >>> [round(z, 4) for z in design.upper], [round(z, 4) for z in design.lower]
    ([2.9626, 1.9686], [0.4064, 1.9686])
    >>> round(design.inflation, 5)
    1.03771
    """
    times = checked_times(information, "information", last=1.0)
    clock = times if spending_time is None else checked_times(spending_time, "spending_time", last=1.0)
    if len(clock) != len(times):
        raise DesignError("must hold one time for each look", field="spending_time", value=list(clock))
    check_errors(alpha, power, sides, futility)
    fixed = float(ndtri(power) - ndtri(alpha / sides))
    rule = OBrienFlemingSpending() if efficacy is None else efficacy
    problem = BoundaryProblem(times, clock, rule, futility, alpha / sides, 1 - power, sides, 2 * fixed)
    drift, path = drift_for_power(problem, fixed, power)
    return _design(problem, path, drift, power, "futility")


def _design(
    problem: BoundaryProblem, path: Walk, drift: float, power: float, field: str
) -> GroupSequentialDesign:
    """Return a solved problem as a design, refusing bounds that meet before the last look."""
    met = np.flatnonzero(path.lower[:-1] >= path.upper[:-1])
    if len(met):
        raise DesignError(
            f"crosses the efficacy bound at look {met[0] + 1}, before the last",
            field=field,
            value=float(path.lower[met[0]]),
            mend="spend less on futility at that look, or move the look",
        )
    return GroupSequentialDesign(
        information=tuple(problem.time.tolist()),
        spending_time=tuple(problem.spending_time.tolist()),
        upper=tuple(path.upper.tolist()),
        lower=tuple(path.lower.tolist()),
        alpha=problem.alpha * problem.sides,
        power=power,
        sides=problem.sides,
        drift=drift,
        efficacy=problem.efficacy,
        futility=problem.futility,
        path=path if drift <= problem.largest_drift else None,
    )
