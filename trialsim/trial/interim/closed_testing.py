r"""Multi-arm multi-stage trials with closed combination tests: any selection at an interim keeps the error.

Every intersection of hypotheses is tested stage by stage, by a many-to-one test of the arms in it that are
still recruiting, and the stages' p values are combined with weights that are fixed beforehand. An arm is
claimed when every intersection that contains it is rejected: the family-wise error is then kept whichever
arms are without effect, and whatever the reason for dropping the others (Bretz, Schmidli et al. 2006, Biom.
J. 48:623; Posch et al. 2005, Stat. Med. 24:3697).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialsim.data import Bools, Floats
from trialsim.errors import DesignError
from trialsim.trial.interim.sequential import normal_score
from trialsim.trial.interim.staged import Rule, StageAction, StagedState

Intersection = Literal["dunnett", "bonferroni", "simes"]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class ClosedTest:
    """A closed combination test.

    Parameters
    ----------
    bounds : tuple of float (K,)
        Group-sequential bounds of the combined normal scores.
    weights : tuple of float (K,)
        Planned weight of each stage, above 0, such as its planned participants; the squares of the
        normal scores' coefficients are in their proportion.
    intersection : {"dunnett", "bonferroni", "simes"}
        Test of several arms against the control within a stage.

    Raises
    ------
    DesignError
        Bounds and weights of different number, or a weight that is not above 0.

    Examples
    --------
    >>> ClosedTest((2.797, 1.977), (1.0, 0.0))
    Traceback (most recent call last):
    trialsim.errors.DesignError: weights: must be above 0. Got (1.0, 0.0).
    """

    bounds: tuple[float, ...]
    weights: tuple[float, ...]
    intersection: Intersection = "dunnett"

    def __post_init__(self) -> None:
        if len(self.bounds) != len(self.weights) or not self.bounds or np.isnan(self.bounds).any():
            raise DesignError("must hold one bound for each weight", field="bounds", value=self.bounds)
        if not all(np.isfinite(w) and w > 0 for w in self.weights):
            raise DesignError("must be above 0", field="weights", value=self.weights)
        if self.intersection not in ("dunnett", "bonferroni", "simes"):
            raise DesignError(
                "must be 'dunnett', 'bonferroni' or 'simes'", field="intersection", value=self.intersection
            )

    def rejected(self, z: Floats, n: Floats, tested: Bools) -> Bools:
        """Return the arms that are claimed by each stage.

        Parameters
        ----------
        z : ndarray (S, R, A − 1)
            Statistic of each stage's own participants, S ≤ K stages.
        n : ndarray (S, R, A)
            Participants (or events) of each stage that the statistics rest on, control first.
        tested : ndarray of bool (S, R, A − 1)
            Arms that recruit in each stage.

        Returns
        -------
        ndarray of bool (S, R, A − 1)
            A claim stays once it is made.

        Examples
        --------
        >>> test = ClosedTest((2.797, 1.977), (1.0, 1.0))
        >>> z = np.array([[[2.0, 0.0]], [[2.5, 0.0]]])
        >>> n = np.full((2, 1, 3), 50.0)
        >>> test.rejected(z, n, np.array([[[True, True]], [[True, False]]])).tolist()
        [[[False, False]], [[True, False]]]
        """
        return self.claims(z, n, tested)[0]

    def claims(self, z: Floats, n: Floats, tested: Bools) -> tuple[Bools, Bools]:
        """Return the arms that are claimed by each stage, and those that are or still may be.

        A stage in which an intersection has the p value 1 (Bonferroni: the smallest p times the arms reaches
        1) can never be made up for: no arm in the intersection is claimed any more, whatever comes.

        Parameters
        ----------
        z, n, tested
            As for `rejected`.

        Returns
        -------
        claimed : ndarray of bool (S, R, A − 1)
        possible : ndarray of bool (R, A − 1)

        Examples
        --------
        >>> test = ClosedTest((2.797, 1.977), (1.0, 1.0), "bonferroni")
        >>> every = np.ones((1, 2, 2), dtype=bool)
        >>> z = np.array([[[-0.1, -0.2], [0.1, -0.2]]])
        >>> test.claims(z, np.full((1, 2, 3), 50.0), every)[1].tolist()
        [[False, False], [True, True]]
        """
        stages, trials, arms = z.shape
        claimed = np.ones((stages, trials, arms), dtype=bool)
        possible = np.ones((trials, arms), dtype=bool)
        for size in range(1, arms + 1):
            for members in combinations(range(arms), size):
                inside = np.isin(np.arange(arms), members)
                gone, reachable = self._intersection_gone(z, n, tested & inside)
                claimed[:, :, inside] &= gone[:, :, None]
                possible[:, inside] &= reachable[:, None]
        return claimed, possible

    def _intersection_gone(self, z: Floats, n: Floats, tested: Bools) -> tuple[Bools, Bools]:
        """Return whether an intersection is rejected by each stage (S, R), and whether it may be (R,)."""
        gone = np.zeros(z.shape[:2], dtype=bool)
        total, weight = np.zeros(z.shape[1]), 0.0
        for k in range(len(z)):
            score = intersection_score(z[k], n[k], tested[k], self.intersection)
            # A stage without a member that recruits has the p value 1, and can claim nothing more.
            total = total + np.sqrt(self.weights[k]) * score
            weight += self.weights[k]
            gone[k] = total / np.sqrt(weight) >= self.bounds[k]
        return np.asarray(np.maximum.accumulate(gone, axis=0)), gone.any(axis=0) | (total > -np.inf)


def intersection_score(z: ArrayLike, n: ArrayLike, tested: ArrayLike, method: Intersection) -> Floats:
    r"""Return the normal score Φ⁻¹(1 − p) of the test that no tested arm is better than the control.

    Parameters
    ----------
    z : ndarray (R, A − 1)
        Statistic of each active arm.
    n : ndarray (R, A)
        Participants of each arm, the control first.
    tested : ndarray of bool (R, A − 1)
        Arms in the intersection.
    method : {"dunnett", "bonferroni", "simes"}
        Dunnett's p value is :math:`1 - \int \phi(x) \prod_a \Phi(\sqrt{n_a}(c\sqrt{1/n_a + 1/n_0} +
        x/\sqrt{n_0}))\,dx` at the largest z, c, by quadrature (Dunnett 1955, JASA 50:1096).

    Returns
    -------
    ndarray (R,)
        −inf where no arm is tested.

    Raises
    ------
    DesignError
        Another method.

    Examples
    --------
    >>> every = np.ones((1, 2), dtype=bool)
    >>> intersection_score(np.array([[2.2121, 0.0]]), np.full((1, 3), 50.0), every, "dunnett").round(3)
    array([1.96])
    """
    z = np.asarray(z, dtype=np.float64)
    n = np.asarray(n, dtype=np.float64)
    tested = np.asarray(tested)
    shown = np.where(tested, z, -np.inf)
    members, largest = tested.sum(axis=1), shown.max(axis=1)
    score = largest.copy()
    several = members > 1
    if several.any():
        if method == "dunnett":
            tail = _dunnett(largest[several], np.asarray(n[several], dtype=np.float64), tested[several])
        elif method == "simes" or method == "bonferroni":
            p = np.sort(np.where(tested[several], ndtr(-shown[several]), 1.0), axis=1)
            rank = np.arange(1, z.shape[1] + 1) if method == "simes" else 1
            tail = np.minimum((members[several, None] * p / rank).min(axis=1), 1.0)
        else:
            raise DesignError("must be dunnett, bonferroni or simes", field="method", value=method)
        score[several] = -ndtri(np.clip(tail, 1e-300, 1.0))
    return score


def _dunnett(largest: Floats, n: Floats, tested: Bools) -> Floats:
    control = np.maximum(n[:, :1], 1e-300)
    active = np.where(tested, n[:, 1:], 1.0)
    safe = np.where(np.isfinite(largest), largest, 0.0)[:, None]
    centre = safe * np.sqrt(1 + active / control)
    slope = np.sqrt(active / control)
    every = np.ones((len(largest), len(_NODES)))
    for a in np.flatnonzero(tested.any(axis=0)):
        below = ndtr(centre[:, a, None] + slope[:, a, None] * _NODES)
        every *= np.where(tested[:, a, None], below, 1.0)
    return np.asarray(((1.0 - every) * _WEIGHTS).sum(axis=1))


def stage_statistics(state: StagedState, sd: float | None = None) -> tuple[Floats, Floats, Bools]:
    """Return z of a stage's own participants (R, A − 1), their numbers (R, A), and who is tested.

    Without a known `sd` the stage's own pooled one is used, and t is turned into the normal score with
    the same p value.

    Parameters
    ----------
    state : StagedState
        After a stage.
    sd : float, optional
        Known SD of a normal outcome.

    Returns
    -------
    z : ndarray (R, A − 1)
        Against control, −∞ where an arm is not tested.
    n : ndarray (R, A)
        Participants of the stage.
    tested : ndarray of bool (R, A − 1)
        Open arms with participants beside controls.

    Examples
    --------
    >>> from trialsim.trial.interim.staged import StageAction, simulate_staged
    >>> seen = []
    >>> def watch(state):
    ...     seen.append(stage_statistics(state, sd=1.0)[1])
    ...     return StageAction(np.ones(len(state.n), np.int8))
    >>> _ = simulate_staged("normal", (0, 1), [[20, 30], [20, 30]], watch, 1, np.random.default_rng(1))
    >>> seen[0]
    array([[20., 30.]])
    """
    n = state.new_n.astype(np.float64)
    mean = state.new_total / np.maximum(n, 1)
    tested = state.open[:, 1:] & (n[:, 1:] > 0) & (n[:, :1] > 0)
    freedom = np.maximum(np.maximum(n - 1, 0).sum(axis=1), 1.0)
    if sd is None:
        squares = state.squares - (state.earlier[-1].squares if state.earlier else 0.0)
        within = np.maximum((squares - n * mean**2).sum(axis=1), 0.0)
        spread = np.sqrt(within / freedom)
    else:
        spread = np.full(len(n), sd)
    tested &= spread[:, None] > 0
    error = spread[:, None] * np.sqrt(1 / np.maximum(n[:, 1:], 1) + 1 / np.maximum(n[:, :1], 1))
    z = (mean[:, 1:] - mean[:, :1]) / np.where(tested, error, 1.0)
    if sd is None:
        z = normal_score(z, freedom[:, None])
    return np.where(tested, z, -np.inf), n, tested


def closed_rejections(states: Sequence[StagedState], test: ClosedTest, sd: float | None = None) -> Bools:
    """Return the arms claimed by the last of some states (R, A − 1); see `ClosedTest`.

    Parameters
    ----------
    states : sequence of StagedState
        The stages up to now, in order.
    test : ClosedTest
        Bounds, weights and intersection test.
    sd : float, optional
        Known SD of a normal outcome; the stage's own pooled one if not given.

    Returns
    -------
    ndarray of bool (R, A − 1)
        By active arm.

    Examples
    --------
    >>> from trialsim.trial.interim.staged import simulate_staged
    >>> seen, test = [], ClosedTest((2.5, 2.0), (0.5, 0.5))
    >>> def watch(state):
    ...     seen.append(closed_rejections([state], test, sd=1.0).shape)
    ...     return bounds_rule([9.0, 9.0])(state)
    >>> from trialsim.trial.interim.adaptive_rules import bounds_rule
    >>> plan = [[20, 20, 20], [20, 20, 20]]
    >>> _ = simulate_staged("normal", (0, 0, 1), plan, watch, 10, np.random.default_rng(1))
    >>> seen[0]
    (10, 2)
    """
    return np.asarray(test.rejected(*_by_stage(states, sd))[-1])


def _by_stage(states: Sequence[StagedState], sd: float | None) -> tuple[Floats, Floats, Bools]:
    z, n, tested = (np.stack(parts) for parts in zip(*(stage_statistics(s, sd) for s in states), strict=True))
    return z, n, tested


def closed_test_rule(
    test: ClosedTest,
    *,
    sd: float | None = None,
    keep: Callable[[StagedState, Floats], Bools] | None = None,
    futility: float = -np.inf,
    stop_at: Literal["any", "all"] = "any",
) -> Rule:
    """Return the rule of a multi-arm multi-stage trial with a closed combination test.

    Parameters
    ----------
    test : ClosedTest
        Bounds, weights and the intersection test.
    sd : float, optional
        Known standard deviation; each stage's pooled one unless given.
    keep : callable, optional
        From the state and the cumulative z (R, A − 1) to the active arms that go on, such as
        `keep_best(1)`; any rule keeps the error.
    futility : float
        An arm whose cumulative z is at or below it is dropped.
    stop_at : {"any", "all"}
        Whether the trial stops at the first claim, or goes on until every open arm is claimed.

    Returns
    -------
    callable
        A rule for `simulate_staged`.

    Raises
    ------
    DesignError
        Another word for `stop_at`, or fewer bounds than stages.

    Examples
    --------
    >>> from trialsim.trial.interim import keep_best
    >>> from trialsim.trial import simulate_staged
    >>> rule = closed_test_rule(ClosedTest((2.797, 1.977), (1, 1)), sd=1.0, keep=keep_best(1))
    >>> found = simulate_staged(
    ...     "normal", [0.0, 0.0, 0.4], [[60] * 3, [90] * 3], rule, 4000, np.random.default_rng(1)
    ... )
    >>> round(float((found.decision == 1).mean()), 1)
    0.9
    """
    if stop_at not in ("any", "all"):
        raise DesignError("must be 'any' or 'all'", field="stop_at", value=stop_at)

    def decide(state: StagedState) -> StageAction:
        if state.stage >= len(test.bounds):
            raise DesignError(
                "has fewer bounds than the trial has stages", field="bounds", value=len(test.bounds)
            )
        claims, possible = test.claims(*_by_stage((*state.earlier, state), sd))
        claimed = claims[-1]
        z = np.where(state.open[:, 1:], state.z(sd), -np.inf)
        going = state.open[:, 1:] & (z > futility) & ~claimed
        if keep is not None:
            going &= keep(state, z)
        # Where no open arm can be claimed any more, nobody is enrolled for nothing.
        going &= (going & possible).any(axis=1)[:, None]
        last = state.stage == len(test.bounds) - 1
        success = claimed.any(axis=1)
        if stop_at == "all" and not last:
            success &= ~going.any(axis=1)
        over = ~going.any(axis=1) & ~success & (not last)
        decision = np.where(success, 1, np.where(over, -1, 0)).astype(np.int8)
        return StageAction(decision, np.column_stack([np.ones(len(z), dtype=bool), going]))

    return decide
