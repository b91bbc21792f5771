"""Huntington's disease on the total functional capacity: Marder et al. 2000."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_PAPER = "Marder et al. 2000, Neurology 54:452 (960 people): decline a year by capacity at entry"
TOP = 13.0

LOSS_EARLY = Parameter(0.97, "points a year", "published", f"{_PAPER}, 7 to 13: .97 (.06) of 575")
LOSS_MIDDLE = Parameter(0.38, "points a year", "published", f"{_PAPER}, 3 to 6: .38 (.08) of 270")
LOSS_LATE = Parameter(0.06, "points a year", "published", f"{_PAPER}, 0 to 2: .06 (.10) of 101")
SD_EARLY = Parameter(1.44, "points a year", "computed", f"{_PAPER}: .06 √575")
SD_MIDDLE = Parameter(1.31, "points a year", "computed", f"{_PAPER}: .08 √270")
SD_LATE = Parameter(1.00, "points a year", "computed", f"{_PAPER}: .10 √101")
ERROR = Parameter(0.7, "points", "assumed", "Between two raters and visits")


class Huntingtons(DiseaseModel):
    """A straight loss of capacity, each person's own, that is slower the less is left at entry.

        y(t) = y(0) − loss · s t + N(0, 0.7²), within 0 to 13;   s ~ N(m, d² − 0.7²) a year
        m = 0.97, 0.38, 0.06 and d = 1.44, 1.31, 1.00 for 7 to 13, 3 to 6, and 0 to 2 at entry

    The printed standard errors hold both what people differ by and the error of a visit: the error is taken
    out. A treatment multiplies the mean loss of everybody (dial `loss`); people differ as before.

    Source: the paper's table; half points between the classes belong to the one above.
    """

    name = "huntingtons"
    title = "Huntington's disease, total functional capacity"
    parameters = parameters_in(globals())
    inputs = (Input("tfc", "points", 0.0, TOP, "the scale"),)
    dials = (Dial("loss", "multiply", 0.0, 5.0, "ratio", "the mean loss of capacity a year"),)
    endpoints = (Endpoint("tfc", "score", "points", False, 3 * WEEKS_PER_YEAR, 0.0, TOP),)
    sources = (_PAPER, "Assumed by trialsim: the error of a visit, straight lines")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw capacities (M, V); see `DiseaseModel.draw`."""
        self.endpoint_named(endpoint)
        dialled = settings(self, dials)
        require_people(people, self.inputs, self.name)
        start = people.column("tfc")
        mean = np.where(start >= 6.5, LOSS_EARLY, np.where(start >= 2.5, LOSS_MIDDLE, LOSS_LATE))
        spread = np.where(start >= 6.5, SD_EARLY, np.where(start >= 2.5, SD_MIDDLE, SD_LATE))
        own = np.sqrt(spread**2 - ERROR**2) * chance("disease").standard_normal(len(people))
        slope = mean * dialled["loss"] + own
        error = ERROR * chance("outcome").standard_normal((len(people), len(weeks))) * (weeks > 0)
        score = start[:, None] - slope[:, None] * weeks / WEEKS_PER_YEAR + error
        return Realised(np.clip(score, 0.0, TOP))
