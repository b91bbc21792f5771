"""What placebo twins say of example participants, and what such people then have on placebo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.protocol.declared import DeclaredTrial
from trialsim.trial.register import Register

# Whom the report shows: from those with a low score to those with a high one.
PERCENTILES = (5, 25, 50, 75, 95)
FAN = (0.05, 0.25, 0.5, 0.75, 0.95)
# People with nearly the same score: enough for a 5th percentile, and few enough to be alike.
_NEAREST = 0.02
_MONTHS = 41


def twin_fans(trial: DeclaredTrial, register: Register) -> pd.DataFrame:
    """Return the distribution on placebo of people with nearly the same prognostic score.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved: of one scenario.
    register : Register
        Its people, with scores.

    Returns
    -------
    DataFrame
        One row a ``percentile`` of the score and place ``at``. Of a score at visits: week, and the 5th to
        95th percentile of the change from baseline on placebo (``q05`` … ``q95``). Of a time to an event:
        month, and ``value`` the share free of it. Of a response, level or count: ``value`` the mean, with the
        same percentiles for a count. The 2 % of the register with the nearest score stand for each
        participant, so that no person's own values are shown. Empty without scores.
    """
    if not register.scores.shape[1]:
        return pd.DataFrame()
    order = np.argsort(register.scores[:, -1], kind="stable")
    half = max(int(len(order) * _NEAREST / 2), 1)
    rows: list[dict[str, float]] = []
    for percentile in PERCENTILES:
        middle = round((len(order) - 1) * percentile / 100)
        first = min(max(middle - half, 0), len(order) - 2 * half)
        own = register.outcomes[0][order[first : first + 2 * half]]
        rows += [{"percentile": float(percentile)} | row for row in _FANS[trial.outcome.kind](trial, own)]
    return pd.DataFrame(rows)


def _changes(trial: DeclaredTrial, own: Floats) -> list[dict[str, float]]:
    change = own[:, 1:] - own[:, :1]
    weeks: tuple[float, ...] = getattr(trial.outcome, "weeks")  # noqa: B009 - of a score alone
    return [
        {"at": float(week), "value": float(np.mean(one))} | _quantiles(one)
        for week, one in zip(weeks, change.T, strict=True)
    ]


def _free_of_event(trial: DeclaredTrial, own: Floats) -> list[dict[str, float]]:
    times = own[:, 0]
    known = times[np.isfinite(times)]
    last = float(np.quantile(known, 0.9)) if len(known) else 1.0
    grid = np.linspace(0.0, last, _MONTHS)
    return [{"at": float(month), "value": float((times > month).mean())} for month in grid]


def _mean(trial: DeclaredTrial, own: Floats) -> list[dict[str, float]]:
    return [{"at": 0.0, "value": float(own[:, 0].mean())}]


def _count(trial: DeclaredTrial, own: Floats) -> list[dict[str, float]]:
    return [{"at": 0.0, "value": float(own[:, 0].mean())} | _quantiles(own[:, 0])]


def _events(trial: DeclaredTrial, own: Floats) -> list[dict[str, float]]:
    return _count(trial, np.isfinite(own).sum(axis=1, keepdims=True).astype(np.float64))


def _quantiles(values: Floats) -> dict[str, float]:
    found = np.quantile(values, FAN)
    return {f"q{round(100 * level):02d}": float(one) for level, one in zip(FAN, found, strict=True)}


# From outcomes (M, K) on placebo of people with one score to rows.
_FANS: dict[str, Callable[[DeclaredTrial, Floats], list[dict[str, float]]]] = {
    "score": _changes,
    "time_to_event": _free_of_event,
    "response": _mean,
    "level": _mean,
    "count": _count,
    "recurrent": _events,
}
