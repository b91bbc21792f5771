"""Heart disease over thirty years: a person's own Gompertz law through both of the PREVENT risks."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.cardiometabolic import prevent
from trialsim.disease.cardiometabolic.prevent import KHAN, Outcome, risks
from trialsim.disease.evidence import parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_LARGEST = 20.0
_HORIZON = 30 * WEEKS_PER_YEAR
_LOWEST_SBP, _HIGHEST_SBP = 90.0, 200.0
_LEAST_BMI, _MOST_BMI = 18.5, 40.0
_LEAST_CHOLESTEROL, _MOST_CHOLESTEROL = 130.0, 320.0
_OUTCOMES: tuple[Outcome, ...] = ("cvd", "ascvd", "heart_failure")
_YES_NO = ("female", "diabetes", "current_smoker", "bp_drugs", "statin")


class LifelongRisk(DiseaseModel):
    """Time to cardiovascular disease, atherosclerotic disease or heart failure, by PREVENT and Gompertz.

        H(t) = a (e^(b t) − 1) / b,   H(10) = −log(1 − r₁₀),   H(30) = −log(1 − r₃₀)
        e^(10 b) = (√(4 q − 3) − 1) / 2,   q = H(30) / H(10)

    with the risks r of the base equations. A policy changes what the equations read, from the first day on
    and for good: blood pressure, cholesterol, weight, smoking. What comes out is the risk of people who have
    always had that value: an association, which a change in midlife reaches late or never. Each outcome has
    its own law; a person's luck is the same in all. Published risks count death of other causes as no event.

    Source: Khan et al. 2024. Between and before the two years the law is ours; nobody is followed from birth.
    """

    name = "lifelong_risk"
    title = "Cardiovascular disease over thirty years"
    parameters = parameters_in(vars(prevent))
    inputs = (
        Input("age", "years", 30.0, 59.0, "the thirty-year equations; none holds from birth"),
        Input("total_cholesterol", "mg/dL", _LEAST_CHOLESTEROL, _MOST_CHOLESTEROL, "PREVENT"),
        Input("hdl", "mg/dL", 20.0, 100.0, "PREVENT"),
        Input("sbp", "mmHg", _LOWEST_SBP, _HIGHEST_SBP, "PREVENT"),
        Input("egfr", "mL/min/1.73 m2", 15.0, 140.0, "PREVENT"),
        Input("bmi", "kg/m2", _LEAST_BMI, _MOST_BMI, "PREVENT"),
        *(Input(name, "0 or 1", 0.0, 1.0, "a yes or no") for name in _YES_NO),
    )
    dials = (
        Dial("sbp", "add", -60.0, 60.0, "mmHg", "systolic blood pressure, kept within 90 to 200"),
        Dial("cholesterol", "add", -150.0, 150.0, "mg/dL", "total cholesterol, kept within 130 to 320"),
        Dial(
            "bmi", "add", -15.0, 15.0, "kg/m2", "body mass index, within 18.5 to 40; of heart failure alone"
        ),
        Dial("smoking", "multiply", 0.0, 1.0, "ratio", "the share of smoking that is left"),
        Dial("hazard", "multiply", 0.0, _LARGEST, "ratio", "the hazard of all outcomes"),
    )
    endpoints = tuple(Endpoint(name, "time_to_event", "months", True, _HORIZON) for name in _OUTCOMES)
    sources = (KHAN, "Assumed by trialsim: a Gompertz law through both risks, and that a policy acts at once")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw months to an outcome (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        of = {one.name: people.column(one.name) for one in self.inputs}
        of["sbp"] = np.clip(of["sbp"] + dialled["sbp"], _LOWEST_SBP, _HIGHEST_SBP)
        of["bmi"] = np.clip(of["bmi"] + dialled["bmi"], _LEAST_BMI, _MOST_BMI)
        changed = of["total_cholesterol"] + dialled["cholesterol"]
        of["total_cholesterol"] = np.clip(changed, _LEAST_CHOLESTEROL, _MOST_CHOLESTEROL)
        of["current_smoker"] = of["current_smoker"] * dialled["smoking"]
        (outcome,) = (one for one in _OUTCOMES if one == asked.name)
        ten, thirty = risks(outcome, of["female"], of)
        with np.errstate(divide="ignore"):
            needed = chance("outcome").standard_exponential(len(people)) / dialled["hazard"]
        return Realised(12 * years_at(needed, ten, thirty)[:, None])


def years_at(cumulative: Floats, ten: Floats, thirty: Floats) -> Floats:
    """Return years (M,) at which a cumulative hazard is used up, by the Gompertz law through two risks.

    Infinite where a hazard that falls never adds up to it.

    Parameters
    ----------
    cumulative : ndarray (M,)
        At least 0.
    ten, thirty : ndarray (M,)
        Risks in ten and thirty years, in (0, 1), the second the greater.

    Examples
    --------
    >>> ten, thirty = np.array([0.1]), np.array([0.5])
    >>> years_at(-np.log1p(-ten), ten, thirty).round(6), years_at(-np.log1p(-thirty), ten, thirty).round(6)
    (array([10.]), array([30.]))
    """
    first, last = -np.log1p(-ten), -np.log1p(-thirty)
    decade = (np.sqrt(4 * last / first - 3) - 1) / 2
    # With x = e^(10 b) the hazard used up is H(10) (x^(t/10) - 1) / (x - 1); x = 1 is a constant hazard.
    apart = decade - 1
    flat = np.abs(apart) < 1e-9
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = cumulative / first * apart
        grown = np.where(inside > -1, np.log1p(np.maximum(inside, -1)), -np.inf)
        curved = 10 * grown / np.log(np.where(flat, 2.0, decade))
    curved = np.where(inside <= -1, np.inf, curved)
    return np.asarray(np.where(flat, 10 * cumulative / first, curved))
