"""Sizes of cluster-randomised and stepped-wedge trials."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri
from scipy.stats import nct, t

from trialsim.data import Floats
from trialsim.design.sizes.direction import Direction, claimed, refuse_wrong_side
from trialsim.design.sizes.means import TwoArmSize, check_level, check_power, split, total_for_power
from trialsim.errors import DesignError


def design_effect(cluster_size: float, intracluster_correlation: float, size_cv: float = 0.0) -> float:
    """Return how many times more participants clusters need than people randomised one by one.

    ``1 + ((1 + cv²) m − 1) ρ`` for m participants in a cluster on average (Donner and Klar 2000; Eldridge,
    Ashby and Kerry 2006 for sizes that vary).

    Parameters
    ----------
    cluster_size : float
        m, at least 1.
    intracluster_correlation : float
        ρ, in [0, 1].
    size_cv : float
        Coefficient of variation of the cluster sizes.

    Returns
    -------
    float
        At least 1 for a correlation of at least 0.

    Raises
    ------
    DesignError
        A number out of range.

    Examples
    --------
    >>> round(design_effect(20, 0.05), 4), round(design_effect(20, 0.05, 0.5), 4)
    (1.95, 2.2)
    """
    if not 1 <= cluster_size < math.inf:
        raise DesignError("must be at least 1", field="cluster_size", value=cluster_size)
    if not 0 <= intracluster_correlation <= 1:
        raise DesignError(
            "must lie in [0, 1]", field="intracluster_correlation", value=intracluster_correlation
        )
    if not 0 <= size_cv < math.inf:
        raise DesignError("must be at least 0", field="size_cv", value=size_cv)
    return 1 + ((1 + size_cv**2) * cluster_size - 1) * intracluster_correlation


@dataclass(frozen=True)
class ClusterQuestion:
    """A comparison of two arms to which whole clusters are randomised.

    Parameters
    ----------
    effect : float
        Assumed difference active − control, of means or of risks.
    sd : pair of float
        Standard deviation of an outcome in the (control, active) arm; √(p(1 − p)) for a risk.
    cluster_size, intracluster_correlation, size_cv : float
        As for `design_effect`.
    alpha : float
        One-sided level.
    allocation : float
        Active clusters for each control cluster.
    direction : {"greater", "less"}, optional
        Side of the claim; that of the assumed effect if left out.

    Raises
    ------
    DesignError
        A number out of range, or no effect.
    """

    effect: float
    sd: tuple[float, float]
    cluster_size: float
    intracluster_correlation: float
    size_cv: float = 0.0
    alpha: float = 0.025
    allocation: float = 1.0
    direction: Direction | None = None

    def __post_init__(self) -> None:
        if self.effect == 0 or not math.isfinite(self.effect):
            raise DesignError("must not be 0: no size detects it", field="effect", value=self.effect)
        if not all(0 < sd < math.inf for sd in self.sd):
            raise DesignError("must be two numbers above 0", field="sd", value=self.sd)
        design_effect(self.cluster_size, self.intracluster_correlation, self.size_cv)
        check_level(self.alpha, self.allocation)
        claimed(0.0, self.direction, True)

    @property
    def distance(self) -> float:
        """Effect, above 0 on the side of the claim."""
        return claimed(self.effect, self.direction, True)


def power_of_clusters(clusters: float, question: ClusterQuestion) -> float:
    """Return the power of a t test of cluster means with so many clusters in both arms.

    Parameters
    ----------
    clusters : float
        K in both arms, above 2; the test has K − 2 degrees of freedom.
    question : ClusterQuestion
        Effect, spread, clusters, level and allocation.

    Returns
    -------
    float
        In [0, 1).

    Examples
    --------
    >>> question = ClusterQuestion(0.3, (1.0, 1.0), 20, 0.05)
    >>> round(power_of_clusters(47.6, question), 3)
    0.9
    """
    if clusters <= 2:
        return 0.0
    controls, active = (
        clusters / (1 + question.allocation),
        clusters * question.allocation / (1 + question.allocation),
    )
    inflation = design_effect(question.cluster_size, question.intracluster_correlation, question.size_cv)
    each = [sd**2 * inflation / question.cluster_size for sd in question.sd]
    error = math.sqrt(each[0] / controls + each[1] / active)
    critical = t.isf(question.alpha, clusters - 2)
    return float(nct.sf(critical, clusters - 2, question.distance / error))


def clusters_size(question: ClusterQuestion, power: float = 0.9) -> TwoArmSize:
    """Return the clusters of each arm that give the power; times `cluster_size` for participants.

    Parameters
    ----------
    question : ClusterQuestion
        Effect, spread, clusters, level and allocation.
    power : float
        In (alpha, 1).

    Returns
    -------
    TwoArmSize
        Clusters in each arm, not rounded.

    Examples
    --------
    >>> clusters_size(ClusterQuestion(0.3, (1.0, 1.0), 20, 0.05)).whole
    (24, 24)
    """
    check_power(power, question.alpha)
    refuse_wrong_side(question.distance, "effect", question.effect)
    total = total_for_power(lambda clusters: power_of_clusters(clusters, question), power)
    return split(total, question.allocation)


@dataclass(frozen=True)
class SteppedWedge:
    """A cross-sectional stepped-wedge trial: clusters that cross from control to active one after another.

    Parameters
    ----------
    treated : array_like of 0 and 1 (I, T)
        Whether each cluster is treated in each period; see `wedge` for the standard design.
    cluster_size : float
        Participants of a cluster in a period, new ones in each.
    sd : float
        Standard deviation of an outcome, clusters included.
    intracluster_correlation : float
        ρ in [0, 1).

    Raises
    ------
    DesignError
        A table of other than 0 and 1, or one from which the effect cannot be told from time.
    """

    treated: ArrayLike
    cluster_size: float
    sd: float
    intracluster_correlation: float

    def __post_init__(self) -> None:
        table = self.table
        if table.ndim != 2 or not np.isin(table, (0.0, 1.0)).all():
            raise DesignError(
                "must be a table of 0 and 1, clusters by periods", field="treated", value=table.shape
            )
        if (table == table[:1]).all():
            raise DesignError(
                "has all clusters alike in every period: the effect cannot be told from time", field="treated"
            )
        if not 0 < self.sd < math.inf:
            raise DesignError("must be above 0", field="sd", value=self.sd)
        design_effect(self.cluster_size, self.intracluster_correlation)
        if self.intracluster_correlation == 1:
            raise DesignError("must be below 1", field="intracluster_correlation", value=1)

    @property
    def table(self) -> Floats:
        """The design as an array (I, T)."""
        return np.asarray(self.treated, dtype=np.float64)

    def variance(self) -> float:
        r"""Return the variance of the estimated effect.

        :math:`\frac{I\sigma^2(\sigma^2 + T\tau^2)}{(IU - W)\sigma^2 + (U^2 + ITU - TW - IV)\tau^2}` with σ²
        the variance of a cluster's mean in a period within the cluster, τ² between clusters, U the treated
        cells, W and V the sums of squared totals of periods and of clusters (Hussey and Hughes 2007).
        """
        x = self.table
        clusters, periods = x.shape
        between = self.intracluster_correlation * self.sd**2
        within = (1 - self.intracluster_correlation) * self.sd**2 / self.cluster_size
        u, w, v = x.sum(), (x.sum(axis=0) ** 2).sum(), (x.sum(axis=1) ** 2).sum()
        below = (clusters * u - w) * within + (
            u**2 + clusters * periods * u - periods * w - clusters * v
        ) * between
        return float(clusters * within * (within + periods * between) / below)


def wedge(steps: int, clusters_per_step: int, *, baseline: int = 1, per_step: int = 1) -> Floats:
    """Return the standard stepped wedge: all begin in control, and a group crosses over at each step.

    Parameters
    ----------
    steps, clusters_per_step : int
        Groups of clusters, and clusters in each.
    baseline, per_step : int
        Periods before the first step, and after each.

    Returns
    -------
    ndarray (clusters, periods)
        1 where a cluster is treated.

    Raises
    ------
    DesignError
        A number below 1.

    Examples
    --------
    >>> wedge(3, 1)
    array([[0., 1., 1., 1.],
           [0., 0., 1., 1.],
           [0., 0., 0., 1.]])
    """
    for name, value in (
        ("steps", steps), ("clusters_per_step", clusters_per_step),
        ("baseline", baseline), ("per_step", per_step),
    ):  # fmt: skip
        if value < 1:
            raise DesignError("must be at least 1", field=name, value=value)
    period = np.arange(baseline + steps * per_step)
    start = baseline + per_step * np.arange(steps)
    return np.repeat((period >= start[:, None]).astype(np.float64), clusters_per_step, axis=0)


def power_of_wedge(
    design: SteppedWedge, effect: float, *, alpha: float = 0.025, direction: Direction | None = None
) -> float:
    """Return the power of the Wald test of a stepped-wedge trial.

    Parameters
    ----------
    design : SteppedWedge
        Clusters, periods and spread.
    effect : float
        Assumed effect, active minus control.
    alpha : float
        One-sided level.
    direction : {"greater", "less"}, optional
        Side of the claim; that of the assumed effect if left out.

    Returns
    -------
    float
        In (0, 1).

    Examples
    --------
    >>> round(power_of_wedge(SteppedWedge(wedge(4, 3), 20, 1.0, 0.05), 0.25), 3)
    0.726
    """
    check_level(alpha, 1.0)
    return float(ndtr(claimed(effect, direction, True) / math.sqrt(design.variance()) + ndtri(alpha)))


def wedge_size(
    steps: int,
    cluster_size: float,
    effect: float,
    sd: float,
    intracluster_correlation: float,
    *,
    power: float = 0.9,
    alpha: float = 0.025,
    baseline: int = 1,
    per_step: int = 1,
    direction: Direction | None = None,
) -> int:
    """Return the fewest clusters per step of a stepped wedge that reach the power.

    Parameters
    ----------
    steps, baseline, per_step
        As for `wedge`.
    cluster_size, sd, intracluster_correlation
        As for `SteppedWedge`.
    effect, alpha, direction
        As for `power_of_wedge`.
    power : float
        In (alpha, 1).

    Returns
    -------
    int
        Clusters that cross over at each step.

    Examples
    --------
    >>> wedge_size(4, 20, 0.25, 1.0, 0.05)
    5
    """
    check_power(power, alpha)
    distance = claimed(effect, direction, True)
    refuse_wrong_side(distance, "effect", effect)
    one = SteppedWedge(
        wedge(steps, 1, baseline=baseline, per_step=per_step), cluster_size, sd, intracluster_correlation
    )
    # The variance falls with the clusters per step, exactly as 1 over their number.
    needed = one.variance() * float(-ndtri(alpha) + ndtri(power)) ** 2 / distance**2
    return max(1, math.ceil(needed - 1e-9))
