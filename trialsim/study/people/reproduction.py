"""Whether a register has the means, SDs and rates of the history that its twins learn from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialsim.data import Floats, History, OutcomeHistory
from trialsim.errors import require_kind
from trialsim.protocol.declared import DeclaredTrial, TimeToEventOutcome
from trialsim.protocol.outcome_table import WEEKS_IN
from trialsim.study.people.history import months_of
from trialsim.study.people.learning import ModelledHistory
from trialsim.study.people.placebo_people import placebo_people
from trialsim.trial.register import Register

_Z = 1.96


def reproduction(trial: DeclaredTrial, learnt: ModelledHistory, register: Register) -> pd.DataFrame:
    """Return moments of the control outcome in the history's eligible participants and in the register.

    Parameters
    ----------
    trial : DeclaredTrial
        Of a world without drift: a drift moves the register away on purpose.
    learnt : ModelledHistory
        With the history.
    register : Register
        Of the people of the history, or of a card and a disease model beside it.

    Returns
    -------
    DataFrame
        One row a moment: ``history`` and its standard error, ``register``, and whether they ``agree`` within
        1.96 of that. The register is what sizes are computed from, the history what they should be true to.
        Of visits it is of those observed: dropout that depends on the outcome parts the two rightly. Beside
        the people of a card all participants of the history count, since its criteria may be of covariates
        that the history has not.
    """
    history = learnt.history
    if trial.population is not None and trial.population.kind == "history":
        history = history.take(placebo_people(trial, history).rows)
    control = register.outcomes[0]
    rows = _visits(history, control) if isinstance(history, History) else _outcomes(trial, history, control)
    table = pd.DataFrame(rows, columns=["moment", "history", "standard_error", "register"])
    table["agree"] = (table["history"] - table["register"]).abs() <= _Z * table["standard_error"]
    return table.set_index("moment")


Row = tuple[str, float, float, float]


def _visits(history: History, control: Floats) -> list[Row]:
    rows: list[Row] = []
    for visit, week in enumerate(history.weeks):
        change = history.outcomes[:, visit] - history.baseline
        seen, drawn = change[np.isfinite(change)], control[:, 1 + visit] - control[:, 0]
        rows += [
            (f"mean change, week {week:g}", *_mean(seen), float(drawn.mean())),
            (f"SD of change, week {week:g}", *_sd(seen), float(drawn.std(ddof=1))),
        ]
    return rows


def _outcomes(trial: DeclaredTrial, history: OutcomeHistory, control: Floats) -> list[Row]:
    kind, outcome = trial.outcome.kind, history.outcome
    months = history.time / WEEKS_IN["months"]
    if kind == "response":
        return [("share of responses", *_mean(outcome), float(control.mean()))]
    if kind == "level":
        own = [
            (f"share at level {name}", *_mean((outcome == k) * 1.0), float((control == k).mean()))
            for k, name in enumerate(history.levels)
        ]
        return [*own, ("SD of positions", *_sd(outcome), float(control.std(ddof=1)))]
    if kind in ("count", "recurrent"):
        followed = months_of(trial)
        events = np.isfinite(control).sum(axis=1) if kind == "recurrent" else control[:, 0]
        rate = outcome.sum() / months.sum()
        error = float(np.sqrt(((outcome - rate * months) ** 2).sum()) / months.sum())
        return [("events a month", float(rate), error, float(events.mean() / followed))]
    require_kind("outcome", trial.outcome, TimeToEventOutcome)
    return [
        (
            f"share with an event by month {at:.1f}",
            *_event_free(months, outcome, at),
            float((control <= at).mean()),
        )
        for at in np.quantile(months, (0.25, 0.5, 0.75))
    ]


def _mean(values: Floats) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _sd(values: Floats) -> tuple[float, float]:
    """Return an SD and its standard error, by the fourth moment."""
    sd, n = float(values.std(ddof=1)), len(values)
    fourth = float(((values - values.mean()) ** 4).mean())
    return sd, float(np.sqrt(max(fourth - sd**4, 0.0) / n) / (2 * sd)) if sd > 0 else 0.0


def _event_free(time: Floats, event: Floats, at: float) -> tuple[float, float]:
    """Return the Kaplan-Meier share with an event by a time, and Greenwood's standard error."""
    times = np.unique(time[(event > 0) & (time <= at)])
    left, variance = 1.0, 0.0
    for one in times:
        risk, events = float((time >= one).sum()), float(((time == one) & (event > 0)).sum())
        left *= 1 - events / risk
        variance += events / (risk * max(risk - events, 1e-9))
    return 1 - left, float(left * np.sqrt(variance))
