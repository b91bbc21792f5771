r"""Adaptive trials whose outcomes come months after entry: enrolment goes on while a look waits for them.

A look sees the outcomes that are there: entry + delay no later than its month. Those who have entered and
are not seen are the *pipeline*: they keep the arm that was allocated to them under the plan in force,
they count towards the next stage, and their outcomes come in even if the trial has stopped.

With a delay of 0 and `wait` = "seen", trials have the law of `simulate_staged`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Floats, Ints
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.trial.allocation.ratio import Labels
from trialsim.trial.interim.staged import (
    Rule,
    StageAction,
    StagedState,
    asked_participants,
    check_stages,
    checked_decision,
    still_open,
)

Wait = Literal["seen", "entered"]


@dataclass(frozen=True)
class DelayedTrials(InNotebook):
    """Adaptive trials with delayed outcomes, run to their end.

    Parameters
    ----------
    states : tuple of StagedState (K,)
        What each look saw; after a trial has stopped, what its last look saw.
    final : StagedState
        With the outcomes of the pipeline.
    stage : ndarray of int (R,)
        Last look of each trial.
    decision : ndarray of int8 (R,)
        What it decided: 1, −1, or 0 without a claim.
    month : ndarray (R, K)
        Calendar month of each look; that of the last look after a trial has stopped.
    entered : ndarray of int (R, K)
        Participants who had entered by then.
    end : ndarray (R,)
        Month at which the last outcome is there.
    """

    states: tuple[StagedState, ...]
    final: StagedState
    stage: Ints
    decision: Labels
    month: Floats
    entered: Ints
    end: Floats

    @property
    def size(self) -> Ints:
        """Participants of each trial (R,), the pipeline included."""
        return np.asarray(self.final.n.sum(axis=1))

    @property
    def pipeline(self) -> Ints:
        """Participants (R,) who had entered and were not seen when the trial stopped."""
        return np.asarray(self.size - self.states[-1].n.sum(axis=1))


def simulate_delayed(
    endpoint: Literal["normal", "binary"],
    means: ArrayLike,
    stage_n: ArrayLike,
    rule: Rule,
    entry: Floats,
    delay: float,
    outcome: np.random.Generator,
    randomisation: np.random.Generator,
    *,
    sd: float = 1.0,
    wait: Wait = "seen",
) -> DelayedTrials:
    """Simulate adaptive trials with outcomes that come `delay` months after entry.

    Parameters
    ----------
    endpoint, means, stage_n, rule, sd
        As for `simulate_staged`. What a rule asks for as `next_n` includes the pipeline: whoever has
        entered already is not asked for again.
    entry : ndarray (R, N)
        Months in which participants can enter, ascending; N is the most that a trial can enrol.
    delay : float
        Months from entry to the outcome, at least 0.
    outcome, randomisation : numpy.random.Generator
        Streams of those names. Arms are shuffled within stages.
    wait : {"seen", "entered"}
        A look falls when the last participant of its stage is seen, or when that participant enters
        and whatever is seen by then is used, as response-adaptive allocation does. The last look
        always waits until everybody is seen.

    Returns
    -------
    DelayedTrials

    Raises
    ------
    DesignError
        What `simulate_staged` refuses, a delay below 0, entries that do not ascend, or more
        participants than can enter.

    Examples
    --------
    >>> from trialsim.trial import bounds_rule
    >>> entry = np.broadcast_to(np.arange(1.0, 201.0) / 10, (1000, 200))
    >>> chance = np.random.default_rng(1), np.random.default_rng(2)
    >>> rule = bounds_rule([2.0, 2.0], sd=1.0)
    >>> found = simulate_delayed("normal", [0.0, 0.5], [[50, 50], [50, 50]], rule, entry, 6.0, *chance)
    >>> early = found.stage == 0
    >>> found.pipeline[early].min(), found.size[early].max(), found.end[early].max().round(1)
    (np.int64(60), np.int64(160), np.float64(22.0))
    """
    arrivals, replicates = _checked_entry(entry, delay, wait)
    mu, plan = check_stages(endpoint, means, stage_n, sd, replicates)
    arms, stages = len(mu), len(plan)
    draws = _draws(endpoint, arrivals.shape, outcome)
    labels, enrolled = _sequence(plan, np.ones((replicates, arms), bool), arrivals.shape[1], randomisation)
    seen_at = arrivals + delay
    stage_end = np.full(replicates, int(plan[0].sum()))
    is_open, running = np.ones((replicates, arms), bool), np.ones(replicates, bool)
    last, decision = np.full(replicates, stages - 1), np.zeros(replicates, np.int8)
    month, entered = np.zeros((replicates, stages)), np.zeros((replicates, stages), np.int64)
    states: list[StagedState] = []
    position = np.arange(arrivals.shape[1])
    for k in range(stages):
        clock = seen_at if wait == "seen" or k == stages - 1 else arrivals
        due = np.take_along_axis(clock, stage_end[:, None] - 1, axis=1)[:, 0]
        month[:, k] = np.where(running, due, month[:, k - 1])
        came = np.minimum((arrivals <= month[:, k, None]).sum(axis=1), enrolled)
        entered[:, k] = np.where(running, came, entered[:, k - 1])
        there = (position < entered[:, k, None]) & (seen_at <= month[:, k, None])
        state = _state(k, endpoint, mu, sd, labels, draws, there, is_open, running, states)
        states.append(state)
        action = rule(state)
        made = np.where(running, checked_decision(action, replicates), 0)
        decision = np.where(made != 0, made, decision).astype(np.int8)
        last = np.where(made != 0, k, last)
        running = running & (made == 0)
        if k + 1 < stages:
            is_open = np.where(running[:, None], still_open(is_open, action), is_open)
            labels, enrolled, stage_end = _next_stage(
                k, action, plan, is_open, running, labels, enrolled, stage_end, entered[:, k], randomisation,
                later=wait == "seen",
            )  # fmt: skip
    everybody = position < entered[:, -1, None]
    final = _state(stages - 1, endpoint, mu, sd, labels, draws, everybody, is_open, running, states)
    end = np.take_along_axis(seen_at, entered[:, -1:] - 1, axis=1)[:, 0]
    return DelayedTrials(tuple(states), final, last, decision, month, entered, np.maximum(end, month[:, -1]))


def _checked_entry(entry: Floats, delay: float, wait: str) -> tuple[Floats, int]:
    arrivals = np.asarray(entry, dtype=np.float64)
    if arrivals.ndim != 2 or not arrivals.size or np.isnan(arrivals).any():
        raise DesignError("must have the axes trial and participant", field="entry", value=arrivals.shape)
    if (np.diff(arrivals, axis=1) < 0).any():
        raise DesignError("must ascend within a trial", field="entry")
    if not (np.isfinite(delay) and delay >= 0):
        raise DesignError("must be finite and at least 0", field="delay", value=delay)
    if wait not in ("seen", "entered"):
        raise DesignError("must be 'seen' or 'entered'", field="wait", value=wait)
    return arrivals, len(arrivals)


def _draws(endpoint: str, shape: tuple[int, ...], generator: np.random.Generator) -> Floats:
    return generator.random(shape) if endpoint == "binary" else generator.standard_normal(shape)


def _state(
    stage: int,
    endpoint: str,
    mu: Floats,
    sd: float,
    labels: Labels,
    draws: Floats,
    there: np.ndarray,
    is_open: np.ndarray,
    running: np.ndarray,
    earlier: list[StagedState],
) -> StagedState:
    """Return counts and sums of those whose outcome is there."""
    n, total, squares = (np.zeros((len(labels), len(mu))) for _ in range(3))
    for a, mean in enumerate(mu):
        mine = there & (labels == a)
        value = (draws < mean).astype(np.float64) if endpoint == "binary" else mean + sd * draws
        kept = np.where(mine, value, 0.0)
        n[:, a], total[:, a], squares[:, a] = mine.sum(axis=1), kept.sum(axis=1), (kept**2).sum(axis=1)
    before_n, before = (earlier[-1].n, earlier[-1].total) if earlier else (0, 0.0)
    counts = n.astype(np.int64)
    return StagedState(
        stage, counts, total, squares, counts - before_n, total - before, is_open.copy(), running.copy(),
        tuple(earlier),
    )  # fmt: skip


def _sequence(
    counts: Ints, is_open: np.ndarray, width: int, generator: np.random.Generator
) -> tuple[Labels, Ints]:
    """Return arms (R, N) of stages one after the other, shuffled within each, and how many there are.

    `counts` are participants of each stage and arm (S, A), or of each trial besides (S, R, A).
    """
    replicates = len(is_open)
    per_stage = np.broadcast_to(
        counts[:, None, :] if counts.ndim == 2 else counts, (len(counts), *is_open.shape)
    )
    labels = np.full((replicates, width), -1, np.int8)
    start = np.zeros(replicates, np.int64)
    for stage in per_stage:
        wanted = np.where(is_open, stage, 0)
        ends = np.cumsum(wanted, axis=1)
        most = int(ends[:, -1].max())
        if most == 0:
            continue
        if int((start + ends[:, -1]).max()) > width:
            raise _too_many(width, int((start + ends[:, -1]).max()))
        order = np.arange(most)
        keys = np.where(order < ends[:, -1:], generator.random((replicates, most)), 2.0)
        ranked = np.argsort(np.argsort(keys, axis=1), axis=1)
        arm = (ranked[:, :, None] >= ends[:, None, :]).sum(axis=2)
        where = start[:, None] + order
        rows, columns = np.nonzero(order < ends[:, -1:])
        labels[rows, where[rows, columns]] = arm[rows, columns]
        start += ends[:, -1]
    return labels, start


def _next_stage(
    k: int,
    action: StageAction,
    plan: Ints,
    is_open: np.ndarray,
    running: np.ndarray,
    labels: Labels,
    enrolled: Ints,
    stage_end: Ints,
    entered: Ints,
    generator: np.random.Generator,
    *,
    later: bool,
) -> tuple[Labels, Ints, Ints]:
    """Return the arms of those still to come, how many there may be, and where the next stage ends."""
    replicates, arms = is_open.shape
    width = labels.shape[1]
    asked = np.where(is_open, asked_participants(action, plan[k + 1], (replicates, arms), width), 0)
    position = np.arange(width)
    piped = (position >= stage_end[:, None]) & (position < entered[:, None])
    already = np.stack([(piped & (labels == a)).sum(axis=1) for a in range(arms)], axis=1)
    going = running[:, None]
    stages = [np.where(going, asked, 0)]
    if later:
        stages += [np.where(going & is_open, stage, 0) for stage in plan[k + 2 :]]
    rest = np.stack(stages)
    for stage in rest:  # A long pipeline may reach into several stages.
        used = np.minimum(already, stage)
        stage -= used
        already = already - used
    coming, count = _sequence(rest, is_open, width, generator)
    if int(np.where(running, entered + count, 0).max(initial=0)) > width:
        raise _too_many(width, int((entered + count).max()))
    offset = np.clip(position - entered[:, None], 0, width - 1)
    ahead = (position >= entered[:, None]) & going
    relabelled = np.where(ahead, np.take_along_axis(coming, offset, axis=1), labels)
    end = entered + rest[0].sum(axis=1)
    if k + 2 < len(plan):
        end = np.where(rest[0].any(axis=1), end, np.minimum(entered, stage_end + asked.sum(axis=1)))
    return (
        relabelled,
        np.where(running, entered + count, enrolled),
        np.where(running, end, stage_end),
    )


def _too_many(width: int, wanted: int) -> DesignError:
    return DesignError(
        f"cannot be enrolled: {width} can enter",
        field="entry",
        value=wanted,
        mend="let more participants enter, or lower the most that a rule may ask for",
    )
