"""Sizes of trials with more than two arms: many against one control, and global tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import chi2, ncf, ncx2, t
from scipy.stats import f as f_law

from trialsim.data import Floats
from trialsim.design.sizes.direction import Direction, checked_direction, claimed, refuse_wrong_side
from trialsim.design.sizes.means import check_level, check_power, total_for_power
from trialsim.errors import DesignError

ManyToOneTest = Literal["dunnett", "bonferroni", "none"]
Claims = Literal["any", "all"]
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(96)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_RADIAL, _RADIAL_WEIGHTS = np.polynomial.legendre.leggauss(64)


@dataclass(frozen=True)
class ManyToOneQuestion:
    """Comparisons of several active arms with one control, each a t test with the pooled variance.

    Parameters
    ----------
    effects : tuple of float (A,)
        Assumed difference of each active arm from the control.
    sd : float
        Standard deviation in every arm.
    alpha : float
        One-sided family-wise level; of each comparison with `test` "none".
    allocation : float
        Active participants of each arm for each control.
    test : {"dunnett", "bonferroni", "none"}
        How several comparisons are allowed for, in one step.
    claims : {"any", "all"}
        Whether power is the probability of at least one claim among the arms that have an effect on the side
        of the claim, or of one for each of them.
    direction : {"greater", "less"}
        Side of the claim.

    Raises
    ------
    DesignError
        A number out of range, or a name that is not known.

    Examples
    --------
    >>> ManyToOneQuestion((0.0, -0.1)).useful
    array([False, False])
    """

    effects: tuple[float, ...]
    sd: float = 1.0
    alpha: float = 0.025
    allocation: float = 1.0
    test: ManyToOneTest = "dunnett"
    claims: Claims = "any"
    direction: Direction = "greater"

    def __post_init__(self) -> None:
        if not self.effects or not np.isfinite(self.effects).all():
            raise DesignError("must hold a number for each active arm", field="effects", value=self.effects)
        if not 0 < self.sd < math.inf:
            raise DesignError("must be above 0", field="sd", value=self.sd)
        check_level(self.alpha, self.allocation)
        checked_direction(self.direction)
        for field, kind in (("test", ManyToOneTest), ("claims", Claims)):
            if getattr(self, field) not in get_args(kind):
                raise DesignError(
                    "is not known",
                    field=field,
                    value=getattr(self, field),
                    mend=f"use one of {get_args(kind)}",
                )

    @property
    def distances(self) -> Floats:
        """Effects in standard deviations (A,), above 0 on the side of the claim."""
        return np.array([claimed(effect, self.direction, False) for effect in self.effects]) / self.sd

    @property
    def useful(self) -> np.ndarray:
        """Whether each arm has an effect on the side of the claim (A,)."""
        return np.asarray(self.distances > 0)


def many_to_one_below(bounds: Floats, means: Floats, correlation: float, df: float = math.inf) -> float:
    r"""Return the probability that every comparison with the control lies below its bound.

    Parameters
    ----------
    bounds, means : ndarray (A,)
        Bound and noncentrality of each t statistic.
    correlation : float
        Of any two comparisons, r/(1 + r) for r active participants for each control.
    df : float
        Degrees of freedom of the pooled variance; infinite for a known one.

    Notes
    -----
    :math:`\int\!\int \phi(x) \prod_a \Phi((b_a s - \mu_a + \sqrt\rho\,x)/\sqrt{1 - \rho})\,dx\,dF(s)`, s² the
    estimated over the true variance (Dunnett 1955, JASA 50:1096), by quadrature.

    Examples
    --------
    >>> round(many_to_one_below(np.full(2, 1.916), np.zeros(2), 0.5), 3)
    0.95
    """
    if math.isinf(df):
        scales, shares = np.ones(1), np.ones(1)
    else:
        low, high = (math.sqrt(chi2.ppf(p, df) / df) for p in (1e-14, 1 - 1e-14))
        scales = low + (high - low) * (1 + _RADIAL) / 2
        shares = (high - low) / 2 * _RADIAL_WEIGHTS * 2 * df * scales * chi2.pdf(df * scales**2, df)
    spread = math.sqrt(1 - correlation)
    inside = np.ones((len(scales), len(_NODES)))
    for bound, mean in zip(bounds, means, strict=True):
        inside *= ndtr((bound * scales[:, None] - mean + math.sqrt(correlation) * _NODES) / spread)
    return float(shares @ inside @ _WEIGHTS)


def many_to_one_bound(arms: int, alpha: float, test: ManyToOneTest, correlation: float, df: float) -> float:
    """Return the critical value of each comparison.

    Examples
    --------
    Dunnett 1955, one-sided 5 %, two and four active arms, 10 degrees of freedom:

    >>> [round(many_to_one_bound(arms, 0.05, "dunnett", 0.5, 10), 2) for arms in (2, 4)]
    [2.15, 2.47]
    """
    single, most = (_tail_point(level, df) for level in (alpha, alpha / arms))
    if arms == 1 or test == "none":
        return single
    if test == "bonferroni":
        return most

    def over(bound: float) -> float:
        return many_to_one_below(np.full(arms, bound), np.zeros(arms), correlation, df) - (1 - alpha)

    return float(brentq(over, single, most + 1e-9, xtol=1e-10))


def many_to_one_power(total: float, question: ManyToOneQuestion) -> float:
    """Return the power with so many participants in all arms together.

    Parameters
    ----------
    total : float
        Participants in all arms.
    question : ManyToOneQuestion
        Effects, spread, level, allocation, test, and what counts as success.

    Returns
    -------
    float
        In (0, 1).

    Examples
    --------
    >>> round(many_to_one_power(216, ManyToOneQuestion((0.5, 0.5))), 3)
    0.899
    """
    arms, r = len(question.effects), question.allocation
    df = total - arms - 1
    if df <= 0 or not question.useful.any():
        return 0.0
    controls = total / (1 + arms * r)
    correlation = r / (1 + r)
    bound = many_to_one_bound(arms, question.alpha, question.test, correlation, df)
    means = (question.distances * math.sqrt(controls * r / (1 + r)))[question.useful]
    if question.claims == "any":
        return 1 - many_to_one_below(np.full(len(means), bound), means, correlation, df)
    # Every statistic above: the mirror image of every one below.
    return many_to_one_below(np.full(len(means), -bound), -means, correlation, df)


def many_to_one_size(question: ManyToOneQuestion, power: float = 0.9) -> tuple[float, ...]:
    """Return the participants of the control and of each active arm, not rounded.

    Parameters
    ----------
    question : ManyToOneQuestion
        What is asked.
    power : float
        In (alpha, 1).

    Returns
    -------
    tuple of float
        Participants of each arm, control first, not rounded.

    Raises
    ------
    DesignError
        No arm has an effect on the side of the claim.

    Examples
    --------
    >>> [round(n, 1) for n in many_to_one_size(ManyToOneQuestion((0.5, 0.5)))]
    [72.2, 72.2, 72.2]
    """
    check_power(power, question.alpha)
    refuse_wrong_side(float(question.distances.max()), "effects", max(question.effects))
    total = total_for_power(lambda n: many_to_one_power(n, question), power)
    arms, r = len(question.effects), question.allocation
    controls = total / (1 + arms * r)
    return (controls, *(controls * r for _ in range(arms)))


def anova_power(total: float, means: Sequence[float], sd: float = 1.0, *, alpha: float = 0.05) -> float:
    """Return the power of the F test that several equally large arms have one mean.

    Parameters
    ----------
    total : float
        Participants in all arms together.
    means : sequence of float (A,)
        Assumed mean of each arm.
    sd : float
        Standard deviation within every arm.
    alpha : float
        Level; the test has no direction.

    Returns
    -------
    float
        In (0, 1).

    Examples
    --------
    Ten arms with Cohen's f = .25:

    >>> means = np.tile([-0.25, 0.25], 5)
    >>> round(anova_power(390, means), 3)
    0.952
    """
    arms, spread = _arms(means, sd)
    df = total - arms
    if df <= 0:
        return 0.0
    critical = f_law.isf(alpha, arms - 1, df)
    return float(ncf.sf(critical, arms - 1, df, total * spread))


def anova_size(means: Sequence[float], sd: float = 1.0, *, power: float = 0.9, alpha: float = 0.05) -> float:
    """Return the participants of each of several equally large arms that give the F test its power.

    Parameters
    ----------
    means, sd, alpha
        As for `anova_power`.
    power : float
        In (alpha, 1).

    Returns
    -------
    float
        Participants of all arms, not rounded.

    Raises
    ------
    DesignError
        Means that are all alike, or a number out of range.

    Examples
    --------
    >>> round(anova_size(np.tile([-0.25, 0.25], 5), power=0.95), 1)
    38.6
    """
    check_power(power, alpha)
    arms, spread = _arms(means, sd)
    if spread == 0:
        raise DesignError("must differ: no size detects none", field="means", value=list(means))
    return total_for_power(lambda n: anova_power(n, means, sd, alpha=alpha), power) / arms


def k_sample_events(
    hazard_ratios: Sequence[float],
    *,
    shares: Sequence[float] | None = None,
    power: float = 0.9,
    alpha: float = 0.05,
) -> float:
    r"""Return the events in all arms that give the log-rank test of several arms its power.

    Parameters
    ----------
    hazard_ratios : sequence of float (A,)
        Hazard of each arm against any one of them.
    shares : sequence of float (A,), optional
        Share of the participants in each arm; equal if left out.
    power, alpha : float
        Power, and level; the test has no direction.

    Returns
    -------
    float
        Events of all arms, not rounded.

    Raises
    ------
    DesignError
        Hazard ratios that are all alike, or shares that do not go with them.

    Notes
    -----
    The statistic is noncentral χ² with A − 1 degrees of freedom and :math:`d \sum_a p_a (\ln\theta_a - \sum_b
    p_b \ln\theta_b)^2`: for two arms Schoenfeld's formula at the two-sided level.

    Examples
    --------
    >>> round(k_sample_events([1.0, 0.7]), 2), round(k_sample_events([1.0, 0.8, 0.7]), 1)
    (330.38, 584.5)
    """
    check_power(power, alpha)
    theta = np.asarray(hazard_ratios, dtype=np.float64)
    if theta.ndim != 1 or len(theta) < 2 or not ((theta > 0) & np.isfinite(theta)).all():
        raise DesignError(
            "must hold a number above 0 for each arm", field="hazard_ratios", value=theta.tolist()
        )
    p = np.full(len(theta), 1 / len(theta)) if shares is None else np.asarray(shares, dtype=np.float64)
    if p.shape != theta.shape or (p <= 0).any() or not math.isclose(float(p.sum()), 1):
        raise DesignError(
            "must hold a share above 0 for each arm, with sum 1", field="shares", value=p.tolist()
        )
    logs = np.log(theta)
    spread = float(p @ (logs - p @ logs) ** 2)
    if spread == 0:
        raise DesignError(
            "must differ: no number of events detects none", field="hazard_ratios", value=theta.tolist()
        )
    df = len(theta) - 1
    critical = chi2.isf(alpha, df)
    return total_for_power(lambda d: float(ncx2.sf(critical, df, d * spread)), power)


def _tail_point(level: float, df: float) -> float:
    return float(-ndtri(level)) if math.isinf(df) else float(t.isf(level, df))


def _arms(means: Sequence[float], sd: float) -> tuple[int, float]:
    """Return the number of arms and Cohen's f²."""
    values = np.asarray(means, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise DesignError(
            "must hold a number for each of two or more arms", field="means", value=values.tolist()
        )
    if not 0 < sd < math.inf:
        raise DesignError("must be above 0", field="sd", value=sd)
    return len(values), float(values.var() / sd**2)
