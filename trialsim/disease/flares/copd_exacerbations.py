"""Exacerbations of chronic obstructive pulmonary disease under two or three inhaled drugs, after IMPACT."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.events import gamma_frailty, recurrent_times
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_MONTH, WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_IMPACT = "IMPACT, Lipson et al. 2018, N Engl J Med 378:1671"
_TORCH = "TORCH, Jenkins et al. 2012, Eur Respir J 39:38, Table 2 (negative binomial, adjusted)"
_BY_EOSINOPHILS = "IMPACT under and above 150 cells/uL: rate ratios .85/.97 and .95/1.39, from memory"

RATE = Parameter(1.21, "a year", "published", f"{_IMPACT}: umeclidinium/vilanterol arm")
MEAN_RATIO = Parameter(1.8823, "ratio", "computed", "Mean of the product of ratios over the card copd")
ONE_BEFORE = Parameter(1.5, "ratio v none", "published", _TORCH)
TWO_BEFORE = Parameter(1.9, "ratio v none", "published", _TORCH)
FEV1_30_TO_50 = Parameter(1.4, "ratio v 50 % and more", "published", _TORCH)
FEV1_UNDER_30 = Parameter(1.9, "ratio v 50 % and more", "published", _TORCH)
MALE = Parameter(0.7, "ratio", "published", _TORCH)
CURRENT_SMOKER = Parameter(0.9, "ratio", "published", _TORCH)
SEVERE_BEFORE = Parameter(1.2, "ratio", "assumed", "Not printed by TORCH: history of a severe exacerbation")
FRAILTY = Parameter(0.8, "variance", "recalled", "Dispersion of trials in COPD is .7 to 1.0, from memory")
STEROID_RATIO = Parameter(0.7422, "ratio", "computed", f"{_IMPACT}: .75 over the card copd")
STEROID_ON_EOSINOPHILS = Parameter(-0.24, "log ratio a log unit", "recalled", _BY_EOSINOPHILS)
CENTRE_EOSINOPHILS = Parameter(170.0, "cells/uL", "published", "IMPACT as tabulated in Breathe, table 14591")
SEVERE_SHARE = Parameter(0.157, "share", "computed", f"{_IMPACT}: .19 severe of 1.21 a year")

_LARGEST = 20.0


class CopdExacerbations(DiseaseModel):
    """Moderate or severe exacerbations, each person at a constant rate, negative binomial over a period.

        rate = (1.21 / 1.88) a year · h · f · 0.7^male · 0.9^smoker · 1.2^severe before · dial · z · s
        h = 1, 1.5, 1.9 for none, one, two or more in the year before
        f = 1, 1.4, 1.9 for FEV1 of at least 50 %, 30 to 50 %, under 30 % of predicted
        z gamma with mean 1 and variance 0.8
        s = exp(steroid · (log 0.742 − 0.24 log(eosinophils / 170)))

    so that people of the card `copd` have the 1.21 a year of IMPACT's arm without a steroid (steroid 0). An
    inhaled steroid (1) does more with more eosinophils, and 0.75 on average. A share of 15.7 % is severe.

    Sources: rates of IMPACT (10,355 participants, 52 weeks), determinants of TORCH.
    """

    name = "copd_exacerbations"
    title = "Exacerbations of COPD"
    parameters = parameters_in(globals())
    inputs = (
        Input("previous_exacerbations", "in a year", 0.0, 20.0, "20 in a year are not told apart"),
        Input("severe_before", "0 or 1", 0.0, 1.0, "a yes or no"),
        Input("fev1_percent", "% of predicted", 10.0, 100.0, "TORCH: under 60 %; IMPACT: under 80 %"),
        Input("female", "0 or 1", 0.0, 1.0, "a yes or no"),
        Input("current_smoker", "0 or 1", 0.0, 1.0, "a yes or no"),
        Input("eosinophils", "cells/uL", 1.0, 5_000.0, "above, another disease"),
    )
    dials = (
        Dial("exacerbation_rate", "multiply", 0.0, _LARGEST, "ratio", "the rate of exacerbations"),
        Dial("severe_share", "multiply", 0.0, 6.0, "ratio", "the share of them that is severe"),
        Dial("steroid", "add", 0.0, 1.0, "dose of IMPACT", "an inhaled steroid, by eosinophils"),
    )
    endpoints = (
        Endpoint("exacerbations", "recurrent", "moderate or severe exacerbations", True, WEEKS_PER_YEAR),
        Endpoint("severe_exacerbations", "recurrent", "severe exacerbations", True, WEEKS_PER_YEAR),
    )
    sources = (
        f"{_IMPACT}: rates a year .91, 1.07 and 1.21, severe .13 and .19, ratios .75 and .85",
        f"{_TORCH}: ratios by history, FEV1, sex and smoking",
        "Recalled: the spread between people, and how a steroid acts by eosinophils",
    )

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw the months of exacerbations (M, K); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        on_steroid = np.log(STEROID_RATIO) + STEROID_ON_EOSINOPHILS * np.log(
            people.column("eosinophils") / CENTRE_EOSINOPHILS
        )
        rate = RATE / MEAN_RATIO * ratio_of(people) * np.exp(dialled["steroid"] * on_steroid)
        rate = rate * dialled["exacerbation_rate"] * gamma_frailty(FRAILTY, len(people), chance("disease"))
        if asked.name == "severe_exacerbations":
            rate = rate * np.minimum(SEVERE_SHARE * np.asarray(dialled["severe_share"]), 1.0)
        return Realised(recurrent_times(rate / 12, weeks[-1] / WEEKS_PER_MONTH, chance("outcome")))


def ratio_of(people: Covariates) -> Floats:
    """Return the product of ratios of people (M,), 1 for a woman without any determinant."""
    before, fev1 = people.column("previous_exacerbations"), people.column("fev1_percent")
    ratio = np.where(before >= 2, TWO_BEFORE, np.where(before >= 1, ONE_BEFORE, 1.0))
    ratio = ratio * np.where(fev1 < 30, FEV1_UNDER_30, np.where(fev1 < 50, FEV1_30_TO_50, 1.0))
    ratio = ratio * np.where(people.column("female") == 1, 1.0, MALE)
    ratio = ratio * np.where(people.column("current_smoker") == 1, CURRENT_SMOKER, 1.0)
    return np.asarray(ratio * np.where(people.column("severe_before") == 1, SEVERE_BEFORE, 1.0))
