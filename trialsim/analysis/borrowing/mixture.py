"""What every mixture of conjugate densities can do: moments, distribution function, quantiles, density."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from trialsim.analysis.borrowing.checks import inside_unit
from trialsim.analysis.borrowing.printed_distribution import summarise
from trialsim.analysis.borrowing.roots import bisect_between
from trialsim.analysis.one_trial.printed import Printed, Tables
from trialsim.data import Floats
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LONGEST_GRID = 200_000
NODES_PER_SD = 4.0


class MixturePrior(Printed):
    """Σ_k w_k f_k over K conjugate components; the components give their own formulas.

    Integrals over a mixture run on a *working scale* (logit, log or identity) on which every
    component is smooth and light-tailed, so that the trapezoidal rule converges geometrically.
    """

    family: ClassVar[str]
    weights: Floats

    @abstractmethod
    def parameters(self) -> dict[str, Floats]:
        """Return the parameters of the components by name, each (K,)."""

    @abstractmethod
    def component_moments(self) -> tuple[Floats, Floats]:
        """Return means and variances of the components, each (K,)."""

    @abstractmethod
    def component_log_density(self, x: Floats) -> Floats:
        """Return log densities (..., K) at x (...)."""

    @abstractmethod
    def component_cdf(self, x: Floats) -> Floats:
        """Return distribution functions (..., K) at x (...)."""

    @abstractmethod
    def component_quantile(self, probability: float) -> Floats:
        """Return quantiles of the components (K,)."""

    @abstractmethod
    def working_range(self) -> tuple[float, float, float]:
        """Return both ends that hold all mass but 1e-16, and the smallest SD, on the working scale."""

    @abstractmethod
    def from_working(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the parameter and its derivative at a point of the working scale."""

    def mean(self) -> float:
        """Return the mean."""
        return float(self.weights @ self.component_moments()[0])

    def sd(self) -> float:
        """Return the standard deviation."""
        means, variances = self.component_moments()
        return float(np.sqrt(self.weights @ (variances + (means - self.mean()) ** 2)))

    def log_density(self, x: ArrayLike) -> Floats:
        """Return the log density at x (...)."""
        parts = self.component_log_density(np.asarray(x, dtype=float))
        return np.asarray(logsumexp(parts, b=self.weights, axis=-1))

    def cdf(self, x: ArrayLike) -> Floats:
        """Return P(θ ≤ x) at x (...)."""
        return np.asarray(self.component_cdf(np.asarray(x, dtype=float)) @ self.weights)

    def quantile(self, probability: ArrayLike) -> Floats:
        """Return quantiles; each lies between those of the components."""
        wanted = np.atleast_1d(np.asarray(probability, dtype=float))
        used = self.weights > 0
        parts = np.array([self.component_quantile(inside_unit(p, "probability"))[used] for p in wanted])
        return bisect_between(lambda x: self.cdf(x) - wanted, parts.min(axis=1), parts.max(axis=1))

    def working_grid(self, *others: MixturePrior) -> tuple[Floats, Floats]:
        """Return nodes on the working scale that are fine enough for all, and their quadrature weights."""
        ranges = [mixture.working_range() for mixture in (self, *others)]
        lower, upper = min(r[0] for r in ranges), max(r[1] for r in ranges)
        step = min(r[2] for r in ranges) / NODES_PER_SD
        nodes = int(np.ceil((upper - lower) / step)) + 1
        if nodes > _LONGEST_GRID:
            raise AnalysisError(
                "the widest component is too wide beside the narrowest",
                field="components",
                value=nodes,
                mend="drop the component that holds next to nothing, or give a less vague one",
            )
        grid = np.linspace(lower, upper, nodes)
        return grid, np.full(nodes, grid[1] - grid[0])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a component."""
        return pd.DataFrame({"family": self.family, "weight": self.weights} | self.parameters())

    def _title(self) -> str:
        return f"{self.family[0].upper()}{self.family[1:]} mixture"

    def _tables(self) -> Tables:
        return {"Distribution": summarise({"θ": self}), "Components": self.to_frame()}

    def plot(self) -> go.Figure:
        """Draw the density of the mixture and its weighted components."""
        import plotly.graph_objects as go

        lower, upper = self.quantile([0.0005, 0.9995])
        x = np.linspace(lower, upper, 401)
        parts = np.exp(self.component_log_density(x)) * self.weights
        figure = go.Figure()
        figure.add_scatter(x=x, y=parts.sum(axis=1), name="mixture", mode="lines")
        for k in range(parts.shape[1]):
            figure.add_scatter(x=x, y=parts[:, k], name=f"component {k + 1}", line={"dash": "dot"})
        figure.update_layout(xaxis_title="parameter", yaxis_title="density")
        return figure


def reweighted(weights: Floats, log_marginal: Floats) -> Floats:
    """Return posterior weights ∝ w_k × marginal likelihood_k over the last axis, without underflow."""
    with np.errstate(divide="ignore"):
        log_weights = np.log(weights) + log_marginal
    return np.asarray(np.exp(log_weights - logsumexp(log_weights, axis=-1, keepdims=True)))


def responsibilities(log_parts: Floats) -> NDArray[np.float64]:
    """Return each component's share of the density (..., K) from log w_k f_k (..., K)."""
    return np.asarray(np.exp(log_parts - logsumexp(log_parts, axis=-1, keepdims=True)))
