"""Progression-free survival in hormone-receptor-positive metastatic breast cancer, after PALOMA-2."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.events import exponential_times
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_PALOMA = "PALOMA-2 (666 participants): median 14.5 months on letrozole, 24.8 with palbociclib, ratio .58"

HAZARD = Parameter(0.0478, "a month", "published", f"{_PALOMA}; log 2 / 14.5")
VISCERAL = Parameter(0.30, "log ratio", "assumed", "Visceral disease, as assumed by trialsim")
ECOG = Parameter(0.25, "log ratio", "assumed", "ECOG 1 or 2 against 0")
SITES = Parameter(0.10, "log ratio a site", "assumed", "Sites beyond the first")
MEDIAN_RATIO = Parameter(1.5066, "ratio", "computed", "So that the card's median is 14.5 months")

_HORIZON = 4 * WEEKS_PER_YEAR


class BreastProgression(DiseaseModel):
    """Progression or death at a constant hazard of each person.

        hazard = (0.0478 / 1.5066) a month · exp(0.30 visceral + 0.25 (ECOG > 0) + 0.10 (sites − 1)) · dial

    so that the card of PALOMA-2 has its median of 14.5 months. With the published ratios the medians of
    PALOMA-2, FALCON and MONARCH 2 follow within 5 %; those of PADA-1 and SERENA-6 do not: their hazards are
    not constant, or not proportional. The three covariates' weights are assumed.

    Source: medians and ratios of the trials.
    """

    name = "breast_progression"
    title = "Metastatic breast cancer, progression-free survival"
    parameters = parameters_in(globals())
    inputs = (
        Input("visceral", "0 or 1", 0.0, 1.0, "a yes or no"),
        Input("ecog", "class", 0.0, 4.0, "the scale"),
        Input("sites", "organs", 1.0, 10.0, "metastatic"),
    )
    dials = (Dial("hazard", "multiply", 0.0, 20.0, "ratio", "the hazard of progression or death"),)
    endpoints = (Endpoint("pfs", "time_to_event", "months", True, _HORIZON),)
    sources = (_PALOMA, "Assumed by trialsim: who progresses earlier, and constant hazards")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw months to progression or death (M, 1); see `DiseaseModel.draw`."""
        self.endpoint_named(endpoint)
        dialled = settings(self, dials)
        require_people(people, self.inputs, self.name)
        hazard = HAZARD / MEDIAN_RATIO * np.exp(told_of(people)) * dialled["hazard"]
        return Realised(exponential_times(np.asarray(hazard), chance("outcome"))[:, None])


def told_of(people: Covariates) -> Floats:
    """Return the log hazard ratio (M,) of people against one with none of the three."""
    column = people.column
    return np.asarray(
        VISCERAL * column("visceral") + ECOG * (column("ecog") > 0) + SITES * (column("sites") - 1)
    )
