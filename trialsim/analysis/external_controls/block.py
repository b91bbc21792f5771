"""Times to an event of a treated arm against outside controls, in thousands of trials at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.analysis.external_controls.cox_kernel import ATE, ATT, OVERLAP, REASONS, fit_weighted
from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.survival.block import read_block
from trialsim.analysis.survival.sweep import common_status
from trialsim.data import Estimates, Floats, for_kernel
from trialsim.errors import AnalysisError

_KINDS = {"att": ATT, "ate": ATE, "overlap": OVERLAP}


@dataclass(frozen=True)
class WeightedEstimates(Estimates):
    """Log hazard ratios of a block; the fields besides this are those of `trialsim.data.Estimates`.

    Parameters
    ----------
    effective_controls : ndarray (R,)
        Kish's effective number of outside controls, (Σw)²/Σw²; NaN where the weights failed.
    """

    effective_controls: Floats = field(kw_only=True)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a replicate, with the effective number of controls."""
        return super().to_frame().assign(effective_controls=self.effective_controls)


def external_controls_survival_block(
    time: ArrayLike, event: ArrayLike, arm: ArrayLike, covariates: ArrayLike, *, weights: str = "att"
) -> WeightedEstimates:
    """Estimate the weighted log hazard ratio against outside controls in every replicate of a block.

    Parameters
    ----------
    time, event : array (R, N)
        Follow-up, at least 0, and 1 for an event or 0 for censoring.
    arm : array (R, N)
        0 for outside controls, 1 for the treated arm.
    covariates : array (R, N, P)
        What the groups are made alike in, finite. One that the others determine adds nothing.
    weights : {"att", "ate", "overlap"}
        As in `weigh`; they have mean 1 in each arm. Entropy balancing is read by the data frame alone.

    Returns
    -------
    WeightedEstimates
        Log hazard ratio, treated over controls, by Cox regression on the arm (Breslow's ties), with the
        robust standard error in which the weights are estimated too: those of `external_controls_survival`.
        Replicates whose groups no weights balance, or whose ratio is infinite, have a status and no estimate.

    Raises
    ------
    AnalysisError
        If arrays or weights cannot be read.

    Examples
    --------
    >>> time, arm = [[5.0, 8, 9, 12, 2, 3, 4, 7, 6]], [[1, 1, 1, 1, 0, 0, 0, 0, 0]]
    >>> event, x = [[1, 0, 1, 1, 1, 1, 1, 1, 0]], [[[1.0], [1], [0], [0], [1], [0], [0], [1], [1]]]
    >>> found = external_controls_survival_block(time, event, arm, x)
    >>> found.estimate.round(4), found.effective_controls.round(2)
    (array([-1.9188]), array([4.8]))
    """
    if weights not in _KINDS:
        raise AnalysisError(
            f"must be one of {', '.join(_KINDS)} in simulated trials", field="weights", value=weights
        )
    block = read_block(time, event, arm, covariates=covariates)
    if block.covariates.shape[2] == 0:
        raise AnalysisError("are needed: without them nothing makes the groups alike", field="covariates")
    x = block.covariates - block.covariates.mean(axis=1, keepdims=True)
    scale = np.abs(x).max(axis=1, keepdims=True)
    x = x / np.where(scale > 0, scale, 1.0)
    z = for_kernel(np.concatenate([np.ones((*x.shape[:2], 1)), x], axis=2))
    R = len(z)
    status = common_status(block.event, block.arm)
    estimate, variance, size = (np.full(R, np.nan) for _ in range(3))
    fit_weighted(
        block.time, block.event, block.arm, z, block.order(), _KINDS[weights], status, estimate, variance,
        size,
    )  # fmt: skip
    found = normal_estimates(f"Cox, {weights} weights", estimate, np.sqrt(variance), status, REASONS)
    return WeightedEstimates(**vars(found), effective_controls=size)
