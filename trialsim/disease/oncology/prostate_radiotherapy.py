"""Prostate cancer after radiotherapy: tumour control by dose, failure, and late harm."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised
from trialsim.disease.oncology.glioma_growth import biologically_effective_dose

_FLAME = "FLAME, Kerkmeijer et al. 2021, J Clin Oncol 39:787, and its ten years"
_FITTED = f"So that both arms have their published course: {_FLAME}"

FRACTIONS = Parameter(35.0, "fractions", "published", _FLAME)
DOSE = Parameter(77.0, "Gy", "published", _FLAME)
ALPHA_BETA = Parameter(3.0, "Gy", "assumed", "Of the tumour; between 1.5 and 3 in reviews")
LOG_CELLS = Parameter(16.1, "log clonogens", "assumed", "10 million, PSA 12, Gleason 7")
ALPHA = Parameter(0.160, "a Gy", "computed", _FITTED)
SD_ALPHA = Parameter(0.42, "log", "computed", _FITTED)
CELLS_BY_PSA = Parameter(0.5, "log clonogens a log PSA", "assumed", "More marker, more tumour")
CELLS_BY_STAGE = Parameter(0.7, "log clonogens if T3", "assumed", "Larger tumours")
LOCAL_SCALE = Parameter(8.26, "years", "computed", _FITTED)
LOCAL_SHAPE = Parameter(1.45, "power", "computed", _FITTED)
ELSEWHERE = Parameter(
    0.0075, "a year", "computed", f"Failure that no dose at the prostate prevents: {_FITTED}"
)
BY_GRADE = Parameter(1.4, "hazard ratio if Gleason 8 to 10", "assumed", "Of failure elsewhere")
URINARY = Parameter(0.23, "share", "published", f"Late genitourinary harm of grade 2 and more: {_FLAME}")
URINARY_SLOPE = Parameter(0.01467, "logit a Gy", "computed", f"28 % with a boost to 95 Gy: {_FLAME}")
BOWEL = Parameter(0.12, "share", "published", f"Late gastrointestinal harm of grade 2 and more: {_FLAME}")
BOWEL_SLOPE = Parameter(0.00505, "logit a Gy", "computed", f"13 % with a boost to 95 Gy: {_FLAME}")

_PSA = 12.0
_HIGH_GRADE = 8.0
_LARGEST = 20.0
_HORIZON = 10 * WEEKS_PER_YEAR


class ProstateRadiotherapy(DiseaseModel):
    """Tumour control by the Poisson and linear-quadratic models, failure over years, and late harm.

        control = exp(−N exp(−α D (1 + d / 3))),   α ~ 0.160 · log-normal(0.42),   d = D / 35
        failure = min(local: never if controlled, else Weibull(8.26 years, 1.45); elsewhere: 0.0075 a year)
        logit harm = logit(0.23) + 0.01467 boost

    A focal boost (`boost_gy`) raises the dose of the tumour that is seen on a scan above 77 Gy, up to 95 in
    FLAME. It does nothing against failure elsewhere.

    Sources: FLAME, whose two arms are met; everything between its two doses is the model's.
    """

    name = "prostate_radiotherapy"
    title = "Prostate cancer: control and harm by dose of radiotherapy"
    parameters = parameters_in(globals())
    inputs = (
        Input("psa", "ug/L", 0.1, 500.0, "assays"),
        Input("gleason", "points", 6.0, 10.0, "the score's scale, of cancers"),
        Input("stage_t3", "0 or 1", 0.0, 1.0, "a yes or no"),
    )
    dials = (
        Dial("boost_gy", "add", -77.0, 40.0, "Gy", "dose at the tumour, beside 77 Gy in 35 fractions"),
        Dial("elsewhere", "multiply", 0.0, _LARGEST, "ratio", "the hazard of failure outside the prostate"),
        Dial("harm", "multiply", 0.0, _LARGEST, "odds ratio", "the odds of late harm"),
    )
    endpoints = (
        Endpoint("failure", "time_to_event", "months", True, _HORIZON),
        Endpoint("local_failure", "time_to_event", "months", True, _HORIZON),
        Endpoint("late_urinary", "response", "grade 2 or more", True, _HORIZON),
        Endpoint("late_bowel", "response", "grade 2 or more", True, _HORIZON),
    )
    sources = (
        _FLAME,
        "Assumed by trialsim: clonogens by PSA and stage, failure elsewhere by grade, α/β; no other death",
    )  # fmt: skip

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw months to a failure, or who has late harm (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        boost = np.broadcast_to(np.asarray(dialled["boost_gy"], dtype=np.float64), (len(people),))
        outcome = chance("outcome")
        uniform, waits = outcome.random((2, len(people))), outcome.standard_exponential((2, len(people)))
        if asked.kind == "response":
            share, slope = (URINARY, URINARY_SLOPE) if asked.name == "late_urinary" else (BOWEL, BOWEL_SLOPE)
            odds = share / (1 - share) * np.exp(slope * boost) * dialled["harm"]
            return Realised((uniform[1] < odds / (1 + odds)).astype(np.float64)[:, None])
        alpha = ALPHA * np.exp(SD_ALPHA * chance("disease").standard_normal(len(people)))
        controlled = uniform[0] < control(DOSE + boost, log_cells(people), alpha)
        local = np.where(controlled, np.inf, 12 * LOCAL_SCALE * waits[0] ** (1 / LOCAL_SHAPE))
        rate = ELSEWHERE * np.where(people.column("gleason") >= _HIGH_GRADE, BY_GRADE, 1.0)
        with np.errstate(divide="ignore"):
            elsewhere = 12 * waits[1] / (rate * dialled["elsewhere"])
        if asked.name == "local_failure":
            return Realised(local[:, None], elsewhere)
        return Realised(np.minimum(local, elsewhere)[:, None])


def log_cells(people: Covariates) -> Floats:
    """Return the log number of clonogens (M,)."""
    by_psa = CELLS_BY_PSA * np.log(people.column("psa") / _PSA)
    return np.asarray(LOG_CELLS + by_psa + CELLS_BY_STAGE * people.column("stage_t3"))


def control(dose: Floats, log_number: Floats, alpha: Floats) -> Floats:
    """Return the probability of tumour control (M,), exp(−N exp(−α D (1 + d / (α/β)))).

    Examples
    --------
    >>> round(float(control(np.array([77.0]), np.array([16.1]), np.array([0.14]))[0]), 3)
    0.927
    """
    killed = alpha * biologically_effective_dose(dose, FRACTIONS, ALPHA_BETA)
    return np.asarray(np.exp(-np.exp(log_number - killed)))
