"""Heart failure with reduced ejection fraction: hospitalisations and death of two causes, after DAPA-HF."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.cardiometabolic import maggic
from trialsim.disease.cardiometabolic.maggic import creatinine_of, maggic_points
from trialsim.disease.events import exponential_times, gamma_frailty, recurrent_times
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_MONTH, WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_DAPA = "DAPA-HF, McMurray et al. 2019, N Engl J Med 381:1995"
_MET = (
    f"{_DAPA}: 9.8 first hospitalisations and 7.9 cardiovascular deaths per 100 years on placebo, met exactly"
)

HOSPITALISATIONS = Parameter(0.1720, "a year", "computed", _MET)
CV_DEATH = Parameter(0.1081, "a year", "computed", _MET)
OTHER_DEATH = Parameter(0.022, "a year", "assumed", "About a fifth of deaths in trials of heart failure")
FRAILTY = Parameter(4.0, "variance", "computed", f"{_DAPA}: 469 hospitalisations in 318 of 2,371 on placebo")
DEATH_ON_POINTS = Parameter(
    1.10, "ratio a point", "computed", "The MAGGIC table of risks by points, 1 and 3 years"
)
STAY_ON_POINTS = Parameter(1.04, "ratio a point", "assumed", "Weaker than on death")
STAY_ON_NT_PROBNP = Parameter(0.35, "power", "assumed", "A ratio of 1.27 for each doubling")
HOSPITALISED_BEFORE = Parameter(1.5, "ratio", "assumed", "A hospitalisation for heart failure before")
MEAN_POINTS = Parameter(19.54, "points", "computed", "Mean over the card heart_failure")
CENTRE_NT_PROBNP = Parameter(1437.0, "ng/L", "recalled", "DAPA-HF, median on placebo and dapagliflozin")
MEAN_STAY = Parameter(1.3814, "ratio", "computed", "Mean of the ratios over the card heart_failure")
MEAN_DEATH = Parameter(1.1515, "ratio", "computed", "Mean of the ratios over the card heart_failure")

_LARGEST = 20.0
_YES_NO = "a yes or no"


class HeartFailure(DiseaseModel):
    """Recurrent hospitalisation for heart failure and death of two causes, with a shared frailty z.

        hospitalisation = 0.172 a year · (h / 1.38) · z · dial,  h = 1.04^(p − 19.5) · (NT-proBNP / 1437)^0.35
                                                                     · 1.5^(hospitalised before)
        cardiovascular death = 0.108 a year · (1.10^(p − 19.5) / 1.15) · z · dial
        other death = 0.022 a year · dial
        z gamma with mean 1 and variance 4

    with the MAGGIC points p of age, ejection fraction, blood pressure, BMI, creatinine (from eGFR), class,
    sex and diabetes; its other items are taken to be alike in all. Death ends hospitalisations.
    `hf_or_cv_death` is the time to the first of the two, `hf_and_cv_death` all of both, the death being the
    last of them.

    Sources: DAPA-HF (4,744 participants, 18.2 months), Pocock et al. 2013 (MAGGIC).
    """

    name = "heart_failure"
    title = "Heart failure with reduced ejection fraction"
    parameters = {
        name: one for name, one in parameters_in(vars(maggic)).items() if one.unit == "points"
    } | parameters_in(globals())
    inputs = (
        Input("age", "years", 18.0, 110.0, "adults"),
        Input("female", "0 or 1", 0.0, 1.0, _YES_NO),
        Input("lvef", "%", 5.0, 80.0, "MAGGIC; the rates are of 40 % and less"),
        Input("nyha", "class", 1.0, 4.0, "four classes"),
        Input("sbp", "mmHg", 50.0, 260.0, "the living"),
        Input("bmi", "kg/m2", 8.0, 90.0, "the living"),
        Input("egfr", "mL/min/1.73 m2", 5.0, 200.0, "not on dialysis"),
        Input("diabetes", "0 or 1", 0.0, 1.0, _YES_NO),
        Input("nt_probnp", "ng/L", 5.0, 100_000.0, "assays"),
        Input("prior_hf_hospitalisation", "0 or 1", 0.0, 1.0, _YES_NO),
    )
    dials = (
        Dial("hf_rate", "multiply", 0.0, _LARGEST, "ratio", "the rate of hospitalisation for heart failure"),
        Dial("cv_hazard", "multiply", 0.0, _LARGEST, "ratio", "the hazard of cardiovascular death"),
        Dial("other_hazard", "multiply", 0.0, _LARGEST, "ratio", "the hazard of other death"),
    )
    endpoints = (
        Endpoint("hf_or_cv_death", "time_to_event", "months", True, 2.3 * WEEKS_PER_YEAR),
        Endpoint("first_hf", "time_to_event", "months", True, 2.3 * WEEKS_PER_YEAR),
        Endpoint("cv_death", "time_to_event", "months", True, 2.3 * WEEKS_PER_YEAR),
        Endpoint("death", "time_to_event", "months", True, 2.3 * WEEKS_PER_YEAR),
        Endpoint("hospitalisations", "recurrent", "hospitalisations", True, 2.3 * WEEKS_PER_YEAR),
        Endpoint("hf_and_cv_death", "recurrent", "hospitalisations and CV death", True, 2.3 * WEEKS_PER_YEAR),
    )
    sources = (
        f"{_DAPA}: rates, total events and ratios; DELIVER and CHAMPION for other treatments",
        "Pocock et al. 2013, Eur Heart J 34:1404: MAGGIC points and table of risks",
        "Assumed by trialsim: who is hospitalised more often; other death; one frailty for both",
    )

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw months to an event (M, 1), or of recurrent events (M, K); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        points, size = points_of(people), len(people)
        frailty = gamma_frailty(FRAILTY, size, chance("disease")) / 12
        stay = HOSPITALISATIONS / MEAN_STAY * stays_of(people, points) * frailty * dialled["hf_rate"]
        deadly = CV_DEATH / MEAN_DEATH * DEATH_ON_POINTS ** (points - MEAN_POINTS) * frailty
        generator = chance("outcome")
        cv = exponential_times(np.asarray(deadly * dialled["cv_hazard"]), generator)
        other = exponential_times(np.full(size, OTHER_DEATH / 12) * dialled["other_hazard"], generator)
        death = np.minimum(cv, other)
        if asked.kind == "recurrent":
            until = np.minimum(death, weeks[-1] / WEEKS_PER_MONTH)
            times = recurrent_times(np.asarray(stay), until, generator)
            if asked.name == "hf_and_cv_death":
                times = _with_last(times, np.where((cv <= other) & (cv <= until), cv, np.nan))
            return Realised(times, death)
        if asked.name == "cv_death":
            return Realised(cv[:, None], other)
        if asked.name == "death":
            return Realised(death[:, None])
        first = exponential_times(np.asarray(stay), generator)
        if asked.name == "first_hf":
            return Realised(first[:, None], death)
        return Realised(np.minimum(first, cv)[:, None], other)


def points_of(people: Covariates) -> Floats:
    """Return MAGGIC points (M,) by the items that are inputs."""
    column = people.column
    creatinine = creatinine_of(column("egfr"), column("age"), column("female"))
    nyha = np.round(column("nyha"))
    return maggic_points(
        column("lvef"), column("age"), column("sbp"), column("bmi"), creatinine, nyha,
        male=1 - column("female"), diabetes=column("diabetes"),
    )  # fmt: skip


def stays_of(people: Covariates, points: Floats) -> Floats:
    """Return h (M,): who is hospitalised more often."""
    before = np.where(people.column("prior_hf_hospitalisation") == 1, HOSPITALISED_BEFORE, 1.0)
    level = (people.column("nt_probnp") / CENTRE_NT_PROBNP) ** STAY_ON_NT_PROBNP
    return np.asarray(STAY_ON_POINTS ** (points - MEAN_POINTS) * level * before)


def _with_last(times: Floats, last: Floats) -> Floats:
    """Return event times (M, K + 1) with one more at the end of each row; NaN for none."""
    wider = np.column_stack([times, np.full(len(times), np.nan)])
    wider[np.arange(len(times)), np.isfinite(times).sum(axis=1)] = last
    return wider
