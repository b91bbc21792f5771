"""Type 2 diabetes over years: HbA1c, weight, eGFR, complications and death, under drugs and lifestyle."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.cardiometabolic import diabetes_courses, ukpds_om2
from trialsim.disease.cardiometabolic.diabetes_courses import (
    EMPA,
    ERROR_EGFR,
    ERROR_HBA1C,
    ERROR_WEIGHT,
    HENRY,
    LOOK_AHEAD,
    UKPDS_90,
    Settings,
    egfr_of,
    hba1c_of,
    weight_of,
)  # fmt: skip
from trialsim.disease.cardiometabolic.diabetes_years import standing, walk
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised
from trialsim.errors import InputError

SGLT2_HEART_FAILURE = Parameter(
    0.73, "ratio", "recalled", "DECLARE-TIMI 58, hospitalisation for heart failure"
)
ALBUMINURIA = Parameter(45.0, "mg/g", "assumed", "Of the equations' 50 mg/L, at 1.1 g/L of creatinine")
HEART_RATE = Parameter(72.0, "a minute", "assumed", "Of everybody")
WHITE_CELLS = Parameter(7.0, "10^9/L", "assumed", "Of everybody")
HAEMOGLOBIN = Parameter(14.5, "g/dL", "assumed", "Of men; 1.2 less in women")

YEARS = 15
_COURSES = {
    "hba1c": (hba1c_of, ERROR_HBA1C),
    "weight": (weight_of, ERROR_WEIGHT),
    "egfr": (egfr_of, ERROR_EGFR),
}
_CV = ("infarction", "stroke", "ischaemic_heart")
_WITH_DEATH = ("composite", "death")
_LARGEST = 20.0
_HORIZON = 10 * WEEKS_PER_YEAR
TIMES = ("composite", "infarction", "stroke", "heart_failure", "kidney_failure", "death")


def _dose(name: str, says: str) -> Dial:
    return Dial(name, "add", -1.0, 1.0, "of what was studied", says)


class Type2Diabetes(DiseaseModel):
    """HbA1c by UKPDS-90, eGFR falling at once and then in a line, weight, and events by UKPDS-OM2.

        a(y) = 1.41954 + 0.7235 a(y − 1) + 0.142 log(years of diabetes) + 0.081 a(0) + 0.054 female + u
        HbA1c = 6.8 + (a − 6.8) · [1 − s m (1 − 0.374)] · [1 − s d (1 − 0.370)] where a > 6.8, + lifestyle
        eGFR(t) = eGFR(0) − 2.12 d + (−2.75 − 0.65 (log UACR − 5.8)) · 0.498^d · slope · t + 3 z t
        lifestyle = −0.60 (1 − e^(−t/6 weeks)) e^(−0.75 (t − 1 year))     (weight: −7.9 %, and 0.31 a year)

    with doses m of metformin and d of dapagliflozin, diet and activity from 0 to 1 of what trials gave, and
    s = 1 − e^(−t / 6 weeks). So a drug does little where HbA1c is nearly normal, and two drugs do not add up.
    Events are walked through year by year for fifteen years, with the middle of each year's HbA1c, BMI and
    eGFR; blood pressure, lipids and smoking stay as they are. The uncalibrated equations predict too many
    deaths in people of today: the dial `death` takes a published or observed target.

    Sources: UKPDS 90 and UKPDS-OM2, Henry 2012, Look AHEAD, EMPA-KIDNEY.
    """

    name = "type2_diabetes"
    title = "Type 2 diabetes: HbA1c, weight, eGFR, complications and death"
    parameters = (
        parameters_in(vars(ukpds_om2)) | parameters_in(vars(diabetes_courses)) | parameters_in(globals())
    )
    inputs = (
        Input("age", "years", 25.0, 95.0, "UKPDS: 25 to 65 at diagnosis, followed for 30 years"),
        Input("female", "0 or 1", 0.0, 1.0, "a yes or no"),
        Input("diabetes_years", "years", 0.0, 60.0, "since diagnosis"),
        Input("hba1c", "%", 4.0, 18.0, "assays"),
        Input("weight", "kg", 25.0, 400.0, "the living"),
        Input("bmi", "kg/m2", 8.0, 150.0, "the living"),
        Input("egfr", "mL/min/1.73 m2", 15.0, 200.0, "not on dialysis"),
        Input("ln_uacr", "log of mg/g", -1.0, 10.0, "assays"),
        Input("sbp", "mmHg", 60.0, 260.0, "the living"),
        Input("hdl", "mg/dL", 5.0, 200.0, "assays"),
        Input("ldl", "mg/dL", 5.0, 400.0, "assays"),
        Input("current_smoker", "0 or 1", 0.0, 1.0, "a yes or no"),
    )
    dials = (
        _dose("metformin", "metformin, 2 g a day"), _dose("dapagliflozin", "dapagliflozin, 10 mg a day"),
        _dose("diet", "the diet of Look AHEAD"), _dose("activity", "the activity of Look AHEAD"),
        Dial("hba1c", "add", -6.0, 6.0, "%", "HbA1c, from some weeks on"),
        Dial("egfr_slope", "multiply", 0.0, 5.0, "ratio", "the loss of eGFR a year"),
        Dial("cv_hazard", "multiply", 0.0, _LARGEST, "ratio", "infarction, stroke, ischaemic heart disease"),
        Dial("heart_failure", "multiply", 0.0, _LARGEST, "ratio", "the hazard of heart failure"),
        Dial("kidney_failure", "multiply", 0.0, _LARGEST, "ratio", "the hazard of kidney failure"),
        Dial("death", "multiply", 0.0, _LARGEST, "ratio", "the hazard of death"),
    )  # fmt: skip
    endpoints = (
        Endpoint("hba1c", "score", "%", True, _HORIZON, 3.0, 20.0),
        Endpoint("weight", "score", "kg", True, _HORIZON, 20.0, 450.0),
        Endpoint("egfr", "score", "mL/min/1.73 m2", False, _HORIZON, 0.0, 250.0),
        *(Endpoint(name, "time_to_event", "months", True, _HORIZON) for name in TIMES),
    )
    sources = (
        f"{UKPDS_90}; UKPDS-OM2, Hayes et al. 2013", HENRY, LOOK_AHEAD, EMPA,
        "Assumed by trialsim: spread between people, errors, blood cells of everybody, no atrial "
        "fibrillation and no vascular disease, events of a year do not raise each other",
    )  # fmt: skip

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw scores (M, V), or months to an event (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        for name in ("metformin", "dapagliflozin", "diet", "activity"):
            if np.min(dialled[name]) < 0:
                raise InputError(
                    "less than nothing of it is left", field=f"dials.{name}", mend="take away what is given"
                )
        require_people(people, self.inputs, self.name)
        normal = chance("disease").standard_normal((3, len(people)))
        column = {name: np.reshape(one, (-1, 1)) for name, one in dialled.items()}
        if asked.kind == "score":
            error = chance("outcome").standard_normal((len(people), len(weeks))) * (weeks > 0)
            course, sd = _COURSES[asked.name]
            score = course(people, column, weeks, normal) + sd * error
            return Realised(np.clip(score, asked.lower, asked.upper))
        times = self._times(people, column, normal, chance("outcome").random((YEARS, 9, len(people))))
        times["composite"] = np.min([times[name] for name in TIMES[1:]], axis=0)
        ends = 12 * times["death"]
        return Realised(12 * times[asked.name][:, None], None if asked.name in _WITH_DEATH else ends)

    def _times(
        self, people: Covariates, dials: Settings, normal: Floats, uniform: Floats
    ) -> dict[str, Floats]:
        weeks: Floats = (np.arange(YEARS, dtype=np.float64) + 0.5) * WEEKS_PER_YEAR
        value = people.column
        fixed = standing(
            value("age"), value("female"), value("diabetes_years"), sbp=value("sbp"), hdl=value("hdl"),
            ldl=value("ldl"), albuminuria=(value("ln_uacr") >= np.log(ALBUMINURIA)).astype(float),
            smoker=value("current_smoker"), heart_rate=HEART_RATE, wbc=WHITE_CELLS,
            haemoglobin=HAEMOGLOBIN - 1.2 * value("female"),
        )  # fmt: skip
        bmi = weight_of(people, dials, weeks, normal) / value("weight")[:, None] * value("bmi")[:, None]
        ratio = {name: np.reshape(one, -1) for name, one in dials.items()}
        ratios = dict.fromkeys(_CV, ratio["cv_hazard"]) | {"kidney_failure": ratio["kidney_failure"]}
        ratios["heart_failure"] = ratio["heart_failure"] * SGLT2_HEART_FAILURE ** ratio["dapagliflozin"]
        ratios["death"] = ratio["death"]
        egfr = np.clip(egfr_of(people, dials, weeks, normal), 3.0, 250.0)
        hba1c = hba1c_of(people, dials, weeks, normal)
        return walk(
            fixed,
            value("age"),
            value("diabetes_years"),
            hba1c,
            np.clip(bmi, 8.0, 150.0),
            egfr,
            ratios,
            uniform,
        )
