"""Analyses of recurrent events over follow-up."""

from __future__ import annotations

from trialsim.analysis.counts import negative_binomial_events_block
from trialsim.analysis.recurrent_events import lwyy_block
from trialsim.data import Estimates
from trialsim.registry.seen import SeenRecurrences


def lwyy(seen: SeenRecurrences) -> Estimates:
    """Return the log ratio of mean cumulative rates (Lin, Wei, Yang and Ying)."""
    return lwyy_block(seen.times, seen.follow_up, seen.arm, seen.covariates)


def negative_binomial(seen: SeenRecurrences) -> Estimates:
    """Return the log ratio of rates of a negative binomial, follow-up as the offset.

    A covariate's leverage makes the plain sandwich too small, as for `lwyy`.
    """
    return negative_binomial_events_block(
        seen.times, seen.follow_up, seen.arm, seen.covariates, variance="corrected"
    )
