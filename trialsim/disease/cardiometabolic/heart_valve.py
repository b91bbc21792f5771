"""A heart valve through a catheter: who has a leak by their anatomy, and what happens in the first year."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, Table, parameters_in
from trialsim.disease.inputs import WEEKS_PER_YEAR, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_PARTNER = "PARTNER 3, Mack et al. 2019, N Engl J Med 380:1695: 8.5 against 15.1 % in a year, ratio .54"
_LEAK = "So that .8 % have a moderate or severe leak, as recalled of PARTNER 3's valves"

SIZES = Table((20.0, 23.0, 26.0, 29.0), "mm", "recalled", "Sizes of a valve on a balloon")
LEAST_OVERSIZE = Parameter(3.0, "%", "assumed", "The smallest valve that is larger by this is taken")
MEASURING = Parameter(0.6, "mm", "assumed", "Error of the annulus on computed tomography")
DEMAND = Parameter(-6.53, "% of oversize", "computed", _LEAK)
BY_ECCENTRICITY = Parameter(12.0, "% a unit", "assumed", "An annulus that is less round needs more")
BY_CALCIUM = Parameter(0.8, "% a log volume", "assumed", "Calcium keeps the valve from the wall")
PLACING = Parameter(2.2, "%", "assumed", "How well the valve sits")
EVENTS = Parameter(0.161, "cumulative hazard in a year", "computed", f"15.1 % after surgery: {_PARTNER}")
SHAPE = Parameter(0.6, "power", "assumed", "Most events come early")
BY_RISK = Parameter(0.20, "log hazard a point", "assumed", "Of the STS score")
MEAN_RISK = Parameter(1.9, "%", "published", f"{_PARTNER}, mean STS score")
BY_LEAK = Parameter(2.0, "hazard ratio", "assumed", "Of a leak")

_LARGEST = 20.0
_CALCIUM = 200.0
_YEAR = WEEKS_PER_YEAR


class HeartValve(DiseaseModel):
    """A limit state of anatomy and device, and a Weibull law of death, stroke or a stay in hospital.

        g = oversize − (−6.53 + 12 eccentricity + 0.8 log(calcium / 200) + N(0, 2.2²)),   a leak if g < 0
        H(t) = 0.161 · t^0.6 · exp(0.20 (STS − 1.9)) · 2^leak · hazard

    The valve is the smallest that is 3 % larger than the measured annulus, or the largest there is. A
    device's dial is its seal: what it bridges beyond its size. Virtual anatomies are people of a card: what
    they say about a device is a scenario until people have had it, and enters a trial's analysis at a
    discount (`borrowed_controls`, ``discount``).

    Source: PARTNER 3 for the rates; how anatomy makes a leak is assumed.
    """

    name = "heart_valve"
    title = "Heart valve through a catheter: leak by anatomy, and events"
    parameters = parameters_in(globals())
    inputs = (
        Input("annulus", "mm", 14.0, 36.0, "adults, mean diameter"),
        Input("eccentricity", "share", 0.0, 0.6, "1 - least / largest diameter"),
        Input("calcium", "mm3", 1.0, 5000.0, "computed tomography"),
        Input("sts_score", "%", 0.1, 40.0, "the score's scale"),
    )
    dials = (
        Dial("seal", "add", -10.0, 10.0, "% of oversize", "what a device bridges beyond its size"),
        Dial("measuring", "multiply", 0.0, 5.0, "ratio", "the error of the measured annulus"),
        Dial("hazard", "multiply", 0.0, _LARGEST, "ratio", "the hazard of an event"),
    )
    endpoints = (
        Endpoint("event", "time_to_event", "months", True, _YEAR),
        Endpoint("event_in_a_year", "response", "death, stroke or hospital", True, _YEAR),
        Endpoint("leak", "response", "moderate or severe leak", True, _YEAR),
    )
    sources = (_PARTNER, "Assumed by trialsim: how size, shape and calcium make a leak, and what it does")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw months to an event, or who has one or a leak (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        measuring, placing = chance("disease").standard_normal((2, len(people)))
        seen = people.column("annulus") + MEASURING * dialled["measuring"] * measuring
        oversize = 100 * (valve_of(seen) / people.column("annulus") - 1) + dialled["seal"]
        leak = oversize < demand(people) + PLACING * placing
        if asked.name == "leak":
            return Realised(leak.astype(np.float64)[:, None])
        risk = np.exp(BY_RISK * (people.column("sts_score") - MEAN_RISK)) * np.where(leak, BY_LEAK, 1.0)
        with np.errstate(divide="ignore"):
            needed = chance("outcome").standard_exponential(len(people)) / (risk * dialled["hazard"])
        months = 12 * (needed / EVENTS) ** (1 / SHAPE)
        if asked.name == "event":
            return Realised(months[:, None])
        return Realised((months <= 12 * weeks[-1] / _YEAR).astype(np.float64)[:, None])


def valve_of(annulus: Floats) -> Floats:
    """Return the size of the valve (M,) for a measured annulus in mm.

    Examples
    --------
    >>> valve_of(np.array([19.0, 22.5, 24.0, 31.0])).tolist()
    [20.0, 26.0, 26.0, 29.0]
    """
    sizes = np.array(SIZES)
    enough = sizes >= (1 + LEAST_OVERSIZE / 100) * annulus[:, None]
    return np.asarray(np.where(enough.any(axis=1), sizes[enough.argmax(axis=1)], sizes[-1]))


def demand(people: Covariates) -> Floats:
    """Return the oversize in % (M,) that an anatomy needs on average."""
    by_shape = BY_ECCENTRICITY * people.column("eccentricity")
    return np.asarray(DEMAND + by_shape + BY_CALCIUM * np.log(people.column("calcium") / _CALCIUM))
