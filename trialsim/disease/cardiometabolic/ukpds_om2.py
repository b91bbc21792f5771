"""Yearly risks of complications and death in type 2 diabetes: Hayes et al. 2013 (UKPDS-OM2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np

from trialsim.data import Bools, Floats
from trialsim.disease.evidence import Table

_PAPER = (
    "Hayes et al. 2013, Diabetologia 56:1925 (UKPDS, 5,102 participants), as two public repositories print it"
)


class Equation(Table):
    """One equation: its constant, its shape, and the coefficient of each covariate, written as words.

    Examples
    --------
    >>> equation = Equation("constant -3.455 shape 1 hba1c 0.127")
    >>> round(float(equation.predictor({"hba1c": np.array(7.4)})), 4)
    -2.5152
    """

    names: tuple[str, ...]
    text: str

    def __new__(cls, text: str) -> Self:
        """Read the text; see the class."""
        words = text.split()
        made = super().__new__(cls, map(float, words[1::2]), "log hazard or log odds", "published", _PAPER)
        made.names, made.text = tuple(words[::2]), text
        return made

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # of our __new__
        return (self.text,)

    @property
    def shape(self) -> float:
        """Shape of a Weibull law, or the rise of a Gompertz law with age; 0 of a logistic equation."""
        return dict(zip(self.names, self, strict=True)).get("shape", 0.0)

    def predictor(self, state: Mapping[str, Floats]) -> Floats:
        """Return the linear predictor (M,) by what is known of people; what the state lacks is 0.

        A state may hold a part of the predictor under the equation's own text; see `parts_of`.
        """
        total = state.get(self.text, np.asarray(self[self.names.index("constant")]))
        for name, value in zip(self.names, self, strict=True):
            if name in state:
                total = total + value * state[name]
        return np.asarray(total)


# Units: age and diabetes in years, HbA1c in %, BMI in kg/m2; eGFR, blood pressure and heart rate in tens; HDL
# and LDL in mmol/L times ten; haemoglobin in g/dL; others 0 or 1, `_before` in earlier years, `_now` in this.
HEART_FAILURE = Equation(
    "constant -12.332 shape 1.514 age_at_onset 0.068 bmi 0.072 egfr_under_60 -0.22 ldl 0.012 "
    "albuminuria 0.771 amputation_before 0.658 atrial_fibrillation 1.562 vascular_disease 0.479 "
    "ulcer_before 0.654"
)
ISCHAEMIC_HEART = Equation(
    "constant -6.709 shape 1.276 age_at_onset 0.016 female -0.532 egfr -0.053 hdl -0.065 ldl 0.023 "
    "sbp 0.058 amputation_before 0.526 heart_failure_before 0.824 vascular_disease 0.486"
)
INFARCTION_OF_MEN = Equation(
    "constant -8.791 shape 1 age_at_onset 0.045 black -0.83 south_asian 0.279 smoker 0.277 hba1c 0.108 "
    "hdl -0.049 ldl 0.023 albuminuria 0.203 sbp 0.046 wbc 0.026 amputation_before 0.743 "
    "heart_failure_before 0.814 ischaemic_heart_before 0.846 vascular_disease 0.34 stroke_before 0.448"
)
INFARCTION_OF_WOMEN = Equation(
    "constant -8.708 shape 1.376 age_at_onset 0.041 black -1.684 smoker 0.344 hba1c 0.078 "
    "egfr_under_60 -0.28 ldl_over_35 0.035 albuminuria 0.277 sbp 0.056 wbc 0.07 "
    "heart_failure_before 0.853 ischaemic_heart_before 0.876 vascular_disease 0.469"
)
SECOND_INFARCTION = Equation("constant -4.179 shape 1 ldl 0.021 albuminuria 0.344")
STROKE = Equation(
    "constant -13.053 shape 1.466 age_at_onset 0.066 female -0.42 smoker 0.331 hba1c 0.092 "
    "egfr_under_60 -0.19 ldl 0.016 albuminuria 0.42 sbp 0.17 wbc 0.04 amputation_before 1.09 "
    "atrial_fibrillation 1.476 ischaemic_heart_before 0.481"
)
SECOND_STROKE = Equation("constant -9.431 shape 1.956 age_at_onset 0.046 smoker 0.656 albuminuria 0.537")
BLINDNESS = Equation(
    "constant -11.607 shape 1 age_at_onset 0.047 hba1c 0.171 heart_rate 0.08 sbp 0.068 wbc 0.052 "
    "heart_failure_before 0.841 ischaemic_heart_before 0.61"
)
ULCER = Equation(
    "constant -11.295 age_at_onset 0.043 female -0.962 hba1c 0.16 bmi 0.053 vascular_disease 0.968"
)
AMPUTATION = Equation(
    "constant -14.844 shape 2.067 age_at_onset 0.023 female -0.445 hba1c 0.248 hdl -0.059 "
    "heart_rate 0.098 albuminuria 0.602 sbp 0.086 wbc 0.04 atrial_fibrillation 1.088 "
    "vascular_disease 1.01 stroke_before 1.299"
)
# One of the repositories has a constant of -0.811.
AMPUTATION_AFTER_ULCER = Equation("constant -0.881 shape 1 age_at_onset -0.065 vascular_disease 1.769")
SECOND_AMPUTATION = Equation("constant -3.455 shape 1 hba1c 0.127")
KIDNEY_FAILURE = Equation(
    "constant 3.549 shape 1 age_at_onset -0.029 black 0.686 female -0.869 bmi -0.054 "
    "egfr_under_60 -1.031 egfr_over_60 -0.487 ldl 0.027 albuminuria 1.373 sbp 0.085 wbc 0.029 "
    "haemoglobin -0.268 amputation_before 1.108 blindness_before 0.732"
)
DEATH_WITHOUT_EVENT = Equation("constant -10.908 shape 0.098 female -0.229 smoker 0.379")
DEATH_AT_FIRST_EVENT = Equation(
    "constant -6.916 age 0.058 years_of_diabetes 0.042 south_asian -0.54 smoker 0.444 heart_rate 0.124 "
    "amputation_now -0.734 kidney_failure_now 0.584 ischaemic_heart_now 0.423 infarction_now 1.309 "
    "vascular_disease 0.367 stroke_now 0.547"
)
DEATH_AFTER_EVENT = Equation(
    "constant -9.207 shape 0.073 smoker 0.374 bmi_under_18_5 1.083 bmi_over_25 -0.293 "
    "albuminuria 0.348 wbc 0.048 amputation_before 0.539 heart_failure_before 0.632 "
    "kidney_failure_before 1.15 stroke_before 0.473"
)
DEATH_AT_LATER_EVENT = Equation(
    "constant -4.868 age 0.05 hdl 0.068 wbc 0.089 amputation_now -1.267 second_amputation_now -1.727 "
    "amputation_before 0.753 atrial_fibrillation 1.081 kidney_failure_before 0.961 "
    "ischaemic_heart_now 0.583 ischaemic_heart_before -0.507 infarction_now 0.982 "
    "infarction_before 0.44 vascular_disease 0.352 stroke_now -0.619"
)

EQUATIONS = tuple(one for one in tuple(globals().values()) if isinstance(one, Equation))
EVENTS = (
    "heart_failure", "ischaemic_heart", "infarction", "stroke", "blindness", "ulcer", "amputation",
    "kidney_failure",
)  # fmt: skip


def parts_of(fixed: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the part of each predictor that never changes, to be computed once for many years."""
    return {one.text: one.predictor(fixed) for one in EQUATIONS}


def yearly_risks(state: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the probability (M,) of each of `EVENTS` in the coming year; 0 of what comes once and has come.

    Parameters
    ----------
    state : mapping of str to ndarray (M,)
        At least ``age``, ``years_of_diabetes`` and ``female``; what is missing counts as 0.
        `trialsim.disease.cardiometabolic.diabetes_years.in_year` makes it.
    """

    def before(event: str) -> Bools:
        return np.asarray(state.get(f"{event}_before", 0.0)) > 0

    once = {
        "heart_failure": HEART_FAILURE, "ischaemic_heart": ISCHAEMIC_HEART, "blindness": BLINDNESS,
        "ulcer": ULCER, "kidney_failure": KIDNEY_FAILURE,
    }  # fmt: skip
    risks = {event: np.where(before(event), 0.0, _risk(equation, state)) for event, equation in once.items()}
    by_sex = np.where(
        np.asarray(state["female"]) == 1, _risk(INFARCTION_OF_WOMEN, state), _risk(INFARCTION_OF_MEN, state)
    )
    risks["infarction"] = np.where(before("infarction"), _risk(SECOND_INFARCTION, state), by_sex)
    risks["stroke"] = np.where(before("stroke"), _risk(SECOND_STROKE, state), _risk(STROKE, state))
    first = np.where(before("ulcer"), _risk(AMPUTATION_AFTER_ULCER, state), _risk(AMPUTATION, state))
    risks["amputation"] = np.where(before("amputation"), _risk(SECOND_AMPUTATION, state), first)
    return {event: risks[event] for event in EVENTS}


def risk_of_death(state: Mapping[str, Floats]) -> Floats:
    """Return the probability of death (M,) in a year, given its events (`_now`) and those before it."""
    struck_by = (*EVENTS, "second_amputation")
    now = np.asarray(sum(state.get(f"{event}_now", np.asarray(0.0)) for event in struck_by)) > 0
    before = np.asarray(sum(state.get(f"{event}_before", np.asarray(0.0)) for event in EVENTS)) > 0
    quiet = np.where(before, _gompertz(DEATH_AFTER_EVENT, state), _gompertz(DEATH_WITHOUT_EVENT, state))
    struck = np.where(before, _risk(DEATH_AT_LATER_EVENT, state), _risk(DEATH_AT_FIRST_EVENT, state))
    return np.where(now, struck, quiet)


def _risk(equation: Equation, state: Mapping[str, Floats]) -> Floats:
    """Return Weibull's 1 − exp(−e^η [(d + 1)^ρ − d^ρ]) in the years of diabetes d, or a logistic risk."""
    predictor = equation.predictor(state)
    if not equation.shape:
        return np.asarray(1 / (1 + np.exp(-predictor)))
    years = state["years_of_diabetes"]
    grown = (years + 1) ** equation.shape - years**equation.shape
    return np.asarray(-np.expm1(-np.exp(np.minimum(predictor, 50.0)) * grown))


def _gompertz(equation: Equation, state: Mapping[str, Floats]) -> Floats:
    """Return 1 − exp(−e^η [e^{φ(a + 1)} − e^{φ a}] / φ) in the age a."""
    phi, age = equation.shape, state["age"]
    grown = np.exp(phi * age) * np.expm1(phi) / phi
    return np.asarray(-np.expm1(-np.exp(equation.predictor(state)) * grown))
