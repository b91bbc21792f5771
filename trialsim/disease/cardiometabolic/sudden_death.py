"""Death of three causes in people who are considered for a defibrillator: SCD-HeFT and MADIT-II."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from trialsim.data import Covariates, Floats
from trialsim.disease.events import exponential_times
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_option, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_SCD = "SCD-HeFT, Bardy et al. 2005, N Engl J Med 352:225"
_SHARE = f"{_SCD}: all-cause ratio .77 with an arrhythmic ratio of .40 needs 38 % arrhythmic deaths"

DEATH = Parameter(0.0896, "a year", "recalled", f"{_SCD}: 244 of 847 on placebo in 45.5 months")
ARRHYTHMIC = Parameter(0.38, "share", "computed", _SHARE)
PUMP = Parameter(0.45, "share", "assumed", "Pump failure and other cardiac; the rest is not cardiac")
ON_LVEF = Parameter(-0.03, "log ratio a %", "assumed", "On both cardiac causes")
ON_CLASS = Parameter(0.5, "log ratio a class", "assumed", "NYHA class, on pump failure")
ON_AGE = Parameter(0.04, "log ratio a year", "assumed", "On pump failure and on other death")
CENTRE_LVEF = Parameter(24.0, "%", "computed", "Mean of the card icd_candidates")
CENTRE_CLASS = Parameter(2.3, "class", "computed", "Mean of the card icd_candidates")
CENTRE_AGE = Parameter(59.6, "years", "computed", "Mean of the card icd_candidates")
MEAN_PUMP = Parameter(1.176, "ratio", "computed", "Mean of the ratios over the card icd_candidates")
MEAN_ARRHYTHMIC = Parameter(1.0205, "ratio", "computed", "Mean of the ratios over the card icd_candidates")
MEAN_OTHER = Parameter(1.120, "ratio", "computed", "Mean of the ratios over the card icd_candidates")

_LARGEST = 20.0
_HORIZON = 5 * WEEKS_PER_YEAR


class SuddenDeath(DiseaseModel):
    """Three causes at constant hazards, of which a defibrillator acts on one.

        arrhythmic = 0.0896 · 0.38 a year · exp(−0.03 (LVEF − 24) + s m − s²/2) / 1.0205 · dial
        pump failure = 0.0896 · 0.45 · exp(−0.03 (LVEF − 24) + 0.5 (class − 2.3) + 0.04 (age − 59.6)) / 1.176
        not cardiac = 0.0896 · 0.17 · exp(0.04 (age − 59.6)) / 1.120

    where the marker m, N(0, 1) on the card, is what a twin or a scan says about arrhythmia. Its weight s is
    such that it tells those who die of arrhythmia with the AUC of the option `marker_auc`: s = √2 Φ⁻¹(AUC); 0
    at .5. A trial that takes people with a high marker shows what such a selection is worth.

    A defibrillator: `arrhythmic` 0.40 (SCD-HeFT), 0.33 (MADIT-II, where half of all deaths were sudden).

    Sources: SCD-HeFT (2,521 participants), MADIT-II (1,232).

    Parameters
    ----------
    marker_auc : float
        From 0.5 to 0.95.
    """

    name = "sudden_death"
    title = "Sudden cardiac death and a defibrillator"
    parameters = parameters_in(globals())
    inputs = (
        Input("age", "years", 18.0, 100.0, "adults"),
        Input("lvef", "%", 5.0, 45.0, "people who are considered for a defibrillator"),
        Input("nyha", "class", 1.0, 4.0, "four classes"),
        Input("marker", "standard deviations", -6.0, 6.0, "of a standard normal law"),
    )
    dials = (
        Dial("arrhythmic", "multiply", 0.0, _LARGEST, "ratio", "the hazard of arrhythmic death"),
        Dial(
            "pump", "multiply", 0.0, _LARGEST, "ratio", "the hazard of pump failure and other cardiac death"
        ),
        Dial("other", "multiply", 0.0, _LARGEST, "ratio", "the hazard of death that is not cardiac"),
    )
    endpoints = tuple(
        Endpoint(name, "time_to_event", "months", True, _HORIZON)
        for name in ("death", "arrhythmic_death", "cardiac_death")
    )
    sources = (
        _SCD,
        "MADIT-II, Moss et al. 2002, N Engl J Med 346:877: sudden death 10.0 against 3.8 %, ratio .33",
        "Assumed by trialsim: shares of the other causes, and who is at risk of which",
    )

    def __init__(self, marker_auc: float = 0.5) -> None:
        self.marker_auc = require_option(marker_auc, "marker_auc", 0.5, 0.95)

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw months to death (M, 1), and to death of other causes; see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        ratios, generator = ratios_of(people, self.marker_auc), chance("outcome")
        shares = {"arrhythmic": ARRHYTHMIC, "pump": PUMP, "other": 1 - ARRHYTHMIC - PUMP}
        months = {
            cause: exponential_times(
                np.asarray(DEATH / 12 * share * ratios[cause] * dialled[cause]), generator
            )
            for cause, share in shares.items()
        }
        arrhythmic, pump, other = months["arrhythmic"], months["pump"], months["other"]
        cardiac = np.minimum(arrhythmic, pump)
        first, ends = {
            "death": (np.minimum(cardiac, other), None),
            "arrhythmic_death": (arrhythmic, np.minimum(pump, other)),
            "cardiac_death": (cardiac, other),
        }[asked.name]
        return Realised(first[:, None], ends)


def ratios_of(people: Covariates, marker_auc: float) -> dict[str, Floats]:
    """Return what multiplies the hazard of each cause in each person (M,), 1 on average over the card."""
    lvef = ON_LVEF * (people.column("lvef") - CENTRE_LVEF)
    age = ON_AGE * (people.column("age") - CENTRE_AGE)
    weight = np.sqrt(2) * ndtri(marker_auc)
    told = weight * people.column("marker") - weight**2 / 2
    pump = lvef + ON_CLASS * (people.column("nyha") - CENTRE_CLASS) + age
    return {
        "arrhythmic": np.exp(lvef + told) / MEAN_ARRHYTHMIC, "pump": np.exp(pump) / MEAN_PUMP,
        "other": np.exp(age) / MEAN_OTHER,
    }  # fmt: skip
