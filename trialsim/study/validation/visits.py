"""The validation of twins of a score at visits."""

from __future__ import annotations

import pandas as pd

from trialsim.data import History
from trialsim.prognosis import Calibration, CrossValidation, calibrate, calibrate_subgroups
from trialsim.study.validation.findings import Finding
from trialsim.study.validation.outcomes import worst_finding
from trialsim.study.validation.subgroups import Labels


def calibration_findings(
    past: History, held_out: CrossValidation, labels: dict[str, Labels], by_group: CrossValidation | None
) -> list[Finding]:
    """Return calibration on participants, and on groups, that the model did not see, and in subgroups."""
    found = [Finding("Calibration, on participants never seen", calibration_table(calibrate(held_out)))]
    judged, place = held_out, "participants"
    if by_group is not None:
        judged, place = by_group, "groups"
        found.append(Finding("Calibration, on groups never seen", calibration_table(calibrate(by_group))))
    title = f"Subgroups at week {past.weeks[-1]:g}, on {place} never seen; fewer than 11 not shown"
    table = calibrate_subgroups(judged, labels)
    return [*found, Finding(title, table), *worst_finding(table, place)]


def calibration_table(calibration: Calibration) -> pd.DataFrame:
    """Return biases, slopes and coverages with their errors, one row a visit."""
    columns: dict[str, object] = {"week": calibration.weeks, "observed": calibration.observed}
    for name in ("bias", "intercept", "slope"):
        columns |= {name: getattr(calibration, name), f"{name}_se": getattr(calibration, f"{name}_se")}
    for row, level in enumerate(calibration.levels):
        percent = f"coverage_{100 * level:.0f}"
        columns[percent] = calibration.coverage[row]
        columns[f"{percent}_low"] = calibration.coverage_low[row]
        columns[f"{percent}_high"] = calibration.coverage_high[row]
    return pd.DataFrame(columns | {"pit_p": calibration.pit_p})
