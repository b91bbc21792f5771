"""Amyotrophic lateral sclerosis: decline of the ALSFRS-R and death, which share each person's speed."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_MONTH, WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_STUDY_19 = "Edaravone Study 19 (MCI186-19), placebo: 41.8 (SD 2.2), and 34.8 (SD 5.8) at about 24 weeks"
_TRICALS = "TRICALS risk profile, public R code"
_ASSUMED = "Assumed by trialsim"
TOP = 48.0

DECLINE = Parameter(
    1.24, "points a month", "computed", f"{_STUDY_19}: 7.0 points in 5.5 months; 1.28 with the profile"
)
SPREAD = Parameter(0.58, "log SD", "computed", f"{_STUDY_19}: the SD of 5.8")
DECLINE_ON_PROFILE = Parameter(0.20, "log ratio a unit", "assumed", _ASSUMED)
ERROR = Parameter(1.5, "points", "assumed", _ASSUMED)
MEAN_PROFILE = Parameter(-4.50, "1", "computed", "Mean of the TRICALS profile over the card als")
DELAY = Parameter(
    0.75, "share of duration", "assumed", "Diagnosis after three quarters of the disease until entry"
)
SHAPE = Parameter(2.0, "1", "assumed", "Few die in the first months of a trial")
SCALE = Parameter(
    25.0, "months", "computed", "Median of 18.5 months at 1.66 points a month (CENTAUR, placebo)"
)
DEATH_ON_DECLINE = Parameter(0.6, "log ratio a point a month", "assumed", _ASSUMED)
DEATH_ON_PROFILE = Parameter(0.2, "log ratio a unit", "assumed", _ASSUMED)
ON_SLOPE = Parameter(-1.839, "1", "published", _TRICALS)
ON_DELAY = Parameter(-2.376, "1", "published", _TRICALS)
ON_AGE = Parameter(-0.264, "1", "published", _TRICALS)
ON_FVC = Parameter(0.474, "1", "published", _TRICALS)
ON_BULBAR = Parameter(0.271, "1", "published", _TRICALS)
ON_DEFINITE = Parameter(0.238, "1", "published", _TRICALS)
ON_DEMENTIA = Parameter(0.415, "1", "published", _TRICALS)


class Als(DiseaseModel):
    """A straight decline d of the score, and a hazard of death that is higher for those who decline faster.

        y(t) = y(0) − d t + N(0, 1.5²), within 0 to 48
        d = dial · 1.24 a month · exp(0.20 (p + 4.5) + s z − s²/2)
        S(t) = exp(−(t / 25)² · dial · exp(0.6 (d − 1.24) + 0.2 (p + 4.5))),   t in months, s = 0.58

    where p is the TRICALS risk profile of slope before entry, diagnostic delay, age at onset, vital capacity,
    bulbar onset and certainty of the diagnosis. A treatment that slows the decline delays death as well.
    Scores after death are missing; the difference at a visit is that of people as if nobody died.

    Sources: Study 19 (137 participants), TRICALS; PRO-ACT and CENTAUR for other speeds.
    """

    name = "als"
    title = "Amyotrophic lateral sclerosis, ALSFRS-R and death"
    parameters = parameters_in(globals())
    inputs = (
        Input("alsfrs_r", "points", 1.0, TOP, "the scale"),
        Input("age", "years", 20.0, 100.0, "adults; the profile has a power of the age at onset"),
        Input("disease_years", "years", 0.05, 15.0, "the profile has powers of slope and delay"),
        Input("fvc", "% of predicted", 20.0, 200.0, "the profile has powers of vital capacity"),
        Input("bulbar_onset", "0 or 1", 0.0, 1.0, "a yes or no"),
        Input("definite", "0 or 1", 0.0, 1.0, "a yes or no"),
    )
    dials = (
        Dial("decline", "multiply", 0.0, 10.0, "ratio", "the speed of the decline, and death by way of it"),
        Dial("hazard", "multiply", 0.0, 20.0, "ratio", "the hazard of death alone"),
    )
    endpoints = (
        Endpoint("alsfrs_r", "score", "points", False, 1.5 * WEEKS_PER_YEAR, 0.0, TOP),
        Endpoint("death", "time_to_event", "months", True, 3 * WEEKS_PER_YEAR),
    )
    sources = (
        _STUDY_19,
        _TRICALS,
        "CENTAUR: median survival; assumed by trialsim: how death follows the decline",
    )

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw scores (M, V), or months to death (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        profile = profile_of(people) - MEAN_PROFILE
        person = SPREAD * chance("disease").standard_normal(len(people)) - SPREAD**2 / 2
        decline = dialled["decline"] * DECLINE * np.exp(DECLINE_ON_PROFILE * profile + person)
        hazard = dialled["hazard"] * np.exp(
            DEATH_ON_DECLINE * (decline - DECLINE) + DEATH_ON_PROFILE * profile
        )
        generator = chance("outcome")
        with np.errstate(divide="ignore"):
            death = SCALE * (generator.standard_exponential(len(people)) / hazard) ** (1 / SHAPE)
        if asked.name == "death":
            return Realised(death[:, None])
        error = ERROR * generator.standard_normal((len(people), len(weeks))) * (weeks > 0)
        months = weeks / WEEKS_PER_MONTH
        score = people.column("alsfrs_r")[:, None] - decline[:, None] * months + error
        return Realised(np.clip(score, 0.0, TOP), death)


def profile_of(people: Covariates) -> Floats:
    """Return the TRICALS profile (M,), with the diagnostic delay as a share of the duration until entry."""
    months = 12 * people.column("disease_years")
    return tricals_profile(
        (people.column("alsfrs_r") - TOP) / months, DELAY * months,
        people.column("age") - people.column("disease_years"), people.column("fvc"),
        people.column("bulbar_onset"), people.column("definite"),
    )  # fmt: skip


def tricals_profile(
    slope: Floats,
    delay: Floats,
    age: Floats,
    fvc: Floats,
    bulbar: Floats,
    definite: Floats,
    dementia: float = 0,
) -> Floats:
    """Return the TRICALS risk profile: higher is worse, and trials select from about −6 to −2.

    Parameters
    ----------
    slope : ndarray (M,)
        Points a month since onset, at most 0.
    delay : ndarray (M,)
        Months from onset to diagnosis.
    age, fvc : ndarray (M,)
        Age at onset in years, vital capacity in % of predicted.
    bulbar, definite, dementia : ndarray (M,)
        1 or 0.

    Examples
    --------
    >>> round(float(tricals_profile(-0.5, 11.0, 60.0, 85.0, 0.0, 0.0)), 2)
    -4.53
    """
    capacity = fvc / 100
    return np.asarray(
        ON_SLOPE * (0.1 - slope) ** -0.5
        + ON_DELAY * ((delay / 10) ** -0.5 + np.log(delay / 10))
        + ON_AGE * (age / 100) ** -2
        + ON_FVC * (1 / capacity + capacity**-0.5)
        + ON_BULBAR * bulbar
        + ON_DEFINITE * definite
        + ON_DEMENTIA * dementia
    )
