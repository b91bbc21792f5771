"""Declared trials with a time to event: looks by events or by the calendar, read by any analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialsim.analysis.survival import (
    FlemingHarrington,
    LogRankLooks,
    adjusted_log_rank_block,
    cox_block,
    log_rank_block,
    max_combo_block,
    restricted_mean_survival_block,
)
from trialsim.data import Bools, Estimates, Floats
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial, FixedDesign, GroupSequentialDesign
from trialsim.study.declared.bounds import observed_bounds, planned_bounds
from trialsim.study.declared.reading import Reading, at_look, benefit
from trialsim.study.declared.refusing import unserved
from trialsim.study.designs.survival_looks import log_rank_tests, planned_looks
from trialsim.trial import stop_at_bounds
from trialsim.trial.interim import Looks
from trialsim.trial.outcomes import SurvivalTrials

_OK = ("ok", "no_information")


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
    plan: SurvivalLooksPlan,
    columns: Mapping[str, Floats | None],
) -> dict[str, Reading]:
    """Read the trials of a block by every declared analysis, by the analysis's name.

    `columns` (R, N, P) are what each analysis adjusts for.
    """
    looks = plan.of_trials(trials)
    swept = {
        stratified: log_rank_tests(trials, looks.month, stratified)
        for stratified in {False, *(one.kind.startswith("stratified") for one in trial.analyses)}
    }
    tests = swept[False]
    counted = {"size": tests.entered, "events": tests.events.sum(axis=2), "months": looks.month}
    upper, lower = _bounds(trial, counted["events"])
    found = {}
    for analysis in trial.analyses:
        estimates, statistic = _read(analysis, trials, looks.month, swept, columns[analysis.label])
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


def _read(
    analysis: AnalysisDeclared,
    trials: SurvivalTrials,
    months: Floats,
    swept: dict[bool, LogRankLooks],
    covariates: Floats | None,
) -> tuple[list[Estimates], Floats]:
    """Return the estimates of every look, and the statistic (R, K)."""
    if analysis.kind in ("log_rank", "stratified_log_rank"):
        tests = swept[analysis.kind == "stratified_log_rank"]
        looks = [_one_step(tests, k, analysis.label) for k in range(months.shape[1])]
        return looks, tests.benefit
    looks = [_cut_and_read(analysis, trials, months[:, k, None], covariates) for k in range(months.shape[1])]
    sign = 1.0 if analysis.kind == "rmst" else -1.0
    return looks, np.stack([benefit(one, sign) for one in looks], axis=1)


def _one_step(tests: LogRankLooks, look: int, label: str) -> Estimates:
    """Return U/V, the one-step log hazard ratio, with variance 1/V and the log-rank z."""
    score, information = tests.score[:, look], tests.information[:, look]
    informed = information > 0
    safe = np.where(informed, information, 1.0)
    z = np.where(informed, score / np.sqrt(safe), np.nan)
    return Estimates(
        label,
        np.where(informed, score / safe, np.nan),
        np.where(informed, 1 / np.sqrt(safe), np.nan),
        np.full(len(score), np.inf),
        z,
        np.asarray(2 * ndtr(-np.abs(z))),
        (~informed).astype(np.int8),
        _OK,
    )


def _cut_and_read(
    analysis: AnalysisDeclared, trials: SurvivalTrials, month: Floats, covariates: Floats | None
) -> Estimates:
    """Read what is known by a month; those who have not entered are never at risk."""
    follow = np.maximum(month - trials.entry, 0.0)
    time = np.minimum(trials.time, follow)
    event = ((trials.event == 1) & (trials.time <= follow) & (trials.entry <= month)).astype(np.int8)
    arm = trials.arm
    if covariates is not None:
        covariates = _of_entered(covariates, trials.entry <= month)
    match analysis.kind:
        case "cox":
            found = cox_block(time, event, arm, covariates)
        case "stratified_cox":
            found = cox_block(time, event, arm, covariates, strata=trials.stratum)
        case "adjusted_log_rank":
            found = adjusted_log_rank_block(time, event, arm, covariates)
        case "weighted_log_rank":
            assert analysis.rho is not None
            assert analysis.gamma is not None
            found = log_rank_block(time, event, arm, weights=FlemingHarrington(analysis.rho, analysis.gamma))
        case "max_combo":
            found = max_combo_block(time, event, arm)
        case "rmst":
            assert analysis.tau is not None
            found = restricted_mean_survival_block(time, event, arm, analysis.tau)
        case _:
            raise unserved(analysis.kind, "time_to_event")
    return replace(found, analysis=analysis.label)


def _of_entered(covariates: Floats, entered: Bools) -> Floats:
    """Return covariates (R, N, P) with the mean of those who have entered for those who have not.

    Nobody's covariate tells of an outcome that cannot be seen yet: at the mean it has no weight.
    """
    count = np.maximum(entered.sum(axis=1), 1)[:, None]
    mean = np.where(entered[..., None], covariates, 0.0).sum(axis=1) / count
    return np.where(entered[..., None], covariates, mean[:, None, :])
