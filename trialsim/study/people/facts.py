"""What may be said of a history: numbers over participants, never a participant's value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats, History, OutcomeHistory
from trialsim.errors import require_kind
from trialsim.prognosis import history_hash, summarise
from trialsim.prognosis.families import FAMILIES, EventFamily
from trialsim.prognosis.twins.store import digest
from trialsim.protocol.outcome_table import WEEKS_IN


@dataclass(frozen=True)
class HistoryFacts:
    """What a history holds in sum.

    Parameters
    ----------
    source : str
        Name of the file, or how it was made.
    generated : bool
        Whether the trial's own model made it: what is learnt from it is optimistic by construction.
    participants : int
        Past participants.
    content_hash : str
        Of everything in it.
    moments : dict of str to float
        Means, SDs and rates of the outcome, by name.
    missing : dict of str to int
        Participants without a value, by covariate, where there are any.
    """

    source: str
    generated: bool
    participants: int
    content_hash: str
    moments: dict[str, float]
    missing: dict[str, int]


def facts_of(history: History | OutcomeHistory) -> HistoryFacts:
    """Return the facts of a history."""
    values = history.covariates.values
    missing = {
        name: int(count)
        for name, count in zip(history.covariates.names, np.isnan(values).sum(axis=0), strict=True) if count
    }  # fmt: skip
    if isinstance(history, History):
        return HistoryFacts(
            history.source,
            history.generated,
            len(history),
            history_hash(history),
            _of_visits(history),
            missing,
        )
    arrays = {"values": values, "outcome": history.outcome, "time": history.time, "group": history.group}
    meta = {"endpoint": history.endpoint, "family": history.family, "names": list(history.covariates.names)}
    moments = moments_of(history.family, history.outcome, history.time / WEEKS_IN["months"], history.levels)
    return HistoryFacts(
        history.source, history.generated, len(history), digest(arrays, meta), moments, missing
    )


def _of_visits(history: History) -> dict[str, float]:
    summary = summarise(history)
    found = {
        "baseline mean": float(np.nanmean(history.baseline)),
        "baseline SD": float(np.nanstd(history.baseline, ddof=1)),
    }
    for week, mean, sd in zip(summary.weeks, summary.mean_change, summary.sd_change, strict=True):
        found |= {f"mean change, week {week:g}": mean, f"SD of change, week {week:g}": sd}
    change = history.outcomes[:, -1] - history.baseline
    seen = np.isfinite(change)
    found["correlation of baseline and last change"] = float(
        np.corrcoef(history.baseline[seen], change[seen])[0, 1]
    )
    return found


def moments_of(
    family: str, outcome: Floats, months: Floats, levels: tuple[str, ...] = ()
) -> dict[str, float]:
    """Return means and rates of outcomes (N,) with so many months of follow-up (N,)."""
    if family == "binary":
        return {"share of responses": float(outcome.mean())}
    if family == "ordinal":
        shares = {f"share at level {name}": float((outcome == k).mean()) for k, name in enumerate(levels)}
        return shares | {"SD of positions": float(outcome.std(ddof=1))}
    if family == "count":
        rate = outcome.sum() / months.sum()
        return {"events a month": float(rate), "SD of counts": float(outcome.std(ddof=1)),
                "mean months of follow-up": float(months.mean())}  # fmt: skip
    require_kind("family", FAMILIES[family], EventFamily)
    return {
        "events": float(outcome.sum()), "events a month": float(outcome.sum() / months.sum()),
        "longest follow-up in months": float(months.max()),
    }  # fmt: skip
