"""Duchenne muscular dystrophy on the 6-minute walk: Hamuro et al. 2017."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_PAPER = "Hamuro et al. 2017 (88 boys): two straight lines in age"
TOP = 1000.0

START = Parameter(270.0, "m at age 0", "published", _PAPER)
GROWTH = Parameter(19.6, "m a year", "published", _PAPER)
LATE = Parameter(1298.0, "m at age 0", "published", _PAPER)
LOSS = Parameter(84.9, "m a year", "published", _PAPER)
CV_GROWING = Parameter(0.22, "CV", "published", _PAPER)
CV_LOSING = Parameter(0.23, "CV", "published", _PAPER)
ERROR = Parameter(56.9, "m", "published", _PAPER)


class Duchenne(DiseaseModel):
    """Walking distance that grows with age, and from about ten years on is lost, whichever line is lower.

        w(a) = min(g (270 + 19.6 a), l (1298 − 84.9 a)),   a in years;   typical peak 463 m at 9.84 years
        measured: w + N(0, 56.9²), at least 0

    with log-normal g and l (CV 22 and 23 %), each boy's own. A boy who is chosen because he *measured* 300 to
    400 m was partly unlucky that day, and does better later: regression to the mean. A treatment multiplies
    what is lost from the first visit on (dial `loss`).

    Source: the paper's typical values and intervals.
    """

    name = "duchenne"
    title = "Duchenne muscular dystrophy, 6-minute walk"
    parameters = parameters_in(globals())
    inputs = (Input("age", "years", 4.0, 18.0, "boys of the paper's cohort"),)
    dials = (Dial("loss", "multiply", 0.0, 5.0, "ratio", "what is lost, or won, after the first visit"),)
    endpoints = (Endpoint("six_minute_walk", "score", "m", False, 2 * WEEKS_PER_YEAR, 0.0, TOP),)
    sources = (
        _PAPER,
        "Assumed by trialsim: the two effects of a boy are independent; 0 m once he cannot walk",
    )

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw distances (M, V); see `DiseaseModel.draw`."""
        self.endpoint_named(endpoint)
        dialled = settings(self, dials)
        require_people(people, self.inputs, self.name)
        normal = chance("disease").standard_normal((2, len(people)))
        growing, losing = (
            np.exp(np.sqrt(np.log1p(cv * cv)) * z)
            for cv, z in zip((CV_GROWING, CV_LOSING), normal, strict=True)
        )
        age = people.column("age")[:, None] + weeks / WEEKS_PER_YEAR
        distance = np.minimum(
            growing[:, None] * (START + GROWTH * age), np.maximum(losing[:, None] * (LATE - LOSS * age), 0.0)
        )
        loss = np.asarray(dialled["loss"])
        first = distance[:, :1]
        treated = first + (loss[:, None] if loss.ndim else loss) * (distance - first)
        error = ERROR * chance("outcome").standard_normal(treated.shape)
        return Realised(np.clip(treated + error, 0.0, TOP))
