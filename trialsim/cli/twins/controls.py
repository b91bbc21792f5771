"""What ``trialsim twins validate`` says of twins as controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from trialsim.data import History
    from trialsim.prognosis import CrossValidation, Prognosis

_DRAWS = 1000
_FEWEST_STUDIES = 3


def print_virtual_controls(
    history: History,
    prognosis: Prognosis,
    held_out: CrossValidation,
    by_group: bool,
    seed: int,
    console: Console,
) -> None:
    """Print what twins of people like the history's are worth as controls, or why they may not stand in."""
    import numpy as np

    from trialsim.design.borrowing import CalibrationEvidence, virtual_controls
    from trialsim.errors import DesignError
    from trialsim.prognosis import calibrate
    from trialsim.streams import stream

    found = calibrate(held_out)
    error = held_out.outcomes[:, -1] - held_out.score[:, -1]
    people = history.take(held_out.rows)
    evidence = CalibrationEvidence(
        slope=float(found.slope[-1]),
        slope_error=float(found.slope_se[-1]),
        bias=float(found.bias[-1]),
        bias_error=float(found.bias_se[-1]),
        pit_p_value=float(found.pit_p[-1]),
        participants=int(found.observed[-1]),
        residual_sd=float(np.nanstd(error)),
        between_studies_sd=_between_studies(error, people.group) if by_group else 0.0,
    )
    twins = prognosis.predict(
        people.covariates, people.baseline, history.weeks[-1:], stream(seed, "", 0, "twins"), _DRAWS
    )
    assert twins.draws is not None
    console.print(f"Twins as controls at week {history.weeks[-1]:g}, behind the calibration gate")
    try:
        console.print(str(virtual_controls(twins.draws[:, 0].T, evidence)), markup=False)
    except DesignError as refusal:
        console.print(str(refusal), markup=False)
    if not by_group:
        console.print("What one more study may differ by is not counted: --by-group holds studies out.")


def _between_studies(error: np.ndarray, group: np.ndarray) -> float:
    """Return the SD of mean errors between groups beyond chance; 0 for fewer than three groups."""
    import numpy as np

    parts = [one[np.isfinite(one)] for one in (error[group == label] for label in np.unique(group))]
    parts = [one for one in parts if len(one) > 1]
    if len(parts) < _FEWEST_STUDIES:
        return 0.0
    means = np.array([one.mean() for one in parts])
    by_chance = np.mean([one.var(ddof=1) / len(one) for one in parts])
    return float(np.sqrt(max(means.var(ddof=1) - by_chance, 0.0)))
