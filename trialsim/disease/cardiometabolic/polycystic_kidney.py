"""Autosomal dominant polycystic kidney disease: kidney volume and eGFR, after TEMPO 3:4."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_TEMPO = "TEMPO 3:4, Torres et al. 2012, N Engl J Med 367:2407"
_YEARLY = f"{_TEMPO}: yearly ratio of volume 1.06 (SD .05), eGFR -3.64 (SD 3.76) a year on placebo"

GROWTH = Parameter(0.0535, "log ratio a year", "published", f"{_TEMPO}: 5.5 % a year (5.1 to 6.0) on placebo")
SD_GROWTH = Parameter(0.045, "log ratio a year", "computed", _YEARLY)
ERROR_VOLUME = Parameter(0.03, "log SD", "assumed", "A manual reading of a scan")
SLOPE = Parameter(-3.64, "mL/min/1.73 m2 a year", "published", _YEARLY)
SD_SLOPE = Parameter(3.2, "mL/min/1.73 m2 a year", "computed", _YEARLY)
ERROR_EGFR = Parameter(5.0, "mL/min/1.73 m2", "assumed", "A laboratory value within a person")
ON_GROWTH = Parameter(-0.5, "correlation", "assumed", "Kidneys that grow faster lose more function")
ON_VOLUME = Parameter(-1.0, "a year a log unit", "assumed", "Larger kidneys for the age lose more function")
MEAN_LOG_VOLUME = Parameter(
    3.67, "log of mL a year", "computed", "Mean of log(volume / age) over the card adpkd"
)


class PolycysticKidney(DiseaseModel):
    """Straight lines of log kidney volume and of eGFR, each person's own, that go together.

        log V(t) = log V(0) + growth · r t + N(0, 0.03²),   r ~ N(0.0535, 0.045²) a year
        eGFR(t) = eGFR(0) + acute + slope · s t + N(0, 5²),   s ~ N(m, 3.2²) a year
        m = −3.64 − (log(V(0) / age) − 3.67)

    with a correlation of −0.5 between r and s. A treatment slows the growth (tolvaptan 0.51) and the loss of
    function (0.71), and lowers eGFR at once by way of blood flow (dial `acute`), which is no loss.

    Source: TEMPO 3:4 (1,445 participants, three years).
    """

    name = "polycystic_kidney"
    title = "Polycystic kidney disease, kidney volume and eGFR"
    parameters = parameters_in(globals())
    inputs = (
        Input("age", "years", 18.0, 80.0, "adults"),
        Input("kidney_volume", "mL", 100.0, 20_000.0, "two healthy kidneys have 250 to 400"),
        Input("egfr", "mL/min/1.73 m2", 15.0, 180.0, "not on dialysis"),
    )
    dials = (
        Dial("growth", "multiply", 0.0, 5.0, "ratio", "the growth of kidney volume"),
        Dial("slope", "multiply", 0.0, 5.0, "ratio", "the loss of eGFR a year"),
        Dial(
            "acute", "add", -20.0, 20.0, "mL/min/1.73 m2", "what eGFR falls or rises at once, from week 3 on"
        ),
    )
    endpoints = (
        Endpoint("log_volume", "score", "log of mL", True, 3 * WEEKS_PER_YEAR, 4.0, 10.5),
        Endpoint("egfr", "score", "mL/min/1.73 m2", False, 3 * WEEKS_PER_YEAR, 0.0, 250.0),
    )
    sources = (_YEARLY, "Assumed by trialsim: errors of measurement, and how volume and function go together")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw scores (M, V); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        normal = chance("disease").standard_normal((2, len(people)))
        error = chance("outcome").standard_normal((len(people), len(weeks))) * (weeks > 0)
        years = weeks / WEEKS_PER_YEAR
        if asked.name == "log_volume":
            growth = (GROWTH + SD_GROWTH * normal[0]) * dialled["growth"]
            start = np.log(people.column("kidney_volume"))[:, None]
            return Realised(np.clip(start + growth[:, None] * years + ERROR_VOLUME * error, 4.0, 10.5))
        own = ON_GROWTH * normal[0] + np.sqrt(1 - ON_GROWTH**2) * normal[1]
        size = np.log(people.column("kidney_volume") / people.column("age")) - MEAN_LOG_VOLUME
        slope = (SLOPE + ON_VOLUME * size + SD_SLOPE * own) * dialled["slope"]
        acute = np.where(weeks >= 3, 1.0, 0.0) * np.reshape(dialled["acute"], (-1, 1))
        score = people.column("egfr")[:, None] + acute + slope[:, None] * years + ERROR_EGFR * error
        return Realised(np.clip(score, 0.0, 250.0))
