"""Prefixes and atoms of UCUM that clinical data use, each as a number of base units.

Source: The Unified Code for Units of Measure, ucum-essence 2.1, case-sensitive codes. Deviations, each so
that no wrong number comes out: the mole and the equivalent are base units (there: numbers), and so is each
arbitrary unit, which no other unit can be turned into.
"""

from __future__ import annotations

Dimensions = dict[str, int]

PREFIXES = {
    "Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1,
    "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18, "z": 1e-21,
    "y": 1e-24,
}  # fmt: skip
_LITRE: Dimensions = {"m": 3}
_PASCAL: Dimensions = {"g": 1, "m": -1, "s": -2}
_JOULE: Dimensions = {"g": 1, "m": 2, "s": -2}
_DAY = 86_400.0
_YEAR = 365.25 * _DAY
# Code: factor, dimensions.
METRIC: dict[str, tuple[float, Dimensions]] = {
    "m": (1.0, {"m": 1}),
    "s": (1.0, {"s": 1}),
    "g": (1.0, {"g": 1}),
    "K": (1.0, {"K": 1}),
    "C": (1.0, {"C": 1}),
    "cd": (1.0, {"cd": 1}),
    "rad": (1.0, {"rad": 1}),
    "mol": (1.0, {"mol": 1}),
    "eq": (1.0, {"eq": 1}),
    "osm": (1.0, {"osm": 1}),
    "L": (1e-3, _LITRE),
    "l": (1e-3, _LITRE),
    "Hz": (1.0, {"s": -1}),
    "N": (1e3, {"g": 1, "m": 1, "s": -2}),
    "Pa": (1e3, _PASCAL),
    "bar": (1e8, _PASCAL),
    "m[Hg]": (133.322e6, _PASCAL),
    "m[H2O]": (9.80665e6, _PASCAL),
    "J": (1e3, _JOULE),
    "W": (1e3, {"g": 1, "m": 2, "s": -3}),
    "A": (1.0, {"C": 1, "s": -1}),
    "V": (1e3, {"g": 1, "m": 2, "s": -2, "C": -1}),
    "Ohm": (1e3, {"g": 1, "m": 2, "s": -1, "C": -2}),
    "cal": (4.184e3, _JOULE),
    "t": (1e6, {"g": 1}),
    "kat": (1.0, {"mol": 1, "s": -1}),
    "U": (1e-6 / 60.0, {"mol": 1, "s": -1}),
    "Bq": (1.0, {"s": -1, "decay": 1}),
    "Gy": (1.0, {"m": 2, "s": -2, "absorbed": 1}),
    "Sv": (1.0, {"m": 2, "s": -2, "equivalent": 1}),
    "dyn": (1e-2, {"g": 1, "m": 1, "s": -2}),
    "[iU]": (1.0, {"[iU]": 1}),
    "[IU]": (1.0, {"[iU]": 1}),
}
PLAIN: dict[str, tuple[float, Dimensions]] = {
    "1": (1.0, {}),
    "%": (1e-2, {}),
    "[ppth]": (1e-3, {}),
    "[ppm]": (1e-6, {}),
    "[ppb]": (1e-9, {}),
    "10*": (10.0, {}),
    "10^": (10.0, {}),
    "[pi]": (3.141592653589793, {}),
    "min": (60.0, {"s": 1}),
    "h": (3_600.0, {"s": 1}),
    "d": (_DAY, {"s": 1}),
    "wk": (7 * _DAY, {"s": 1}),
    "mo": (_YEAR / 12, {"s": 1}),
    "mo_j": (_YEAR / 12, {"s": 1}),
    "a": (_YEAR, {"s": 1}),
    "a_j": (_YEAR, {"s": 1}),
    "deg": (3.141592653589793 / 180, {"rad": 1}),
    "[in_i]": (0.0254, {"m": 1}),
    "[ft_i]": (0.3048, {"m": 1}),
    "[lb_av]": (453.59237, {"g": 1}),
    "[oz_av]": (453.59237 / 16, {"g": 1}),
    "[stone_av]": (453.59237 * 14, {"g": 1}),
    "[foz_us]": (29.5735295625e-6, _LITRE),
    "[Cal]": (4.184e6, _JOULE),
    "[HPF]": (1.0, {"[HPF]": 1}),
    "[LPF]": (1.0, {"[LPF]": 1}),
    "[pH]": (1.0, {"[pH]": 1}),
    "[arb'U]": (1.0, {"[arb'U]": 1}),
    "[USP'U]": (1.0, {"[USP'U]": 1}),
    "[GPL'U]": (1.0, {"[GPL'U]": 1}),
    "[MPL'U]": (1.0, {"[MPL'U]": 1}),
    "[APL'U]": (1.0, {"[APL'U]": 1}),
    "[CFU]": (1.0, {"[CFU]": 1}),
    "[drp]": (1.0, {"[drp]": 1}),
}
# Code: K of one degree, and K at its zero. They stand alone: a degree Celsius per day has two meanings.
SPECIAL: dict[str, tuple[float, float]] = {
    "Cel": (1.0, 273.15),
    "[degF]": (5.0 / 9.0, 459.67 * 5.0 / 9.0),
}
# What people write, and what it may be: told in the refusal, never believed.
OFTEN_MEANT = {
    "mmHg": "mm[Hg]", "mm Hg": "mm[Hg]", "°C": "Cel", "C": "Cel", "degC": "Cel", "°F": "[degF]",
    "F": "[degF]", "lb": "[lb_av]", "lbs": "[lb_av]", "in": "[in_i]", "inch": "[in_i]", "inches": "[in_i]",
    "ft": "[ft_i]", "IU/L": "[iU]/L", "IU": "[iU]", "IU/mL": "[iU]/mL", "mIU/L": "m[iU]/L",
    "uIU/mL": "u[iU]/mL", "bpm": "/min", "beats/min": "{beats}/min", "years": "a", "year": "a", "yr": "a",
    "yrs": "a", "months": "mo", "month": "mo", "weeks": "wk", "week": "wk", "days": "d", "day": "d",
    "hours": "h", "mcg": "ug", "mcg/L": "ug/L", "µg/L": "ug/L", "μg/L": "ug/L", "µmol/L": "umol/L",
    "μmol/L": "umol/L", "umol/l": "umol/L", "kgs": "kg", "kg/m²": "kg/m2", "kg/m^2": "kg/m2",
    "x10^9/L": "10*9/L", "10^9/L": "10*9/L", "10e9/L": "10*9/L", "K/uL": "10*3/uL", "percent": "%",
    "mEq/L": "meq/L", "score": "{score}", "points": "{points}", "MG/DL": "mg/dL", "MMOL/L": "mmol/L",
    "KG": "kg", "CM": "cm", "YEARS": "a", "BEATS/MIN": "{beats}/min", "gm/dL": "g/dL", "gms/dL": "g/dL",
}  # fmt: skip
