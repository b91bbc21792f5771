"""Serious infections in chronic granulomatous disease, after the trial of interferon gamma."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.events import gamma_frailty, recurrent_times
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_MONTH, WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_FIT = "Negative binomial regression by trialsim of survival::cgd0, 128 participants (log rates, SE .2 to .4)"

RATE = Parameter(0.747, "a year", "computed", f"{_FIT}: placebo, age 15, X-linked, on antibiotics")
POWER_OF_AGE = Parameter(-0.306, "power", "computed", f"{_FIT}: SE .16")
AUTOSOMAL = Parameter(1.40, "ratio", "computed", f"{_FIT}: log ratio .34, SE .30")
WITHOUT_ANTIBIOTICS = Parameter(1.72, "ratio", "computed", f"{_FIT}: log ratio .55, SE .40")
FRAILTY = Parameter(0.742, "variance", "computed", f"{_FIT}: SE .37")
CENTRE_AGE = 15.0


class CgdInfections(DiseaseModel):
    """Serious infections (hospital and parenteral antibiotics), each person at a constant rate.

        rate = 0.747 a year · (age / 15)^−0.306 · 1.40^autosomal · 1.72^(no antibiotics) · dial · z
        z gamma with mean 1 and variance 0.742

    Sources: International CGD Cooperative Study Group 1991, N Engl J Med 324:509 (128 participants, up to a
    year); its rows are `cgd0` of the R package survival, from which the numbers were computed.
    """

    name = "cgd_infections"
    title = "Serious infections in chronic granulomatous disease"
    parameters = parameters_in(globals())
    inputs = (
        Input("age", "years", 0.5, 60.0, "the trial enrolled ages 1 to 44"),
        Input("autosomal", "0 or 1", 0.0, 1.0, "a yes or no; else X-linked"),
        Input("antibiotics", "0 or 1", 0.0, 1.0, "a yes or no: prophylactic antibiotics"),
    )
    dials = (Dial("infection_rate", "multiply", 0.0, 20.0, "ratio", "the rate of serious infections"),)
    endpoints = (Endpoint("infections", "recurrent", "serious infections", True, WEEKS_PER_YEAR),)
    sources = (
        "International CGD Cooperative Study Group 1991, N Engl J Med 324:509: 56 infections in 30 of 65 on "
        "placebo, 20 in 14 of 63 on interferon gamma",
        _FIT,
    )

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw the months of infections (M, K); see `DiseaseModel.draw`."""
        self.endpoint_named(endpoint)
        dialled = settings(self, dials)
        require_people(people, self.inputs, self.name)
        rate = RATE * (people.column("age") / CENTRE_AGE) ** POWER_OF_AGE
        rate = rate * np.where(people.column("autosomal") == 1, AUTOSOMAL, 1.0)
        rate = rate * np.where(people.column("antibiotics") == 1, 1.0, WITHOUT_ANTIBIOTICS)
        rate = rate * dialled["infection_rate"] * gamma_frailty(FRAILTY, len(people), chance("disease"))
        return Realised(recurrent_times(rate / 12, weeks[-1] / WEEKS_PER_MONTH, chance("outcome")))
