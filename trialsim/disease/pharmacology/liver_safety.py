"""Liver tests in a trial: ALT and bilirubin at visits, and the rare injury of a liver."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, Table, parameters_in
from trialsim.disease.inputs import require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_PILOT = "CDISC pilot, chemistry of 246 people (safetyData, adam_adlbc), read by another programmer"
VARIANCE = Parameter(0.16, "log2 of ALT", "computed", f"SD .34 to .47 by visit: {_PILOT}")
SLOW_SHARE = Parameter(0.14, "share of the variance", "computed", f"Correlations .77 to .67: {_PILOT}")
NOISE_SHARE = Parameter(0.20, "share of the variance", "computed", f"The rest; .66 is the person: {_PILOT}")
MEMORY = Parameter(8.0, "weeks", "assumed", "Of the slow share")
BILIRUBIN = Parameter(0.45, "times the limit", "assumed", "Median; upper limit 1.2 mg/dL")
SD_BILIRUBIN = Parameter(0.33, "log", "assumed", "Of a person")
NOISE_BILIRUBIN = Parameter(0.20, "log", "assumed", "Of a visit")
INJURY = Parameter(0.07, "a year", "computed", f"Three of 246 are seen above 3 limits: {_PILOT}")
PEAK = Parameter(2.3, "log of what ALT is multiplied by", "assumed", "A median of ten times")
SD_PEAK = Parameter(0.6, "log", "assumed", "Between injuries")
HALF_LIFE = Parameter(3.0, "weeks", "assumed", "Of an injury's rise, in its logarithm")
JAUNDICE = Parameter(0.33, "share of injuries", "computed", f"One of three with ALT above 3 limits: {_PILOT}")
RISE = Parameter(1.9, "log of what bilirubin is multiplied by", "assumed", "With jaundice")
VISITS = Table((2, 4, 6, 8, 12, 16, 20, 24, 26), "weeks", "published", "CDISC pilot, protocol")

_LIMIT_ALT, _LIMIT_BILIRUBIN = np.log(3.0), np.log(2.0)
_WEEKS_A_YEAR = 52.18
_HORIZON = 26.0


class LiverSafety(DiseaseModel):
    """Log ALT as a person's own level, a slow and a fast part, and now and then an injury that fades.

        log ALT(t) = log(own) + slow(t) + noise + shift + peak · 2^(−(t − T)/3) from T on
        T exponential, 0.07 a year

    in upper limits of normal. The variances give correlations of .77 two weeks apart and .67 at 26. A third
    of injuries come with jaundice. `alt_3` is anybody above three limits at one of the pilot's visits,
    `bilirubin_2` above two, `hys_law` both at one visit. Even placebo meets Hy's criteria now and then.

    Source: the pilot's public laboratory data; what an injury looks like is assumed.
    """

    name = "liver_safety"
    title = "Liver tests: ALT, bilirubin and Hy's law"
    parameters = parameters_in(globals())
    inputs = (
        Input("alt_limits", "times the limit", 0.02, 3.0, "participants of trials, by their usual level"),
    )
    dials = (
        Dial("injury", "multiply", 0.0, 200.0, "ratio", "the hazard of an injury of the liver"),
        Dial("shift", "add", -3.0, 3.0, "log", "log ALT at every visit after week 0"),
        Dial("jaundice", "multiply", 0.0, 3.0, "ratio", "the share of injuries with jaundice"),
    )
    endpoints = (
        Endpoint("log_alt", "score", "log of limits", True, _HORIZON, -5.0, 6.0),
        Endpoint("alt_3", "response", "ALT above three limits", True, _HORIZON),
        Endpoint("bilirubin_2", "response", "bilirubin above two limits", True, _HORIZON),
        Endpoint("hys_law", "response", "both at one visit", True, _HORIZON),
    )
    sources = (_PILOT, "Assumed by trialsim: bilirubin, and the course of an injury")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw log ALT (M, V), or who is above a limit (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        score = asked.kind == "score"
        visits = np.array(VISITS, dtype=np.float64)
        times = weeks if score else visits[visits <= weeks[-1] + 1e-9]
        size, own, outcome = len(people), chance("disease"), chance("outcome")
        waits, peak = own.standard_exponential(size), own.standard_normal(size)
        yellow, level = own.random(size), own.standard_normal(size)
        with np.errstate(divide="ignore"):
            start = _WEEKS_A_YEAR * waits / (INJURY * np.asarray(dialled["injury"], dtype=np.float64))
        since = times - start[:, None]
        left = np.where(since >= 0, 2.0 ** (-np.maximum(since, 0.0) / HALF_LIFE), 0.0)
        alt = np.log(people.column("alt_limits"))[:, None] + _slow(times, size, outcome)
        alt = alt + np.sqrt(NOISE_SHARE * VARIANCE) * outcome.standard_normal(alt.shape)
        alt = alt + np.where(times > 0, np.reshape(dialled["shift"], (-1, 1)), 0.0)
        alt = alt + np.maximum(PEAK + SD_PEAK * peak, 0.0)[:, None] * left
        if score:
            return Realised(np.clip(alt, asked.lower, asked.upper))
        jaundice = yellow < JAUNDICE * dialled["jaundice"]
        bilirubin = np.log(BILIRUBIN) + SD_BILIRUBIN * level[:, None] + (RISE * jaundice)[:, None] * left
        bilirubin = bilirubin + NOISE_BILIRUBIN * outcome.standard_normal(alt.shape)
        high, yellow_now = alt > _LIMIT_ALT, bilirubin > _LIMIT_BILIRUBIN
        found = {"alt_3": high, "bilirubin_2": yellow_now, "hys_law": high & yellow_now}
        return Realised(found[asked.name].any(axis=1).astype(np.float64)[:, None])


def _slow(times: Floats, people: int, generator: np.random.Generator) -> Floats:
    """Return the slow part (M, V) at ascending times: correlation e^(−Δt / 8 weeks)."""
    normal = generator.standard_normal((people, len(times)))
    found, sd = np.empty_like(normal), np.sqrt(SLOW_SHARE * VARIANCE)
    for visit in range(len(times)):
        if visit == 0:
            found[:, 0] = sd * normal[:, 0]
            continue
        kept = np.exp(-(times[visit] - times[visit - 1]) / MEMORY)
        found[:, visit] = kept * found[:, visit - 1] + sd * np.sqrt(1 - kept**2) * normal[:, visit]
    return found
