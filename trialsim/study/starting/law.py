"""The marginal law of the outcome in a file without baseline covariates, from which no twin can be learnt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.errors import HistoryError
from trialsim.missing_codes import blanked
from trialsim.protocol.outcome_table import WEEKS_IN
from trialsim.study.starting.response import outcome_numbers
from trialsim.study.starting.roles import as_numbers
from trialsim.study.starting.told import Found

_EVENTS_A_PIECE = 20
_MOST_PIECES = 5
_DIGITS = 4
_SMALLEST_EIGENVALUE = 1e-6


def law_of(found: Found, months: float) -> dict[str, Any]:
    """Return the fields of an endpoint's marginal law, as the file has it.

    Parameters
    ----------
    found : Found
        Without covariates.
    months : float
        Of follow-up, where the outcome is a count without a column of its time.

    Returns
    -------
    dict of str to value
        A score: means and covariance of baseline and visits, from all that is seen of each pair. A response:
        its share. Levels: their shares. A count: its rate a month, and the dispersion by moments. A time to
        an event: hazards between quantiles of the events, each with 20 events or more.

    Raises
    ------
    HistoryError
        The kind has no law that is read from a file.
    """
    cells = blanked(found.rows[found.outcome], found.missing.get(found.outcome, ()))
    match found.kind:
        case "score":
            return _score(found, as_numbers(cells))
        case "response":
            return {"probability": _rounded(float(outcome_numbers(found, cells).mean()))}
        case "level":
            share = cells.astype(str).value_counts()
            counted = np.array([float(share.get(level, 0)) for level in found.levels])
            return {"shares": _shares(counted / counted.sum())}
        case "count":
            return _count(outcome_numbers(found, cells), _months_of(found, months))
        case "time_to_event":
            return {"law": _hazards(outcome_numbers(found, cells), _months_of(found, months))}
        case _:
            raise HistoryError(
                "has no law that is read from a file", file=found.file, field=found.outcome, value=found.kind,
                mend="give another --kind",
            )  # fmt: skip


def _months_of(found: Found, months: float) -> Floats:
    if found.time is None:
        return np.full(len(found.rows), months)
    weeks = as_numbers(found.rows[found.time]) * WEEKS_IN[found.time_unit]
    return np.asarray(weeks / WEEKS_IN["months"], dtype=float)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _shares(share: Floats) -> list[float]:
    """Return shares of few digits that add up to 1."""
    found = np.round(share, _DIGITS)
    found[np.argmax(found)] += 1 - found.sum()
    return [round(float(one), _DIGITS) for one in found]


def _score(found: Found, values: pd.Series) -> dict[str, Any]:
    assert found.week is not None
    long = pd.DataFrame(
        {"who": found.rows[found.participant], "week": found.rows[found.week].astype(float), "y": values}
    )
    wide = long.dropna().pivot_table(index="who", columns="week", values="y")[[0.0, *found.weeks]]
    covariance = wide.cov().to_numpy()
    # Pairs are seen in different people, so that together they may be no covariance.
    size, axes = np.linalg.eigh(covariance)
    nearest = (axes * np.maximum(size, _SMALLEST_EIGENVALUE * size.max())) @ axes.T
    return {
        "mean": [_rounded(one) for one in wide.mean()],
        "covariance": [[float(f"{one:.8g}") for one in row] for row in (nearest + nearest.T) / 2],
    }


def _count(y: Floats, months: Floats) -> dict[str, Any]:
    rate = y.sum() / months.sum()
    expected = rate * months
    dispersion = max(0.0, float(((y - expected) ** 2 - expected).sum() / (expected**2).sum()))
    return {"rate": _rounded(float(rate)), "dispersion": _rounded(dispersion)}


def _hazards(had: Floats, months: Floats) -> dict[str, Any]:
    """Return constant hazards a month between quantiles of the events' times."""
    times = months[had > 0]
    pieces = int(np.clip(len(times) // _EVENTS_A_PIECE, 1, _MOST_PIECES))
    inner = np.quantile(times, np.arange(1, pieces) / pieces)
    starts = np.unique([0.0, *(_rounded(one) for one in inner)])
    edges = np.append(starts, np.inf)
    spent = np.clip(months[:, None] - edges[:-1], 0.0, np.diff(edges)).sum(axis=0)
    events = np.histogram(times, bins=edges)[0]
    return {
        "kind": "piecewise",
        "hazards": [_rounded(max(one, 0.5) / time) for one, time in zip(events, spent, strict=True)],
        "starts": [float(one) for one in starts],
    }
