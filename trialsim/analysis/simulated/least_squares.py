"""Least squares without the warning that a report of simulated trials gives once."""

from __future__ import annotations

import warnings

import numpy as np

from trialsim.analysis.linear import UnsafeStandardErrorWarning, fit_linear
from trialsim.analysis.linear.block import Slopes, Variance
from trialsim.data import Estimates, Floats


def least_squares(
    values: Floats, arm: np.ndarray, covariates: Floats | None, slopes: Slopes, variance: Variance
) -> Estimates:
    """Return least squares (R,) with one slope for both arms or one each, and a kind of variance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsafeStandardErrorWarning)
        return fit_linear(values, arm, covariates, slopes=slopes, variance=variance)
