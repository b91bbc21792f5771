"""Intercept and slope of observed on predicted outcomes: 0 and 1 where calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit

from trialsim.data import Floats

_STEPS = 50
_CLOSE = 1e-9


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
    """Return the line of a logistic or a Poisson regression of y on x by Newton's method.

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
    >>> line = calibration_line(np.array([-1.0, 0.0, 1.0]), np.exp([-1.0, 0.0, 1.0]), "log")
    >>> round(line.intercept, 6), round(line.slope, 6)
    (0.0, 1.0)
    """
    design = np.column_stack([np.ones_like(x), x])
    line = np.array([0.0, 1.0])
    unknown = Line(float("nan"), float("nan"), float("nan"))
    for _ in range(_STEPS):
        mean, variance = _moments(design @ line + offset, link)
        gradient = design.T @ (y - mean)
        information = (design * variance[:, None]).T @ design
        if not np.isfinite(information).all():
            return unknown
        if np.abs(gradient).max() < _CLOSE * max(len(y), y.sum()):
            scores = _sum_by(design * (y - mean)[:, None], cluster)
            inverse = np.linalg.pinv(information, hermitian=True)
            spread = inverse @ scores.T @ scores @ inverse
            return Line(float(line[0]), float(line[1]), float(np.sqrt(spread[1, 1])))
        line = line + np.linalg.lstsq(information, gradient, rcond=None)[0]
    return unknown


def _moments(eta: Floats, link: str) -> tuple[Floats, Floats]:
    if link == "logit":
        p = expit(eta)
        return p, p * (1 - p)
    with np.errstate(over="ignore"):
        mean = np.exp(eta)
    return mean, mean


def _sum_by(rows: Floats, cluster: Floats | None) -> Floats:
    if cluster is None:
        return rows
    labels, position = np.unique(cluster, return_inverse=True)
    total = np.zeros((len(labels), rows.shape[1]))
    np.add.at(total, position, rows)
    return total
