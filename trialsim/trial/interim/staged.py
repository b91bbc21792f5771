r"""Adaptive trials in stages: after each stage a rule says who goes on, who stops, and how many come next.

Outcomes are independent given the arm, so that counts, sums and sums of squares of each arm hold all that a
rule or a test can use; a stage of m normal outcomes is drawn through them exactly: :math:`\bar y \sim
N(\mu, \sigma^2/m)` and :math:`S \sim \sigma^2 \chi^2_{m-1}`, and binary outcomes as binomial. A trial
of any size costs the same few numbers.

Every adaptive design is a rule: multi-arm multi-stage dropping closes arms, sample-size re-estimation
changes what comes next, response-adaptive randomisation changes the allocation, and posterior or
predictive probabilities stop the trial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.trial.allocation.ratio import Labels


@dataclass(frozen=True)
class StagedState:
    """What is known after a stage.

    Parameters
    ----------
    stage : int
        From 0.
    n : ndarray of int (R, A)
        Participants of each arm so far; arm 0 is the control.
    total, squares : ndarray (R, A)
        Sum of outcomes, and of their squares.
    new_n : ndarray of int (R, A)
        Participants of this stage alone.
    new_total : ndarray (R, A)
        Sum of their outcomes.
    open : ndarray of bool (R, A)
        Arms that still recruit; the control always does.
    running : ndarray of bool (R,)
        Trials that have not stopped.
    earlier : tuple of StagedState
        After each stage before this one.
    """

    stage: int
    n: Ints
    total: Floats
    squares: Floats
    new_n: Ints
    new_total: Floats
    open: Bools
    running: Bools
    earlier: tuple[StagedState, ...] = ()

    @property
    def mean(self) -> Floats:
        """Mean of each arm (R, A); NaN without participants."""
        return np.where(self.n > 0, self.total / np.maximum(self.n, 1), np.nan)

    @property
    def pooled_variance(self) -> Floats:
        """Variance within arms (R,), pooled over all of them; NaN without a degree of freedom."""
        within = self.squares - self.total**2 / np.maximum(self.n, 1)
        freedom = (np.maximum(self.n - 1, 0)).sum(axis=1)
        return np.where(freedom > 0, within.sum(axis=1) / np.maximum(freedom, 1), np.nan)

    @property
    def blinded_variance(self) -> Floats:
        """One-sample variance (R,) of all outcomes, for which no arm need be known."""
        n, total = self.n.sum(axis=1), self.total.sum(axis=1)
        spread = self.squares.sum(axis=1) - total**2 / np.maximum(n, 1)
        return np.where(n > 1, spread / np.maximum(n - 1, 1), np.nan)

    def z(self, sd: float | None = None) -> Floats:
        """Return the statistic of each active arm against the control (R, A − 1).

        With `sd` the standard deviation is known; else it is the pooled one. NaN where an arm is empty.
        """
        variance = self.pooled_variance if sd is None else np.full(len(self.n), sd**2)
        scale = 1 / np.maximum(self.n[:, 1:], 1) + 1 / np.maximum(self.n[:, :1], 1)
        full = (self.n[:, 1:] > 0) & (self.n[:, :1] > 0) & (variance[:, None] > 0)
        error = np.sqrt(np.where(full, variance[:, None] * scale, 1.0))
        return np.where(full, (self.mean[:, 1:] - self.mean[:, :1]) / error, np.nan)


@dataclass(frozen=True)
class StageAction:
    """What a rule decides after a stage.

    Parameters
    ----------
    decision : ndarray of int8 (R,)
        1 stops for efficacy, −1 for futility, 0 goes on. At the last stage 0 ends without a claim.
    open : ndarray of bool (R, A), optional
        Arms that go on; an arm that was closed stays closed.
    next_n : ndarray of int (R, A), optional
        Participants of the next stage in each arm, instead of the planned ones.
    """

    decision: Labels
    open: Bools | None = None
    next_n: Ints | None = None


Rule = Callable[[StagedState], StageAction]


@dataclass(frozen=True)
class StagedTrials(InNotebook):
    """Adaptive trials, run to their end.

    Parameters
    ----------
    states : tuple of StagedState (K,)
        After each stage; a trial that has stopped keeps its numbers.
    stage : ndarray of int (R,)
        Last stage of each trial.
    decision : ndarray of int8 (R,)
        1, −1, or 0 without a claim.
    """

    states: tuple[StagedState, ...]
    stage: Ints
    decision: Labels

    @property
    def size(self) -> Ints:
        """Participants of each trial (R,)."""
        return np.asarray(self.states[-1].n.sum(axis=1))


def simulate_staged(
    endpoint: Literal["normal", "binary"],
    means: ArrayLike,
    stage_n: ArrayLike,
    rule: Rule,
    replicates: int,
    generator: np.random.Generator,
    *,
    sd: float = 1.0,
    largest: int = 1_000_000,
) -> StagedTrials:
    """Simulate adaptive trials.

    Parameters
    ----------
    endpoint : {"normal", "binary"}
        Kind of outcome.
    means : array (A,)
        True mean, or probability, of each arm; arm 0 is the control.
    stage_n : array of int (K, A)
        Planned participants of each stage in each arm.
    rule : callable
        From `StagedState` to `StageAction`; called after every stage, with all trials at once.
    replicates : int
        R.
    generator : numpy.random.Generator
        Stream ``outcome``. A rule that needs chance takes a stream of its own.
    sd : float
        Standard deviation of normal outcomes.
    largest : int
        Most participants in an arm and stage that a rule may ask for.

    Returns
    -------
    StagedTrials

    Raises
    ------
    DesignError
        Stages, means or what the rule asks for are out of range.

    Examples
    --------
    >>> def fixed(state):
    ...     return StageAction(np.where(state.z(1.0)[:, 0] >= 1.96, 1, 0).astype(np.int8))
    >>> found = simulate_staged("normal", [0.0, 0.5], [[85, 85]], fixed, 2000, np.random.default_rng(1))
    >>> round(float((found.decision == 1).mean()), 2)
    0.9
    """
    mu, plan = check_stages(endpoint, means, stage_n, sd, replicates)
    arms = len(mu)
    n, total, squares = (np.zeros((replicates, arms)) for _ in range(3))
    is_open = np.ones((replicates, arms), dtype=bool)
    running = np.ones(replicates, dtype=bool)
    last = np.full(replicates, len(plan) - 1)
    decision = np.zeros(replicates, dtype=np.int8)
    states: list[StagedState] = []
    upcoming = np.broadcast_to(plan[0], (replicates, arms))
    for k in range(len(plan)):
        m = np.where(is_open & running[:, None], upcoming, 0)
        total_k, squares_k = _draw(endpoint, mu, sd, m, generator)
        n, total, squares = n + m, total + total_k, squares + squares_k
        state = StagedState(
            k, n.astype(np.int64), total, squares, m.astype(np.int64), total_k, is_open.copy(),
            running.copy(), tuple(states),
        )  # fmt: skip
        states.append(state)
        action = rule(state)
        made = np.where(running, checked_decision(action, replicates), 0)
        decision = np.where(made != 0, made, decision).astype(np.int8)
        last = np.where(made != 0, k, last)
        running = running & (made == 0)
        if k + 1 < len(plan):
            is_open = np.where(running[:, None], still_open(is_open, action), is_open)
            upcoming = asked_participants(action, plan[k + 1], (replicates, arms), largest)
    return StagedTrials(tuple(states), last, decision)


def check_stages(
    endpoint: str, means: ArrayLike, stage_n: ArrayLike, sd: float, replicates: int
) -> tuple[Floats, Ints]:
    """Return means (A,) and planned participants (K, A) as arrays, or refuse them.

    Parameters
    ----------
    endpoint : {"normal", "binary"}
        Kind of outcome.
    means : array (A,)
        True mean or response probability of each arm, control first.
    stage_n : array of int (K, A)
        Planned participants of each stage and arm.
    sd : float
        Of a normal outcome, above 0.
    replicates : int
        R, at least 1.

    Returns
    -------
    means, stage_n : ndarray
        As arrays of float (A,) and int (K, A).

    Raises
    ------
    DesignError
        Another endpoint, or numbers that no staged trial has.

    Examples
    --------
    >>> check_stages("normal", [0, 1], [[10, 10], [20, 20]], 1.0, 100)[1].tolist()
    [[10, 10], [20, 20]]
    """
    mu, plan = np.asarray(means, dtype=np.float64), np.asarray(stage_n)
    if endpoint not in ("normal", "binary"):
        raise DesignError("must be 'normal' or 'binary'", field="endpoint", value=endpoint)
    if mu.ndim != 1 or len(mu) < 2 or not np.isfinite(mu).all():
        raise DesignError(
            "must be finite, one for each of at least two arms", field="means", value=mu.tolist()
        )
    if endpoint == "binary" and not ((mu >= 0) & (mu <= 1)).all():
        raise DesignError("must be probabilities", field="means", value=mu.tolist())
    if plan.ndim != 2 or plan.shape[1] != len(mu) or not len(plan) or plan.dtype.kind not in "iu":
        raise DesignError(
            f"must hold whole numbers, one row a stage and {len(mu)} arms", field="stage_n", value=plan.shape
        )
    if (plan < 0).any() or (plan.sum(axis=1) == 0).any() or (plan[0] == 0).any():
        raise DesignError(
            "must be at least 0, with someone in every stage and in every arm of the first",
            field="stage_n",
            value=plan.tolist(),
        )
    if not (np.isfinite(sd) and sd > 0):
        raise DesignError("must be finite and above 0", field="sd", value=sd)
    if replicates < 1:
        raise DesignError("must be at least 1", field="replicates", value=replicates)
    return mu, plan


def _draw(
    endpoint: str, mu: Floats, sd: float, m: Ints, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return sums and sums of squares of m new outcomes in each arm (R, A)."""
    if endpoint == "binary":
        successes = generator.binomial(m, mu).astype(np.float64)
        return successes, successes
    size = np.maximum(m, 1)
    mean = mu + sd * generator.standard_normal(m.shape) / np.sqrt(size)
    within = np.where(m > 1, 2 * generator.standard_gamma(np.maximum(m - 1, 1) / 2), 0.0)
    filled = m > 0
    total = np.where(filled, m * mean, 0.0)
    return total, np.where(filled, m * mean**2 + sd**2 * within, 0.0)


def checked_decision(action: StageAction, replicates: int) -> Labels:
    """Return what a rule decided (R,), or refuse it."""
    decision = np.asarray(action.decision)
    if decision.shape != (replicates,) or not np.isin(decision, (-1, 0, 1)).all():
        raise DesignError("must be -1, 0 or 1 for every trial", field="rule.decision", value=decision.shape)
    return decision.astype(np.int8)


def still_open(is_open: Bools, action: StageAction) -> Bools:
    """Return the arms that go on (R, A): the control always, a closed arm never."""
    if action.open is None:
        return is_open
    if np.shape(action.open) != is_open.shape:
        raise DesignError("must have the axes trial and arm", field="rule.open", value=np.shape(action.open))
    kept = is_open & action.open
    kept[:, 0] = True
    return kept


def asked_participants(action: StageAction, planned: Ints, shape: tuple[int, int], largest: int) -> Ints:
    """Return the participants of the next stage (R, A): as the rule asks, else as planned."""
    if action.next_n is None:
        return np.broadcast_to(planned, shape)
    asked = np.asarray(action.next_n)
    if asked.shape != shape or asked.dtype.kind not in "iu":
        raise DesignError(
            f"must hold whole numbers of the shape {shape}", field="rule.next_n", value=asked.shape
        )
    if (asked < 0).any() or (asked > largest).any():
        raise DesignError(
            f"must lie between 0 and {largest}",
            field="rule.next_n",
            value=(int(asked.min()), int(asked.max())),
        )
    return asked
