"""A prior that trusts the placebo twins no more than their calibration in held-out studies allows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from trialsim.data import Floats
from trialsim.design.borrowing.control_question import ControlQuestion
from trialsim.design.borrowing.normal import (
    VAGUE_WEIGHTS,
    RobustMap,
    require_not_negative,
    require_unit,
)
from trialsim.design.borrowing.question import BorrowingMethod
from trialsim.errors import DesignError


@dataclass(frozen=True)
class TwinInformedPrior(RobustMap):
    """Robust prior centred on the trial's average placebo twin, discounted by the twins' calibration.

    The informative part has variance ``v_H + ω² + ((1 − b) δ_M)²``: the history's own error, the SD ω
    (`between_sd`) of calibration in the large over held-out studies, and what a slope b off 1 does to a
    trial whose mean score differs by δ_M. The vague part weighs at least what the calibration in the large
    leaves in doubt, see `vague_weight_from_calibration`: no setting trusts the twins more than that.

    Parameters
    ----------
    vague_weight : float
        Weight of the vague part, in (0, 1]; `calibration_weight` counts where that is larger.
    calibration_slope : float
        b of outcome on score in held-out studies.
    score_shift : float
        δ_M, plausible difference of the trial's mean score from the history's, in SD of the outcome.
    calibration_weight : float
        Least weight of the vague part, in (0, 1]: of `vague_weight_from_calibration`; one half, which that
        gives where no study was held out, unless given.

    Examples
    --------
    >>> TwinInformedPrior(vague_weight=0.2).held_weight, TwinInformedPrior(vague_weight=0.8).held_weight
    (0.5, 0.8)
    """

    name: str = "twin-informed prior"
    vague_weight: float = 0.2
    between_sd: float = 0.05
    calibration_slope: float = 1.0
    score_shift: float = 0.25
    calibration_weight: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_unit("calibration_weight", self.calibration_weight)
        require_not_negative("score_shift", self.score_shift)
        if not math.isfinite(self.calibration_slope):
            raise DesignError(
                "must be a finite number", field="calibration_slope", value=self.calibration_slope
            )

    @property
    def held_weight(self) -> float:
        """Weight of the vague part: what was asked for, but no less than the calibration leaves in doubt."""
        return max(self.vague_weight, self.calibration_weight)

    def candidates(self) -> tuple[BorrowingMethod, ...]:
        """Return weights of the vague part from what the calibration leaves in doubt upwards."""
        first = replace(self, vague_weight=self.calibration_weight)
        above = [w for w in VAGUE_WEIGHTS if w > self.calibration_weight]
        return (first, *(replace(self, vague_weight=w) for w in above))

    def informative_variance(self, question: ControlQuestion) -> float:
        """Return the variance of the informative part."""
        off = (1 - self.calibration_slope) * self.score_shift * question.sd
        return super().informative_variance(question) + off**2

    @property
    def setting(self) -> str:
        """Setting of the prior, in words."""
        return f"{super().setting}, calibration slope {self.calibration_slope:g}"


def vague_weight_from_calibration(bias: Floats, standard_error: Floats) -> float:
    """Return a weight of the vague part from the calibration in the large of held-out studies.

    Share of studies whose mean error lies outside its own 95 % limits, ``(k + ½)/(H + 1)``, so that few
    studies never earn full trust.

    Parameters
    ----------
    bias, standard_error : ndarray (H,)
        Mean error of the twins in each held-out study, and its standard error.

    Returns
    -------
    float
        In (0, 1).

    Raises
    ------
    DesignError
        Biases and errors of different numbers of studies, or an error that is not above 0.

    Examples
    --------
    >>> round(vague_weight_from_calibration(np.array([0.1, -0.4, 0.0]), np.array([0.1, 0.1, 0.1])), 4)
    0.375
    """
    b, se = np.atleast_1d(np.asarray(bias, float)), np.atleast_1d(np.asarray(standard_error, float))
    if len(b) != len(se) or len(b) == 0 or not (np.isfinite(b).all() and (se > 0).all()):
        raise DesignError("needs finite biases and as many standard errors above 0", field="bias")
    return float(((np.abs(b) > 1.959964 * se).sum() + 0.5) / (len(b) + 1))
