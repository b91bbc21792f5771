"""How good the twins are in a target population: calibration and mean change under weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.transport.weights import kish
from trialsim.prognosis.validation.longitudinal import LEVELS, CrossValidation
from trialsim.prognosis.validation.subgroups import SMALLEST_CELL

_FIGURES = ("predicted", "change", "change_se", "bias", "bias_se", "slope", "slope_se")
_COVERAGE = ("coverage", "coverage_low", "coverage_high")


@dataclass(frozen=True)
class TransportedCalibration(InNotebook):
    """Out-of-fold twins judged with weights that make the history look like a target population.

    Weights are taken as given: what is uncertain in them is in no standard error. They carry over what
    the weighted covariates explain, and nothing that differs between the populations beside them.

    Parameters
    ----------
    weeks : ndarray (V,)
        Visits.
    observed : ndarray of int (V,)
        Participants observed.
    effective : ndarray (V,)
        Kish effective number of those.
    shown : ndarray of bool (V,)
        Whether the effective number is 11 or more; below that every figure is NaN, because few participants
        would be all of it.
    predicted, change, change_se : ndarray (V,)
        Weighted mean change from baseline of the twins and of the outcomes of those observed, in points, and
        the latter's standard error. Changes, because those who are still observed started elsewhere than all.
    bias, bias_se : ndarray (V,)
        Weighted mean of outcome minus score.
    slope, slope_se : ndarray (V,)
        Weighted regression of the observed on the predicted change from baseline; 1 where calibrated.
    levels : ndarray (L,)
        .5, .8 and .95.
    coverage, coverage_low, coverage_high : ndarray (L, V)
        Weighted share of outcomes inside the central predictive interval, and its 95 % interval: that of
        Clopper and Pearson with the effective number of participants (Korn and Graubard 1998).
    """

    weeks: Floats
    observed: Ints
    effective: Floats
    shown: Bools
    predicted: Floats
    change: Floats
    change_se: Floats
    bias: Floats
    bias_se: Floats
    slope: Floats
    slope_se: Floats
    levels: Floats
    coverage: Floats
    coverage_low: Floats
    coverage_high: Floats

    def to_frame(self) -> pd.DataFrame:
        """Return one row a visit."""
        names = ("observed", "effective", "bias", "bias_se", "slope", "slope_se")
        columns = {"week": self.weeks} | {name: getattr(self, name) for name in names}
        for row, level in enumerate(self.levels):
            percent = f"coverage_{100 * level:.0f}"
            columns[percent] = self.coverage[row]
            columns[f"{percent}_low"] = self.coverage_low[row]
            columns[f"{percent}_high"] = self.coverage_high[row]
        return pd.DataFrame(columns)


def calibrate_transported(cv: CrossValidation, weights: Floats) -> TransportedCalibration:
    """Return the calibration and the mean change of out-of-fold twins in a target population.

    With weights w and errors e = outcome - score the bias is ``sum w e / sum w``, its standard error
    ``sqrt(n / (n - 1) sum w^2 (e - bias)^2) / sum w``; the slope is that of weighted least squares with the
    sandwich standard error.

    Parameters
    ----------
    cv : CrossValidation
        Twins of N participants that the fits have not seen.
    weights : ndarray (N,)
        Of the same participants, 0 or more, as `balance_to_table` or `inverse_odds` gives them of
        ``history.take(cv.rows)``.

    Returns
    -------
    TransportedCalibration
        Bias, slope and mean change with their errors, by visit.

    Raises
    ------
    HistoryError
        Not one weight a participant, or one that is none.

    Examples
    --------
    >>> from trialsim.prognosis.validation.longitudinal import CrossValidation
    >>> rng = np.random.default_rng(1)
    >>> score, none = rng.normal(0.0, 1.0, (90, 1)), np.zeros(90, dtype=int)
    >>> cv = CrossValidation(
    ...     weeks=np.array([24.0]), rows=np.arange(90), fold=none, baseline=np.zeros(90),
    ...     outcomes=score + 1.0, score=score, sd=np.ones((90, 1)), pit=rng.uniform(size=(90, 1)),
    ...     max_rhat=np.ones(1), min_ess=np.full(1, 400.0), fits=np.ones(1),
    ... )
    >>> calibrate_transported(cv, np.ones(90)).bias.round(6)
    array([1.])
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(cv),) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise HistoryError(
            f"needs one weight of 0 or more for each of {len(cv)} participants",
            field="weights",
            value=weights.shape,
            mend="weigh the participants that the twins were judged on, history.take(cv.rows)",
        )
    seen = np.isfinite(cv.outcomes) & (weights > 0)[:, None]
    effective = np.array([kish(weights[on]) if on.any() else 0.0 for on in seen.T])
    shown = effective >= SMALLEST_CELL
    found = np.full((len(_FIGURES), len(cv.weeks)), np.nan)
    coverage = np.full((len(_COVERAGE), len(LEVELS), len(cv.weeks)), np.nan)
    for visit in np.flatnonzero(shown):
        on = seen[:, visit]
        w, outcome, score = weights[on], cv.outcomes[on, visit], cv.score[on, visit]
        baseline = cv.baseline[on]
        found[0, visit] = np.average(score - baseline, weights=w)
        found[1:3, visit] = _mean(outcome - baseline, w)
        found[3:5, visit] = _mean(outcome - score, w)
        found[5:7, visit] = _slope(score - baseline, outcome - baseline, w)
        inside = np.abs(cv.pit[on, visit] - 0.5)
        share = np.array([np.average(inside <= level / 2, weights=w) for level in LEVELS])
        coverage[:, :, visit] = share, *_effective_interval(share, effective[visit])
    named = dict(zip(_FIGURES, found, strict=True)) | dict(zip(_COVERAGE, coverage, strict=True))
    return TransportedCalibration(
        weeks=cv.weeks,
        observed=seen.sum(axis=0),
        effective=effective,
        shown=shown,
        levels=np.array(LEVELS),
        **named,
    )


def _mean(values: Floats, w: Floats) -> tuple[float, float]:
    """Return a weighted mean and its standard error."""
    mean = float(np.average(values, weights=w))
    square = float((w**2 * (values - mean) ** 2).sum()) * len(w) / (len(w) - 1)
    return mean, float(np.sqrt(square) / w.sum())


def _slope(x: Floats, y: Floats, w: Floats) -> tuple[float, float]:
    """Return the slope of weighted least squares and its sandwich standard error; NaN where x is constant."""
    centred = x - np.average(x, weights=w)
    square = float((w * centred**2).sum())
    if np.ptp(x) < 1e-9 * (1 + np.abs(x).max()):
        return float("nan"), float("nan")
    slope = float((w * centred * y).sum()) / square
    residual = y - np.average(y, weights=w) - slope * centred
    spread = float(((w * centred * residual) ** 2).sum()) * len(w) / (len(w) - 2)
    return slope, float(np.sqrt(spread)) / square


def _effective_interval(share: Floats, effective: float) -> tuple[Floats, Floats]:
    """Return exact binomial limits of shares (L,) of an effective number of participants."""
    inside, outside = share * effective, (1 - share) * effective
    low = np.where(inside > 0, beta.ppf(0.025, np.maximum(inside, 1e-9), outside + 1), 0.0)
    high = np.where(outside > 0, beta.ppf(0.975, inside + 1, np.maximum(outside, 1e-9)), 1.0)
    return low, high
