"""Designs that read participants who were drawn one by one: fixed, group sequential, re-estimated size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from trialsim.data import Bools, Estimates, Floats
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import AnalysisDeclared, FixedDesign, GroupSequentialDesign, ResizingDesign
from trialsim.protocol.declared.design_kinds import design_kind
from trialsim.registry.block_reader import imported
from trialsim.study.declared.bounds import observed_bounds, planned_bounds
from trialsim.study.declared.reading import Reading, at_look, benefit
from trialsim.study.declared.refusing import reader_of
from trialsim.study.declared.sample import Sample
from trialsim.trial import stop_at_bounds
from trialsim.trial.interim import Stopping, promising_zone, resize_blinded


def read_individuals(sample: Sample) -> dict[str, Reading]:
    """Return every declared analysis of a block under its design, by the analysis's name."""
    trial = sample.trial
    read = design_kind(trial.design.kind).read
    if read is None:
        raise _not_by_individuals(trial.design.kind, trial.outcome.kind)
    by_design = imported(read)
    return {one.label: by_design(sample, one, trial.design) for one in trial.analyses}


def _not_by_individuals(design: str, outcome: str) -> ProtocolError:
    return ProtocolError(f"is not served with a {outcome} outcome", field="design.kind", value=design)


def _sign(sample: Sample, analysis: AnalysisDeclared) -> float:
    """Return 1 where a larger estimate favours active, else −1."""
    return reader_of(sample.trial, analysis).sign(sample.sign)


def read_once(
    sample: Sample, analysis: AnalysisDeclared, design: FixedDesign, seen: Bools | None = None
) -> Reading:
    """Read everybody once, at the end, or those alone who are seen (R, N)."""
    estimates = sample.read(analysis, seen)
    statistic = benefit(estimates, _sign(sample, analysis))[:, None]
    size = np.full(statistic.shape, sample.known.shape[1])
    return Reading(
        estimates,
        statistic,
        stop_at_bounds(statistic, [-ndtri(design.alpha)]),
        np.ones(statistic.shape, dtype=bool),
        {"size": size, "months": sample.known.max(axis=1)[:, None]},
    )


def read_at_looks(sample: Sample, analysis: AnalysisDeclared, design: GroupSequentialDesign) -> Reading:
    """Read at each look those whose outcome is known by then, and stop at the bounds."""
    if design.timing == "calendar":
        months = np.broadcast_to(np.asarray(design.months), (len(sample.known), len(design.months)))
    elif design.timing == "information":
        wanted = planned_counts(design, sample.known.shape[1])
        months = np.sort(sample.known, axis=1)[:, wanted - 1]
    else:
        raise _not_by_individuals("timing by events", sample.trial.outcome.kind)
    sign = _sign(sample, analysis)
    looks: list[Estimates] = []
    count, entered = np.empty(months.shape), np.empty(months.shape, dtype=np.int64)
    for k in range(months.shape[1]):
        seen = sample.known <= months[:, k, None]
        looks.append(sample.read(analysis, seen))
        count[:, k] = seen.sum(axis=1)
        entered[:, k] = (sample.people.entry <= months[:, k, None]).sum(axis=1)
    statistic = np.stack([benefit(one, sign) for one in looks], axis=1)
    upper: np.ndarray | tuple[float, ...]
    lower: np.ndarray | tuple[float, ...] | None
    if design.timing == "calendar":
        upper, lower = observed_bounds(design, count / sample.known.shape[1])
    else:
        upper, lower = planned_bounds(design, (wanted / wanted[-1]).tolist())
    stopping = stop_at_bounds(statistic, upper, lower)
    return Reading(
        at_look(looks, stopping.look),
        statistic,
        stopping,
        np.ones(statistic.shape, dtype=bool),
        {"size": entered, "months": months, "known": count},
    )


def planned_counts(design: GroupSequentialDesign, participants: int) -> np.ndarray:
    """Return the participants whose outcomes each look waits for (K,).

    Examples
    --------
    >>> design = GroupSequentialDesign(kind="group_sequential", timing="information", information=(0.5, 1.0))
    >>> planned_counts(design, 101)
    array([ 51, 101])
    """
    return np.ceil(np.round(np.asarray(design.information) * participants, 9)).astype(np.int64)


def _combined(sample: Sample, analysis: AnalysisDeclared, design: ResizingDesign) -> Reading:
    """Unblinded: the second half's size from the interim z, and the inverse normal combination."""
    participants = sample.trial.participants
    assert participants is not None
    half, critical = participants // 2, float(-ndtri(design.alpha))
    size = promising_zone(half, design.largest - half, design.zone, design.power, critical)
    place = np.broadcast_to(np.arange(sample.known.shape[1]), sample.known.shape)
    sign = _sign(sample, analysis)
    first = sample.read(analysis, place < half)
    z_first = benefit(first, sign)
    last = half + size(np.nan_to_num(z_first))
    second = sample.read(analysis, (place >= half) & (place < last[:, None]))
    whole = sample.read(analysis, place < last[:, None])
    combined = (z_first + benefit(second, sign)) / np.sqrt(2)
    statistic = np.stack([z_first, combined], axis=1)
    futility = -np.inf if design.futility_z is None else design.futility_z
    stopping = stop_at_bounds(statistic, [np.inf, critical], [futility, -np.inf])
    found = _resized(sample, statistic, stopping, [first, whole], np.full(len(last), half), last)
    return replace(found, decides="combination")


def _blinded(sample: Sample, analysis: AnalysisDeclared, design: ResizingDesign) -> Reading:
    """Blinded: the size from the variance of all outcomes at half, and one test at the end."""
    participants = sample.trial.participants
    assert participants is not None
    assert design.effect is not None
    half = participants // 2
    size = resize_blinded(design.effect, design.alpha, design.power, participants // 2, design.largest // 2)
    variance = np.nanvar(sample.values()[:, :half], axis=1, ddof=1)
    last = 2 * size(variance)
    place = np.broadcast_to(np.arange(sample.known.shape[1]), sample.known.shape)
    whole = sample.read(analysis, place < last[:, None])
    statistic = benefit(whole, _sign(sample, analysis))[:, None]
    stopping = stop_at_bounds(statistic, [-ndtri(design.alpha)])
    return _resized(sample, statistic, stopping, [whole], last)


_RESIZE = {"blinded": _blinded, "unblinded": _combined}


def read_resized(sample: Sample, analysis: AnalysisDeclared, design: ResizingDesign) -> Reading:
    """Read a trial whose size is set again at half of the participants."""
    return _RESIZE[design.method](sample, analysis, design)


def _resized(
    sample: Sample, statistic: Floats, stopping: Stopping, looks: list[Estimates], *used: np.ndarray
) -> Reading:
    rows = np.arange(len(statistic))
    months = np.stack([sample.known[rows, count - 1] for count in used], axis=1)
    reached: Bools = np.ones(statistic.shape, dtype=bool)
    # Enrolment goes on while outcomes ripen, but not beyond what is planned before the look.
    by_then = (sample.people.entry[:, None, :] <= months[..., None]).sum(axis=2)
    planned = sample.trial.participants
    assert planned is not None
    size = np.maximum(np.stack(used, axis=1), np.minimum(by_then, planned))
    counted = {"size": size, "months": months}
    return Reading(at_look(looks, stopping.look), statistic, stopping, reached, counted)
