"""Whether participants of a trial stand in the history that it learns from."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

import numpy as np
from scipy.stats import poisson

from trialsim.data import Bools, Floats, History, Ints
from trialsim.errors import HistoryError

_CHANCE = 0.01
# What a share among few counts for beside the share among all.
_SHRINKAGE = 5.0
# Correlations of columns that have nothing to do with each other stay below so many standard errors.
_BEYOND_CHANCE = 3.0


def require_strangers(history: History, trial: History) -> None:
    """Raise if participants of a trial stand in the history."""
    if both := shared_participants(history, trial):
        raise HistoryError(
            f"{both} participants stand in the history and in the trial: same baseline, covariates and "
            "outcomes",
            field="participants",
            mend="leave the trial's participants out of the history, or twins know their own outcomes",
        )


def participant_hashes(history: History, weeks: Floats | None = None) -> list[bytes]:
    """Return the hash of each participant: baseline, covariates by name and the first later outcome.

    Identifiers differ between files and are not kept, so that a participant is known by what was measured.
    A participant without a later outcome has no hash of use: an empty one.

    Parameters
    ----------
    history : History
        N participants.
    weeks : ndarray, optional
        Visits to look at, such as those that another history has too; all if not given.
    """
    order = sorted(range(len(history.covariates.names)), key=lambda k: history.covariates.names[k])
    known = np.isfinite(history.outcomes)
    if weeks is not None:
        known &= np.isin(history.weeks, weeks)
    hashes = []
    for i in range(len(history)):
        seen = np.flatnonzero(known[i])
        if not seen.size:
            hashes.append(b"")
            continue
        facts = [history.baseline[i], history.weeks[seen[0]], history.outcomes[i, seen[0]]]
        # Adding 0 makes one of the two zeros that floats have.
        row = np.array([*facts, *history.covariates.values[i, order]]) + 0.0
        hashes.append(blake2b(row.tobytes(), digest_size=16).digest())
    return hashes


def shared_participants(history: History, trial: History) -> int:
    """Return how many participants of a trial stand in the history too, as far as it is no chance.

    Alike are those with one hash who agree at every visit that both were seen at. Where little and coarse
    things were measured, strangers are alike too. How many of them to expect is the larger of two figures: as
    many as are alike within the history; and the sum over the trial of ``1 - exp(-e_i)``, where e_i adds up
    over the history ``prod_j f(x_ij | x_ip)`` of what both have, f the share of a value of column j among
    those with the value of the column p before it that it goes with most, of outcomes or of changes,
    whichever is larger. Who is alike is counted where all of them together are more than that explains at 1
    %, or one of them is, who is like a single one of the history.

    Parameters
    ----------
    history, trial : History
        With the same covariates; visits may differ.
    """
    weeks = np.intersect1d(history.weeks, trial.weeks)
    trial = replace(trial, covariates=trial.covariates.select(history.covariates.names))
    mine, theirs = _outcomes(history, weeks), _outcomes(trial, weeks)
    past, now = participant_hashes(history, weeks), participant_hashes(trial, weeks)
    pairs = _alike(past, mine, now, theirs)
    alike = np.array([found.size > 0 for found in pairs])
    if not alike.any():
        return 0
    within = np.mean([found.size > 1 for found in _alike(past, mine, past, mine)])
    start, visits = _log_shares(history, trial, mine, theirs)
    known = np.array([bool(key) for key in now])
    strangers = _strangers(start, visits, mine, theirs)[known]
    expected = max(float(-np.expm1(-strangers).sum()), float(within * known.sum()))
    if poisson.sf(alike.sum() - 1, expected) < _CHANCE:
        return int(alike.sum())
    for i, found in enumerate(pairs):
        if found.size == 1:
            agreed = start[i] + visits[i] @ np.isfinite(mine[found[0]])
            if len(history) * len(trial) * np.exp(agreed) < _CHANCE:
                return int(alike.sum())
    return 0


def _alike(past: list[bytes], mine: Floats, now: list[bytes], theirs: Floats) -> list[Ints]:
    """Return of each participant now the places of those of the past who are alike."""
    places: dict[bytes, list[int]] = {}
    for place, key in enumerate(past):
        places.setdefault(key, []).append(place)
    pairs = []
    for i, key in enumerate(now):
        same = np.array(places.get(key, []) if key else [], dtype=np.int64)
        found = mine[same]
        pairs.append(same[((found == theirs[i]) | np.isnan(found) | np.isnan(theirs[i])).all(axis=1)])
    return pairs


def _outcomes(history: History, weeks: Floats) -> Floats:
    """Return outcomes (N, W) at some visits."""
    return history.outcomes[:, np.isin(history.weeks, weeks)]


def _strangers(start: Floats, visits: Floats, mine: Floats, theirs: Floats) -> Floats:
    """Return how many strangers (M,) of a history each participant of a trial is expected to be like."""
    patterns, counts = np.unique(np.isfinite(mine), axis=0, return_counts=True)
    expected = np.zeros(len(theirs))
    for seen, count in zip(patterns, counts, strict=True):
        # Hashes hold the first visit at which somebody was seen.
        same = seen.any() & (np.isfinite(theirs).argmax(axis=1) == seen.argmax())
        expected += count * same * np.exp(start + visits @ seen)
    return expected


def _log_shares(history: History, trial: History, mine: Floats, theirs: Floats) -> tuple[Floats, Floats]:
    """Return log shares of a trial's values among all: of baseline and covariates (M,), of visits (M, W).

    What is missing has a share of 1.
    """
    both = (history, mine), (trial, theirs)
    fixed = np.concatenate([np.column_stack([one.baseline, one.covariates.values]) for one, _ in both])
    outcomes = np.concatenate([mine, theirs])
    changes = outcomes - fixed[:, :1]
    width, trials = fixed.shape[1], slice(len(mine), None)
    of_outcomes, of_changes = (
        _shares_given_before(np.column_stack([fixed, visits]))[trials] for visits in (outcomes, changes)
    )
    later = np.maximum(of_outcomes, of_changes)[:, width:]
    return np.log(of_changes[:, :width]).sum(axis=1), np.log(later)


def _shares_given_before(values: Floats) -> Floats:
    """Return shares (N, C) of values among those with the same value of the closest column before."""
    codes = np.column_stack([np.unique(column, return_inverse=True)[1].ravel() for column in values.T])
    seen: Bools = np.asarray(np.isfinite(values))
    shares = np.ones(values.shape)
    for j in range(values.shape[1]):
        share = _count(codes[:, j], seen[:, j]) / max(seen[:, j].sum(), 1)
        before = _closest_before(values, j)
        if before is not None:
            pair = seen[:, j] & seen[:, before]
            # Without the participant and who is alike: these two must not explain each other.
            given = np.maximum(_count(codes[:, before], pair) - 2, 0)
            joint = np.maximum(_count(codes[:, before] * (codes.max() + 1) + codes[:, j], pair) - 2, 0)
            share = np.where(pair, (joint + _SHRINKAGE * share) / (given + _SHRINKAGE), share)
        shares[seen[:, j], j] = share[seen[:, j]]
    return shares


def _count(codes: Ints, kept: Bools) -> Floats:
    """Return of each participant how many of those kept have the same code."""
    _, place = np.unique(codes, return_inverse=True)
    return np.asarray(np.bincount(place.ravel(), weights=kept.astype(float))[place.ravel()], dtype=float)


def _closest_before(values: Floats, column: int) -> int | None:
    """Return the earlier column that a column correlates with most, if beyond chance."""
    best, found = 0.0, None
    for other in range(column):
        a, b = values[np.isfinite(values[:, [column, other]]).all(axis=1)][:, [column, other]].T
        if len(a) > 2 and np.ptp(a) > 0 and np.ptp(b) > 0:
            size = abs(float(np.corrcoef(a, b)[0, 1]))
            if size > max(best, _BEYOND_CHANCE / np.sqrt(len(a))):
                best, found = size, other
    return found
