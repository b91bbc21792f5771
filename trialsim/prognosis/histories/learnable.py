"""What a history must hold before anything can be learnt from it, and what it holds in sum."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trialsim.data import Floats, History, Ints
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.histories.compatibility import require_no_leak
from trialsim.prognosis.histories.together import require_no_joint_leak

FEWEST_BEFORE_COVARIATES = 20
FEWEST_PER_COVARIATE = 2


def require_learnable(history: History, file: Path | str | None = None) -> None:
    """Raise a `HistoryError` if nothing can be learnt from a history.

    At the last visit at least 20 + 2 (P + 1) participants with a baseline must be observed, for P
    covariates and the baseline: with 20 degrees of freedom left the residual SD is known within a
    third or so either way (95 % interval .77 to 1.44 of it), and the shrinkage prior, not the number
    of participants, is what holds the coefficients.

    Parameters
    ----------
    history : History
        Past placebo participants.
    file : Path or str, optional
        File to be named in refusals.

    Raises
    ------
    HistoryError
        Too few participants, no baseline, or nothing that varies.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> require_learnable(history)
    """
    if len(history) == 0 or not np.isfinite(history.baseline).any():
        raise HistoryError(
            "no participant has a baseline: no outcome at week 0",
            file=file,
            field=history.endpoint,
            mend="keep the rows of week 0, with the measured outcome",
        )
    _refuse_visits(history, file)
    for name, values in zip(history.covariates.names, history.covariates.values.T, strict=True):
        _refuse_useless(name, values[np.isfinite(history.baseline)], file)
    if np.unique(history.baseline[np.isfinite(history.baseline)]).size < 3:
        raise HistoryError(
            "baseline takes fewer than three values",
            file=file,
            field=history.endpoint,
            mend="check the column",
        )
    last = int((np.isfinite(history.baseline) & np.isfinite(history.outcomes[:, -1])).sum())
    fewest = FEWEST_BEFORE_COVARIATES + FEWEST_PER_COVARIATE * (len(history.covariates.names) + 1)
    if last < fewest:
        raise HistoryError(
            f"too small to learn from: {last} participants have a baseline and an outcome at the last visit "
            f"(week {history.weeks[-1]:g}), at least {fewest} are needed for "
            f"{len(history.covariates.names)} covariates and the baseline",
            file=file,
            mend="give a larger history, fewer covariates or an earlier last visit",
        )
    change = history.outcomes - history.baseline[:, None]
    if not any(np.ptp(one[np.isfinite(one)]) > 0 for one in change.T if np.isfinite(one).any()):
        raise HistoryError(
            "everybody changes by the same at every visit, so nothing can be learnt",
            file=file,
            field=history.endpoint,
            mend="check that later rows hold what was measured, not the baseline carried on",
        )
    require_no_leak(history)
    require_no_joint_leak(history)


def _refuse_visits(history: History, file: Path | str | None) -> None:
    """Raise if visits are in no order, or nobody was measured at one."""
    if not ((np.diff(history.weeks, prepend=0.0) > 0) & np.isfinite(history.weeks)).all():
        raise HistoryError(
            "visits must be in ascending order, each once and after week 0",
            file=file,
            field="weeks",
            mend="sort the visits and the columns of outcomes",
        )
    empty = history.weeks[~np.isfinite(history.outcomes).any(axis=0)]
    if empty.size:
        raise HistoryError(
            f"nobody was measured at week {', '.join(f'{week:g}' for week in empty)}",
            file=file,
            field="weeks",
            mend="leave the visit out",
        )


def _refuse_useless(name: str, values: Floats, file: Path | str | None) -> None:
    """Raise if a covariate is always missing, infinite or the same for everybody."""
    seen = values[~np.isnan(values)]
    if seen.size == 0:
        raise HistoryError("covariate is missing for everybody", file=file, field=name, mend="leave it out")
    if not np.isfinite(seen).all():
        raise HistoryError(
            "covariate is infinite for somebody", file=file, field=name, mend="correct the file"
        )
    if seen.min() == seen.max():
        raise HistoryError(
            "covariate is the same for everybody, so nothing can be learnt from it",
            file=file,
            field=name,
            mend="leave it out, or keep a wider population",
        )


@dataclass(frozen=True)
class HistorySummary(InNotebook):
    """What a history holds, without any participant's value.

    Parameters
    ----------
    source : str
        Where the participants come from.
    generated : bool
        True if the trial's own model made it.
    participants : int
        All participants, N.
    learnt_from : int
        Those with a baseline and at least one later outcome.
    groups : int
        Studies or sites.
    weeks : tuple of float (V,)
        Visits.
    observed : tuple of int (V,)
        Participants observed at each visit, with a baseline.
    mean_change, sd_change : tuple of float (V,)
        Of the observed change from baseline at each visit.
    missing : dict of str to int
        Participants without a value, by covariate, where there are any.
    notes : tuple of str
        What was done about what is missing, in words.
    """

    source: str
    generated: bool
    participants: int
    learnt_from: int
    groups: int
    weeks: tuple[float, ...]
    observed: tuple[int, ...]
    mean_change: tuple[float, ...]
    sd_change: tuple[float, ...]
    missing: dict[str, int]
    notes: tuple[str, ...]

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> HistorySummary:
        """Return the summary that was written as JSON-like facts."""
        fields: dict[str, Any] = {
            name: tuple(fact) if isinstance(fact, list) else fact for name, fact in facts.items()
        }
        return cls(**fields)


def learnable_rows(history: History) -> Ints:
    """Return positions of participants with a baseline and at least one later outcome."""
    return np.flatnonzero(np.isfinite(history.baseline) & np.isfinite(history.outcomes).any(axis=1))


def summarise(history: History) -> HistorySummary:
    """Return what a history holds, without any participant's value.

    Parameters
    ----------
    history : History
        Past placebo participants.

    Returns
    -------
    HistorySummary
        Numbers of participants and of values, means, SDs and notes.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> summarise(history).participants
    60
    """
    rows = learnable_rows(history)
    change = history.outcomes[rows] - history.baseline[rows, None]
    names, values = history.covariates.names, history.covariates.values[rows]
    missing = {name: int(n) for name, n in zip(names, np.isnan(values).sum(axis=0), strict=True) if n}
    left_out = len(history) - len(rows)
    notes = []
    if left_out:
        notes.append(
            f"{left_out} participants without a baseline or without a later outcome teach nothing: left out"
        )
    notes += [
        f"{name}: missing for {n}; set to the mean of the others with an own indicator, never by outcome"
        for name, n in missing.items()
    ]
    return HistorySummary(
        source=history.source,
        generated=history.generated,
        participants=len(history),
        learnt_from=len(rows),
        groups=int(np.unique(history.group).size),
        weeks=tuple(float(week) for week in history.weeks),
        observed=tuple(int(n) for n in np.isfinite(change).sum(axis=0)),
        mean_change=tuple(float(mean) for mean in np.nanmean(change, axis=0)),
        sd_change=tuple(float(sd) for sd in np.nanstd(change, axis=0, ddof=1)),
        missing=missing,
        notes=tuple(notes),
    )
