"""Oral theophylline: concentration, lung function and harm by dose, and beside another drug."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised
from trialsim.disease.pharmacology.kinetics import emax, steady_state

_FIT = "Twelve people of Boeckmann, Sheiner and Beal's theophylline data, each fitted on its own by us"

ABSORPTION = Parameter(1.61, "an hour", "computed", _FIT)
ELIMINATION = Parameter(0.088, "an hour", "computed", _FIT)
CLEARANCE = Parameter(0.0402, "L/h/kg", "computed", _FIT)
SD_ABSORPTION = Parameter(0.739, "log SD", "computed", _FIT)
SD_ELIMINATION = Parameter(0.186, "log SD", "computed", _FIT)
SD_CLEARANCE = Parameter(0.282, "log SD", "computed", _FIT)
DOSE = Parameter(5.0, "mg/kg every 12 h", "assumed", "A common dose")
LARGEST_GAIN = Parameter(20.0, "% of predicted", "assumed", "Assumed by trialsim")
HALF_GAIN = Parameter(10.0, "mg/L", "recalled", "Effects on FEV1 rise from 5 to 20 mg/L")
HARM = Parameter(20.0, "mg/L", "recalled", "Nausea and worse are common above 20 mg/L")
ERROR_FEV1 = Parameter(6.0, "% of predicted", "assumed", "Within a person, from visit to visit")
ERROR_CONCENTRATION = Parameter(0.10, "share", "assumed", "An assay")

EVERY = 12.0
_MOST = 400.0
_HORIZON = 52.0


class Theophylline(DiseaseModel):
    """A tablet every twelve hours at steady state, and what its concentration does.

        C(t) = D kₐ / (V (kₐ − k)) · (e^(−k t) / (1 − e^(−12 k)) − e^(−kₐ t) / (1 − e^(−12 kₐ))),   V = CL / k
        kₐ = 1.61 an hour, k = 0.088, CL = 0.0402 L/h/kg, log-normal between people (0.739, 0.186, 0.282)
        gain of FEV1 = 20 · C̄ / (10 + C̄) % of predicted, C̄ = D / (12 CL);   harm above a peak of 20 mg/L

    The dial `clearance` is what another drug does to it (an inhibitor of its enzyme: below 1, smoking: more);
    `trialsim.disease.pharmacology.interactions.exposure_ratio` gives the ratio of exposures, whose inverse it
    is. Without a dose it is placebo. How FEV1 follows the concentration is assumed.

    Source: our fit of the public data of twelve people.
    """

    name = "theophylline"
    title = "Theophylline by dose: concentration, FEV1 and harm"
    parameters = parameters_in(globals())
    inputs = (Input("fev1_percent", "% of predicted", 10.0, 120.0, "people with asthma"),)
    dials = (
        Dial("dose", "add", 0.0, 10.0, "of 5 mg/kg every 12 h", "the dose; 0 is placebo"),
        Dial("clearance", "multiply", 0.05, 20.0, "ratio", "the clearance, as another drug changes it"),
        Dial("potency", "multiply", 0.0, 5.0, "ratio", "the largest gain of FEV1"),
    )
    endpoints = (
        Endpoint("fev1", "score", "% of predicted", False, _HORIZON, 0.0, 160.0),
        Endpoint("trough", "score", "mg/L", True, _HORIZON, 0.0, _MOST),
        Endpoint("peak", "score", "mg/L", True, _HORIZON, 0.0, _MOST),
        Endpoint("harm", "response", "peak above 20 mg/L", True, _HORIZON),
    )
    sources = (
        _FIT,
        "Recalled: the range of 10 to 20 mg/L",
        "Assumed by trialsim: the gain of FEV1, all errors",
    )

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw scores (M, V), or who is harmed (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        normal = chance("disease").standard_normal((3, len(people)))
        # The dose, the clearance and the volume are all by weight, which falls out.
        clearance = CLEARANCE * np.exp(SD_CLEARANCE * normal[2])
        volume = clearance / (ELIMINATION * np.exp(SD_ELIMINATION * normal[1]))
        absorption = ABSORPTION * np.exp(SD_ABSORPTION * normal[0])
        elimination = clearance * dialled["clearance"] / volume
        dose = DOSE * np.asarray(dialled["dose"], dtype=np.float64)
        if asked.name == "fev1":
            mean = dose / (EVERY * clearance * dialled["clearance"])
            gain = emax(mean, LARGEST_GAIN, HALF_GAIN) * dialled["potency"]
            error = ERROR_FEV1 * chance("outcome").standard_normal((len(people), len(weeks)))
            score = people.column("fev1_percent")[:, None] + np.where(weeks > 0, gain[:, None] + error, 0.0)
            return Realised(np.clip(score, asked.lower, asked.upper))
        hours = np.array([0.0]) if asked.name == "trough" else peak_time(absorption, elimination)
        level = steady_state(hours, EVERY, dose, absorption, elimination, volume)
        if asked.name == "harm":
            return Realised((level > HARM).astype(np.float64)[:, None])
        error = 1 + ERROR_CONCENTRATION * chance("outcome").standard_normal((len(people), len(weeks)))
        return Realised(np.clip(np.where(weeks > 0, level[:, None] * error, 0.0), 0.0, _MOST))


def peak_time(absorption: Floats, elimination: Floats) -> Floats:
    """Return hours (M,) from a dose to the highest concentration at steady state.

    t = log[kₐ (1 − e^(−k τ)) / (k (1 − e^(−kₐ τ)))] / (kₐ − k).
    """
    ratio = (absorption * np.expm1(-elimination * EVERY)) / (elimination * np.expm1(-absorption * EVERY))
    apart = absorption - elimination
    near = np.abs(apart) < 1e-9
    return np.where(near, EVERY / 2, np.log(ratio) / np.where(near, 1.0, apart))
