"""The PREVENT equations of the American Heart Association: risks in ten and thirty years, base model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from trialsim.data import Floats
from trialsim.disease.evidence import Table

KHAN = "PREVENT, Khan et al. 2024, Circulation 149:430, base model, by three public codes that agree"
_UNIT = "log odds, in the order of `terms`"

# fmt: off
CVD_10_WOMEN = Table((
    -3.307728, 0.7939329, 0, 0.0305239, -0.1606857, -0.2394003, 0.3600781, 0.8667604, 0.5360739, 0.6045917,
    0.0433769, 0.3151672, -0.1477655, -0.0663612, 0.1197879, -0.0819715, 0.0306769, -0.0946348, -0.27057,
    -0.078715, -0.1637806, 0, 0, 0), _UNIT, "published", KHAN)
CVD_10_MEN = Table((
    -3.031168, 0.7688528, 0, 0.0736174, -0.0954431, -0.4347345, 0.3362658, 0.7692857, 0.4386871, 0.5378979,
    0.0164827, 0.288879, -0.1337349, -0.0475924, 0.150273, -0.0517874, 0.0191169, -0.1049477, -0.2251948,
    -0.0895067, -0.1543702, 0, 0, 0), _UNIT, "published", KHAN)
CVD_30_WOMEN = Table((
    -1.318827, 0.5503079, -0.0928369, 0.0409794, -0.1663306, -0.1628654, 0.3299505, 0.6793894, 0.3196112,
    0.1857101, 0.0553528, 0.2894, -0.075688, -0.056367, 0.1071019, -0.0751438, 0.0301786, -0.0998776,
    -0.3206166, -0.1607862, -0.1450788, 0, 0, 0), _UNIT, "published", KHAN)
CVD_30_MEN = Table((
    -1.148204, 0.4627309, -0.0984281, 0.0836088, -0.1029824, -0.2140352, 0.2904325, 0.5331276, 0.2141914,
    0.1155556, 0.0603775, 0.232714, -0.0272112, -0.0384488, 0.134192, -0.0511759, 0.0165865, -0.1101437,
    -0.2585943, -0.1566406, -0.1166776, 0, 0, 0), _UNIT, "published", KHAN)
ASCVD_10_WOMEN = Table((
    -3.819975, 0.719883, 0, 0.1176967, -0.151185, -0.0835358, 0.3592852, 0.8348585, 0.4831078, 0.4864619,
    0.0397779, 0.2265309, -0.0592374, -0.0395762, 0.0844423, -0.0567839, 0.0325692, -0.1035985, -0.2417542,
    -0.0791142, -0.1671492, 0, 0, 0), _UNIT, "published", KHAN)
ASCVD_10_MEN = Table((
    -3.500655, 0.7099847, 0, 0.1658663, -0.1144285, -0.2837212, 0.3239977, 0.7189597, 0.3956973, 0.3690075,
    0.0203619, 0.2036522, -0.0865581, -0.0322916, 0.114563, -0.0300005, 0.0232747, -0.0927024, -0.2018525,
    -0.0970527, -0.1217081, 0, 0, 0), _UNIT, "published", KHAN)
ASCVD_30_WOMEN = Table((
    -1.974074, 0.4669202, -0.0893118, 0.1256901, -0.1542255, -0.0018093, 0.322949, 0.6296707, 0.268292,
    0.100106, 0.0499663, 0.1875292, 0.0152476, -0.0276123, 0.0736147, -0.0521962, 0.0316918, -0.1046101,
    -0.2727793, -0.1530907, -0.1299149, 0, 0, 0), _UNIT, "published", KHAN)
ASCVD_30_MEN = Table((
    -1.736444, 0.3994099, -0.0937484, 0.1744643, -0.120203, -0.0665117, 0.2753037, 0.4790257, 0.1782635,
    -0.0218789, 0.0602553, 0.1421182, 0.0135996, -0.0218265, 0.1013148, -0.0312619, 0.020673, -0.0920935,
    -0.2159947, -0.1548811, -0.0712547, 0, 0, 0), _UNIT, "published", KHAN)
HF_10_WOMEN = Table((
    -4.310409, 0.8998235, 0, 0, 0, -0.4559771, 0.3576505, 1.038346, 0.583916, 0.7451638, 0.0557087, 0.3534442,
    0, -0.0981511, 0, 0, 0, -0.0946663, -0.3581041, -0.1159453, -0.1884289, -0.0072294, 0.2997706, -0.003878,
    ), _UNIT, "published", KHAN)
HF_10_MEN = Table((
    -3.946391, 0.8972642, 0, 0, 0, -0.6811466, 0.3634461, 0.923776, 0.5023736, 0.6926917, 0.0251827,
    0.2980922, 0, -0.0497731, 0, 0, 0, -0.1289201, -0.3040924, -0.1401688, -0.1797778, -0.0485841, 0.3726929,
    0.0068126), _UNIT, "published", KHAN)
HF_30_WOMEN = Table((
    -2.205379, 0.6254374, -0.0983038, 0, 0, -0.3919241, 0.3142295, 0.8330787, 0.3438651, 0.2981642, 0.0667159,
    0.333921, 0, -0.0893177, 0, 0, 0, -0.0974299, -0.404855, -0.1982991, -0.1564215, 0.0594874, 0.2525536,
    -0.0035619), _UNIT, "published", KHAN)
HF_30_MEN = Table((
    -1.95751, 0.5681541, -0.1048388, 0, 0, -0.4761564, 0.30324, 0.6840338, 0.2656273, 0.2541805, 0.0638923,
    0.2583631, 0, -0.0391938, 0, 0, 0, -0.1269124, -0.3273572, -0.2043019, -0.1342618, 0.0833107, 0.26999,
    -0.0182831), _UNIT, "published", KHAN)
# fmt: on

Outcome = Literal["cvd", "ascvd", "heart_failure"]
# For women and men, in ten and in thirty years.
_EQUATIONS = {
    "cvd": (CVD_10_WOMEN, CVD_10_MEN, CVD_30_WOMEN, CVD_30_MEN),
    "ascvd": (ASCVD_10_WOMEN, ASCVD_10_MEN, ASCVD_30_WOMEN, ASCVD_30_MEN),
    "heart_failure": (HF_10_WOMEN, HF_10_MEN, HF_30_WOMEN, HF_30_MEN),
}
# Mmol/L in a mg/dL of cholesterol.
MMOL = 0.02586


def terms(of: Mapping[str, Floats]) -> Floats:
    """Return the 24 terms (24, M): constant, age and its square, lipids, pressure, and so on, and products.

    Parameters
    ----------
    of : mapping of str to ndarray (M,)
        ``age``, ``total_cholesterol``, ``hdl``, ``sbp``, ``egfr``, ``bmi``, and 0 or 1 for ``diabetes``,
        ``current_smoker``, ``bp_drugs``, ``statin``.
    """
    age = (of["age"] - 55) / 10
    non_hdl = MMOL * (of["total_cholesterol"] - of["hdl"]) - 3.5
    hdl = (MMOL * of["hdl"] - 1.3) / 0.3
    low_sbp, sbp = (np.minimum(of["sbp"], 110) - 110) / 20, (np.maximum(of["sbp"], 110) - 130) / 20
    low_egfr, egfr = (np.minimum(of["egfr"], 60) - 60) / -15, (np.maximum(of["egfr"], 60) - 90) / -15
    low_bmi, bmi = (np.minimum(of["bmi"], 30) - 25) / 5, (np.maximum(of["bmi"], 30) - 30) / 5
    diabetes, smoker, drugs, statin = (of[n] for n in ("diabetes", "current_smoker", "bp_drugs", "statin"))
    return np.stack([
        np.ones_like(age), age, age**2, non_hdl, hdl, low_sbp, sbp, diabetes, smoker, low_egfr, egfr, drugs,
        statin, drugs * sbp, statin * non_hdl, age * non_hdl, age * hdl, age * sbp, age * diabetes,
        age * smoker, age * low_egfr, low_bmi, bmi, age * bmi,
    ])  # fmt: skip


def risks(outcome: Outcome, female: Floats, of: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return the risks (M,) in ten and in thirty years.

    Examples
    --------
    >>> one = {"age": 50, "total_cholesterol": 200, "hdl": 45, "sbp": 160, "egfr": 90, "bmi": 35,
    ...        "diabetes": 1, "current_smoker": 0, "bp_drugs": 1, "statin": 0}
    >>> woman = {name: np.array([float(value)]) for name, value in one.items()}
    >>> [round(float(risk[0]), 3) for risk in risks("cvd", np.ones(1), woman)]
    [0.147, 0.53]
    """
    values = terms(of)
    by_sex = [1 / (1 + np.exp(-np.array(equation) @ values)) for equation in _EQUATIONS[outcome]]
    ten, thirty = (np.where(female == 1, by_sex[at], by_sex[at + 1]) for at in (0, 2))
    return ten, thirty
