"""Declared trials with a time to event: looks by events or by the calendar, read by any analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from trialsim.analysis.simulated.times import SeenLooks
from trialsim.data import Bools, Estimates, Floats
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial, FixedDesign, GroupSequentialDesign
from trialsim.registry import SeenTimes
from trialsim.study.declared.bounds import observed_bounds, planned_bounds
from trialsim.study.declared.reading import Reading, at_look, benefit, held_against
from trialsim.study.declared.refusing import null_of, reader_of
from trialsim.study.designs.survival_looks import planned_looks
from trialsim.trial import stop_at_bounds
from trialsim.trial.interim import Looks
from trialsim.trial.outcomes import SurvivalTrials


@dataclass(frozen=True)
class SurvivalLooksPlan:
    """When the trial is looked at: `events` (K,) or `months` (K,), and the month at which it ends."""

    events: tuple[int, ...]
    months: tuple[float, ...]
    latest: float

    @classmethod
    def of(cls, trial: DeclaredTrial) -> SurvivalLooksPlan:
        """Return the looks of a trial, or refuse a design that does not say when they are."""
        design = trial.design
        assert isinstance(design, FixedDesign | GroupSequentialDesign)
        latest = np.inf if design.latest_month is None else design.latest_month
        if isinstance(design, FixedDesign):
            if (design.events is None) == (design.month is None):
                raise ProtocolError(
                    "needs either events or month with a time_to_event outcome", field="design.events",
                    mend="say when the trial is read",
                )  # fmt: skip
            events = () if design.events is None else (design.events,)
            return cls(events, () if design.month is None else (design.month,), latest)
        if design.timing == "information":
            raise ProtocolError(
                "is not served with a time_to_event outcome", field="design.timing", value="information",
                mend="use events, whose shares are the information, or calendar",
            )  # fmt: skip
        if design.timing == "calendar" and design.planned_events is None:
            raise ProtocolError(
                "is needed by looks of the calendar", field="design.planned_events",
                mend="give the events at information 1",
            )  # fmt: skip
        return cls(design.events, design.months, latest)

    def of_trials(self, trials: SurvivalTrials) -> Looks:
        """Return the months of the looks in replicate trials."""
        return planned_looks(trials, self.months, self.events, self.latest)


def read_survival(
    trial: DeclaredTrial,
    trials: SurvivalTrials,
    looks: Looks,
    columns: Mapping[str, Floats | None],
) -> dict[str, Reading]:
    """Read the trials of a block at their looks by every declared analysis, by the analysis's name.

    `columns` (R, N, P) are what each analysis adjusts for.
    """
    seen = SeenLooks(
        trials.entry, trials.time, trials.event, trials.arm, trials.stratum, trials.strata, looks.month
    )
    tests = seen.log_rank()
    counted = {"size": tests.entered, "events": tests.events.sum(axis=2), "months": looks.month}
    upper, lower = _bounds(trial, counted["events"])
    found = {}
    for analysis in trial.analyses:
        estimates, statistic = read_looks(trial, analysis, seen, columns[analysis.label])
        stopping = stop_at_bounds(statistic, upper, lower)
        found[analysis.label] = Reading(
            at_look(estimates, stopping.look), statistic, stopping, looks.reached, counted
        )
    return found


def _bounds(trial: DeclaredTrial, events: np.ndarray) -> tuple[ArrayLike, ArrayLike | None]:
    design = trial.design
    if not isinstance(design, GroupSequentialDesign):
        return (-ndtri(design.alpha),), None
    if design.timing == "events":
        return planned_bounds(design, (np.asarray(design.events) / design.events[-1]).tolist())
    assert design.planned_events is not None
    return observed_bounds(design, events / design.planned_events)


def read_looks(
    trial: DeclaredTrial, analysis: AnalysisDeclared, seen: SeenLooks, covariates: Floats | None
) -> tuple[list[Estimates], Floats]:
    """Return the estimates of every look, and the statistic (R, K)."""
    one = reader_of(trial, analysis)
    if one.looks is not None and not seen.small:
        estimates, statistic = one.every_look(seen)
        return [replace(found, analysis=analysis.label) for found in estimates], statistic
    settings, looks = analysis.settings_of(one), range(seen.months.shape[1])
    each = [one.block(_by_month(seen, seen.months[:, k, None], covariates), settings) for k in looks]
    sign = one.sign(trial.outcome.sign)
    each = [held_against(found, null_of(analysis, one), sign) for found in each]
    statistic = np.stack([benefit(found, sign) for found in each], axis=1)
    return [replace(found, analysis=analysis.label) for found in each], statistic


def _by_month(seen: SeenLooks, month: Floats, covariates: Floats | None) -> SeenTimes:
    """Return what is known by a month; those who have not entered are never at risk."""
    follow = np.maximum(month - seen.entry, 0.0)
    event = ((seen.event == 1) & (seen.time <= follow) & (seen.entry <= month)).astype(np.int8)
    if covariates is not None:
        covariates = _of_entered(covariates, seen.entry <= month)
    return SeenTimes(
        arm=seen.arm, covariates=covariates, stratum=seen.stratum,
        time=np.minimum(seen.time, follow), event=event,
    )  # fmt: skip


def _of_entered(covariates: Floats, entered: Bools) -> Floats:
    """Return covariates (R, N, P) with the mean of those who have entered for those who have not.

    Nobody's covariate tells of an outcome that cannot be seen yet: at the mean it has no weight.
    """
    count = np.maximum(entered.sum(axis=1), 1)[:, None]
    mean = np.where(entered[..., None], covariates, 0.0).sum(axis=1) / count
    return np.where(entered[..., None], covariates, mean[:, None, :])
