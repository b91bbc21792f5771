"""Leukocytes after paclitaxel: the semi-mechanistic model of Friberg et al. 2002."""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.data import Covariates, Floats, Ints
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised
from trialsim.disease.pharmacology.kinetics import infused, two_compartments

_PAPER = "Friberg et al. 2002, J Clin Oncol 20:4713, paclitaxel and leukocytes"
BASELINE = Parameter(7.21, "10^9/L", "published", _PAPER)
TRANSIT = Parameter(124.0, "hours", "published", _PAPER)
POTENCY = Parameter(28.9, "L/umol", "published", _PAPER)
FEEDBACK = Parameter(0.239, "power", "published", _PAPER)
VAR_TRANSIT = Parameter(0.0296, "log variance", "published", _PAPER)
VAR_POTENCY = Parameter(0.176, "log variance", "published", _PAPER)
ERROR = Parameter(0.286, "share", "published", _PAPER)
CLEARANCE = Parameter(285.0, "L/h", "published", f"{_PAPER}, medians of the kinetics")
CENTRAL = Parameter(290.0, "L", "published", f"{_PAPER}, medians of the kinetics")
PERIPHERAL = Parameter(995.0, "L", "published", f"{_PAPER}, medians of the kinetics")
BETWEEN = Parameter(204.0, "L/h", "published", f"{_PAPER}, medians of the kinetics")
DOSE = Parameter(368.9, "umol", "computed", "315 mg, 175 mg/m2 at 1.8 m2, of 853.9 g/mol")
INFUSION = Parameter(3.0, "hours", "published", _PAPER)

STEP, LONG_STEP, EARLY = 0.5, 2.0, 24.0
CYCLE_WEEKS = 3
LIMITS = (4.0, 3.0, 2.0, 1.0)
_LOWEST, _HIGHEST = 0.0, 100.0
_HORIZON = 18.0


@njit(cache=True)
def _slopes(p, a, b, c, n, rate, start, killed):  # type: ignore[no-untyped-def]  # numba: five numbers and more
    """Return the five derivatives: proliferating cells, three stages of ripening, cells in blood."""
    born = rate * p * (1.0 - killed) * (start / n) ** FEEDBACK_POWER
    return born - rate * p, rate * (p - a), rate * (a - b), rate * (b - c), rate * (c - n)


FEEDBACK_POWER = float(FEEDBACK)


@njit(cache=True)
def leukocyte_courses(
    start: Floats, transit: Floats, potency: Floats, concentration: Floats, times: Floats, marks: Ints
) -> tuple[Floats, Floats, Floats]:
    """Return counts at marks (M, V), the lowest count (M,) and its hour (M,), by Runge–Kutta 4.

        P' = k P (1 − E) (n₀/n)^γ − k P,   three stages of ripening at k = 4 / transit,   n' = k (c − n)

    Parameters
    ----------
    start, transit, potency : ndarray (M,)
        n₀; the mean time to ripen, hours; E a unit of concentration.
    concentration : ndarray (2 S + 1,)
        At the times and half-way between them.
    times : ndarray (S + 1,)
        Hours, ascending.
    marks : ndarray of int (V,)
        Positions of times, ascending, at which counts are kept.
    """
    people, steps = len(start), len(times) - 1
    kept = np.empty((people, len(marks)))
    lowest, when = np.empty(people), np.zeros(people)
    for i in range(people):
        rate, n0 = 4.0 / transit[i], start[i]
        p = a = b = c = n = n0
        lowest[i], mark = n0, 0
        for s in range(steps + 1):
            while mark < len(marks) and marks[mark] == s:
                kept[i, mark] = n
                mark += 1
            if n < lowest[i]:
                lowest[i], when[i] = n, times[s]
            if s == steps:
                break
            e1 = potency[i] * concentration[2 * s]
            e2 = potency[i] * concentration[2 * s + 1]
            e3 = potency[i] * concentration[2 * s + 2]
            step = times[s + 1] - times[s]
            h = step / 2
            p1, a1, b1, c1, n1 = _slopes(p, a, b, c, n, rate, n0, e1)
            p2, a2, b2, c2, n2 = _slopes(
                p + h * p1, a + h * a1, b + h * b1, c + h * c1, n + h * n1, rate, n0, e2
            )
            p3, a3, b3, c3, n3 = _slopes(
                p + h * p2, a + h * a2, b + h * b2, c + h * c2, n + h * n2, rate, n0, e2
            )
            p4, a4, b4, c4, n4 = _slopes(
                p + step * p3, a + step * a3, b + step * b3, c + step * c3, n + step * n3, rate, n0, e3
            )
            p += step / 6 * (p1 + 2 * p2 + 2 * p3 + p4)
            a += step / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
            b += step / 6 * (b1 + 2 * b2 + 2 * b3 + b4)
            c += step / 6 * (c1 + 2 * c2 + 2 * c3 + c4)
            n += step / 6 * (n1 + 2 * n2 + 2 * n3 + n4)
    return kept, lowest, when


class Leukopenia(DiseaseModel):
    """Leukocytes in cycles of three weeks of paclitaxel, 315 mg infused in three hours, and the worst grade.

        P' = k P (1 − E C) (n₀/n)^0.239 − k P,   three stages of ripening at k = 4 / transit,   n' = k (c − n)
        transit ~ 124 h · log-normal(0.0296),   E ~ 28.9 L/umol · log-normal(0.176),   C in two compartments
        measured: n · (1 + N(0, 0.286²))

    Everybody starts at their own count n₀. Grades by the lowest count: below 4, 3, 2 and 1. A dose of 0 is
    placebo; who absorbs or clears otherwise is a dose of another size.

    Source: the paper's typical values, variances and median kinetics.
    """

    name = "leukopenia"
    title = "Leukopenia under chemotherapy, by dose"
    parameters = parameters_in(globals())
    inputs = (Input("leukocytes", "10^9/L", 1.0, 60.0, "the living, without leukaemia"),)
    dials = (
        Dial("dose", "multiply", 0.0, 3.0, "ratio", "the dose; 1 is 315 mg"),
        Dial("potency", "multiply", 0.0, 5.0, "ratio", "how much a concentration kills"),
    )
    endpoints = (
        Endpoint("leukocytes", "score", "10^9/L", False, _HORIZON, _LOWEST, _HIGHEST),
        Endpoint("nadir", "score", "10^9/L", False, _HORIZON, _LOWEST, _HIGHEST),
        Endpoint("grade_3", "response", "grade 3 or 4", True, _HORIZON),
        Endpoint("worst_grade", "level", "grade", True, _HORIZON, levels=("0", "1", "2", "3", "4")),
    )
    sources = (_PAPER, "Assumed by trialsim: the same kinetics in everybody")

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw counts (M, V), or one grade or response (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        normal = chance("disease").standard_normal((2, len(people)))
        transit = TRANSIT * np.exp(np.sqrt(VAR_TRANSIT) * normal[0])
        # Kinetics are linear, so that a dose acts as a potency.
        potency = POTENCY * np.exp(np.sqrt(VAR_POTENCY) * normal[1]) * dialled["dose"] * dialled["potency"]
        times = time_grid(weeks * 168)
        marks = np.searchsorted(times, weeks * 168)
        kept, lowest, _ = leukocyte_courses(
            people.column("leukocytes"), transit, np.asarray(potency), paclitaxel(times), times, marks
        )
        if asked.kind == "score":
            error = ERROR * chance("outcome").standard_normal(kept.shape) * (weeks > 0)
            scores = {"leukocytes": kept * (1 + error), "nadir": np.where(weeks > 0, lowest[:, None], kept)}
            return Realised(np.clip(scores[asked.name], _LOWEST, _HIGHEST))
        grade = (lowest[:, None] < np.array(LIMITS)).sum(axis=1).astype(np.float64)
        found = {"grade_3": (grade >= 3).astype(np.float64), "worst_grade": grade}
        return Realised(found[asked.name][:, None])


def time_grid(visits: Floats) -> Floats:
    """Return hours (S + 1,) to the last visit: half an hour a step in a cycle's first day, then two hours.

    Visits are among them.
    """
    cycle = np.concatenate([np.arange(0.0, EARLY, STEP), np.arange(EARLY, CYCLE_WEEKS * 168.0, LONG_STEP)])
    starts = np.arange(0.0, visits.max() + 1e-9, CYCLE_WEEKS * 168.0)
    grid = (starts[:, None] + cycle).ravel()
    return np.unique(np.concatenate([grid[grid <= visits.max()], visits]))


def paclitaxel(times: Floats, dose: float = DOSE) -> Floats:
    """Return concentrations in µmol/L at times and half-way between (2 S + 1,), an infusion a cycle."""
    halves = np.empty(2 * len(times) - 1)
    halves[::2], halves[1::2] = times, (times[1:] + times[:-1]) / 2
    response = two_compartments(CLEARANCE, CENTRAL, BETWEEN, PERIPHERAL)
    starts = np.arange(0.0, max(float(times[-1]), STEP), CYCLE_WEEKS * 168.0)
    return np.asarray(sum(infused(halves - start, dose, INFUSION, response) for start in starts))
