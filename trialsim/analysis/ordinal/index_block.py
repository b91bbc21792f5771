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

Neither approximation holds in small samples. Where an arm has fewer than 10 participants, and there are at
most 100, p values are exact: of the rank sum given the ties (Streitberg and Röhmel 1986), and for the robust
variance of Brunner and Munzel's statistic over all ways to choose the active arm, if those are at most
13,000 and there are no strata (Neubert and Brunner 2007, Comput. Stat. Data Anal. 51:5192). Where arms that
do not overlap have no robust variance, the exact rank test stands in, or else Wilcoxon's or van Elteren's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from trialsim.analysis.linear.block import block_array, check_choice, label_array, not_finite, strata_array
from trialsim.analysis.one_trial.deciding import decide, own
from trialsim.analysis.ordinal import index_kernel as kernel
from trialsim.analysis.ordinal.small_samples import exact_tests, signed
from trialsim.data import STATUS_OK, Estimates, Floats, Ints

IndexVariance = Literal["robust", "null"]

SmallSamples = Literal["exact", "approximate"]

NO_EFFECT = 0.5


def probabilistic_index_block(
    outcome: ArrayLike,
    arm: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    variance: IndexVariance = "robust",
    small_samples: SmallSamples = "exact",
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
    small_samples : {"exact", "approximate"}
        Whether an exact p value takes the place of the approximation where an arm is small, as said above.
    analysis : str
        Name carried into the result.

    Returns
    -------
    Estimates
        θ in [0, 1], also where it has no robust standard error; the statistic is that against θ = ½,
        with Satterthwaite's degrees of freedom if robust.
        Named statuses: too_few_participants (an arm of one), arm_empty, constant_outcome,
        stratum_too_small (an arm of one in a stratum leaves no robust variance),
        no_stratum_with_both_arms, no_residual_variance (the arms do not overlap). What decides is the first
        that exists of, if robust: permutation, t, exact, wilcoxon; else: exact, z.

    Raises
    ------
    AnalysisError
        If the arrays cannot be read.

    Examples
    --------
    >>> index = probabilistic_index_block([[1, 2, 2, 3, 2, 3, 4, 4]], [[0] * 4 + [1] * 4])
    >>> index.estimate, index.p_value.round(4)
    (array([0.84375]), array([0.2]))
    """
    check_choice("variance", variance, ("robust", "null"))
    check_choice("small_samples", small_samples, ("exact", "approximate"))
    y = block_array("outcome", outcome, 2)
    R, N = y.shape
    a = label_array("arm", arm, (R, N), 2, np.int8)
    z, levels = strata_array(strata, (R, N))
    z, levels = (z, levels) if levels else (np.zeros((R, N), np.int64), 1)
    if np.isinf(y).any():
        raise not_finite(y, np.empty((R, N, 0)), np.empty((0, 0)))
    order = np.argsort(y, axis=1)
    exact, permuted = np.full(R, np.nan), np.full(R, np.nan)
    if small_samples == "exact":
        exact, permuted = exact_tests(y, order, a, z, levels, permuted=variance == "robust")
    found = _estimate(analysis, y, order, a, z, levels, variance)
    if variance == "null":
        return _with_exact(decide(found, {"exact": signed(exact), "z": own(found)}), "exact", exact)
    wilcoxon = np.full(R, np.nan)
    failed = np.flatnonzero(found.status != STATUS_OK)
    if len(failed):
        rest = _estimate(analysis, y[failed], order[failed], a[failed], z[failed], levels, "null")
        wilcoxon[failed] = own(rest)
        found.estimate[failed] = rest.estimate
    rule = {
        "permutation": signed(permuted), "t": own(found), "exact": signed(exact), "wilcoxon": wilcoxon
    }  # fmt: skip
    return _with_exact(decide(found, rule), "permutation", permuted)


def _with_exact(found: Estimates, test: str, p_value: Floats) -> Estimates:
    """Return estimates that print the exact p value where that test decides a fit that succeeded."""
    assert found.decision is not None
    decides = (found.decision.test == found.decision.tests.index(test)) & (found.status == STATUS_OK)
    return replace(found, p_value=np.where(decides, np.abs(p_value), found.p_value))


def _estimate(
    analysis: str,
    outcome: Floats,
    order: Ints,
    arm: NDArray[np.int8],
    strata: Ints,
    levels: int,
    variance: IndexVariance,
) -> Estimates:
    """Return the index with its two-sided approximate test against ½; NaN where it failed."""
    R = len(outcome)
    theta, spread, df = np.full(R, np.nan), np.full(R, np.nan), np.full(R, np.nan)
    status = np.zeros(R, np.int8)
    kernel.estimate_replicates(
        outcome, order, arm, strata, levels, variance == "robust", theta, spread, df, status
    )
    error = np.sqrt(spread)
    statistic = (theta - NO_EFFECT) / error
    p_value = 2.0 * np.where(
        np.isinf(df), special.ndtr(-np.abs(statistic)), special.stdtr(df, -np.abs(statistic))
    )
    return Estimates(analysis, theta, error, df, statistic, p_value, status, kernel.REASONS)
