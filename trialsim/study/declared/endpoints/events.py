"""Events over follow-up: their number, or when each of them came."""

from __future__ import annotations

import numpy as np

from trialsim.data import Bools, Floats, Ints
from trialsim.protocol.declared import CountOutcome, DeclaredTrial
from trialsim.registry import SeenRecurrences
from trialsim.study.declared.carried import Carried, Columns
from trialsim.study.declared.drawing.people import Drawing, People, Recurrences, leaving
from trialsim.study.declared.drawing.strata import Strata, log_ratios
from trialsim.study.declared.truths.laws import CountLaw
from trialsim.trial import SurvivalWorld, count_outcomes, recurrent_events
from trialsim.trial.register import Register


def outcome_of(trial: DeclaredTrial) -> CountOutcome:
    """Return the count of a trial."""
    assert isinstance(trial.outcome, CountOutcome)
    return trial.outcome


def draw_counts(drawing: Drawing) -> Floats:
    """Draw the number of events of each."""
    outcome, arm = outcome_of(drawing.trial), drawing.people.arm
    rate, dispersion = outcome.control
    follow_up, ratios = _follow_up(drawing), np.exp(log_ratios(drawing.trial))
    counts, nobody = np.zeros(arm.shape), np.zeros(arm.shape, dtype=np.int8)
    for a in range(len(drawing.trial.arms)):
        # A rate times a ratio over some months is the rate over that many times the months.
        exposure = follow_up * ratios[a, drawing.people.stratum]
        found = count_outcomes(nobody, [rate], exposure, dispersion, drawing.arm_chance(a))
        counts += np.where(arm == a, found, 0)
    return counts


def draw_recurrences(drawing: Drawing) -> Recurrences:
    """Draw when each event came, and the follow-up."""
    outcome, arm = outcome_of(drawing.trial), drawing.people.arm
    rate, dispersion = outcome.control
    follow_up, ratios = _follow_up(drawing), np.exp(log_ratios(drawing.trial))
    nobody = np.zeros(arm.shape, dtype=np.int8)
    events: list[tuple[Ints, Floats]] = []
    for a in range(len(drawing.trial.arms)):
        ratio = ratios[a, drawing.people.stratum]
        who, when = recurrent_events(nobody, [rate], follow_up * ratio, dispersion, drawing.arm_chance(a))
        keep = (arm == a).ravel()[who]
        events.append((who[keep], (when / ratio.ravel()[who])[keep]))
    return Recurrences(_padded(arm.shape, events), follow_up)


def recruit_recurrences(drawing: Drawing) -> Recurrences:
    """Return when the events of those who were recruited came in their own arm, as far as they stay."""
    follow_up, times, ends = _follow_up(drawing), drawing.in_own_arm, drawing.ends
    if ends is not None:
        follow_up = np.minimum(follow_up, ends)
    seen = np.where(times <= follow_up[..., None], times, np.nan)
    most = max(int(np.isfinite(seen).sum(axis=2).max(initial=0)), 1)
    return Recurrences(seen[..., :most], follow_up)


def _follow_up(drawing: Drawing) -> Floats:
    months = outcome_of(drawing.trial).months
    return np.minimum(months, leaving(drawing.trial, months, drawing.people.arm, drawing.chance))


def _padded(shape: tuple[int, int], drawn: list[tuple[Ints, Floats]]) -> Floats:
    """Return event times (R, N, E), NaN where a participant has fewer."""
    who = np.concatenate([one for one, _ in drawn])
    when = np.concatenate([times for _, times in drawn])
    order = np.lexsort((when, who))
    who, when = who[order], when[order]
    counts = np.bincount(who, minlength=shape[0] * shape[1])
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    out = np.full((shape[0] * shape[1], max(int(counts.max(initial=0)), 1)), np.nan)
    out[who, np.arange(len(who)) - first[who]] = when
    return out.reshape(*shape, -1)


def see_recurrences(
    trial: DeclaredTrial,
    people: People,
    outcomes: Recurrences,
    covariates: Floats | None,
    known: Bools | None,
) -> SeenRecurrences:
    """Return the events as an analysis sees them."""
    return SeenRecurrences(
        arm=people.arm,
        covariates=covariates,
        stratum=people.stratum,
        times=outcomes.times,
        follow_up=outcomes.follow_up,
    )


def columns_of_recurrences(trial: DeclaredTrial, outcomes: Recurrences) -> Columns:
    """Return the number of events and the follow-up of each."""
    return {"events": np.isfinite(outcomes.times).sum(axis=2), "months": outcomes.follow_up}


def law(trial: DeclaredTrial, world: SurvivalWorld | None) -> CountLaw:
    """Return the rates of both arms over the strata, relative to the control's own."""
    rates = (np.exp(log_ratios(trial)[:2]) * Strata.of(trial).shares).sum(axis=1)
    return CountLaw(float(rates[0]), float(rates[1]))


def counts_of_people(trial: DeclaredTrial, register: Register) -> CountLaw:
    """Return the events of a register's people over full follow-up."""
    return CountLaw(float(register.outcomes[0].sum()), float(register.outcomes[1].sum()))


def recurrences_of_people(trial: DeclaredTrial, register: Register) -> CountLaw:
    """Return the events of a register's people over full follow-up."""
    control, active = (float(np.isfinite(register.outcomes[a]).sum()) for a in (0, 1))
    return CountLaw(control, active)


COUNT = Carried(draw_counts, law, law_in_register=counts_of_people)
RECURRENT = Carried(
    draw_recurrences,
    law,
    recruit_recurrences,
    recurrences_of_people,
    see_recurrences,
    columns=columns_of_recurrences,
)
