"""What a graph rejects under an effect: each hypothesis, at least one, all, and how many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from trialsim.analysis.multiplicity.graphs import Graph
from trialsim.data import Bools, Floats
from trialsim.errors import AnalysisError
from trialsim.notebook import InNotebook
from trialsim.streams import stream

_BLOCK = 100_000
STREAM = "graph power"


@dataclass(frozen=True)
class GraphPower(InNotebook):
    """Rejections of a graph over simulated trials.

    Parameters
    ----------
    names : tuple of str
        Of the hypotheses.
    trials : int
        R.
    local : ndarray (m,)
        Share of trials that reject each hypothesis.
    disjunctive, conjunctive : float
        Share that rejects at least one, and all, of those with an effect; NaN where none has one.
    family_wise : float
        Share that rejects at least one of those without an effect; NaN where all have one.
    expected : float
        Mean number of rejections.
    """

    names: tuple[str, ...]
    trials: int
    local: Floats
    disjunctive: float
    conjunctive: float
    family_wise: float
    expected: float

    def to_frame(self) -> pd.DataFrame:
        """Return each share with its Monte Carlo standard error, one a row."""
        shares = {f"rejects {name}": rate for name, rate in zip(self.names, self.local, strict=True)}
        shares |= {
            "rejects one with an effect": self.disjunctive,
            "rejects all with an effect": self.conjunctive,
            "rejects one without an effect": self.family_wise,
        }
        kept = {name: rate for name, rate in shares.items() if not np.isnan(rate)}
        rates = np.array(list(kept.values()))
        return pd.DataFrame(
            {"event": list(kept), "share": rates, "share_mcse": np.sqrt(rates * (1 - rates) / self.trials)}
        )


def graph_power(
    graph: Graph, marginal_power: ArrayLike, alpha: float, correlation: ArrayLike, trials: int, seed: int
) -> GraphPower:
    """Simulate normal statistics and test them by the graph's sequential shortcut.

    Parameters
    ----------
    graph : Graph
        With m hypotheses.
    marginal_power : array (m,)
        Power of each alone at the whole one-sided alpha, in (0, 1); exactly alpha is no effect.
    alpha : float
        One-sided family-wise level, in (0, 1).
    correlation : array (m, m)
        Of the statistics.
    trials : int
        How many.
    seed : int
        Of the named stream.

    Returns
    -------
    GraphPower

    Raises
    ------
    AnalysisError
        Powers outside (0, 1), or no correlation matrix.

    Examples
    --------
    >>> graph = Graph(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> found = graph_power(graph, [0.9, 0.9], 0.025, np.eye(2), 20_000, 1)
    >>> found.local.round(2)
    array([0.9 , 0.81])
    """
    power = np.asarray(marginal_power, dtype=np.float64)
    matrix = np.asarray(correlation, dtype=np.float64)
    m = len(graph)
    if power.shape != (m,) or not ((power > 0) & (power < 1)).all():
        raise AnalysisError(f"must be {m} shares inside (0, 1)", field="marginal_power", value=power.tolist())
    if (
        matrix.shape != (m, m)
        or not np.allclose(matrix, matrix.T)
        or np.linalg.eigvalsh(matrix).min() < -1e-10
    ):
        raise AnalysisError(f"is no correlation matrix of {m} statistics", field="correlation")
    if trials < 1:
        raise AnalysisError("must be at least 1", field="trials", value=trials)
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drift = special.ndtri(power) - special.ndtri(alpha)
    works = power > alpha
    generator = stream(seed, STREAM, 0, "outcome")
    counts = np.zeros(m + 3)
    for start in range(0, trials, _BLOCK):
        size = min(_BLOCK, trials - start)
        z = drift + generator.standard_normal((size, m)) @ root.T
        counts += _counted(graph.rejects(special.ndtr(-z), alpha), works)
    share = counts / trials
    some, none = works.any(), (~works).any()
    return GraphPower(
        graph.names, trials, share[:m], float(share[m]) if some else np.nan,
        float(share[m + 1]) if some else np.nan, float(share[m + 2]) if none else np.nan,
        float(share[:m].sum()),
    )  # fmt: skip


def _counted(rejected: Bools, works: Bools) -> Floats:
    """Return in how many trials (R, m) each is rejected, then one and all that work, one that does not."""
    true, false = rejected[:, works], rejected[:, ~works]
    together = [true.any(axis=1).sum(), true.all(axis=1).sum(), false.any(axis=1).sum()]
    return np.concatenate([rejected.sum(axis=0), together]).astype(np.float64)
