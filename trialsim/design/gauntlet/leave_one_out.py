"""Leave one trial out: its control arm plays both arms of a trial, and borrows from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from trialsim.data import Floats
from trialsim.design.gauntlet.control_arm import ControlArm
from trialsim.design.gauntlet.result import Gauntlet
from trialsim.design.gauntlet.ways import WAYS, Past, Splits, weighed
from trialsim.errors import DesignError
from trialsim.progress import Progress, counted, silent
from trialsim.streams import stream

FEWEST_TRIALS, FEWEST_EVENTS = 3, 20


@dataclass(frozen=True)
class GauntletRules:
    """How the trials without effect are made and read.

    Parameters
    ----------
    alpha : float
        One-sided level: benefit is claimed where its posterior probability exceeds 1 − alpha. In (0, 0.5).
    cap : float
        The most false claims that keep the gate open, times `alpha`; at least 1.
    controls : float
        Share of a left-out arm that stays control, the others play the treated arm. In (0, 1).
    splits : int
        Random splits of each arm.
    seed : int
        Of the splits.

    Raises
    ------
    DesignError
        A number out of range.

    Examples
    --------
    >>> round(GauntletRules().most_claims, 4)
    0.0375
    """

    alpha: float = 0.025
    cap: float = 1.5
    controls: float = 1 / 3
    splits: int = 400
    seed: int = 20261201

    def __post_init__(self) -> None:
        for name, holds, words in (
            ("alpha", 0 < self.alpha < 0.5, "must be between 0 and 0.5"),
            ("cap", 1 <= self.cap < np.inf, "must be at least 1, times the level"),
            ("controls", 0 < self.controls < 1, "must be between 0 and 1, both excluded"),
            ("splits", 20 <= self.splits <= 100_000, "must be between 20 and 100,000"),
            ("seed", self.seed >= 0, "must be at least 0"),
        ):
            if not holds:
                raise DesignError(words, field=name, value=getattr(self, name))

    @property
    def most_claims(self) -> float:
        """Rate of false claims beyond which the gate is shut."""
        return self.cap * self.alpha


def run_gauntlet(
    arms: Sequence[ControlArm],
    rules: GauntletRules | None = None,
    *,
    left_out: pd.DataFrame | None = None,
    progress: Progress = silent,
) -> Gauntlet:
    """Read trials without effect, made of each past control arm, by every way to borrow from the others.

    A left-out control arm is cut at random into a treated part and controls, so that the truth is no effect
    whatever its hazard is. The controls borrow from the control arms of the other trials of its group. Whose
    claims of benefit are more than the cap has its gate shut. Hazards are constant: ln λ̂ = ln(events /
    person-time).

    Parameters
    ----------
    arms : sequence of ControlArm
        One arm a trial and group.
    rules : GauntletRules, optional
    left_out : DataFrame, optional
        figure, group and why of what was left out before; the result lists it too.
    progress : callable
        Told of each arm.

    Returns
    -------
    Gauntlet

    Raises
    ------
    DesignError
        One trial has two arms in a group, or no group has three trials with 20 events each.

    Source: the design of Viele and others (2014) for test-then-pool, with real drift in the place of an
    assumed one.

    Examples
    --------
    >>> from trialsim.streams import stream
    >>> chance = stream(1, "", 0, "outcome")
    >>> arms = [ControlArm(name, "OS", chance.exponential(10.0, 90), np.ones(90, bool)) for name in "ABCD"]
    >>> found = run_gauntlet(arms, GauntletRules(splits=50))
    >>> len(found.arms), found.groups["trials"].tolist()
    (4, [4])
    """
    rules = GauntletRules() if rules is None else rules
    kept, unusable = _usable(arms)
    without = unusable if left_out is None else pd.concat([left_out, unusable], ignore_index=True)
    rows, alone = [], []
    for arm in counted(kept, "arms left out", progress):
        others = [one for one in kept if one.group == arm.group and one.trial != arm.trial]
        past = Past(
            np.array([one.events for one in others], dtype=np.float64),
            np.array([one.person_time for one in others]),
        )
        rows.extend(_split_claims(arm, past, rules))
        alone.append(_alone(arm, past, rules))
    return Gauntlet.of(pd.DataFrame(rows), pd.DataFrame(alone), without, rules.most_claims, rules.splits)


def _usable(arms: Sequence[ControlArm]) -> tuple[list[ControlArm], pd.DataFrame]:
    """Return the arms that can be left out in turn, by group, and the others with why not."""
    known = [(arm.group, arm.trial) for arm in arms]
    twice = sorted({one for one in known if known.count(one) > 1})
    if twice:
        raise DesignError(
            f"has two control arms in the group {twice[0][0]}", field="trial", value=twice[0][1],
            mend="give one control arm of a trial: people of one trial do not predict each other",
        )  # fmt: skip
    why = {id(arm): f"fewer than {FEWEST_EVENTS} events" for arm in arms if arm.events < FEWEST_EVENTS}
    ordered = sorted(arms, key=lambda arm: (arm.group, arm.trial))
    for _, members in groupby([arm for arm in ordered if id(arm) not in why], key=lambda arm: arm.group):
        together = list(members)
        if len(together) < FEWEST_TRIALS:
            why |= {id(arm): f"fewer than {FEWEST_TRIALS} trials in its group" for arm in together}
    kept = [arm for arm in ordered if id(arm) not in why]
    if not kept:
        raise DesignError(
            f"no group has {FEWEST_TRIALS} trials with {FEWEST_EVENTS} events in each control arm",
            mend="add trials, or group them by fewer columns",
        )
    left_out = [
        {"figure": arm.trial, "group": arm.group, "why": why[id(arm)]} for arm in ordered if id(arm) in why
    ]
    return kept, pd.DataFrame(left_out, columns=["figure", "group", "why"])


def split_arm(arm: ControlArm, rules: GauntletRules) -> Splits:
    """Return random splits of an arm; those in which a part has no event are left out."""
    chance = stream(rules.seed, f"{arm.group}/{arm.trial}", 0, "randomisation")
    stay = min(max(round(rules.controls * arm.participants), 1), arm.participants - 1)
    order = chance.random((rules.splits, arm.participants)).argpartition(stay - 1, axis=1)[:, :stay]
    events = arm.event[order].sum(axis=1).astype(np.float64)
    time = arm.time[order].sum(axis=1)
    others = arm.events - events, arm.person_time - time
    readable = (events >= 1) & (others[0] >= 1) & (time > 0) & (others[1] > 0)
    return Splits(events[readable], time[readable], others[0][readable], others[1][readable])


def _split_claims(arm: ControlArm, past: Past, rules: GauntletRules) -> list[dict[str, object]]:
    """Return one row a way: how often it claims a benefit that is not there, and what it is worth."""
    splits = split_arm(arm, rules)
    read = len(splits.control_events)
    if read == 0:
        raise DesignError(
            "has no split with an event in either part", field="trial", value=arm.trial,
            mend="give arms with more events, or a share of controls nearer to a half",
        )  # fmt: skip
    own = weighed(past, splits, 0.0).variance.mean()
    controls = round(rules.controls * arm.participants)
    rows: list[dict[str, object]] = []
    for way in WAYS:
        found = way.read(past, splits)
        rows.append(
            {
                "group": arm.group, "trial": arm.trial, "borrowing": way.name, "setting": way.setting,
                "false_claims": float((found.benefit > 1 - rules.alpha).mean()), "splits": read,
                "gained": controls * (float(own / found.variance.mean()) - 1),
                "gained_share": float(own / found.variance.mean()) - 1,
            }
        )  # fmt: skip
    return rows


def _alone(arm: ControlArm, past: Past, rules: GauntletRules) -> dict[str, object]:
    """Return how the arm as a whole is predicted, and read against outside controls alone."""
    y, se = arm.log_hazard, arm.events**-0.5
    prior = past.predictive()
    spread = np.hypot(prior.s, se)
    place = float(prior.weights @ ndtr((y - prior.m) / spread))
    others: Floats = np.log(past.events / past.time)
    pairs = (others - y) / np.hypot(past.events**-0.5, se) > -ndtri(rules.alpha)
    d, t = past.pooled
    return {
        "group": arm.group, "trial": arm.trial, "participants": arm.participants, "events": arm.events,
        "person_time": arm.person_time, "log_hazard": y, "standard_error": se, "predicted": prior.mean(),
        "predicted_sd": prior.sd(), "inside_95": 0.025 < place < 0.975,
        "one past trial": float(pairs.mean()),
        "all past trials pooled": float((np.log(d / t) - y) / np.hypot(d**-0.5, se) > -ndtri(rules.alpha)),
        "their prediction (map)": float(1 - place > 1 - rules.alpha),
    }  # fmt: skip
