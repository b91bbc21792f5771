"""Tumour size, progression by scans, and survival in lung cancer: Claret et al. 2014 (MONET1)."""

from __future__ import annotations

import numpy as np

from trialsim.data import Bools, Covariates, Floats
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_MONTH, WEEKS_PER_YEAR, require_option, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_PAPER = "Claret et al. 2014 (MONET1, 934 people); its supplement prints two of the rates the wrong way round"
_RECIST = "RECIST 1.1: 20 % and 5 mm above the smallest sum so far; response from 30 % below baseline"

GROWTH = Parameter(0.00107, "a day", "published", _PAPER)
KILL = Parameter(0.0103, "a day", "published", _PAPER)
RESISTANCE = Parameter(0.0193, "a day", "published", _PAPER)
SD_GROWTH = Parameter(1.18, "log SD", "published", _PAPER)
SD_KILL = Parameter(0.679, "log SD", "published", _PAPER)
SD_RESISTANCE = Parameter(0.797, "log SD", "published", _PAPER)
SURVIVAL = Parameter(1.079, "log days", "published", _PAPER)
ON_SIZE = Parameter(-0.00197, "log days a mm", "published", _PAPER)
ON_TIME_TO_GROWTH = Parameter(0.97695, "log days a log day", "published", _PAPER)
ON_ASIAN = Parameter(0.319, "log days", "published", _PAPER)
ON_EVER_SMOKER = Parameter(-0.264, "log days", "published", _PAPER)
LOG_SD_SURVIVAL = Parameter(-0.24, "log of the log SD", "published", _PAPER)
# The law of survival has no value below -100 days: .5 % of people.
EARLIEST = Parameter(-90.0, "days", "assumed", "The earliest time to growth that survival is computed from")
SCAN_ERROR = Parameter(0.065, "share", "assumed", "Between two readings of a scan, 5 to 8 %")
PROGRESSION = Parameter(0.20, "share", "published", _RECIST)
PROGRESSION_MM = Parameter(5.0, "mm", "published", _RECIST)
RESPONSE = Parameter(0.30, "share", "published", _RECIST)

Course = tuple[Floats, Floats, Floats, Floats]
LAST_WEEK = 4 * 52
_LARGEST = 20.0
_MOST_MM = 3_000.0
_DAYS = 7.0


class TumourGrowth(DiseaseModel):
    """A sum of diameters that shrinks while a drug kills and grows as it resists, and survival that follows.

        size(t) = size(0) · exp(g t − (k/r)(1 − e^(−r t))),   g = 0.00107, k = 0.0103, r = 0.0193 a day
        time to growth = log(k/g) / r
        log days of survival = 1.079 − 0.00197 size(0) + 0.977 log(time to growth + 100) + 0.319 Asian
                               − 0.264 ever smoker + N(0, 0.787²)

    with log-normal g, k and r of each person (SD 1.18, 0.679, 0.797). Scans come every six weeks until week
    36, then every nine, each with a reading error of 6.5 %; a progression is seen at the scan that finds it
    20 % and 5 mm above the smallest sum so far, and counts if the next scan still does (unless death comes
    first). Treatment turns `kill`, `growth` and `resistance`, and survival follows; `hazard` acts on survival
    alone (the time is divided by hazard^0.787). People are not Asian unless the option says so.

    Source: the paper, with the two rates exchanged so that its own time to growth comes out.

    Parameters
    ----------
    asian : float
        0 or 1, of everybody.
    scan_error : float
        Share, from 0 to 0.5.
    """

    name = "tumour_growth"
    title = "Tumour size, progression and survival in lung cancer"
    parameters = parameters_in(globals())
    inputs = (
        Input("sum_of_diameters", "mm", 0.0, 2_000.0, "measurable disease", open_low=True),
        Input("smoking", "0 never, 1 previous, 2 current", 0.0, 2.0, "ever or never counts"),
    )
    dials = (
        Dial("kill", "multiply", 0.0, _LARGEST, "ratio", "how fast a drug kills at first"),
        Dial("growth", "multiply", 0.0, _LARGEST, "ratio", "how fast a tumour grows"),
        Dial("resistance", "multiply", 0.01, _LARGEST, "ratio", "how fast a drug stops killing"),
        Dial("hazard", "multiply", 0.01, _LARGEST, "ratio", "survival alone"),
    )
    endpoints = (
        Endpoint("size", "score", "mm", True, 2 * WEEKS_PER_YEAR, 0.0, _MOST_MM),
        Endpoint("pfs", "time_to_event", "months", True, 2 * WEEKS_PER_YEAR),
        Endpoint("os", "time_to_event", "months", True, 3 * WEEKS_PER_YEAR),
        Endpoint("response", "response", "objective response", False, 2 * WEEKS_PER_YEAR),
    )
    sources = (
        _PAPER,
        _RECIST,
        "Assumed by trialsim: the error of a scan; that a progression must be confirmed",
    )

    def __init__(self, asian: float = 0.0, scan_error: float = SCAN_ERROR) -> None:
        self.asian = require_option(asian, "asian", 0.0, 1.0)
        self.scan_error = require_option(scan_error, "scan_error", 0.0, 0.5)

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw sizes (M, V), months (M, 1) or responses (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        normal = chance("disease").standard_normal((3, len(people)))
        growth = GROWTH * np.exp(SD_GROWTH * normal[0]) * dialled["growth"]
        kill = KILL * np.exp(SD_KILL * normal[1]) * dialled["kill"]
        resistance = RESISTANCE * np.exp(SD_RESISTANCE * normal[2]) * dialled["resistance"]
        size, outcome = people.column("sum_of_diameters"), chance("outcome")
        noise = outcome.standard_normal(len(people))
        ever = (people.column("smoking") > 0).astype(np.float64)
        mean = self._log_days(size, ever, time_to_growth(growth, kill, resistance))
        spread = np.exp(LOG_SD_SURVIVAL)
        days = np.exp(mean + spread * noise) / np.asarray(dialled["hazard"]) ** spread
        death = days / _DAYS / WEEKS_PER_MONTH
        course = (size, growth, kill, resistance)
        return {"os": _survival, "size": self._sizes, "response": self._response, "pfs": self._progression}[
            asked.name
        ](course, death, weeks, outcome)

    def _sizes(self, course: Course, death: Floats, weeks: Floats, outcome: np.random.Generator) -> Realised:
        error = outcome.standard_normal((len(death), len(weeks))) * (weeks > 0)
        seen = sizes(*course, weeks * _DAYS) * (1 + self.scan_error * error)
        return Realised(np.clip(seen, 0.0, _MOST_MM), death)

    def _scans(
        self, course: Course, death: Floats, outcome: np.random.Generator
    ) -> tuple[Floats, Floats, Bools]:
        scans = scan_weeks()
        error = 1 + self.scan_error * outcome.standard_normal((len(death), len(scans))) * (scans > 0)
        return scans, sizes(*course, scans * _DAYS) * error, death[:, None] > scans / WEEKS_PER_MONTH

    def _response(
        self, course: Course, death: Floats, weeks: Floats, outcome: np.random.Generator
    ) -> Realised:
        scans, seen, alive = self._scans(course, death, outcome)
        shrunk = (seen <= (1 - RESPONSE) * course[0][:, None]) & alive & (scans <= weeks[-1])
        return Realised(shrunk.any(axis=1).astype(np.float64)[:, None])

    def _progression(
        self, course: Course, death: Floats, weeks: Floats, outcome: np.random.Generator
    ) -> Realised:
        scans, seen, alive = self._scans(course, death, outcome)
        progression = progression_weeks(seen, scans, alive) / WEEKS_PER_MONTH
        return Realised(np.minimum(progression, death)[:, None])

    def _log_days(self, size: Floats, smoker: Floats, growing_after: Floats) -> Floats:
        after = np.log(np.maximum(growing_after, EARLIEST) + 100)
        return np.asarray(
            SURVIVAL
            + ON_SIZE * size
            + ON_TIME_TO_GROWTH * after
            + ON_ASIAN * self.asian
            + ON_EVER_SMOKER * smoker
        )


def _survival(course: Course, death: Floats, weeks: Floats, outcome: np.random.Generator) -> Realised:
    return Realised(death[:, None])


def time_to_growth(growth: Floats, kill: Floats, resistance: Floats) -> Floats:
    """Return days (M,) until a tumour is smallest; negative where it grows from the start.

    Examples
    --------
    >>> float(time_to_growth(np.array(0.00107), np.array(0.0103), np.array(0.0193)).round(1))
    117.3
    """
    with np.errstate(divide="ignore"):
        return np.asarray((np.log(kill) - np.log(growth)) / resistance)


def sizes(start: Floats, growth: Floats, kill: Floats, resistance: Floats, days: Floats) -> Floats:
    """Return sums of diameters (M, V) in mm at days (V,)."""
    g, k, r = (np.asarray(one, dtype=np.float64)[..., None] for one in (growth, kill, resistance))
    exponent = np.clip(g * days + k / r * np.expm1(-r * days), -20.0, 20.0)
    return np.asarray(np.asarray(start)[..., None] * np.exp(exponent))


def scan_weeks() -> Floats:
    """Return the weeks of scans: baseline, every six to week 36, then every nine for four years."""
    return np.concatenate([np.arange(0.0, 37.0, 6.0), np.arange(45.0, LAST_WEEK, 9.0)])


def progression_weeks(seen: Floats, weeks: Floats, alive: Bools) -> Floats:
    """Return the week (M,) of the first progression that the next scan confirms; infinite for none.

    Parameters
    ----------
    seen : ndarray (M, S)
        Sums of diameters at scans.
    weeks : ndarray (S,)
        Of scans.
    alive : ndarray of bool (M, S)
        Who has the scan: a progression before death needs no second one.
    """
    smallest = np.minimum.accumulate(seen, axis=1)
    before = np.column_stack([seen[:, :1], smallest[:, :-1]])
    grown = (seen >= (1 + PROGRESSION) * before) & (seen >= before + PROGRESSION_MM) & alive
    grown[:, 0] = False
    still = np.column_stack([grown[:, 1:] | ~np.asarray(alive)[:, 1:], np.ones(len(seen), dtype=bool)])
    found = grown & still
    return np.where(found.any(axis=1), weeks[found.argmax(axis=1)], np.inf)
