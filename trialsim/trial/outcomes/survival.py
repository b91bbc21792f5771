r"""Replicate trials with a time to event: entry, strata, allocation, events and dropout.

A participant of stratum s in arm a with frailty Z has the hazard of the arm's law times :math:`\theta_s Z`
(and times the stratum's effect in an active arm), and leaves at the dropout law's hazard times
:math:`Z^\gamma`. With :math:`\gamma \ne 0` dropout is informative: who leaves would have had the event
sooner (γ > 0) or later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.special import gammaincinv

from trialsim.data import Floats, Ints
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.rates import PlannedAccrual, Spread
from trialsim.trial.allocation.blocks import check_blocks, permuted_blocks, simple_randomisation
from trialsim.trial.allocation.ratio import Labels, checked_ratio
from trialsim.trial.enrolment.site_plans import SitePlan
from trialsim.trial.enrolment.sites import recruit
from trialsim.trial.outcomes.discrete import draw_frailty
from trialsim.trial.outcomes.survival_laws import PiecewiseHazard, SurvivalLaw

Chance = Callable[[str], np.random.Generator]

_GRID = 2048


@dataclass(frozen=True)
class SurvivalWorld:
    """A trial with a time to event.

    Parameters
    ----------
    participants : int
        N.
    accrual : PlannedAccrual or SitePlan
        How they enter.
    events : tuple of SurvivalLaw (A,)
        Law of the event in each arm, the control first; months since entry.
    dropout : tuple of SurvivalLaw or None (A,)
        Law of leaving in each arm; None where nobody leaves.
    ratio : tuple of float (A,)
        Allocation ratio.
    block_sizes : tuple of int
        Of permuted blocks within strata; empty for simple randomisation.
    strata_shares, strata_hazards : tuple of float (S,)
        Share and hazard ratio of each stratum.
    strata_effects : tuple of float (S,)
        Hazard ratio on top in the active arms of each stratum, for an effect that depends on the
        subgroup; empty for none.
    frailty : float
        Variance of the gamma frailty, 0 for none.
    dropout_dependence : float
        γ.
    spread : {"poisson", "even", "uniform"}
        Of a planned accrual.
    """

    participants: int
    accrual: PlannedAccrual | SitePlan
    events: tuple[SurvivalLaw, ...]
    dropout: tuple[SurvivalLaw | None, ...]
    ratio: tuple[float, ...] = (1, 1)
    block_sizes: tuple[int, ...] = (4,)
    strata_shares: tuple[float, ...] = (1.0,)
    strata_hazards: tuple[float, ...] = (1.0,)
    strata_effects: tuple[float, ...] = ()
    frailty: float = 0.0
    dropout_dependence: float = 0.0
    spread: Spread = "poisson"

    def __post_init__(self) -> None:
        arms = len(checked_ratio(self.ratio))
        if self.participants < 2:
            raise DesignError("must be at least 2", field="participants", value=self.participants)
        for field in ("events", "dropout"):
            if len(getattr(self, field)) != arms:
                raise DesignError(f"must hold one law for each of {arms} arms", field=field)
        shares, hazards = np.asarray(self.strata_shares), np.asarray(self.strata_hazards)
        if shares.shape != hazards.shape or not len(shares) or (shares <= 0).any():
            raise DesignError(
                "must hold a share above 0 and a hazard for each stratum",
                field="strata_shares",
                value=self.strata_shares,
            )
        if abs(shares.sum() - 1) > 1e-9:
            raise DesignError("must add up to 1", field="strata_shares", value=self.strata_shares)
        if self.strata_effects and len(self.strata_effects) != len(hazards):
            raise DesignError(
                f"must hold one ratio for each of {len(hazards)} strata",
                field="strata_effects",
                value=self.strata_effects,
            )
        for field in ("strata_hazards", "strata_effects"):
            ratios = np.asarray(getattr(self, field), dtype=np.float64)
            if not (np.isfinite(ratios) & (ratios > 0)).all():
                raise DesignError("must be finite and above 0", field=field, value=getattr(self, field))
        if not (np.isfinite(self.frailty) and self.frailty >= 0):
            raise DesignError("must be finite and at least 0", field="frailty", value=self.frailty)
        if self.block_sizes:
            check_blocks(self.ratio, self.block_sizes)
        if self.dropout_dependence and not self.frailty:
            raise DesignError(
                "needs a frailty to depend on", field="dropout_dependence", value=self.dropout_dependence
            )

    @property
    def hazard_ratios(self) -> Floats:
        """Hazard ratio of each arm and stratum on top of the arm's law (A, S)."""
        table = np.tile(np.asarray(self.strata_hazards, dtype=np.float64), (len(self.events), 1))
        if self.strata_effects:
            table[1:] *= self.strata_effects
        return table

    @property
    def reachable_events(self) -> float:
        """Events expected if everybody were followed without end, by quadrature."""
        return self.events_by(np.inf)

    def events_by(self, month: float) -> float:
        """Return the events expected by a calendar month, by quadrature.

        Participants enter when a planned accrual expects them; sites' are all counted from month 0, so
        that theirs is a number that cannot be exceeded.
        """
        entry = np.zeros(self.participants)
        if isinstance(self.accrual, PlannedAccrual):
            entry = self.accrual.expected_entries(self.participants)
        share = np.dot(self.ratio, self._event_shares(month - entry)) / np.sum(self.ratio)
        return float(share.sum())

    def _event_shares(self, months: Floats) -> Floats:
        """Return the probability of the event within months, before dropout, in each arm (A, N)."""
        middle = (np.arange(_GRID) + 0.5) / _GRID
        need = -np.log1p(-middle)
        frailties = _frailty_quantiles(self.frailty)
        ratios = self.hazard_ratios
        out = np.zeros((len(self.events), len(months)))
        for a, (law, leave) in enumerate(zip(self.events, self.dropout, strict=True)):
            for share, theta in zip(self.strata_shares, ratios[a], strict=True):
                for z in frailties:
                    time = law.time_of(need, theta * z)
                    had = np.isfinite(time)
                    stays = np.where(had, 1.0, 0.0)
                    if leave is not None:
                        stays[had] = leave.survival(time[had]) ** (z**self.dropout_dependence)
                    # Times ascend with what they need, so that a running sum serves every follow-up.
                    reached = np.concatenate([[0.0], np.cumsum(stays)])
                    within = reached[np.searchsorted(time, months, side="right")]
                    out[a] += share * within / (_GRID * len(frailties))
        return out


@dataclass(frozen=True)
class SurvivalTrials(InNotebook):
    """Replicate trials, followed without end.

    Parameters
    ----------
    entry : ndarray (R, N)
        Calendar month of entry, ascending.
    time : ndarray (R, N)
        Months from entry to the event or to dropout, whichever is first; may be infinite.
    event : ndarray of int8 (R, N)
        1 for the event, 0 for dropout.
    arm : ndarray of int8 (R, N)
        Position of the arm.
    stratum : ndarray of int64 (R, N)
        From 0.
    strata : int
        Number of strata.
    """

    entry: Floats
    time: Floats
    event: Labels
    arm: Labels
    stratum: Ints
    strata: int


def simulate_survival(
    world: SurvivalWorld, replicates: int, chance: Chance, arm: Labels | None = None
) -> SurvivalTrials:
    """Simulate trials.

    Parameters
    ----------
    world : SurvivalWorld
        The trial.
    replicates : int
        R.
    chance : callable
        From the name of a component (``enrolment``, ``recruitment``, ``randomisation``, ``outcome``,
        ``dropout``) to its generator.
    arm : ndarray of int8 (R, N), optional
        Allocation that is known already, such as one that changed at an interim look: with the same
        streams everything else about the trial stays as it was.

    Returns
    -------
    SurvivalTrials

    Examples
    --------
    >>> from trialsim.trial import PiecewiseHazard
    >>> from trialsim.streams import stream
    >>> laws = (PiecewiseHazard((0.06,)), PiecewiseHazard((0.04,)))
    >>> world = SurvivalWorld(200, PlannedAccrual((20,), (10,)), laws, (None, None))
    >>> trials = simulate_survival(world, 500, lambda name: stream(1, "doc", 0, name))
    >>> [round(float(trials.time[trials.arm == a].mean()), 1) for a in (0, 1)]
    [16.7, 25.0]
    """
    shape = (replicates, world.participants)
    entry = _entries(world, replicates, chance("enrolment"))
    recruitment = chance("recruitment")
    stratum = _strata(world, shape, recruitment)
    frailty = draw_frailty(shape, world.frailty, recruitment) if world.frailty else None
    if arm is None:
        arm = _allocate(world, stratum, shape, chance("randomisation"))
    laws = (*world.events, *(law for law in world.dropout if law is not None))
    draw = _compiled_times if all(isinstance(law, PiecewiseHazard) for law in laws) else _general_times
    time, event = draw(world, arm, stratum, frailty, chance("outcome"), chance("dropout"))
    return SurvivalTrials(entry, time, event, arm, stratum, len(world.strata_shares))


def _general_times(
    world: SurvivalWorld,
    arm: Labels,
    stratum: Ints,
    frailty: Floats | None,
    outcome: np.random.Generator,
    dropout: np.random.Generator,
) -> tuple[Floats, Labels]:
    """Return times and events for any law."""
    need, patience = outcome.standard_exponential(arm.shape), dropout.standard_exponential(arm.shape)
    need /= world.hazard_ratios[arm, stratum]
    if frailty is not None:
        need /= frailty
        patience /= frailty**world.dropout_dependence
    time, left = _by_arm(world.events, arm, need), _by_arm(world.dropout, arm, patience)
    event = (time <= left) & np.isfinite(time)
    return np.minimum(time, left), event.view(np.int8)


def _compiled_times(
    world: SurvivalWorld,
    arm: Labels,
    stratum: Ints,
    frailty: Floats | None,
    outcome: np.random.Generator,
    dropout: np.random.Generator,
) -> tuple[Floats, Labels]:
    """Return what `_general_times` does, several times faster, where every hazard is piecewise constant."""
    time, event = np.empty(arm.shape), np.empty(arm.shape, dtype=np.int8)
    frail = np.empty((0, 0)) if frailty is None else frailty
    _fill_times(
        outcome, dropout, arm, stratum, world.hazard_ratios, frail, world.dropout_dependence,
        *_table(world.events), *_table(world.dropout), time, event,
    )  # fmt: skip
    return time, event


def _table(laws: Sequence[SurvivalLaw | None]) -> tuple[Floats, Floats, Floats, Ints]:
    """Return hazards, starts and cumulative hazards at the starts (A, P), and pieces (A,)."""
    pieces = [law if isinstance(law, PiecewiseHazard) else None for law in laws]
    count = np.array([1 if law is None else len(law.rates) for law in pieces])
    hazards, starts, reached = (np.zeros((len(laws), count.max())) for _ in range(3))
    for a, law in enumerate(pieces):
        if law is not None:
            hazards[a, : count[a]], starts[a, : count[a]], reached[a, : count[a]] = law.knots
    return hazards, starts, reached, count


@njit(cache=True)
def _time_of(need: float, hazards: Floats, starts: Floats, reached: Floats, count: int) -> float:
    """Return the time at which a piecewise constant hazard uses up an exponential."""
    piece = count - 1
    while piece > 0 and need <= reached[piece]:
        piece -= 1
    if hazards[piece] == 0.0:
        return np.inf
    return starts[piece] + (need - reached[piece]) / hazards[piece]


@njit(cache=True)
def _fill_times(
    outcome: np.random.Generator,
    dropout: np.random.Generator,
    arm: Labels,
    stratum: Ints,
    ratios: Floats,
    frailty: Floats,
    dependence: float,
    hazards: Floats,
    starts: Floats,
    reached: Floats,
    count: Ints,
    leave_hazards: Floats,
    leave_starts: Floats,
    leave_reached: Floats,
    leave_count: Ints,
    time: Floats,
    event: Labels,
) -> None:
    replicates, participants = arm.shape
    several, frail = ratios.shape[1] > 1 or (ratios != 1.0).any(), frailty.size > 0
    for r in range(replicates):
        for i in range(participants):
            a = arm[r, i]
            need, patience = outcome.standard_exponential(), dropout.standard_exponential()
            if several:
                need /= ratios[a, stratum[r, i]]
            if frail:
                need /= frailty[r, i]
                if dependence == 1.0:
                    patience /= frailty[r, i]
                elif dependence != 0.0:
                    patience /= frailty[r, i] ** dependence
            t = _time_of(need, hazards[a], starts[a], reached[a], count[a])
            left = _time_of(patience, leave_hazards[a], leave_starts[a], leave_reached[a], leave_count[a])
            event[r, i] = 1 if t <= left and t < np.inf else 0
            time[r, i] = min(t, left)


def _entries(world: SurvivalWorld, replicates: int, generator: np.random.Generator) -> Floats:
    if isinstance(world.accrual, SitePlan):
        return recruit(world.accrual, replicates, world.participants, generator).month
    return world.accrual.arrivals(replicates, world.participants, generator, world.spread)


def _strata(world: SurvivalWorld, shape: tuple[int, int], generator: np.random.Generator) -> Ints:
    if len(world.strata_shares) == 1:
        return np.zeros(shape, dtype=np.int64)
    uniform, stratum = generator.random(shape), np.zeros(shape, dtype=np.int64)
    for edge in np.cumsum(world.strata_shares)[:-1]:
        stratum += uniform >= edge
    return stratum


def _allocate(
    world: SurvivalWorld, stratum: Ints, shape: tuple[int, int], generator: np.random.Generator
) -> Labels:
    if not world.block_sizes:
        return simple_randomisation(*shape, world.ratio, generator)
    strata = stratum if len(world.strata_shares) > 1 else None
    return permuted_blocks(*shape, world.ratio, world.block_sizes, generator, strata)


def _by_arm(laws: Sequence[SurvivalLaw | None], arm: Labels, exponential: Floats) -> Floats:
    """Return the times of each participant's own law; infinite where there is none."""
    first = laws[0]
    if all(law == first for law in laws):
        return np.full(arm.shape, np.inf) if first is None else first.time_of(exponential)
    out = np.full(arm.shape, np.inf)
    for a, law in enumerate(laws):
        if law is not None:
            np.copyto(out, law.time_of(exponential), where=arm == a)
    return out


def _frailty_quantiles(variance: float) -> Floats:
    """Return equally likely frailties that stand for their law."""
    if variance == 0:
        return np.ones(1)
    return np.asarray(variance * gammaincinv(1 / variance, (np.arange(64) + 0.5) / 64))
