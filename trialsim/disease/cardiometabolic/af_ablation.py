"""Recurrence of atrial fibrillation after a first ablation, by the APPLE score."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats, Ints
from trialsim.disease.evidence import Parameter, Table, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_APPLE = "APPLE score, Kornej et al. 2015 (1,145 ablations)"
_DECAAF = "DECAAF II, Marrouche et al. 2022, JAMA 327:2296: 188 of 408 with persistent fibrillation"

ODDS_RATIO = Table((1.0, 1.73, 2.79, 4.70), "odds ratio at 0, 1, 2, 3 and more points", "published", _APPLE)
OLD = Parameter(65.0, "years", "published", _APPLE)
KIDNEY = Parameter(60.0, "mL/min/1.73 m2", "published", _APPLE)
ATRIUM = Parameter(43.0, "mm", "published", _APPLE)
WEAK_HEART = Parameter(50.0, "%", "published", _APPLE)
ODDS = Parameter(
    0.2614, "odds", "computed", f"Without points; people with persistent fibrillation have 46.1 %: {_DECAAF}"
)


class AfAblation(DiseaseModel):
    """Any recurrence after three months of blanking, until 12 to 18 months after one ablation.

        odds = 0.2614 · (1, 1.73, 2.79, 4.70 at 0, 1, 2, 3 points) · recurrence · seen

    A point each for more than 65 years, persistent fibrillation, eGFR below 60, a left atrium of at least
    43 mm and an ejection fraction below 50 %. Odds are those of DECAAF II, where people recorded their
    rhythm often. Where people look seldom they see less: `seen` 0.47 gives the 29 % of a registry with
    persistent fibrillation.

    Sources: APPLE, DECAAF II.
    """

    name = "af_ablation"
    title = "Atrial fibrillation after ablation"
    parameters = parameters_in(globals())
    inputs = (
        Input("age", "years", 18.0, 100.0, "adults"),
        Input("persistent", "0 or 1", 0.0, 1.0, "a yes or no"),
        Input("egfr", "mL/min/1.73 m2", 5.0, 200.0, "not on dialysis"),
        Input("la_diameter", "mm", 10.0, 90.0, "echocardiography"),
        Input("lvef", "%", 5.0, 85.0, "echocardiography"),
    )
    dials = (
        Dial("recurrence", "multiply", 0.0, 20.0, "odds ratio", "the odds of a recurrence"),
        Dial(
            "seen", "multiply", 0.0, 20.0, "odds ratio", "the odds that one is seen, by how often people look"
        ),
    )
    endpoints = (Endpoint("recurrence", "response", "recurrence", True, 1.5 * WEEKS_PER_YEAR),)
    sources = (_APPLE, _DECAAF, "Assumed by trialsim: rare looks act on the odds")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw whether fibrillation recurs (M, 1); see `DiseaseModel.draw`."""
        self.endpoint_named(endpoint)
        dialled = settings(self, dials)
        require_people(people, self.inputs, self.name)
        ratio = np.array(ODDS_RATIO)[np.minimum(apple_points(people), 3)]
        odds = ODDS * ratio * dialled["recurrence"] * dialled["seen"]
        recurs = chance("outcome").random(len(people)) < odds / (1 + odds)
        return Realised(recurs.astype(np.float64)[:, None])


def apple_points(people: Covariates) -> Ints:
    """Return APPLE points (M,), 0 to 5."""
    column = people.column
    items = (
        column("age") > OLD, column("persistent") == 1, column("egfr") < KIDNEY,
        column("la_diameter") >= ATRIUM, column("lvef") < WEAK_HEART,
    )  # fmt: skip
    return np.sum(items, axis=0, dtype=np.int64)
