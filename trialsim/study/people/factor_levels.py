"""Levels of the stratification factors of people with covariates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trialsim.data import Floats, Ints
from trialsim.protocol.declared import DeclaredTrial


def factor_levels(trial: DeclaredTrial, size: int, column: Callable[[str], Floats]) -> Ints:
    """Return the level (M, F) of each factor of M people; who lacks the covariate has that of the mean.

    Parameters
    ----------
    trial : DeclaredTrial
        Its factors have a covariate and cuts each.
    size : int
        M.
    column : callable
        From a name to the covariate (M,).
    """
    levels = np.zeros((size, len(trial.strata)), dtype=np.int64)
    for position, factor in enumerate(trial.strata):
        assert factor.covariate is not None
        values = column(factor.covariate)
        values = np.where(np.isnan(values), np.nanmean(values), values)
        levels[:, position] = np.searchsorted(np.asarray(factor.cuts), values, side="right")
    return levels
