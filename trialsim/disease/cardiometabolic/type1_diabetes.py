"""Type 1 diabetes: how much of the time glucose is in range, with a pump alone or with a controller."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.signal import lfilter
from scipy.special import expit, logit

from trialsim.data import Covariates, Floats
from trialsim.disease.cardiometabolic import glucose_insulin
from trialsim.disease.cardiometabolic.glucose_insulin import (
    ABSORBED,
    HIGH,
    HOVORKA,
    LOW,
    MMOL,
    STEP,
    STEPS_A_DAY,
    advance,
    basal_need,
    steady,
)
from trialsim.disease.evidence import Parameter, Table, parameters_in
from trialsim.disease.inputs import require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_TRIAL = "Control-IQ, Brown et al. 2019, N Engl J Med 381:1707: 59 against 71 % of time in range"
_FITTED = "So that the two arms of Control-IQ come out"
RATIO = Parameter(
    28.0, "g/U", "computed", "What a unit covers in the paper's person; as sensitivity in others"
)
CORRECTION = Parameter(0.25, "mmol/L per g/U", "assumed", "What a unit lowers: 2.5 mmol/L at 10 g/U")
BASAL_SHARE = Parameter(0.5, "share", "assumed", "Of the daily insulin that is basal")
SD_LIVER = Parameter(0.15, "log", "assumed", "Between people")
SD_SLOWNESS = Parameter(0.20, "log", "assumed", "Of absorption from skin and gut, between people")
SD_BASAL = Parameter(0.06, "log", "assumed", f"How wrong a person's basal rate is: {_FITTED}")
SD_RATIO = Parameter(0.10, "log", "assumed", f"How wrong a person's ratio is: {_FITTED}")
SD_COUNT = Parameter(0.25, "log", "assumed", f"How wrong a meal's carbohydrate is counted: {_FITTED}")
CAUTION = Parameter(1.05, "ratio", "assumed", f"Grams that a unit is thought to cover: {_FITTED}")
MISSED = Parameter(0.15, "share", "assumed", f"Of meals without insulin: {_FITTED}")
SD_DAY = Parameter(0.10, "log", "assumed", "Sensitivity from day to day")
DAY_MEMORY = Parameter(0.5, "a day", "assumed", "How much of it lasts")
CIRCADIAN = Parameter(0.2, "share", "assumed", "Of sensitivity, lowest at midnight and highest at noon")
SD_SENSOR = Parameter(0.35, "mmol/L", "assumed", "Error of a sensor")
SENSOR_MEMORY = Parameter(0.7, "a step", "published", "simglucose, partial autocorrelation of its sensors")
SD_PERIOD = Parameter(0.25, "logit", "assumed", "Of shares of time, from period to period")
SD_MEAN = Parameter(0.5, "mmol/L", "assumed", "Of mean glucose, from period to period")
LEAST_LIVER = Parameter(0.7, "share", "assumed", "Below .60 nobody would need insulin")
MEALS = Table((50.0, 70.0, 80.0), "g", "assumed", "At 7, 12.30 and 18.30")
SD_MEAL = Parameter(0.25, "log", "assumed", "From meal to meal")
GOAL = Parameter(6.7, "mmol/L", "assumed", "Where pump and controller aim: 120 mg/dL")
ON_LEVEL = Parameter(0.5, "share", "assumed", f"Of basal, for glucose twice the goal: {_FITTED}")
ON_TREND = Parameter(2.5, "share per mmol/L/min", "assumed", "Of basal, for glucose that rises")
MOST = Parameter(2.2, "share", "assumed", "Of basal that the controller may give")
RESCUE = Parameter(15.0, "g", "assumed", "Eaten below 3.5 mmol/L, once in half an hour")

DAYS = 3
_AT = (84, 150, 222)
_CHUNK = 2_000
_RESCUE_BELOW = 3.5
_HORIZON = 26.0
_EDGE = 0.05


@njit(cache=True)
def _courses(body, pump, carbs, counted, sensitivity, noise, closed, goal, turn):  # type: ignore[no-untyped-def]  # numba
    """Return shares of time in range and below (M,), and mean glucose (M,), as a sensor sees them.

    body (M, 4): weight, scale, liver, slowness. pump (M, 3): steady insulin, basal mU/min, g/U. carbs and
    counted (M, D, 3) grams; sensitivity (M, D); noise (M, D · 288) mmol/L; closed (M,): share of time on the
    controller; turn (3,): its gains. The first day is not counted.
    """
    people, days = sensitivity.shape
    found = np.zeros((3, people))
    k, z = np.empty((4, 10)), np.empty(10)
    for i in range(people):
        weight, scale, liver, slow = body[i]
        insulin, basal, ratio = pump[i]
        y = steady(goal, insulin, weight, scale, slow)
        before, ate = goal, 0
        for s in range(days * STEPS_A_DAY):
            day, within = s // STEPS_A_DAY, s % STEPS_A_DAY
            seen = y[0] / _VG + noise[i, s]
            if day > 0:
                found[0, i] += LOW <= seen <= HIGH
                found[1, i] += seen < LOW
                found[2, i] += seen
            for m in range(3):
                if within == _AT[m]:
                    y[8] += carbs[i, day, m] * MMOL * _ABSORBED / weight
                    dose = counted[i, day, m] / ratio + max(seen - goal, 0.0) / (_CORRECTION * ratio)
                    dose *= counted[i, day, m] > 0
                    y[2] += 1000 * dose
            if seen < _RESCUE_BELOW and s - ate >= 6:  # steps in half an hour
                y[8] += _RESCUE * MMOL * _ABSORBED / weight
                ate = s
            wanted = 1 + turn[0] * (seen - goal) / goal + turn[1] * (seen - before) / STEP
            factor = 1 - closed[i] + closed[i] * min(max(wanted, 0.0), turn[2])
            before = seen
            hour = 2 * np.pi * within / STEPS_A_DAY
            now = scale * sensitivity[i, day] * (1 - _CIRCADIAN * np.cos(hour))
            advance(y, k, z, basal * factor, weight, now, liver, slow, STEP)
    return found / ((days - 1) * STEPS_A_DAY)


_VG, _ABSORBED = float(glucose_insulin.GLUCOSE_VOLUME), float(ABSORBED)
_CORRECTION, _RESCUE = float(CORRECTION), float(RESCUE)
_CIRCADIAN = float(CIRCADIAN)


class Type1Diabetes(DiseaseModel):
    """Three days of glucose by Hovorka's equations, three meals a day, a pump with errors, and a sensor.

        Q₁' = −F − x₁ Q₁ − renal + k Q₂ + gut + E (1 − x₃),   Q₂' = x₁ Q₁ − (k + x₂) Q₂
        xᵢ' = kᵢ (Sᵢ s I − xᵢ)
        controller: basal · clip(1 + 0.5 (G − 6.7)/6.7 + 2.5 dG/dt, 0, 2.2)
        time in range at a visit: logit = logit of the three days + N(0, 0.25²)

    The paper's person needs a third of the insulin that people with type 1 diabetes take. So s is such that
    each person's basal need at 6.7 mmol/L is half of the insulin taken. Time in range is 3.9 to 10 mmol/L.

    Sources: Hovorka 2004; errors of dosing are assumed, and were chosen for the arms of Control-IQ.
    """

    name = "type1_diabetes"
    title = "Type 1 diabetes: time of glucose in range"
    parameters = parameters_in(vars(glucose_insulin)) | parameters_in(globals())
    inputs = (
        Input("weight", "kg", 25.0, 250.0, "the living, from school age on"),
        Input("daily_insulin", "U/kg", 0.15, 3.0, "who makes none, to who is resistant"),
    )
    dials = (
        Dial("closed_loop", "add", 0.0, 1.0, "share", "the share of time that a controller turns the pump"),
        Dial("counting", "multiply", 0.0, 5.0, "ratio", "how wrong meals are counted"),
        Dial(
            "sensitivity", "multiply", 0.2, 5.0, "ratio", "how much insulin does, unknown to pump and person"
        ),
    )
    endpoints = (
        Endpoint("time_in_range", "score", "% of time", False, _HORIZON, 0.0, 100.0),
        Endpoint("time_below", "score", "% of time", True, _HORIZON, 0.0, 100.0),
        Endpoint("mean_glucose", "score", "mmol/L", True, _HORIZON, 1.0, 40.0),
    )
    sources = (HOVORKA, _TRIAL, "Assumed by trialsim: spread between people, meals, errors, the controller")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw scores (M, V), at week 0 with the pump alone; see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        place = [one.name for one in self.endpoints].index(asked.name)
        closed = np.array(np.broadcast_to(dialled["closed_loop"], len(people)), dtype=np.float64)
        later = _periods(people, dialled, closed, chance)[place]
        first = later if not closed.any() else _periods(people, dialled, np.zeros_like(closed), chance)[place]
        level = np.where(weeks > 0, later[:, None], first[:, None])
        change = chance("outcome").standard_normal(level.shape)
        if asked.name == "mean_glucose":
            return Realised(np.clip(level + SD_MEAN * change, asked.lower, asked.upper))
        share = np.clip(level, _EDGE / 100, 1 - _EDGE / 100)
        return Realised(100 * expit(logit(share) + SD_PERIOD * change))


def _periods(people: Covariates, dials: Dials, closed: Floats, chance: Chance) -> Floats:
    """Return shares of time in range and below, and mean glucose (3, M), of some days of everybody."""
    size, days, own = len(people), DAYS + 1, chance("disease")
    normal, weight = own.standard_normal((4, size)), people.column("weight")
    liver = np.maximum(np.exp(SD_LIVER * normal[0]), LEAST_LIVER)
    slow = np.exp(SD_SLOWNESS * normal[1])
    need = BASAL_SHARE * people.column("daily_insulin") * weight / 24
    scale = basal_need(GOAL, weight, np.ones(size), liver) / need
    insulin = need / (0.06 * glucose_insulin.INSULIN_VOLUME * weight * glucose_insulin.INSULIN_LOSS)
    basal = need * np.exp(SD_BASAL * normal[2]) * 1000 / 60
    ratio = CAUTION * RATIO * scale * np.exp(SD_RATIO * normal[3])
    meal, count = own.standard_normal((2, size, days, 3))
    given = own.random((size, days, 3)) >= MISSED
    carbs = np.array(MEALS) * np.exp(SD_MEAL * meal)
    counted = given * carbs * np.exp(SD_COUNT * np.reshape(dials["counting"], (-1, 1, 1)) * count)
    day = lfilter([np.sqrt(1 - DAY_MEMORY**2)], [1.0, -DAY_MEMORY], own.standard_normal((size, days)))
    body = np.column_stack([weight, scale * dials["sensitivity"], liver, slow])
    pump = np.column_stack([insulin, basal, ratio])
    found = np.empty((3, size))
    for start in range(0, size, _CHUNK):
        part = slice(start, start + _CHUNK)
        fresh = own.standard_normal((len(body[part]), days * STEPS_A_DAY))
        noise = lfilter([SD_SENSOR * np.sqrt(1 - SENSOR_MEMORY**2)], [1.0, -SENSOR_MEMORY], fresh)
        found[:, part] = _courses(
            body[part], pump[part], carbs[part], counted[part], np.exp(SD_DAY * day[part]), noise,
            closed[part], float(GOAL), np.array([ON_LEVEL, ON_TREND, MOST]),
        )  # fmt: skip
    return found
