"""The MAGGIC risk score of heart failure: integer points, and the risk of death that goes with them."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats
from trialsim.disease.evidence import Table

_PAPER = "Pocock et al. 2013, Eur Heart J 34:1404 (MAGGIC, 39,372 people), as in three public transcriptions"

EF_CUTS = (20.0, 25.0, 30.0, 35.0, 40.0)
EF_POINTS = Table((7, 6, 5, 3, 2, 0), "points", "published", _PAPER)
AGE_CUTS = (55.0, 60.0, 65.0, 70.0, 75.0, 80.0)
AGE_UNDER_30 = Table((0, 1, 2, 4, 6, 8, 10), "points", "published", _PAPER)
AGE_30_TO_39 = Table((0, 2, 4, 6, 8, 10, 13), "points", "published", _PAPER)
AGE_FROM_40 = Table((0, 3, 5, 7, 9, 12, 15), "points", "published", _PAPER)
SBP_CUTS = (110.0, 120.0, 130.0, 140.0, 150.0)
SBP_UNDER_30 = Table((5, 4, 3, 2, 1, 0), "points", "published", _PAPER)
SBP_30_TO_39 = Table((3, 2, 1, 1, 0, 0), "points", "published", _PAPER)
SBP_FROM_40 = Table((2, 1, 1, 0, 0, 0), "points", "published", _PAPER)
BMI_CUTS = (15.0, 20.0, 25.0, 30.0)
BMI_POINTS = Table((6, 5, 3, 2, 0), "points", "published", _PAPER)
CREATININE_CUTS = (90.0, 110.0, 130.0, 150.0, 170.0, 210.0, 250.0)
CREATININE_POINTS = Table((0, 1, 2, 3, 4, 5, 6, 8), "points", "published", _PAPER)
NYHA_POINTS = Table((0, 2, 6, 8), "points", "published", _PAPER)
OTHER_POINTS = Table((1, 1, 3, 2, 2, 3, 1), "points", "published", _PAPER)
OTHERS = ("male", "smoker", "diabetes", "copd", "over_18_months", "no_beta_blocker", "no_ace_inhibitor")
# Risks of death by 1 and by 3 years for 0 to 50 points.
BY_ONE_YEAR = Table(
    (0.015, 0.016, 0.018, 0.020, 0.022, 0.024, 0.027, 0.029, 0.032, 0.036, 0.039, 0.043, 0.048, 0.052, 0.058,
     0.063, 0.070, 0.077, 0.084, 0.093, 0.102, 0.111, 0.122, 0.134, 0.147, 0.160, 0.175, 0.191, 0.209, 0.227,
     0.248, 0.269, 0.292, 0.316, 0.342, 0.369, 0.398, 0.427, 0.458, 0.490, 0.523, 0.557, 0.591, 0.625, 0.659,
     0.692, 0.725, 0.757, 0.787, 0.816, 0.842), "probability", "published", _PAPER,
)  # fmt: skip
BY_THREE_YEARS = Table(
    (0.039, 0.043, 0.048, 0.052, 0.058, 0.063, 0.070, 0.077, 0.084, 0.092, 0.102, 0.111, 0.122, 0.134, 0.146,
     0.160, 0.175, 0.191, 0.209, 0.227, 0.247, 0.269, 0.292, 0.316, 0.342, 0.369, 0.397, 0.427, 0.458, 0.490,
     0.523, 0.556, 0.590, 0.625, 0.658, 0.692, 0.725, 0.756, 0.787, 0.815, 0.842, 0.866, 0.889, 0.908, 0.926,
     0.941, 0.953, 0.964, 0.973, 0.980, 0.985), "probability", "published", _PAPER,
)  # fmt: skip


def maggic_points(
    ef: Floats, age: Floats, sbp: Floats, bmi: Floats, creatinine: Floats, nyha: Floats, **others: Floats
) -> Floats:
    """Return MAGGIC points (M,), 0 to 57.

    Parameters
    ----------
    ef, age, sbp, bmi : ndarray (M,)
        Ejection fraction in %, years, mmHg and kg/m²; at the edge of a band the one above counts.
    creatinine : ndarray (M,)
        In µmol/L.
    nyha : ndarray (M,)
        Class 1 to 4.
    **others : ndarray (M,)
        Any of `OTHERS`, 1 or 0; 0 where they are left out.

    Examples
    --------
    A man of 66 with an ejection fraction of 31 %, in class II:

    >>> def one(value):
    ...     return np.array([value])
    >>> maggic_points(one(31.0), one(66.0), one(122.0), one(28.0), one(104.0), one(2.0), male=one(1.0))
    array([16.])
    """
    points = _by_band(ef, EF_CUTS, EF_POINTS) + _by_band(bmi, BMI_CUTS, BMI_POINTS)
    points += _by_band(creatinine, CREATININE_CUTS, CREATININE_POINTS)
    points += np.asarray(NYHA_POINTS, dtype=np.float64)[nyha.astype(np.int64) - 1]
    for cuts, value, tables in (
        (AGE_CUTS, age, (AGE_UNDER_30, AGE_30_TO_39, AGE_FROM_40)),
        (SBP_CUTS, sbp, (SBP_UNDER_30, SBP_30_TO_39, SBP_FROM_40)),
    ):
        choices = [_by_band(value, cuts, table) for table in tables]
        points += np.where(ef < 30, choices[0], np.where(ef < 40, choices[1], choices[2]))
    weight = dict(zip(OTHERS, OTHER_POINTS, strict=True))
    for name, value in others.items():
        points += weight[name] * value
    return np.asarray(points)


def creatinine_of(egfr: Floats, age: Floats, female: Floats) -> Floats:
    """Return serum creatinine in µmol/L (M,) that has an eGFR by CKD-EPI 2009, without its factor of race.

    ``eGFR = 141 min(c/κ, 1)^a max(c/κ, 1)^−1.209 0.993^age 1.018^female``, c in mg/dL; κ .7 and a −.329 in
    women, .9 and −.411 in men.

    Examples
    --------
    >>> creatinine_of(np.array([66.0]), np.array([66.0]), np.array([0.0])).round(1)
    array([101.6])
    """
    kappa, power = np.where(female == 1, 0.7, 0.9), np.where(female == 1, -0.329, -0.411)
    left = egfr / (141 * 0.993**age * np.where(female == 1, 1.018, 1.0))
    return np.asarray(88.4 * kappa * np.where(left > 1, left ** (1 / power), left ** (1 / -1.209)))


def _by_band(value: Floats, cuts: tuple[float, ...], points: Table) -> Floats:
    return np.asarray(points, dtype=np.float64)[np.searchsorted(np.asarray(cuts), value, side="right")]
