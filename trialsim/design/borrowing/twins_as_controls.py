"""Placebo twins in place of controls: a calibration gate first, then a discounted prior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtri

from trialsim.analysis.borrowing import NormalMixture
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class CalibrationEvidence:
    """Calibration of placebo twins in participants that their model did not see.

    Parameters
    ----------
    slope, slope_error : float
        Slope of outcome on twin, and its standard error.
    bias, bias_error : float
        Mean of outcome − twin, and its standard error, in the outcome's unit.
    pit_p_value : float
        p value of a test that probability integral transforms are uniform, in [0, 1].
    participants : int
        Held-out participants.
    residual_sd : float
        SD of outcome − twin, above 0.
    between_studies_sd : float
        SD of the bias over held-out studies, at least 0: what one more study may differ by.
    """

    slope: float
    slope_error: float
    bias: float
    bias_error: float
    pit_p_value: float
    participants: int
    residual_sd: float
    between_studies_sd: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.slope, self.slope_error, self.bias, self.bias_error, self.pit_p_value)
        if not all(math.isfinite(number) for number in numbers):
            raise DesignError("must hold finite numbers", field="calibration")
        if min(self.slope_error, self.bias_error) <= 0:
            raise DesignError("must be above 0", field="slope_error", value=self.slope_error)
        if not 0 <= self.pit_p_value <= 1:
            raise DesignError("must lie in [0, 1]", field="pit_p_value", value=self.pit_p_value)
        if not (self.residual_sd > 0 and self.between_studies_sd >= 0):
            raise DesignError("must be above 0", field="residual_sd", value=self.residual_sd)


@dataclass(frozen=True)
class CalibrationLimits:
    """What the gate asks for.

    Parameters
    ----------
    slope : float
        Largest distance of the slope from 1.
    least_slope : float
        The slope's lower 95 % bound must lie above it; below ½ the twins would do harm.
    bias : float
        Largest absolute bias at either 95 % bound, in residual SDs.
    pit_p_value : float
        Smallest p value of the uniformity test.
    participants : int
        Fewest held-out participants.
    """

    slope: float = 0.2
    least_slope: float = 0.5
    bias: float = 0.25
    pit_p_value: float = 0.01
    participants: int = 50


def calibration_failures(evidence: CalibrationEvidence, limits: CalibrationLimits) -> tuple[str, ...]:
    """Return every reason why twins may not stand in for controls; none if the gate is open.

    Parameters
    ----------
    evidence : CalibrationEvidence
        Slope, bias and spread of held-out placebo participants, with errors.
    limits : CalibrationLimits
        What each may be at most.

    Returns
    -------
    tuple of str
        One sentence for each limit that is not met.

    Examples
    --------
    >>> good = CalibrationEvidence(0.97, 0.05, 0.02, 0.03, 0.4, 400, 1.0)
    >>> calibration_failures(good, CalibrationLimits())
    ()
    """
    z = float(ndtri(0.975))
    lower = evidence.slope - z * evidence.slope_error
    bias = (abs(evidence.bias) + z * evidence.bias_error) / evidence.residual_sd
    checks = (
        (
            evidence.participants >= limits.participants,
            f"{evidence.participants} held-out participants, fewer than {limits.participants}",
        ),
        (
            abs(evidence.slope - 1) <= limits.slope,
            f"calibration slope {evidence.slope:.3f}, more than {limits.slope:g} off 1",
        ),
        (
            lower > limits.least_slope,
            f"lower 95 % bound of the calibration slope {lower:.3f}, not above {limits.least_slope:g}",
        ),
        (bias <= limits.bias, f"bias of up to {bias:.3f} residual SDs, above {limits.bias:g}"),
        (
            evidence.pit_p_value >= limits.pit_p_value,
            f"probability integral transforms not uniform (p = {evidence.pit_p_value:.3g})",
        ),
    )
    return tuple(reason for passed, reason in checks if not passed)


@dataclass(frozen=True)
class VirtualControls(InNotebook):
    """What a trial's placebo twins are worth as controls.

    Parameters
    ----------
    mean : float
        Mean of the control arm that the twins predict.
    parts : dict of str to float
        Variances of that mean by source: model, bias, study, slope.
    residual_variance : float
        Variance of one participant's outcome around their twin.
    evidence : CalibrationEvidence
        That opened the gate.
    """

    mean: float
    parts: dict[str, float]
    residual_variance: float
    evidence: CalibrationEvidence

    @property
    def variance(self) -> float:
        """Variance of the predicted control mean, prediction error discounted."""
        return sum(self.parts.values())

    @property
    def effective_controls(self) -> float:
        """Virtual controls: concurrent participants whose adjusted mean would have that variance."""
        return self.residual_variance / self.variance

    def prior(self, vague_weight: float) -> NormalMixture:
        """Return a robust prior of the control mean; see `vague_weight_from_calibration`."""
        unit = math.sqrt(self.residual_variance)
        return NormalMixture(1, self.mean, math.sqrt(self.variance), unit).robust(vague_weight)

    def borrowed_controls(self, estimate: float, controls: int, vague_weight: float) -> float:
        """Return controls borrowed once concurrent ones are seen, ``n0 (V_without/V_with − 1)``.

        Parameters
        ----------
        estimate : float
            Score-adjusted mean of the concurrent controls.
        controls : int
            Concurrent controls n0.
        vague_weight : float
            Of the robust prior.
        """
        if controls < 1:
            raise DesignError("must be at least 1", field="controls", value=controls)
        alone = self.residual_variance / controls
        posterior = self.prior(vague_weight).posterior(estimate, math.sqrt(alone))
        return float(controls * (alone / posterior.sd() ** 2 - 1))

    def to_frame(self) -> pd.DataFrame:
        """Return the variance of the predicted mean by source."""
        frame = pd.DataFrame({"source": list(self.parts), "variance": list(self.parts.values())})
        frame["share"] = frame["variance"] / self.variance
        return frame

    def __str__(self) -> str:
        return (
            f"virtual controls: mean {self.mean:.4g}, SD of the mean {math.sqrt(self.variance):.4g}, worth "
            f"{self.effective_controls:.1f} controls\n{self.to_frame().round(5).to_string(index=False)}"
        )

    def plot(self) -> go.Figure:
        """Draw where the uncertainty of the predicted mean comes from."""
        import plotly.graph_objects as go

        figure = go.Figure(go.Bar(x=list(self.parts), y=list(self.parts.values())))
        figure.update_layout(xaxis_title="source", yaxis_title="variance of the predicted control mean")
        return figure


def virtual_controls(
    draws: ArrayLike,
    evidence: CalibrationEvidence,
    *,
    score_shift: float = 0.0,
    limits: CalibrationLimits | None = None,
) -> VirtualControls:
    """Return what placebo twins are worth as controls, if their calibration lets them be used at all.

    Parameters
    ----------
    draws : array_like (D, N)
        Posterior predictive draws of the placebo outcome of every trial participant, at least 100 draws.
        A draw must share its parameters over participants: their error does not average out.
    evidence : CalibrationEvidence
        From participants that the model did not see.
    score_shift : float
        Mean twin of the trial minus mean twin of the history, in the outcome's unit.
    limits : CalibrationLimits, optional
        Of the gate.

    Returns
    -------
    VirtualControls
        Mean of the twins, the parts of its variance, and the controls that it is worth.

    Raises
    ------
    DesignError
        If the gate stays shut, with every reason, or the draws cannot be used.

    Notes
    -----
    The mean over participants of each draw has variance `model`. To it come bias² + se² (`bias`), the
    variance of the bias between studies (`study`) and ``((1 − slope) × shift)²`` (`slope`). The bias is
    discounted, not subtracted: what was seen in held-out studies need not hold in this one.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> twins = rng.normal(0, 0.05, (500, 1)) + rng.normal(0, 1, (500, 200))
    >>> print(virtual_controls(twins, CalibrationEvidence(1.0, 0.05, 0.0, 0.03, 0.4, 400, 1.0, 0.1)))
    virtual controls: mean ..., SD of the mean 0.13..., worth 5... controls
    source  variance    share
     model ...
    """
    y = np.asarray(draws, dtype=float)
    if y.ndim != 2 or len(y) < 100 or y.shape[1] < 2 or not np.isfinite(y).all():
        raise DesignError(
            "must be finite, draws by participants, with at least 100 draws", field="draws", value=y.shape
        )
    if not math.isfinite(score_shift):
        raise DesignError("must be a finite number", field="score_shift", value=score_shift)
    failures = calibration_failures(evidence, CalibrationLimits() if limits is None else limits)
    if failures:
        raise DesignError(
            "twins may not stand in for controls: " + "; ".join(failures),
            field="calibration",
            mend="use the twins for prognostic adjustment, which is protected by randomisation",
        )
    means = y.mean(axis=1)
    parts = {
        "model": float(means.var(ddof=1)),
        "bias": evidence.bias**2 + evidence.bias_error**2,
        "study": evidence.between_studies_sd**2,
        "slope": ((1 - evidence.slope) * score_shift) ** 2,
    }
    return VirtualControls(float(means.mean()), parts, evidence.residual_sd**2, evidence)
