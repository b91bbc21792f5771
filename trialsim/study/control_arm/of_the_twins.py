"""What twins of a score at visits rest on, as tables: calibration, and gain beyond the baseline."""

from __future__ import annotations

import pandas as pd

from trialsim.prognosis import Calibration, Gain


def calibration_frame(calibration: Calibration) -> pd.DataFrame:
    """Return the calibration of the twins, one row a visit.

    Parameters
    ----------
    calibration : Calibration
        Of out-of-fold twins.

    Returns
    -------
    DataFrame
        Biases, slopes and coverages with their errors.
    """
    columns: dict[str, object] = {"week": calibration.weeks, "observed": calibration.observed}
    for name in ("bias", "intercept", "slope"):
        columns |= {name: getattr(calibration, name), f"{name}_se": getattr(calibration, f"{name}_se")}
    for row, level in enumerate(calibration.levels):
        percent = f"coverage_{100 * level:.0f}"
        columns[percent] = calibration.coverage[row]
        columns[f"{percent}_low"] = calibration.coverage_low[row]
        columns[f"{percent}_high"] = calibration.coverage_high[row]
    return pd.DataFrame(columns | {"pit_p": calibration.pit_p})


def gain_frame(gain: Gain) -> pd.DataFrame:
    """Return the gain beyond the baseline value, one row a measure, with its intervals.

    Parameters
    ----------
    gain : Gain
        Of the score beyond the baseline.

    Returns
    -------
    DataFrame
        Estimates with 90 % and 95 % intervals.
    """
    none = (float("nan"), float("nan"))
    rows = {
        "partial correlation given the baseline": (
            gain.partial_correlation,
            gain.partial_correlation_90,
            gain.partial_correlation_95,
        ),
        "gain: share of participants saved; negative where the score misleads": (
            gain.gain,
            gain.gain_90,
            gain.gain_95,
        ),
        "R2 of the outcome added to the baseline": (gain.incremental_r2, none, none),
        "R2 of the outcome by the baseline alone": (gain.baseline_r2, none, none),
        "R2 of the outcome by the baseline alone, leave-one-out": (gain.baseline_r2_loo, none, none),
    }
    return pd.DataFrame(
        {
            "measure": name,
            "value": value,
            "low_90": within_90[0],
            "high_90": within_90[1],
            "low_95": within_95[0],
            "high_95": within_95[1],
            "participants": gain.participants,
        }
        for name, (value, within_90, within_95) in rows.items()
    )
