"""Sandwich standard errors of every trial of a block: fitted by Newton's method, then judged one by one."""

from __future__ import annotations

import numpy as np

from trialsim.analysis.repeated_measures.block_kernel import prepared
from trialsim.analysis.repeated_measures.covariance_structures import Structure
from trialsim.analysis.repeated_measures.general.likelihood import padded_inverses
from trialsim.analysis.repeated_measures.general.sandwich import empirical_table
from trialsim.analysis.repeated_measures.newton import OK
from trialsim.analysis.repeated_measures.one_trial import analyse
from trialsim.data import Floats, Ints


def sandwich_rows(
    outcome: Floats,
    arm: Floats,
    covariates: Floats,
    scores: Floats,
    cell: Ints,
    contrast: Floats,
    structure: Structure,
    restricted: bool,
    tolerance: float,
    errors: str,
    table: Floats,
    status: Ints,
    counts: Floats,
) -> None:
    """Fit every trial whose status is still -1: fill in contrast, status, and the first two counts.

    Arguments as of `trialsim.analysis.repeated_measures.block_kernel.fit_block`; `errors` is one of
    `trialsim.analysis.repeated_measures.general.sandwich.KINDS`.
    """
    columns = len(contrast)
    for r, y in enumerate(outcome):
        status[r], counts[r, 0], counts[r, 1], z, centred = prepared(
            y, arm[r % len(arm)], covariates[r % len(covariates)], scores[r % len(scores)]
        )
        if status[r] != OK:
            continue
        status[r], _, coefficients, variance, sigma, _ = analyse(
            z, centred, cell, columns, structure, restricted, False, False, tolerance, contrast[None]
        )
        if status[r] != OK:
            continue
        x = np.zeros((*y.shape, columns))
        for row, visit in zip(*np.nonzero(cell >= 0), strict=True):
            x[:, visit, cell[row, visit]] += z[:, row]
        weights = padded_inverses(sigma[None], ~np.isnan(y))
        found, _ = empirical_table(x, centred, weights, coefficients, variance, contrast[None], errors)
        table[r, :3] = found[0]
