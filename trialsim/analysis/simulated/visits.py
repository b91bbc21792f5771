"""Analyses of a score at visits, each aiming at its own estimand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from trialsim.analysis.imputation import imputation_block
from trialsim.analysis.linear import fit_linear
from trialsim.analysis.linear.block import Slopes, Variance
from trialsim.analysis.predictions import aipw_block
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.analysis.repeated_measures.covariance_structures import SPATIAL
from trialsim.analysis.simulated.least_squares import least_squares
from trialsim.data import Estimates, Floats
from trialsim.registry.seen import SeenVisits


def unadjusted(seen: SeenVisits, *, slopes: Slopes = "common", variance: Variance = "hc3") -> Estimates:
    """Return the difference of mean changes at the last visit on treatment."""
    return least_squares(
        seen.on_treatment[..., -1] - seen.baseline, seen.arm, seen.covariates, slopes, variance
    )


def ancova(seen: SeenVisits, *, slopes: Slopes = "common", variance: Variance = "hc3") -> Estimates:
    """Return the difference at the last visit on treatment, given the baseline."""
    return least_squares(seen.on_treatment[..., -1], seen.arm, seen.with_baseline, slopes, variance)


def aipw(seen: SeenVisits) -> Estimates:
    """Return the difference at the last visit on treatment by cross-fitted AIPW, given the baseline.

    The score enters the linear model of each arm, which puts it on the scale of the outcome.
    """
    return aipw_block(seen.on_treatment[..., -1], seen.arm, seen.with_baseline)


def mmrm(
    seen: SeenVisits, *, covariance: str = "us", covariance_by: str = "all", errors: str = "model"
) -> Estimates:
    """MMRM of what was seen before any event: aims at the hypothetical estimand, and assumes MAR.

    In closed form where nothing is missed in between, the covariance is unstructured and the same in both
    arms, and errors are the model's. A score of each visit has a coefficient of its own there, for which
    there is no closed form.
    """
    values, covariates = seen.on_treatment, seen.with_baseline
    asked: dict[str, Any] = {
        "covariance": covariance,
        "times": seen.weeks if covariance in SPATIAL else None,
        "covariance_by": seen.arm if covariance_by == "arm" else None,
        "errors": errors,
    }
    if seen.scores is not None:
        return fit_mmrm_block(
            values, seen.arm, seen.without_scores, seen.scores, by_visit=True, scores_by_visit=True, **asked
        )  # fmt: skip
    if seen.gaps or (covariance, covariance_by, errors) != ("us", "all", "model"):
        return fit_mmrm_block(values, seen.arm, covariates, by_visit=True, **asked)
    ones = np.ones(seen.arm.shape)
    design = np.concatenate([np.stack([ones, seen.arm], axis=-1), covariates], axis=-1)
    found = monotone_block(values, design)
    stuck = np.flatnonzero(found.status == found.reasons.index("singular_design"))
    if not len(stuck):
        return found
    # A level that nobody has at a late visit has no closed form.
    again = fit_mmrm_block(values[stuck], seen.arm[stuck], covariates[stuck], by_visit=True)
    fitted = again.status == 0
    merged = {}
    for name in ("estimate", "standard_error", "df", "statistic", "p_value", "status"):
        merged[name] = getattr(found, name).copy()
        merged[name][stuck[fitted]] = getattr(again, name)[fitted]
    return replace(found, **merged)


def mmrm_all_observed(seen: SeenVisits) -> Estimates:
    """MMRM of all that was seen, also after events: aims at treatment policy, and assumes MAR."""
    return fit_mmrm_block(seen.outcomes, seen.arm, seen.baseline[..., None], by_visit=True)


def ancova_completers(seen: SeenVisits) -> Estimates:
    """ANCOVA of those without an event and with a last visit."""
    return _ancova(seen, seen.on_treatment[..., -1])


def ancova_all_observed(seen: SeenVisits) -> Estimates:
    """ANCOVA of everyone whose last visit was seen, also after an event."""
    return _ancova(seen, seen.outcomes[..., -1])


def ancova_last_on_treatment(seen: SeenVisits) -> Estimates:
    """ANCOVA of the last value before any event: aims at the while-on-treatment estimand.

    Whoever is not seen yet has no baseline either that a later value could be taken from.
    """
    baseline = seen.baseline if seen.known is None else np.where(seen.known, seen.baseline, np.nan)
    values = np.concatenate([baseline[..., None], seen.on_treatment], axis=-1)
    has = np.isfinite(values)
    last = values.shape[-1] - 1 - np.argmax(has[..., ::-1], axis=-1)
    outcome = np.take_along_axis(values, last[..., None], axis=-1)[..., 0]
    return fit_linear(outcome, seen.arm, baseline[..., None])


def ancova_composite(seen: SeenVisits) -> Estimates:
    """ANCOVA that gives everyone with an event the failure value."""
    assert seen.failure is not None
    return _ancova(seen, np.where(seen.cause >= 0, seen.failure, seen.outcomes[..., -1]))


def jump_to_reference(seen: SeenVisits) -> Estimates:
    """Conditional mean imputation as if on control from the event on, with the full jackknife."""
    design = np.stack([np.ones(seen.arm.shape), seen.arm, seen.baseline], axis=-1)
    return imputation_block(seen.on_treatment, design, strategy="J2R")


def _ancova(seen: SeenVisits, outcome: Floats) -> Estimates:
    return fit_linear(outcome, seen.arm, seen.baseline[..., None])
