"""How much a prognostic score tells of an outcome: partial correlation, AUC and concordance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.stats import kendalltau

from trialsim.data import Floats
from trialsim.errors import ProtocolError

Strength = Callable[[Floats], float]


def partial_correlation(outcome: Floats, given: Floats | None = None) -> Strength:
    """Return the function from scores (M,) to their correlation with an outcome, given a covariate (M,).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> score, rest = rng.standard_normal((2, 20_000))
    >>> round(partial_correlation(0.6 * score + 0.8 * rest)(score), 2)
    0.6
    """
    left = _without(outcome, given)

    def of(score: Floats) -> float:
        return float(np.corrcoef(left, _without(score, given))[0, 1])

    return of


def concordance(outcome: Floats) -> Strength:
    r"""Return the function from scores (M,) to the share of pairs that they put in the right order.

    Pairs of equal outcomes do not count. For an outcome of 0 or 1 this is the area under the ROC curve;
    for a time, uncensored, Harrell's C of minus the score. From Kendall's :math:`τ_b`: with P pairs of
    different outcomes out of n(n − 1)/2 the concordance is
    :math:`(1 + τ_b \sqrt{n(n-1)/2P})/2` (scores without ties).

    Examples
    --------
    >>> round(concordance(np.array([0.0, 0.0, 1.0, 1.0]))(np.array([1.0, 2.0, 1.5, 3.0])), 3)
    0.75
    """
    _, counts = np.unique(outcome, return_counts=True)
    pairs = len(outcome) * (len(outcome) - 1) / 2
    different = pairs - float((counts * (counts - 1.0)).sum()) / 2

    def of(score: Floats) -> float:
        return float((1 + kendalltau(outcome, score).statistic * np.sqrt(pairs / different)) / 2)

    return of


def score_of_strength(
    latent: Floats, noise: Floats, strength: Strength, wanted: float, field: str
) -> tuple[Floats, float]:
    """Return scores ρ g + √(1 − ρ²) e of the wanted strength, and ρ.

    Parameters
    ----------
    latent : ndarray (M,)
        g: standard normal, ascending in the outcome on placebo.
    noise : ndarray (M,)
        e: standard normal, independent of everything.
    strength : callable
        Of the scores.
    wanted : float
        The declared strength.
    field : str
        Named where no score can be that strong.

    Returns
    -------
    ndarray (M,), float

    Raises
    ------
    ProtocolError
        Even the outcome itself does not tell so much, because it is coarse.
    """

    def mixed(rho: float) -> Floats:
        return np.asarray(rho * latent + np.sqrt(1 - rho**2) * noise)

    most = strength(mixed(1.0))
    if wanted > most:
        raise ProtocolError(
            "is more than any score can tell of this outcome", field=field, value=wanted,
            mend=f"give at most {most:.3f}",
        )  # fmt: skip
    if wanted <= strength(mixed(0.0)):
        return mixed(0.0), 0.0
    rho = float(brentq(lambda value: strength(mixed(value)) - wanted, 0.0, 1.0, xtol=1e-5))
    return mixed(rho), rho


def _without(values: Floats, given: Floats | None) -> Floats:
    """Return what is left of values after a straight line in a covariate."""
    centred = values - values.mean()
    if given is None:
        return np.asarray(centred)
    other = given - given.mean()
    return np.asarray(centred - other * (other @ centred) / (other @ other))
