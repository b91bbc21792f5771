"""Analyses of one number a participant: a response, an ordered level or a count."""

from __future__ import annotations

from dataclasses import replace

from trialsim.analysis.linear.block import Slopes, Variance
from trialsim.analysis.marginal import fit_marginal
from trialsim.analysis.ordinal import probabilistic_index_block, proportional_odds_block
from trialsim.analysis.predictions import aipw_block
from trialsim.analysis.simulated.least_squares import least_squares
from trialsim.data import Estimates
from trialsim.registry.seen import SeenValues


def risk_difference(seen: SeenValues) -> Estimates:
    """Return the difference of responses, standardised over what is adjusted for."""
    return fit_marginal(seen.values, seen.arm, seen.covariates, family="binomial")


g_computation = risk_difference


def aipw(seen: SeenValues) -> Estimates:
    """Return the difference of responses by cross-fitted AIPW, a linear model of what is adjusted for."""
    return aipw_block(seen.values, seen.arm, seen.covariates)


def log_odds_ratio(seen: SeenValues) -> Estimates:
    """Return the marginal log odds ratio of a response."""
    return fit_marginal(seen.values, seen.arm, seen.covariates, family="binomial", contrast="log_odds_ratio")


def negative_binomial(seen: SeenValues) -> Estimates:
    """Return the log ratio of mean counts, standardised over what is adjusted for."""
    return fit_marginal(
        seen.values, seen.arm, seen.covariates, family="negative_binomial", contrast="log_ratio", test="score"
    )


def proportional_odds(seen: SeenValues) -> Estimates:
    """Return the log odds ratio of a higher level, given what is adjusted for."""
    return proportional_odds_block(seen.values, seen.arm, seen.covariates)


def probabilistic_index(seen: SeenValues) -> Estimates:
    """Return the probability of a higher level on active, less one half: held against a null of 0."""
    found = probabilistic_index_block(seen.values, seen.arm)
    return replace(found, estimate=found.estimate - 0.5)


def mean_score(seen: SeenValues, *, slopes: Slopes = "common", variance: Variance = "hc3") -> Estimates:
    """Return the difference of mean levels, by least squares."""
    return least_squares(seen.values, seen.arm, seen.covariates, slopes, variance)
