"""Declared analyses of participants who were drawn one by one, all or those seen by a look."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from trialsim.analysis.counts import negative_binomial_events_block
from trialsim.analysis.linear import UnsafeStandardErrorWarning, fit_linear
from trialsim.analysis.marginal import fit_marginal
from trialsim.analysis.ordinal import probabilistic_index_block, proportional_odds_block
from trialsim.analysis.recurrent_events import lwyy_block
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.data import Bools, Estimates, Floats
from trialsim.protocol.declared import AnalysisDeclared, ContinuousOutcome, DeclaredTrial
from trialsim.protocol.declared.analyses import ANALYSES_OF
from trialsim.study.declared.adjusting import adjusting_columns
from trialsim.study.declared.drawing.people import Outcomes, People, Recurrences
from trialsim.study.declared.refusing import unserved
from trialsim.study.designs.ledger import (
    ancova_of_all_observed,
    ancova_of_completers,
    ancova_of_composite,
    ancova_of_last_on_treatment,
    jump_to_reference,
    mmrm_of_all_observed,
)
from trialsim.trial.intercurrent_events import LongitudinalTrials
from trialsim.trial.register import Register


@dataclass(frozen=True)
class Sample:
    """Drawn participants with their outcomes.

    Parameters
    ----------
    trial : DeclaredTrial
        The trial.
    people : People
        Entry, strata, arms.
    outcomes : Outcomes
        What was drawn.
    known : ndarray (R, N)
        Calendar month at which each outcome is known.
    register : Register, optional
        Whom they were recruited from.
    """

    trial: DeclaredTrial
    people: People
    outcomes: Outcomes
    known: Floats
    register: Register | None = None

    @property
    def sign(self) -> float:
        """1 where higher is better, else −1."""
        return self.trial.outcome.sign

    def read(self, analysis: AnalysisDeclared, seen: Bools | None = None) -> Estimates:
        """Return the estimates from everybody, or from those who are seen (R, N).

        Raises
        ------
        ProtocolError
            The analysis is none of this outcome's.
        """
        if analysis.kind not in ANALYSES_OF[self.trial.outcome.kind]:
            raise unserved(analysis.kind, self.trial.outcome.kind)
        if isinstance(self.outcomes, LongitudinalTrials):
            return _read_visits(self, self.outcomes, analysis, seen)
        if isinstance(self.outcomes, Recurrences):
            return self._recurrent(self.outcomes, analysis)
        values = self.outcomes if seen is None else np.where(seen, self.outcomes, np.nan)
        return self._single(values, analysis)

    def values(self) -> Floats:
        """Return one number a participant (R, N), for a variance that needs no arms."""
        if isinstance(self.outcomes, LongitudinalTrials):
            return self.outcomes.outcomes[..., -1] - self.outcomes.baseline
        assert isinstance(self.outcomes, np.ndarray)
        return self.outcomes

    def covariates(self, analysis: AnalysisDeclared) -> Floats | None:
        """Return what an analysis adjusts for (R, N, P)."""
        people = self.people
        return adjusting_columns(self.trial, analysis, people.levels, self.register, people.rows)

    def _single(self, values: Floats, analysis: AnalysisDeclared) -> Estimates:
        arm, covariates = self.people.arm, self.covariates(analysis)
        match analysis.kind:
            case "risk_difference" | "g_computation":
                return fit_marginal(values, arm, covariates, family="binomial", analysis=analysis.label)
            case "log_odds_ratio":
                return fit_marginal(
                    values, arm, covariates, family="binomial", contrast="log_odds_ratio",
                    analysis=analysis.label,
                )  # fmt: skip
            case "negative_binomial":
                return fit_marginal(
                    values, arm, covariates, family="negative_binomial", contrast="log_ratio",
                    analysis=analysis.label,
                )  # fmt: skip
            case "proportional_odds":
                return proportional_odds_block(values, arm, covariates, analysis=analysis.label)
            case "probabilistic_index":
                found = probabilistic_index_block(values, arm, analysis=analysis.label)
                # Its null is one half; everything else here is held against a null of 0.
                return replace(found, estimate=found.estimate - 0.5)
            case "mean_score":
                return linear(values, arm, covariates, analysis)
            case _:
                raise unserved(analysis.kind, self.trial.outcome.kind)

    def _recurrent(self, outcomes: Recurrences, analysis: AnalysisDeclared) -> Estimates:
        if analysis.kind not in _OF_RECURRENCES:
            raise unserved(analysis.kind, self.trial.outcome.kind)
        read = _OF_RECURRENCES[analysis.kind]
        found = read(outcomes.times, outcomes.follow_up, self.people.arm, self.covariates(analysis))
        return replace(found, analysis=analysis.label)


def linear(
    values: Floats, arm: np.ndarray, covariates: Floats | None, analysis: AnalysisDeclared
) -> Estimates:
    """Return least squares, without the warning that the report gives once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsafeStandardErrorWarning)
        return fit_linear(
            values, arm, covariates, slopes=analysis.slopes, variance=analysis.variance,
            analysis=analysis.label,
        )  # fmt: skip


_OF_RECURRENCES: dict[str, Callable[..., Estimates]] = {
    "lwyy": lwyy_block,
    "negative_binomial": negative_binomial_events_block,
}
_OF_EVENTS: dict[str, Callable[[LongitudinalTrials], Estimates]] = {
    "mmrm_all_observed": mmrm_of_all_observed,
    "ancova_completers": ancova_of_completers,
    "ancova_all_observed": ancova_of_all_observed,
    "ancova_last_on_treatment": ancova_of_last_on_treatment,
    "jump_to_reference": jump_to_reference,
}


def _read_visits(
    sample: Sample, trials: LongitudinalTrials, analysis: AnalysisDeclared, seen: Bools | None
) -> Estimates:
    if seen is not None:
        # Whoever is not seen yet has no event, and no baseline that a later value could be taken from.
        trials = replace(
            trials,
            outcomes=np.where(seen[..., None], trials.outcomes, np.nan),
            cause=np.where(seen, trials.cause, -1),
            baseline=np.where(seen, trials.baseline, np.nan)
            if analysis.kind == "ancova_last_on_treatment"
            else trials.baseline,
        )
    factors = sample.covariates(analysis)
    baseline = trials.baseline[..., None]
    covariates = baseline if factors is None else np.concatenate([baseline, factors], axis=-1)
    match analysis.kind:
        case "unadjusted":
            change = trials.on_treatment[..., -1] - trials.baseline
            return linear(change, trials.arm, factors, analysis)
        case "ancova":
            return linear(trials.on_treatment[..., -1], trials.arm, covariates, analysis)
        case "mmrm":
            return replace(_mmrm(sample, trials, covariates), analysis=analysis.label)
        case "ancova_composite":
            failure = _visits_of(sample).failure
            assert failure is not None
            return replace(ancova_of_composite(failure)(trials), analysis=analysis.label)
        case _ if analysis.kind not in _OF_EVENTS:
            raise unserved(analysis.kind, sample.trial.outcome.kind)
    return replace(_OF_EVENTS[analysis.kind](trials), analysis=analysis.label)


def _visits_of(sample: Sample) -> ContinuousOutcome:
    outcome = sample.trial.outcome
    assert isinstance(outcome, ContinuousOutcome)
    return outcome


def _mmrm(sample: Sample, trials: LongitudinalTrials, covariates: Floats) -> Estimates:
    """MMRM of what was seen on treatment, in closed form where nothing is missed in between."""
    if _visits_of(sample).gaps:
        return fit_mmrm_block(trials.on_treatment, trials.arm, covariates, by_visit=True)
    ones = np.ones(trials.arm.shape)
    design = np.concatenate([np.stack([ones, trials.arm], axis=-1), covariates], axis=-1)
    found = monotone_block(trials.on_treatment, design)
    stuck = np.flatnonzero(found.status == found.reasons.index("singular_design"))
    if not len(stuck):
        return found
    # A level that nobody has at a late visit has no closed form.
    again = fit_mmrm_block(trials.on_treatment[stuck], trials.arm[stuck], covariates[stuck], by_visit=True)
    fitted = again.status == 0
    merged = {}
    for name in ("estimate", "standard_error", "df", "statistic", "p_value", "status"):
        merged[name] = getattr(found, name).copy()
        merged[name][stuck[fitted]] = getattr(again, name)[fitted]
    return replace(found, **merged)
