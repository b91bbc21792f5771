"""A prior given by its exact density on an equidistant grid of the link scale, as an integral yields it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline, make_interp_spline
from scipy.special import expit, gammaln, logsumexp

from trialsim.analysis.borrowing.checks import counts, finite, fraction, inside_unit, positive
from trialsim.analysis.borrowing.printed_distribution import summarise
from trialsim.analysis.borrowing.roots import bisect_between
from trialsim.analysis.one_trial.printed import Printed, Tables
from trialsim.data import Floats
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    import plotly.graph_objects as go

CountData = Literal["binomial", "poisson"]
_LARGEST_END = 1e-3


@dataclass(frozen=True, repr=False)
class TabulatedPrior(Printed):
    """Density of η, the logit of a response probability or the log of a rate, on a grid.

    Integrals are trapezoidal sums, which converge geometrically for a smooth density that vanishes
    at both ends.

    Parameters
    ----------
    data : {"binomial", "poisson"}
        Which link: logit or log.
    grid : ndarray (G,)
        Equidistant values of η.
    log_density, slope, curvature : ndarray (G,)
        Log density of η (normalised) and its first two derivatives.
    tails : pair of float
        Rates (r₀, r₁) at which the density falls: as exp(r₀η) on the left and exp(−r₁η) on the right.
        Infinite for lighter tails, 0 for heavier ones. The moment k of a rate exists below r₁, and the
        expected local information ratio from r₀ = 1 on: what the grid cuts off is then no longer small.
    """

    data: CountData
    grid: Floats
    log_density: Floats
    slope: Floats
    curvature: Floats
    tails: tuple[float, float] = (math.inf, math.inf)

    @property
    def step(self) -> float:
        """Distance of two nodes."""
        return float(self.grid[1] - self.grid[0])

    @property
    def mass(self) -> Floats:
        """Probability of each node (G,)."""
        mass = np.exp(self.log_density) * self.step
        return np.asarray(mass / mass.sum())

    @property
    def values(self) -> Floats:
        """Nodes on the scale of the probability or rate (G,)."""
        return np.asarray(expit(self.grid) if self.data == "binomial" else np.exp(self.grid))

    def mean(self) -> float:
        """Return the mean of the probability or rate.

        Raises
        ------
        AnalysisError
            If it is infinite: the tail of log-rates falls as exp(−r₁η) with r₁ ≤ 1.
        """
        self._require_moment(1)
        return float(self.mass @ self.values)

    def sd(self) -> float:
        """Return the standard deviation of the probability or rate.

        Raises
        ------
        AnalysisError
            If it is infinite: the tail of log-rates falls as exp(−r₁η) with r₁ ≤ 2.
        """
        self._require_moment(2)
        return float(np.sqrt(self.mass @ (self.values - self.mean()) ** 2))

    def _require_moment(self, order: int) -> None:
        if self.data == "poisson" and self.tails[1] <= order:
            raise AnalysisError(
                f"does not exist: log-rates have a tail that falls as exp(-{self.tails[1]:.3g} x)",
                field={1: "mean of the rate", 2: "standard deviation of the rate"}[order],
                mend="use quantiles, or a tighter prior of the heterogeneity (half-normal below 0.5)",
            )

    def cdf(self, x: ArrayLike) -> Floats:
        """Return P(θ ≤ x) for a probability or rate x (...)."""
        return self._cdf_of_link(self._link(np.asarray(x, dtype=float)))

    def quantile(self, probability: ArrayLike) -> Floats:
        """Return quantiles of the probability or rate."""
        wanted = np.atleast_1d(np.asarray(probability, dtype=float))
        for p in wanted:
            inside_unit(p, "probability")
        ends = np.full((2, len(wanted)), self.grid[[0, -1]][:, None])
        spline = self._integral()
        total = spline(self.grid[-1])
        eta = bisect_between(lambda x: spline(x) / total - wanted, ends[0], ends[1])
        return np.asarray(expit(eta) if self.data == "binomial" else np.exp(eta))

    def posterior(self, events: float, size: float) -> TabulatedPrior:
        """Return the posterior after `events` among `size` participants, or over `size` of exposure."""
        log_likelihood, slope, curvature = self._likelihood(events, size)
        unnormalised = self.log_density + log_likelihood
        return TabulatedPrior(
            self.data,
            self.grid,
            unnormalised - logsumexp(unnormalised) - np.log(self.step),
            self.slope + slope,
            self.curvature + curvature,
            (self.tails[0] + events, self._right_tail(size - events)),
        )

    def log_marginal(self, events: float, size: float) -> float:
        """Return the log probability of the data, with its binomial or Poisson constant."""
        log_likelihood, _, _ = self._likelihood(events, size)
        constant = -gammaln(events + 1)
        if self.data == "binomial":
            constant += gammaln(size + 1) - gammaln(size - events + 1)
        elif events > 0:
            constant += events * np.log(size)
        return float(logsumexp(log_likelihood, b=self.mass) + constant)

    def robust(self, weight: float, a: float | None = None, b: float = 1.0) -> TabulatedPrior:
        """Return (1 − weight) of this and `weight` of a vague conjugate density.

        Beta(a, b), uniform by default, for a probability; Gamma(a, b), one unit of exposure at this
        mean by default, for a rate. The grid widens so that it holds the vague tails.
        """
        weight = fraction(weight, "weight")
        if weight == 0:
            return self
        # The mean of a rate need not exist, and is asked for only where it is used.
        if a is None:
            a = 1.0 if self.data == "binomial" else self.mean() * b
        shape = positive(a, "a")
        rate = positive(b, "b")
        wide = self._widened(45 / shape, 45 / rate if self.data == "binomial" else 5.0)
        log_vague, slope, curvature = _vague_terms(self.data, wide.grid, shape, rate)
        log_vague -= logsumexp(log_vague) + np.log(wide.step)
        with np.errstate(divide="ignore"):
            parts = np.stack([wide.log_density + np.log1p(-weight), log_vague + np.log(weight)])
        log_density = logsumexp(parts, axis=0)
        share = np.exp(parts - log_density)
        slopes, curvatures = np.stack([wide.slope, slope]), np.stack([wide.curvature, curvature])
        mixed = (share * slopes).sum(axis=0)
        return TabulatedPrior(
            self.data,
            wide.grid,
            log_density,
            mixed,
            (share * (curvatures + slopes**2)).sum(axis=0) - mixed**2,
            (
                min(self.tails[0], shape),
                min(self.tails[1], rate if self.data == "binomial" else math.inf),
            ),
        )

    def expected_information_ratio(self) -> float:
        """Return E[i(p)/i_F] of the density of the probability or rate (see `elir_ess`).

        Ends where the density of the parameter itself stays finite (a vague Beta(1, 1) part) count as
        they do for beta mixtures: nothing.

        Raises
        ------
        AnalysisError
            If the integral diverges, because the density of the parameter itself has a pole (`tails` below
            1), or if the tails carry it, as they do for a nearly flat prior on the link scale.
        """
        if min(self.tails if self.data == "binomial" else self.tails[:1]) < 1:
            raise AnalysisError(
                "the expected local information ratio does not exist: the tails carry it, where the density "
                "of the parameter itself has a pole",
                field="prior",
                value=self.tails,
                mend="give a tighter prior of the heterogeneity (half-normal up to 1), a vague part with a "
                "shape of at least 1, or use moment_ess",
            )
        unit, density = self._derivative(), np.exp(self.log_density)
        terms = -density * self.curvature / unit
        if np.abs(terms[[0, -1]]).max() > _LARGEST_END * np.abs(terms).max():
            raise AnalysisError(
                "the tails carry the expected local information ratio, so it says nothing",
                field="prior",
                mend="give a tighter prior of the mean or of the heterogeneity, or use moment_ess",
            )
        boundary = (density * self.slope / unit)[[0, -1]]
        return self.step * float(terms.sum()) - float(boundary[0] - boundary[1])

    def to_frame(self) -> pd.DataFrame:
        """Return the table of the density on the scale of the probability or rate."""
        density = np.exp(self.log_density) / self._derivative()
        return pd.DataFrame({"link": self.grid, "value": self.values, "density": density})

    @property
    def _parameter(self) -> str:
        return "response probability" if self.data == "binomial" else "rate"

    def _title(self) -> str:
        return f"Exact density of a {self._parameter}"

    def _tables(self) -> Tables:
        return {"Distribution": summarise({self._parameter: self})}

    def plot(self) -> go.Figure:
        """Draw the density of the probability or rate."""
        import plotly.graph_objects as go

        frame = self.to_frame()
        lower, upper = self.quantile([0.0005, 0.9995])
        frame = frame[frame["value"].between(lower, upper)]
        figure = go.Figure(go.Scatter(x=frame["value"], y=frame["density"], mode="lines"))
        figure.update_layout(xaxis_title="parameter", yaxis_title="density")
        return figure

    def _derivative(self) -> Floats:
        """Return dθ/dη, which is the information of one participant on the link scale too."""
        return np.asarray(self.values * expit(-self.grid) if self.data == "binomial" else self.values)

    def _link(self, x: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            if self.data == "poisson":
                return np.asarray(np.log(np.maximum(x, 0)))
            inside = np.clip(x, 0, 1)
            return np.asarray(np.log(inside) - np.log1p(-inside))

    def _integral(self) -> BSpline:
        return make_interp_spline(self.grid, np.exp(self.log_density), k=5).antiderivative()

    def _cdf_of_link(self, eta: Floats) -> Floats:
        spline = self._integral()
        inside = np.clip(eta, self.grid[0], self.grid[-1])
        return np.asarray(spline(inside) / spline(self.grid[-1]))

    def _likelihood(self, events: float, size: float) -> tuple[Floats, Floats, Floats]:
        if self.data == "binomial":
            counts(events, size)
            p = self.values
            log_l = events * self.grid - size * np.logaddexp(0, self.grid)
            return np.asarray(log_l), events - size * p, -size * p * (1 - p)
        positive(size, "exposure")
        if not (np.isfinite(events) and events >= 0):
            raise AnalysisError("must be finite and at least 0", field="events", value=events)
        expected = size * self.values
        return events * self.grid - expected, events - expected, -expected

    def _right_tail(self, without_event: float) -> float:
        """Return how the right tail falls after data: a Poisson likelihood leaves none."""
        return self.tails[1] + without_event if self.data == "binomial" else math.inf

    def _widened(self, left: float, right: float) -> TabulatedPrior:
        """Return the same density on a grid that reaches from −left to +right about its centre."""
        centre = float(self.mass @ self.grid)
        before = max(0, int(np.ceil((self.grid[0] - (centre - left)) / self.step)))
        after = max(0, int(np.ceil((centre + right - self.grid[-1]) / self.step)))
        grid = self.grid[0] + self.step * np.arange(-before, len(self.grid) + after)
        return TabulatedPrior(
            self.data,
            grid,
            np.pad(self.log_density, (before, after), constant_values=-np.inf),
            np.pad(self.slope, (before, after)),
            np.pad(self.curvature, (before, after)),
            self.tails,
        )


def _vague_terms(data: CountData, grid: Floats, a: float, b: float) -> tuple[Floats, Floats, Floats]:
    if data == "poisson":
        rate = b * np.exp(grid)
        return a * grid - rate, a - rate, -rate
    p, q = expit(grid), expit(-grid)
    log_density = -a * np.logaddexp(0, -grid) - b * np.logaddexp(0, grid)
    return np.asarray(log_density), a * q - b * p, -(a + b) * p * q


def normal_on_link(mean: float, sd: float, *, data: CountData) -> TabulatedPrior:
    """Return a normal prior of the logit of a probability, or of the log of a rate.

    Parameters
    ----------
    mean, sd : float
        On the link scale; sd above 0.
    data : {"binomial", "poisson"}
        Logit or log link.

    Examples
    --------
    >>> round(normal_on_link(0.0, 0.5, data="binomial").mean(), 10)
    0.5
    """
    z = np.linspace(-10, 10, 401)
    grid = finite(mean, "mean") + positive(sd, "sd") * z
    log_density = -0.5 * z**2 - 0.5 * np.log(2 * np.pi) - np.log(sd)
    return TabulatedPrior(data, grid, log_density, -z / sd, np.full(len(z), -(sd**-2.0)))
