"""Blocks of simulated time-to-event trials: what every survival analysis accepts, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialsim.analysis.survival.time_order import merge_near_ties, tied_order, time_order
from trialsim.data import Floats, Ints, for_kernel
from trialsim.errors import AnalysisError

Labels = NDArray[np.int8]

NO_EVENTS, ARM_EMPTY = 1, 2
_CONSTANT = 1e-12
COMMON_REASONS = ("ok", "no_events", "arm_empty")


@dataclass(frozen=True)
class SurvivalBlock:
    """Checked replicates with a time to an event or to censoring.

    Parameters
    ----------
    time : ndarray (R, N)
        Time to event or censoring, finite and at least 0, in any unit; near ties are ties.
    event : ndarray of int8 (R, N)
        0 for censored, 1 for the event; with competing risks 2 for any other cause.
    arm : ndarray of int8 (R, N)
        0 for control, 1 for active.
    stratum : ndarray of int64 (R, N)
        From 0; all 0 without strata.
    strata : int
        Number of strata.
    covariates : ndarray (R, N, P)
        Finite; P may be 0.
    entry : ndarray (R, N), optional
        Delayed entry, before `time`: a participant is at risk after it.
    sorted : ndarray of int64 (R, N), optional
        `order`, where it is known.
    """

    time: Floats
    event: Labels
    arm: Labels
    stratum: Ints
    strata: int
    covariates: Floats
    entry: Floats | None = None
    sorted: Ints | None = None

    def order(self) -> Ints:
        """Return the order (R, N) that sorts each replicate by time."""
        return time_order(self.time) if self.sorted is None else self.sorted

    def one(self, replicate: int) -> SurvivalBlock:
        """Return one replicate as a block of its own."""
        row = slice(replicate, replicate + 1)
        return replace(
            self,
            time=self.time[row],
            event=self.event[row],
            arm=self.arm[row],
            stratum=self.stratum[row],
            covariates=self.covariates[row],
            entry=None if self.entry is None else self.entry[row],
            sorted=None if self.sorted is None else self.sorted[row],
        )


def read_block(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    strata: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
    causes: int = 1,
    entry: ArrayLike | None = None,
) -> SurvivalBlock:
    """Check the arrays of a block and return them ready for the kernels; see `SurvivalBlock`.

    Near ties become ties (`merge_near_ties`).

    Raises
    ------
    AnalysisError
        If shapes differ, a time is negative or not finite, or a label is outside its range.
    """
    times = for_kernel(time, dtype=np.float64)
    if times.ndim != 2 or times.size == 0:
        raise AnalysisError("must have the axes replicate and participant", field="time", value=times.shape)
    refuse_not_finite("time", times)
    if (times < 0).any():
        raise AnalysisError(f"must be at least 0, but is negative at {place(times < 0)}", field="time")
    labels = np.zeros(times.shape, np.int64) if strata is None else _labels("strata", strata, times.shape)
    columns = np.zeros((*times.shape, 0)) if covariates is None else read_covariates(covariates, times.shape)
    entries = None if entry is None else read_entries(entry, times)
    times, entries, order = _tie(times + 0.0, entries)
    return SurvivalBlock(
        time=times,
        event=_labels("event", event, times.shape, causes).astype(np.int8),
        arm=_labels("arm", arm, times.shape, 1).astype(np.int8),
        stratum=labels,
        strata=int(labels.max()) + 1,
        covariates=columns,
        entry=entries,
        sorted=order,
    )


def _tie(times: Floats, entries: Floats | None) -> tuple[Floats, Floats | None, Ints | None]:
    """Return times and entries (R, N) with near ties made equal, and the order of times where it is known."""
    if entries is None:
        times, order = tied_order(times)
        return times, None, order
    both = merge_near_ties(np.concatenate([times, entries], axis=1))
    times, entries = both[:, : times.shape[1]], both[:, times.shape[1] :]
    if (entries >= times).any():
        raise AnalysisError(f"must be before time, but is not at {place(entries >= times)}", field="entry")
    return for_kernel(times), for_kernel(entries), None


def read_entries(entry: ArrayLike, times: Floats) -> Floats:
    """Return the entries of a block (R, N), finite and at least 0, or raise."""
    entries = for_kernel(entry, dtype=np.float64)
    if entries.shape != times.shape:
        raise AnalysisError(f"must have the shape {times.shape} of time", field="entry", value=entries.shape)
    refuse_not_finite("entry", entries)
    if (entries < 0).any():
        raise AnalysisError(f"must be at least 0, but is negative at {place(entries < 0)}", field="entry")
    return entries + 0.0


def centred(columns: Floats) -> Floats:
    """Return columns (R, N, P) less their mean in each replicate; what does not vary becomes exactly 0."""
    lowest, highest = columns.min(axis=1, keepdims=True), columns.max(axis=1, keepdims=True)
    varies = highest - lowest > _CONSTANT * np.maximum(np.abs(lowest), np.abs(highest))
    return np.where(varies, columns - columns.mean(axis=1, keepdims=True), 0.0)


def read_covariates(covariates: ArrayLike, shape: Sequence[int]) -> Floats:
    """Return covariates as (R, N, P), or raise; (R, N) is one covariate."""
    columns = np.asarray(covariates, dtype=np.float64)
    if columns.ndim == 2:
        columns = columns[:, :, None]
    if columns.ndim != 3 or columns.shape[:2] != tuple(shape):
        raise AnalysisError(
            f"must have the axes {tuple(shape)} and covariate", field="covariates", value=columns.shape
        )
    refuse_not_finite("covariates", columns)
    return for_kernel(columns)


def refuse_not_finite(field: str, values: Floats) -> None:
    """Raise if a value is missing or infinite, naming its place and not its content."""
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise AnalysisError(f"must be finite, but is missing or infinite at {place(wrong)}", field=field)


def place(wrong: NDArray[np.bool_]) -> str:
    """Return the first true position in words."""
    first = np.argwhere(wrong)[0]
    axes = ("replicate", "participant", "column")
    return ", ".join(f"{axis} {position}" for axis, position in zip(axes, first, strict=False))


def read_probability(field: str, value: float) -> float:
    """Return a number that must lie strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise AnalysisError("must lie between 0 and 1", field=field, value=value)
    return float(value)


def read_positive(field: str, value: float) -> float:
    """Return a number that must be finite and above 0."""
    if not (np.isfinite(value) and value > 0):
        raise AnalysisError("must be finite and above 0", field=field, value=value)
    return float(value)


def read_choice(field: str, value: str, allowed: Sequence[str]) -> str:
    """Return a word that must be one of the allowed ones."""
    if value not in allowed:
        raise AnalysisError(f"must be one of {', '.join(allowed)}", field=field, value=value)
    return value


def _labels(field: str, values: ArrayLike, shape: Sequence[int], highest: int | None = None) -> Ints:
    """Return whole numbers from 0 of the given shape, or raise."""
    raw = np.asarray(values)
    if raw.shape != tuple(shape):
        raise AnalysisError(f"must have the shape {tuple(shape)} of time", field=field, value=raw.shape)
    if raw.dtype.kind not in "buif" or (raw.dtype.kind == "f" and not (raw == np.floor(raw)).all()):
        raise AnalysisError("must hold whole numbers", field=field, value=str(raw.dtype))
    wrong = raw < 0 if highest is None else (raw < 0) | (raw > highest)
    if wrong.any():
        range_ = "at least 0" if highest is None else f"one of 0 to {highest}"
        raise AnalysisError(f"must be {range_}, but is not at {place(wrong)}", field=field)
    return for_kernel(raw, dtype=np.int64)
