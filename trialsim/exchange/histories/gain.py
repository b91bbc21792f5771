"""What a covariate of a history adds to the prognosis, out of sample."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.errors import HistoryError
from trialsim.exchange.histories.declaration import Outcome
from trialsim.prognosis.validation.gain import FEWEST_REPLICATES, Gain, gain_beyond_baseline
from trialsim.prognosis.validation.subgroups import SMALLEST_CELL
from trialsim.streams import stream

_MANY, _FEWER_REPLICATES = 5_000, 400
_NOTHING = 1e-9


def gain_of(history: pd.DataFrame, outcome: Outcome, name: str) -> Gain | None:
    """Return the gain of a covariate beyond the baseline value of the outcome, if it has one.

    Parameters
    ----------
    history : DataFrame
        As `build` made it.
    outcome : Outcome
        Its endpoint. Of a time to an event the martingale residual of nobody's covariates is predicted.
    name : str
        Column of the covariate.

    Returns
    -------
    Gain or None
        None where fewer than 11 participants have both, or one of them does not vary.

    Source: Therneau and Grambsch (2000), Modeling Survival Data, section 4.2, for martingale residuals.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> age = rng.normal(60, 8, 200)
    >>> rows = pd.DataFrame({"participant": range(200), "score": age + rng.normal(0, 8, 200), "age": age})
    >>> told = Outcome.model_validate({"name": "score", "from": "ADQS", "week": 12})
    >>> gain_of(rows, told, "age").gain_90[0] > 0.3
    True
    """
    people = history.drop_duplicates("participant").set_index("participant")
    covariate = people[name].to_numpy(dtype=np.float64)
    baseline = np.zeros(len(people))
    if outcome.weeks:
        baseline = _at(history, outcome, 0.0, people.index)
        last = _at(history, outcome, max(outcome.weeks), people.index)
    elif outcome.kind == "time_to_event":
        last = martingale_residuals(people["time"].to_numpy(float), people[outcome.name].to_numpy(float))
    else:
        last = people[outcome.name].to_numpy(dtype=np.float64)
    both = np.isfinite(last) & np.isfinite(baseline) & np.isfinite(covariate)
    if both.sum() < SMALLEST_CELL or np.ptp(covariate[both]) == 0 or np.ptp(last[both]) == 0:
        return None
    x = np.column_stack([np.ones(both.sum()), baseline[both]])
    left = last[both] - x @ np.linalg.lstsq(x, last[both])[0]
    if np.abs(left).max() <= _NOTHING * np.abs(last[both]).max():
        return None  # the baseline tells all, so that nothing is left to gain
    replicates = FEWEST_REPLICATES if both.sum() <= _MANY else _FEWER_REPLICATES

    def judged(score: Floats) -> Gain:
        generator = stream(0, "", 0, "bootstrap")
        return gain_beyond_baseline(last, baseline, score, generator=generator, replicates=replicates)

    try:
        found = judged(covariate)
        # A score that goes the wrong way has failed; a covariate may go either way.
        return found if found.partial_correlation >= 0 else judged(-covariate)
    except HistoryError:
        return None


def _at(history: pd.DataFrame, outcome: Outcome, week: float, people: pd.Index) -> Floats:
    rows = history[history["week"] == week].set_index("participant")[outcome.name]
    return rows.reindex(people).to_numpy(dtype=np.float64)


def martingale_residuals(time: Floats, event: Floats) -> Floats:
    """Return events less the Nelson-Aalen cumulative hazard at each time (n,).

    Examples
    --------
    >>> martingale_residuals(np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 1.0, 0.0, 0.0])).round(4).tolist()
    [0.75, 0.4167, -0.5833, -0.5833]
    """
    times = np.unique(time)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    events = np.bincount(np.searchsorted(times, time), weights=event, minlength=len(times))
    hazard = np.cumsum(events / at_risk)
    return event - hazard[np.searchsorted(times, time)]
