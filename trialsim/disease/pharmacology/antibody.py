"""An average antibody under the skin: who keeps enough of it until the next dose."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, Table, parameters_in
from trialsim.disease.inputs import require_option, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised
from trialsim.disease.pharmacology.kinetics import two_compartments

_DAVDA = "Davda et al. 2014, mAbs 6:1094, four antibodies together"
CLEARANCE = Parameter(0.200, "L a day", "published", _DAVDA)
CENTRAL = Parameter(3.61, "L", "published", _DAVDA)
PERIPHERAL = Parameter(2.75, "L", "published", _DAVDA)
BETWEEN = Parameter(0.747, "L a day", "published", _DAVDA)
ABSORPTION = Parameter(0.282, "a day", "published", _DAVDA)
AVAILABLE = Parameter(0.744, "share", "published", _DAVDA)
BY_WEIGHT = Parameter(0.865, "power of weight / 70 kg", "published", f"{_DAVDA}: of clearances")
VOLUME_BY_WEIGHT = Parameter(0.957, "power of weight / 70 kg", "published", f"{_DAVDA}: of volumes")
COVARIANCE = Table(
    (0.0987, 0.0786, 0.0377, 0.0786, 0.116, 0.0619, 0.0377, 0.0619, 0.0789),
    "log variances of clearance, central and peripheral volume", "published", _DAVDA,
)  # fmt: skip
VAR_ABSORPTION = Parameter(0.416, "log variance", "published", _DAVDA)
VAR_BETWEEN = Parameter(0.699, "log variance", "published", _DAVDA)
ERROR = Parameter(0.144, "share", "published", _DAVDA)
DOSE = Parameter(150.0, "mg", "assumed", "Of an antibody as it might be")
EVERY = Parameter(28.0, "days", "assumed", "Between doses")
TARGET = Parameter(5.0, "mg/L", "assumed", "What must be left before the next dose")

_HORIZON = 52.0
_MOST = 5_000.0
_APART, _NEAR = 1e-9, 1e-6


class Antibody(DiseaseModel):
    """Troughs of an antibody in two compartments, absorbed at a constant rate, dose after dose.

        C(t) = F D kₐ Σⱼ cⱼ [s(λⱼ) − s(kₐ)] / (kₐ − λⱼ),   s(λ) = e^(−λ r) (1 − e^(−λ n τ)) / (1 − e^(−λ τ))

    after n doses, r days since the last; clearances grow with weight^0.865, volumes with weight^0.957, and
    the logs of people's clearance and volumes are normal with the paper's covariance. `enough` is a trough at
    the end of follow-up of at least `target` mg/L.

    Source: Davda et al. 2014; dose, interval and target are assumed.
    """

    name = "antibody"
    title = "An antibody under the skin: troughs by weight and dose"
    parameters = parameters_in(globals())
    inputs = (Input("weight", "kg", 25.0, 250.0, "adults"),)
    dials = (
        Dial("dose", "multiply", 0.0, 20.0, "ratio", "the dose; 1 is 150 mg"),
        Dial("interval", "multiply", 0.1, 6.0, "ratio", "the time between doses; 1 is 28 days"),
        Dial("clearance", "multiply", 0.05, 20.0, "ratio", "the clearance, as another illness changes it"),
    )
    endpoints = (
        Endpoint("trough", "score", "mg/L", False, _HORIZON, 0.0, _MOST),
        Endpoint("enough", "response", "a trough at or above the target", False, _HORIZON),
    )
    sources = (
        _DAVDA, "Assumed by trialsim: dose, interval and target; nobody makes antibodies against it, and its "
        "target takes none of it away",
    )  # fmt: skip

    def __init__(self, target: float = TARGET) -> None:
        """Choose the trough that is enough, mg/L."""
        self.target = require_option(target, "target", 0.0, _MOST)

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw troughs (M, V), 0 at week 0, or who has enough (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        _, response, absorption = kinetics_of(people, chance("disease"), dialled["clearance"])
        every = EVERY * np.broadcast_to(np.asarray(dialled["interval"], dtype=np.float64), (len(people),))
        amount = AVAILABLE * DOSE * np.broadcast_to(np.asarray(dialled["dose"]), (len(people),))
        level = troughs(7 * weeks, amount, every, absorption, response)
        if asked.kind == "response":
            return Realised((level[:, -1] >= self.target).astype(np.float64)[:, None])
        error = 1 + ERROR * chance("outcome").standard_normal(level.shape)
        return Realised(np.clip(level * error, asked.lower, asked.upper))


def kinetics_of(
    people: Covariates, generator: np.random.Generator, ratio: float | Floats = 1.0
) -> tuple[Floats, Floats, Floats]:
    """Return clearances (M,), the response to a unit (2, 2, M) and absorption rates (M,) of people."""
    normal = generator.standard_normal((5, len(people)))
    root = np.linalg.cholesky(np.reshape(np.array(COVARIANCE), (3, 3)))
    own = np.exp(root @ normal[:3])
    size = people.column("weight") / 70
    clearance = CLEARANCE * size**BY_WEIGHT * own[0] * ratio
    central, peripheral = (
        volume * size**VOLUME_BY_WEIGHT * one for volume, one in ((CENTRAL, own[1]), (PERIPHERAL, own[2]))
    )
    between = BETWEEN * size**BY_WEIGHT * np.exp(np.sqrt(VAR_BETWEEN) * normal[3])
    response = two_compartments(clearance, central, between, peripheral)
    return clearance, response, ABSORPTION * np.exp(np.sqrt(VAR_ABSORPTION) * normal[4])


def troughs(days: Floats, amount: Floats, every: Floats, absorption: Floats, response: Floats) -> Floats:
    """Return concentrations (M, V) just before the dose that would be due on a day, from many doses.

    Parameters
    ----------
    days : ndarray (V,)
        Since the first dose; 0 is before it.
    amount, every, absorption : ndarray (M,)
        Absorbed mg a dose, days between doses, rate a day.
    response : ndarray (2, 2, M)
        Rates and weights of the two compartments.
    """
    (fast, slow), weights = response
    given = np.ceil(days / every[:, None] - _APART)
    since = days - (given - 1) * every[:, None]

    def summed(rate: Floats) -> Floats:
        column, step = rate[:, None], every[:, None]
        whole = np.expm1(-column * given * step) / np.expm1(-column * step)
        return np.asarray(np.where(given > 0, np.exp(-column * since) * whole, 0.0))

    total = np.zeros((len(amount), len(days)))
    for rate, weight in ((fast, weights[0]), (slow, weights[1])):
        # Two rates that are the same have a limit, which a millionth beside it is near enough.
        beside = np.where(np.abs(absorption - rate) < _NEAR * rate, rate * (1 + _NEAR), absorption)
        total += (weight / (beside - rate))[:, None] * (summed(rate) - summed(beside))
    return np.asarray(np.maximum(amount * absorption, 0.0)[:, None] * total)
