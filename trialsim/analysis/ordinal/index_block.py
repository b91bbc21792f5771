r"""Probabilistic index of two arms (Mann–Whitney), stratified (van Elteren), with a robust variance.

.. math:: θ = P(Y_1 > Y_0) + \tfrac12 P(Y_1 = Y_0), \qquad
          \hat θ = \frac{\sum_s q_s \hat θ_s}{\sum_s q_s}, \quad q_s = \frac{n_{1s} n_{0s}}{n_s + 1}

over strata s, van Elteren's weights (1960, Bull. Inst. Int. Stat. 37:351). The placement of an active
participant is the share of controls below, ties half, and that of a control is the share of active
participants above; their sample variances S² within the arms give

.. math:: \mathrm{Var}(\hat θ_s) = S_{1s}^2 / n_{1s} + S_{0s}^2 / n_{0s}

(DeLong 1988, Biometrics 44:837; Brunner and Munzel 2000, Biom. J. 42:17), with Satterthwaite's degrees of
freedom over all arms and strata. The variance under no difference at all gives the tests of Wilcoxon and
van Elteren themselves:

.. math:: \mathrm{Var}_0(\hat θ_s) = \frac{n_s + 1}{12 n_{1s} n_{0s}}
          \Big(1 - \frac{\sum (t^3 - t)}{n_s^3 - n_s}\Big)
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from trialsim.analysis.linear.block import block_array, check_choice, label_array, not_finite, strata_array
from trialsim.analysis.ordinal import index_kernel as kernel
from trialsim.data import Estimates, Floats

IndexVariance = Literal["robust", "null"]

NO_EFFECT = 0.5


def probabilistic_index_block(
    outcome: ArrayLike,
    arm: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    variance: IndexVariance = "robust",
    analysis: str = "probabilistic index",
) -> Estimates:
    """Estimate the probability that an active outcome is the higher one, in every replicate of a block.

    Parameters
    ----------
    outcome : array (R, N)
        Ordered categories or numbers, of which only the order counts; NaN where missing: such a participant
        is left out of that replicate.
    arm : array of int (R, N)
        0 control, 1 active.
    strata : array of int (R, N), optional
        Strata from 0; participants are compared within them. A stratum without one of the arms says nothing.
    variance : {"robust", "null"}
        By placements, right whatever the distributions; or under no difference at all, which makes the
        test Wilcoxon's, or van Elteren's.
    analysis : str
        Name carried into the result.

    Returns
    -------
    Estimates
        θ in [0, 1]; the statistic is that against θ = ½, with Satterthwaite's degrees of freedom if robust.
        Named statuses: too_few_participants (an arm of one), arm_empty, constant_outcome,
        stratum_too_small (an arm of one in a stratum leaves no robust variance),
        no_stratum_with_both_arms, no_residual_variance (the arms do not overlap).

    Raises
    ------
    AnalysisError
        If the arrays cannot be read.

    Examples
    --------
    >>> index = probabilistic_index_block([[1, 2, 2, 3, 2, 3, 4, 4]], [[0] * 4 + [1] * 4])
    >>> index.estimate, index.p_value.round(4)
    (array([0.84375]), array([0.0581]))
    """
    check_choice("variance", variance, ("robust", "null"))
    y = block_array("outcome", outcome, 2)
    R, N = y.shape
    a = label_array("arm", arm, (R, N), 2, np.int8)
    z, levels = strata_array(strata, (R, N))
    if np.isinf(y).any():
        raise not_finite(y, np.empty((R, N, 0)), np.empty((0, 0)))
    theta, spread, df = np.full(R, np.nan), np.full(R, np.nan), np.full(R, np.nan)
    status = np.zeros(R, np.int8)
    kernel.estimate_replicates(
        y, np.argsort(y, axis=1), a, z if levels else np.zeros((R, N), np.int64), max(levels, 1),
        variance == "robust", theta, spread, df, status,
    )  # fmt: skip
    return _estimates(analysis, theta, np.sqrt(spread), df, status)


def _estimates(
    analysis: str, theta: Floats, standard_error: Floats, df: Floats, status: NDArray[np.int8]
) -> Estimates:
    """Return the index with its two-sided test against ½; NaN where it failed."""
    statistic = (theta - NO_EFFECT) / standard_error
    p_value = 2.0 * np.where(
        np.isinf(df), special.ndtr(-np.abs(statistic)), special.stdtr(df, -np.abs(statistic))
    )
    return Estimates(analysis, theta, standard_error, df, statistic, p_value, status, kernel.REASONS)
