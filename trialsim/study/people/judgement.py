"""Whether scores are honest on participants that nobody learnt from: slope, coverage, uniform transforms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats
from trialsim.prognosis import Calibration, CrossValidation
from trialsim.prognosis.validation import OutcomeValidation
from trialsim.prognosis.validation.calibration_lines import calibration_line

# Fixed beforehand: a slope so far from 1, or a coverage so far from its level, and beyond chance.
FARTHEST_SLOPE = 0.2
FARTHEST_COVERAGE = 0.03
_COVERED = 0.95
_Z = 1.96


@dataclass(frozen=True)
class Judgement:
    """The gate of scores out of fold, at the last visit of a score.

    Parameters
    ----------
    slope, slope_se : float
        Of the observed on the predicted: of changes for a score, on the logit scale for a response or
        level, on the log scale for counts and events. 1 where calibrated; NaN for a given score without unit.
    coverage_95 : float
        Share of outcomes in the central 95 % of the predictive distribution; NaN for a given score.
    pit_p : float
        p value that probability integral transforms are uniform; it decides nothing by itself.
    fits_repeated : int
        Fits, whole and folds, that missed the gate of convergence and were made again.
    faults : tuple of str
        Why the scores are not honest, in words; empty where they are.
    """

    slope: float
    slope_se: float
    coverage_95: float
    pit_p: float
    fits_repeated: int
    faults: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the scores."""
        return not self.faults


def judge_visits(calibration: Calibration, cv: CrossValidation, diagnostics: dict[str, float]) -> Judgement:
    """Return the judgement of twins of a score at its last visit."""
    level = int(np.flatnonzero(np.isclose(calibration.levels, _COVERED))[0])
    repeated = int((cv.fits > 1).sum()) + int(diagnostics.get("fits", 1.0) > 1)
    interval = (float(calibration.coverage_low[level, -1]), float(calibration.coverage_high[level, -1]))
    return _judgement(
        float(calibration.slope[-1]), float(calibration.slope_se[-1]),
        float(calibration.coverage[level, -1]), interval, float(calibration.pit_p[-1]), repeated,
    )  # fmt: skip


def judge_outcomes(
    cv: OutcomeValidation, diagnostics: dict[str, float], generator: np.random.Generator
) -> Judgement:
    """Return the judgement of twins of one outcome a participant."""
    found = cv.judge()
    covered = cv.coverage().iloc[-1]
    return _judgement(
        found["slope"], found["slope_se"], float(covered["coverage"]),
        (float(covered["low_95"]), float(covered["high_95"])), cv.pit_p(generator),
        sum(fits > 1 for fits in cv.fits) + int(diagnostics.get("fits", 1.0) > 1),
    )  # fmt: skip


def judge_given(kind: str, outcome: Floats, baseline: Floats | None, score: Floats) -> Judgement:
    """Return the judgement of a score that the user gives.

    A score of visits is held to be the outcome at the last visit; that of a response, within 0 and 1, its
    probability. Others have no unit that their slope could be read in: for them the gain alone is the gate.

    Parameters
    ----------
    kind : str
        Of the endpoint.
    outcome, score : ndarray (N,)
        Without missing values.
    baseline : ndarray (N,), optional
        Of a score at visits.
    """
    slope = error = float("nan")
    if baseline is not None:
        x, y = score - baseline, outcome - baseline
        centred = x - x.mean()
        slope = float(centred @ y / (centred @ centred))
        left = y - y.mean() - slope * centred
        error = float(np.sqrt(left @ left / (len(y) - 2) / (centred @ centred)))
    elif kind == "response" and ((score > 0) & (score < 1)).all():
        line = calibration_line(np.log(score / (1 - score)), outcome, "logit")
        slope, error = float(line.slope), float(line.slope_se)
    return _judgement(slope, error, float("nan"), (0.0, 1.0), float("nan"), 0)


def _judgement(
    slope: float, error: float, covered: float, interval: tuple[float, float], pit_p: float, repeated: int
) -> Judgement:
    faults = []
    if np.isfinite(slope) and abs(slope - 1) > max(FARTHEST_SLOPE, _Z * error):
        faults.append(f"the calibration slope is {slope:.2f} (SE {error:.2f}), not 1")
    outside = not interval[0] <= _COVERED <= interval[1]
    if np.isfinite(covered) and outside and abs(covered - _COVERED) > FARTHEST_COVERAGE:
        faults.append(f"{covered:.1%} of outcomes lie in the central 95 % of their predictions")
    return Judgement(slope, error, covered, pit_p, repeated, tuple(faults))
