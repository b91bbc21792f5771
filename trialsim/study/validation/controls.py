"""What twins of the history's own people would be worth as controls, or why they may not stand in."""

from __future__ import annotations

import numpy as np

from trialsim.data import History
from trialsim.design.borrowing import CalibrationEvidence, virtual_controls
from trialsim.errors import DesignError
from trialsim.prognosis import Calibration, CrossValidation, Prognosis
from trialsim.streams import stream
from trialsim.study.validation.findings import Finding

_DRAWS = 1000
_FEWEST_STUDIES = 3


def worth_as_controls(
    history: History,
    model: Prognosis,
    held_out: CrossValidation,
    calibration: Calibration,
    by_group: bool,
    seed: int,
) -> Finding:
    """Return the worth of twins of people like the history's, behind the calibration gate."""
    error = held_out.outcomes[:, -1] - held_out.score[:, -1]
    people = history.take(held_out.rows)
    evidence = CalibrationEvidence(
        slope=float(calibration.slope[-1]),
        slope_error=float(calibration.slope_se[-1]),
        bias=float(calibration.bias[-1]),
        bias_error=float(calibration.bias_se[-1]),
        pit_p_value=float(calibration.pit_p[-1]),
        participants=int(calibration.observed[-1]),
        residual_sd=float(np.nanstd(error)),
        between_studies_sd=between_studies(error, people.group) if by_group else 0.0,
    )
    twins = model.predict(
        people.covariates, people.baseline, history.weeks[-1:], stream(seed, "", 0, "twins"), _DRAWS
    )
    assert twins.draws is not None
    try:
        said = [str(virtual_controls(twins.draws[:, 0].T, evidence))]
    except DesignError as refusal:
        said = [str(refusal)]
    if not by_group:
        said.append("What one more study may differ by is not counted: --by-group holds studies out.")
    title = f"Twins as controls at week {history.weeks[-1]:g}, behind the calibration gate"
    return Finding(title, notes=tuple(said))


def between_studies(error: np.ndarray, group: np.ndarray) -> float:
    """Return the SD of mean errors between groups beyond chance; 0 for fewer than three groups."""
    parts = [one[np.isfinite(one)] for one in (error[group == label] for label in np.unique(group))]
    parts = [one for one in parts if len(one) > 1]
    if len(parts) < _FEWEST_STUDIES:
        return 0.0
    means = np.array([one.mean() for one in parts])
    by_chance = np.mean([one.var(ddof=1) / len(one) for one in parts])
    return float(np.sqrt(max(means.var(ddof=1) - by_chance, 0.0)))
