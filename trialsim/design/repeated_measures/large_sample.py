"""Large-sample variance and size of an MMRM with dropout completely at random (Lu, Luo and Chen).

References
----------
.. [1] Lu K, Luo X, Chen P-Y (2008). Sample size estimation for repeated measures analysis in randomized
   clinical trials with missing data. Int J Biostat 4: article 9.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from trialsim.design.repeated_measures.exact_law import checked_retention, cholesky_of
from trialsim.errors import AnalysisError


def large_sample_inflation(correlation: ArrayLike, retention: ArrayLike) -> float:
    """Return phi: how much dropout inflates the large-sample variance of a mean at the last visit.

    ``phi = sum_k L_Jk^2 / r_k`` with L the Cholesky factor of the correlation matrix R, which equals
    ``[(sum_j (r_j - r_{j+1}) pad(R_j^-1))^-1]_JJ``. The variance of the mean of N participants is
    ``phi sigma^2 / N``.

    Parameters
    ----------
    correlation : array_like (J, J)
    retention : array_like (J,)
        Share observed at each visit, in (0, 1], never rising.

    Returns
    -------
    float
        At least 1; 1 where nobody drops out.

    Raises
    ------
    AnalysisError
        If the matrix is no correlation matrix of J visits, or a share is impossible.

    Examples
    --------
    >>> round(large_sample_inflation(0.25 + 0.75 * np.eye(4), [1.0, 0.9, 0.8, 0.7]), 7)
    1.3854167
    """
    shares = checked_retention(retention)[0]
    root = cholesky_of(correlation, len(shares))
    if not np.allclose((root**2).sum(axis=1), 1.0):
        raise AnalysisError("must have ones on its diagonal", field="correlation")
    return float((root[-1] ** 2 / shares).sum())


def large_sample_size(
    effect: float,
    *,
    sd: float = 1.0,
    inflation: tuple[float, float] = (1.0, 1.0),
    allocation: float = 1.0,
    alpha: float = 0.05,
    power: float = 0.8,
) -> tuple[float, float]:
    """Return the total size by the normal law, and with Student's quantiles at the df of that size.

    ``N_a = (phi_a + lambda phi_b) (z_{1-alpha/2} + z_power)^2 sd^2 / effect^2`` and ``N_b = N_a / lambda``;
    the second total has t quantiles with ``N - 2`` df, at least 1, in place of z, N being the first total.
    For the power of a given small trial use `trialsim.design.repeated_measures.exact_law`.

    Parameters
    ----------
    effect : float
        True difference at the last visit, not 0.
    sd : float
        Standard deviation of the outcome there, above 0.
    inflation : tuple of (float, float)
        phi of arms a and b; see `large_sample_inflation`.
    allocation : float
        lambda, participants of arm a for each of arm b.
    alpha, power : float
        Two-sided level and power.

    Returns
    -------
    normal, student : float
        Totals of both arms, not rounded.

    Raises
    ------
    DesignError
        A number out of range.

    Examples
    --------
    >>> [round(size, 4) for size in large_sample_size(0.5, power=0.9)]
    [168.1188, 170.1476]
    """
    if not (effect != 0.0 and sd > 0.0 and allocation > 0.0 and min(inflation) >= 1.0):
        raise AnalysisError(
            "needs an effect other than 0, sd and allocation above 0, and inflation of at least 1",
            value=(effect, sd, allocation, inflation),
        )
    if not (0.0 < alpha < 1.0 and alpha / 2.0 < power < 1.0):
        raise AnalysisError("alpha and power must be in (0, 1)", value=(alpha, power))
    unit = (inflation[0] + allocation * inflation[1]) * (1.0 + 1.0 / allocation) * (sd / effect) ** 2
    normal = unit * (special.ndtri(1.0 - alpha / 2.0) + special.ndtri(power)) ** 2
    df = max(float(normal) - 2.0, 1.0)  # of a trial of three: a smaller one has no spread to divide by
    student = unit * (special.stdtrit(df, 1.0 - alpha / 2.0) + special.stdtrit(df, power)) ** 2
    return float(normal), float(student)
