"""Which values a measurement can have in a living person, where nobody has declared it."""

from __future__ import annotations

import numpy as np

from trialsim.errors import HistoryError
from trialsim.exchange.histories.declaration import Values
from trialsim.exchange.histories.ucum import conversion, unit_of

# Name of a column: unit, lowest and highest value. Wide on purpose: beyond them is a slip, not a sick person.
BUILT_IN: dict[str, tuple[str, float, float]] = {
    "age": ("a", 0, 120),
    "weight": ("kg", 0.3, 400),
    "height": ("cm", 20, 250),
    "bmi": ("kg/m2", 8, 110),
    "sbp": ("mm[Hg]", 40, 300),
    "dbp": ("mm[Hg]", 20, 200),
    "heart_rate": ("/min", 15, 350),
    "temperature": ("Cel", 20, 46),
    "hba1c": ("%", 2.5, 25),
    "glucose": ("mg/dL", 5, 2000),
    "creatinine": ("mg/dL", 0.05, 40),
    "egfr": ("mL/min", 0, 250),
    "cholesterol": ("mg/dL", 20, 1500),
    "ldl": ("mg/dL", 1, 1000),
    "hdl": ("mg/dL", 1, 300),
    "triglycerides": ("mg/dL", 5, 20_000),
    "hemoglobin": ("g/dL", 1, 26),
    "haemoglobin": ("g/dL", 1, 26),
    "platelets": ("10*9/L", 0, 5000),
    "leukocytes": ("10*9/L", 0, 1000),
    "albumin": ("g/dL", 0.5, 8),
    "sodium": ("mmol/L", 90, 200),
    "potassium": ("mmol/L", 1, 12),
    "alt": ("U/L", 0, 30_000),
    "ast": ("U/L", 0, 30_000),
    "bilirubin": ("mg/dL", 0, 90),
}


def plausible_range(name: str, values: Values) -> tuple[tuple[float, float] | None, str]:
    """Return the plausible values of a column in its unit, and who says so.

    Parameters
    ----------
    name : str
        Of the column.
    values : Values
        With its unit, and the range if one is declared.

    Returns
    -------
    tuple
        Lowest and highest value, or None; ``declared``, ``built in``, ``not below 0`` of a physical quantity
        that has no entry, or nothing.

    Examples
    --------
    >>> plausible_range("sbp", Values.model_validate({"from": "ADVS", "unit": "mm[Hg]"}))
    ((40.0, 300.0), 'built in')
    >>> plausible_range("marker", Values.model_validate({"from": "ADLB", "unit": "mg/dL"}))
    ((0.0, inf), 'not below 0')
    """
    if values.range is not None:
        return values.range, "declared"
    if values.unit is None:
        return None, ""
    entry = BUILT_IN.get(name.lower())
    if entry is not None:
        try:
            law = conversion(entry[0], values.unit, values.molar_mass)
        except HistoryError:
            # The column has another meaning here than its name has there.
            entry = None
    if entry is not None:
        return (law.times * entry[1] + law.plus, law.times * entry[2] + law.plus), "built in"
    dimensions = dict(unit_of(values.unit).dimensions)
    return ((0.0, np.inf), "not below 0") if dimensions and dimensions != {"K": 1} else (None, "")
