"""Probability that one mixture exceeds another, by the trapezoidal rule on a scale without kinks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.checks import finite
from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
from trialsim.analysis.borrowing.mixture import NODES_PER_SD, MixturePrior
from trialsim.data import Floats
from trialsim.errors import AnalysisError

_TAIL = 41.0


def probability_difference_above(first: MixturePrior, second: MixturePrior, margin: float = 0.0) -> float:
    """Return P(θ₁ − θ₂ > margin) of two independent posteriors of one family.

    ∫ f₁(θ) F₂(θ − margin) dθ, the nodes crowding where θ or θ − margin reaches an end of its range.

    Parameters
    ----------
    first, second : BetaMixture, NormalMixture or GammaMixture
        Posteriors of θ₁ and θ₂, of one family.
    margin : float
        On the scale of θ.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> round(probability_difference_above(BetaMixture(1, 2, 3), BetaMixture(1, 2, 3)), 10)
    0.5
    """
    return float(difference_probabilities([first], [second], margin)[0, 0])


def difference_probabilities(
    first: Sequence[MixturePrior], second: Sequence[MixturePrior], margin: float
) -> Floats:
    """Return P(θ_i − θ_j > margin) (A, B) of A posteriors against B others, all of one family."""
    finite(margin, "margin")
    if len({mixture.family for mixture in (*first, *second)}) > 1:
        raise AnalysisError("both must be of one family", field="second", value=second[0].family)
    if isinstance(first[0], BetaMixture) and abs(margin) >= 1:
        return np.full((len(first), len(second)), float(margin < 0))
    nodes, weights = _nodes(first, second, margin)
    density = np.stack([np.exp(mixture.log_density(nodes)) for mixture in first])
    below = np.stack([mixture.cdf(nodes - margin) for mixture in second])
    certain = np.zeros(len(first))
    if isinstance(first[0], BetaMixture) and margin < 0:
        certain = np.array([1 - float(mixture.cdf(1 + margin)) for mixture in first])
    return np.asarray((density * weights) @ below.T + certain[:, None])


def _nodes(
    first: Sequence[MixturePrior], second: Sequence[MixturePrior], margin: float
) -> tuple[Floats, Floats]:
    grid, weights = first[0].working_grid(*first[1:], *second)
    if isinstance(first[0], GammaMixture):
        return max(margin, 0.0) + np.exp(grid), weights * np.exp(grid)
    if isinstance(first[0], BetaMixture) and margin != 0:
        lower, upper = max(margin, 0.0), min(1 + margin, 1.0)
        smallest = min(_smallest_sd(mixture) for mixture in (*first, *second))
        shape = min(
            float(np.minimum(m.a, m.b).min()) for m in (*first, *second) if isinstance(m, BetaMixture)
        )
        step = min(0.05, 4 * smallest / (upper - lower) / NODES_PER_SD)
        reach = _TAIL / min(shape, 1.0)
        t = np.arange(-reach, reach + step, step)
        inner = expit(t)
        return lower + (upper - lower) * inner, step * (upper - lower) * inner * expit(-t)
    value, derivative = first[0].from_working(grid)
    return value, weights * derivative


def _smallest_sd(mixture: MixturePrior) -> float:
    return float(np.sqrt(mixture.component_moments()[1].min()))
