"""Categories without an order, by latent utilities.

A participant is in the category of the largest utility μ_k + ε_k, ε independent standard normals
(Thurstone 1927; multinomial probit). The μ meet the probabilities

    P(k) = ∫ φ(t) Π_{l≠k} Φ(t + μ_k − μ_l) dt

exactly, by quadrature. A covariate X with latent normal Z is tied to the category by correlations
r_k = corr(ε_k, Z), Σ r_k = 0, solved so that E[X | k] are the printed group means. That expectation is
taken over a fixed quasi-random set of ε: its error is about a thousandth of an SD, and the certificate
says what was achieved on a larger set.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import optimize, special
from scipy.stats import qmc

from trialsim.data import Floats
from trialsim.errors import CardError
from trialsim.population.association.pairs import LatentLaw
from trialsim.population.laws.hermite import latent_grid
from trialsim.population.laws.laws import NominalLaw, StepLaw

_SOLVE_POINTS = 13
_PROOF_POINTS = 16
_LONGEST = 0.95
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()


def solve_utilities(probabilities: tuple[float, ...]) -> NominalLaw:
    """Return the law whose categories have these probabilities.

    Examples
    --------
    >>> law = solve_utilities((0.5, 0.3, 0.2))
    >>> [round(share, 9) for share in category_shares(law.utilities)]
    [0.5, 0.3, 0.2]
    """
    shares = np.asarray(probabilities)
    count = len(shares)

    def miss(free: Floats) -> Floats:
        utilities = np.append(free, -free.sum())
        return np.asarray(np.log(np.asarray(category_shares(tuple(utilities))) / shares)[:-1])

    start = np.log(shares) - np.log(shares).mean()
    found = optimize.root(miss, start[: count - 1], tol=1e-13)
    if np.abs(found.fun).max() > 1e-9:
        raise CardError(
            "no utilities were found", field="probabilities", value=probabilities, mend="join rare categories"
        )
    utilities = np.append(found.x, -found.x.sum())
    return NominalLaw(probabilities, tuple(float(one) for one in utilities))


def category_shares(utilities: tuple[float, ...]) -> list[float]:
    """Return P(k) of each category, by quadrature."""
    t, weights = latent_grid()
    mu = np.asarray(utilities)
    return [
        float(weights @ np.prod([special.ndtr(t + mu[k] - mu[o]) for o in range(len(mu)) if o != k], axis=0))
        for k in range(len(mu))
    ]


@lru_cache(maxsize=8)
def _utility_sample(count: int, points: int) -> Floats:
    sobol = qmc.Sobol(count, scramble=False).random_base2(points)
    # Half a cell off the lattice, so that no coordinate is 0.
    return np.asarray(special.ndtri(sobol + 0.5 / 2**points))


def group_means(law: NominalLaw, other: LatentLaw, loadings: Floats, points: int = _PROOF_POINTS) -> Floats:
    """Return E[X | category] (K,) under the loadings r (K,)."""
    sample = _utility_sample(len(law.utilities), points)
    category = law.from_latent(sample.T).astype(np.int64)
    rest = np.sqrt(1.0 - float(loadings @ loadings))
    lean = sample @ loadings
    conditional = _given(other, lean, rest)
    sums = np.bincount(category, weights=conditional, minlength=len(law.utilities))
    return np.asarray(sums / np.bincount(category, minlength=len(law.utilities)))


def _given(other: LatentLaw, lean: Floats, rest: float) -> Floats:
    """Return E[X | Z = lean + rest · N(0, 1)] (n,)."""
    if isinstance(other.law, StepLaw):
        rises = special.ndtr((lean[:, None] - np.asarray(other.law.cuts)) / rest)
        return np.asarray(other.law.levels[0] + rises @ np.diff(other.law.levels))
    return np.asarray(other.fast.from_latent(lean[:, None] + rest * _NODES) @ _NODE_WEIGHTS)


def solve_loadings(law: NominalLaw, other: LatentLaw, means: Floats, name: str) -> Floats:
    """Return the loadings r (K,) under which another covariate has these means in the categories.

    The means are first moved together, so that their average over the categories is the covariate's own
    mean: printed means are rounded.

    Raises
    ------
    CardError
        If the means are too far apart for that covariate.
    """
    shares = np.asarray(law.probabilities)
    wanted = means - (shares @ means - other.law.mean)

    def loadings_of(free: Floats) -> Floats:
        loadings = np.append(free, -free.sum())
        length = np.linalg.norm(loadings)
        return np.asarray(loadings * (_LONGEST * np.tanh(length) / length) if length > 0 else loadings)

    def miss(free: Floats) -> Floats:
        return np.asarray((group_means(law, other, loadings_of(free), _SOLVE_POINTS) - wanted) / other.law.sd)

    start = ((wanted - other.law.mean) / other.law.sd * shares)[:-1] + 1e-3
    found = optimize.least_squares(miss, start, xtol=1e-10, ftol=1e-12)
    if np.abs(found.fun).max() > 0.02:
        raise CardError(
            f"the means of {name} are too far apart for one population",
            field="group_means",
            value=tuple(float(mean) for mean in means),
            mend="mend the means, or the SD of the covariate",
        )
    return loadings_of(found.x)
