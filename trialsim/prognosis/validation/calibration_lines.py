"""Intercept and slope of observed on predicted outcomes: 0 and 1 where calibrated."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialsim.data import Floats

_STEPS = 100
_CLOSE = 1e-10


@dataclass(frozen=True)
class Line:
    """A calibration line; NaN where observations have none, such as a single kind of response."""

    intercept: float
    slope: float
    slope_se: float


def calibration_line(
    x: Floats,
    y: Floats,
    link: Literal["logit", "log"],
    offset: Floats | float = 0.0,
    cluster: Floats | None = None,
) -> Line:
    """Return the line of a logistic or a Poisson regression of y on x, by statsmodels.

    The standard error of the slope is a sandwich, so that counts may vary more than Poisson ones and
    several rows may belong to one participant.

    Parameters
    ----------
    x : ndarray (M,)
        Predictions on the scale of the link.
    y : ndarray (M,)
        Observations.
    link : {"logit", "log"}
        Logistic or Poisson.
    offset : ndarray (M,), optional
        Of the linear predictor.
    cluster : ndarray (M,), optional
        Participant of each row; every row is one if not given.

    Examples
    --------
    >>> line = calibration_line(np.array([-1.0, 0.0, 1.0]), 2 * np.exp([-1.0, 0.0, 1.0]), "log")
    >>> round(line.intercept, 6), round(line.slope, 6)
    (0.693147, 1.0)
    """
    from statsmodels.genmod.families import Binomial, Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    unknown = Line(float("nan"), float("nan"), float("nan"))
    if not y.any() or (link == "logit" and y.all()):
        return unknown
    design = np.column_stack([np.ones_like(x), x])
    family = Binomial() if link == "logit" else Poisson()
    model = GLM(y, design, family=family, offset=np.broadcast_to(offset, y.shape))
    groups = np.arange(len(y)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    sandwich = {"groups": groups, "use_correction": False, "df_correction": False}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # What statsmodels warns of, responses that are told apart completely and rates beyond a double, has
        # no line: it shows in the fit.
        warnings.simplefilter("ignore")
        fit = model.fit(
            maxiter=_STEPS, tol=_CLOSE, tol_criterion="params", cov_type="cluster", cov_kwds=sandwich
        )
    parted = link == "logit" and np.allclose(fit.mu, y)
    if parted or not fit.converged or not np.isfinite([*fit.params, *fit.bse]).all():
        return unknown
    return Line(float(fit.params[0]), float(fit.params[1]), float(fit.bse[1]))
