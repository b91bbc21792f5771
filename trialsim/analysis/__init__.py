"""How a trial is read: estimators that serve one data set and a block of simulated trials alike."""

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.monotone import MonotoneFit, fit_monotone, monotone_block, monotone_moments

__all__ = [
    "MonotoneFit",
    "fit_linear",
    "fit_monotone",
    "monotone_block",
    "monotone_moments",
]
