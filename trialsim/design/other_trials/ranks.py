"""Sizes of ordinal and rank tests: proportional odds, Wilcoxon's rank sum, and the win ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from trialsim.data import Floats
from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.design.sizes.means import TwoArmSize, check_level, check_power, split
from trialsim.design.sizes.outcome_scale import log_ratio
from trialsim.errors import DesignError


def shifted_categories(control: Sequence[float], odds_ratio: float) -> Floats:
    """Return the active arm's category probabilities under proportional odds.

    Parameters
    ----------
    control : sequence of float (C,)
        Probabilities of the ordered categories in the control arm, with sum 1.
    odds_ratio : float
        Odds of the first categories, active over control, at every cut: above 1 moves the active arm towards
        the first category.

    Examples
    --------
    >>> shifted_categories([0.2, 0.5, 0.2, 0.1], 2.428).round(3)
    array([0.378, 0.472, 0.106, 0.044])
    """
    p = _categories(control)
    if not 0 < odds_ratio < math.inf:
        raise DesignError("must be above 0", field="odds_ratio", value=odds_ratio)
    cuts = np.append(expit(logit(np.cumsum(p)[:-1]) + math.log(odds_ratio)), 1.0)
    return np.diff(cuts, prepend=0.0)


def proportional_odds_power(
    total: float,
    control: Sequence[float],
    odds_ratio: float,
    *,
    alpha: float = 0.025,
    allocation: float = 1.0,
    margin: float = 1.0,
    direction: Direction | None = None,
) -> float:
    r"""Return the power of the proportional-odds (rank) test of an ordinal outcome.

    Parameters
    ----------
    total : float
        Participants in both arms.
    control, odds_ratio
        As for `shifted_categories`.
    alpha : float
        One-sided level.
    allocation : float
        Active participants for each control, r.
    margin : float
        Odds ratio under the null, above 0.
    direction : {"greater", "less"}, optional
        Side of the claim. Left out, that of the assumed ratio, and against a margin "greater".

    Returns
    -------
    float
        In (0, 1).

    Notes
    -----
    The log odds ratio has information :math:`V = \frac{r n}{3 (1 + r)^2} (1 - \sum \bar p_i^3)`, p̄ the
    probabilities averaged over both arms by allocation (Whitehead 1993, Stat. Med. 12:2257).

    Examples
    --------
    >>> round(proportional_odds_power(187, [0.2, 0.5, 0.2, 0.1], math.exp(0.887)), 3)
    0.9
    """
    check_level(alpha, allocation)
    distance = claimed(math.log(odds_ratio) - log_ratio(margin, "margin"), direction, margin == 1)
    return float(
        ndtr(distance * math.sqrt(total * odds_information(control, odds_ratio, allocation)) + ndtri(alpha))
    )


def proportional_odds_size(
    control: Sequence[float],
    odds_ratio: float,
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    allocation: float = 1.0,
    margin: float = 1.0,
    direction: Direction | None = None,
) -> TwoArmSize:
    """Return the size that gives the proportional-odds test its power (Whitehead 1993).

    Parameters
    ----------
    control, odds_ratio, alpha, allocation, margin, direction
        As for `proportional_odds_power`.
    power : float
        In (alpha, 1).

    Returns
    -------
    TwoArmSize
        Participants in each arm, not rounded.

    Raises
    ------
    DesignError
        An odds ratio of 1 or on the wrong side, or probabilities that are none.

    Examples
    --------
    >>> round(proportional_odds_size([0.2, 0.5, 0.2, 0.1], math.exp(0.887)).total, 1)
    187.0
    """
    check_level(alpha, allocation)
    check_power(power, alpha)
    information = odds_information(control, odds_ratio, allocation)
    distance = claimed(math.log(odds_ratio) - log_ratio(margin, "margin"), direction, margin == 1)
    refuse_wrong_side(distance, "odds_ratio", odds_ratio)
    return split(float((-ndtri(alpha) + ndtri(power)) / distance) ** 2 / information, allocation)


def rank_sum_size(
    win_probability: float,
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    allocation: float = 1.0,
    ties: Sequence[float] | None = None,
    null: float = 0.5,
    direction: Direction | None = None,
) -> TwoArmSize:
    r"""Return the size of Wilcoxon's rank-sum test.

    Parameters
    ----------
    win_probability : float
        P(active > control) + ½ P(equal), in (0, 1) and not ½.
    power, alpha : float
        Power, and one-sided level.
    allocation : float
        Active participants for each control.
    ties : sequence of float, optional
        Probabilities of tied values, averaged over both arms, with sum 1; none for a continuous outcome.
    null : float
        Win probability under the null, in (0, 1): below ½ it is a margin of non-inferiority.
    direction : {"greater", "less"}, optional
        Side of ½ that is to be claimed; that of the assumed probability if left out.

    Returns
    -------
    TwoArmSize
        Participants in each arm, not rounded.

    Raises
    ------
    DesignError
        A win probability of 1/2 or on the wrong side, or a number out of range.

    Notes
    -----
    :math:`N = (z_{1-\alpha} + z_{1-\beta})^2 (1 - \sum \bar p_i^3) / (12 c (1 - c) (p - ½)^2)`, c the
    share of one arm (Noether 1987, JASA 82:645; with ties Zhao, Rahardja and Qu 2008, Stat. Med. 27:462).

    Examples
    --------
    >>> rank_sum_size(0.7, power=0.8).whole
    (33, 33)
    """
    check_level(alpha, allocation)
    check_power(power, alpha)
    if not 0 < win_probability < 1:
        raise DesignError("must lie between 0 and 1", field="win_probability", value=win_probability)
    distance = claimed(win_probability - _null(null), direction, null == 0.5)
    refuse_wrong_side(distance, "win_probability", win_probability)
    z = float(-ndtri(alpha) + ndtri(power))
    return split(z**2 / (rank_information(allocation, ties) * distance**2), allocation)


def rank_sum_power(
    total: float,
    win_probability: float,
    *,
    alpha: float = 0.025,
    allocation: float = 1.0,
    ties: Sequence[float] | None = None,
    null: float = 0.5,
    direction: Direction | None = None,
) -> float:
    """Return the power of Wilcoxon's rank-sum test; parameters as for `rank_sum_size`.

    Parameters
    ----------
    total : float
        Participants of both arms, above 0; need not be whole.
    win_probability : float
        P(active > control) + P(equal)/2, in (0, 1).
    alpha : float
        One-sided level, in (0, 0.5).
    allocation : float
        Active participants for each control.
    ties : sequence of float, optional
        Shares of the levels of an ordered outcome; none for a continuous one.
    null : float
        Win probability under the null, in (0, 1): below ½ it is a margin of non-inferiority.
    direction : {"greater", "less"}, optional
        Side of the claim; that of the effect if left out.

    Returns
    -------
    float
        In (0, 1).

    Examples
    --------
    >>> round(rank_sum_power(65.41, 0.7), 3)
    0.8
    """
    check_level(alpha, allocation)
    distance = claimed(win_probability - _null(null), direction, null == 0.5)
    return float(ndtr(distance * math.sqrt(rank_information(allocation, ties) * total) + ndtri(alpha)))


def win_ratio_power(
    total: float,
    win_ratio: float,
    *,
    tied: float = 0.0,
    alpha: float = 0.025,
    allocation: float = 1.0,
    direction: Direction | None = None,
) -> float:
    """Return the power of the test of a win ratio; parameters as for `win_ratio_size`.

    Parameters
    ----------
    total : float
        Participants of both arms, above 0; need not be whole.
    win_ratio : float
        Wins over losses of the active arm, above 0.
    tied : float
        Probability that a pair is tied, in [0, 1).
    alpha : float
        One-sided level.
    allocation : float
        Active participants for each control.
    direction : {"greater", "less"}, optional
        Side of 1 that is to be claimed; that of the assumed ratio if left out.

    Returns
    -------
    float
        In (0, 1).

    Examples
    --------
    >>> round(win_ratio_power(417, 1.5, tied=0.1), 4)
    0.9003
    """
    distance = claimed(math.log(_above_zero(win_ratio)), direction, True)
    spread = math.sqrt(_win_ratio_variance(tied, alpha, allocation) / total)
    return float(ndtr(distance / spread + ndtri(alpha)))


def win_ratio_size(
    win_ratio: float,
    *,
    tied: float = 0.0,
    power: float = 0.9,
    alpha: float = 0.025,
    allocation: float = 1.0,
    direction: Direction | None = None,
) -> TwoArmSize:
    r"""Return the size of a trial that is read by its win ratio, from the ratio and the share of ties.

    Parameters
    ----------
    win_ratio : float
        Wins over losses of the active arm, above 0 and not 1.
    tied : float
        Probability that a pair is tied at the end of the hierarchy, in [0, 1).
    power, alpha : float
        Power, and one-sided level.
    allocation : float
        Active participants for each control.
    direction : {"greater", "less"}, optional
        Side of 1 that is to be claimed; that of the assumed ratio if left out.

    Returns
    -------
    TwoArmSize
        Participants in each arm, not rounded.

    Raises
    ------
    DesignError
        A win ratio of 1 or on the wrong side, or a number out of range.

    Notes
    -----
    :math:`N = (z_{1-\alpha} + z_{1-\beta})^2 \sigma^2 / \ln^2 WR` with
    :math:`\sigma^2 = \frac{4 (1 + p_t)}{3 c (1 - c)(1 - p_t)}`, p_t the ties and c the share of one arm: the
    variance under the null if one outcome decides, and somewhat large for several (Yu and Ganju 2022,
    Statistics in Medicine, doi 10.1002/sim.9297).

    Examples
    --------
    >>> round(win_ratio_size(1.5, tied=0.1).total, 1)
    416.6
    """
    check_power(power, alpha)
    distance = claimed(math.log(_above_zero(win_ratio)), direction, True)
    variance = _win_ratio_variance(tied, alpha, allocation)
    refuse_wrong_side(distance, "win_ratio", win_ratio)
    z = float(-ndtri(alpha) + ndtri(power))
    return split(z**2 * variance / distance**2, allocation)


def _null(probability: float) -> float:
    if not 0 < probability < 1:
        raise DesignError("must lie between 0 and 1", field="null", value=probability)
    return probability


def _above_zero(win_ratio: float) -> float:
    if not 0 < win_ratio < math.inf:
        raise DesignError("must be above 0", field="win_ratio", value=win_ratio)
    return win_ratio


def _win_ratio_variance(tied: float, alpha: float, allocation: float) -> float:
    """Return N Var of the log win ratio under the null."""
    check_level(alpha, allocation)
    if not 0 <= tied < 1:
        raise DesignError("must lie in [0, 1)", field="tied", value=tied)
    share = allocation / (1 + allocation)
    return 4 * (1 + tied) / (3 * share * (1 - share) * (1 - tied))


def odds_information(control: Sequence[float], odds_ratio: float, allocation: float) -> float:
    """Return the information on the log odds ratio of one participant (Whitehead 1993).

    Parameters
    ----------
    control, odds_ratio
        As for `shifted_categories`.
    allocation : float
        Active participants for each control.

    Examples
    --------
    >>> round(odds_information([0.25, 0.25, 0.25, 0.25], 1.0, 1.0), 6)
    0.078125
    """
    share = allocation / (1 + allocation)
    mean = (1 - share) * _categories(control) + share * shifted_categories(control, odds_ratio)
    return share * (1 - share) / 3 * (1 - float(np.sum(mean**3)))


def rank_information(allocation: float, ties: Sequence[float] | None = None) -> float:
    """Return the information on P(active > control) + P(equal)/2 of one participant (Noether 1987).

    Parameters
    ----------
    allocation : float
        Active participants for each control.
    ties : sequence of float, optional
        Shares of the levels of an ordered outcome; none for a continuous one.

    Examples
    --------
    >>> rank_information(1.0)
    3.0
    """
    left = 1.0 if ties is None else 1 - float(np.sum(_categories(ties) ** 3))
    share = allocation / (1 + allocation)
    return 12 * share * (1 - share) / left


def _categories(probabilities: Sequence[float]) -> Floats:
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 1 or len(p) < 2 or not (p > 0).all() or not math.isclose(float(p.sum()), 1.0, abs_tol=1e-9):
        raise DesignError(
            "must be the probabilities of two or more categories, above 0 and with sum 1",
            field="control",
            value=p.tolist(),
        )
    return p
