r"""Trials with a marker at visits and an event whose hazard follows the marker: a joint model.

Participant i of arm a has the latent marker :math:`m_i(t) = b_{0i} + \delta_a + (b_{1i} + \gamma_a) t`, t in
months since randomisation and (b₀, b₁) normal; visits measure it with error, and the event has the hazard
:math:`h_0 \theta_a \exp(\alpha m_i(t) + \alpha_s (b_{1i} + \gamma_a))`. Treatment acts on the marker's level
(δ) and slope (γ), on the hazard alone (θ), or on both. The event ends the marker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from trialsim.data import Bools, Floats
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.rates import PlannedAccrual
from trialsim.trial.allocation.blocks import check_blocks, permuted_blocks
from trialsim.trial.allocation.ratio import Labels, checked_ratio
from trialsim.trial.enrolment.site_plans import SitePlan
from trialsim.trial.enrolment.sites import recruit
from trialsim.trial.outcomes.survival_laws import SurvivalLaw, gompertz_of_course

_RANDOM_NODES, _TIME_NODES = 30, 160


@dataclass(frozen=True)
class JointWorld:
    """A two-arm trial with a marker and an event.

    Parameters
    ----------
    participants : int
        N.
    accrual : PlannedAccrual or SitePlan
        How they enter.
    months : tuple of float (V,)
        Months of the visits since randomisation, ascending from above 0.
    follow_up : float
        Months for which everybody is followed, at least the last visit.
    level, slope : float
        Mean of the marker at randomisation, and its mean change a month, in the control.
    random_sd : pair of float
        Standard deviations of b₀ and b₁, at least 0.
    correlation : float
        Between b₀ and b₁, in (−1, 1).
    residual_sd : float
        Of a measurement, above 0.
    hazard : float
        h₀, a month, above 0.
    association, slope_association : float
        α and α_s: log hazard ratio of one unit of the current value, and of the slope.
    level_effect, slope_effect : float
        δ and γ of the active arm.
    hazard_ratio : float
        θ of the active arm, above 0.
    dropout : SurvivalLaw, optional
        Leaving, in either arm.
    ratio : pair of float
        Allocation of control and active.
    block_sizes : tuple of int
        Of permuted blocks.
    subgroup_share : float
        Share of participants in a subgroup, in [0, 1).
    subgroup_slope_effect, subgroup_hazard_ratio : float
        What treatment does to the slope, and to the hazard, on top in the subgroup.

    Raises
    ------
    DesignError
        Visits out of order or beyond the follow-up, a hazard of 0, spreads out of range.

    Examples
    --------
    >>> JointWorld(100, PlannedAccrual((10,), (10,)), (6.0, 3.0), 12.0)
    Traceback (most recent call last):
    trialsim.errors.DesignError: months: must ascend from above 0 to at most the follow-up. Got (6.0, 3.0).
    """

    participants: int
    accrual: PlannedAccrual | SitePlan
    months: tuple[float, ...]
    follow_up: float
    level: float = 0.0
    slope: float = 0.0
    random_sd: tuple[float, float] = (1.0, 0.1)
    correlation: float = 0.0
    residual_sd: float = 0.5
    hazard: float = 0.02
    association: float = 0.0
    slope_association: float = 0.0
    level_effect: float = 0.0
    slope_effect: float = 0.0
    hazard_ratio: float = 1.0
    dropout: SurvivalLaw | None = None
    ratio: tuple[float, float] = (1, 1)
    block_sizes: tuple[int, ...] = (4,)
    subgroup_share: float = 0.0
    subgroup_slope_effect: float = 0.0
    subgroup_hazard_ratio: float = 1.0

    def __post_init__(self) -> None:
        months = np.asarray(self.months, dtype=np.float64)
        if len(checked_ratio(self.ratio)) != 2:
            raise DesignError("must hold two arms", field="ratio", value=self.ratio)
        if self.participants < 4:
            raise DesignError("must be at least 4", field="participants", value=self.participants)
        check_blocks(self.ratio, self.block_sizes)
        ascends = len(months) and months[0] > 0 and (np.diff(months) > 0).all()
        if not ascends or not np.isfinite(self.follow_up) or months[-1] > self.follow_up:
            raise DesignError(
                "must ascend from above 0 to at most the follow-up", field="months", value=self.months
            )
        for name in ("hazard", "hazard_ratio", "subgroup_hazard_ratio", "residual_sd"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise DesignError("must be finite and above 0", field=name, value=getattr(self, name))
        if len(self.random_sd) != 2 or not all(np.isfinite(s) and s >= 0 for s in self.random_sd):
            raise DesignError("must be two numbers of at least 0", field="random_sd", value=self.random_sd)
        if not -1 < self.correlation < 1:
            raise DesignError("must lie between -1 and 1", field="correlation", value=self.correlation)
        if not 0 <= self.subgroup_share < 1:
            raise DesignError("must lie in [0, 1)", field="subgroup_share", value=self.subgroup_share)

    def course(
        self, standard: Floats, arm: Labels | int, subgroup: Bools | bool = False
    ) -> tuple[Floats, Floats]:
        """Return level and slope of the latent marker for standard normals (..., 2), under an arm."""
        sd, rho = self.random_sd, self.correlation
        first = self.level + sd[0] * standard[..., 0]
        second = self.slope + sd[1] * (rho * standard[..., 0] + np.sqrt(1 - rho**2) * standard[..., 1])
        gain = np.where(subgroup, self.slope_effect + self.subgroup_slope_effect, self.slope_effect)
        return first + self.level_effect * arm, second + gain * arm

    def scale(self, slope: Floats, arm: Labels | int, subgroup: Bools | bool = False) -> Floats:
        """Return what multiplies the hazard of the current value: θ and the slope's own part."""
        active = self.hazard_ratio * np.where(subgroup, self.subgroup_hazard_ratio, 1.0)
        return np.asarray(np.where(np.equal(arm, 1), active, 1.0) * np.exp(self.slope_association * slope))


@dataclass(frozen=True)
class JointTrials(InNotebook):
    """Replicate trials.

    Parameters
    ----------
    entry : ndarray (R, N)
        Calendar month of entry, ascending.
    arm : ndarray of int8 (R, N)
        1 for active.
    baseline : ndarray (R, N)
        Measured marker at randomisation, before treatment.
    marker : ndarray (R, N, V)
        Measured marker at visits; NaN from the event or dropout on.
    time : ndarray (R, N)
        Months to the event, dropout or the end of follow-up.
    event : ndarray of int8 (R, N)
        1 for the event.
    subgroup : ndarray of bool (R, N), optional
        Who is in the subgroup; None without one.
    """

    entry: Floats
    arm: Labels
    baseline: Floats
    marker: Floats
    time: Floats
    event: Labels
    subgroup: Bools | None = None


def simulate_joint(
    world: JointWorld, replicates: int, chance: Callable[[str], np.random.Generator]
) -> JointTrials:
    """Simulate trials.

    Parameters
    ----------
    world : JointWorld
        The trial.
    replicates : int
        R.
    chance : callable
        From the name of a component (``enrolment``, ``recruitment``, ``randomisation``, ``disease``,
        ``outcome``, ``dropout``) to its generator.

    Returns
    -------
    JointTrials

    Examples
    --------
    >>> from trialsim.streams import stream
    >>> world = JointWorld(
    ...     200, PlannedAccrual((20,), (10,)), (6.0, 12.0), 12.0, slope=0.1, association=0.5,
    ...     slope_effect=-0.1,
    ... )
    >>> trials = simulate_joint(world, 200, lambda name: stream(1, "doc", 0, name))
    >>> [round(float(trials.event[trials.arm == a].mean()), 2) for a in (0, 1)]
    [0.31, 0.24]
    """
    shape = (replicates, world.participants)
    if isinstance(world.accrual, SitePlan):
        entry = recruit(world.accrual, *shape, chance("enrolment")).month
    else:
        entry = world.accrual.arrivals(*shape, chance("enrolment"))
    arm = permuted_blocks(*shape, world.ratio, world.block_sizes, chance("randomisation"))
    subgroup = chance("recruitment").random(shape) < world.subgroup_share if world.subgroup_share else None
    inside = False if subgroup is None else subgroup
    outcome = chance("outcome")
    standard = chance("disease").standard_normal((*shape, 2))
    level, slope = world.course(standard, arm, inside)
    need = outcome.standard_exponential(shape) / world.scale(slope, arm, inside)
    to_event = gompertz_of_course(need, world.hazard, world.association, level, slope)
    leave = np.full(shape, np.inf)
    if world.dropout is not None:
        leave = world.dropout.time_of(chance("dropout").standard_exponential(shape))
    end = np.minimum(leave, world.follow_up)
    time, event = np.minimum(to_event, end), (to_event <= end).astype(np.int8)
    months = np.asarray(world.months)
    error = world.residual_sd * outcome.standard_normal((*shape, 1 + len(months)))
    marker = level[..., None] + slope[..., None] * months + error[..., 1:]
    over = time[..., None] < months
    baseline = level - world.level_effect * arm + error[..., 0]
    return JointTrials(entry, arm, baseline, np.where(over, np.nan, marker), time, event, subgroup)


@dataclass(frozen=True)
class JointTruth(InNotebook):
    """What treatment does in a joint model, by quadrature over the random effects.

    Parameters
    ----------
    event_share : tuple of float (2,)
        Probability of the event by the end of follow-up in control and active, nobody leaving.
    restricted_mean : tuple of float (2,)
        Mean months without the event, up to the end of follow-up.
    marker_difference : float
        Active minus control at the last visit had nobody had an event (hypothetical).
    survivor_means : tuple of float (2,)
        Mean of the marker at the last visit among those without an event by then. Their difference is
        no effect of treatment: treatment changes who they are.
    win_difference : float
        P(active fares better) − P(control fares better) in a pair: a later event wins, and without
        events by the end of follow-up the lower change of the measured marker at the last visit.
    """

    event_share: tuple[float, float]
    restricted_mean: tuple[float, float]
    marker_difference: float
    survivor_means: tuple[float, float]
    win_difference: float


def joint_truth(world: JointWorld, *, higher_is_worse: bool = True) -> JointTruth:
    """Return the true effects of a joint model.

    Parameters
    ----------
    world : JointWorld
        The trial.
    higher_is_worse : bool
        Direction of the marker, for the win difference.

    Returns
    -------
    JointTruth
        Event shares, hazard ratios, effects on the marker, and the win difference.

    Raises
    ------
    DesignError
        Nobody is without the event at the last visit.

    Examples
    --------
    >>> world = JointWorld(100, PlannedAccrual((10,), (10,)), (12.0,), 12.0, hazard=0.05)
    >>> truth = joint_truth(world)
    >>> round(truth.event_share[0], 6) == round(1 - np.exp(-0.6), 6), round(abs(truth.win_difference), 9)
    (np.True_, 0.0)
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_RANDOM_NODES)
    weights = weights / weights.sum()
    standard = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    weight = np.outer(weights, weights).ravel()
    inside = np.zeros(len(weight), dtype=bool)
    if world.subgroup_share:  # Every node stands twice: outside of the subgroup and inside of it.
        inside = np.repeat([False, True], len(weight))
        weight = np.where(inside, world.subgroup_share, 1 - world.subgroup_share) * np.tile(weight, 2)
        standard = np.tile(standard, (2, 1))
    points, spans = np.polynomial.legendre.leggauss(_TIME_NODES)
    months = world.follow_up * (points + 1) / 2
    spans = spans * world.follow_up / 2
    last = world.months[-1]
    survival, density, means, alive, change = [], [], [], [], []
    for arm in (0, 1):
        level, slope = world.course(standard, arm, inside)
        start = world.hazard * world.scale(slope, arm, inside) * np.exp(world.association * level)
        left, hazard = _survival(start, world.association * slope, months)
        survival.append(weight @ left)
        density.append(weight @ (left * hazard))
        at_last, at_end = _survival(start, world.association * slope, np.array([last, world.follow_up]))[0].T
        still = weight * at_last
        if not still.sum() > 0:
            raise DesignError(
                "leaves nobody without the event at the last visit", field="hazard", value=world.hazard,
                mend="give the hazard of a month",
            )  # fmt: skip
        means.append(float(still @ (level + slope * last) / still.sum()))
        alive.append(weight * at_end)
        change.append(world.level_effect * arm + slope * last)
    gain = world.slope_effect + world.subgroup_share * world.subgroup_slope_effect
    marker = world.level_effect + gain * last
    # A pair with an event is decided by who has it first: the other is still without it then.
    first = float((survival[1] * density[0] - survival[0] * density[1]) @ spans)
    return JointTruth(
        (1 - float(alive[0].sum()), 1 - float(alive[1].sum())),
        (float(survival[0] @ spans), float(survival[1] @ spans)),
        marker,
        (means[0], means[1]),
        first + _marker_wins(world, alive, change, 1 if higher_is_worse else -1),
    )


def _survival(start: Floats, growth: Floats, months: Floats) -> tuple[Floats, Floats]:
    """Return P(no event by each month) and the hazard then (Q, T), of hazards that begin and grow so (Q,)."""
    g, first = growth[:, None], start[:, None]
    steady = np.abs(g) < 1e-12
    grown = np.where(steady, months, np.expm1(g * months) / np.where(steady, 1.0, g))
    return np.exp(-first * grown), first * np.exp(g * months)


def _marker_wins(world: JointWorld, alive: list[Floats], change: list[Floats], sign: int) -> float:
    """Return P(active wins) − P(control wins) of pairs without an event."""
    spread = 2 * world.residual_sd  # Two changes of two measurements each: 4 error variances.
    better = ndtr(sign * (change[0][None, :] - change[1][:, None]) / spread)
    return float(alive[1] @ (2 * better - 1) @ alive[0])
