"""HbA1c, weight and eGFR of people with type 2 diabetes over years, under drugs, diet and activity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter
from trialsim.disease.inputs import WEEKS_PER_YEAR

UKPDS_90 = "Leal et al. 2021 (UKPDS 90), as one of two public repositories prints it (its set A)"
HENRY = (
    "Henry et al. 2012, Int J Clin Pract 66:446, 24 weeks from 9.1 %: metformin -1.44, dapagliflozin -1.45"
)
LOOK_AHEAD = (
    "Look AHEAD (5,145 participants): HbA1c -.6 more at one year, -.27 over four; weight -7.9 and -5.3 %"
)
EMPA = "EMPA-KIDNEY, empagliflozin: eGFR -2.12 at once, then -1.37 against -2.75 a year"

START = Parameter(1.41954, "%", "published", UKPDS_90)
LAST_YEAR = Parameter(0.7235, "share of last year's", "published", UKPDS_90)
ON_LOG_YEARS = Parameter(0.14196, "% a log year", "published", UKPDS_90)
FIRST = Parameter(0.08102, "share of the first", "published", UKPDS_90)
FEMALE = Parameter(0.05434, "%", "published", UKPDS_90)
SD_DRIFT = Parameter(
    0.20, "% a year", "assumed", "With the error of visits, an SD of changes of about .6 a year"
)
ERROR_HBA1C = Parameter(0.35, "%", "recalled", "Within a person, .3 to .4")
CENTRE_HBA1C = Parameter(6.8, "%", "computed", f"{HENRY}, both -1.98: the excess over 6.8 is multiplied")
METFORMIN_LEFT = Parameter(0.374, "ratio of the excess", "computed", HENRY)
DAPAGLIFLOZIN_LEFT = Parameter(0.370, "ratio of the excess", "computed", HENRY)
ONSET = Parameter(6.0, "weeks", "assumed", "HbA1c follows the life of red cells")
LIFESTYLE_HBA1C = Parameter(-0.60, "% at one year", "published", LOOK_AHEAD)
LIFESTYLE_HBA1C_WANES = Parameter(0.75, "a year", "computed", LOOK_AHEAD)
LIFESTYLE_WEIGHT = Parameter(-0.079, "share of weight at one year", "published", LOOK_AHEAD)
LIFESTYLE_WEIGHT_WANES = Parameter(0.31, "a year", "computed", LOOK_AHEAD)
DIET_SHARE = Parameter(0.75, "share", "assumed", "Look AHEAD gave diet and activity together")
DAPAGLIFLOZIN_WEIGHT = Parameter(-1.7, "kg", "published", "Dapagliflozin against placebo at 24 weeks")
METFORMIN_WEIGHT = Parameter(-1.0, "kg", "assumed", "Metformin leaves weight as it is, or somewhat lower")
SD_WEIGHT = Parameter(1.5, "kg a year", "assumed", "Assumed by trialsim")
ERROR_WEIGHT = Parameter(1.0, "kg", "assumed", "Clothes and scales")
SLOPE = Parameter(-2.75, "mL/min/1.73 m2 a year", "published", EMPA)
SLOPE_ON_ALBUMIN = Parameter(
    -0.65, "a year a log unit", "assumed", "About -.5, -1.8, -3.3 in classes A1 to A3"
)
CENTRE_ALBUMIN = Parameter(5.8, "log of mg/g", "recalled", "EMPA-KIDNEY's median of 330 mg/g")
SD_SLOPE = Parameter(
    3.0, "mL/min/1.73 m2 a year", "assumed", "Below the 3.4 to 3.8 of observed slopes in TEMPO 3:4"
)
ERROR_EGFR = Parameter(5.5, "mL/min/1.73 m2", "assumed", "A laboratory value within a person")
SGLT2_ACUTE = Parameter(-2.12, "mL/min/1.73 m2", "published", EMPA)
SGLT2_SLOPE_LEFT = Parameter(0.498, "ratio", "computed", EMPA)

# Each a number, or one a person (M, 1).
Settings = Mapping[str, float | Floats]


def _on(weeks: Floats) -> Floats:
    return -np.expm1(-weeks / ONSET)


def _lifestyle(dials: Settings, weeks: Floats, wanes: float) -> Floats:
    share = DIET_SHARE * dials["diet"] + (1 - DIET_SHARE) * dials["activity"]
    return np.asarray(share * _on(weeks) * np.exp(-wanes * np.maximum(weeks / WEEKS_PER_YEAR - 1, 0)))


def hba1c_of(people: Covariates, dials: Settings, weeks: Floats, normal: Floats) -> Floats:
    """Return HbA1c in % (M, V), without the error of a visit."""
    years, first, female = people.column("diabetes_years"), people.column("hba1c"), people.column("female")
    course, last = [first], int(np.ceil(weeks.max(initial=0.0) / WEEKS_PER_YEAR)) + 1
    for year in range(1, last + 1):
        constant = START + ON_LOG_YEARS * np.log(years + year) + FIRST * first + FEMALE * female
        course.append(constant + LAST_YEAR * course[-1] + SD_DRIFT * normal[0])
    yearly, at = np.stack(course, axis=1), weeks / WEEKS_PER_YEAR
    before = np.minimum(at.astype(int), last - 1)
    untreated = yearly[:, before] + (at - before) * (yearly[:, before + 1] - yearly[:, before])
    left = (1 - _on(weeks) * dials["metformin"] * (1 - METFORMIN_LEFT)) * (
        1 - _on(weeks) * dials["dapagliflozin"] * (1 - DAPAGLIFLOZIN_LEFT)
    )
    excess = untreated - CENTRE_HBA1C
    moved = LIFESTYLE_HBA1C * _lifestyle(dials, weeks, LIFESTYLE_HBA1C_WANES) + dials["hba1c"] * _on(weeks)
    return np.asarray(CENTRE_HBA1C + np.where(excess > 0, excess * left, excess) + moved)


def weight_of(people: Covariates, dials: Settings, weeks: Floats, normal: Floats) -> Floats:
    """Return weight in kg (M, V), without the error of a scale."""
    own = people.column("weight")[:, None] + SD_WEIGHT * normal[1][:, None] * np.sqrt(weeks / WEEKS_PER_YEAR)
    drugs = METFORMIN_WEIGHT * dials["metformin"] + DAPAGLIFLOZIN_WEIGHT * dials["dapagliflozin"]
    lifestyle = LIFESTYLE_WEIGHT * _lifestyle(dials, weeks, LIFESTYLE_WEIGHT_WANES)
    return np.asarray(own * (1 + lifestyle) + drugs * _on(weeks))


def egfr_of(people: Covariates, dials: Settings, weeks: Floats, normal: Floats) -> Floats:
    """Return eGFR in mL/min/1.73 m2 (M, V), without the error of a laboratory."""
    dose = dials["dapagliflozin"]
    typical = SLOPE + SLOPE_ON_ALBUMIN * (people.column("ln_uacr") - CENTRE_ALBUMIN)
    loss = np.minimum(typical, 0.0)[:, None] * SGLT2_SLOPE_LEFT**dose * dials["egfr_slope"]
    slope = loss + SD_SLOPE * normal[2][:, None]
    acute = SGLT2_ACUTE * dose * (weeks >= 3)
    return np.asarray(people.column("egfr")[:, None] + acute + slope * weeks / WEEKS_PER_YEAR)
