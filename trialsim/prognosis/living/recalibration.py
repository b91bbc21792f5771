"""Recalibration of twins on interim data: a straight line for the predicted change, not a new model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import f as fisher
from scipy.stats import t as student

from trialsim.data import Floats, History, Twins
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.histories.strangers import require_strangers

FEWEST = 20
LEVEL = 0.05
Source = Literal["control", "blinded"]


@dataclass(frozen=True)
class Recalibration(InNotebook):
    """A straight line from the predicted to the observed change from baseline, at one visit.

    Parameters
    ----------
    week : float
        The visit.
    source : str
        ``control``, or ``blinded``: both arms together, their labels unseen.
    participants : int
        With twin and outcome.
    intercept, slope : float
        Observed change = intercept + slope x predicted change.
    intercept_interval, slope_interval : tuple of float
        95 % intervals, t distribution. The two are strongly correlated where predicted changes differ little:
        each alone can hold its value though both together are far off.
    bias : float
        Mean of observed minus predicted change: calibration in the large.
    bias_interval : tuple of float
        95 % interval, t distribution.
    joint_p : float
        p value of the F test that the intercept is 0 and the slope is 1.
    residual_sd : float
        Around the line, in points.
    covariance : ndarray (2, 2)
        Of intercept and slope.
    note : str
        What the line means given its source.
    """

    week: float
    source: Source
    participants: int
    intercept: float
    slope: float
    intercept_interval: tuple[float, float]
    slope_interval: tuple[float, float]
    bias: float
    bias_interval: tuple[float, float]
    joint_p: float
    residual_sd: float
    covariance: Floats
    note: str

    @property
    def needed(self) -> bool:
        """Whether intercept 0 and slope 1 are refuted together, at 5 %.

        That they are not is no proof that the twins are right: the intervals say what else they may be.
        """
        return self.joint_p < LEVEL

    def to_frame(self) -> pd.DataFrame:
        """Return bias, intercept and slope with their intervals, and the p value of both together."""
        rows = {
            "observed minus predicted (0 if calibrated)": (self.bias, *self.bias_interval),
            "intercept (0 if calibrated)": (self.intercept, *self.intercept_interval),
            "slope (1 if calibrated)": (self.slope, *self.slope_interval),
            "p of intercept 0 and slope 1": (self.joint_p, np.nan, np.nan),
        }
        frame = pd.DataFrame(rows.values(), columns=["estimate", "low_95", "high_95"])
        frame.insert(0, "figure", list(rows))
        return frame

    def apply(self, twins: Twins, baseline: Floats) -> Twins:
        """Return the twins of the line's week with score and standard deviation of the line.

        The new standard deviation is that of a prediction from the line: residual variance plus the
        variance of the line at the participant's predicted change.

        Raises
        ------
        HistoryError
            The twins do not have the line's week.
        """
        predicted = twins.score[:, _position(twins, self.week)] - baseline
        rows = np.column_stack([np.ones_like(predicted), predicted])
        variance = self.residual_sd**2 + ((rows @ self.covariance) * rows).sum(axis=1)
        score = baseline + self.intercept + self.slope * predicted
        return Twins(np.array([self.week]), score[:, None], np.sqrt(variance)[:, None])


NOTES: dict[Source, str] = {
    "control": "Concurrent controls: the line is that of placebo.",
    "blinded": "Both arms together: the intercept holds the treated share of any effect, and the slope is an "
    "average over the arms. Neither says anything about the effect.",
}


def recalibrate(
    outcome: Floats, baseline: Floats, twins: Twins, week: float, source: Source = "control"
) -> Recalibration:
    """Fit the line by least squares.

    Parameters
    ----------
    outcome : ndarray (N,)
        Observed at `week`, in points; NaN where missing.
    baseline : ndarray (N,)
        Measured baseline.
    twins : Twins
        Of the same participants, at baseline.
    week : float
        One of the twins' weeks.
    source : str
        ``control`` or ``blinded``.

    Returns
    -------
    Recalibration
        Intercept and slope with errors, and the recalibrated twins.

    Raises
    ------
    HistoryError
        Fewer than 20 participants, predictions that do not differ, or a week that the twins do not have.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> score = rng.normal(0.0, 1.0, (60, 1))
    >>> twins = Twins(np.array([12.0]), score, np.ones((60, 1)), None)
    >>> outcome = 20.0 + 1.0 + 2.0 * score[:, 0] + rng.normal(0.0, 0.1, 60)
    >>> found = recalibrate(outcome, np.full(60, 20.0), twins, 12.0)
    >>> round(found.slope, 1)
    2.0
    """
    if source not in NOTES:
        raise HistoryError(
            "says who is in the interim data", field="source", value=source, mend="give control or blinded"
        )
    column = _position(twins, week)
    kept = np.isfinite(outcome) & np.isfinite(baseline)
    n = int(kept.sum())
    if n < FEWEST:
        raise HistoryError(
            f"{n} participants with an outcome at week {week:g} are too few to recalibrate twins",
            field="interim",
            mend=f"wait for {FEWEST}",
        )
    y = (outcome - baseline)[kept]
    x = (twins.score[:, column] - baseline)[kept]
    if np.ptp(x) < 1e-9 * (1 + np.abs(x).max()):
        raise HistoryError(
            "the twins predict the same change for everybody, so that no slope can be judged",
            field="twins",
            mend="use a prognosis with covariates that tell participants apart",
        )
    design = np.column_stack([np.ones(n), x])
    inverse = np.linalg.inv(design.T @ design)
    line = inverse @ design.T @ y
    residual = y - design @ line
    variance = float(residual @ residual) / (n - 2)
    half = student.ppf(0.975, n - 2) * np.sqrt(variance * np.diag(inverse))
    missed = y - x
    bias, bias_half = float(missed.mean()), float(student.ppf(0.975, n - 1) * missed.std(ddof=1) / np.sqrt(n))
    # The line is the better of two fits: without it, the residual squares are those of `missed`.
    ratio = (float(missed @ missed) - float(residual @ residual)) / 2 / variance
    return Recalibration(
        week=week,
        source=source,
        participants=n,
        intercept=float(line[0]),
        slope=float(line[1]),
        intercept_interval=(float(line[0] - half[0]), float(line[0] + half[0])),
        slope_interval=(float(line[1] - half[1]), float(line[1] + half[1])),
        bias=bias,
        bias_interval=(bias - bias_half, bias + bias_half),
        joint_p=float(fisher.sf(ratio, 2, n - 2)),
        residual_sd=float(np.sqrt(variance)),
        covariance=variance * inverse,
        note=NOTES[source],
    )


def _position(twins: Twins, week: float) -> int:
    """Return where a week stands among those of twins."""
    where = np.flatnonzero(twins.weeks == week)
    if not where.size:
        raise HistoryError(
            f"the twins have no week {week:g}", field="weeks", mend="predict the week of the line"
        )
    return int(where[0])


def add_interim(history: History, interim: History) -> History:
    """Return the history with concurrent controls added as a further group, for a refit.

    Parameters
    ----------
    history : History
        What the twins were learnt from.
    interim : History
        Concurrent controls of the running trial.

    Returns
    -------
    History
        Its last group are the concurrent controls.

    Raises
    ------
    HistoryError
        Endpoint, covariates or weeks differ, or participants stand in both.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> len(add_interim(history.take(np.arange(40)), history.take(np.arange(40, 60))))
    60
    """
    for field, mine, theirs in (
        ("endpoint", history.endpoint, interim.endpoint),
        ("covariates", history.covariates.names, interim.covariates.names),
        ("weeks", history.weeks.tolist(), interim.weeks.tolist()),
    ):
        if mine != theirs:
            raise HistoryError(
                f"the interim data have another {field} than the history",
                field=field,
                mend="read both with the same protocol",
            )
    require_strangers(history, interim)
    return History(
        endpoint=history.endpoint,
        source=f"{history.source} and {len(interim)} concurrent controls from {interim.source}",
        generated=history.generated or interim.generated,
        covariates=type(history.covariates)(
            history.covariates.names,
            np.concatenate([history.covariates.values, interim.covariates.values]),
        ),
        weeks=history.weeks,
        baseline=np.concatenate([history.baseline, interim.baseline]),
        outcomes=np.concatenate([history.outcomes, interim.outcomes]),
        group=np.concatenate([history.group, np.full(len(interim), history.group.max() + 1)]),
    )
