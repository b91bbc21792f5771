"""Glioblastoma after radiotherapy: how far it has grown, and survival with and without temozolomide."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats, Ints
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised
from trialsim.disease.oncology import glioma_growth
from trialsim.disease.oncology.glioma_growth import GROWTH, ROCKNE, SENSITIVITY, SPREAD, radii

_EORTC = "EORTC 26981, Stupp et al. 2009, Lancet Oncol 10:459: survival at two to five years"
_FITTED = f"Fitted to the radiotherapy arm over the card's people: {_EORTC}"
_DRUG = "Hegi et al. 2005, and a little more for EORTC's second arm"
_HEGI = "Hegi et al. 2005, N Engl J Med 352:997, ratios by MGMT"

EVENTS = Parameter(6.99, "cumulative hazard at the end", "computed", _FITTED)
SCALE = Parameter(28.7, "months", "computed", _FITTED)
SHAPE = Parameter(2.246, "power", "computed", _FITTED)
DRUG_METHYLATED = Parameter(0.48, "hazard ratio", "computed", f"{_DRUG}: .51 as recalled")
DRUG_UNMETHYLATED = Parameter(0.66, "hazard ratio", "computed", f"{_DRUG}: .69 as recalled")
METHYLATED = Parameter(-0.45, "log hazard", "recalled", f"{_HEGI}, radiotherapy arm")
AGE = Parameter(0.025, "log hazard a year", "assumed", "Older people die sooner")
STATUS = Parameter(0.30, "log hazard a grade", "assumed", "Of WHO performance")
SURGERY = Parameter(-0.25, "log hazard a grade", "assumed", "Biopsy, partial, complete")
VOLUME = Parameter(
    0.30, "log hazard a log volume", "assumed", "Of the T2 edge half a year after radiotherapy"
)
START = Parameter(25.0, "mm", "assumed", "Radius of the T2 edge at the start of radiotherapy")
READING = Parameter(1.5, "mm", "assumed", "Error of a radius on a scan")

_HALF_A_YEAR = 182.0
_MIDDLE = 56.0
_LARGEST = 20.0
_HORIZON = 5 * WEEKS_PER_YEAR


class Glioblastoma(DiseaseModel):
    """Growth by Fisher's equation in four groups, radiotherapy by the linear-quadratic model, and survival.

        c' = D ∇²c + ρ c (1 − c) − R c (1 − c),   R = 1 − exp(−α d (1 + d / 10)) at each of 30 fractions
        H(t) = ratio · θ (1 − exp(−(t / b)^a)),   log ratio = β·covariates + 0.30 log(volume / usual volume)

    A person belongs to one of four published groups of D, ρ and α with equal chance; nobody sees which. The
    volume is that of the T2 edge half a year after radiotherapy begins, against the one after 60 Gy. More
    dose at the core (`boost_gy`) kills where hardly anything grows: the edge comes back as far.
    Temozolomide multiplies the hazard, more so where MGMT is methylated.

    Sources: Rockne 2009; EORTC 26981, met; NRG-BN001 as a negative control.
    """

    name = "glioblastoma"
    title = "Glioblastoma: growth under radiotherapy, and survival"
    parameters = parameters_in(vars(glioma_growth)) | parameters_in(globals())
    inputs = (
        Input("age", "years", 18.0, 90.0, "adults"),
        Input("who_status", "grade", 0.0, 4.0, "WHO performance"),
        Input("surgery", "grade", 0.0, 2.0, "biopsy, partial, complete"),
        Input("mgmt_methylated", "0 or 1", 0.0, 1.0, "a yes or no"),
    )
    dials = (
        Dial("temozolomide", "add", 0.0, 1.0, "share", "the share of what temozolomide does"),
        Dial("dose", "multiply", 0.0, 2.0, "ratio", "the dose in the whole field; 1 is 60 Gy"),
        Dial("boost_gy", "add", 0.0, 40.0, "Gy", "more dose within 5 mm of the T1 edge, in the 30 fractions"),
        Dial("hazard", "multiply", 0.0, _LARGEST, "ratio", "the hazard of death"),
    )
    endpoints = (
        Endpoint("death", "time_to_event", "months", True, _HORIZON),
        Endpoint("radius", "score", "mm", True, WEEKS_PER_YEAR, 0.0, 200.0),
    )
    sources = (
        ROCKNE, _EORTC, "Recalled: Hegi 2005 by MGMT",
        "Assumed by trialsim: groups of one size, that nobody sees; how volume and covariates act",
    )  # fmt: skip

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw radii (M, V), or months to death (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        group = chance("disease").integers(0, len(SPREAD), len(people))
        if asked.name == "radius":
            seen = _edges(group, dialled["dose"], dialled["boost_gy"], np.round(7 * weeks))
            error = READING * chance("outcome").standard_normal(seen.shape)
            return Realised(np.clip(seen + error, asked.lower, asked.upper))
        end = np.array([_HALF_A_YEAR])
        edge = _edges(group, dialled["dose"], dialled["boost_gy"], end)[:, 0]
        usual = np.array([_edges(np.array([one]), 1.0, 0.0, end)[0, 0] for one in range(len(SPREAD))])
        # Nobody knows a person's group: the groups' own volumes are in the baseline hazard.
        log_volume = 3 * np.log(edge / np.exp(np.log(usual).mean()))
        drug = people.column("mgmt_methylated") * np.log(DRUG_METHYLATED)
        drug = drug + (1 - people.column("mgmt_methylated")) * np.log(DRUG_UNMETHYLATED)
        log_ratio = VOLUME * log_volume + prognosis(people) + dialled["temozolomide"] * drug
        ratio = np.exp(log_ratio) * dialled["hazard"]
        with np.errstate(divide="ignore"):
            needed = chance("outcome").standard_exponential(len(people)) / ratio
        return Realised(months_at(needed)[:, None])


def prognosis(people: Covariates) -> Floats:
    """Return the log hazard ratio of covariates (M,)."""
    value = people.column
    log_ratio = AGE * (value("age") - _MIDDLE) + STATUS * value("who_status")
    return np.asarray(log_ratio + SURGERY * value("surgery") + METHYLATED * value("mgmt_methylated"))


def months_at(cumulative: Floats) -> Floats:
    """Return months (M,) at which a cumulative hazard is used up; infinite beyond its end.

    t = b (−log(1 − H/θ))^(1/a).
    """
    share = np.minimum(cumulative / EVENTS, 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(SCALE * (-np.log1p(-share)) ** (1 / SHAPE))


def _edges(group: Ints, dose: float | Floats, boost: float | Floats, days: Floats) -> Floats:
    """Return radii of the T2 edge (M, V), solved once for every group, dose and boost that there is."""
    doses, boosts = (np.broadcast_to(one, group.shape).astype(np.float64) for one in (dose, boost))
    cases, which = np.unique(np.column_stack([group, doses, boosts]), axis=0, return_inverse=True)
    order = np.argsort(days, kind="stable")
    solved = np.empty((len(cases), len(days)))
    for row, (kind, gray, more) in enumerate(cases):
        one = int(kind)
        _, edges = radii(SPREAD[one], GROWTH[one], SENSITIVITY[one], float(START), gray, more, days[order])
        solved[row, order] = edges
    return np.asarray(solved[which.reshape(-1)])
