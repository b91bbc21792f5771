"""Ready rules for adaptive trials: bounds, dropping of arms, and re-estimated sizes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import DesignError
from trialsim.trial.interim.staged import Rule, StageAction, StagedState


def bounds_rule(
    upper: ArrayLike,
    lower: ArrayLike | None = None,
    *,
    sd: float | None = None,
    keep: Callable[[StagedState, Floats], Bools] | None = None,
) -> Rule:
    """Return the rule of a multi-arm multi-stage trial.

    Parameters
    ----------
    upper : array (K,)
        Efficacy is claimed when an open arm's z is at or above it.
    lower : array (K,), optional
        An arm whose z is at or below it is dropped; the trial stops for futility when none is left. The
        last one has no meaning.
    sd : float, optional
        Known standard deviation; the pooled one unless given.
    keep : callable, optional
        From the state and z (R, A − 1) to the active arms that go on (R, A − 1), on top of `lower`.

    Returns
    -------
    callable
        A rule for `simulate_staged`.

    Raises
    ------
    DesignError
        Lower bounds that are not as many as the upper ones, or lie above them.

    Examples
    --------
    >>> rule = bounds_rule([2.8, 2.0], [0.0, 2.0], sd=1.0)
    >>> n, every = np.full((1, 3), 50), np.ones((1, 3), dtype=bool)
    >>> total = np.array([[0.0, -5.0, 10.0]])
    >>> rule(StagedState(0, n, total, 1.0 * n, n, total, every, every[:, 0])).open
    array([[ True, False,  True]])
    """
    high = np.asarray(upper, dtype=np.float64)
    low = np.full(len(high), -np.inf) if lower is None else np.asarray(lower, dtype=np.float64)
    if high.ndim != 1 or low.shape != high.shape or np.isnan(high).any() or np.isnan(low).any():
        raise DesignError("must hold as many bounds as the upper ones", field="lower", value=low.tolist())
    if (low > high).any():
        raise DesignError(
            f"lies above the upper bound at stage {int(np.argmax(low > high)) + 1}", field="lower"
        )

    def decide(state: StagedState) -> StageAction:
        k = state.stage
        if k >= len(high):
            raise DesignError("has fewer bounds than the trial has stages", field="upper", value=len(high))
        z = np.where(state.open[:, 1:], state.z(sd), -np.inf)
        success = (z >= high[k]).any(axis=1)
        going = state.open[:, 1:] & (z > low[k])
        if keep is not None:
            going &= keep(state, z)
        over = (~going.any(axis=1)) & (k < len(high) - 1)
        decision = np.where(success, 1, np.where(over, -1, 0)).astype(np.int8)
        return StageAction(decision, np.column_stack([np.ones(len(z), dtype=bool), going]))

    return decide


def keep_best(arms: int) -> Callable[[StagedState, Floats], Bools]:
    """Return a rule that lets the best active arms go on; ties go to the earlier arm.

    Parameters
    ----------
    arms : int
        Active arms that go on, at least 1.

    Returns
    -------
    callable
        From a state and z (R, A − 1) to the arms that stay (R, A − 1), for `bounds_rule`.

    Raises
    ------
    DesignError
        Fewer than one arm.

    Examples
    --------
    >>> keep_best(1)(None, np.array([[0.5, 2.0, 1.0]]))
    array([[False,  True, False]])
    """
    if arms < 1:
        raise DesignError("must be at least 1", field="arms", value=arms)

    def keep(state: StagedState, z: Floats) -> Bools:
        rank = np.argsort(np.argsort(-z, axis=1, kind="stable"), axis=1)
        return np.asarray(rank < arms)

    return keep


def resize_blinded(
    effect: float, alpha: float, power: float, least: int, most: int
) -> Callable[[Floats], Ints]:
    r"""Return participants an arm from a variance estimated without unblinding.

    Parameters
    ----------
    effect : float
        Difference to be found, not 0.
    alpha : float
        One-sided level.
    power : float
        Wanted power.
    least, most : int
        Limits of the participants in each arm.

    Returns
    -------
    callable
        From variances (R,) to participants an arm (R,): :math:`2 (z_{1-\alpha} + z_{1-\beta})^2
        (\hat\sigma^2 - \delta^2/4) / \delta^2`, the one-sample variance less what the assumed effect adds
        at 1:1, rounded up.

    Raises
    ------
    DesignError
        An effect, a level, a power or sizes that cannot be.

    Examples
    --------
    >>> resize_blinded(0.5, 0.025, 0.9, 50, 200)(np.array([1.0625, 4.0]))
    array([ 85, 200])
    """
    if effect == 0 or not 0 < alpha < 0.5 or not alpha < power < 1 or not 1 <= least <= most:
        raise DesignError(
            "needs an effect, 0 < alpha < 0.5, alpha < power < 1 and 1 ≤ least ≤ most",
            field="resize_blinded",
            value=(effect, alpha, power, least, most),
        )
    factor = 2 * (ndtri(1 - alpha) + ndtri(power)) ** 2 / effect**2

    def size(variance: Floats) -> Ints:
        corrected = np.maximum(np.where(np.isfinite(variance), variance, 0.0) - effect**2 / 4, 0.0)
        return np.clip(np.ceil(factor * corrected), least, most).astype(np.int64)

    return size


def blinded_resizing_rule(size: Callable[[Floats], Ints], critical: float) -> Rule:
    """Return the two-stage rule that re-estimates the size blindly and tests once, at the end.

    Parameters
    ----------
    size : callable
        From the blinded variance (R,) to the final participants of each arm (R,).
    critical : float
        Efficacy is claimed when z with the pooled variance is at or above it.

    Returns
    -------
    callable
        A rule for `simulate_staged`.

    Examples
    --------
    >>> from trialsim.trial.interim.staged import simulate_staged
    >>> rule = blinded_resizing_rule(resize_blinded(1.0, 0.025, 0.9, 20, 60), 1.96)
    >>> rng = np.random.default_rng(1)
    >>> trials = simulate_staged("normal", (0.0, 1.0), [[10, 10], [10, 10]], rule, 50, rng)
    >>> bool((trials.states[-1].n >= 20).all())
    True
    """

    def decide(state: StagedState) -> StageAction:
        if state.stage == 0:
            wanted = size(state.blinded_variance)[:, None] - state.n
            return StageAction(np.zeros(len(state.n), np.int8), next_n=np.maximum(wanted, 0))
        return StageAction((state.z()[:, 0] >= critical).astype(np.int8))

    return decide


def combination_rule(
    size: Callable[[Floats], Ints], critical: float, *, futility: float = -np.inf, sd: float = 1.0
) -> Rule:
    r"""Return the two-stage rule of unblinded re-estimation with an inverse normal combination test.

    Parameters
    ----------
    size : callable
        From the first-stage z (R,) to the participants of each arm in the second stage (R,). It may be
        any function of the interim data: the weights are fixed in advance.
    critical : float
        Efficacy is claimed when :math:`(z_1 + z_2)/\sqrt 2` is at or above it, with z₂ of the second
        stage's participants alone (Lehmacher and Wassmer 1999, Biometrics 55:1286).
    futility : float
        The trial stops when z₁ is at or below it.
    sd : float
        Known standard deviation.

    Returns
    -------
    callable
        A rule for `simulate_staged`.

    Examples
    --------
    >>> from trialsim.trial.interim.staged import simulate_staged
    >>> rule = combination_rule(promising_zone(20, 60, (0.3, 0.8), 0.8, 1.96), 1.96)
    >>> rng = np.random.default_rng(1)
    >>> trials = simulate_staged("normal", (0.0, 1.0), [[20, 20], [20, 20]], rule, 50, rng)
    >>> bool(trials.states[-1].n.max() <= 80)
    True
    """

    def decide(state: StagedState) -> StageAction:
        z_new = _z(state.new_total, state.new_n, sd)
        if state.stage == 0:
            next_n = np.broadcast_to(np.maximum(size(z_new), 1)[:, None], state.n.shape)
            return StageAction(np.where(z_new <= futility, -1, 0).astype(np.int8), next_n=next_n)
        z_first = _z(state.total - state.new_total, state.n - state.new_n, sd)
        return StageAction(((z_first + z_new) / np.sqrt(2) >= critical).astype(np.int8))

    return decide


def _z(total: Floats, n: Ints, sd: float) -> Floats:
    """Return the statistic (R,) of two arms with a known standard deviation; 0 where nobody entered."""
    m = np.maximum(n, 1)
    mean = total / m
    return np.asarray((mean[:, 1] - mean[:, 0]) / (sd * np.sqrt((1 / m).sum(axis=1))))


def promising_zone(
    planned: int, most: int, zone: tuple[float, float], target: float, critical: float
) -> Callable[[Floats], Ints]:
    r"""Return the second-stage size that lifts conditional power in a promising zone.

    Parameters
    ----------
    planned, most : int
        Participants an arm in the second stage, and the most of them; the first stage had `planned` too.
    zone : pair of float
        Conditional power under the interim trend between which the size is raised.
    target : float
        Conditional power to reach.
    critical : float
        Bound of the combination test.

    Returns
    -------
    callable
        From z (R,) of the first stage to the participants of each arm in the second (R,).

    Raises
    ------
    DesignError
        Sizes, a zone or a target that cannot be.

    Notes
    -----
    Given z₁ and the interim trend, :math:`z_2 \sim N(z_1 \sqrt{m / m_0}, 1)`, so the conditional power is
    :math:`\Phi(z_1 \sqrt{m/m_0} - (\sqrt 2 c - z_1))` (Mehta and Pocock 2011, Stat. Med. 30:3267).

    Examples
    --------
    >>> promising_zone(50, 150, (0.3, 0.8), 0.8, 1.96)(np.array([0.2, 1.4, 2.5])).tolist()
    [50, 125, 50]
    """
    if not 1 <= planned <= most or not 0 <= zone[0] < zone[1] <= 1 or not 0 < target < 1:
        raise DesignError(
            "needs 1 ≤ planned ≤ most, a zone that ascends within [0, 1] and a target in (0, 1)",
            field="promising_zone",
            value=(planned, most, zone, target),
        )

    def size(z1: Floats) -> Ints:
        need = np.sqrt(2) * critical - z1
        power = ndtr(z1 - need)
        inside = (power >= zone[0]) & (power < zone[1]) & (z1 > 0)
        safe = np.where(inside, z1, 1.0)
        wanted = planned * ((ndtri(target) + need) / safe) ** 2
        return np.where(inside, np.clip(np.ceil(wanted), planned, most), planned).astype(np.int64)

    return size
