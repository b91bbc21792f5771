"""Early Parkinson's disease on the total UPDRS: Lee and Gobburu 2011, from the TEMPO trial of rasagiline."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_PAPER = "Lee and Gobburu 2011, AAPS J (TEMPO), times in months of four weeks"
TOP = 176.0

SLOPE = Parameter(0.73, "points a 4 weeks", "published", _PAPER)
SYMPTOMATIC = Parameter(1.12, "points", "published", _PAPER)
ONSET = Parameter(1.46, "a 4 weeks", "published", _PAPER)
VAR_SLOPE = Parameter(0.47, "variance", "published", _PAPER)
VAR_SYMPTOMATIC = Parameter(18.61, "variance", "published", _PAPER)
VAR_ERROR = Parameter(8.53, "variance", "published", _PAPER)


class Parkinsons(DiseaseModel):
    """A straight worsening and a placebo response with exponential onset, each person's own.

        y(t) − y(0) = (b + slope) t − (g + symptomatic)(1 − exp(−1.46 t)) + N(0, 8.53)
        b ~ N(0.73, 0.47),   g ~ N(1.12, 18.61),   t in months of 4 weeks

    within 0 to 176. A treatment may slow the worsening (dial `slope`: rasagiline −0.30) and relieve symptoms
    (dial `symptomatic`: 1.61). The two look alike after half a year; the slope goes on.

    Sources: the paper and its fit of TEMPO (404 participants, 26 weeks).
    """

    name = "parkinsons"
    title = "Early Parkinson's disease, total UPDRS"
    parameters = parameters_in(globals())
    inputs = (Input("updrs", "points", 1.0, 120.0, "the scale has 176; the trial had people of about 25"),)
    dials = (
        Dial("slope", "add", -5.0, 5.0, "points a 4 weeks", "the speed of the worsening"),
        Dial("symptomatic", "add", -20.0, 40.0, "points", "the relief of symptoms"),
    )
    endpoints = (Endpoint("updrs", "score", "points", True, WEEKS_PER_YEAR / 2, 0.0, TOP),)
    sources = (_PAPER, "Assumed by trialsim: the change does not depend on the baseline")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw scores (M, V); see `DiseaseModel.draw`."""
        self.endpoint_named(endpoint)
        dialled = settings(self, dials)
        require_people(people, self.inputs, self.name)
        normal = chance("disease").standard_normal((2, len(people)))
        slope = SLOPE + np.sqrt(VAR_SLOPE) * normal[0] + dialled["slope"]
        relief = SYMPTOMATIC + np.sqrt(VAR_SYMPTOMATIC) * normal[1] + dialled["symptomatic"]
        error = (
            np.sqrt(VAR_ERROR) * chance("outcome").standard_normal((len(people), len(weeks))) * (weeks > 0)
        )
        time = weeks / 4
        change = slope[:, None] * time + relief[:, None] * np.expm1(-ONSET * time) + error
        return Realised(np.clip(people.column("updrs")[:, None] + change, 0.0, TOP))
