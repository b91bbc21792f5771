"""What another drug does to the exposure of a drug: inhibition of an enzyme in gut and liver."""

from __future__ import annotations

import numpy as np

from trialsim.errors import InputError


def exposure_ratio(
    inhibitor_over_ki: float,
    metabolised: float,
    gut_available: float = 1.0,
    gut_inhibitor_over_ki: float | None = None,
) -> float:
    """Return by how much an inhibitor multiplies the area under the curve of another drug.

        AUCR = 1 / [F_g + (1 − F_g)/(1 + I_g/Kᵢ)] · 1 / [f_m/(1 + I_h/Kᵢ) + 1 − f_m]

    Parameters
    ----------
    inhibitor_over_ki : float
        I_h/Kᵢ in the liver, at least 0.
    metabolised : float
        f_m, the share of the clearance that goes by the inhibited enzyme.
    gut_available : float
        F_g, the share that gets through the gut's wall; 1 for a drug given into a vein.
    gut_inhibitor_over_ki : float, optional
        I_g/Kᵢ in the gut; as in the liver if not given.

    Raises
    ------
    InputError
        A share outside 0 to 1, or a negative concentration.

    Examples
    --------
    >>> round(exposure_ratio(1e9, 0.90, 0.57), 1), round(exposure_ratio(0.0, 0.90, 0.57), 6)
    (17.5, 1.0)
    """
    gut = inhibitor_over_ki if gut_inhibitor_over_ki is None else gut_inhibitor_over_ki
    given = {
        "metabolised": (metabolised, 0.0, 1.0), "gut_available": (gut_available, 1e-6, 1.0),
        "inhibitor_over_ki": (min(inhibitor_over_ki, gut), 0.0, np.inf),
    }  # fmt: skip
    for name, (value, low, high) in given.items():
        if not low <= value <= high:
            raise InputError("is impossible", field=name, value=value, mend=f"give {low:g} to {high:g}")
    wall = gut_available + (1 - gut_available) / (1 + gut)
    return float(1 / wall / (metabolised / (1 + inhibitor_over_ki) + 1 - metabolised))
